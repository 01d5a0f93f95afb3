//! Whether anything grows that should not: the binary under random requests and every fault, for as long as one likes.
//!
//! `LEADGRAPH_SOAK_SECS=3600 cargo test --test it soak -- --nocapture`. Without the variable nothing is soaked. Of an hour
//! is asked: memory grows by less than 1 MiB in ten minutes once all that may fill is full, the cache keeps to its bound,
//! and threads, sockets, tasks and all that is under way are in the end what they were in the beginning.
#![expect(clippy::print_stdout, reason = "a run of an hour says how it goes")]

mod load;
mod process;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use self::load::Load;
use self::process::{Held, Memory, Metrics, gauge, least, slope};
use crate::harness::binary::{Gateway, Simulated, send};

/// So few that they take a part of a core.
const REQUESTS_A_SECOND: u32 = 30;
/// More than wait at any time, hanging vendors included.
const CLIENTS: usize = 60;
/// Small, so that it is full long before anything is judged.
const CACHE_BYTES: u32 = 4 << 20;
/// All that is kept is as small as it may be, vendors are asked as often as the load wants, and nobody is refused since a machine
/// has other things to do.
fn settings() -> String {
    format!(
        "metrics_listen = \"127.0.0.1:0\"\nanswers_max_bytes = 1048576\nmax_wait_ms = 60000\n\
         [cache]\nlists_secs = 2\nmax_bytes = {CACHE_BYTES}\n\
         [events]\nmax_events = 256\nmax_bytes = 1048576\n\
         [defaults.upstream]\nquota = 6000\nburst = 200\n"
    )
}

/// All that the simulators can do wrong. A refused key is not used for a minute, so what comes behind it is seen elsewhere, too.
const FAULTS: [&str; 20] = [
    r#"{"kind":"reset"}"#,
    r#"{"kind":"hang"}"#,
    r#"{"kind":"truncate"}"#,
    r#"{"kind":"html"}"#,
    r#"{"kind":"wrong_json"}"#,
    r#"{"kind":"drip","ms":20}"#,
    r#"{"kind":"huge","bytes":67108864}"#,
    // The simulator packs it anew each time.
    r#"{"kind":"gzip_bomb","bytes":9437184}"#,
    r#"{"kind":"redirect","location":"http://127.0.0.1:9/"}"#,
    r#"{"kind":"status","status":400}"#,
    r#"{"kind":"status","status":404}"#,
    r#"{"kind":"status","status":405}"#,
    r#"{"kind":"status","status":429}"#,
    r#"{"kind":"status","status":429,"retry_after":"2"}"#,
    r#"{"kind":"status","status":500}"#,
    r#"{"kind":"status","status":503}"#,
    r#"{"kind":"status","status":403}"#,
    r#"{"kind":"delay","ms":300}"#,
    r#"{"kind":"status","status":401}"#,
    r#"{"kind":"jitter","from_ms":1,"to_ms":2500}"#,
];
/// How calls then end, among other ways.
const OUTCOMES: [&str; 9] = [
    "ok",
    "unreachable",
    "timeout",
    "rate_limited",
    "breaker_open",
    "unauthorized",
    "vendor_error",
    "protocol",
    "too_large",
];

/// What goes wrong at a vendor in a round: nothing in every second one, so that it heals and the cache fills. Until anything is
/// judged (`early`) it is as bad as it gets: what a fault makes the allocator keep at most is to be there by then.
fn rules(round: usize, vendor: usize, early: bool) -> String {
    if round.is_multiple_of(2) {
        return "[]".to_owned();
    }
    // Never the same at two vendors.
    let fault = FAULTS[(round / 2 + vendor * FAULTS.len() / 3) % FAULTS.len()];
    match fastrand::u8(0..4) {
        _ if early => format!("[{{\"fault\":{fault}}}]"),
        0 => format!("[{{\"fault\":{fault},\"percent\":30}}]"),
        1 => format!(
            "[{{\"fault\":{fault},\"method\":\"PATCH\",\"after\":true}},{{\"fault\":{fault},\"percent\":60}}]"
        ),
        _ => format!("[{{\"fault\":{fault}}}]"),
    }
}

/// Has a vendor get a lead and tell of it, or of an older one, now and then without proof. The lead it got last goes: a world that
/// grows would have the gateway hold more, too.
fn tell(gateway: &Gateway, vendor: &str, desk: &str, last: &mut Option<String>) {
    let event = match vendor {
        "spelo" => "lead.updated",
        "chatzuri" => "lead.submit",
        _ => "lead.processed",
    };
    if fastrand::bool() {
        if let Some(gone) = last.take() {
            send(desk, "DELETE", &format!("/_sim/leads/{gone}"), "");
        }
        let reply = send(desk, "POST", "/_sim/leads", "");
        *last = reply.split("\"id\":\"").nth(1).and_then(|rest| Some(rest.split_once('"')?.0.to_owned()));
        assert!(last.is_some(), "{reply}");
    }
    let order = serde_json::json!({
        "url": format!("http://{}/webhooks/{vendor}", gateway.address),
        "secret": "whsec_of_the_simulated_vendors",
        "event": event,
        "copies": 3,
        "wrong_signature": fastrand::u8(0..4) == 0,
    });
    send(desk, "POST", "/_sim/webhooks", &order.to_string());
}

#[test]
fn memory_and_what_is_under_way_return_to_where_they_were() {
    let Some(seconds) = leadgraph::config::variable("LEADGRAPH_SOAK_SECS") else { return };
    let all = Duration::from_secs(seconds.parse().unwrap());
    let simulated = Simulated::start("soak");
    simulated.write(&settings());
    let gateway = Gateway::start(&mut simulated.command(&["serve", "--log", "json"]));
    let metrics = Metrics(gateway.waits_for("serving metrics")["address"].as_str().unwrap().to_owned());
    let desks = simulated.desks();
    for (vendor, desk) in &desks {
        if *vendor == "spelo" {
            send(desk, "PUT", "/_sim/switches/quota", "off");
        }
    }
    let before = Held::of(&gateway, &metrics.read());
    println!("{before:?}");

    let start = Instant::now();
    let load = Load::new(&gateway.address, REQUESTS_A_SECOND);
    let mut samples = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| load.ask_until(start + all));
        }
        samples = watch(&gateway, &metrics, &desks, &load, all);
    });
    quiet(&gateway, &metrics, &desks, &before);

    let settled = |memory: fn(&Memory) -> f64| {
        let settled = samples.iter().filter(|(at, _)| *at > all / 6);
        settled.map(|(at, held)| (*at, memory(held))).collect::<Vec<_>>()
    };
    let [resident, own] =
        [settled(|memory| memory.resident), settled(|memory| memory.own)].map(|held| slope(&least(&held)));
    // In a short run a step of the allocator looks like a slope: it may be as much steeper as an hour is longer.
    let allowed = (3_600.0 / all.as_secs_f64()).max(1.0);
    println!(
        "{:?} in the end; {resident:.2} MiB more in 10 minutes, {own:.2} of its own, {allowed:.1} allowed",
        Memory::of(&gateway)
    );
    let answered = load.answered.lock().unwrap().clone();
    println!("{answered:?}");
    judge_load(&answered, &metrics.read());
    assert!(own < allowed, "{own} MiB in 10 minutes");
}

/// Lets vendors fail by turns, and looks at memory every second and at the cache every half minute.
///
/// Each round begins with a second in which nobody waits for a turn: how much is under way at most, which is what the allocator keeps
/// room for, is then the same in each, and not decided by when the machine was busy with something else.
fn watch(
    gateway: &Gateway,
    metrics: &Metrics,
    desks: &[(&str, String)],
    load: &Load,
    all: Duration,
) -> Vec<(Duration, Memory)> {
    let start = Instant::now();
    let mut last = vec![None; desks.len()];
    // Each vendor has had every fault before anything is judged, if that takes an hour; else within five minutes.
    let round = (all / 6).max(Duration::from_secs(300)) / FAULTS.len() as u32 / 2;
    let (mut samples, mut rounds, mut said) = (Vec::new(), 0, Duration::ZERO);
    while start.elapsed() < all {
        if start.elapsed() >= round * rounds {
            for (number, (vendor, desk)) in desks.iter().enumerate() {
                send(
                    desk,
                    "PUT",
                    "/_sim/faults",
                    &rules(rounds as usize, number, start.elapsed() <= all / 6),
                );
                send(desk, "DELETE", "/_sim/calls", "");
                tell(gateway, vendor, desk, &mut last[number]);
            }
            load.storm.store(true, Ordering::Relaxed);
            rounds += 1;
        }
        samples.push((start.elapsed(), Memory::of(gateway)));
        if start.elapsed() >= said {
            said += Duration::from_secs(30);
            let told = metrics.read();
            let cache = gauge(&told, "leadgraph_cache_bytes");
            let now = Held::of(gateway, &told);
            println!(
                "{:>5} s {:.1?}, cache {:.2} MiB, {now:?}",
                start.elapsed().as_secs(),
                Memory::of(gateway),
                cache / 1_048_576.0
            );
            assert!(cache <= f64::from(CACHE_BYTES), "{cache} bytes in the cache");
        }
        std::thread::sleep(Duration::from_secs(1));
        load.storm.store(false, Ordering::Relaxed);
    }
    samples
}

/// Heals everything and waits until all that was under way has ended. News are tried again for 100 s.
fn quiet(gateway: &Gateway, metrics: &Metrics, desks: &[(&str, String)], before: &Held) {
    for (_, desk) in desks {
        send(desk, "PUT", "/_sim/faults", "[]");
    }
    let start = Instant::now();
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let now = Held::of(gateway, &metrics.read());
        if now.is_back_at(before, 5) {
            return println!("quiet after {} s: {now:?}", start.elapsed().as_secs());
        }
        assert!(start.elapsed() < Duration::from_secs(150), "{now:?}, and before {before:?}");
    }
}

/// Whether the load was one: most lists were answered, all of them by something, and calls ended in every way.
fn judge_load(answered: &BTreeMap<(&'static str, u16), u64>, metrics: &str) {
    let of = |kind: &str, status: Option<u16>| -> u64 {
        let counted = answered
            .iter()
            .filter(|((asked, by), _)| *asked == kind && status.is_none_or(|status| *by == status));
        counted.map(|(_, count)| count).sum()
    };
    for kind in ["list", "walk", "record", "write", "document", "refused"] {
        assert_eq!(of(kind, Some(0)), 0, "{kind} without an answer");
        assert!(of(kind, None) > 0, "{kind} was never asked");
    }
    assert!(of("list", Some(200)) * 2 > of("list", None), "most lists are answered");
    assert!(of("stream", Some(200)) > 0 && of("socket", Some(101)) > 0, "lines were opened");
    let kinds: Vec<_> = OUTCOMES
        .iter()
        .filter(|outcome| {
            !metrics.lines().any(|line| {
                line.starts_with("leadgraph_vendor_calls_total{")
                    && line.contains(&format!("outcome=\"{outcome}\""))
            })
        })
        .collect();
    assert!(kinds.is_empty(), "no call ended as {kinds:?}: {metrics}");
}
