//! Who may ask: a key becomes a caller, and every caller keeps to its rate.
//!
//! Knows no sockets and no schema. Whoever is nobody here learns no more than that. Keys are known by their digests alone,
//! so that neither a configuration file nor a memory dump gives one away.

pub mod key;
mod rate;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use self::key::Digest;
use self::rate::{Bucket, Meters};
use crate::model::caller::Caller;

/// Who is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Callers with keys. If nobody is known, everyone is let in as [`Caller::anonymous`].
    pub known: Vec<Known>,
}

impl Settings {
    /// Whether nobody is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
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
}

impl Default for Rates {
    fn default() -> Self {
        Self { requests_per_second: 20 }
    }
}

/// Why nobody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no key.
    Missing,
    /// The key is nobody's.
    Unknown,
    /// The caller asks too often; it may ask again after this time.
    TooOften(Duration),
}

/// Everyone who is known. Clones share their rates.
#[derive(Clone, Debug)]
pub struct Callers {
    known: Arc<[Known]>,
    rates: Arc<HashMap<Arc<str>, Rates>>,
    requests: Arc<Meters>,
}

impl Callers {
    /// Those whom the settings name.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let rates =
            settings.known.iter().map(|known| (Arc::clone(&known.caller.name), known.rates)).collect();
        Self { known: settings.known.into(), rates: Arc::new(rates), requests: Arc::default() }
    }

    /// Finds out who shows `token`, and counts one request for them. Where nobody is known, it is anyone, uncounted.
    ///
    /// # Errors
    /// Why they are not let in.
    pub fn identify(&self, token: Option<&str>) -> Result<Caller, Refused> {
        if self.known.is_empty() {
            return Ok(Caller::anonymous());
        }
        let token = token.ok_or(Refused::Missing)?;
        let caller = self.of_key(token).ok_or(Refused::Unknown)?;
        let rates = self.rates.get(&caller.name).copied().unwrap_or_default();
        let bucket = Bucket::per_second(rates.requests_per_second);
        self.requests.take(&caller.name, bucket, 1).map_err(Refused::TooOften)?;
        Ok(caller)
    }

    /// Whose key it is. Looks at all there are, whichever it is, so that the time it takes tells nothing.
    fn of_key(&self, token: &str) -> Option<Caller> {
        let shown = Digest::of(token);
        let mut found = None;
        for known in &*self.known {
            let previous = known.previous_key.as_ref().is_some_and(|digest| digest.is(&shown));
            if known.key.is(&shown) | previous {
                found = Some(&known.caller);
            }
        }
        found.cloned()
    }
}
