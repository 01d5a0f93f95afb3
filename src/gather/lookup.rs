//! Many point reads, few calls: records by key, each with its own result.
//!
//! What the cache holds costs nothing. Conversations of one period are looked for in the source's list first, where a page of a
//! hundred replaces up to a hundred reads by id; the rest are read by id, a few at a time. Where a vendor has no read by id, the
//! day in the key makes it one narrow list read.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::cache::{Age, Fresh, Life, ReadKey};
use super::generations::Stamp;
use super::lists::{ConversationList, Desk, LeadList, conversation_life};
use super::position::Window;
use super::reader::{Reader, Tally};
use super::record::{Record, moment};
use super::request::ConversationKey;
use super::windows::{Windows, day_of};
use super::{Found, Inner};
use crate::model::caps::{ListCaps, Paging, TimeFilter};
use crate::model::conversation::Conversation;
use crate::model::cx::{Cx, Older};
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{Key, SourceId};
use crate::model::interaction::{Interaction, InteractionStatus};
use crate::model::lead::Lead;
use crate::source::{ConversationQuery, DynList, LeadQuery, Source, Span};

/// From how many wanted records on a list read is worth trying.
pub(super) const WORTH_A_LIST: usize = 3;
/// A conversation begins before the lead it gives, by no more than this.
const TALK: SignedDuration = SignedDuration::from_hours(2);

/// What a point read gave, and how old that is.
#[derive(Clone)]
pub(super) struct Point<T> {
    pub(super) record: Option<Arc<T>>,
    pub(super) fetched_at: Timestamp,
    pub(super) age: Age,
}

type Pointed<T> = Result<Point<T>, SourceError>;

impl<T> Point<T> {
    /// There is no such record, as everybody knows.
    fn none(cx: &Cx) -> Self {
        Self { record: None, fetched_at: cx.now, age: Age::Fresh }
    }

    /// The record, for an answer: that it is older than usual is noted where the answer tells it.
    pub(super) fn told(self, cx: &Cx) -> Option<Arc<T>>
    where
        T: Record,
    {
        let error = match self.age {
            Age::Fresh => return self.record,
            Age::Aging => None,
            Age::Stale(error) => Some(error.kind),
        };
        if let Some(record) = &self.record {
            let source = record.key().source.clone();
            cx.meter.note(&Older { source, fetched_at: self.fetched_at, error });
        }
        self.record
    }

    /// The same record in other words.
    fn map<U>(self, change: impl Fn(&T) -> U) -> Point<U> {
        let record = self.record.map(|record| Arc::new(change(&record)));
        Point { record, fetched_at: self.fetched_at, age: self.age }
    }
}

impl Point<Conversation> {
    pub(super) fn is_partial(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.partial)
    }
}

/// Conversations that were found in a list, perhaps cut short.
pub(super) type Scouted = Arc<HashMap<Key, Point<Conversation>>>;

impl Inner {
    pub(super) fn desk(&self, source: &Arc<dyn Source>) -> Desk {
        Desk {
            source: Arc::clone(source),
            cache: self.cache.clone(),
            settings: Arc::clone(&self.settings),
            overlay: self.overlay.clone(),
        }
    }

    /// One lead.
    pub(super) async fn lead(&self, cx: &Cx, key: &Key) -> Pointed<Lead> {
        let Some(source) = self.registry.seen_by(&cx.caller).get(&key.source) else {
            return Ok(Point::none(cx));
        };
        if source.lead_by_id().is_none() {
            let list =
                LeadList { desk: self.desk(&source), query: LeadQuery::default(), looks_inside: false };
            let caps = source.leads().map(|leads| leads.caps_dyn().list);
            return self.by_days(cx, &source, &list, caps, (key, day_told(key))).await;
        }
        let (wanted, settings, overlay) = (key.clone(), Arc::clone(&self.settings), self.overlay.clone());
        let load = move |cx: Cx, _| async move {
            let verb = source.lead_by_id().ok_or_else(|| unsupported(source.id(), "leads.get"))?;
            let lead = verb.get_dyn(&cx, &wanted.native).await?.map(|lead| overlay.over(lead));
            Ok(fresh(lead, settings.absent_ttl, |_| settings.record_life(settings.lead_ttl)))
        };
        self.by_id(cx, ReadKey::Lead(key.clone()), load).await
    }

    /// One conversation.
    pub(super) async fn conversation(&self, cx: &Cx, wanted: &ConversationKey) -> Pointed<Conversation> {
        let key = &wanted.key;
        let Some(source) = self.registry.seen_by(&cx.caller).get(&key.source) else {
            return Ok(Point::none(cx));
        };
        if source.conversation_by_id().is_none() {
            if source.interaction_by_id().is_some() {
                return Ok(self.interaction(cx, key).await?.map(Interaction::to_conversation));
            }
            let list = ConversationList { desk: self.desk(&source), query: ConversationQuery::default() };
            let caps = source.conversations().map(|conversations| conversations.caps_dyn().list);
            let days = day_told(key).or_else(|| wanted.near.map(days_before));
            return self.by_days(cx, &source, &list, caps, (key, days)).await;
        }
        let (id, settings) = (key.native.clone(), Arc::clone(&self.settings));
        let load = move |cx: Cx, _| async move {
            let verb =
                source.conversation_by_id().ok_or_else(|| unsupported(source.id(), "conversations.get"))?;
            let conversation = verb.get_dyn(&cx, &id).await?;
            let life = |conversation: &Conversation| conversation_life(&settings, conversation, cx.now);
            Ok(fresh(conversation, settings.absent_ttl, life))
        };
        self.by_id(cx, ReadKey::Conversation(key.clone()), load).await
    }

    /// One interaction.
    pub(super) async fn interaction(&self, cx: &Cx, key: &Key) -> Pointed<Interaction> {
        let Some(source) = self.registry.seen_by(&cx.caller).get(&key.source) else {
            return Ok(Point::none(cx));
        };
        if source.interaction_by_id().is_none() {
            let wanted = ConversationKey { key: key.clone(), near: None, whole: false };
            return Ok(Box::pin(self.conversation(cx, &wanted)).await?.map(Conversation::to_interaction));
        }
        let (id, settings) = (key.native.clone(), Arc::clone(&self.settings));
        let load = move |cx: Cx, _| async move {
            let verb =
                source.interaction_by_id().ok_or_else(|| unsupported(source.id(), "interactions.get"))?;
            let interaction = verb.get_dyn(&cx, &id).await?;
            let life = |interaction: &Interaction| match interaction.status {
                // It changes at any moment.
                InteractionStatus::InProgress => settings.record_life(settings.absent_ttl),
                _ => settings.record_life(settings.interaction_ttl),
            };
            Ok(fresh(interaction, settings.absent_ttl, life))
        };
        self.by_id(cx, ReadKey::Interaction(key.clone()), load).await
    }

    /// Each of many keys by `one`, side by side. `source` says whose a key is.
    pub(super) async fn each<K, T, F>(
        &self,
        cx: &Cx,
        keys: &[K],
        source: impl Fn(&K) -> &SourceId,
        one: impl Fn(K) -> F,
    ) -> HashMap<K, Found<T>>
    where
        K: Clone + Eq + Hash + Send + Sync,
        T: Send + Sync,
        F: Future<Output = Found<T>> + Send,
    {
        let distinct: HashSet<&K> = keys.iter().collect();
        let reads = distinct.into_iter().map(|key| {
            let read = one(key.clone());
            (source(key), async move { (key.clone(), read.await) }.boxed())
        });
        self.side_by_side(cx, reads).await.into_iter().collect()
    }

    /// Reads pages of a source's conversations that many wanted ones are likely to be on. What they hold goes into the cache (and
    /// what may be cut short into the answer), so the reads by id that follow find it there. Failures are left to these.
    pub(super) async fn scout(
        &self,
        cx: &Cx,
        wanted: &[ConversationKey],
    ) -> HashMap<Key, Point<Conversation>> {
        let mut by_source: HashMap<&SourceId, Vec<&ConversationKey>> = HashMap::new();
        for key in wanted {
            if key.near.is_some()
                && self
                    .cache
                    .peek::<Option<Arc<Conversation>>>(&ReadKey::Conversation(key.key.clone()))
                    .await
                    .is_none()
            {
                by_source.entry(&key.key.source).or_default().push(key);
            }
        }
        let scouts = by_source.into_iter().map(|(source, keys)| self.scout_source(cx, source, keys));
        join_all(scouts).await.into_iter().flatten().collect()
    }

    async fn scout_source(
        &self,
        cx: &Cx,
        source: &SourceId,
        keys: Vec<&ConversationKey>,
    ) -> HashMap<Key, Point<Conversation>> {
        let mut found = HashMap::new();
        let Some(source) = self.registry.seen_by(&cx.caller).get(source) else { return found };
        let Some(caps) = source.conversations().map(DynList::caps_dyn).map(|caps| caps.list) else {
            return found;
        };
        let times = || keys.iter().filter_map(|key| key.near);
        let (Some(oldest), true) = (times().min(), keys.len() >= WORTH_A_LIST) else { return found };
        if caps.paging == Paging::Offset {
            let list = ConversationList { desk: self.desk(&source), query: ConversationQuery::default() };
            let (lo, hi) = (days_before(oldest).lo, days_before(times().max().unwrap_or(oldest)).hi);
            let size = Some(caps.page_size.get());
            let windows = Windows { reader: &list, source: source.id(), size, bottom: lo };
            let mut tally = Tally::default();
            let read = windows.read(cx, Window { lo, hi }, &mut tally).await;
            let natives: HashMap<_, _> = keys.iter().map(|key| (&key.key.native, &key.key)).collect();
            for row in read.map(|(_, rows)| rows).unwrap_or_default() {
                if let Some(key) = natives.get(&row.key.native) {
                    let (fetched_at, age) = (tally.fetched_at.unwrap_or(cx.now), tally.age.clone());
                    found.insert((*key).clone(), Point { record: Some(row), fetched_at, age });
                }
            }
            return found;
        }
        let since = oldest.checked_sub(TALK).unwrap_or(oldest);
        // The beginning of that day, so that equal walks ask for equal pages.
        let day = i64::from(day_of(since.as_millisecond())) * 86_400_000;
        let since = Timestamp::from_millisecond(day).ok().filter(|_| caps.since == TimeFilter::Exact);
        let list = ConversationList { desk: self.desk(&source), query: ConversationQuery::default() };
        let mut missing: std::collections::HashSet<&Key> = keys.iter().map(|key| &key.key).collect();
        let mut token = None;
        // A list page costs as much as one read by id: it is worth it only while it is likely to save several.
        for _ in 0..=keys.len() / 10 {
            let Ok(batch) = list.read(cx, Span { since, until: None }, token.as_ref()).await else { break };
            for row in batch.page.rows.iter().filter(|row| missing.remove(row.key())) {
                let (record, age) = (Some(Arc::clone(row)), batch.age.clone());
                found.insert(row.key.clone(), Point { record, fetched_at: batch.fetched_at, age });
            }
            let past = |row: &Arc<Conversation>| moment(&**row) < day;
            if missing.len() < WORTH_A_LIST || batch.page.next.is_none() || batch.page.rows.iter().any(past) {
                break;
            }
            token.clone_from(&batch.page.next);
        }
        found
    }

    async fn by_id<T, F>(
        &self,
        cx: &Cx,
        key: ReadKey,
        load: impl FnOnce(Cx, Stamp) -> F + Clone + Send + 'static,
    ) -> Pointed<T>
    where
        T: Record,
        F: Future<Output = Result<Fresh<Option<Arc<T>>>, SourceError>> + Send + 'static,
    {
        let read = self.cache.read::<Option<Arc<T>>, _>(cx, key, load).await?;
        Ok(Point { record: (*read.value).clone(), fetched_at: read.fetched_at, age: read.age })
    }

    /// One record of a list without a read by id: the days on which it may stand are read whole.
    async fn by_days<T: Record>(
        &self,
        cx: &Cx,
        source: &Arc<dyn Source>,
        list: &dyn Reader<T>,
        caps: Option<ListCaps>,
        (key, days): (&Key, Option<Window>),
    ) -> Pointed<T> {
        let caps = caps.filter(|caps| caps.paging == Paging::Offset);
        let (Some(caps), Some(days)) = (caps, days) else { return Ok(Point::none(cx)) };
        let size = Some(caps.page_size.get());
        let windows = Windows { reader: list, source: source.id(), size, bottom: days.lo };
        let mut tally = Tally::default();
        let (_, rows) = windows.read(cx, days, &mut tally).await?;
        let record = rows.into_iter().find(|row| row.key().native == key.native);
        Ok(Point { record, fetched_at: tally.fetched_at.unwrap_or(cx.now), age: tally.age })
    }
}

/// The day that a key tells.
fn day_told(key: &Key) -> Option<Window> {
    let day = key.day?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    let day = day_of(day.timestamp().as_millisecond());
    Some(Window { lo: day, hi: day })
}

/// The days on which a conversation may have begun from which something came at `moment`.
fn days_before(moment: Timestamp) -> Window {
    let since = moment.checked_sub(TALK).unwrap_or(moment);
    Window { lo: day_of(since.as_millisecond()), hi: day_of(moment.as_millisecond()) }
}

fn fresh<T: Record>(record: Option<T>, absent: Duration, life: impl Fn(&T) -> Life) -> Fresh<Option<Arc<T>>> {
    match record {
        Some(record) => {
            Fresh { weight: record.weight(), life: life(&record), value: Some(Arc::new(record)), rows: None }
        }
        None => {
            Fresh { value: None, weight: 0, life: Life { fresh: absent, stale: Duration::ZERO }, rows: None }
        }
    }
}

fn unsupported(source: &SourceId, op: &'static str) -> SourceError {
    SourceError::new(source, op, SourceErrorKind::Unsupported)
}
