//! What becomes of a gateway that is asked for three times what it can do: the binary over simulated vendors, over real sockets.
//! Fails where a figure misses its bound.
//!
//!     cargo bench --bench overload
//!
//! The load comes from the same machine, so it has a processor of its own and the gateway has the others (`taskset`): else what the
//! load takes of them, the more the harder it presses, would be missing to the gateway. Processors may share more than one sees: so
//! the peak is the most that is answered of a load of the same kind, which sends whatever becomes of it. Nothing else should run
//! meanwhile.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "prints a table, and a bench that cannot go on has failed"
)]

use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/harness/binary.rs"]
mod binary;
#[path = "overload/load.rs"]
mod load;

use binary::{Gateway, Simulated};
use load::{Load, Sample, p99};

/// How long each part takes.
const PEAK: Duration = Duration::from_secs(4);
const CALM: Duration = Duration::from_secs(10);
const STORM: Duration = Duration::from_secs(60);
const AFTER: Duration = Duration::from_secs(10);
/// The share of the peak that is no overload, and how many times the peak is one.
const CALM_LOAD: f64 = 0.8;
const STORM_LOAD: f64 = 3.0;

/// Everything that was answered in one part.
struct Part {
    samples: Vec<Sample>,
    lasted: Duration,
    resident_kib: u64,
}

impl Part {
    fn of(&self, status: u16) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| sample.status == status)
    }

    /// Good answers in a second.
    fn goodput(&self) -> f64 {
        self.of(200).count() as f64 / self.lasted.as_secs_f64()
    }

    fn p99(&self, status: u16) -> Duration {
        p99(self.of(status).map(|sample| sample.took).collect())
    }
}

/// Documents that no cache of whole answers knows, though all they need has been read: a table of leads with all that it may show,
/// and places to go on from. Where requests cost little more than it costs to refuse one, it is no use to refuse any.
fn document(number: usize) -> String {
    let fields = "id vendorId name firstName lastName email phone phoneE164 status vendorStatus statusDetail pageUrl isTest \
                  doNotContact createdAt updatedAt lastActivityAt vendor source { id name } campaign { id name client } \
                  notes { id text createdAt author } customFields { key label value }";
    let page = "pageInfo { hasNextPage endCursor } incomplete sources { source { name } status fetchedAt }";
    let first = 60 + number % 40;
    format!("query Q{number} {{ leads(first: {first}) {{ edges {{ cursor node {{ {fields} }} }} {page} }} }}")
}

/// So many at a time, each as soon as the one before is answered.
async fn closed(load: &Load, at_once: usize) -> Part {
    let start = Instant::now();
    let samples = load.closed(at_once, PEAK).await;
    Part { samples, lasted: start.elapsed(), resident_kib: 0 }
}

/// So many a second, and the most memory that was seen meanwhile.
async fn open(load: &Load, gateway: &Gateway, a_second: f64, lasted: Duration) -> Part {
    let (mut resident_kib, mut looked) = (0, Instant::now());
    let look = || {
        if looked.elapsed() > Duration::from_millis(100) {
            looked = Instant::now();
            resident_kib = resident(gateway).max(resident_kib);
        }
    };
    load.connect().await;
    let samples = load.open(a_second, lasted, look).await;
    Part { samples, lasted, resident_kib }
}

/// The memory that a gateway takes.
fn resident(gateway: &Gateway) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Of each half second: the share that was not answered well, and how long 99 of 100 answers took at most.
fn halves(part: &Part) -> Vec<(f64, Duration)> {
    let half = |sample: &Sample| sample.asked.as_millis() / 500;
    let last = part.samples.iter().map(half).max().unwrap_or(0);
    let of = |number| {
        let here = part.samples.iter().filter(|sample| half(sample) == number);
        let (good, bad): (Vec<&Sample>, Vec<&Sample>) = here.partition(|sample| sample.status == 200);
        let all = (good.len() + bad.len()).max(1);
        (bad.len() as f64 / all as f64, p99(good.iter().map(|sample| sample.took).collect()))
    };
    (0..=last).map(of).collect()
}

/// When after the storm all was as it is at rest: for two seconds from then on no more were refused in half a second, and no answers
/// took more than twice as long, than in the worst half second of before.
fn recovered(after: &Part, before: &Part) -> Duration {
    let worst = halves(before).into_iter().reduce(|one, other| (one.0.max(other.0), one.1.max(other.1)));
    let (refused, took) = worst.unwrap_or_default();
    let is_good = |half: &(f64, Duration)| half.0 <= refused && half.1 <= took * 2;
    let good = halves(after).windows(4).position(|four| four.iter().all(is_good));
    good.map_or(after.lasted, |half| Duration::from_millis(half as u64 * 500))
}

async fn measure(gateway: &Gateway) -> bool {
    let load = Load::new(&gateway.address, "", document);
    let warm = closed(&load, 4).await;
    assert!(warm.of(200).count() > 50, "nothing is answered");
    let mut closed_peak: f64 = 0.0;
    for at_once in [8, 16, 32, 64] {
        closed_peak = closed(&load, at_once).await.goodput().max(closed_peak);
    }
    let mut peak: f64 = 0.0;
    for share in [0.7, 0.8, 0.9, 1.0, 1.1] {
        peak = open(&load, gateway, closed_peak * share, PEAK).await.goodput().max(peak);
        sleep(Duration::from_secs(1)).await;
    }
    let calm = open(&load, gateway, peak * CALM_LOAD, CALM).await;
    sleep(Duration::from_secs(1)).await;
    let storm = open(&load, gateway, peak * STORM_LOAD, STORM).await;
    let after = open(&load, gateway, peak * CALM_LOAD, AFTER).await;

    let count = |part: &Part, status| part.of(status).count();
    println!(
        "peak {peak:.0}/s ({closed_peak:.0}/s where each waits for its answer); \
         storm: {} answered, {} refused, {} lost of {}",
        count(&storm, 200),
        count(&storm, 503),
        storm.samples.len() - count(&storm, 200) - count(&storm, 503),
        storm.samples.len()
    );
    println!(
        "at 80 %: {} answered, {} refused; p99 {:?}",
        count(&calm, 200),
        count(&calm, 503),
        calm.p99(200)
    );
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    let figures = [
        ("peak of this load, of that of who waits", peak / closed_peak, 0.7, true),
        ("refused at 80 %, of all", calm.of(503).count() as f64 / calm.samples.len() as f64, 0.05, false),
        ("goodput at 3 x the peak, of the peak", storm.goodput() / peak, 0.8, true),
        ("p99 of refusals, ms", ms(storm.p99(503)), 100.0, false),
        ("p99 of answers, of that at 80 %", ms(storm.p99(200)) / ms(calm.p99(200)), 2.0, false),
        ("memory, of that at 80 %", storm.resident_kib as f64 / calm.resident_kib as f64, 1.25, false),
        ("back to normal after, s", recovered(&after, &calm).as_secs_f64(), 5.0, false),
    ];
    let mut right = true;
    for (name, figure, bound, at_least) in figures {
        let holds = if at_least { figure >= bound } else { figure <= bound };
        let sign = if at_least { ">=" } else { "<=" };
        println!("{name:40} {figure:>10.2}   {sign} {bound:<6} {}", if holds { "ok" } else { "MISSED" });
        right &= holds;
    }
    right
}

/// Keeps this process, and what it starts from now on, to some processors.
fn keep_to(processors: &str) {
    let mut command = Command::new("taskset");
    command.args(["-cp", processors, &std::process::id().to_string()]).stdout(Stdio::null());
    assert!(
        command.status().unwrap().success(),
        "taskset cannot keep this process to processors {processors}"
    );
}

fn main() -> ExitCode {
    let processors = std::thread::available_parallelism().unwrap().get();
    assert!(processors > 1, "there must be a processor for the load and one for the gateway");
    let simulated = Simulated::start("overload");
    simulated.write("[cache]\nlists_secs = 3600\n");
    keep_to(&format!("1-{}", processors - 1));
    let gateway = Gateway::start(&mut simulated.command(&["serve", "--log", "json"]));
    keep_to("0");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if runtime.block_on(measure(&gateway)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
