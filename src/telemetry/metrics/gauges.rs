//! What is read when somebody asks: how accounts stand, what caches hold, and how many tasks there are.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, EncodeMetric, MetricEncoder,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

/// How an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// In one word: `up`, `degraded`, `down` or `unauthorized`.
    pub state: &'static str,
    /// The breaker, for reads.
    pub reads: Circuit,
    /// The breaker, for writes.
    pub writes: Circuit,
    /// Whether the vendor refuses the key.
    pub shut: bool,
    /// For how long the vendor still wants silence.
    pub silent: Duration,
    /// Calls to a window.
    pub quota: u32,
    /// Calls left of it.
    pub remaining: u32,
}

/// A breaker's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// Calls pass.
    Closed,
    /// One call finds out whether calls may pass again.
    Probing,
    /// No call passes.
    Open,
}

impl Circuit {
    fn number(self) -> i64 {
        match self {
            Self::Closed => 0,
            Self::Probing => 1,
            Self::Open => 2,
        }
    }
}

/// The words for an account's state.
const STATES: [&str; 4] = ["up", "degraded", "down", "unauthorized"];

/// What a cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cache {
    /// Pages and records.
    pub entries: u64,
    /// Their weight in bytes.
    pub bytes: u64,
}

type Ask<T> = Box<dyn Fn() -> Option<T> + Send + Sync>;

/// Those who can be asked, until they answer `None` for good.
struct Watched {
    accounts: Vec<(String, Ask<Account>)>,
    caches: Vec<Ask<Cache>>,
}

impl Watched {
    /// Lets go of those who are there no longer.
    fn forget(&mut self) {
        self.accounts.retain(|(_, ask)| ask().is_some());
        self.caches.retain(|ask| ask().is_some());
    }
}

static WATCHED: Mutex<Watched> = Mutex::new(Watched { accounts: Vec::new(), caches: Vec::new() });

fn watched() -> MutexGuard<'static, Watched> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has an account told of for as long as `ask` answers. Of two with one name the later one is told of.
pub fn watch_account(name: &str, ask: impl Fn() -> Option<Account> + Send + Sync + 'static) {
    let mut watched = watched();
    watched.forget();
    watched.accounts.push((name.to_owned(), Box::new(ask)));
}

/// Has a cache told of for as long as `ask` answers. Several are told of as one.
pub fn watch_cache(ask: impl Fn() -> Option<Cache> + Send + Sync + 'static) {
    let mut watched = watched();
    watched.forget();
    watched.caches.push(Box::new(ask));
}

/// All of them, as a part of the registry.
#[derive(Debug)]
pub(super) struct Gauges;

/// The tasks of the runtime that whoever reads is in; none outside of one.
fn tasks() -> u64 {
    let runtime = tokio::runtime::Handle::try_current();
    runtime.map_or(0, |runtime| runtime.metrics().num_alive_tasks() as u64)
}

/// Begins a gauge.
fn gauge<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    name: &'static str,
    help: &'static str,
) -> Result<Gauge<'a>, fmt::Error> {
    encoder.encode_descriptor(name, help, None, MetricType::Gauge).map(Gauge)
}

/// One gauge, of which the series are to be written.
struct Gauge<'a>(MetricEncoder<'a>);

impl Gauge<'_> {
    fn one(self, value: u64) -> fmt::Result {
        ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(self.0)
    }

    fn each<L: EncodeLabelSet, V: EncodeGaugeValue>(
        mut self,
        series: impl Iterator<Item = (L, V)>,
    ) -> fmt::Result {
        for (labels, value) in series {
            ConstGauge::new(value).encode(self.0.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (accounts, cache) = {
            let mut watched = watched();
            watched.forget();
            let accounts: BTreeMap<String, Account> =
                watched.accounts.iter().filter_map(|(name, ask)| Some((name.clone(), ask()?))).collect();
            let cache = watched.caches.iter().filter_map(|ask| ask()).fold(Cache::default(), |sum, cache| {
                Cache { entries: sum.entries + cache.entries, bytes: sum.bytes + cache.bytes }
            });
            (accounts, cache)
        };
        let encoder = &mut encoder;
        gauge(encoder, "cache_entries", "Pages and records held")?.one(cache.entries)?;
        gauge(encoder, "cache_bytes", "Weight of what is held")?.one(cache.bytes)?;
        gauge(encoder, "tasks", "Tasks of the runtime that have not ended")?.one(tasks())?;
        let all = || accounts.iter().map(|(name, account)| (("account", name.as_str()), account));
        gauge(encoder, "account_quota_calls", "Calls to a window")?
            .each(all().map(|(name, account)| ([name], account.quota)))?;
        gauge(encoder, "account_quota_remaining_calls", "Calls left of it")?
            .each(all().map(|(name, account)| ([name], account.remaining)))?;
        gauge(encoder, "account_key_refused", "1 while the vendor refuses the key")?
            .each(all().map(|(name, account)| ([name], i64::from(account.shut))))?;
        gauge(encoder, "account_silent_seconds", "For how long the vendor still wants silence")?
            .each(all().map(|(name, account)| ([name], account.silent.as_secs_f64())))?;
        gauge(encoder, "account_breaker", "0 closed, 1 probing, 2 open")?.each(all().flat_map(
            |(name, account)| {
                [("reads", account.reads), ("writes", account.writes)]
                    .map(|(class, circuit)| ([name, ("calls", class)], circuit.number()))
            },
        ))?;
        gauge(encoder, "account_state", "1 for the state it is in")?.each(all().flat_map(
            |(name, account)| {
                STATES.map(|state| ([name, ("state", state)], i64::from(state == account.state)))
            },
        ))
    }
}
