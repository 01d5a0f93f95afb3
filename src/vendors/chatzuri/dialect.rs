//! How Chatzuri's HTTP is spoken: the headers of every call, and what counts as an answer.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::agents;
use crate::secret::Secret;
use crate::upstream::call::Call;
use crate::upstream::dialect::{Dialect, Verdict, by_status};
use crate::upstream::failure::Kind;

/// A team's key, as the header that carries it.
pub(super) struct Bearer(HeaderValue);

impl Bearer {
    /// `None` where the key is empty or cannot stand in a header.
    pub(super) fn new(key: &Secret) -> Option<Self> {
        let key = key.expose().trim();
        let mut value = HeaderValue::from_str(&format!("Bearer {key}")).ok()?;
        value.set_sensitive(true);
        (!key.is_empty()).then_some(Self(value))
    }
}

impl Dialect for Bearer {
    fn authorize(&self, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, self.0.clone());
        // CHATZURI-2: documented as required, also where there is no content.
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }

    fn classify(&self, call: &Call, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Verdict {
        // CHATZURI-25: a list is asked of one agent, so its 403 says nothing about the key, which opens all agents of a team.
        if status == StatusCode::FORBIDDEN && call.op != agents::OP {
            return Verdict::Reject { kind: Kind::Forbidden, retry_after: None };
        }
        let verdict = by_status(status, headers);
        // CHATZURI-21: the API shares its host with a website, whose pages may answer instead. Every answer is an object.
        let object = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        match verdict {
            // CHATZURI-4: any 2xx; 202 does not mean "come back later".
            Verdict::Accept if !object => Verdict::Reject { kind: Kind::Protocol, retry_after: None },
            verdict => verdict,
        }
    }
}
