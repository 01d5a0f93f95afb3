//! How much each caller has asked: one moment for each, bounded in number.
//!
//! A caller's bucket is kept as the moment at which it will be full again (GCRA). One that is full need not be kept at all,
//! so only callers of the last seconds are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Callers whose buckets are kept at the same time. More than these share one.
const MOST: usize = 10_000;

/// How much fits into a bucket, and how fast it fills.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    /// The time in which one unit fills in.
    unit: Duration,
    /// The time in which all of it does.
    whole: Duration,
}

impl Bucket {
    /// A bucket that fills by so many units a second, and holds two seconds' worth.
    pub(super) fn per_second(rate: u32) -> Self {
        Self { unit: Duration::from_secs(1) / rate.max(1), whole: Duration::from_secs(2) }
    }
}

/// Buckets by caller.
#[derive(Debug, Default)]
pub(super) struct Meters(Mutex<HashMap<Arc<str>, Instant>>);

impl Meters {
    /// Takes `units` out of a caller's bucket, which may then lack some: what is taken is known only when it is. Who
    /// lacks anything waits until it has filled in.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn take(&self, name: &Arc<str>, bucket: Bucket, units: u32) -> Result<(), Duration> {
        let now = Instant::now();
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= MOST && !full_at.contains_key(name) {
            full_at.retain(|_, at| *at > now);
        }
        let crowded = full_at.len() >= MOST && !full_at.contains_key(name);
        let name = if crowded { Arc::from("") } else { Arc::clone(name) };
        let at = full_at.entry(name).or_insert(now);
        let owed = at.saturating_duration_since(now);
        if owed >= bucket.whole {
            return Err(owed - bucket.whole + bucket.unit);
        }
        *at = now + owed + bucket.unit.saturating_mul(units);
        Ok(())
    }

    /// Puts back what was taken and not needed. Nobody gets more than a full bucket.
    pub(super) fn give_back(&self, name: &Arc<str>, bucket: Bucket, units: u32) {
        let now = Instant::now();
        if let Some(at) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(name) {
            *at = at.checked_sub(bucket.unit.saturating_mul(units)).unwrap_or(now).max(now);
        }
    }
}

#[cfg(test)]
impl Meters {
    /// How many buckets are kept.
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
