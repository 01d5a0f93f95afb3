//! Every request is counted and traced, by its route as a template: never by its path, which a client chooses.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::response::IntoResponse;
use axum::routing::{Router, get};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Response, header};
use tower::{Layer, Service};
use tracing::Instrument;

use super::request_id;
use crate::telemetry::{self, metrics, traces};

/// A layer that gives a request its id, by which all that is logged on its way belongs to it; counts and traces it and its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Follow;

/// A service whose requests are followed.
#[derive(Clone, Debug)]
pub(super) struct Followed<S>(S);

impl<S> Layer<S> for Follow {
    type Service = Followed<S>;

    fn layer(&self, inner: S) -> Followed<S> {
        Followed(inner)
    }
}

impl<S, B> Service<Request> for Followed<S>
where
    S: Service<Request, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let id = request_id::tag(&mut request);
        let route = request.extensions().get::<MatchedPath>();
        let route = route.map_or_else(|| "other".to_owned(), |route| route.as_str().to_owned());
        let logged = telemetry::request(&id);
        let span =
            logged.in_scope(|| traces::request(method(request.method()), &route, &id, request.headers()));
        let counting = metrics::http_request(method(request.method()), route);
        let answered = self.0.call(request).instrument(span.clone()).instrument(logged);
        Box::pin(async move {
            let mut response = answered.await?.map(Body::new);
            request_id::echo(&id, &mut response);
            counting.answered(response.status().as_u16());
            traces::answered(&span, response.status().as_u16());
            Ok(response)
        })
    }
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
