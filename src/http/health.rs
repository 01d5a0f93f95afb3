//! `/livez`: the process runs. `/readyz`: it wants requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use http::StatusCode;

/// Whether requests are wanted. Clones share it.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<AtomicBool>);

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Readiness {
    /// From now on no more requests are wanted.
    pub fn end(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether requests are wanted.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) async fn livez() -> &'static str {
    "alive\n"
}

// A vendor that is down does not make the gateway unready: it still answers for the others.
pub(super) async fn readyz(State(readiness): State<Readiness>) -> (StatusCode, &'static str) {
    if readiness.holds() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
    }
}
