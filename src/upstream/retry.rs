//! **Protects** the caller **from** failures that a second attempt cures.
//! **Default** 2 attempts for reads that somebody waits for, 1 for everything else; after 50-250 ms at random (the upper end doubles to 1 s); at most 20 %
//! of the calls of the last 10 s, or one a second where there are few; never past the call's deadline.
//! **Place** outside everything that counts attempts.
//! **State** the budget.
//! **Dropped future**: no further attempt.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::Instrument;

use super::call::{Call, Reply};
use super::failure::{Kind, UpstreamError};
use super::observe::{status, word};
use super::policy::Policy;
use super::transport::Transport;
use super::window::Window;
use crate::telemetry::traces;

/// The least pause before another attempt.
pub(super) const LEAST_PAUSE: Duration = Duration::from_millis(50);
/// The most before the second attempt; doubles for each further one.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The most before any attempt.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// What the budget looks back on.
pub(super) const BUDGET_WINDOW: Duration = Duration::from_secs(10);
/// Retries that are always allowed in a window: one a second.
pub(super) const BUDGET_FLOOR: u32 = 10;
/// One retry for this many calls: 20 %.
pub(super) const CALLS_PER_RETRY: u32 = 5;

/// Tries reads again.
pub(super) struct Retry<T> {
    inner: T,
    max_attempts: u32,
    budget: Mutex<Window>,
}

impl<T> Retry<T> {
    pub(super) fn new(inner: T, policy: &Policy) -> Self {
        let budget = Mutex::new(Window::new(BUDGET_WINDOW, Instant::now()));
        Self { inner, max_attempts: policy.max_attempts, budget }
    }

    fn budget<R>(&self, act: impl FnOnce(&mut Window, Instant) -> R) -> R {
        let mut window = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut window, Instant::now())
    }

    /// Takes one retry out of the budget, if there is one.
    fn afford(&self) -> bool {
        self.budget(|window, now| {
            let (calls, retries) = window.sums(now);
            let affordable = retries < BUDGET_FLOOR.max(calls / CALLS_PER_RETRY);
            if affordable {
                window.mark(now);
            }
            affordable
        })
    }

    /// How long to wait before another attempt, if there is to be one.
    fn pause(&self, call: &Call, error: &UpstreamError, attempts: u32) -> Option<Duration> {
        let most = attempts_worth(error).min(self.max_attempts);
        if !call.idempotent || call.background || attempts >= most {
            return None;
        }
        let widest = FIRST_PAUSE.saturating_mul(1 << (attempts - 1).min(4)).min(LONGEST_PAUSE);
        let pause = LEAST_PAUSE + (widest - LEAST_PAUSE).mul_f64(fastrand::f64());
        // What the vendor asked for holds, if it fits: the pause begins where it ends.
        let pause = error.retry_after.map_or(pause, |wait| pause.max(wait));
        (call.has_room(Instant::now() + pause) && self.afford()).then_some(pause)
    }
}

impl<T: Transport> Retry<T> {
    /// One attempt, the `number`th.
    async fn attempt(&self, call: &Call, number: u32) -> Result<Reply, UpstreamError> {
        let span = traces::attempt(number);
        let outcome = self.inner.send(call).instrument(span.clone()).await;
        traces::attempt_ended(&span, word(&outcome), status(&outcome));
        outcome
    }
}

/// How many attempts a failure is worth, the one that failed included.
fn attempts_worth(error: &UpstreamError) -> u32 {
    match (error.kind, error.status.map(|status| status.as_u16())) {
        (Kind::Unreachable | Kind::Timeout, _) => u32::MAX,
        (Kind::VendorError, Some(502..=504)) => u32::MAX,
        (Kind::VendorError, Some(500)) => 2,
        _ => 1,
    }
}

impl<T: Transport> Transport for Retry<T> {
    async fn send(&self, call: &Call) -> Result<Reply, UpstreamError> {
        self.budget(|window, now| window.add(now, false));
        let mut attempts = 1;
        let mut outcome = self.attempt(call, attempts).await;
        while let Err(error) = &outcome {
            let Some(pause) = self.pause(call, error, attempts) else { break };
            sleep(pause).await;
            attempts += 1;
            let next = self.attempt(call, attempts).await;
            // What the vendor did tells more than our refusal to ask it again, or to wait longer.
            if next.as_ref().is_err_and(|error| error.is_local() || error.is_cut_short()) {
                break;
            }
            outcome = next;
        }
        outcome
    }
}
