//! What the gateway stands before: simulated vendors, in this process but on threads of their own, and a configuration over
//! them that lets a bench ask as much as it likes.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use leadgraph::vendors::simulation::{Fault, LedgerEntry, Rule, Simulator, World, WorldSpec};
use leadgraph::vendors::{self, Entry};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::limits::Upstream;
use crate::process::Server;

/// For how long what was read is used again.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Cache {
    /// Longer than a bench runs.
    Warm,
    /// For a second.
    Brief,
    /// Not at all.
    Off,
}

/// The simulated vendors.
pub(crate) struct Stand {
    simulators: Vec<(&'static Entry, Simulator)>,
    // Dropped after those who live on it.
    _runtime: Runtime,
}

impl Stand {
    /// Vendors of which each has so many leads, spread over as many days as make ten a day.
    pub(crate) fn start(leads: usize) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let days = u32::try_from(leads / 10).unwrap().max(1);
        let spec = WorldSpec { leads, days, agents: 1, ..WorldSpec::demo(Timestamp::now()) };
        let world = Arc::new(World::new(spec));
        let simulators = runtime.block_on(async {
            let mut simulators = Vec::new();
            for entry in vendors::ALL {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let simulator = Simulator::start(entry, Arc::clone(&world), listener).unwrap();
                simulator.switches.set("quota", "off");
                simulators.push((*entry, simulator));
            }
            simulators
        });
        Self { simulators, _runtime: runtime }
    }

    /// Every call is answered after so many milliseconds; 0: at once.
    pub(crate) fn delay(&self, ms: u64) {
        for (_, simulator) in &self.simulators {
            simulator.faults.set((ms > 0).then(|| Rule::always(Fault::Delay { ms })));
        }
    }

    /// Calls since they were last forgotten. A vendor keeps the last 50,000 at least.
    pub(crate) fn calls(&self) -> usize {
        self.simulators.iter().map(|(_, simulator)| simulator.ledger.count()).sum()
    }

    /// Forgets all calls.
    pub(crate) fn forget_calls(&self) {
        self.simulators.iter().for_each(|(_, simulator)| simulator.ledger.clear());
    }

    /// What was asked since then, as a limit can ask it again: a row for each vendor, in order.
    pub(crate) fn asked(&self) -> Vec<Vec<Upstream>> {
        let one = |(entry, simulator): &(&Entry, Simulator)| {
            let key = simulator.vendor.key();
            let header = match entry.name {
                "leadsail" => ("x-api-key".to_owned(), key),
                _ => ("authorization".to_owned(), format!("Bearer {key}")),
            };
            let kind = ("content-type".to_owned(), "application/json".to_owned());
            let entries = simulator.ledger.entries().into_iter();
            let call = |call: LedgerEntry| {
                let answered = (200..300).contains(&call.status);
                assert!(answered && call.method == "GET", "a call that cannot be passed through: {call:?}");
                let url = format!("http://{}{}?{}", simulator.address, call.path, call.query);
                Upstream { url, headers: vec![header.clone(), kind.clone()] }
            };
            entries.map(call).collect()
        };
        self.simulators.iter().map(one).collect()
    }

    /// A gateway over so many sources, each vendor in its turn. Several sources may show the same leads.
    pub(crate) fn gateway(&self, sources: usize, cache: Cache) -> Server {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let mut text = settings(cache);
        for (number, (entry, simulator)) in (1..=sources).zip(self.simulators.iter().cycle()) {
            let (vendor, base_url) = (entry.name, simulator.base_url(entry));
            writeln!(
                text,
                "[[sources]]\nname = \"{vendor}-{number}\"\nvendor = \"{vendor}\"\nbase_url = \"{base_url}\"\n\
                 api_key_env = \"{}\"\n[sources.settings]\n{}",
                variable(entry),
                simulator.vendor.settings()
            )
            .unwrap();
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file = Scratch(
            std::env::temp_dir().join(format!("leadgraph-bench-{}-{number}.toml", std::process::id())),
        );
        std::fs::write(&file.0, text).unwrap();
        let keys = self.simulators.iter().map(|(entry, simulator)| (variable(entry), simulator.vendor.key()));
        Server::gateway(&file.0, &keys.collect::<Vec<_>>())
    }
}

/// A file that is gone afterwards.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn variable(entry: &Entry) -> String {
    format!("BENCH_{}_KEY", entry.name.to_uppercase())
}

/// Everything but the sources. What protects vendors, and what ends waits, is raised beyond what a bench reaches, on a busy machine,
/// too; all else is as it is by default.
fn settings(cache: Cache) -> String {
    let mut text = "[server]\nlisten = \"127.0.0.1:0\"\nmetrics_listen = \"127.0.0.1:0\"\nrequest_timeout_ms = 30000\n\
         [graphql]\nmax_upstream_calls = 10000\nmax_nodes = 100000\n\
         [polling]\nevery_secs = 0\nreconcile_secs = 0\n\
         [paging]\nsource_timeout_ms = 25000\nstraggler_timeout_ms = 25000\n\
         [defaults.upstream]\nquota = 100000\nquota_window_secs = 1\nburst = 100000\nconcurrency = 256\nqueue = 10000\n\
         attempt_timeout_ms = 20000\nconnect_timeout_ms = 10000\n\
         [cache]\n"
        .to_owned();
    let (fresh, stale) = match cache {
        Cache::Warm => (3_600, 3_600),
        Cache::Brief => (1, 0),
        Cache::Off => (0, 0),
    };
    for key in ["lists", "past_lists", "leads", "conversations", "ended_conversations", "interactions"] {
        writeln!(text, "{key}_secs = {fresh}").unwrap();
    }
    for key in ["stale_while_revalidate", "lists_stale_if_error", "records_stale_if_error"] {
        writeln!(text, "{key}_secs = {stale}").unwrap();
    }
    writeln!(text, "absent_secs = {}\nmax_bytes = {}", fresh.min(300), 1_u64 << 32).unwrap();
    text
}
