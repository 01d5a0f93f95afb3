//! Every request is counted and traced, by its route as a template: never by its path, which a client chooses.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, NestedPath, Request};
use axum::response::IntoResponse;
use axum::routing::{Router, get};
use http::{Method, Response, header};
use tracing::Instrument;

use super::request_id;
use crate::telemetry::{metrics, traces};

/// Gives a request its id; counts and traces it and its answer. `answer` is given the id, too.
pub(super) async fn follow<F: Future<Output = Response<Body>>>(
    route: Cow<'static, str>,
    request: Request,
    answer: impl FnOnce(Request, Arc<str>) -> F,
) -> Response<Body> {
    let id = request_id::choose(request.headers());
    let method = method(request.method());
    let span = traces::request(method, &route, &id, request.headers());
    let counting = metrics::http_request(method, route);
    let mut response = answer(request, Arc::clone(&id)).instrument(span.clone()).await;
    request_id::echo(&id, &mut response);
    let status = response.status().as_u16();
    counting.answered(status);
    traces::answered(&span, status);
    response
}

/// The route by which a request came through a router, as a template, and without what stands before it where the gateway is part
/// of another application.
pub(super) fn route(request: &Request) -> Cow<'static, str> {
    let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let nested = request.extensions().get::<NestedPath>().map_or("", NestedPath::as_str);
    let own = matched.map(|route| route.strip_prefix(nested).unwrap_or(route));
    // What is left of the root below a path begins with two slashes.
    own.map_or(Cow::Borrowed("other"), |route| Cow::Owned(format!("/{}", route.trim_start_matches('/'))))
}

/// Clients may send any word as a method.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// `GET /metrics`, for an address of its own: what is told there is the operator's.
pub fn metrics_router() -> Router {
    Router::new().route("/metrics", get(tell))
}

async fn tell() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, metrics::MEDIA_TYPE), (header::CACHE_CONTROL, "no-store")], metrics::text())
}
