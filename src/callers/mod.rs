//! Who may ask: a key or a token becomes a caller, and every caller keeps to its rate.
//!
//! Knows no sockets and no schema: what fetches an issuer's keys is handed in. Whoever is nobody here learns no more than that.
//! Keys are known by their digests alone, so that neither a configuration file nor a memory dump gives one away.

mod issuer;
mod jwks;
pub mod key;
mod rate;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use self::issuer::BETWEEN;
pub use self::issuer::{Algorithm, Issuer, Keys, Share};
pub use self::jwks::{Fetch, KeySet};
use self::key::Digest;
use self::rate::{Bucket, Meters};
use self::token::Trusted;
use crate::model::caller::Caller;

/// Who is known.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Callers with keys. If nobody is known, everyone is let in as [`Caller::anonymous`].
    pub known: Vec<Known>,
    /// Those whose tokens are taken.
    pub issuers: Vec<Issuer>,
}

impl Settings {
    /// Whether nobody is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && self.issuers.is_empty()
    }
}

/// A caller with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Who it is.
    pub caller: Caller,
    /// What its key is known by.
    pub key: Digest,
    /// What the key before that one is known by, which is still good.
    pub previous_key: Option<Digest>,
    /// How much it may ask.
    pub rates: Rates,
}

/// How much one caller may ask. For a moment it may ask twice as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Requests a second. 20.
    pub requests_per_second: u32,
    /// What its operations may cost in a second. 2,000.
    pub cost_per_second: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self { requests_per_second: 20, cost_per_second: 2_000 }
    }
}

/// Why nobody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no key and no token.
    Missing,
    /// The key is nobody's; the token is none of ours, or no longer good.
    Unknown,
    /// What the token must be checked with cannot be had just now.
    Unavailable,
    /// The caller asks too often; it may ask again after this time.
    TooOften(Duration),
}

/// Everyone who is known. Clones share their rates, and what is known of issuers.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "holds functions")]
pub struct Callers {
    known: Arc<[Known]>,
    issuers: Arc<[Trusted]>,
    requests: Arc<Meters>,
    costs: Arc<Meters>,
}

impl Callers {
    /// Those whom the settings name. `fetch` makes what fetches an issuer's keys; nothing is fetched yet.
    #[must_use]
    pub fn new(settings: Settings, fetch: impl Fn(&Issuer) -> Fetch) -> Self {
        Self::after(None, settings, fetch)
    }

    /// Those whom other settings name, under which everyone keeps the rate that it has used up, and issuers' keys stay known.
    #[must_use]
    pub fn next(&self, settings: Settings, fetch: impl Fn(&Issuer) -> Fetch) -> Self {
        Self::after(Some(self), settings, fetch)
    }

    fn after(before: Option<&Self>, settings: Settings, fetch: impl Fn(&Issuer) -> Fetch) -> Self {
        let trusted = |issuer: Issuer| {
            let mut known = before.iter().flat_map(|before| before.issuers.iter());
            let same = known.find(|known| known.issuer.issuer == issuer.issuer);
            Trusted::new(issuer, same, &fetch)
        };
        Self {
            known: settings.known.into(),
            issuers: settings.issuers.into_iter().map(trusted).collect(),
            requests: before.map(|before| Arc::clone(&before.requests)).unwrap_or_default(),
            costs: before.map(|before| Arc::clone(&before.costs)).unwrap_or_default(),
        }
    }

    /// Keeps the keys of issuers fresh, until it is dropped.
    pub async fn keep(self) {
        join_all(self.issuers.iter().map(|trusted| Arc::clone(&trusted.ring).keep())).await;
    }

    /// Finds out who shows `token`, and counts one request for them. Where nobody is known, it is anyone, uncounted. `None`, and
    /// nothing counted, where an issuer may have given the token: then [`Callers::issued`] tells.
    pub fn at_once(&self, token: Option<&str>) -> Option<Result<Caller, Refused>> {
        if self.known.is_empty() && self.issuers.is_empty() {
            return Some(Ok(Caller::anonymous()));
        }
        let Some(token) = token else { return Some(Err(Refused::Missing)) };
        if token.is_empty() {
            // What bears no token that can be read; it is nobody's, whatever is configured.
            return Some(Err(Refused::Unknown));
        }
        match self.of_key(token) {
            Some(known) => Some(self.counted(known.caller.clone(), known.rates)),
            None => self.issuers.is_empty().then_some(Err(Refused::Unknown)),
        }
    }

    /// Finds out who shows a token that an issuer gave, and counts one request for them. May take some seconds where an issuer's keys must be fetched first.
    ///
    /// # Errors
    /// Why they are not let in.
    pub async fn issued(&self, token: &str) -> Result<Caller, Refused> {
        let (caller, rates) = token::verify(token, &self.issuers).await?;
        self.counted(caller, rates)
    }

    fn counted(&self, caller: Caller, rates: Rates) -> Result<Caller, Refused> {
        let bucket = Bucket::per_second(rates.requests_per_second);
        self.requests.take(&caller.name, bucket, 1).map_err(Refused::TooOften)?;
        Ok(caller)
    }

    /// Takes what an operation costs out of what its caller may spend. As long as anything is left, there is enough, so what
    /// is dear is paid for by waiting afterwards. Who is nobody of ours spends what they like.
    ///
    /// # Errors
    /// How long the caller must wait until anything is left.
    pub fn spend(&self, caller: &Caller, cost: u32) -> Result<(), Duration> {
        match self.rates(&caller.name) {
            Some(rates) => self.costs.take(&caller.name, Bucket::per_second(rates.cost_per_second), cost),
            None => Ok(()),
        }
    }

    /// Gives back what was taken by [`Callers::spend`] and not needed.
    pub fn unspend(&self, caller: &Caller, cost: u32) {
        if let Some(rates) = self.rates(&caller.name) {
            self.costs.give_back(&caller.name, Bucket::per_second(rates.cost_per_second), cost);
        }
    }

    /// How much someone of this name may ask.
    fn rates(&self, name: &str) -> Option<Rates> {
        let issued = |(issuer, _): (&str, &str)| {
            let mut issuers = self.issuers.iter().map(|trusted| &trusted.issuer);
            issuers.find(|known| *known.name == *issuer).map(|known| known.rates)
        };
        match name.split_once(BETWEEN) {
            Some(parts) => issued(parts),
            None => self.known.iter().find(|known| *known.caller.name == *name).map(|known| known.rates),
        }
    }

    /// Whose key it is. Looks at all there are, whichever it is, so that the time it takes tells nothing.
    fn of_key(&self, token: &str) -> Option<&Known> {
        let shown = Digest::of(token);
        let mut found = None;
        for known in &*self.known {
            let previous = known.previous_key.as_ref().is_some_and(|digest| digest.is(&shown));
            if known.key.is(&shown) | previous {
                found = Some(known);
            }
        }
        found
    }
}
