//! The configuration: one TOML file, secrets by the names of environment variables.
//!
//! Read in two stages: `raw` is what may be typed, [`Config`] is what is true. All problems are found at once, each with its
//! line and what to do. This room makes no call and opens no account; what it must know of vendors it is told
//! ([`KnownVendor`]), and each vendor's own settings are handed through unread to `check`.

mod callers;
mod cursors;
mod documents;
mod environment;
mod issuers;
mod limits;
mod problem;
mod raw;
mod sources;
mod telemetry;
#[cfg(test)]
mod tests;
mod webhook;

use std::net::{Ipv4Addr, SocketAddr};

use toml::de::DeTable;

pub use self::environment::{Environment, variable};
pub use self::problem::Problem;
pub use self::sources::{Flaw, KnownVendor, SourceConfig};
pub use self::webhook::WebhookConfig;
use crate::events;
use crate::gather;
use crate::graphql;
use crate::http;
use crate::model::caller::Visible;
use crate::telemetry::traces;
use problem::Problems;
use raw::Section;

/// What is true: everything checked, nothing left to be looked up.
#[expect(missing_debug_implementations, reason = "holds keys")]
pub struct Config {
    /// Where the gateway listens. `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// Where metrics are told. Nowhere by default.
    pub metrics_listen: Option<SocketAddr>,
    /// Where traces go. Nowhere by default.
    pub traces: Option<traces::Settings>,
    /// How it is served.
    pub http: http::Settings,
    /// What an operation may cost.
    pub graphql: graphql::Settings,
    /// How much of the past is kept for those who listen.
    pub events: events::Settings,
    /// How many sources become one answer.
    pub gather: gather::settings::Settings,
    /// Who may ask.
    pub callers: crate::callers::Settings,
    /// The accounts, in the order of the file.
    pub sources: Vec<SourceConfig>,
}

impl Config {
    /// The settings, as they are written, by which this one differs from `other` and which are only looked at when the process
    /// starts.
    #[must_use]
    pub fn differs_at_start(&self, other: &Self) -> Vec<&'static str> {
        let settings = [
            ("server.listen", self.listen == other.listen),
            ("server.metrics_listen", self.metrics_listen == other.metrics_listen),
            ("telemetry", self.traces == other.traces),
            ("server.max_connections", self.http.max_connections == other.http.max_connections),
            ("server.shutdown_delay_ms", self.http.shutdown_delay == other.http.shutdown_delay),
            ("events", self.events == other.events),
        ];
        settings.into_iter().filter_map(|(name, same)| (!same).then_some(name)).collect()
    }

    /// Whether this one, checked for its own address, would be open to others at the address of `other`.
    #[must_use]
    pub fn exposes(&self, other: &Self) -> bool {
        self.callers.is_empty() && self.listen != other.listen && !other.listen.ip().is_loopback()
    }
}

/// Where the gateway listens if nothing is configured.
pub const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Reads a configuration. `file` names it in problems. `check` is called for every account whose vendor is known, even
/// where other things are wrong with it, so that the vendor's own complaints come with all others.
///
/// # Errors
/// All problems, in the order of their lines.
pub fn read(
    file: &str,
    text: &str,
    environment: Environment<'_>,
    vendors: &[KnownVendor],
    check: &mut dyn FnMut(&SourceConfig) -> Vec<Flaw>,
) -> Result<Config, Vec<Problem>> {
    let problems = Problems::new(file, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in errors {
            problems.at(
                &error.span().unwrap_or(0..0),
                error.message(),
                "this is not TOML; see https://toml.io",
            );
        }
        return Err(problems.sorted());
    }
    let mut root = Section::root(&problems, &table);
    let mut server = root.section("server");
    let listen = server.parsed("listen", "127.0.0.1:8080").unwrap_or(LISTEN);
    let metrics_listen = server.parsed("metrics_listen", "127.0.0.1:9464");
    if metrics_listen.is_some_and(|metrics: SocketAddr| metrics == listen && listen.port() != 0) {
        let what = format!("{listen} is where GraphQL is served already (`server.listen`)");
        problems.at(&server.span_of("metrics_listen"), what, "serve metrics at a port of their own");
    }
    let mut http = limits::http(&mut server);
    let anonymous = server.flag("allow_anonymous", false);
    server.refuse_others();
    let traces = telemetry::read(&mut root);
    let graphql = limits::graphql(&mut root, file);
    let events = limits::events(&mut root);
    let mut gather = limits::gather(&mut root, &http, environment);
    let defaults = sources::defaults(&mut root);
    let around = sources::Surroundings { problems: &problems, environment, vendors, defaults: &defaults };
    let sources = sources::read(&mut root, &around, check);
    let callers = callers::read(&mut root, &sources, file);
    callers::guard(&server, listen, anonymous, &callers);
    callers::fit(&mut http, &server, anonymous, &callers);
    gather.writable = Visible::Only(
        sources.iter().filter(|source| source.writes).map(|source| source.name.clone()).collect(),
    );
    root.refuse_others();
    let found = problems.sorted();
    if found.is_empty() {
        Ok(Config { listen, metrics_listen, traces, http, graphql, events, gather, callers, sources })
    } else {
        Err(found)
    }
}
