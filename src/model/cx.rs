//! What travels down with every request, beside what it asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use tokio::time::Instant;

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
    pub caller: Arc<str>,
    /// Counts the upstream calls made on the way. Shared by everything that one answer is made of.
    pub meter: Meter,
}

/// A count of upstream calls (attempts that left the process, retries included).
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<AtomicU32>);

impl Meter {
    /// Adds one call.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The calls so far.
    #[must_use]
    pub fn calls(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}
