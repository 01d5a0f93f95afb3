//! Sockets in: the router, the request's circumstances ([`Cx`]), and the serving of it all.
//!
//! Knows no entity and no schema: what a request means is decided behind [`Engine`]. The wall clock is read here and
//! nowhere else on a request's way.

mod answers;
mod auth;
mod bounds;
mod check;
mod cors;
mod etag;
mod failure;
mod graphiql;
mod graphql;
mod health;
mod hosts;
mod lines;
mod live;
mod observe;
mod overload;
mod request_id;
mod serve;
mod socket;
mod stream;
#[cfg(test)]
mod tests;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn;
use axum::routing::get;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::{self, HeaderName, HeaderValue};
use tower::ServiceBuilder;
use tower::util::option_layer;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

use self::auth::Admit;
pub use self::auth::{Identified, Identify, Refusal, everyone};
use self::check::Check;
pub use self::cors::Origin;
use self::graphql::Media;
pub use self::health::Readiness;
pub use self::hosts::HostName;
pub use self::lines::Lines;
use self::live::Door;
pub use self::live::{LiveEngine, Reply};
use self::observe::Follow;
pub use self::observe::metrics_router;
use self::overload::Gate;
pub use self::serve::serve;
pub use self::webhooks::{Postbox, Postboxes, Receipt};
use crate::model::cx::Cx;
use crate::model::lease::Lease;

/// How the gateway is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long one request may take, upstream calls included. 5 s.
    pub request_timeout: Duration,
    /// The most bytes of a request's body. 100 KiB.
    pub max_body_bytes: usize,
    /// Connections at the same time; more wait in the kernel's queue. 2,000.
    pub max_connections: usize,
    /// Requests that run at the same time at most, those that wait for vendors included. 1,000. A few more wait a moment; all others
    /// are told to come again.
    pub max_requests: usize,
    /// How long a request may wait for its turn on a thread. Those who would wait longer are told to come again, but for eight that
    /// may always wait, and bursts of 256 a second. 5 ms.
    pub max_wait: Duration,
    /// WebSockets and event streams of one caller at the same time. 20.
    pub max_lines_per_caller: usize,
    /// How long the gateway still takes requests after the signal to stop, while `/readyz` already says 503. Nothing by
    /// default; set it to what a load balancer needs to notice.
    pub shutdown_delay: Duration,
    /// The most memory for whole answers that are kept, to be given again for as long as they would come out the same. 16 MiB;
    /// 0: none is kept.
    pub answers_max_bytes: u64,
    /// The most requests in one body, as a list. None by default: lists are refused.
    pub max_batch: usize,
    /// Pages of which other origins may send requests. None by default.
    pub cors_origins: Vec<Origin>,
    /// Whether GraphiQL is served at `/`. It is by default.
    pub graphiql: bool,
    /// The only names under which it may be asked, addresses and `localhost` apart. `None`, the default: any.
    pub hosts: Option<Vec<HostName>>,
    /// Deliveries that one webhook takes in a second, and at once. 50.
    pub webhooks_per_second: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(5),
            max_body_bytes: 100 * 1024,
            max_connections: 2_000,
            max_requests: 1_000,
            max_wait: Duration::from_millis(5),
            max_lines_per_caller: 20,
            shutdown_delay: Duration::ZERO,
            answers_max_bytes: 16 * 1024 * 1024,
            max_batch: 0,
            cors_origins: Vec::new(),
            graphiql: true,
            hosts: None,
            webhooks_per_second: 50,
        }
    }
}

/// A GraphQL request, well-formed but not yet looked into.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The document; empty where it is only named.
    pub query: String,
    /// The document's name, in the words of the specification's appendix on persisted documents.
    pub document_id: Option<String>,
    /// Which operation of it.
    pub operation_name: Option<String>,
    /// Values of its variables.
    pub variables: serde_json::Map<String, serde_json::Value>,
    /// What the client adds to the protocol.
    pub extensions: serde_json::Map<String, serde_json::Value>,
    /// Whether it came by a safe method, so that nothing but a query may run.
    pub safe: bool,
}

/// A GraphQL response.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The response as JSON. Where it may be given again it is kept as it is, so it is to have no room to grow.
    pub body: Bytes,
    /// Its status under `application/graphql-response+json`: 200 for data without errors, 294 for data beside errors, 400 to
    /// 599 where nothing was executed.
    pub status: StatusCode,
    /// For how long the client, and nobody else, may use it again. `None`: not at all.
    pub fresh: Option<Duration>,
    /// For how long whoever may see the same gets the same for the same request. `None`: it is made anew each time.
    pub lease: Option<Lease>,
    /// When it makes sense to ask again, where that is what the answer says.
    pub retry_after: Option<Duration>,
}

impl Answer {
    /// Whether anything was executed.
    fn executed(&self) -> bool {
        self.status.is_success()
    }
}

/// What answers requests: one, or those of a batch, whose answers come in the same order. Must be ready by the deadline of
/// its [`Cx`]; is dropped soon after it.
pub type Engine = Arc<dyn Fn(Cx, Vec<Ask>) -> BoxFuture<'static, Vec<Answer>> + Send + Sync>;

/// What answers requests.
#[expect(missing_debug_implementations, reason = "holds functions")]
pub struct Engines {
    /// Where there is one answer.
    pub once: Engine,
    /// Where answers may go on.
    pub live: LiveEngine,
}

impl From<Engine> for Engines {
    /// Of what has one answer to everything.
    fn from(once: Engine) -> Self {
        let engine = Arc::clone(&once);
        let live: LiveEngine = Arc::new(move |cx, ask| {
            let request_id = Arc::clone(&cx.request_id);
            let answers = engine(cx, vec![ask]);
            async move { answers.await.pop().map_or_else(|| Reply::nothing(&request_id), Reply::Once) }
                .boxed()
        });
        Self { once, live }
    }
}

/// The whole surface: `/graphql`, `/graphql/ws`, `/graphql/stream`, `GET /` (GraphiQL), `POST /webhooks/{source}`, `/livez`,
/// `/readyz`. Can be nested in another axum router. On a runtime of your own, give it an `event_interval` of 16, as `leadgraph` does: who
/// is refused in a storm hears of it that much sooner.
pub fn router(
    settings: &Settings,
    identify: Identify,
    engines: Engines,
    lines: Lines,
    postboxes: Postboxes,
    readiness: Readiness,
) -> Router {
    let gate = Gate::new(settings.max_requests, settings.max_wait);
    let door = Door {
        engine: engines.live,
        gate: gate.clone(),
        identify: Arc::clone(&identify),
        lines,
        origins: settings.cors_origins.clone().into(),
        request_timeout: settings.request_timeout,
        max_body_bytes: settings.max_body_bytes,
    };
    let hosts: Option<Arc<[HostName]>> = settings.hosts.clone().map(Into::into);
    let browsers = ServiceBuilder::new()
        // A page whose own name was made to mean this machine is of another site.
        .option_layer(hosts.map(|hosts| Check(move |request: &Request| hosts::hold(&hosts, request))))
        // Such a page may not make a browser ask in its user's place.
        .layer(cors::refusal(&settings.cors_origins));
    // Whatever serves GraphQL stands behind this, and is not reached by anyone unknown. Who opens a socket may show who it is in the
    // socket's first message, so that is looked at there.
    let callers = browsers.clone().layer(Admit(identify));
    let mut routes = Router::new()
        .route("/graphql/ws", socket::route(door.clone()))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz).with_state(readiness));
    if settings.graphiql {
        routes = routes.merge(graphiql::routes());
    }
    // One stack, so that a request passes it at once: each layer that is added to a router by itself costs a box for itself
    // and for all below it. A request meets the first one first.
    let all = ServiceBuilder::new()
        // Outermost: every answer carries its id and is counted, whatever comes of it.
        .layer(Follow)
        .map_response(with_usual_headers)
        .layer(compression())
        // Outside of what refuses and fails: pages that may ask are also to read why they got nothing.
        .layer(option_layer(cors::permission(&settings.cors_origins)))
        // A panic in a resolver is one request's failure, not the connection's.
        .layer(CatchPanicLayer::custom(|_| failure::INTERNAL.answer(Media::Json)))
        .layer(Check(bounds::hold));
    let log = from_fn(observe::log);
    routes
        .layer(browsers)
        // Vendors are no browsers, and each delivery shows itself who sent it. A source's name may hold slashes.
        .route("/webhooks/{*source}", webhooks::route(settings, postboxes))
        .layer(log.clone())
        .layer(all.clone())
        .route_service(
            "/graphql/stream",
            all.clone().layer(log).layer(callers.clone()).service(stream::service(door)),
        )
        .route_service("/graphql", all.layer(callers).service(graphql::service(settings, engines.once, gate)))
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

fn with_usual_headers<B>(mut response: http::Response<B>) -> http::Response<B> {
    for (name, value) in USUAL {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// What browsers and other clients can unpack, of what is worth it. An answer holds nothing secret that a page of another
/// site could have asked for beside words of its own: it cannot ask at all (see `cors`), and there are no cookies.
fn compression() -> CompressionLayer<impl Predicate> {
    let worth = SizeAbove::new(1_024).and(NotForContentType::SSE).and(NotForContentType::IMAGES);
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth)
}
