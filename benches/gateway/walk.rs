//! W4: a walk over all leads of a vendor, beside the same vendor pages read one after the other.

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::Plan;
use crate::figures::Bound::AtMost;
use crate::figures::{Asked, Figures, Outcome, Row, median};
use crate::limits;
use crate::load::{Line, look_at};
use crate::process::Server;
use crate::queries::Same;
use crate::stand::{Cache, Stand};

const UPSTREAM_MS: u64 = 5;
/// What a vendor has, and how many of them an answer shows.
const LEADS: usize = 2_000;
const PAGE: usize = 100;
/// The most that may be asked: its pages, and one that says that there are no more.
const CALLS: f64 = 21.0;

pub(crate) async fn walk(plan: &Plan, stand: &Stand) -> Outcome {
    stand.delay(UPSTREAM_MS);
    let pass_through = Server::limit("pass-through");
    let (mut ours, mut theirs) = (Row::new("leadgraph"), Row::new("pass-through, pages in turn"));
    for round in plan.rounds() {
        // Nothing of the walk before may be in the cache.
        let gateway = stand.gateway(3, Cache::Warm);
        let mut line = Line::open(gateway.address).await;
        greet(&mut line).await;
        stand.forget_calls();
        gateway.forget_peak();
        let (cpu, start) = (gateway.cpu(), Instant::now());
        let (mut after, mut answers) = (None, Vec::new());
        loop {
            let answer = line.ask(&page(after.as_deref())).await.to_vec();
            after = goes_on(&answer);
            answers.push(answer);
            if after.is_none() {
                break;
            }
        }
        let wall = start.elapsed();
        let leads: usize = answers.iter().map(|answer| leads(answer)).sum();
        assert_eq!(leads, LEADS);
        let walked = Figures::of(vec![wall], wall, gateway.cpu() - cpu, gateway.peak());
        ours.rounds.push(walked.calling(stand.calls() as f64));
        if round == 1 << 32 {
            limits::tell(&pass_through, "/calls", &stand.asked()).await;
            pass(&pass_through).await;
        }
        stand.forget_calls();
        let cpu = pass_through.cpu();
        let wall = pass(&pass_through).await;
        let passed = Figures::of(vec![wall], wall, pass_through.cpu() - cpu, pass_through.peak());
        theirs.rounds.push(passed.calling(stand.calls() as f64));
    }
    stand.delay(0);
    let pair = (&ours, &theirs);
    let asked = vec![
        Asked::over("wall over the vendor pages' round trips", pair, |o, p| o.p50 / p.p50, AtMost(1.2)),
        Asked::new("upstream calls", median(ours.rounds.iter().map(|round| round.calls)), AtMost(CALLS)),
    ];
    let title = "W4  walk of 2,000 leads in pages of 100, 5 ms upstream (a request is a walk)";
    Outcome { title, rows: vec![ours, theirs], asked }
}

fn page(after: Option<&str>) -> Vec<u8> {
    let query = "query Walk($first: Int!, $after: String) { \
                 leads(first: $first, after: $after, filter: { vendors: [SPELO] }) { \
                 nodes { id vendor vendorId name email phone status vendorStatus createdAt updatedAt } \
                 pageInfo { hasNextPage endCursor } incomplete } }";
    let body = json!({ "query": query, "variables": { "first": PAGE, "after": after } });
    serde_json::to_vec(&body).unwrap()
}

/// Where the next page begins, if there is one. Looked for in the text: to make an object of each page is the walker's time, which
/// *pass-through* is not asked to take either.
fn goes_on(answer: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(answer).unwrap();
    let (_, info) = text.rsplit_once("\"pageInfo\":").unwrap();
    let (_, rest) = info.split_once("\"endCursor\":\"").unwrap();
    let (cursor, _) = rest.split_once('"').unwrap();
    info.contains("\"hasNextPage\":true").then(|| cursor.to_owned())
}

/// How many leads a page has, of which nothing may be missing.
fn leads(answer: &[u8]) -> usize {
    let answer: Value = serde_json::from_slice(answer).unwrap();
    let list = &answer["data"]["leads"];
    assert_eq!(list["incomplete"], false, "{answer}");
    list["nodes"].as_array().unwrap().len()
}

/// Opens the connections to the vendor.
async fn greet(line: &mut Line) {
    let (greeting, mut body) = (Same::greeting(), Vec::new());
    crate::load::Asker::body(&greeting, 0, &mut body);
    look_at(&greeting, line.ask(&body).await);
}

async fn pass(server: &Server) -> std::time::Duration {
    let mut line = Line::open(server.address).await;
    let sent = Instant::now();
    line.ask(b"{}").await;
    sent.elapsed()
}
