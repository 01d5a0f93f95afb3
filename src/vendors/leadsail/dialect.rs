//! How LeadSail's HTTP is spoken: the key in `X-API-Key`, the meaning in the envelope rather than in the status.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::super::lenient::object_field;
use super::text::Text;
use crate::upstream::call::Call;
use crate::upstream::dialect::{Dialect, Verdict, by_status};
use crate::upstream::failure::Kind;

/// Lists leads.
pub(super) const LIST: &str = "leads.list";
/// Lists the interactions of a lead.
pub(super) const HISTORY: &str = "interactions.of_lead";

/// Signs calls with a tenant's key (LEADSAIL-1).
pub(super) struct Signed {
    key: HeaderValue,
}

impl Signed {
    /// Takes the key, or `None` where it has a character that a header may not have.
    pub(super) fn new(key: &str) -> Option<Self> {
        let mut key = HeaderValue::from_str(key.trim()).ok().filter(|key| !key.is_empty())?;
        key.set_sensitive(true);
        Some(Self { key })
    }
}

impl Dialect for Signed {
    fn authorize(&self, headers: &mut HeaderMap) {
        headers.insert("x-api-key", self.key.clone());
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    }

    fn classify(&self, call: &Call, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Verdict {
        classify(call.op, status, headers, body)
    }
}

/// The outside of an envelope. `data` is skipped, not read.
#[derive(Deserialize)]
struct Outside<'a> {
    success: bool,
    #[serde(borrow, default, deserialize_with = "object_field")]
    error: Option<Failure<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Failure<'a> {
    #[serde(borrow)]
    code: Text<'a>,
}

/// What an answer means. A 2xx is accepted only if the envelope says so too. Of a 4xx the code says more than the status,
/// since the codes are documented and the statuses are not (LEADSAIL-2, LEADSAIL-3).
pub(super) fn classify(op: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Verdict {
    let verdict = by_status(status, headers);
    if !status.is_success() && (!status.is_client_error() || status == StatusCode::TOO_MANY_REQUESTS) {
        return verdict;
    }
    let outside: Option<Outside<'_>> = serde_json::from_slice(body).ok();
    match outside {
        None if status.is_success() => Verdict::Reject { kind: Kind::Protocol, retry_after: None },
        Some(Outside { success: true, .. }) if status.is_success() => Verdict::Accept,
        outside => {
            let error = outside.and_then(|outside| outside.error).unwrap_or_default();
            match meaning(error.code.as_str().unwrap_or_default()) {
                Some(meant) => by_status(meant, headers),
                None if status.is_success() => Verdict::Reject { kind: Kind::VendorError, retry_after: None },
                // A record of somebody else: not there for us. A list refused is the key refused, and never an empty list.
                None if status == StatusCode::FORBIDDEN && ![LIST, HISTORY].contains(&op) => {
                    Verdict::Reject { kind: Kind::Forbidden, retry_after: None }
                }
                None => verdict,
            }
        }
    }
}

/// The status that an error code stands for. The set of codes is open.
fn meaning(code: &str) -> Option<StatusCode> {
    let code = code.trim().to_ascii_uppercase();
    Some(match code.as_str() {
        "UNAUTHORIZED" => StatusCode::UNAUTHORIZED,
        "NOT_FOUND" => StatusCode::NOT_FOUND,
        "VALIDATION_ERROR" => StatusCode::BAD_REQUEST,
        _ if ["RATE_LIMIT", "TOO_MANY", "THROTTL"].iter().any(|word| code.contains(word)) => {
            StatusCode::TOO_MANY_REQUESTS // LEADSAIL-28
        }
        _ => return None,
    })
}
