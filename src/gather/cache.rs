//! What has been read already: pages, records, histories, by one bounded moka cache above the adapters.
//!
//! A hit costs no call, no parsing, no quota. Equal reads at one time are one read. The read lives in a task of its own, so a
//! client that hangs up neither stops nor repeats it. Failures are not kept. Recording links never come here.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant as StdInstant};

use jiff::Timestamp;
use moka::future::Cache as Moka;
use moka::policy::EvictionPolicy;
use tokio::time::{Instant, timeout_at};

use super::settings::Settings;
use crate::model::cx::{Cx, Meter};
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{Key, NativeId, SourceId};
use crate::model::page::PageToken;
use crate::source::{ConversationQuery, LeadQuery};

/// What names a read: the source (one credential) and what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ReadKey {
    Leads(SourceId, LeadQuery, Option<PageToken>),
    Conversations(SourceId, ConversationQuery, Option<PageToken>),
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
}

/// What a read gave, and how long that is good.
pub(super) struct Fresh<V> {
    pub(super) value: V,
    pub(super) weight: u32,
    pub(super) life: Duration,
}

/// What the cache, or the vendor, gave.
pub(super) struct Read<V> {
    pub(super) value: Arc<V>,
    pub(super) fetched_at: Timestamp,
    /// Calls made just now, for this reader; 0: it was there, or someone else's read was waited for.
    pub(super) calls: u32,
}

#[derive(Clone)]
struct Held {
    value: Arc<dyn Any + Send + Sync>,
    weight: u32,
    life: Duration,
    fetched_at: Timestamp,
}

/// The cache.
#[derive(Clone)]
pub(super) struct Cache {
    held: Moka<ReadKey, Held>,
    /// How long one read may take, whoever waits for it.
    patience: Duration,
}

struct Lifetime;

impl moka::Expiry<ReadKey, Held> for Lifetime {
    fn expire_after_create(&self, _: &ReadKey, held: &Held, _: StdInstant) -> Option<Duration> {
        Some(held.life)
    }
    fn expire_after_update(
        &self,
        _: &ReadKey,
        held: &Held,
        _: StdInstant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(held.life)
    }
}

impl Cache {
    pub(super) fn new(settings: &Settings) -> Self {
        let held = Moka::builder()
            .max_capacity(settings.cache_bytes)
            .weigher(|_: &ReadKey, held: &Held| held.weight.saturating_add(128))
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(Lifetime)
            .build();
        Self { held, patience: settings.source_timeout }
    }

    /// What is held under a key, without reading.
    pub(super) async fn peek<V: Send + Sync + 'static>(&self, key: &ReadKey) -> Option<Read<V>> {
        self.held.get(key).await.and_then(|held| read(held, 0))
    }

    /// Holds what came along with another read.
    pub(super) async fn hold<V: Send + Sync + 'static>(
        &self,
        key: ReadKey,
        fresh: Fresh<V>,
        fetched_at: Timestamp,
    ) {
        self.held.insert(key, hold(fresh, fetched_at)).await;
    }

    /// Forgets what is held under a key.
    pub(super) async fn forget(&self, key: &ReadKey) {
        self.held.invalidate(key).await;
    }

    /// What is held under a key, or else what `load` reads.
    ///
    /// # Errors
    /// What `load` says; `Timeout` where the request's deadline comes first (the read goes on and fills the cache).
    ///
    /// # Cancellation
    /// Dropping the future does not stop the read.
    pub(super) async fn read<V, F>(
        &self,
        cx: &Cx,
        key: ReadKey,
        load: impl FnOnce(Cx) -> F + Send + 'static,
    ) -> Result<Read<V>, SourceError>
    where
        V: Send + Sync + 'static,
        F: Future<Output = Result<Fresh<V>, SourceError>> + Send + 'static,
    {
        if let Some(held) = self.peek(&key).await {
            return Ok(held);
        }
        let source = key.source().clone();
        let meter = Meter::default();
        let own = Cx { deadline: Instant::now() + self.patience, meter: meter.clone(), ..cx.clone() };
        let cache = self.held.clone();
        // A task of its own: whoever waits may leave, the read and its place in the cache stay.
        let task = tokio::spawn(async move {
            let fetched_at = own.now;
            cache.try_get_with(key, async move { load(own).await.map(|fresh| hold(fresh, fetched_at)) }).await
        });
        let failed = |kind| SourceError::new(&source, "read", kind);
        let held = timeout_at(cx.deadline, task)
            .await
            .map_err(|_| failed(SourceErrorKind::Timeout))?
            .map_err(|panic| failed(SourceErrorKind::Protocol).because(panic))?
            .map_err(|shared: Arc<SourceError>| (*shared).clone());
        for _ in 0..meter.calls() {
            cx.meter.count();
        }
        read(held?, meter.calls()).ok_or_else(|| failed(SourceErrorKind::Protocol))
    }
}

fn hold<V: Send + Sync + 'static>(fresh: Fresh<V>, fetched_at: Timestamp) -> Held {
    Held { value: Arc::new(fresh.value), weight: fresh.weight, life: fresh.life, fetched_at }
}

fn read<V: Send + Sync + 'static>(held: Held, calls: u32) -> Option<Read<V>> {
    let value = held.value.downcast().ok()?;
    Some(Read { value, fetched_at: held.fetched_at, calls })
}
