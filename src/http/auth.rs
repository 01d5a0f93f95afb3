//! Who asks: the bearer token of a request becomes a [`Caller`], before anything else of the request is read.
//!
//! What a token is, and whose, is decided behind [`Identify`]. A request that is let in carries its caller among its
//! extensions; whatever serves GraphQL takes it from there, and refuses a request without one.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, Ready, ready};
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use tower::{Layer, Service};
use tracing::Instrument;

use super::failure::Failure;
use super::graphql::Media;
use super::request_id;
use crate::model::caller::Caller;
use crate::telemetry::{self, metrics};

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

/// A layer that lets a request pass with its caller, or refuses it.
#[derive(Clone)]
pub(super) struct Admit(pub(super) Identify);

/// A service that nobody unknown reaches.
#[derive(Clone)]
pub(super) struct Admitted<S> {
    inner: S,
    identify: Identify,
}

impl<S> Layer<S> for Admit {
    type Service = Admitted<S>;

    fn layer(&self, inner: S) -> Admitted<S> {
        Admitted { inner, identify: Arc::clone(&self.0) }
    }
}

impl<S> Service<Request> for Admitted<S>
where
    S: Service<Request, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<Entering<S::Future>, BoxFuture<'static, Result<Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let telling = match (self.identify)(token(request.headers())) {
            Either::Left(told) => return Either::Left(enter(&mut self.inner, request, told.into_inner())),
            Either::Right(telling) => telling,
        };
        // The one that is ready is the one that is called.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let logged = telemetry::request(&request_id::of(request.extensions()));
        let entering = async move {
            let told = telling.instrument(logged).await;
            enter(&mut inner, request, told).await
        };
        Either::Right(entering.boxed())
    }
}

/// What comes of a request of which it is known who sent it.
type Entering<F> = Either<Ready<Result<Response<Body>, Infallible>>, F>;

fn enter<S>(inner: &mut S, mut request: Request, told: Result<Caller, Refusal>) -> Entering<S::Future>
where
    S: Service<Request, Response = Response<Body>, Error = Infallible>,
{
    match told.map_err(Refusal::counted) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            Either::Right(inner.call(request))
        }
        Err(refusal) => Either::Left(ready(Ok(refusal.answer()))),
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
