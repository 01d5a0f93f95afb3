//! What travels down with every request, beside what it asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use tokio::time::Instant;

use super::caller::Caller;

/// The circumstances of one request: how long it may take, what time it is, who asks.
#[derive(Clone, Debug)]
pub struct Cx {
    /// When the answer must be ready, on the monotonic clock. Nothing waits past it.
    pub deadline: Instant,
    /// The wall clock as the request came in.
    pub now: Timestamp,
    /// Names the request in logs and errors.
    pub request_id: Arc<str>,
    /// Who asks. Cursors are sealed for one caller.
    pub caller: Caller,
    /// Counts the upstream calls made on the way. Shared by everything that one answer is made of.
    pub meter: Meter,
    /// Nobody waits for the answer: its calls give way to those that somebody waits for.
    pub background: bool,
}

/// A count of upstream calls (attempts that left the process, retries included).
#[derive(Clone, Debug, Default)]
pub struct Meter {
    own: Arc<AtomicU32>,
    whole: Option<Arc<Meter>>,
}

impl Meter {
    /// A meter of a part of the work, whose calls count for the whole, too.
    #[must_use]
    pub fn part(&self) -> Self {
        Self { own: Arc::default(), whole: Some(Arc::new(self.clone())) }
    }

    /// Adds one call.
    pub fn count(&self) {
        self.own.fetch_add(1, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.count();
        }
    }

    /// The calls so far.
    #[must_use]
    pub fn calls(&self) -> u32 {
        self.own.load(Ordering::Relaxed)
    }
}
