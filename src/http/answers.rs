//! Whole answers, given again to whoever asks the same: no parsing, no executing, no serializing.
//!
//! What is asked is known by its bytes as they came, so an answer is found before anything of the request is understood; who
//! writes the same operation otherwise gets an answer of their own. It is given only to the caller it was made for, with the
//! same scopes and sources, and only while its [`Lease`](crate::model::lease::Lease) stands: to the moment, as long as it
//! would come out the same if it were made anew, without a call. Whoever asks again what is being answered just now waits for that.
//!
//! Most questions are asked once. So an answer is kept only where its question was asked before: what nobody asks for again drives
//! out nothing, and costs nothing but to be remembered.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant as StdInstant};

use bytes::Bytes;
use http::HeaderValue;
use moka::Expiry;
use moka::future::Cache;
use moka::policy::EvictionPolicy;
use tokio::time::{Instant, timeout_at};

use super::failure::{self, Failure};
use super::{Answer, etag};
use crate::model::caller::Caller;
use crate::model::lease::Lease;

/// How long an equal request that is under way is waited for. Who waits longer goes on alone; what both read is read once.
const PATIENCE: Duration = Duration::from_secs(1);

/// Places for questions that were asked, 512 KiB of them: where a thousand new ones come in a second, half of those of 45 s ago are
/// still there.
const ASKED: u64 = 1 << 16;

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
    /// An answer that may be given again.
    fn of(answer: &Answer) -> Option<Arc<Self>> {
        answer.lease.as_ref()?;
        Some(Arc::new(Self { answer: answer.clone(), made: Instant::now(), etag: OnceLock::new() }))
    }

    /// What names its body, reckoned once.
    pub(super) fn etag(&self) -> &HeaderValue {
        self.etag.get_or_init(|| etag::of(&self.answer.body))
    }

    /// How long ago it was made.
    pub(super) fn age(&self) -> Duration {
        self.made.elapsed()
    }

    fn stands(&self) -> bool {
        self.answer.lease.as_ref().is_some_and(Lease::stands)
    }
}

/// All that are kept. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Answers(Option<Places>);

#[derive(Clone, Debug)]
struct Places {
    kept: Cache<Question, Arc<Kept>>,
    lately: Arc<Lately>,
}

/// Which questions were asked lately, by their hashes: each has one place, which it loses to the next that has the same.
#[derive(Debug)]
struct Lately {
    hasher: RandomState,
    places: Box<[AtomicU64]>,
}

impl Lately {
    fn new() -> Self {
        Self { hasher: RandomState::new(), places: (0..ASKED).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Whether a question was asked lately. From now on it was.
    fn asked(&self, question: &Question) -> bool {
        let hash = self.hasher.hash_one(question);
        let place = usize::try_from(hash % ASKED).unwrap_or_default();
        self.places.get(place).is_some_and(|place| place.swap(hash, Ordering::Relaxed) == hash)
    }
}

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
            let lease = kept.answer.lease.as_ref().map_or(0, Lease::weight);
            u32::try_from(question.bytes.len() + kept.answer.body.len() + lease + 256).unwrap_or(u32::MAX)
        };
        Self((bytes > 0).then(|| {
            Places {
                kept: Cache::builder()
                    .max_capacity(bytes)
                    .weigher(weight)
                    .eviction_policy(EvictionPolicy::lru())
                    .expire_after(Lifetime)
                    .build(),
                lately: Arc::new(Lately::new()),
            }
        }))
    }

    /// The answer to a question, where it is kept and stands.
    pub(super) async fn get(&self, question: &Question) -> Option<Arc<Kept>> {
        let cache = &self.0.as_ref()?.kept;
        let kept = cache.get(question).await?;
        if kept.stands() {
            return Some(kept);
        }
        cache.invalidate(question).await;
        None
    }

    /// The answer to a question that is not kept: what `make` makes, or what another makes at the same time for the same question,
    /// which is waited for no longer than `until`. It is kept if it may be given again and this is not the first time that it is
    /// asked; the first time nobody waits for it either.
    ///
    /// # Errors
    /// What `make` says.
    pub(super) async fn make(
        &self,
        question: &Question,
        until: Instant,
        make: impl Future<Output = Result<Answer, Failure>>,
    ) -> Result<Given, Failure> {
        let Some(Places { kept: cache, .. }) = self.0.as_ref().filter(|places| places.lately.asked(question))
        else {
            return make.await.map(Given::New);
        };
        // The bytes as they came are a piece of a connection's whole buffer, which is not to be kept for them.
        let question = Question { bytes: Bytes::copy_from_slice(&question.bytes), ..question.clone() };
        let (mut make, mut made, leads) = (Some(make), None, AtomicBool::new(false));
        let shared = {
            let lead = async {
                leads.store(true, Ordering::Relaxed);
                let answer = make.take()?.await;
                let kept = answer.as_ref().ok().and_then(Kept::of);
                made = Some(answer);
                kept
            };
            let asked = cache.optionally_get_with_by_ref(&question, lead);
            tokio::pin!(asked);
            match timeout_at(until.min(Instant::now() + PATIENCE), &mut asked).await {
                Ok(kept) => kept,
                Err(_) if leads.load(Ordering::Relaxed) => asked.await,
                Err(_) => None,
            }
        };
        match (made, shared.filter(|kept| kept.stands()), make) {
            (Some(made), ..) => made.map(Given::New),
            (None, Some(kept), _) => Ok(Given::Again(kept)),
            (None, None, Some(make)) => make.await.map(Given::New),
            // Whoever leads makes something.
            (None, None, None) => Err(failure::INTERNAL),
        }
    }
}

/// An answer, and whether it was made for somebody before.
pub(super) enum Given {
    New(Answer),
    Again(Arc<Kept>),
}
