//! How a source is doing: its health and its quota, as the schema shows them.

use std::time::Duration;

use jiff::Timestamp;

use super::failure::SourceErrorKind;

/// How a source is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// In one word.
    pub state: SourceState,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// When a call last succeeded.
    pub last_success_at: Option<Timestamp>,
    /// The last failure of a call.
    pub last_error: Option<SourceErrorKind>,
    /// When the gateway will ask this vendor again, where it now does not.
    pub retry_at: Option<Timestamp>,
}

/// A source's state in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceState {
    /// It answers, or has not been asked yet.
    Up,
    /// Its last call failed, or it limits us.
    Degraded,
    /// It is left alone for a while.
    Down,
    /// It refuses the key.
    Unauthorized,
}

/// What is left of a source's calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls to a window.
    pub limit: u32,
    /// The window.
    pub window: Duration,
    /// Calls left now.
    pub remaining: u32,
    /// When the window begins anew, where the vendor said it.
    pub reset_at: Option<Timestamp>,
}
