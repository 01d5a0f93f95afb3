//! What went wrong at a source, as data.

use async_graphql::{Enum, SimpleObject};

use crate::graphql::error::{millis, source_message};
use crate::model::failure::{self, SourceErrorKind};

/// What went wrong at a source.
#[derive(Clone, SimpleObject)]
pub(in crate::graphql) struct SourceError {
    /// For programs. The same failure in `errors` has this word after `SOURCE_` as its `extensions.code`.
    code: SourceErrorCode,
    /// For people. Safe to show: it never holds a URL, a key, a vendor's words or personal data.
    message: &'static str,
    /// Whether asking again later can help.
    retryable: bool,
    /// In how many milliseconds it makes sense to ask again; null where nobody knows.
    retry_after_ms: Option<i32>,
}

impl From<SourceErrorKind> for SourceError {
    fn from(kind: SourceErrorKind) -> Self {
        let (code, message, retryable) = (kind.into(), source_message(kind), kind.retryable());
        Self { code, message, retryable, retry_after_ms: None }
    }
}

impl From<&failure::SourceError> for SourceError {
    fn from(error: &failure::SourceError) -> Self {
        Self { retry_after_ms: error.retry_after.map(millis), ..error.kind.into() }
    }
}

/// What went wrong at a source, in one word.
#[derive(Clone, Copy, PartialEq, Eq, Enum, Debug)]
pub(in crate::graphql) enum SourceErrorCode {
    /// No connection to the vendor, or it broke.
    Unreachable,
    /// The vendor did not answer in time.
    Timeout,
    /// The vendor says that it is asked too often.
    RateLimited,
    /// By the gateway's own count no call of the vendor's quota is left. The vendor was not asked.
    QuotaExhausted,
    /// The vendor failed too often just now and is left alone for a while. It was not asked.
    BreakerOpen,
    /// The vendor refuses the key of the source. Whoever runs the gateway must act.
    Unauthorized,
    /// The vendor has no such thing. For a list: the source is set up wrongly.
    NotFound,
    /// The vendor failed, or refused the call.
    VendorError,
    /// The vendor's answer is not what it documents.
    Protocol,
    /// The vendor has nothing of this kind.
    Unsupported,
    /// The gateway has read as much as one answer may cost. Narrow the filter, or go on with the next page.
    BudgetExhausted,
    /// Too much is waiting for this vendor already. It was not asked.
    Overloaded,
    /// A fault of the gateway's. The same failure in `errors` has just `INTERNAL` as its `extensions.code`.
    Internal,
}

impl From<SourceErrorKind> for SourceErrorCode {
    fn from(kind: SourceErrorKind) -> Self {
        match kind {
            SourceErrorKind::Unreachable => Self::Unreachable,
            SourceErrorKind::Timeout => Self::Timeout,
            SourceErrorKind::RateLimited => Self::RateLimited,
            SourceErrorKind::QuotaExhausted => Self::QuotaExhausted,
            SourceErrorKind::BreakerOpen => Self::BreakerOpen,
            SourceErrorKind::Unauthorized => Self::Unauthorized,
            SourceErrorKind::NotFound => Self::NotFound,
            SourceErrorKind::VendorError => Self::VendorError,
            SourceErrorKind::Protocol
            | SourceErrorKind::TooLarge
            | SourceErrorKind::MethodRefused
            | SourceErrorKind::StaleToken => Self::Protocol,
            SourceErrorKind::Unsupported => Self::Unsupported,
            SourceErrorKind::BudgetExhausted => Self::BudgetExhausted,
            SourceErrorKind::Overloaded => Self::Overloaded,
            SourceErrorKind::Internal => Self::Internal,
        }
    }
}
