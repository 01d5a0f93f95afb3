//! The composition root: a configuration becomes accounts, sources, one gathering, a schema and a surface.
//!
//! Has all keys and no logic of its own. `leadgraph serve` and `leadgraph demo` are two ways to get accounts; from there on
//! they are the same program. Another program embeds the gateway by [`App::router`].

mod circumstances;
#[cfg(feature = "simulator")]
pub mod demo;
mod discovery;
mod issuers;
mod live;
#[cfg(test)]
mod tests;
mod webhooks;

use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use futures_util::FutureExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::{ServiceExt, service_fn};

use self::live::{Lasting, Live};
use crate::callers;
use crate::config::{self, Config, Environment, Flaw, KnownVendor, Problem, SourceConfig};
use crate::events::{self, Log, Looked, Told};
use crate::gather::settings::Settings;
use crate::graphql;
use crate::http::{self, Lines, Readiness};
use crate::vendors::{self, Account, Setup, WebhookSetup};

/// What a gateway is made of: its settings, and accounts that are open but have not been asked anything.
#[expect(missing_debug_implementations, reason = "holds keys")]
pub struct Parts {
    /// How it is served.
    pub http: http::Settings,
    /// What an operation may cost.
    pub graphql: graphql::Settings,
    /// How much of the past is kept for those who listen.
    pub events: events::Settings,
    /// How many sources become one answer.
    pub gather: Settings,
    /// Who may ask.
    pub callers: callers::Settings,
    /// Its accounts.
    pub accounts: Vec<Account>,
}

/// A gateway, running: it can answer. Clones are the same gateway; background work ends when the last one is dropped.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "holds trait objects")]
pub struct App {
    settings: http::Settings,
    lasting: Lasting,
    live: Arc<ArcSwap<Live>>,
}

/// Reads a configuration file and opens its accounts. Calls nobody.
///
/// # Errors
/// All problems of the file at once.
pub fn load(file: &Path, environment: Environment<'_>) -> Result<(Config, Parts), Vec<Problem>> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| {
        let what = format!("the file cannot be read: {error}");
        vec![Problem { file: name.clone(), line: 1, what, hint: "see examples/gateway.toml".to_owned() }]
    })?;
    parse(&name, &text, environment)
}

/// As [`load`], of a text that was read already.
///
/// # Errors
/// All problems of the text at once.
pub fn parse(file: &str, text: &str, environment: Environment<'_>) -> Result<(Config, Parts), Vec<Problem>> {
    let mut accounts = Vec::new();
    let config = config::read(file, text, environment, &known_vendors(), &mut |source| match open(source) {
        Ok(account) => {
            accounts.push(account);
            Vec::new()
        }
        Err(problems) => problems.into_iter().map(flaw).collect(),
    })?;
    let parts = Parts {
        http: config.http.clone(),
        graphql: config.graphql.clone(),
        events: config.events,
        gather: config.gather.clone(),
        callers: config.callers.clone(),
        accounts,
    };
    Ok((config, parts))
}

fn known_vendors() -> Vec<KnownVendor> {
    let known = |entry: &&vendors::Entry| KnownVendor {
        name: entry.name,
        base_url: entry.base_url,
        policy: entry.policy,
    };
    vendors::ALL.iter().map(known).collect()
}

fn open(source: &SourceConfig) -> Result<Account, Vec<vendors::Problem>> {
    let Some(entry) = vendors::ALL.iter().find(|entry| entry.name == source.vendor) else {
        return Err(Vec::new());
    };
    (entry.open)(Setup {
        name: source.name.clone(),
        base_url: source.base_url.clone(),
        key: source.key.clone(),
        policy: source.policy.clone(),
        settings: source.settings.clone(),
        webhook: source
            .webhook
            .clone()
            .map(|webhook| WebhookSetup { secrets: webhook.secrets, settings: webhook.settings }),
    })
}

fn flaw(problem: vendors::Problem) -> Flaw {
    Flaw { path: problem.path, what: problem.what, hint: problem.hint }
}

impl App {
    /// Starts a gateway. Accounts whose sources must be found are asked for them now; at most half a second is waited
    /// for that, after which it goes on in the background.
    pub async fn start(parts: Parts) -> Self {
        Self::of(Vec::new(), parts).await
    }

    /// As [`App::start`], of what [`load`] gave, so that [`App::reload`] knows what stays as it is.
    pub async fn configured(config: &Config, parts: Parts) -> Self {
        Self::of(config.sources.clone(), parts).await
    }

    async fn of(configs: Vec<SourceConfig>, parts: Parts) -> Self {
        let settings = parts.http.clone();
        let lasting = Lasting {
            readiness: Readiness::default(),
            events: Log::new(parts.events),
            told: Told::default(),
            looked: Looked::default(),
            inboxes: Arc::default(),
            lines: Lines::new(&settings),
        };
        let live = Live::start(parts, configs, &lasting).await;
        Self { settings, lasting, live: Arc::new(ArcSwap::from_pointee(live)) }
    }

    /// Goes on with another configuration. Requests under way finish on the one before. Accounts that stay as they are keep
    /// everything: quota, breaker, the vendor's wish for silence, found sources, what is cached of them; accounts that keep
    /// their key keep all but the cached. To be called by one at a time.
    pub async fn reload(&self, config: &Config, parts: Parts) {
        let before = self.live.load_full();
        let next = before.next(parts, config.sources.clone(), &self.lasting).await;
        self.live.store(Arc::new(next));
        // What goes on for hours begins anew, so that nobody goes on as who they no longer are.
        before.lines.close();
    }

    /// What it answers with: to be served, or nested in another axum router. Background work goes on only as long as
    /// the `App` is kept.
    pub fn router(&self) -> Router {
        let live = Arc::clone(&self.live);
        Router::new().fallback_service(service_fn(move |request: axum::extract::Request| {
            live.load().surface.clone().answer(request).map(Ok)
        }))
    }

    /// Serves until `shutdown` is ready, then drains (see [`http::serve`]).
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let Lasting { readiness, lines, .. } = self.lasting.clone();
        let live = Arc::clone(&self.live);
        let answer = move |request| live.load().surface.clone().answer(request).map(Ok);
        http::serve(listener, answer, &self.settings, lines, readiness, shutdown).await;
    }
}

/// Serves metrics at an address of their own, until the returned set is dropped. They go on while the gateway drains.
///
/// # Errors
/// As [`listen`].
pub async fn serve_metrics(address: std::net::SocketAddr) -> io::Result<JoinSet<()>> {
    let listener = listen(address).await?;
    tracing::info!(address = %listener.local_addr()?, "serving metrics");
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        // A handful of scrapers: more would only cost.
        let settings = http::Settings { max_connections: 16, ..http::Settings::default() };
        let (router, readiness) = (http::metrics_router(), Readiness::default());
        let answer = move |request| router.clone().oneshot(request);
        let (lines, never) = (Lines::new(&settings), std::future::pending());
        http::serve(listener, answer, &settings, lines, readiness, never).await;
    });
    Ok(serving)
}

/// Listens, or says in plain words why that cannot be.
///
/// # Errors
/// With a sentence on what to do, where the cause is known.
pub async fn listen(address: std::net::SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => "another program listens there; stop it, or choose another address",
            io::ErrorKind::PermissionDenied => "ports below 1024 need special rights; choose a higher one",
            io::ErrorKind::AddrNotAvailable => {
                "this machine does not have that address; 0.0.0.0 means all it has"
            }
            _ => "choose another address",
        };
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}\n    {advice}"))
    })
}
