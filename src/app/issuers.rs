//! Where issuers' keys are fetched: an address that is asked as politely as a vendor's, with nothing to show.

use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Method};
use futures_util::FutureExt;
use futures_util::future::ready;
use tokio::time::Instant;

use crate::callers::{Fetch, Issuer, Keys};
use crate::upstream::call::{Call, CallMeter, Path};
use crate::upstream::client::Client;
use crate::upstream::dialect::Dialect;
use crate::upstream::policy::Policy;

/// How long one fetch may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most bytes of a key set.
const MAX_BYTES: usize = 256 * 1024;

/// Everyone may read what is asked for.
struct Open;

impl Dialect for Open {
    fn authorize(&self, _: &mut HeaderMap) {}
}

/// What fetches an issuer's keys.
pub(super) fn fetch(issuer: &Issuer) -> Fetch {
    let policy = Policy {
        attempt_timeout: PATIENCE,
        max_body_bytes: MAX_BYTES,
        max_attempts: 1,
        concurrency: 1,
        ..Policy::default()
    };
    let client = match &issuer.keys {
        // No vendor's account bears a colon in its name.
        Keys::At(url) => Client::new(&format!("issuer:{}", issuer.name), url, Open, policy).ok(),
        Keys::Fixed(_) => None,
    };
    let Some(client) = client else {
        tracing::error!(issuer = &*issuer.name, "the issuer's keys cannot be fetched on this machine");
        return Arc::new(|| ready(None).boxed());
    };
    Arc::new(move || {
        let client = client.clone();
        async move { client.send(&call()).await.ok().map(|reply| reply.body) }.boxed()
    })
}

/// The address itself, below which nothing is asked for.
fn call() -> Call {
    Call {
        op: "keys.read",
        method: Method::GET,
        path: Path::default(),
        query: Vec::new(),
        body: None,
        idempotent: true,
        background: false,
        deadline: Instant::now() + PATIENCE,
        meter: CallMeter::default(),
    }
}
