//! What has been read already: pages, records, histories, by one bounded moka cache above the adapters.
//!
//! A hit costs no call, no parsing, no quota. Equal reads at one time are one read. The read lives in a task of its own, so a
//! client that hangs up neither stops nor repeats it. Failures are not kept. What is no longer fresh is served while it is read
//! anew, and while the vendor fails, both for a bounded time and marked. What is forgotten is void at once, and so is what a read
//! brings that began before (`generations`). Recording links never come here.

mod flight;
mod held;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant as StdInstant};

use jiff::Timestamp;
use moka::future::Cache as Moka;
use moka::policy::EvictionPolicy;
use tokio::time::{Instant, timeout_at};

use self::flight::Wait;
pub(super) use self::held::{Age, Fresh, Life, Read};
use self::held::{Held, Holding};
use self::rows::{PLACE, Rows};
use super::generations::{Generations, Name, Stamp};
use super::record::Record;
use super::settings::Settings;
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{Key, NativeId, SourceId};
use crate::model::lease::Basis;
use crate::model::page::PageToken;
use crate::source::{ConversationQuery, LeadQuery};
use crate::telemetry::metrics::{self, CacheRead};

/// What an entry takes beside what it holds, about, in bytes: its key, its place in the cache, its part in the order of use and of
/// expiry.
const ENTRY: u32 = 480;

/// What names a read: the source (one credential) and what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ReadKey {
    // Boxed: most keys name records.
    Leads(SourceId, Box<LeadQuery>, Option<PageToken>),
    Conversations(SourceId, Box<ConversationQuery>, Option<PageToken>),
    Lead(Key),
    Conversation(Key),
    Interaction(Key),
    History(SourceId, NativeId),
}

impl ReadKey {
    fn source(&self) -> &SourceId {
        match self {
            Self::Leads(source, ..) | Self::Conversations(source, ..) | Self::History(source, _) => source,
            Self::Lead(key) | Self::Conversation(key) | Self::Interaction(key) => &key.source,
        }
    }

    /// All names by which what is held under it can be forgotten; some stand there twice.
    fn names(&self) -> [Name<'_>; 3] {
        let all = Name::Source(self.source());
        match self {
            Self::Leads(source, ..) => [all, all, Name::Leads(source)],
            Self::Conversations(source, ..) => [all, all, Name::Talks(source)],
            Self::Lead(key) | Self::Conversation(key) | Self::Interaction(key) => {
                [all, all, Name::Record(&key.source, &key.native)]
            }
            Self::History(source, lead) => [all, Name::Talks(source), Name::Record(source, lead)],
        }
    }

    /// The earliest stamp with which what is held under it is not void.
    fn since(&self, generations: &Generations) -> Stamp {
        generations.since(&self.names())
    }

    /// What is read, in one word.
    fn what(&self) -> &'static str {
        match self {
            Self::Leads(..) => "leads",
            Self::Conversations(..) => "conversations",
            Self::Lead(_) => "lead",
            Self::Conversation(_) => "conversation",
            Self::Interaction(_) => "interaction",
            Self::History(..) => "history",
        }
    }

    fn count(&self, result: CacheRead) {
        metrics::cache_read(self.source().as_str(), self.what(), result);
    }
}

/// The cache.
#[derive(Clone)]
pub(super) struct Cache {
    held: Moka<ReadKey, Held>,
    /// Reads under way, and since when their answer is not void: nobody joins one that began before. It holds what they gave no
    /// longer than those who wait for it need.
    flights: Moka<(ReadKey, Stamp), Held>,
    /// Leads of the pages that are held.
    rows: Rows,
    generations: Generations,
    /// How long one read may take, whoever waits for it.
    patience: Duration,
    /// How long a read may take where older data would do.
    hope: Duration,
    /// How long what is no longer fresh is served while it is read anew.
    aging: Duration,
    /// Sources that are no longer what they were, once this one has a successor: what it still reads of them is not kept.
    ended: Arc<OnceLock<HashSet<SourceId>>>,
    capacity: u64,
    /// Metrics tell of what is held for as long as this is there.
    there: Arc<()>,
}

/// About how many bytes something takes that is held.
fn weight(_: &ReadKey, held: &Held) -> u32 {
    let places = u32::try_from(held.rows().count()).unwrap_or(u32::MAX).saturating_mul(PLACE);
    held.weight.saturating_add(places).saturating_add(ENTRY)
}

struct Lifetime;

impl moka::Expiry<ReadKey, Held> for Lifetime {
    fn expire_after_create(&self, _: &ReadKey, held: &Held, _: StdInstant) -> Option<Duration> {
        Some(held.whole_life())
    }
    fn expire_after_update(
        &self,
        _: &ReadKey,
        held: &Held,
        _: StdInstant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(held.whole_life())
    }
}

impl Cache {
    pub(super) fn new(settings: &Settings) -> Self {
        let held = Moka::builder()
            .max_capacity(settings.cache_bytes - settings.page_bytes())
            .weigher(weight)
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(Lifetime)
            .build();
        let (told, there) = (held.clone(), Arc::new(()));
        let weak = Arc::downgrade(&there);
        metrics::watch_cache(move || {
            let gauges = || metrics::Cache { entries: told.entry_count(), bytes: told.weighted_size() };
            (weak.strong_count() > 0).then(gauges)
        });
        let flights = Moka::builder().max_capacity(1_024).time_to_live(Duration::from_nanos(1)).build();
        Self {
            held,
            flights,
            rows: Rows::default(),
            generations: Generations::new(),
            patience: settings.source_timeout,
            // Before a walk gives up on its stragglers.
            hope: settings.straggler_timeout / 2,
            aging: settings.stale_while_revalidate,
            ended: Arc::default(),
            capacity: settings.cache_bytes,
            there,
        }
    }

    /// The same under other settings. What is held keeps the life it was given; it is lost where the memory for it changes.
    /// Of sources that `ended` nothing is kept, nor what is being read of them just now. To be called once.
    pub(super) fn next(&self, settings: &Settings, ended: impl Iterator<Item = SourceId>) -> Self {
        let ended = self.ended.get_or_init(|| ended.collect());
        for source in ended {
            self.forget(Name::Source(source));
        }
        let next = Self { generations: self.generations.clone(), ..Self::new(settings) };
        if settings.cache_bytes != self.capacity {
            return next;
        }
        // Reads under way are not joined: one of a source that ended may begin even now, by a request that goes on as it began.
        Self { held: self.held.clone(), rows: self.rows.clone(), there: Arc::clone(&self.there), ..next }
    }

    /// What is held under a key and fresh, without reading.
    pub(super) async fn peek<V: Send + Sync + 'static>(&self, key: &ReadKey) -> Option<Read<V>> {
        let held = self.held(key).await.filter(|held| held.is_fresh())?;
        key.count(CacheRead::Hit);
        held.read(Age::Fresh)
    }

    /// Holds what came along with another read, which began at `begun`.
    pub(super) async fn hold<V: Send + Sync + 'static>(
        &self,
        key: ReadKey,
        fresh: Fresh<V>,
        fetched_at: Timestamp,
        begun: Stamp,
    ) {
        self.keep(key, Holding::new(fresh, fetched_at, begun)).await;
    }

    /// Lets go of what is held under a key, so that it is read anew.
    pub(super) async fn drop_held(&self, key: &ReadKey) {
        if let ReadKey::Lead(lead) = key {
            self.rows.take(lead, None);
        }
        if let Some(before) = self.held.remove(key).await {
            before.replace(&self.generations);
            self.part(&before).await;
        }
    }

    /// Forgets all that goes by a name, for everyone and at once: also what a read brings that is under way.
    pub(super) fn forget(&self, name: Name<'_>) {
        self.generations.forget(name);
    }

    /// The stamp of a read that begins now.
    #[cfg(test)]
    pub(super) fn now(&self) -> Stamp {
        self.generations.now()
    }

    /// What is held under a key and is not void.
    async fn held(&self, key: &ReadKey) -> Option<Held> {
        let held = match self.held.get(key).await {
            Some(held) => held,
            None => self.row(key).await?,
        };
        self.stands(key, &held).then_some(held)
    }

    /// Whether something may still be served under a key: it is not too old, and was not forgotten.
    fn stands(&self, key: &ReadKey, held: &Holding) -> bool {
        held.is_usable() && held.begun >= key.since(&self.generations)
    }

    /// A lead that stands on a page. From here on it is held by itself, so that it can be renewed and replaced without its page.
    async fn row(&self, key: &ReadKey) -> Option<Held> {
        let ReadKey::Lead(lead) = key else { return None };
        let (page, at) = self.rows.get(lead)?;
        let row = page.row(at, Record::weight).filter(|row| self.stands(key, row))?;
        // What was read by itself meanwhile is newer.
        Some(self.held.entry_by_ref(key).or_insert(Arc::new(row)).await.into_value())
    }

    /// Keeps what was read, unless it has become void meanwhile.
    async fn keep(&self, key: ReadKey, held: Held) {
        let ended = self.ended.get().is_some_and(|ended| ended.contains(key.source()));
        if ended || held.begun < key.since(&self.generations) {
            return;
        }
        if let ReadKey::Lead(lead) = &key {
            self.rows.take(lead, None);
        }
        let before = self.held.get(&key).await;
        self.held.insert(key, Arc::clone(&held)).await;
        for (at, lead) in held.rows() {
            let key = ReadKey::Lead(lead.key.clone());
            if held.begun >= key.since(&self.generations) {
                self.held.remove(&key).await.inspect(|before| before.replace(&self.generations));
                self.rows.put(&lead.key, &held, at);
            }
        }
        if let Some(before) = before {
            before.replace(&self.generations);
            self.part(&before).await;
        }
    }

    /// Keeps the rows of a page that is held no more, where no other page has them.
    async fn part(&self, page: &Held) {
        for (at, lead) in page.rows().filter(|(_, lead)| self.rows.take(&lead.key, Some(page))) {
            let key = ReadKey::Lead(lead.key.clone());
            if let Some(row) = page.row(at, Record::weight).filter(|row| self.stands(&key, row)) {
                self.held.entry(key).or_insert(Arc::new(row)).await;
            }
        }
    }

    /// What is held under a key, or else what `load` reads.
    ///
    /// # Errors
    /// What `load` says; `Timeout` where the request's deadline comes first (the read goes on and fills the cache).
    ///
    /// # Cancellation
    /// Dropping the future does not stop a read of which a call has been sent; one that still waits for its turn is not sent any
    /// more, unless others wait for it as well.
    pub(super) async fn read<V, F>(
        &self,
        cx: &Cx,
        key: ReadKey,
        load: impl FnOnce(Cx, Stamp) -> F + Clone + Send + 'static,
    ) -> Result<Read<V>, SourceError>
    where
        V: Send + Sync + 'static,
        F: Future<Output = Result<Fresh<V>, SourceError>> + Send + 'static,
    {
        let failed = |kind| SourceError::new(key.source(), "read", kind);
        let garbled = || failed(SourceErrorKind::Protocol);
        let held = if cx.anew { None } else { self.held(&key).await };
        if let Some(held) = held.as_ref().filter(|held| held.is_fresh()) {
            key.count(CacheRead::Hit);
            self.rest(cx, &key, held);
            return held.read(Age::Fresh).ok_or_else(garbled);
        }
        // What is not fresh, or not read, the next to ask may get otherwise.
        let doubt = cx.meter.ground.doubt();
        if let Some(held) = held.as_ref().filter(|held| held.is_aging(self.aging)) {
            key.count(CacheRead::Aging);
            if !held.renewing.swap(true, Ordering::Relaxed) {
                let nobody = Cx { meter: cx.meter.later(), background: true, ..cx.clone() };
                drop(self.fly(&nobody, key.clone(), load));
            }
            return held.read(Age::Aging).ok_or_else(garbled);
        }
        // With older data at hand, a vendor that hangs is not waited for to the end.
        let until = held.as_ref().map_or(cx.deadline, |_| cx.deadline.min(Instant::now() + self.hope));
        let outcome = loop {
            let mut wait = Wait::of(cx, |cx| self.fly(cx, key.clone(), load.clone()));
            let landed = timeout_at(until, &mut wait.flight).await;
            wait.over = true;
            match landed {
                // It joined a read that nobody waited for, and such a read gives up where this one would not.
                Ok(Ok(Err(lost))) if lost.background && !cx.background => {}
                Ok(Ok(outcome)) => break outcome.map_err(|lost| lost.error.clone()),
                Ok(Err(ended)) => break Err(failed(SourceErrorKind::Internal).because(ended)),
                Err(_) => break Err(failed(SourceErrorKind::Timeout)),
            }
        };
        match (outcome, held) {
            (Ok(held), _) => {
                key.count(CacheRead::Miss);
                doubt.clear();
                self.rest(cx, &key, &held);
                held.read(Age::Fresh).ok_or_else(garbled)
            }
            (Err(error), Some(held)) if stands_in(error.kind) => {
                key.count(CacheRead::Stale);
                held.read(Age::Stale(error)).ok_or_else(garbled)
            }
            (Err(error), _) => {
                key.count(CacheRead::Failed);
                Err(error)
            }
        }
    }

    /// Notes that an answer rests on something that was read.
    fn rest(&self, cx: &Cx, key: &ReadKey, held: &Holding) {
        let standing = self.generations.standing(key.names(), held.begun, Arc::clone(held.replaced()));
        let standing: Arc<dyn Basis> = Arc::new(standing);
        cx.meter.ground.rest(held.fresh_until(), &standing);
    }
}

/// Whether older data may stand in for a read that failed so: not where the vendor shut us out, or knows better.
fn stands_in(kind: SourceErrorKind) -> bool {
    use SourceErrorKind::{NotFound, StaleToken, Unauthorized, Unsupported};
    !matches!(kind, NotFound | StaleToken | Unauthorized | Unsupported)
}
