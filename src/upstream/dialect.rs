//! How one vendor's HTTP is spoken: the one trait a vendor implements for this room.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::call::Call;
use super::failure::Kind;
use super::hints;

/// How one account signs its calls, and what the vendor's answers mean.
pub trait Dialect: Send + Sync + 'static {
    /// Adds the credential, marked sensitive, and headers that the vendor wants on every call.
    fn authorize(&self, headers: &mut HeaderMap);

    /// Says what an answer means. The default goes by the status alone ([`by_status`]); a vendor that says "failed"
    /// inside a 2xx overrides it.
    fn classify(&self, call: &Call, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Verdict {
        let _ = (call, body);
        by_status(status, headers)
    }
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Any 2xx that holds what was asked for.
    Accept,
    /// A failure.
    Reject {
        /// Which.
        kind: Kind,
        /// When the vendor wants to be asked again.
        retry_after: Option<Duration>,
    },
}

/// What the status alone says. Any 2xx is accepted, any 3xx is a protocol failure (redirects are never followed).
#[must_use]
pub fn by_status(status: StatusCode, headers: &HeaderMap) -> Verdict {
    let kind = match status.as_u16() {
        200..=299 => return Verdict::Accept,
        401 | 403 => Kind::Unauthorized,
        404 | 410 => Kind::NotFound,
        405 => Kind::MethodRefused,
        408 => Kind::Timeout,
        429 => Kind::RateLimited,
        400..=499 => Kind::Invalid,
        500..=599 => Kind::VendorError,
        _ => Kind::Protocol,
    };
    Verdict::Reject { kind, retry_after: hints::retry_after(headers) }
}
