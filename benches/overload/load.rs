//! A load over connections that stay open: so many at once, or so many a second whatever becomes of them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// The most connections of a load; the gateway takes 2,000.
const CONNECTIONS: usize = 1_800;

/// One answer: when it was asked for, how long it took, and its status (0: none came).
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) asked: Duration,
    pub(crate) took: Duration,
    pub(crate) status: u16,
}

pub(crate) fn p99(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all.get(all.len().saturating_sub(1) * 99 / 100).copied().unwrap_or_default()
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

/// One caller's load: connections that are open, and what they have heard.
#[derive(Clone)]
pub(crate) struct Load {
    address: Arc<str>,
    /// Header lines beside those that all have.
    headers: Arc<str>,
    /// The document, by a number that is another one each time.
    document: fn(usize) -> String,
    idle: Arc<Mutex<VecDeque<TcpStream>>>,
    open: Arc<AtomicUsize>,
    number: Arc<AtomicUsize>,
    samples: Arc<Mutex<Vec<Sample>>>,
}

impl Load {
    pub(crate) fn new(address: &str, headers: &str, document: fn(usize) -> String) -> Self {
        Self {
            address: Arc::from(address),
            headers: Arc::from(headers),
            document,
            idle: Arc::default(),
            open: Arc::default(),
            number: Arc::default(),
            samples: Arc::default(),
        }
    }

    fn request(&self) -> Vec<u8> {
        let document = (self.document)(self.number.fetch_add(1, Ordering::Relaxed));
        let body = serde_json::json!({ "query": document }).to_string();
        let (address, headers, length) = (&self.address, &self.headers, body.len());
        format!(
            "POST /graphql HTTP/1.1\r\nhost: {address}\r\n{headers}content-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// A connection, and whether it is a new one.
    async fn socket(&self) -> Option<(TcpStream, bool)> {
        if let Some(socket) = self.idle.lock().unwrap().pop_front() {
            return Some((socket, false));
        }
        if self.open.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let socket = TcpStream::connect(&*self.address).await.ok();
        if socket.is_none() {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
        socket.inspect(|socket| socket.set_nodelay(true).unwrap()).map(|socket| (socket, true))
    }

    /// One request that was due at a moment.
    async fn one(self, start: Instant, due: Instant) {
        let request = self.request();
        let mut status = 0;
        // Those that were idle may have been closed by the other side: a new one has the last word.
        while let Some((mut socket, is_new)) = self.socket().await {
            if let Some(told) = ask(&mut socket, &request, &mut Vec::with_capacity(32 * 1024)).await {
                status = told;
                self.idle.lock().unwrap().push_back(socket);
                break;
            }
            self.open.fetch_sub(1, Ordering::Relaxed);
            if is_new {
                break;
            }
        }
        let sample = Sample { asked: due - start, took: due.elapsed(), status };
        self.samples.lock().unwrap().push(sample);
    }

    /// What was heard since it was last taken. All connections end: the gateway ends those that are idle by itself, all those of one
    /// burst in one moment, which would be in the middle of what is measured next.
    fn taken(&self) -> Vec<Sample> {
        self.open.fetch_sub(std::mem::take(&mut *self.idle.lock().unwrap()).len(), Ordering::Relaxed);
        std::mem::take(&mut *self.samples.lock().unwrap())
    }

    /// So many at a time, each as soon as the one before is answered.
    pub(crate) async fn closed(&self, at_once: usize, lasts: Duration) -> Vec<Sample> {
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
        self.taken()
    }

    /// Opens all connections that there may be. They are used by turns, so what they take is the same however much is asked.
    pub(crate) async fn connect(&self) {
        let mut all = Vec::new();
        while let Some((socket, _)) = self.socket().await {
            all.push(socket);
        }
        self.idle.lock().unwrap().extend(all);
    }

    /// So many a second, whatever becomes of them. `look` is called all the while.
    pub(crate) async fn open(&self, a_second: f64, lasts: Duration, mut look: impl FnMut()) -> Vec<Sample> {
        let start = Instant::now();
        let gap = Duration::from_secs_f64(1.0 / a_second);
        let (mut asked, mut due) = (JoinSet::new(), start);
        while due < start + lasts {
            sleep_until(due).await;
            // The clock of the runtime ticks by milliseconds: all that is due by now.
            while due <= Instant::now() && due < start + lasts {
                asked.spawn(self.clone().one(start, due));
                due += gap;
            }
            while asked.try_join_next().is_some() {}
            look();
        }
        asked.join_all().await;
        self.taken()
    }
}
