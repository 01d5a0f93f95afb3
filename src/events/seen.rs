//! Which events came already: vendors send one more than once, and someone else may send it again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::id::SourceId;

/// How long an event is remembered: as long as vendors repeat it.
pub(super) const AGE: Duration = Duration::from_secs(24 * 3600);
/// The most events that are remembered of one webhook, about 2 MB of them. The oldest go first.
pub(super) const MOST: usize = 20_000;

/// Marks of events (`Told::mark`), each good for a day.
#[derive(Default)]
pub(super) struct Seen {
    marks: HashSet<[u8; 32]>,
    order: VecDeque<([u8; 32], Instant)>,
}

impl Seen {
    /// Whether an event came already.
    pub(super) fn holds(&mut self, mark: &[u8; 32]) -> bool {
        let now = Instant::now();
        while let Some((old, at)) = self.order.front() {
            if now.duration_since(*at) < AGE && self.order.len() <= MOST {
                break;
            }
            self.marks.remove(old);
            self.order.pop_front();
        }
        self.marks.contains(mark)
    }

    /// Remembers an event.
    pub(super) fn add(&mut self, mark: [u8; 32]) {
        if self.marks.insert(mark) {
            self.order.push_back((mark, Instant::now()));
        }
    }
}

/// What each webhook has told already, whatever the configuration. Clones share it.
#[derive(Clone, Default)]
#[expect(missing_debug_implementations, reason = "holds hashes only, many of them")]
pub struct Told(Arc<Mutex<HashMap<SourceId, ToldTo>>>);

/// What one webhook has told already.
#[derive(Clone, Default)]
#[expect(missing_debug_implementations, reason = "holds hashes only, many of them")]
pub struct ToldTo(pub(super) Arc<Mutex<Seen>>);

impl Told {
    /// Of the webhook of this account.
    #[must_use]
    pub fn to(&self, account: &SourceId) -> ToldTo {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(account.clone()).or_default().clone()
    }
}
