//! Who asks: the bearer token of a request becomes a [`Caller`], before anything else of the request is read.
//!
//! What a token is, and whose, is decided behind [`Identify`]. Whatever serves GraphQL is given the caller of each request.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::future::{BoxFuture, Either, Ready, ready};
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use tokio::time::timeout;
use tracing::Instrument;

use super::failure::Failure;
use super::graphql::Media;
use crate::model::caller::Caller;
use crate::telemetry::{self, metrics};

/// How long it may take to find out whose a token is: keys of an issuer may have to be fetched first.
pub(super) const IDENTIFY: Duration = Duration::from_secs(5);

/// Finds out whose a token is; `None` is a request without one. Counts the request against its caller's rate.
pub type Identify = Arc<dyn Fn(Option<&str>) -> Identified + Send + Sync>;

/// Whose a token is: known at once, as of most, or still to be found out.
pub type Identified = Either<Ready<Result<Caller, Refusal>>, BoxFuture<'static, Result<Caller, Refusal>>>;

/// Why nobody is let in. Says no more than a client needs, so that guessing tells nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A token is needed, and there is none.
    Missing,
    /// The token is nobody's, or no longer good.
    Unknown,
    /// What the token must be checked with cannot be had just now.
    Unavailable,
    /// The caller asks more often than it may.
    TooOften {
        /// When it may ask again.
        retry_after: Duration,
    },
}

/// Lets everyone in as [`Caller::anonymous`], whatever they show.
#[must_use]
pub fn everyone() -> Identify {
    Arc::new(|_| Either::Left(ready(Ok(Caller::anonymous()))))
}

/// Whose token these headers bear, which came with the request of this id.
///
/// # Errors
/// Why nobody is let in.
pub(super) async fn caller(identify: &Identify, headers: &HeaderMap, id: &str) -> Result<Caller, Refusal> {
    match identify(token(headers)) {
        Either::Left(told) => told.into_inner(),
        Either::Right(telling) => {
            let told = timeout(IDENTIFY, telling.instrument(telemetry::request(id))).await;
            told.unwrap_or(Err(Refusal::Unavailable))
        }
    }
}

/// The token of these headers. What is not one bearer token is nobody's: an empty one.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    match (given.next(), given.next()) {
        (None, _) => None,
        (Some(value), None) => Some(value.to_str().ok().and_then(bearer).unwrap_or_default()),
        (Some(_), Some(_)) => Some(""),
    }
}

/// The token of `Bearer <token>`.
pub(super) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_matches(' '))
}

const MISSING: Failure = Failure {
    status: StatusCode::UNAUTHORIZED,
    code: "UNAUTHENTICATED",
    message: "this gateway knows its callers: send the header authorization: Bearer <key or token>",
};
const UNKNOWN: Failure = Failure {
    status: StatusCode::UNAUTHORIZED,
    code: "UNAUTHENTICATED",
    message: "this key or token is not known here, or no longer good: ask whoever runs this gateway for another",
};
const UNAVAILABLE: Failure = Failure {
    status: StatusCode::SERVICE_UNAVAILABLE,
    code: "AUTHENTICATION_UNAVAILABLE",
    message: "tokens cannot be checked just now: ask again in a while",
};
const TOO_OFTEN: Failure = Failure {
    status: StatusCode::TOO_MANY_REQUESTS,
    code: "RATE_LIMITED",
    message: "this caller asks more often than it may: ask again after the time in retry-after",
};

impl Refusal {
    /// The same. It is counted by why it is, and never by who it was.
    pub(super) fn counted(self) -> Self {
        metrics::caller_refused(match self {
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Unavailable => "unavailable",
            Self::TooOften { .. } => "too_often",
        });
        self
    }

    /// The error that says so to the request of this id, in the list that a GraphQL response has.
    pub(super) fn errors(self, request_id: &str) -> serde_json::Value {
        match self {
            Self::Missing => MISSING,
            Self::Unknown => UNKNOWN,
            Self::Unavailable => UNAVAILABLE,
            Self::TooOften { .. } => TOO_OFTEN,
        }
        .errors(request_id)
    }

    /// The response that says so.
    pub(super) fn answer(self) -> Response<Body> {
        let (failure, name, value) = match self {
            Self::Missing => {
                (MISSING, WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"leadgraph\""))
            }
            Self::Unknown => {
                let challenge = "Bearer realm=\"leadgraph\", error=\"invalid_token\"";
                (UNKNOWN, WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
            }
            Self::Unavailable => (UNAVAILABLE, RETRY_AFTER, HeaderValue::from_static("1")),
            Self::TooOften { retry_after } => (TOO_OFTEN, RETRY_AFTER, whole_seconds(retry_after)),
        };
        let mut response = failure.answer(Media::Json);
        response.headers_mut().insert(name, value);
        response
    }
}

/// A wait in whole seconds, never less than it is.
pub(super) fn whole_seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests;
