//! What can go wrong at a source, in words that every room understands.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::id::SourceId;

/// One failed operation of one source. Cheap to clone: caches and batches hand it to everyone who waits.
#[derive(Clone)]
pub struct SourceError {
    /// Whose failure it is.
    pub source: SourceId,
    /// The operation, constant text such as `leads.list`.
    pub op: &'static str,
    /// What to do about it.
    pub kind: SourceErrorKind,
    /// When it makes sense to ask again, where the vendor or the gateway knows.
    pub retry_after: Option<Duration>,
    /// For the log, never for a client.
    pub cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl SourceError {
    /// A failure of `source` in `op`, with no cause and no hint when to ask again.
    #[must_use]
    pub fn new(source: &SourceId, op: &'static str, kind: SourceErrorKind) -> Self {
        Self { source: source.clone(), op, kind, retry_after: None, cause: None }
    }

    /// Adds when it makes sense to ask again.
    #[must_use]
    pub fn retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// Adds the cause, for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }
}

/// Kinds are what callers act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceErrorKind {
    /// No connection, or it broke.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// The vendor says we ask too often.
    RateLimited,
    /// Our own ledger of the vendor's quota says that no call is left.
    QuotaExhausted,
    /// The vendor has failed too often just now; it is left alone for a while.
    BreakerOpen,
    /// The vendor refuses the key.
    Unauthorized,
    /// No such thing at the vendor. For a list it is a wrong setting, for a record it is `None` instead.
    NotFound,
    /// The vendor failed (5xx), or refused what we sent (4xx).
    VendorError,
    /// The answer is not what the vendor documents.
    Protocol,
    /// The answer is larger than we take.
    TooLarge,
    /// The vendor does not know the method of the call (405).
    MethodRefused,
    /// The vendor has no such verb.
    Unsupported,
    /// The gateway has read as much as one answer may cost.
    BudgetExhausted,
    /// Too much is waiting for this vendor already.
    Overloaded,
    /// A page token that the source does not (any longer) know.
    StaleToken,
    /// A fault of ours.
    Internal,
}

impl SourceErrorKind {
    /// Whether asking again later can help.
    #[must_use]
    pub fn retryable(self) -> bool {
        match self {
            Self::Unreachable
            | Self::Timeout
            | Self::RateLimited
            | Self::QuotaExhausted
            | Self::BreakerOpen
            | Self::VendorError
            | Self::BudgetExhausted
            | Self::Overloaded => true,
            Self::Unauthorized
            | Self::NotFound
            | Self::Protocol
            | Self::TooLarge
            | Self::MethodRefused
            | Self::Unsupported
            | Self::StaleToken
            | Self::Internal => false,
        }
    }
}

impl fmt::Debug for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceError")
            .field("source", &self.source)
            .field("op", &self.op)
            .field("kind", &self.kind)
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed in {}: {:?}", self.source, self.op, self.kind)
    }
}

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}
