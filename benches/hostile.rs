//! What hostile requests cost: CPU time, memory and bytes of the answer for each class, through the whole gateway but for the
//! socket. Fails where a figure is above its bound.
//!
//!     cargo bench --bench hostile
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "prints a table, and a bench that cannot go on has failed"
)]

use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use cpu_time::ThreadTime;
use http::Request;
use http_body_util::BodyExt as _;
use leadgraph::app::{App, Parts};
use leadgraph::gather::settings::Settings;
use leadgraph::{callers, events, graphql};
use peak_alloc::PeakAlloc;
use tower::ServiceExt as _;

#[path = "../tests/it/harness/hostile.rs"]
mod hostile;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Bounds of each class.
const MOST_CPU: Duration = Duration::from_millis(20);
const MOST_BYTES: usize = 8 << 20;
const MOST_ANSWER: usize = 16 << 10;
/// Each is sent so many times; the quickest counts, since others use the machine as well, and the largest.
const TIMES: usize = 5;

/// What one request cost.
struct Taken {
    cpu: Duration,
    bytes: usize,
    answer: Vec<u8>,
}

async fn send(router: &Router, body: &[u8]) -> Taken {
    let request = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("content-length", body.len())
        .body(Body::from(body.to_vec()))
        .unwrap();
    let (before, start) = (MEMORY.current_usage(), ThreadTime::now());
    MEMORY.reset_peak_usage();
    let response = router.clone().oneshot(request).await.unwrap();
    let answer = response.into_body().collect().await.unwrap().to_bytes().to_vec();
    Taken { cpu: start.elapsed(), bytes: MEMORY.peak_usage().saturating_sub(before), answer }
}

async fn measure() -> bool {
    let parts = Parts {
        http: leadgraph::http::Settings::default(),
        graphql: graphql::Settings::default(),
        events: events::Settings::default(),
        gather: Settings::default(),
        callers: callers::Settings::default(),
        accounts: Vec::new(),
    };
    let app = App::start(parts).await;
    let router = app.router();
    // What is made once and kept is nobody's cost.
    for plain in [r#"{"query":"{ leads { incomplete } }"}"#, r#"{"query":"{ __schema { types { name } } }"}"#]
    {
        send(&router, plain.as_bytes()).await;
    }
    println!("{:52} {:>8} {:>8} {:>9} {:>7}  told", "class", "bytes", "CPU ms", "KiB", "answer");
    let mut right = true;
    for class in hostile::classes() {
        let body = class.body();
        let mut least = send(&router, &body).await;
        for _ in 1..TIMES {
            let taken = send(&router, &body).await;
            least.cpu = least.cpu.min(taken.cpu);
            least.bytes = least.bytes.max(taken.bytes);
        }
        let Taken { cpu, bytes, answer } = least;
        let told: serde_json::Value = serde_json::from_slice(&answer).unwrap_or_default();
        let code = told["errors"][0]["extensions"]["code"].as_str().unwrap_or("answered");
        // Behind this gateway are no sources, so what only sources can refuse is answered or refused otherwise.
        let elsewhere = match class.code.unwrap_or("answered") {
            expected if expected != code => format!(" (with sources: {expected})"),
            _ => String::new(),
        };
        let within = cpu <= MOST_CPU && bytes <= MOST_BYTES && answer.len() <= MOST_ANSWER;
        println!(
            "{:52} {:>8} {:>8.2} {:>9} {:>7}  {code}{elsewhere}{}",
            class.name,
            body.len(),
            cpu.as_secs_f64() * 1_000.0,
            bytes / 1_024,
            answer.len(),
            if within { "" } else { "  TOO MUCH" }
        );
        right &= within;
    }
    right
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if runtime.block_on(measure()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
