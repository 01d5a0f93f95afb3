//! What a process holds, as the kernel and its own metrics tell it, and whether that grows.

use std::time::Duration;

use crate::harness::binary::{Gateway, get};

/// All that must come back to where it was once all is quiet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    threads: usize,
    /// Open files, of which nearly all are sockets.
    files: usize,
    sockets: usize,
    /// As the gauge tells it.
    tasks: f64,
    requests: f64,
    calls: f64,
}

impl Held {
    pub(super) fn of(gateway: &Gateway, metrics: &str) -> Self {
        let files = links(gateway, "fd");
        Self {
            threads: links(gateway, "task").len(),
            sockets: files.iter().filter(|file| file.starts_with("socket:")).count(),
            files: files.len(),
            tasks: gauge(metrics, "leadgraph_tasks"),
            requests: gauge(metrics, "leadgraph_http_requests_in_flight"),
            calls: gauge(metrics, "leadgraph_vendor_calls_in_flight"),
        }
    }

    /// Whether nothing is farther than `allowed` from where it was, and nothing at all is under way.
    pub(super) fn is_back_at(&self, start: &Self, allowed: usize) -> bool {
        let counts = |held: &Self| [held.threads, held.files, held.sockets];
        let near =
            counts(self).into_iter().zip(counts(start)).all(|(now, then)| now.abs_diff(then) <= allowed);
        near && (self.tasks - start.tasks).abs() <= allowed as f64
            && self.requests == 0.0
            && self.calls == 0.0
    }
}

/// Where each entry of a directory of `/proc` leads; its name, if nowhere.
fn links(gateway: &Gateway, directory: &str) -> Vec<String> {
    let entries = std::fs::read_dir(format!("/proc/{}/{directory}", gateway.child.id())).unwrap();
    let path = |entry: std::fs::DirEntry| std::fs::read_link(entry.path()).unwrap_or_else(|_| entry.path());
    entries.map_while(Result::ok).map(|entry| path(entry).to_string_lossy().into_owned()).collect()
}

/// Memory of a process, in MiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    /// All that is resident.
    pub(super) resident: f64,
    /// What of it is its own. The rest are pages of its executable, which come as code is first run, and go as the kernel likes.
    pub(super) own: f64,
}

impl Memory {
    pub(super) fn of(gateway: &Gateway) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.child.id())).unwrap();
        let mib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1_024.0
        };
        Self { resident: mib("VmRSS:"), own: mib("RssAnon:") }
    }
}

/// Its metrics, by an address that was found out once: to look for it in the log of an hour takes longer each time.
pub(super) struct Metrics(pub(super) String);

impl Metrics {
    pub(super) fn read(&self) -> String {
        get(&self.0, "/metrics")
    }
}

/// The sum of a metric's series.
pub(super) fn gauge(metrics: &str, name: &str) -> f64 {
    let rest = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let series = metrics.lines().filter(|line| rest(line));
    // Of nothing it is 0, of which `sum` would make -0.
    series
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .fold(0.0, |sum, value| sum + value)
}

/// The least of each half minute: what is held only while something large is under way is no growth, and more of it falls into one
/// half hour than into the other. What is never given back is in the least, too.
pub(super) fn least(samples: &[(Duration, f64)]) -> Vec<(Duration, f64)> {
    let half_minute = |sample: &(Duration, f64)| sample.0.as_secs() / 30;
    let parts = samples.chunk_by(|one, next| half_minute(one) == half_minute(next));
    parts.filter_map(|part| part.iter().copied().min_by(|one, other| one.1.total_cmp(&other.1))).collect()
}

/// How much more there is after ten minutes, by the straight line that is closest to all samples of (when, how much).
pub(super) fn slope(samples: &[(Duration, f64)]) -> f64 {
    let count = samples.len() as f64;
    let mean = |value: &dyn Fn(&(Duration, f64)) -> f64| samples.iter().map(value).sum::<f64>() / count;
    let at = mean(&|sample| sample.0.as_secs_f64());
    let held = mean(&|sample| sample.1);
    let covariance = mean(&|sample| (sample.0.as_secs_f64() - at) * (sample.1 - held));
    covariance / mean(&|sample| (sample.0.as_secs_f64() - at).powi(2)) * 600.0
}

#[test]
fn what_is_given_back_is_no_growth_and_what_is_not_is() {
    let held = |second: u64| {
        40.0 + 0.005 * second as f64 + if second.is_multiple_of(30) { 0.0 } else { second as f64 }
    };
    let samples: Vec<_> = (0..3_600).map(|second| (Duration::from_secs(second), held(second))).collect();
    let slope = slope(&least(&samples));
    assert!((slope - 3.0).abs() < 0.01, "{slope}");
}

#[test]
fn slope_is_that_of_the_line_behind_the_noise() {
    let line = |second: u64| 40.0 + 0.005 * second as f64 + if second.is_multiple_of(2) { 3.0 } else { -3.0 };
    let samples: Vec<_> = (0..1_000).map(|second| (Duration::from_secs(second), line(second))).collect();
    assert!((slope(&samples) - 3.0).abs() < 0.1, "{}", slope(&samples));
}
