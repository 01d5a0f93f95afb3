//! What becomes of a gateway that is asked for three times what it can do: the binary over simulated vendors, over real sockets.
//! Fails where a figure misses its bound.
//!
//!     cargo bench --bench overload
//!
//! The load comes from the same machine, so what it takes of the processors is missing to the gateway; the figures are ratios, which
//! that changes little. Nothing else should run meanwhile.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "prints a table, and a bench that cannot go on has failed"
)]

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/harness/binary.rs"]
mod binary;

use binary::{Gateway, Simulated};

/// How long each part takes.
const PEAK: Duration = Duration::from_secs(4);
const CALM: Duration = Duration::from_secs(10);
const STORM: Duration = Duration::from_secs(20);
const AFTER: Duration = Duration::from_secs(10);
/// The share of the peak that is no overload, and how many times the peak is one.
const CALM_LOAD: f64 = 0.8;
const STORM_LOAD: f64 = 3.0;
/// The most connections of the load; the gateway takes 2,000.
const CONNECTIONS: usize = 1_800;

/// One answer: when it was asked for, how long it took, and its status (0: none came).
#[derive(Clone, Copy)]
struct Sample {
    asked: Duration,
    took: Duration,
    status: u16,
}

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

fn p99(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all.get(all.len().saturating_sub(1) * 99 / 100).copied().unwrap_or_default()
}

/// Requests that no cache of whole answers knows, though all they need has been read.
fn request(address: &str, number: usize) -> Vec<u8> {
    let fields = "id name email phone status vendorStatus createdAt updatedAt vendor source { name }";
    let query = format!(
        "query Q{number} {{ leads(first: {}) {{ nodes {{ {fields} }} incomplete }} }}",
        60 + number % 40
    );
    let body = serde_json::json!({ "query": query }).to_string();
    format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends one request and reads its answer; `None` where the connection ended before.
async fn ask(socket: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> Option<u16> {
    socket.write_all(request).await.ok()?;
    buffer.clear();
    let head = loop {
        if socket.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = std::str::from_utf8(&buffer[..head]).ok()?;
    let status = text.get(9..12)?.parse().ok()?;
    let length: usize = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())?;
    while buffer.len() < head + length {
        if socket.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    Some(status)
}

/// The load: connections that are open, and what they have heard.
#[derive(Clone)]
struct Load {
    address: Arc<str>,
    idle: Arc<Mutex<Vec<TcpStream>>>,
    open: Arc<AtomicUsize>,
    number: Arc<AtomicUsize>,
    samples: Arc<Mutex<Vec<Sample>>>,
}

impl Load {
    fn new(address: &str) -> Self {
        let address = Arc::from(address);
        Self {
            address,
            idle: Arc::default(),
            open: Arc::default(),
            number: Arc::default(),
            samples: Arc::default(),
        }
    }

    async fn socket(&self) -> Option<TcpStream> {
        if let Some(socket) = self.idle.lock().unwrap().pop() {
            return Some(socket);
        }
        if self.open.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let socket = TcpStream::connect(&*self.address).await.ok();
        if socket.is_none() {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
        socket.inspect(|socket| socket.set_nodelay(true).unwrap())
    }

    /// One request that was due at a moment.
    async fn one(self, start: Instant, due: Instant) {
        let request = request(&self.address, self.number.fetch_add(1, Ordering::Relaxed));
        let mut status = 0;
        // One that was idle for too long has been closed by the other side: then a new one.
        for _ in 0..2 {
            let Some(mut socket) = self.socket().await else { break };
            if let Some(told) = ask(&mut socket, &request, &mut Vec::with_capacity(32 * 1024)).await {
                status = told;
                self.idle.lock().unwrap().push(socket);
                break;
            }
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
        let sample = Sample { asked: due - start, took: due.elapsed(), status };
        self.samples.lock().unwrap().push(sample);
    }

    fn taken(&self, lasted: Duration, resident_kib: u64) -> Part {
        Part { samples: std::mem::take(&mut *self.samples.lock().unwrap()), lasted, resident_kib }
    }

    /// So many at a time, each as soon as the one before is answered.
    async fn closed(&self, at_once: usize, lasts: Duration) -> Part {
        let start = Instant::now();
        let mut askers = JoinSet::new();
        for _ in 0..at_once {
            let load = self.clone();
            askers.spawn(async move {
                while start.elapsed() < lasts {
                    load.clone().one(start, Instant::now()).await;
                }
            });
        }
        askers.join_all().await;
        self.taken(start.elapsed(), 0)
    }

    /// So many a second, whatever becomes of them.
    async fn open(&self, gateway: &Gateway, a_second: f64, lasts: Duration) -> Part {
        let start = Instant::now();
        let gap = Duration::from_secs_f64(1.0 / a_second);
        let (mut asked, mut due, mut resident_kib, mut looked) = (JoinSet::new(), start, 0, start);
        while due < start + lasts {
            sleep_until(due).await;
            // The clock of the runtime ticks by milliseconds: all that is due by now.
            while due <= Instant::now() && due < start + lasts {
                asked.spawn(self.clone().one(start, due));
                due += gap;
            }
            while asked.try_join_next().is_some() {}
            if looked.elapsed() > Duration::from_millis(100) {
                looked = Instant::now();
                resident_kib = resident(gateway).max(resident_kib);
            }
        }
        let lasted = start.elapsed();
        asked.join_all().await;
        self.taken(lasted, resident_kib)
    }
}

/// The memory that a gateway takes.
fn resident(gateway: &Gateway) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// When after the storm all was as it is at rest: from then on nobody was refused, and of the answers of each half second 99 of
/// 100 came as fast as they should.
fn recovered(after: &Part, most: Duration) -> Duration {
    let half = |sample: &Sample| sample.asked.as_millis() / 500;
    let halves = after.samples.iter().map(half).max().unwrap_or(0);
    let bad = (0..=halves).rev().find(|number| {
        let here: Vec<_> = after.samples.iter().filter(|sample| half(sample) == *number).collect();
        here.iter().any(|sample| sample.status != 200)
            || p99(here.iter().map(|sample| sample.took).collect()) > most
    });
    Duration::from_millis(bad.map_or(0, |number| u64::try_from(number + 1).unwrap() * 500))
}

async fn measure(gateway: &Gateway) -> bool {
    let load = Load::new(&gateway.address);
    let warm = load.closed(4, PEAK).await;
    assert!(warm.of(200).count() > 50, "nothing is answered");
    let mut peak: f64 = 0.0;
    for at_once in [8, 16, 32, 64] {
        peak = load.closed(at_once, PEAK).await.goodput().max(peak);
    }
    let calm = load.open(gateway, peak * CALM_LOAD, CALM).await;
    sleep(Duration::from_secs(1)).await;
    let storm = load.open(gateway, peak * STORM_LOAD, STORM).await;
    let after = load.open(gateway, peak * CALM_LOAD, AFTER).await;

    let count = |part: &Part, status| part.of(status).count();
    println!(
        "peak {peak:.0}/s; storm: {} answered, {} refused, {} lost of {}",
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
        ("goodput at 3 x the peak, of the peak", storm.goodput() / peak, 0.8, true),
        ("p99 of refusals, ms", ms(storm.p99(503)), 100.0, false),
        ("p99 of answers, of that at 80 %", ms(storm.p99(200)) / ms(calm.p99(200)), 2.0, false),
        ("memory, of that at 80 %", storm.resident_kib as f64 / calm.resident_kib as f64, 1.25, false),
        ("back to normal after, s", recovered(&after, calm.p99(200) * 2).as_secs_f64(), 5.0, false),
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

fn main() -> ExitCode {
    let simulated = Simulated::start("overload");
    simulated.write("[cache]\nlists_secs = 3600\n");
    let gateway = Gateway::start(&mut simulated.command(&["serve", "--log", "json"]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if runtime.block_on(measure(&gateway)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
