//! All that is served, by its routes.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::routing::get;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Response;
use tower::{Service, ServiceExt};
use tracing::Instrument;

use super::auth::Identify;
use super::front::Front;
use super::graphql::{self, Media};
use super::lines::Lines;
use super::live::Door;
use super::overload::Gate;
use super::webhooks::{self, Postboxes};
use super::{Engines, Readiness, Settings, graphiql, health, observe, request_id, socket, stream};
use crate::telemetry;

/// All that is served: `/graphql`, `/graphql/ws`, `/graphql/stream`, `GET /` (GraphiQL), `POST /webhooks/{source}`, `/livez`,
/// `/readyz`. Clones are the same. A service, so it can be nested in an axum router. On a runtime of your own, give it an
/// `event_interval` of 16, as `leadgraph` does: who is refused in a storm hears of it that much sooner.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "holds functions")]
pub struct Surface(Arc<Routes>);

struct Routes {
    front: Arc<Front>,
    graphql: graphql::Door,
    stream: Door,
    others: Router,
}

impl Surface {
    /// Serves what `engines` answer to whom `identify` knows.
    pub fn new(
        settings: &Settings,
        identify: Identify,
        engines: Engines,
        lines: Lines,
        postboxes: Postboxes,
        readiness: Readiness,
    ) -> Self {
        let gate = Gate::new(settings.max_requests, settings.max_wait);
        let stream = Door {
            engine: engines.live,
            gate: gate.clone(),
            identify: Arc::clone(&identify),
            lines,
            origins: settings.cors_origins.clone().into(),
            request_timeout: settings.request_timeout,
            max_body_bytes: settings.max_body_bytes,
        };
        let graphql = graphql::Door::new(settings, engines.once, gate);
        let front = Arc::new(Front::new(settings, identify));
        let mut routes = Router::new().route("/graphql/ws", socket::route(stream.clone()));
        if settings.graphiql {
            routes = routes.merge(graphiql::routes());
        }
        let others = routes
            .layer(from_fn_with_state(Arc::clone(&front), guard))
            // Vendors are no browsers, and each delivery shows itself who sent it. A source's name may hold slashes.
            .route("/webhooks/{*source}", webhooks::route(settings, postboxes))
            // A check comes by whatever name the balancer has for us, and nothing is told here that is worth another's.
            .route("/livez", get(health::livez))
            .route("/readyz", get(health::readyz).with_state(readiness))
            .layer(from_fn_with_state(Arc::clone(&front), pass));
        Self(Arc::new(Routes { front, graphql, stream, others }))
    }

    /// Answers a request.
    pub async fn answer(self, request: Request) -> Response<Body> {
        let Routes { front, graphql, stream, others } = &*self.0;
        // Told apart before there is a router, which takes a box for each request and one for each answer.
        match request.uri().path() {
            "/graphql" => {
                let answer = |request, id, caller| graphql.answer(request, id, caller);
                front.enter("/graphql", request, answer).await
            }
            "/graphql/stream" => {
                let answer = |request, id: Arc<str>, caller| {
                    let logged = telemetry::request(&id);
                    stream::answer(stream.clone(), request, id, caller).instrument(logged)
                };
                front.enter("/graphql/stream", request, answer).boxed().await
            }
            _ => match others.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            },
        }
    }
}

impl Service<Request> for Surface {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.clone().answer(request).map(Ok).boxed()
    }
}

/// What all routes have before them, for those of a router. What is logged on a request's way bears its id.
async fn pass(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response<Body> {
    let answer = |mut request: Request, id: Arc<str>| {
        let logged = telemetry::request(&id);
        request_id::tag(&mut request, id);
        next.run(request).instrument(logged)
    };
    front.pass(observe::route(&request), request, answer).await
}

async fn guard(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response<Body> {
    match front.guard(request) {
        Ok(request) => next.run(request).await,
        Err(failure) => failure.answer(Media::Json),
    }
}
