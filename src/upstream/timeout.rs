//! **Protects from** a vendor that does not answer, or answers by the drop.
//! **Default** 2 s for one attempt, body included, and never past the call's deadline.
//! **Place** innermost wait, so that queueing does not eat an attempt's time and each retry has its own.
//! **State** none.
//! **Dropped future**: the attempt below is dropped with it.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::call::{Call, Reply};
use super::failure::{Kind, UpstreamError};
use super::policy::Policy;
use super::transport::Transport;

/// Bounds one attempt.
pub(super) struct Timeout<T> {
    inner: T,
    limit: Duration,
}

impl<T> Timeout<T> {
    pub(super) fn new(inner: T, policy: &Policy) -> Self {
        Self { inner, limit: policy.attempt_timeout }
    }
}

impl<T: Transport> Transport for Timeout<T> {
    async fn send(&self, call: &Call) -> Result<Reply, UpstreamError> {
        let now = Instant::now();
        if now >= call.deadline {
            return Err(UpstreamError::cut_short(call.op));
        }
        let end = call.deadline.min(now + self.limit);
        match timeout_at(end, self.inner.send(call)).await {
            Ok(outcome) => outcome,
            // An attempt that had half of its time has failed on its own account.
            Err(_) if end - now < self.limit / 2 => Err(UpstreamError::cut_short(call.op)),
            Err(_) => Err(UpstreamError::new(call.op, Kind::Timeout)),
        }
    }
}
