//! How close leadgraph is to what the machine can do: workloads against the real binary over simulated vendors, in rounds that
//! alternate with servers that do the least there is to do. Every figure that is asked for is a ratio of two servers in one run,
//! or holds by itself, so it may be taken on any machine. Prints one table; fails where an answer is wrong.
//!
//!     cargo bench --bench gateway                    everything
//!     cargo bench --bench gateway -- W1 W7           some workloads
//!     cargo bench --bench gateway -- --quick W1      one short round: whether it works
//!
//! The load runs beside the server on the same cores and costs something, too. So throughput says less than CPU for a request,
//! which is the server's alone (`/proc/<pid>`). Linux only.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "prints a table, and a bench that cannot go on has failed"
)]

mod burst;
mod cached;
mod figures;
mod limits;
mod load;
mod memory;
mod process;
mod queries;
mod stand;
mod uncached;
mod walk;

use std::time::Duration;

use clap::Parser;

use self::stand::Stand;

/// Workloads of leadgraph, beside limits.
#[derive(Parser)]
struct Cli {
    /// W1 to W7, memory, start; without any: all.
    workloads: Vec<String>,
    /// Rounds of each workload; their medians count.
    #[arg(long, default_value_t = 5)]
    rounds: u64,
    /// Seconds of each server in a round.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// One round of a third of a second.
    #[arg(long)]
    quick: bool,
    /// Minutes for which memory is watched under W7 [default: four times --seconds].
    #[arg(long)]
    soak: Option<f64>,
    /// Be one of the limits instead of measuring.
    #[arg(long, hide = true)]
    role: Option<String>,
    /// What cargo says to a bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// How long and how often.
pub(crate) struct Plan {
    rounds: u64,
    /// Of each server in a round.
    pub(crate) time: Duration,
}

impl Plan {
    /// For each round the number of its first request, far from all others'.
    pub(crate) fn rounds(&self) -> impl Iterator<Item = u64> {
        (1..=self.rounds).map(|round| round << 32)
    }
}

fn main() {
    let cli = Cli::parse();
    if let Some(role) = &cli.role {
        return limits::serve(role);
    }
    let plan = if cli.quick {
        Plan { rounds: 1, time: Duration::from_millis(300) }
    } else {
        Plan { rounds: cli.rounds.max(1), time: Duration::from_secs_f64(cli.seconds) }
    };
    let is_wanted = |name: &str| {
        cli.workloads.is_empty() || cli.workloads.iter().any(|one| one.eq_ignore_ascii_case(name))
    };
    let wanted = |name: &str| is_wanted(name).then(|| eprintln!("{name} ...")).is_some();
    // The load has one thread; vendors have theirs.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stand = Stand::start(2_000);
    let large = is_wanted("memory").then(|| Stand::start(memory::LEADS));
    let outcomes = runtime.block_on(async {
        let mut outcomes = Vec::new();
        if wanted("W1") {
            outcomes.push(cached::same(&plan, &stand).await);
        }
        if wanted("W2") {
            outcomes.push(uncached::merged(&plan, &stand).await);
        }
        if wanted("W3") {
            outcomes.push(uncached::nested(&plan, &stand).await);
        }
        if wanted("W4") {
            outcomes.push(walk::walk(&plan, &stand).await);
        }
        if wanted("W5") {
            outcomes.push(burst::burst(&plan, &stand).await);
        }
        if wanted("W6") {
            outcomes.push(cached::many(&plan, &stand).await);
            outcomes.push(uncached::many(&plan, &stand).await);
        }
        if wanted("W7") {
            outcomes.push(cached::ever_new(&plan, &stand).await);
        }
        if let Some(large) = large.as_ref().filter(|_| wanted("memory")) {
            outcomes.push(memory::leads(large).await);
            let soak = cli.soak.map_or(plan.time * 4, |minutes| Duration::from_secs_f64(minutes * 60.0));
            outcomes.push(memory::steady(&stand, soak).await);
        }
        if wanted("start") {
            outcomes.push(memory::start(&stand));
        }
        outcomes
    });
    figures::print(&outcomes);
}
