//! What travels down with every request, beside what it asks for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::time::Instant;

use super::caller::Caller;
use super::failure::SourceErrorKind;
use super::id::SourceId;
use super::lease::Ground;

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
    /// What is held already will not do: it is read anew, and stays for others where that fails.
    pub anew: bool,
}

/// What a piece of work takes: a count of upstream calls (attempts that left the process, retries included), what older data
/// was used for it, and what its answer rests on.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    own: Arc<AtomicU32>,
    older: Arc<Mutex<BTreeMap<SourceId, Older>>>,
    whole: Option<Arc<Meter>>,
    /// What the answer rests on. Parts share it with the whole.
    pub ground: Ground,
    /// How the calls of work that goes on behind the answer are paid for.
    later: Option<Payment>,
    /// How these calls are, if that is what this meters.
    paid: Option<Payment>,
}

/// What is done for each call that is made when the answer may be there already.
#[derive(Clone)]
struct Payment(Arc<dyn Fn() + Send + Sync>);

impl fmt::Debug for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payment")
    }
}

/// Older data than usual, used for single records of one source.
#[derive(Clone, Debug)]
pub struct Older {
    /// Whose.
    pub source: SourceId,
    /// When the oldest of it was received from the vendor.
    pub fetched_at: Timestamp,
    /// Why it could not be read anew; `None` while it is being read anew.
    pub error: Option<SourceErrorKind>,
}

impl Meter {
    /// A meter of a part of the work, whose calls count for the whole, too.
    #[must_use]
    pub fn part(&self) -> Self {
        let (whole, ground, later) = (Some(Arc::new(self.clone())), self.ground.clone(), self.later.clone());
        Self { whole, ground, later, ..Self::default() }
    }

    /// The same meter. Each call of work that goes on behind the answer ([`Meter::later`]) is paid for by `pay`, since nothing that is
    /// reckoned once the answer is there knows of it.
    #[must_use]
    pub fn paid_later(self, pay: impl Fn() + Send + Sync + 'static) -> Self {
        Self { later: Some(Payment(Arc::new(pay))), ..self }
    }

    /// A meter of work that goes on behind the answer: its calls do not count for this one, and its data is no part of the answer.
    #[must_use]
    pub fn later(&self) -> Self {
        Self { paid: self.later.clone(), ..Self::default() }
    }

    /// Adds one call.
    pub fn count(&self) {
        self.own.fetch_add(1, Ordering::Relaxed);
        if let Some(Payment(pay)) = &self.paid {
            pay();
        }
        if let Some(whole) = &self.whole {
            whole.count();
        }
    }

    /// Notes that older data was used for a single record. Lists tell of theirs in their reports.
    pub fn note(&self, older: &Older) {
        let mut noted = self.older.lock().unwrap_or_else(PoisonError::into_inner);
        let of_source = noted.entry(older.source.clone()).or_insert_with(|| older.clone());
        of_source.fetched_at = of_source.fetched_at.min(older.fetched_at);
        of_source.error = of_source.error.or(older.error);
        drop(noted);
        if let Some(whole) = &self.whole {
            whole.note(older);
        }
    }

    /// What older data was used so far, by source.
    #[must_use]
    pub fn older(&self) -> Vec<Older> {
        self.older.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The calls so far.
    #[must_use]
    pub fn calls(&self) -> u32 {
        self.own.load(Ordering::Relaxed)
    }
}
