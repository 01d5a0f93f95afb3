//! Tokens (JWT): whether one is good, and whose it is.
//!
//! What a token says of itself is believed once, to refuse it sooner: who made it, how it is signed, when it ends. It becomes
//! a caller by its signature alone.

use std::sync::Arc;

use jsonwebtoken::{Validation, decode, decode_header, get_current_timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::issuer::{Algorithm, Issuer, Keys};
use super::jwks::{Fetch, Ring};
use super::{Rates, Refused};
use crate::model::caller::Caller;

/// The longest token, in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// An issuer, and its keys.
pub(super) struct Trusted {
    pub(super) issuer: Issuer,
    pub(super) ring: Arc<Ring>,
}

/// What is looked at before the signature.
#[derive(Deserialize)]
struct Said {
    iss: String,
    exp: f64,
}

impl Trusted {
    /// `before`: the same issuer under the configuration before this one, whose keys go on being known if they come from the same
    /// place.
    pub(super) fn new(issuer: Issuer, before: Option<&Self>, fetch: impl Fn(&Issuer) -> Fetch) -> Self {
        let known = before.filter(|before| match (&before.issuer.keys, &issuer.keys) {
            (Keys::At(before), Keys::At(now)) => before == now,
            _ => false,
        });
        let ring = match (known, &issuer.keys) {
            (Some(known), _) => Arc::clone(&known.ring),
            (None, Keys::Fixed(set)) => Arc::new(Ring::fixed(&issuer.name, set.clone())),
            (None, Keys::At(_)) => Arc::new(Ring::fetched(&issuer.name, fetch(&issuer))),
        };
        Self { issuer, ring }
    }
}

/// Whose token it is.
///
/// # Errors
/// `Unknown` for whatever is no good token of one of these issuers; `Unavailable` where its issuer's keys cannot be had.
pub(super) async fn verify(token: &str, issuers: &[Trusted]) -> Result<(Caller, Rates), Refused> {
    if issuers.is_empty() || token.len() > MAX_BYTES {
        return Err(Refused::Unknown);
    }
    let header = decode_header(token).map_err(|_| Refused::Unknown)?;
    // What must be understood and is not is a reason to refuse, and none of it is understood here.
    let algorithm = Algorithm::of(header.alg).filter(|_| header.crit.is_none()).ok_or(Refused::Unknown)?;
    let said: Said = jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| Refused::Unknown)?;
    let Trusted { issuer, ring } =
        issuers.iter().find(|trusted| trusted.issuer.issuer == said.iss).ok_or(Refused::Unknown)?;
    let leeway = issuer.leeway.as_secs();
    // Said again below by the library. Here it ends tokens also while their issuer's keys cannot be had.
    let over = said.exp < get_current_timestamp().saturating_sub(leeway) as f64;
    if over || !issuer.algorithms.contains(&algorithm) {
        return Err(Refused::Unknown);
    }
    let key = ring.key(header.kid.as_deref()).await?;
    if key.only.is_some_and(|only| only != algorithm) {
        return Err(Refused::Unknown);
    }
    let mut rules = Validation::new(algorithm.library());
    rules.leeway = leeway;
    rules.validate_nbf = true;
    rules.set_issuer(&[&issuer.issuer]);
    rules.set_audience(&[&issuer.audience]);
    rules.set_required_spec_claims(&["aud", "exp", "iss"]);
    let checked = decode::<Map<String, Value>>(token, &key.public, &rules).map_err(|_| Refused::Unknown)?;
    let caller = issuer.caller(&checked.claims).ok_or(Refused::Unknown)?;
    Ok((caller, issuer.rates))
}
