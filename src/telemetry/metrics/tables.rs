//! The names, what they mean, and their places in memory.

use std::borrow::Cow;
use std::sync::LazyLock;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};

use super::gauges::Gauges;

/// What all names begin with.
const PREFIX: &str = "leadgraph";

/// So many labels: name and value.
type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];

/// Counters by so many labels.
type Counters<const N: usize> = Family<Labels<N>, Counter>;

/// Histograms by so many labels.
type Histograms<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// All that is counted.
pub(super) struct Tables {
    pub(super) registry: Registry,
    /// The names that are in it, gauges that are asked for apart.
    pub(super) names: Vec<String>,
    pub(super) http_requests: Counters<3>,
    pub(super) http_duration: Histograms<1>,
    pub(super) http_in_flight: Gauge,
    pub(super) refused: Counters<1>,
    pub(super) operations: Counters<1>,
    pub(super) errors: Counters<1>,
    pub(super) reckoned_calls: Histogram,
    pub(super) spent_calls: Histogram,
    pub(super) calls: Counters<3>,
    pub(super) attempts: Counters<2>,
    pub(super) call_duration: Histograms<2>,
    pub(super) calls_in_flight: Family<Labels<1>, Gauge>,
    pub(super) cache_reads: Counters<3>,
    pub(super) cache_joined: Counters<2>,
    pub(super) merge_records: Counters<2>,
    pub(super) merge_pages: Counters<2>,
    pub(super) merge_rejected: Counters<2>,
    pub(super) merge_reports: Counters<3>,
    pub(super) merge_kept: Counters<1>,
    pub(super) order_breaks: Counters<1>,
    pub(super) reloads: Counters<1>,
}

pub(super) static TABLES: LazyLock<Tables> = LazyLock::new(Tables::new);

/// Up to what a request may take.
fn seconds() -> Histogram {
    Histogram::new([0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0])
}

fn durations<const N: usize>() -> Histograms<N> {
    Family::new_with_constructor(seconds)
}

/// Up to what an operation may cost where the limit is left as it is, and some more.
fn calls() -> Histogram {
    Histogram::new([0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 40.0, 60.0, 100.0, 200.0])
}

/// The registry while it is filled, and the names it was given.
struct Filling {
    registry: Registry,
    names: Vec<String>,
}

impl Filling {
    /// Registers a metric and hands it back.
    fn add<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        let total = if metric.metric_type().as_str() == "counter" { "_total" } else { "" };
        self.names.push(format!("{PREFIX}_{name}{total}"));
        self.registry.register(name, help, metric.clone());
        metric
    }

    /// As [`Filling::add`], of a metric in seconds.
    fn timed<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.names.push(format!("{PREFIX}_{name}_seconds"));
        self.registry.register_with_unit(name, help, Unit::Seconds, metric.clone());
        metric
    }
}

impl Tables {
    fn new() -> Self {
        let mut fill = Filling { registry: Registry::with_prefix(PREFIX), names: Vec::new() };
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        fill.registry.register("build", "What runs", build);
        fill.registry.register_collector(Box::new(Gauges));
        Self {
            http_requests: fill.add("http_requests", "Requests answered", Family::default()),
            http_duration: fill.timed("http_request_duration", "Time until a response began", durations()),
            http_in_flight: fill.add("http_requests_in_flight", "Requests under way", Gauge::default()),
            refused: fill.add("callers_refused", "Times that nobody was let in", Family::default()),
            operations: fill.add("graphql_requests", "GraphQL requests answered", Family::default()),
            errors: fill.add("graphql_errors", "Errors in GraphQL answers", Family::default()),
            reckoned_calls: fill.add("graphql_reckoned_calls", "Vendor calls an operation may take", calls()),
            spent_calls: fill.add("graphql_spent_calls", "Vendor calls an operation took", calls()),
            calls: fill.add("vendor_calls", "Calls to vendors that ended", Family::default()),
            attempts: fill.add("vendor_attempts", "Attempts that left the process", Family::default()),
            call_duration: fill.timed(
                "vendor_call_duration",
                "Time of a call, with waits and retries",
                durations(),
            ),
            calls_in_flight: fill.add(
                "vendor_calls_in_flight",
                "Calls to vendors under way",
                Family::default(),
            ),
            cache_reads: fill.add("cache_reads", "Reads through the cache", Family::default()),
            cache_joined: fill.add(
                "cache_joined_reads",
                "Misses that joined an equal read",
                Family::default(),
            ),
            merge_records: fill.add("merge_records", "Records given in merged lists", Family::default()),
            merge_pages: fill.add("merge_pages", "Vendor pages looked through", Family::default()),
            merge_rejected: fill.add("merge_rejected_records", "Records left out", Family::default()),
            merge_reports: fill.add("merge_reports", "How sources took part in lists", Family::default()),
            merge_kept: fill.add("merge_kept_pages", "Merged pages given again", Family::default()),
            order_breaks: fill.add(
                "merge_order_breaks",
                "Lists seen not to be newest first",
                Family::default(),
            ),
            reloads: fill.add("config_reloads", "Configurations read anew", Family::default()),
            names: fill.names,
            registry: fill.registry,
        }
    }
}
