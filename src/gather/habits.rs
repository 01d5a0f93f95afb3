//! What has been seen of a list, and makes the next read of it shorter. All walks share it. It may be wrong by then: that costs a
//! call, never a record.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What has been seen of one source's list of one kind.
#[derive(Debug, Default)]
pub(super) struct Habits {
    distrusted: AtomicBool,
    /// How many lists are distrusted.
    breaks: Arc<AtomicU64>,
    front: Mutex<Option<(u64, Front)>>,
}

/// The newest window of days that was read whole by a single page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Front {
    /// Its oldest day; it has no newest one.
    pub(super) lo: i32,
    /// The rows that its query gave.
    pub(super) rows: usize,
}

impl Habits {
    /// Of a list of which nothing has been seen. Where its order breaks, that is counted.
    pub(super) fn counted(breaks: &Arc<AtomicU64>) -> Self {
        Self { breaks: Arc::clone(breaks), ..Self::default() }
    }

    /// Whether its order has been seen to break.
    pub(super) fn is_distrusted(&self) -> bool {
        self.distrusted.load(Ordering::Relaxed)
    }

    /// Its order has been seen to break.
    pub(super) fn distrust(&self) {
        if !self.distrusted.swap(true, Ordering::Relaxed) {
            self.breaks.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The newest window as it was last seen under a filter, by the filter's fingerprint. One filter is remembered, the last.
    pub(super) fn front(&self, filter: u64) -> Option<Front> {
        let front = *self.front.lock().unwrap_or_else(PoisonError::into_inner);
        front.filter(|(of, _)| *of == filter).map(|(_, front)| front)
    }

    /// Remembers the newest window under a filter, or that there is none that fits a page.
    pub(super) fn remember(&self, filter: u64, front: Option<Front>) {
        let mut known = self.front.lock().unwrap_or_else(PoisonError::into_inner);
        match front {
            Some(front) => *known = Some((filter, front)),
            None => *known = known.filter(|(of, _)| *of != filter),
        }
    }
}
