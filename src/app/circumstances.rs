//! The circumstances of work that nobody asked for: the gateway did.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::model::caller::Caller;
use crate::model::cx::{Cx, Meter};

/// How long one piece of such work may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Of work that the gateway cannot do without.
pub(super) fn needed(name: &str) -> Cx {
    Cx {
        deadline: Instant::now() + PATIENCE,
        now: Timestamp::now(),
        request_id: Arc::from(name),
        caller: Caller::gateway(),
        meter: Meter::default(),
        background: false,
        anew: false,
    }
}

/// Of work that gives way to all that somebody waits for.
pub(super) fn in_the_background(name: &str) -> Cx {
    Cx { background: true, ..needed(name) }
}
