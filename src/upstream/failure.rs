//! What can go wrong on the way to a vendor and back.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One failed call.
#[derive(Clone, Debug)]
pub struct UpstreamError {
    /// The operation.
    pub op: &'static str,
    /// What happened.
    pub kind: Kind,
    /// The vendor's status, where it answered.
    pub status: Option<http::StatusCode>,
    /// When it makes sense to ask again.
    pub retry_after: Option<Duration>,
    /// For the log. Never holds a URL, a key or a body.
    pub cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// What happened, in words that layers and adapters act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No connection, or it broke before the answer was whole.
    Unreachable,
    /// No whole answer in time.
    Timeout,
    /// 429.
    RateLimited,
    /// Not sent: the quota ledger has no call left.
    QuotaExhausted,
    /// Not sent: the vendor has failed too often just now.
    BreakerOpen,
    /// 401, 403, or not sent since one of these came a moment ago.
    Unauthorized,
    /// 403 on a record or on one source of several. Only a dialect says so; adapters treat the one like `NotFound`, the other as a
    /// source that the key does not open.
    Forbidden,
    /// 404.
    NotFound,
    /// 400 or 422.
    Invalid,
    /// 405.
    MethodRefused,
    /// 5xx, or a 2xx that says it failed.
    VendorError,
    /// Not what the vendor documents: a redirect, HTML, a body that is not JSON.
    Protocol,
    /// The body is larger than the cap.
    TooLarge,
    /// Not sent: too much is waiting already.
    Overloaded,
    /// Not sent: the call itself may not be made (an unsafe id, an insecure address).
    Refused,
}

impl Kind {
    /// The kind in one word, for metrics.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::BreakerOpen => "breaker_open",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Invalid => "invalid",
            Self::MethodRefused => "method_refused",
            Self::VendorError => "vendor_error",
            Self::Protocol => "protocol",
            Self::TooLarge => "too_large",
            Self::Overloaded => "overloaded",
            Self::Refused => "refused",
        }
    }
}

impl UpstreamError {
    /// A failure with nothing known but its kind.
    #[must_use]
    pub fn new(op: &'static str, kind: Kind) -> Self {
        Self { op, kind, status: None, retry_after: None, cause: None }
    }

    /// Adds the cause, for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }
}

/// A cause: the caller's deadline, not the vendor, ended the attempt before it had a fair chance.
#[derive(Debug, thiserror::Error)]
#[error("the deadline left too little time for an answer")]
pub(super) struct CutShort;

/// A cause: there was no connection, so nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("no connection was made")]
pub(super) struct Unconnected(#[source] pub(super) Box<dyn Error + Send + Sync>);

impl UpstreamError {
    /// No answer since the caller's deadline came too soon. Nobody may hold that against the vendor.
    pub(super) fn cut_short(op: &'static str) -> Self {
        Self::new(op, Kind::Timeout).because(CutShort)
    }

    /// Whether this room refused the call, so that nothing was sent.
    pub(super) fn is_local(&self) -> bool {
        match self.kind {
            Kind::QuotaExhausted | Kind::BreakerOpen | Kind::Overloaded | Kind::Refused => true,
            Kind::RateLimited | Kind::Unauthorized => self.status.is_none(),
            _ => false,
        }
    }

    /// Whether it is the vendor's considered answer: it works, and it takes the key.
    pub(super) fn is_answer(&self) -> bool {
        matches!(self.kind, Kind::NotFound | Kind::Forbidden | Kind::Invalid | Kind::MethodRefused)
    }

    /// Whether it was [`Unconnected`].
    pub(super) fn is_unconnected(&self) -> bool {
        self.cause.as_ref().is_some_and(|cause| cause.is::<Unconnected>())
    }

    /// Whether it was [`CutShort`].
    pub(super) fn is_cut_short(&self) -> bool {
        self.cause.as_ref().is_some_and(|cause| cause.is::<CutShort>())
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.op, self.kind)
    }
}

impl Error for UpstreamError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}
