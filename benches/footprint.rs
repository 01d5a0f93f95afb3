//! What a cached lead takes in memory: by itself, as it lies on a page of the cache, and by the cache's own count, in bytes that
//! were asked of the allocator. Fails where that count is off by more than a tenth.
//!
//!     cargo bench --bench footprint
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "prints a table, and a bench that cannot go on has failed"
)]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::Request;
use jiff::Timestamp;
use leadgraph::gather::Gather;
use leadgraph::gather::request::{LeadFilter, Paging};
use leadgraph::gather::settings::Settings;
use leadgraph::model::caller::Caller;
use leadgraph::model::cx::{Cx, Meter};
use leadgraph::model::id::{Key, NativeId, SourceId};
use leadgraph::model::lead::Lead;
use leadgraph::secret::Secret;
use leadgraph::source::{LeadQuery, Source};
use leadgraph::upstream::policy::Policy;
use leadgraph::vendors::simulation::{Simulator, World, WorldSpec};
use leadgraph::vendors::{ALL, Entry, Setup};
use peak_alloc::PeakAlloc;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tower::ServiceExt as _;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const LEADS: usize = 5_000;
/// By how much the count may be off: a part of what is taken.
const MOST_OFF: f64 = 0.1;

fn cx() -> Cx {
    Cx {
        deadline: Instant::now() + Duration::from_secs(60),
        now: Timestamp::now(),
        request_id: "bench".into(),
        caller: Caller::unrestricted("bench"),
        meter: Meter::default(),
        background: false,
        anew: false,
    }
}

async fn simulator(entry: &Entry) -> Simulator {
    let days = u32::try_from(LEADS / 10).unwrap();
    let spec = WorldSpec { leads: LEADS, days, agents: 1, ..WorldSpec::demo(Timestamp::now()) };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let simulator = Simulator::start(entry, Arc::new(World::new(spec)), listener).unwrap();
    simulator.switches.set("quota", "off");
    simulator
}

fn sources(entry: &Entry, simulator: &Simulator) -> Vec<Arc<dyn Source>> {
    let setup = Setup {
        name: SourceId::new(entry.name).unwrap(),
        base_url: simulator.base_url(entry).parse().unwrap(),
        key: Secret::new(simulator.vendor.key()),
        policy: Policy {
            quota: 100_000,
            quota_window: Duration::from_secs(1),
            burst: 100_000,
            concurrency: 256,
            ..(entry.policy)()
        },
        settings: simulator.vendor.settings(),
        webhook: None,
    };
    (entry.open)(setup).map_err(|problems| format!("{problems:?}")).unwrap().sources
}

/// What a lead takes by itself, and how much of that is what its vendor sent, word by word.
async fn alone(source: &Arc<dyn Source>) -> (usize, usize) {
    let page = source.leads().unwrap().page_dyn(&cx(), &LeadQuery::default(), None).await.unwrap();
    let sent = |lead: &Arc<Lead>| lead.raw.as_ref().map_or(0, |raw| raw.as_str().len());
    let (rows, raw) = (page.rows.len(), page.rows.iter().map(sent).sum::<usize>());
    let before = MEMORY.current_usage();
    drop(page);
    ((before - MEMORY.current_usage()) / rows, raw / rows)
}

/// What the cache takes by its own count, once it has counted all of it.
async fn told(gather: &Gather) -> f64 {
    // It counts now and then, when it is used: by someone to whom nothing can be given that was merged before.
    sleep(Duration::from_millis(500)).await;
    let one = Paging { first: Some(1), ..Paging::default() };
    let stranger = Caller::unrestricted(&fastrand::u64(..).to_string());
    let cx = Cx { caller: stranger, ..cx() };
    gather.leads(&cx, &LeadFilter::default(), &one).await.map_err(drop).unwrap();
    sleep(Duration::from_millis(500)).await;
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let answer = leadgraph::http::metrics_router().oneshot(request).await.unwrap();
    let text = String::from_utf8(to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap();
    let bytes = |line: &str| line.strip_prefix("leadgraph_cache_bytes ")?.parse().ok();
    text.lines().find_map(bytes).unwrap()
}

/// Keeps all that is read.
fn gather(sources: Vec<Arc<dyn Source>>) -> Gather {
    let long = Duration::from_secs(3_600);
    let settings = Settings {
        list_ttl: long,
        past_list_ttl: long,
        lead_ttl: long,
        absent_ttl: long,
        cache_bytes: 1 << 32,
        ..Settings::default()
    };
    Gather::new(settings, sources)
}

/// What it takes to know that there is no lead of an id, and what that is by the cache's count.
async fn absent(sources: Vec<Arc<dyn Source>>, simulator: &Simulator) -> (f64, f64) {
    let source = sources[0].id().clone();
    let gather = gather(sources);
    let mut begun = (0, 0.0);
    for hundred in 0..=LEADS / 100 {
        let native = |number| NativeId::new(&format!("no lead has the id {hundred}-{number}")).unwrap();
        let key = |number| Key { source: source.clone(), native: native(number), day: None };
        let keys: Vec<_> = (0..100).map(key).collect();
        let found = gather.leads_by_key(&cx(), &keys).await;
        assert!(found.values().all(|found| matches!(found, Ok(None))));
        drop((found, keys));
        simulator.ledger.clear();
        if hundred == 0 {
            let told = told(&gather).await;
            begun = (MEMORY.current_usage(), told);
        }
    }
    let told = told(&gather).await - begun.1;
    ((MEMORY.current_usage() - begun.0) as f64 / LEADS as f64, told / LEADS as f64)
}

/// What a lead takes in the cache, and what that is by the cache's count: of all but the first page, which brings along what is made
/// once.
async fn cached(sources: Vec<Arc<dyn Source>>, simulator: &Simulator) -> (f64, f64) {
    let gather = gather(sources);
    let mut paging = Paging { first: Some(100), ..Paging::default() };
    let mut begun = None;
    let mut leads = 0;
    loop {
        let page = gather.leads(&cx(), &LeadFilter::default(), &paging).await.map_err(drop).unwrap();
        assert!(!page.incomplete);
        paging.after = page.end_cursor().map(str::to_owned);
        if begun.is_some() {
            leads += page.nodes.len();
        }
        let more = page.has_next_page;
        drop(page);
        if begun.is_none() {
            let told = told(&gather).await;
            simulator.ledger.clear();
            begun = Some((MEMORY.current_usage(), told));
        }
        if !more {
            break;
        }
    }
    assert_eq!(leads, LEADS - 100);
    let (taken, counted) = begun.unwrap();
    let told = told(&gather).await - counted;
    simulator.ledger.clear();
    let leads = leads as f64;
    ((MEMORY.current_usage() - taken) as f64 / leads, told / leads)
}

async fn measure() -> bool {
    println!(
        "{:<10} {:>8} {:>16} {:>13} {:>13}",
        "bytes", "a lead", "as it was sent", "in the cache", "as counted"
    );
    let (mut right, mut sums) = (true, [0.0; 2]);
    let mut verdict = |taken: f64, told: f64| {
        let is_right = (told - taken).abs() <= taken * MOST_OFF;
        right &= is_right;
        if is_right { "" } else { "  off" }
    };
    for entry in ALL {
        let simulator = simulator(entry).await;
        let sources = sources(entry, &simulator);
        let (lead, raw) = alone(&sources[0]).await;
        let reads_by_id = sources[0].lead_by_id().is_some();
        let (taken, told) = cached(sources.clone(), &simulator).await;
        let off = verdict(taken, told);
        println!("{:<10} {lead:>8} {raw:>16} {taken:>13.0} {told:>13.0}{off}", entry.name);
        sums = [sums[0] + taken, sums[1] + told];
        if reads_by_id {
            let (taken, told) = absent(sources, &simulator).await;
            let off = verdict(taken, told);
            println!("{:<36} {taken:>13.0} {told:>13.0}{off}", "  that there is none of an id");
        }
    }
    let [taken, told] = sums.map(|sum| sum / ALL.len() as f64 * 30_000.0 / f64::from(1 << 20));
    println!("30,000 leads of all in equal parts: {taken:.1} MiB, {told:.1} MiB as counted");
    right
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if runtime.block_on(measure()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
