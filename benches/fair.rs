//! Whether one caller can starve another: one asks ten times as often as it may, the other goes on as before. The binary over
//! simulated vendors, over real sockets. Fails where a figure misses its bound.
//!
//!     cargo bench --bench fair
//!
//! The quiet caller is measured alone and beside the greedy one by turns, so that what else the machine does is in both, and its
//! figure is the median of the rounds. Nothing else should run meanwhile.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "prints a table, and a bench that cannot go on has failed"
)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use leadgraph::callers::key::Digest;

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/harness/binary.rs"]
mod binary;
#[expect(dead_code, reason = "the bench of overload uses more of it")]
#[path = "overload/load.rs"]
mod load;

use binary::{Gateway, Simulated};
use load::{Load, Sample, p99};

const ROUNDS: usize = 5;
/// How long each caller is measured in a round, alone and beside the other.
const PART: Duration = Duration::from_secs(8);
/// Before each part: the greedy one uses up what it may have at once.
const BEFORE: Duration = Duration::from_secs(3);
/// What the greedy caller may ask in a second, and how many times that it does.
const LIMIT: u32 = 20;
const TIMES: u32 = 10;
/// What the quiet caller asks in a second, of more that it may.
const QUIET: u32 = 40;

/// Documents that no cache of whole answers knows, though all they need has been read.
fn document(number: usize) -> String {
    format!(
        "query Q{number} {{ leads(first: 25) {{ nodes {{ id name email status createdAt }} incomplete }} }}"
    )
}

fn caller(name: &str, requests_a_second: u32) -> String {
    format!(
        "[[callers]]\nname = \"{name}\"\nkey_sha256 = \"{}\"\nscopes = [\"leads:read\", \"pii:read\"]\n\
         requests_per_second = {requests_a_second}\ncost_per_second = 1000000\n",
        Digest::of(name)
    )
}

fn load(gateway: &Gateway, name: &str) -> Load {
    Load::new(&gateway.address, &format!("authorization: Bearer {name}\r\n"), document)
}

fn share(samples: &[Sample], status: u16) -> f64 {
    samples.iter().filter(|sample| sample.status == status).count() as f64 / samples.len().max(1) as f64
}

fn millis(samples: &[Sample]) -> f64 {
    p99(samples.iter().map(|sample| sample.took).collect()).as_secs_f64() * 1_000.0
}

/// Counts the statuses that are none of these.
fn count<'a>(others: &mut BTreeMap<u16, usize>, samples: impl Iterator<Item = &'a Sample>, expected: &[u16]) {
    for sample in samples.filter(|sample| !expected.contains(&sample.status)) {
        *others.entry(sample.status).or_default() += 1;
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// What the quiet caller was answered, and the greedy one meanwhile, if there is one.
async fn part(quiet: &Load, greedy: Option<&Load>) -> (Vec<Sample>, Vec<Sample>) {
    let asking = async {
        let Some(greedy) = greedy else { return Vec::new() };
        greedy.open(f64::from(LIMIT * TIMES), BEFORE + PART, || ()).await
    };
    let measuring = async {
        tokio::time::sleep(BEFORE).await;
        quiet.open(f64::from(QUIET), PART, || ()).await
    };
    tokio::join!(measuring, asking)
}

async fn measure(gateway: &Gateway) -> bool {
    let (quiet, greedy) = (load(gateway, "quiet"), load(gateway, "greedy"));
    let warm = quiet.closed(2, Duration::from_secs(2)).await;
    assert!(share(&warm, 200) == 1.0, "something is refused at rest");
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let (mut ratios, mut refused, mut others) = (Vec::new(), Vec::new(), [BTreeMap::new(), BTreeMap::new()]);
    println!("round   alone p99, ms   beside p99, ms   greedy 429");
    for round in 0..ROUNDS {
        // By turns, which of the two comes first, too.
        let mut parts = [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())];
        for turn in 0..2 {
            let is_beside = (turn + round) % 2 == 1;
            parts[usize::from(is_beside)] = part(&quiet, is_beside.then_some(&greedy)).await;
        }
        let [(by_itself, _), (by_the_other, asked)] = &parts;
        count(&mut others[0], by_itself.iter().chain(by_the_other), &[200]);
        count(&mut others[1], asked.iter(), &[200, 429]);
        refused.push(share(asked, 429));
        alone.push(millis(by_itself));
        beside.push(millis(by_the_other));
        ratios.push(beside[round] / alone[round]);
        println!("{round:>5} {:>15.2} {:>16.2} {:>12.3}", alone[round], beside[round], refused[round]);
    }
    // Of ten times its limit the greedy one gets a tenth, and what it had left for a moment.
    // By status; 0: no answer.
    println!("answered otherwise: quiet {:?}, greedy {:?}", others[0], others[1]);
    let [errors, lost] = others.map(|others| others.values().sum::<usize>());
    println!("quiet alone {:.2} ms, beside {:.2} ms", median(alone), median(beside));
    let figures = [
        ("greedy: refused by 429", median(refused), 0.8, true),
        ("greedy: neither answered nor that", lost as f64, 0.0, false),
        ("quiet: errors", errors as f64, 0.0, false),
        ("quiet: p99 beside, of that alone", median(ratios), 1.5, false),
    ];
    let mut right = true;
    for (name, figure, bound, at_least) in figures {
        let holds = if at_least { figure >= bound } else { figure <= bound };
        let sign = if at_least { ">=" } else { "<=" };
        println!("{name:40} {figure:>10.3}   {sign} {bound:<6} {}", if holds { "ok" } else { "MISSED" });
        right &= holds;
    }
    right
}

fn main() -> ExitCode {
    let simulated = Simulated::start("fair");
    let callers = caller("quiet", QUIET * 100) + &caller("greedy", LIMIT);
    simulated.write(&format!("[cache]\nlists_secs = 3600\n{callers}"));
    let gateway = Gateway::start(&mut simulated.command(&["serve", "--log", "json"]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if runtime.block_on(measure(&gateway)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
