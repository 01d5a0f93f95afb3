//! What became of a write: the one question that a failed read never raises.
//!
//! A write is sent once (`retry` leaves it alone, and so does the HTTP client below). What failed before a byte could leave, and
//! what the vendor refused, did not happen. Everything else may have, and only a look at the vendor tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::call::{Call, CallMeter, Reply};
use super::client::Client;
use super::failure::{Kind, UpstreamError};

/// A write that was not answered as it should be.
#[derive(Clone, Debug)]
pub struct Unwritten {
    /// What happened on the way.
    pub error: UpstreamError,
    /// What became of the write.
    pub fate: Fate,
}

/// What became of a write that was not answered as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing of it left: it was refused here, or there was no connection.
    Unsent,
    /// The vendor has read it and refuses it.
    Refused,
    /// It may have been done.
    Unknown,
}

impl Client {
    /// Sends a write, at most once, and says what became of it where it fails.
    ///
    /// # Errors
    /// With the fate of the write. An answer that cannot be understood later on is one of unknown fate, too.
    ///
    /// # Cancellation
    /// A write whose future is dropped may have been done.
    pub async fn write(&self, call: Call) -> Result<Reply, Unwritten> {
        let left = Arc::new(AtomicBool::new(false));
        let (gone, meter) = (Arc::clone(&left), call.meter.clone());
        let meter = CallMeter::new(move || {
            gone.store(true, Ordering::Relaxed);
            meter.count();
        });
        let outcome = self.send(&Call { idempotent: false, meter, ..call }).await;
        outcome.map_err(|error| Unwritten { fate: fate(&error, left.load(Ordering::Relaxed)), error })
    }
}

/// The fate of a write that failed; `left` if an attempt was begun.
fn fate(error: &UpstreamError, left: bool) -> Fate {
    if !left || error.is_unconnected() {
        return Fate::Unsent;
    }
    let Some(status) = error.status else { return Fate::Unknown };
    // Within a 2xx, the vendor's own code says that it refused. 408 says no more than a timeout does.
    let refused = error.is_answer() || matches!(error.kind, Kind::Unauthorized | Kind::RateLimited);
    let refused = refused || (status.is_client_error() && error.kind != Kind::Timeout);
    if refused { Fate::Refused } else { Fate::Unknown }
}
