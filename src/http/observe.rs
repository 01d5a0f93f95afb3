//! Every request is counted and traced, by its route as a template: never by its path, which a client chooses.

use std::borrow::Cow;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::BoxError;
use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response as AxumResponse};
use axum::routing::{Router, get};
use bytes::Bytes;
use http::{Response, header};
use pin_project_lite::pin_project;
use tower::{Layer, Service};
use tracing::Instrument;
use tracing::instrument::Instrumented;

use super::request_id;
use crate::telemetry::metrics::HttpRequest;
use crate::telemetry::{self, metrics, traces};

/// A layer that gives a request its id; counts and traces it and its answer.
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
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Following<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let id = request_id::tag(&mut request);
        let route = match request.extensions().get::<MatchedPath>().map(MatchedPath::as_str) {
            // Nearly all of them.
            Some("/graphql") => Cow::Borrowed("/graphql"),
            Some(route) => Cow::Owned(route.to_owned()),
            None => Cow::Borrowed("other"),
        };
        let span = traces::request(method(request.method()), &route, &id, request.headers());
        let counting = Some(metrics::http_request(method(request.method()), route));
        let answered = self.0.call(request).instrument(span);
        Following { answered, id, counting }
    }
}

pin_project! {
    /// The answer of a [`Followed`].
    pub(super) struct Following<F> {
        #[pin]
        answered: Instrumented<F>,
        id: Arc<str>,
        counting: Option<HttpRequest>,
    }
}

impl<F, B> Future for Following<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut response = ready!(this.answered.as_mut().poll(cx))?.map(Body::new);
        request_id::echo(this.id, &mut response);
        let status = response.status().as_u16();
        if let Some(counting) = this.counting.take() {
            counting.answered(status);
        }
        traces::answered(this.answered.span(), status);
        Poll::Ready(Ok(response))
    }
}

/// Has all that is logged on a request's way bear its id. Where most requests have nothing to log, this is done later.
pub(super) async fn log(request: Request, next: Next) -> AxumResponse {
    let logged = telemetry::request(&request_id::of(request.extensions()));
    next.run(request).instrument(logged).await
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
