//! Turns the look-ups of many fields into few calls of `gather/`: one loader per source and kind of look-up, made anew
//! for every request.
//!
//! A loader holds its lock while its batch runs, so sources never share one. Values are results per key: one missing
//! record fails no other.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use ::dataloader::BatchFn;
use ::dataloader::cached::Loader;

use super::error::ClientError;
use crate::gather::answer::Connection;
use crate::gather::request::{ConversationKey, InteractionFilter, Paging};
use crate::gather::{Found, Gather};
use crate::model::conversation::Conversation;
use crate::model::cx::Cx;
use crate::model::id::{Key, SourceId};
use crate::model::interaction::Interaction;
use crate::model::lead::Lead;

/// Above the largest page, so that a page is one batch; the loader runs further batches one after the other.
const BATCH: usize = 256;

/// How often a look-up is tried whose batch was given up by the field that led it.
const TRIES: usize = 3;

/// What became of one key.
type Outcome<T> = Result<T, ClientError>;

/// Every loader of one request.
pub(super) struct Loaders {
    /// Leads, whole.
    pub(super) leads: Shelf<Leads>,
    /// Conversations.
    pub(super) conversations: Shelf<Conversations>,
    /// Interactions.
    pub(super) interactions: Shelf<Interactions>,
    /// Interactions of a lead.
    pub(super) histories: Shelf<Histories>,
}

impl Loaders {
    /// Empty loaders for one request.
    pub(super) fn new(gather: &Gather, cx: &Cx) -> Self {
        let room = || Room { gather: gather.clone(), cx: cx.clone() };
        Self {
            leads: Shelf::new(Leads(room())),
            conversations: Shelf::new(Conversations(room())),
            interactions: Shelf::new(Interactions(room())),
            histories: Shelf::new(Histories(room())),
        }
    }
}

/// Reads many keys of one source at once.
pub(super) trait Fetch: Clone + Send + Sync + 'static {
    /// What is looked up.
    type Key: Clone + Eq + Hash + fmt::Debug + Send + Sync;
    /// What is found.
    type Value: Clone + Send + Sync;
    /// Reads the keys, each with its own result.
    fn fetch(
        &self,
        keys: &[Self::Key],
    ) -> impl Future<Output = HashMap<Self::Key, Outcome<Self::Value>>> + Send;
}

/// The loaders of one kind, by source.
pub(super) struct Shelf<F: Fetch> {
    fetch: F,
    by_source: Mutex<HashMap<SourceId, SourceLoader<F>>>,
}

type SourceLoader<F> = Loader<<F as Fetch>::Key, Outcome<<F as Fetch>::Value>, Batch<F>>;

impl<F: Fetch> Shelf<F> {
    fn new(fetch: F) -> Self {
        Self { fetch, by_source: Mutex::default() }
    }

    /// Looks a key of `source` up, together with the other keys that are asked for at the same time. What was looked up
    /// once stays known for the rest of the request, failures included.
    ///
    /// # Errors
    /// The failure of this very key.
    pub(super) async fn load(&self, source: &SourceId, key: F::Key) -> Outcome<F::Value> {
        let loader = {
            let mut loaders = self.by_source.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Loader::new(Batch(self.fetch.clone())).with_max_batch_size(BATCH);
            loaders.entry(source.clone()).or_insert_with(new).clone()
        };
        for _ in 0..TRIES {
            // A batch answers every key, so an error here only means that the field that led the batch was dropped.
            if let Ok(outcome) = loader.try_load(key.clone()).await {
                return outcome;
            }
        }
        tracing::error!("a look-up was given up by its batch every time");
        Err(ClientError::Internal)
    }
}

/// Adapts a `Fetch` to the loader: every key gets an answer.
pub(super) struct Batch<F>(F);

impl<F: Fetch> BatchFn<F::Key, Outcome<F::Value>> for Batch<F> {
    async fn load(&mut self, keys: &[F::Key]) -> HashMap<F::Key, Outcome<F::Value>> {
        let mut found = self.0.fetch(keys).await;
        let mut answer = |key: &F::Key| found.remove(key).unwrap_or(Err(ClientError::Internal));
        keys.iter().map(|key| (key.clone(), answer(key))).collect()
    }
}

/// Where batches are read.
#[derive(Clone)]
struct Room {
    gather: Gather,
    cx: Cx,
}

fn outcomes<K: Eq + Hash, T>(found: HashMap<K, Found<T>>) -> HashMap<K, Outcome<Option<Arc<T>>>> {
    found.into_iter().map(|(key, found)| (key, found.map_err(ClientError::from))).collect()
}

/// Reads leads.
#[derive(Clone)]
pub(super) struct Leads(Room);

impl Fetch for Leads {
    type Key = Key;
    type Value = Option<Arc<Lead>>;

    async fn fetch(&self, keys: &[Key]) -> HashMap<Key, Outcome<Self::Value>> {
        outcomes(self.0.gather.leads_by_key(&self.0.cx, keys).await)
    }
}

/// Reads conversations.
#[derive(Clone)]
pub(super) struct Conversations(Room);

impl Fetch for Conversations {
    type Key = ConversationKey;
    type Value = Option<Arc<Conversation>>;

    async fn fetch(&self, keys: &[ConversationKey]) -> HashMap<ConversationKey, Outcome<Self::Value>> {
        outcomes(self.0.gather.conversations_by_key(&self.0.cx, keys).await)
    }
}

/// Reads interactions.
#[derive(Clone)]
pub(super) struct Interactions(Room);

impl Fetch for Interactions {
    type Key = Key;
    type Value = Option<Arc<Interaction>>;

    async fn fetch(&self, keys: &[Key]) -> HashMap<Key, Outcome<Self::Value>> {
        outcomes(self.0.gather.interactions_by_key(&self.0.cx, keys).await)
    }
}

/// Reads interactions of leads. Those of equal arguments are read together.
#[derive(Clone)]
pub(super) struct Histories(Room);

impl Fetch for Histories {
    type Key = HistoryKey;
    type Value = Arc<Connection<Interaction>>;

    async fn fetch(&self, keys: &[HistoryKey]) -> HashMap<HistoryKey, Outcome<Self::Value>> {
        let mut alike: HashMap<_, Vec<&HistoryKey>> = HashMap::new();
        for key in keys {
            alike.entry((&key.filter, &key.paging)).or_default().push(key);
        }
        let reads = alike.into_iter().map(|((filter, paging), keys)| async move {
            let leads: Vec<_> = keys.iter().map(|key| Arc::clone(&key.lead)).collect();
            let read = self.0.gather.interactions_of(&self.0.cx, &leads, filter, paging).await;
            let outcomes = read.into_iter().map(|page| page.map(Arc::new).map_err(ClientError::from));
            keys.into_iter().cloned().zip(outcomes).collect::<Vec<_>>()
        });
        futures_util::future::join_all(reads).await.into_iter().flatten().collect()
    }
}

/// One page of one lead's history.
#[derive(Clone)]
pub(super) struct HistoryKey {
    /// Whose.
    pub(super) lead: Arc<Lead>,
    /// Which interactions.
    pub(super) filter: InteractionFilter,
    /// Which page.
    pub(super) paging: Paging,
}

impl HistoryKey {
    fn parts(&self) -> (&Key, &InteractionFilter, &Paging) {
        (&self.lead.key, &self.filter, &self.paging)
    }
}

impl PartialEq for HistoryKey {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for HistoryKey {}

impl Hash for HistoryKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// The loader wants it; a lead's own `Debug` would show personal data.
impl fmt::Debug for HistoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HistoryKey").field(&self.lead.key).finish()
    }
}

#[cfg(test)]
mod tests;
