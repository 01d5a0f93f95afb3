//! What every request meets on its way in and every answer on its way out, in this order. A function, not a stack of layers: each of
//! those moves the request into a future of its own and the answer out of it, and most requests want nothing of most of them.

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Response};
use tower::{Layer, Service, ServiceExt};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::cors::CorsLayer;

use super::auth::{self, Identify};
use super::cors::{self, Sites};
use super::failure::{self, Failure};
use super::graphql::Media;
use super::{HostName, Settings, bounds, hosts, observe};
use crate::model::caller::Caller;

/// What all routes have before them.
pub(super) struct Front {
    identify: Identify,
    hosts: Option<Box<[HostName]>>,
    sites: Sites,
    permission: Option<CorsLayer>,
}

impl Front {
    pub(super) fn new(settings: &Settings, identify: Identify) -> Self {
        Self {
            identify,
            hosts: settings.hosts.clone().map(Into::into),
            sites: Sites::new(&settings.cors_origins),
            permission: cors::permission(&settings.cors_origins),
        }
    }

    /// Has a request answered that came by this route, given as a template. Whatever comes of it, its answer bears its id and is
    /// counted. `answer` is given the id, too.
    pub(super) async fn pass<F: Future<Output = Response<Body>>>(
        &self,
        route: Cow<'static, str>,
        request: Request,
        answer: impl FnOnce(Request, Arc<str>) -> F,
    ) -> Response<Body> {
        observe::follow(route, request, |request, id| async move {
            let unpacks = Head::of_who_unpacks(request.headers());
            let crosses = self.permission.as_ref().map(|permission| (permission, Head::of(&request)));
            // Whether a page may ask is said by the layer itself.
            let preflight = crosses.is_some() && request.method() == Method::OPTIONS;
            let mut response = if preflight { Response::default() } else { held(request, id, answer).await };
            // Outside of what refuses and fails: pages that may ask are also to read why they got nothing.
            if let Some((permission, head)) = crosses {
                response = head.through(permission, response).boxed().await;
            }
            if let Some(head) = unpacks {
                response = head.through(&compression(), response).boxed().await;
            }
            for (name, value) in USUAL {
                response.headers_mut().entry(name).or_insert(value);
            }
            response
        })
        .await
    }

    /// Lets a request pass that no page of another site sent.
    ///
    /// # Errors
    /// What such a page is told.
    pub(super) fn guard(&self, request: Request) -> Result<Request, Failure> {
        // A page whose own name was made to mean this machine is of another site.
        match self.hosts.as_ref().and_then(|hosts| hosts::hold(hosts, &request)) {
            Some(failure) => Err(failure),
            None => self.sites.hold(request),
        }
    }

    /// As [`Front::pass`] behind [`Front::guard`], where it must be known who asks. Whatever serves GraphQL stands behind this, but for
    /// sockets: who opens one may show who it is in the first message, so that is looked at there.
    pub(super) async fn enter<F: Future<Output = Response<Body>>>(
        &self,
        route: &'static str,
        request: Request,
        answer: impl FnOnce(Request, Arc<str>, Caller) -> F,
    ) -> Response<Body> {
        let admit = |request, id: Arc<str>| async move {
            let request = match self.guard(request) {
                Ok(request) => request,
                Err(failure) => return failure.answer(Media::Json),
            };
            match auth::caller(&self.identify, request.headers(), &id).await {
                Ok(caller) => answer(request, id, caller).await,
                Err(refusal) => refusal.counted().answer(),
            }
        };
        self.pass(Cow::Borrowed(route), request, admit).await
    }
}

/// Has a request answered if its head is not too large. A panic is one request's failure, not the connection's.
async fn held<F: Future<Output = Response<Body>>>(
    request: Request,
    id: Arc<str>,
    answer: impl FnOnce(Request, Arc<str>) -> F,
) -> Response<Body> {
    match bounds::hold(&request) {
        Some(failure) => failure.answer(Media::Json),
        None => {
            let answered = AssertUnwindSafe(answer(request, id)).catch_unwind().await;
            answered.unwrap_or_else(|_panic| failure::INTERNAL.answer(Media::Json))
        }
    }
}

/// Headers of every response that does not say otherwise.
const USUAL: [(HeaderName, HeaderValue); 6] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    // Answers are data: what a browser is made to show of them runs nothing and stands in no frame.
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// What browsers and other clients can unpack, of what is worth it. An answer holds nothing secret that a page of another
/// site could have asked for beside words of its own: it cannot ask at all (see `cors`), and there are no cookies.
fn compression() -> CompressionLayer<impl Predicate> {
    let worth = SizeAbove::new(1_024).and(NotForContentType::SSE).and(NotForContentType::IMAGES);
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth)
}

/// What a layer is to know of a request that went on without it.
struct Head {
    method: Method,
    headers: HeaderMap,
}

impl Head {
    fn of(request: &Request) -> Box<Self> {
        Box::new(Self { method: request.method().clone(), headers: request.headers().clone() })
    }

    /// Of nothing but what can be unpacked, where a request says so.
    fn of_who_unpacks(headers: &HeaderMap) -> Option<Box<Self>> {
        let name = header::ACCEPT_ENCODING;
        let values = || headers.get_all(&name).iter().map(|value| (name.clone(), value.clone())).collect();
        headers.contains_key(&name).then(|| Box::new(Self { method: Method::GET, headers: values() }))
    }

    /// A response as a layer makes it of one that is there already.
    async fn through<L, B>(self: Box<Self>, layer: &L, response: Response<Body>) -> Response<Body>
    where
        L: Layer<Made>,
        L::Service: Service<http::Request<()>, Response = Response<B>, Error = Infallible>,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut request = http::Request::new(());
        *request.method_mut() = self.method;
        *request.headers_mut() = self.headers;
        match layer.layer(Made(Some(response))).oneshot(request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    }
}

/// A service whose one answer is there.
struct Made(Option<Response<Body>>);

impl Service<http::Request<()>> for Made {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<()>) -> Self::Future {
        ready(Ok(self.0.take().unwrap_or_default()))
    }
}
