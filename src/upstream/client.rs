//! What adapters hold: the whole stack behind one `send`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::breaker::Breaker;
use super::bulkhead::Bulkhead;
use super::call::{Call, Reply};
use super::dialect::Dialect;
use super::failure::{Kind, UpstreamError};
use super::gate::Gate;
use super::http::Http;
use super::observe::{Observe, Watch};
use super::policy::Policy;
use super::rate::{Listen, Rate};
use super::retry::Retry;
use super::timeout::Timeout;
use super::transport::{DynTransport, Transport};

/// One account's way to its vendor. Cheap to clone; clones share all state (pool, quota, breaker).
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "holds the dialect, which holds the key")]
pub struct Client {
    stack: Arc<dyn DynTransport>,
    watch: Arc<Watch>,
    side_by_side: usize,
}

/// How the account is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// In one word.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// When a call last succeeded.
    pub last_success_at: Option<Timestamp>,
    /// The last failure.
    pub last_error: Option<Kind>,
    /// When the vendor will be asked again, where it now is not.
    pub retry_at: Option<Timestamp>,
    /// Calls to a window.
    pub quota: u32,
    /// The window.
    pub quota_window: Duration,
    /// Calls left now.
    pub remaining: u32,
    /// When the window begins anew, where known.
    pub reset_at: Option<Timestamp>,
}

/// An account's state in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It answers, or has not been asked yet.
    Up,
    /// Its last call failed, or it limits us.
    Degraded,
    /// It is left alone for a while.
    Down,
    /// It refuses the key.
    Unauthorized,
}

impl Client {
    /// A client for one account. `label` names it in logs and metrics.
    ///
    /// # Errors
    /// `Refused` where the address is neither https nor loopback, or holds a password or a query; `Unreachable` where it is
    /// https and no TLS roots can be loaded.
    pub fn new(
        label: &str,
        base: &Url,
        dialect: impl Dialect,
        policy: Policy,
    ) -> Result<Self, UpstreamError> {
        let http = Http::new(base, Arc::new(dialect), &policy)?;
        Ok(Self::over(http, label, &policy))
    }

    /// The whole stack over a bottom. Read from the last line up, it is the way of a call; each layer's file says why it
    /// stands where it does.
    pub(super) fn over(bottom: impl Transport, label: &str, policy: &Policy) -> Self {
        let watch = Arc::new(Watch::new(label, policy));
        watch.tell();
        // One attempt gets its time.
        let stack = Timeout::new(bottom, policy);
        // What the answer says of quota and silence is known before anyone else may go.
        let stack = Listen::new(stack, Arc::clone(&watch.ledger));
        // Few attempts run at once.
        let stack = Bulkhead::new(stack, policy);
        // Each attempt is paid for, and none goes while the vendor wants silence.
        let stack = Rate::new(stack, Arc::clone(&watch.ledger), policy);
        // A vendor that is down is left alone, at no cost.
        let stack = Breaker::new(stack, Arc::clone(&watch.circuits));
        // So is one that refuses the key, which is no failure of the vendor's.
        let stack = Gate::new(stack, Arc::clone(&watch.key));
        // Reads are tried again.
        let stack = Retry::new(stack, policy);
        // The call as a whole is written down.
        let stack = Observe::new(stack, Arc::clone(&watch));
        Self { stack: Arc::new(stack), watch, side_by_side: policy.side_by_side() }
    }

    /// Sends a call and waits for its answer, at most until the call's deadline.
    ///
    /// # Errors
    /// See [`Kind`].
    ///
    /// # Cancellation
    /// A dropped future gives back what it held (a place in the queue, a permit, an unsent call's quota, a probe). A write that
    /// was sent may have happened.
    pub async fn send(&self, call: &Call) -> Result<Reply, UpstreamError> {
        self.stack.send_dyn(call).await
    }

    /// Takes over what a client of the same key knows of it: calls that count against the quota, and for how long the vendor
    /// is to be left alone. To be called before the first call.
    pub fn inherit(&self, before: &Self) {
        self.watch.inherit(&before.watch);
    }

    /// How many calls one request may have under way at the same time: half of the concurrency, up to 8 all of it.
    #[must_use]
    pub fn side_by_side(&self) -> usize {
        self.side_by_side
    }

    /// How the account is doing now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.watch.standing()
    }
}
