//! The wall clock, for what people and vendors read. Waiting is done on `tokio::time` alone, which tests can pause.

use jiff::Timestamp;
use tokio::time::Instant;

/// The wall clock now. The only place of this room that reads it.
pub(crate) fn wall() -> Timestamp {
    Timestamp::now()
}

/// What the wall clock will show at a future `instant`; `None` where it has passed.
pub(crate) fn wall_at(instant: Instant, now: Instant) -> Option<Timestamp> {
    let ahead = instant.checked_duration_since(now).filter(|ahead| !ahead.is_zero())?;
    wall().checked_add(ahead).ok()
}
