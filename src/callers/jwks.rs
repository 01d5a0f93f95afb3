//! Key sets of issuers (JWKS): what tokens are checked with, and how that stays known.
//!
//! A set is fetched at the start, every ten minutes, and where a token names a key that is not in it, at most once in half a
//! minute: an issuer that changes its keys is followed at once, and nobody can have it asked again and again. While the issuer
//! cannot be reached, what it said last is good for hours. Where nothing is known, nobody is let in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyOperations, PublicKeyUse};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tracing::Instrument;

use super::Refused;
use super::issuer::Algorithm;

/// Fetches a key set, as it goes over the wire; `None` where it cannot be had. Ends by itself within seconds.
pub type Fetch = Arc<dyn Fn() -> BoxFuture<'static, Option<Bytes>> + Send + Sync>;

/// How often a set is fetched anew.
const EVERY: Duration = Duration::from_secs(600);
/// How soon it is tried again where that failed, and the least time between two fetches that tokens cause.
const PAUSE: Duration = Duration::from_secs(30);
/// The same while nothing is known, and nobody can be let in.
const EAGER: Duration = Duration::from_secs(1);
/// For how long a set is good while it cannot be fetched anew.
const KEPT: Duration = Duration::from_secs(6 * 3_600);
/// The most keys of a set that are looked at.
const MOST: usize = 64;

/// An issuer's public keys.
#[derive(Clone, Debug)]
pub struct KeySet(Arc<[Key]>);

/// One public key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    id: Option<String>,
    /// The only algorithm that it is for, where the set says so.
    pub(super) only: Option<Algorithm>,
    pub(super) public: DecodingKey,
}

impl KeySet {
    /// Reads a set. Keys that are none of ours (of another kind, to encrypt with, not readable) are passed over; `None` where
    /// none is left, or it is no set.
    #[must_use]
    pub fn parse(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(json).ok()?;
        let keys: Arc<[Key]> = set.keys.into_iter().take(MOST).filter_map(Key::read).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// The key of this id. A token that names none means the only one there is.
    fn find(&self, id: Option<&str>) -> Option<&Key> {
        match (id, &*self.0) {
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

impl Key {
    fn read(json: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(json).ok()?;
        let verifies = jwk.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature)
            && jwk.common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
        // A secret that both sides know has no place in a set that everyone may read.
        let public = !matches!(jwk.algorithm, AlgorithmParameters::OctetKey(_));
        let only = match jwk.common.key_algorithm {
            None => None,
            Some(name) => Some(name.try_into().ok().and_then(Algorithm::of)?),
        };
        let of_ours = verifies && public;
        of_ours.then(|| DecodingKey::from_jwk(&jwk).ok()).flatten().map(|public| Self {
            id: jwk.common.key_id,
            only,
            public,
        })
    }
}

/// An issuer's keys, as they are known now.
pub(super) struct Ring {
    issuer: Arc<str>,
    held: RwLock<Option<Held>>,
    /// `None`: they are what they are.
    fetch: Option<Fetch>,
    /// When they were fetched last, or tried to. Whoever fetches holds it, so that others find what came of it.
    tried: Mutex<Option<Instant>>,
    failing: AtomicBool,
}

#[derive(Clone)]
struct Held {
    set: KeySet,
    since: Instant,
}

impl Ring {
    /// Keys that never change.
    pub(super) fn fixed(issuer: &Arc<str>, set: KeySet) -> Self {
        Self::new(issuer, Some(Held { set, since: Instant::now() }), None)
    }

    /// Keys that are fetched.
    pub(super) fn fetched(issuer: &Arc<str>, fetch: Fetch) -> Self {
        Self::new(issuer, None, Some(fetch))
    }

    fn new(issuer: &Arc<str>, held: Option<Held>, fetch: Option<Fetch>) -> Self {
        let failing = AtomicBool::new(false);
        Self { issuer: Arc::clone(issuer), held: RwLock::new(held), fetch, tried: Mutex::default(), failing }
    }

    /// The key of this id.
    ///
    /// # Errors
    /// `Unknown` where there is none; `Unavailable` where that is not sure, since the issuer could not be asked.
    pub(super) async fn key(self: &Arc<Self>, id: Option<&str>) -> Result<Key, Refused> {
        let find = || self.set().and_then(|set| set.find(id).cloned());
        if let Some(key) = find() {
            return Ok(key);
        }
        self.renew(if self.set().is_some() { PAUSE } else { EAGER }).await;
        let sure = self.set().is_some() && !self.failing.load(Ordering::Relaxed);
        find().ok_or(if sure { Refused::Unknown } else { Refused::Unavailable })
    }

    /// Keeps the set fresh, for ever.
    pub(super) async fn keep(self: Arc<Self>) {
        while self.fetch.is_some() {
            self.renew(EAGER).await;
            sleep(if self.failing.load(Ordering::Relaxed) { PAUSE } else { EVERY }).await;
        }
    }

    /// What is known and still good.
    fn set(&self) -> Option<KeySet> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        (self.fetch.is_none() || held.since.elapsed() < KEPT).then_some(held.set)
    }

    /// Fetches the set, unless that was tried less than `pause` ago. In a task of its own: whoever hangs up does not take along
    /// what all others wait for.
    async fn renew(self: &Arc<Self>, pause: Duration) {
        if self.fetch.is_some() {
            let ring = Arc::clone(self);
            let renewing = async move { ring.renew_here(pause).await };
            let _ = tokio::spawn(renewing.in_current_span()).await;
        }
    }

    async fn renew_here(&self, pause: Duration) {
        let Some(fetch) = &self.fetch else { return };
        let mut tried = self.tried.lock().await;
        if tried.is_some_and(|at| at.elapsed() < pause) {
            return;
        }
        // Before as well: whoever gives up waits for nobody.
        *tried = Some(Instant::now());
        let failed_before = self.failing.swap(true, Ordering::Relaxed);
        let issuer = &*self.issuer;
        let fetched = fetch().await;
        *tried = Some(Instant::now());
        match fetched.map(|json| KeySet::parse(&json)) {
            Some(Some(set)) => {
                let held = Held { set, since: Instant::now() };
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
                self.failing.store(false, Ordering::Relaxed);
                if failed_before {
                    tracing::info!(issuer, "the issuer's keys are known again");
                }
            }
            Some(None) => tracing::warn!(
                issuer,
                "what the issuer's address answered is no set of keys that can be used"
            ),
            None => tracing::warn!(issuer, "the issuer's keys could not be fetched"),
        }
    }
}
