//! Whether anything grows that should not: the binary under random queries and every fault, for as long as one likes.
//!
//! `LEADGRAPH_SOAK_SECS=3600 cargo test --test it soak -- --nocapture`. Without the variable nothing is soaked.

use std::time::Duration;

use tokio::time::Instant;

use crate::harness::binary::{Gateway, Simulated, send};

const FAULTS: [&str; 8] = [
    "[]",
    "[{\"fault\":{\"kind\":\"html\"}}]",
    "[{\"fault\":{\"kind\":\"wrong_json\"}}]",
    "[{\"fault\":{\"kind\":\"truncate\"}}]",
    "[{\"fault\":{\"kind\":\"reset\"}}]",
    "[{\"fault\":{\"kind\":\"delay\",\"ms\":300}}]",
    "[{\"fault\":{\"kind\":\"status\",\"status\":500}}]",
    "[{\"fault\":{\"kind\":\"status\",\"status\":429,\"retry_after\":\"1\"}}]",
];

/// A query that differs nearly each time, so that the cache fills.
fn query() -> String {
    let first = fastrand::u32(1..=50);
    let day = fastrand::u32(1..=28);
    match fastrand::u32(0..4) {
        0 => format!("{{ leads(first: {first}) {{ nodes {{ id name email raw }} }} }}"),
        1 => format!(
            "{{ leads(first: {first}, filter: {{ createdAt: {{ from: \"2026-01-{day:02}T00:00:00Z\" }} }}) {{ nodes {{ id }} }} }}"
        ),
        2 => format!("{{ conversations(first: {first}) {{ nodes {{ id transcript {{ text }} }} }} }}"),
        _ => format!(
            "{{ leads(first: {first}, filter: {{ text: \"x{day}{first}\" }}) {{ nodes {{ id }} incomplete }} }}"
        ),
    }
}

/// What a process holds of memory, in KiB.
fn resident(gateway: &Gateway) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The sum of a gauge's series.
fn gauge(metrics: &str, name: &str) -> f64 {
    let series = metrics.lines().filter(|line| line.starts_with(name) && !line.starts_with('#'));
    series.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

#[test]
fn memory_and_what_is_under_way_return_to_where_they_were() {
    let Some(seconds) = leadgraph::config::variable("LEADGRAPH_SOAK_SECS") else { return };
    let all = Duration::from_secs(seconds.parse().unwrap());
    let simulated = Simulated::start("soak");
    simulated.write("metrics_listen = \"127.0.0.1:0\"\n[cache]\nlists_secs = 1\n");
    let gateway = Gateway::start(&mut simulated.command(&["serve", "--log", "json"]));
    let start = Instant::now();
    let mut settled = None;
    while start.elapsed() < all {
        for (_, desk) in simulated.desks() {
            send(&desk, "PUT", "/_sim/faults", FAULTS[fastrand::usize(..FAULTS.len())]);
        }
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..20).for_each(|_| drop(gateway.ask(&query()))));
            }
        });
        if start.elapsed() > all / 6 {
            settled.get_or_insert_with(|| (resident(&gateway), Instant::now()));
        }
        println!("{:>5} s {:>8} KiB", start.elapsed().as_secs(), resident(&gateway));
    }
    // What was under way at the end ends.
    std::thread::sleep(Duration::from_secs(6));
    let metrics = gateway.metrics();
    assert_eq!(gauge(&metrics, "leadgraph_http_requests_in_flight"), 0.0, "{metrics}");
    assert_eq!(gauge(&metrics, "leadgraph_vendor_calls_in_flight"), 0.0, "{metrics}");
    assert!(gauge(&metrics, "leadgraph_cache_bytes") <= 64.0 * 1024.0 * 1024.0, "{metrics}");
    let Some((before, since)) = settled else { return };
    let grown = resident(&gateway).saturating_sub(before);
    // What the cache holds may grow up to its bound; beyond that, 1 MiB in ten minutes.
    let held = (gauge(&metrics, "leadgraph_cache_bytes") / 1024.0) as u64;
    let allowed = 2 * held + 1_024 * (1 + since.elapsed().as_secs() / 600);
    assert!(grown <= allowed, "{grown} KiB more than {before}; {allowed} are allowed");
}
