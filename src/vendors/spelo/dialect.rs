//! How Spelo's HTTP is spoken: the site's key on every call, and what the vendor's refusals mean.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::super::Problem;
use super::wire::ErrorBody;
use crate::secret::Secret;
use crate::upstream::call::Call;
use crate::upstream::dialect::{Dialect, Verdict, by_status};
use crate::upstream::failure::Kind;

/// A site's key, ready to be sent.
pub(super) struct SiteKey(HeaderValue);

impl SiteKey {
    /// Takes a key. Refuses one that cannot be a site key, so that the mistake shows at the start and not as a 401.
    pub(super) fn new(key: &Secret) -> Result<Self, Problem> {
        let refused = |what: &str, hint: &str| Problem {
            path: vec!["api_key_env".to_owned()],
            what: what.to_owned(),
            hint: hint.to_owned(),
        };
        let text = key.expose().trim();
        let hint = "use the site key (sk_live_…) from the site's settings";
        // SPELO-2: no scope of a workspace key reads leads or conversations.
        if text.to_ascii_lowercase().starts_with("vk_") {
            return Err(refused(
                "this is a workspace key (vk_…), which cannot read leads or conversations",
                hint,
            ));
        }
        if text.is_empty() {
            return Err(refused("the key is empty", hint));
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {text}"))
            .map_err(|_| refused("the key holds characters that cannot be sent in a header", hint))?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl Dialect for SiteKey {
    fn authorize(&self, headers: &mut HeaderMap) {
        headers.insert(header::AUTHORIZATION, self.0.clone());
    }

    fn classify(&self, call: &Call, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Verdict {
        let Verdict::Reject { kind, retry_after } = by_status(status, headers) else {
            return Verdict::Accept;
        };
        let kind = if status.is_client_error() { refusal(call, status, body).unwrap_or(kind) } else { kind };
        let retry_after =
            retry_after.or_else(|| (kind == Kind::RateLimited).then(|| reset(headers)).flatten());
        Verdict::Reject { kind, retry_after }
    }
}

/// What the vendor's code says of a 4xx, where that is more than its status says. SPELO-13: codes are compared without
/// regard to case, and a body that is not understood leaves the status to speak.
fn refusal(call: &Call, status: StatusCode, body: &[u8]) -> Option<Kind> {
    let code = ErrorBody::read(body).code.unwrap_or_default().to_ascii_uppercase();
    match &*code {
        "UNAUTHENTICATED" => Some(Kind::Unauthorized),
        "RATE_LIMITED" => Some(Kind::RateLimited),
        "LEAD_NOT_FOUND" | "CONVERSATION_NOT_FOUND" => Some(Kind::NotFound),
        // SPELO-12: of a record it means "of another site"; of a list it means that the key may not read it.
        _ if status == StatusCode::FORBIDDEN && names_a_record(call) => Some(Kind::Forbidden),
        _ => None,
    }
}

/// Lists live at `v1/public/<collection>`; every longer path names one record.
fn names_a_record(call: &Call) -> bool {
    call.path.segments().count() > 3
}

/// SPELO-15: seconds to wait, not an epoch; so a large number is not believed.
fn reset(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get("x-ratelimit-reset")?.to_str().ok()?.trim().parse().ok()?;
    (seconds <= 300).then(|| Duration::from_secs(seconds))
}
