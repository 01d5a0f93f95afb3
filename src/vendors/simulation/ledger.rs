//! The call ledger: what a simulated vendor was asked. Tests prove batching and caching by it.

use std::sync::{Mutex, MutexGuard, PoisonError};
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
    /// The status answered; 0 where none was, or not yet: the connection was cut, or its client went away.
    pub status: u16,
}

/// All calls of one simulated vendor, in order of arrival.
#[derive(Debug)]
pub struct Ledger {
    started: Instant,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    entries: Vec<Entry>,
    /// How many entries were dropped from the front.
    dropped: usize,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { started: Instant::now(), book: Mutex::default() }
    }
}

impl Ledger {
    /// The most entries that are kept; older ones are dropped.
    const KEPT: usize = 100_000;

    pub(super) fn since_start(&self) -> Duration {
        self.started.elapsed()
    }

    /// Enters a call as it arrives; answers its number.
    pub(super) fn record(&self, entry: Entry) -> usize {
        let mut book = self.book();
        if book.entries.len() >= Self::KEPT {
            book.entries.drain(..Self::KEPT / 2);
            book.dropped += Self::KEPT / 2;
        }
        book.entries.push(entry);
        book.dropped + book.entries.len() - 1
    }

    /// Enters what a call was answered with, if it is still there.
    pub(super) fn answered(&self, number: usize, status: u16) {
        let mut book = self.book();
        let place = number.checked_sub(book.dropped);
        if let Some(entry) = place.and_then(|place| book.entries.get_mut(place)) {
            (entry.status, entry.authorized) = (status, status != 401);
        }
    }

    /// All calls so far.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.book().entries.clone()
    }

    /// How many calls so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.book().entries.len()
    }

    /// Forgets all calls.
    pub fn clear(&self) {
        let mut book = self.book();
        book.dropped += book.entries.len();
        book.entries.clear();
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
