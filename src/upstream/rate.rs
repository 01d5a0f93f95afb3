//! **Protects from** going over the vendor's quota, and from being heard while the vendor wants silence.
//! **Default** 300 calls a minute, 10 at once; a 429 (or a 503 with `Retry-After`) silences the whole account for as long as the
//! vendor says, at most 300 s, or 1 s doubling to 60 s where it says nothing. Calls wait if that fits
//! their deadline, 64 of them at most. One that nobody waits for never waits, and goes only while half of the quota and of the
//! burst is left.
//! **Place** inside retry, so that retries are paid for; outside the bulkhead, so that nobody holds a permit while waiting here;
//! its other half ([`Listen`]) below the bulkhead, so that no permit is free before an answer has been heard.
//! **State** the ledger ([`super::quota::Ledger`]) and a count of those who wait.
//! **Dropped future**: a call that still waited here gives its place in the ledger back; one that was handed on stays paid.

use std::sync::Arc;

use http::StatusCode;
use tokio::time::{Instant, sleep_until};

use super::bulkhead::Queue;
use super::call::{Call, Reply};
use super::failure::{Kind, UpstreamError};
use super::policy::Policy;
use super::quota::{Booking, Ledger};
use super::transport::Transport;

/// Sends no call before the ledger has room for it.
pub(super) struct Rate<T> {
    inner: T,
    ledger: Arc<Ledger>,
    queue: Queue,
}

impl<T> Rate<T> {
    pub(super) fn new(inner: T, ledger: Arc<Ledger>, policy: &Policy) -> Self {
        Self { inner, ledger, queue: Queue::new(policy) }
    }

    /// Waits for a place in the ledger. What would have to wait past its deadline is refused at once.
    async fn book(&self, call: &Call) -> Result<Booking<'_>, UpstreamError> {
        let refused = |kind, until: Instant, now| UpstreamError {
            retry_after: Some(until - now),
            ..UpstreamError::new(call.op, kind)
        };
        let place = || self.queue.enter().ok_or_else(|| UpstreamError::new(call.op, Kind::Overloaded));
        let mut now = Instant::now();
        if now >= call.deadline {
            return Err(UpstreamError::cut_short(call.op));
        }
        while let Some(until) = self.ledger.silent_until(now) {
            if call.background || !call.has_room(until) {
                return Err(refused(Kind::RateLimited, until, now));
            }
            let _place = place()?;
            sleep_until(until).await;
            now = Instant::now();
        }
        let fits = |at| at <= now || (!call.background && call.has_room(at));
        let booking = self.ledger.book(now, call.background, fits);
        let booking = booking.map_err(|at| refused(Kind::QuotaExhausted, at, now))?;
        if booking.at > now {
            let _place = place()?;
            sleep_until(booking.at).await;
        }
        Ok(booking)
    }
}

impl<T: Transport> Transport for Rate<T> {
    async fn send(&self, call: &Call) -> Result<Reply, UpstreamError> {
        loop {
            let mut booking = self.book(call).await?;
            booking.sent = true;
            let outcome = self.inner.send(call).await;
            match &outcome {
                Err(error) if error.is_local() => booking.sent = false,
                _ => return outcome,
            }
            // While it waited, here or for a permit, the vendor asked for silence: it may wait again.
            if !outcome.as_ref().is_err_and(|error| error.kind == Kind::RateLimited) {
                return outcome;
            }
        }
    }
}

/// The other half of the layer, below the bulkhead: hears what answers say before the next call may go, and looks once more
/// whether the vendor wants silence.
pub(super) struct Listen<T> {
    inner: T,
    ledger: Arc<Ledger>,
}

impl<T> Listen<T> {
    pub(super) fn new(inner: T, ledger: Arc<Ledger>) -> Self {
        Self { inner, ledger }
    }
}

impl<T: Transport> Transport for Listen<T> {
    async fn send(&self, call: &Call) -> Result<Reply, UpstreamError> {
        let now = Instant::now();
        if let Some(until) = self.ledger.silent_until(now) {
            let retry_after = Some(until - now);
            return Err(UpstreamError { retry_after, ..UpstreamError::new(call.op, Kind::RateLimited) });
        }
        let mut outcome = self.inner.send(call).await;
        let now = Instant::now();
        match &mut outcome {
            Ok(reply) => self.ledger.settle(now, reply.quota),
            Err(error) if error.kind == Kind::RateLimited => {
                error.retry_after = Some(self.ledger.silence(now, error.retry_after));
            }
            Err(error) if error.status == Some(StatusCode::SERVICE_UNAVAILABLE) => {
                // What may come again at once needs no silence of ours.
                if let Some(wait) = error.retry_after.filter(|wait| !wait.is_zero()) {
                    self.ledger.silence(now, Some(wait));
                }
            }
            Err(_) => {}
        }
        outcome
    }
}
