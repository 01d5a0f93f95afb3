//! The call ledger: what a simulated vendor was asked. Tests prove batching and caching by it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

/// One call as the vendor saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Since the simulator started.
    pub at: Duration,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, still encoded.
    pub query: String,
    /// Whether a credential came along that the vendor knows; the credential itself is not kept.
    pub authorized: bool,
    /// The status answered; 0 where the connection was cut.
    pub status: u16,
}

/// All calls of one simulated vendor, in order of arrival.
#[derive(Debug)]
pub struct Ledger {
    started: Instant,
    entries: Mutex<Vec<Entry>>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { started: Instant::now(), entries: Mutex::default() }
    }
}

impl Ledger {
    /// The most entries that are kept; older ones are dropped.
    const KEPT: usize = 100_000;

    pub(super) fn since_start(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn record(&self, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= Self::KEPT {
            entries.drain(..Self::KEPT / 2);
        }
        entries.push(entry);
    }

    /// All calls so far.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many calls so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Forgets all calls.
    pub fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
