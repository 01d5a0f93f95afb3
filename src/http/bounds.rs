//! How large the head of a request may be. The connection reads no more than [`HEAD_BYTES`] of it in any case; what comes
//! here may have come through another server.

use axum::extract::Request;

use super::failure::{self, Failure};

/// The most bytes of a request's head that a connection reads: the address and the headers together.
pub(super) const HEAD_BYTES: usize = 32 * 1024;
/// The most headers. A connection reads up to 100, so that who sends a few too many is told so in our words.
const HEADERS: usize = 64;
/// The most bytes of a request's address. Longer queries go by POST.
const ADDRESS_BYTES: usize = 8 * 1024;
/// The most bytes of all headers.
const HEADER_BYTES: usize = 16 * 1024;

/// Refuses a request whose head is too large.
pub(super) fn hold(request: &Request) -> Option<Failure> {
    let address = request.uri().path_and_query().map_or(0, |whole| whole.as_str().len());
    if address > ADDRESS_BYTES {
        return Some(failure::LONG_ADDRESS);
    }
    let headers = request.headers();
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    (bytes > HEADER_BYTES || headers.len() > HEADERS).then_some(failure::LARGE_HEADERS)
}
