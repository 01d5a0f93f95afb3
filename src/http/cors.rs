//! Pages of other origins: none may ask unless the configuration names its origin.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::str::FromStr;
use std::time::Duration;

use axum::extract::Request;
use futures_util::FutureExt;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderValue, Method, Response};
use tower::util::ServiceFn;
use tower::{Layer, Service, service_fn};
use tower_http::cors::CorsLayer;
use tower_http::csrf::{Csrf, CsrfLayer, ProtectionError};
use url::Url;

use super::failure::{self, Failure};
use super::graphql::PREFLIGHTED;

/// For how long a browser need not ask again whether a page may.
const MAX_AGE: Duration = Duration::from_secs(600);

/// Where pages come from, as browsers write it: scheme, host and port, like `https://app.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// A text is no origin as browsers write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoOrigin;

impl fmt::Display for NoOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an origin")
    }
}

impl Origin {
    /// Whether a browser means this one.
    pub(super) fn is(&self, given: &HeaderValue) -> bool {
        self.0 == given
    }
}

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let url = Url::parse(text).map_err(|_| NoOrigin)?;
        let web = matches!(url.scheme(), "http" | "https");
        // What is compared is the text, so one that browsers would write otherwise would never match.
        if !web || url.origin().ascii_serialization() != text {
            return Err(NoOrigin);
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| NoOrigin)
    }
}

type Checked = Response<Option<Request>>;
type Pass = fn(Request) -> Ready<Result<Checked, Infallible>>;

/// Knows what browsers say comes from another origin than those that may ask.
pub(super) struct Sites(Csrf<ServiceFn<Pass>, fn(ProtectionError) -> Checked>);

impl Sites {
    /// Where pages of these origins may ask.
    pub(super) fn new(origins: &[Origin]) -> Self {
        let origins = origins.iter().filter_map(|origin| origin.0.to_str().ok());
        let layer = origins.fold(CsrfLayer::new(), |layer, origin| {
            layer.clone().add_trusted_origin(origin).unwrap_or(layer)
        });
        let refuse: fn(ProtectionError) -> Checked = |_| Response::new(None);
        let pass: Pass = |request| ready(Ok(Response::new(Some(request))));
        Self(layer.with_rejection_response(refuse).layer(service_fn(pass)))
    }

    /// Lets a request pass, unless it is a page's that may not ask.
    ///
    /// # Errors
    /// What the page is told.
    pub(super) fn hold(&self, request: Request) -> Result<Request, Failure> {
        let checked = self.0.clone().call(request).now_or_never();
        checked.and_then(Result::ok).and_then(Response::into_body).ok_or(failure::CROSS_SITE)
    }
}

/// Tells browsers that pages of these origins may ask and read what comes back. Cookies are none of it: callers show who
/// they are by a header. `None` where no other origin may.
pub(super) fn permission(origins: &[Origin]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let asked = [CONTENT_TYPE, AUTHORIZATION, HeaderName::from_static("x-request-id")];
    let told = [RETRY_AFTER, HeaderName::from_static("x-request-id")];
    let layer = CorsLayer::new()
        .allow_origin(origins.iter().map(|origin| origin.0.clone()).collect::<Vec<_>>())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(asked.into_iter().chain(PREFLIGHTED).collect::<Vec<_>>())
        .expose_headers(told)
        .max_age(MAX_AGE);
    Some(layer)
}
