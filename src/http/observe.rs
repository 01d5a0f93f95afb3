//! Every request is counted and traced, by its route as a template: never by its path, which a client chooses.

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{Router, get};
use http::header;
use tracing::Instrument;

use super::request_id;
use crate::telemetry::{self, metrics, traces};

/// Gives a request its id, by which all that is logged on its way belongs to it; counts and traces it and its answer.
pub(super) async fn follow(mut request: Request, next: Next) -> Response {
    let id = request_id::tag(&mut request);
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| "other".to_owned(), |route| route.as_str().to_owned());
    let logged = telemetry::request(&id);
    let span = logged.in_scope(|| traces::request(method(request.method()), &route, &id, request.headers()));
    let counting = metrics::http_request(method(request.method()), route);
    let mut response = next.run(request).instrument(span.clone()).instrument(logged).await;
    request_id::echo(&id, &mut response);
    counting.answered(response.status().as_u16());
    traces::answered(&span, response.status().as_u16());
    response
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
