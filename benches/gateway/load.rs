//! The load: so many connections, each of which asks, waits for the answer, and asks again. Requests are bytes and answers are
//! looked at as little as it takes, so that the load costs little beside what it measures.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::figures::Figures;
use crate::process::Server;

/// What is asked, and what a right answer to it is.
pub(crate) trait Asker {
    /// Writes the body of request `number`. No number comes twice in a process.
    fn body(&self, number: u64, into: &mut Vec<u8>);

    /// Whether an answer is right.
    fn is_right(&self, answer: &Value) -> bool;
}

/// Each so many answers of a connection, the first among them, are read as JSON and looked at; of the others the status tells.
const LOOKED_AT: u64 = 100;

/// A connection that is kept.
pub(crate) struct Line {
    socket: TcpStream,
    /// A request's head, up to the length of its body.
    start: Vec<u8>,
    head: Vec<u8>,
    read: Vec<u8>,
}

impl Line {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let start = format!(
            "POST /graphql HTTP/1.1\r\nhost: {address}\r\naccept: application/graphql-response+json\r\n\
             content-type: application/json\r\ncontent-length: "
        );
        Self { socket, start: start.into_bytes(), head: Vec::new(), read: Vec::with_capacity(64 << 10) }
    }

    /// Sends a body and answers what came back: the body of the answer.
    pub(crate) async fn ask(&mut self, body: &[u8]) -> &[u8] {
        self.head.clear();
        self.head.extend_from_slice(&self.start);
        self.head.extend_from_slice(body.len().to_string().as_bytes());
        self.head.extend_from_slice(b"\r\n\r\n");
        self.head.extend_from_slice(body);
        self.socket.write_all(&self.head).await.unwrap();
        self.read.clear();
        let (begin, end) = loop {
            if self.socket.read_buf(&mut self.read).await.unwrap() == 0 {
                panic!("the server hung up");
            }
            if let Some(found) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break (found + 4, found + 4 + length(&self.read[..found]));
            }
        };
        while self.read.len() < end {
            if self.socket.read_buf(&mut self.read).await.unwrap() == 0 {
                panic!("the server hung up within an answer");
            }
        }
        &self.read[begin..end]
    }
}

/// The length of the body that a head announces. What has an error has another status than 200.
fn length(head: &[u8]) -> usize {
    let head = str::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let mut fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.unwrap().1.trim().parse().unwrap()
}

/// Asks a server over so many connections for a while, after a short run that counts for nothing. Numbers of requests begin
/// at `from`.
pub(crate) async fn press(
    server: &Server,
    asker: &(impl Asker + Clone + 'static),
    connections: u64,
    time: Duration,
    from: u64,
) -> Figures {
    let warm_up = time.div_f64(8.0).min(Duration::from_millis(250));
    let before = run(server, asker, connections, warm_up, from).await;
    let figures = run(server, asker, connections, time, from + (1 << 24)).await;
    Figures { asked: before.asked + figures.asked, ..figures }
}

async fn run(
    server: &Server,
    asker: &(impl Asker + Clone + 'static),
    connections: u64,
    time: Duration,
    from: u64,
) -> Figures {
    let mut lines = Vec::new();
    for _ in 0..connections {
        lines.push(Line::open(server.address).await);
    }
    server.forget_peak();
    let (cpu, start) = (server.cpu(), Instant::now());
    let local = tokio::task::LocalSet::new();
    let tasks: Vec<_> = (from..)
        .zip(lines)
        .map(|(first, mut line)| {
            let asker = asker.clone();
            local.spawn_local(async move {
                let (mut waits, mut body, mut asked) = (Vec::with_capacity(1 << 14), Vec::new(), 0);
                while start.elapsed() < time {
                    body.clear();
                    asker.body(first + asked * connections, &mut body);
                    let sent = Instant::now();
                    let answer = line.ask(&body).await;
                    waits.push(sent.elapsed());
                    if asked % LOOKED_AT == 0 {
                        look_at(&asker, answer);
                    }
                    asked += 1;
                }
                waits
            })
        })
        .collect();
    let waits = local
        .run_until(async {
            let mut all = Vec::new();
            for task in tasks {
                all.extend(task.await.unwrap());
            }
            all
        })
        .await;
    Figures::of(waits, start.elapsed(), server.cpu() - cpu, server.peak())
}

/// Ends the bench if an answer is not right: what is quick and wrong is worth nothing.
pub(crate) fn look_at(asker: &impl Asker, answer: &[u8]) {
    let read: Value = serde_json::from_slice(answer).unwrap_or_default();
    if !asker.is_right(&read) {
        panic!("a wrong answer: {}", String::from_utf8_lossy(&answer[..answer.len().min(2_000)]));
    }
}
