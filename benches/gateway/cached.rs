//! W1 and W7: what is answered from what was read before, beside *bytes*.

use crate::figures::Bound::{AtLeast, AtMost};
use crate::figures::{Asked, Bound, Outcome, Row};
use crate::load::{Asker, Line, look_at, press};
use crate::process::Server;
use crate::queries::{EverNew, Same};
use crate::stand::{Cache, Stand};
use crate::{Plan, limits};

/// Connections: enough to keep both sides busy.
const CONNECTIONS: u64 = 16;

/// W1: the same list again.
pub(crate) async fn same(plan: &Plan, stand: &Stand) -> Outcome {
    let cpu = ("CPU per request over bytes", AtMost(1.3));
    let title = "W1  cached list, 50 leads x 10 fields";
    let mut outcome = beside_bytes(plan, stand, 3, title, &Same::list(), 1, cpu).await;
    let [ours, bytes] = &outcome.rows[..] else { unreachable!("two servers") };
    let rate = Asked::over("throughput over bytes", (ours, bytes), |o, b| o.rate / b.rate, AtLeast(0.75));
    outcome.asked.push(rate);
    outcome
}

/// W6 on a hit: W1 with many more sources.
pub(crate) async fn many(plan: &Plan, stand: &Stand) -> Outcome {
    let cpu = ("CPU per request over bytes", AtMost(1.3));
    beside_bytes(plan, stand, 100, "W6  W1 with 100 sources, on a hit", &Same::list(), 1, cpu).await
}

/// W7: the same leads, but never the same request.
pub(crate) async fn ever_new(plan: &Plan, stand: &Stand) -> Outcome {
    let asker = EverNew::lists();
    let cpu = ("CPU per request over bytes", AtMost(5.0));
    let title = "W7  W1 with ever new variables, ten texts";
    beside_bytes(plan, stand, 3, title, &asker, asker.texts(), cpu).await
}

/// Both in turn. `kinds` answers are what *bytes* is told to give.
async fn beside_bytes(
    plan: &Plan,
    stand: &Stand,
    sources: usize,
    title: &'static str,
    asker: &(impl Asker + Clone + 'static),
    kinds: u64,
    (what, bound): (&str, Bound),
) -> Outcome {
    let gateway = stand.gateway(sources, Cache::Warm);
    let bytes = Server::limit("bytes");
    let answers = sample(&gateway, asker, kinds).await;
    limits::tell(&bytes, "/answers", &answers).await;
    let (mut ours, mut theirs) = (Row::new("leadgraph"), Row::new("bytes"));
    for round in plan.rounds() {
        stand.forget_calls();
        let figures = press(&gateway, asker, CONNECTIONS, plan.time, round).await;
        ours.rounds.push(figures.calling(stand.calls() as f64 / figures.asked as f64));
        theirs.rounds.push(press(&bytes, asker, CONNECTIONS, plan.time, round).await);
    }
    let asked = vec![
        Asked::over(what, (&ours, &theirs), |ours, theirs| ours.cpu / theirs.cpu, bound),
        Asked::new(
            "upstream calls",
            crate::figures::median(ours.rounds.iter().map(|f| f.calls)),
            AtMost(0.0),
        ),
    ];
    Outcome { title, rows: vec![ours, theirs], asked }
}

/// One right answer to each kind of request; the cache is filled by it.
async fn sample(server: &Server, asker: &impl Asker, kinds: u64) -> Vec<String> {
    let (mut line, mut body, mut answers) = (Line::open(server.address).await, Vec::new(), Vec::new());
    for kind in 0..kinds {
        body.clear();
        asker.body(kind, &mut body);
        let answer = line.ask(&body).await;
        look_at(asker, answer);
        answers.push(String::from_utf8(answer.to_vec()).unwrap());
    }
    answers
}
