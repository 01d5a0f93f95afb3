//! Sockets in: the routes, the request's circumstances ([`Cx`]), and the serving of it all.
//!
//! Knows no entity and no schema: what a request means is decided behind [`Engine`]. The wall clock is read here and
//! nowhere else on a request's way.

mod answers;
mod auth;
mod bounds;
mod cors;
mod etag;
mod failure;
mod front;
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
mod surface;
#[cfg(test)]
mod tests;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::StatusCode;

pub use self::auth::{Identified, Identify, Refusal, everyone};
pub use self::cors::Origin;
pub use self::health::Readiness;
pub use self::hosts::HostName;
pub use self::lines::Lines;
pub use self::live::{LiveEngine, Reply};
pub use self::observe::metrics_router;
pub use self::serve::serve;
pub use self::surface::Surface;
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
