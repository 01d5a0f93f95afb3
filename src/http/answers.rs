//! Whole answers, given again to whoever asks the same: no parsing, no executing, no serializing.
//!
//! What is asked is known by its bytes as they came, so an answer is found before anything of the request is understood; who
//! writes the same operation otherwise gets an answer of their own. It is given only to the caller it was made for, with the
//! same scopes and sources, and only while its [`Lease`](crate::model::lease::Lease) stands: to the moment, as long as it
//! would come out the same if it were made anew, without a call.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant as StdInstant};

use bytes::Bytes;
use http::HeaderValue;
use moka::Expiry;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;

use super::Answer;
use super::etag;
use crate::model::caller::Caller;

/// Who asks what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) caller: Caller,
    /// Whether it came by a safe method: then its bytes are the address's, else the body's.
    pub(super) safe: bool,
    pub(super) bytes: Bytes,
}

impl Hash for Question {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.caller.name.hash(state);
        self.safe.hash(state);
        self.bytes.hash(state);
    }
}

/// An answer that is kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) answer: Answer,
    made: Instant,
    etag: OnceLock<HeaderValue>,
}

impl Kept {
    /// What names its body, reckoned once.
    pub(super) fn etag(&self) -> &HeaderValue {
        self.etag.get_or_init(|| etag::of(&self.answer.body))
    }

    /// How long ago it was made.
    pub(super) fn age(&self) -> Duration {
        self.made.elapsed()
    }

    fn stands(&self) -> bool {
        self.answer.lease.as_ref().is_some_and(crate::model::lease::Lease::stands)
    }
}

/// All that are kept. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Answers(Option<Cache<Question, Arc<Kept>>>);

/// An answer goes when its lease is over in any case: personal data is not to lie about for nothing.
struct Lifetime;

impl Expiry<Question, Arc<Kept>> for Lifetime {
    fn expire_after_create(&self, _: &Question, kept: &Arc<Kept>, _: StdInstant) -> Option<Duration> {
        let until = kept.answer.lease.as_ref()?.until();
        Some(until.saturating_duration_since(Instant::now()))
    }
    fn expire_after_update(
        &self,
        question: &Question,
        kept: &Arc<Kept>,
        now: StdInstant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(question, kept, now)
    }
}

impl Answers {
    /// As many as fit into `bytes` bytes; none where that is 0.
    pub(super) fn new(bytes: u64) -> Self {
        let weight = |question: &Question, kept: &Arc<Kept>| {
            let lease = kept.answer.lease.as_ref().map_or(0, crate::model::lease::Lease::weight);
            u32::try_from(question.bytes.len() + kept.answer.body.len() + lease + 256).unwrap_or(u32::MAX)
        };
        Self((bytes > 0).then(|| {
            Cache::builder()
                .max_capacity(bytes)
                .weigher(weight)
                .eviction_policy(EvictionPolicy::lru())
                .expire_after(Lifetime)
                .build()
        }))
    }

    /// The answer to a question, where it is kept and stands.
    pub(super) fn get(&self, question: &Question) -> Option<Arc<Kept>> {
        let cache = self.0.as_ref()?;
        let kept = cache.get(question)?;
        if kept.stands() {
            return Some(kept);
        }
        cache.invalidate(question);
        None
    }

    /// Keeps an answer that may be given again.
    pub(super) fn keep(&self, question: Question, answer: &Answer) {
        let Some(cache) = self.0.as_ref().filter(|_| answer.lease.is_some()) else { return };
        // The bytes as they came are a piece of a connection's whole buffer, which is not to be kept for them.
        let question = Question { bytes: Bytes::copy_from_slice(&question.bytes), ..question };
        // No larger than it is: what it was written into had room to grow.
        let answer = Answer { body: Bytes::copy_from_slice(&answer.body), ..answer.clone() };
        cache.insert(question, Arc::new(Kept { answer, made: Instant::now(), etag: OnceLock::new() }));
    }
}
