//! What is asked of a gateway that is soaked: at an even pace, of every kind, by clients of every kind.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::Digest;
use tokio::time::Instant;

use crate::harness::hostile::{Class, classes};

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Documents that are named by their hashes; orders that are given by keys.
const DOCUMENTS: u32 = 200;
const ORDERS: u32 = 300;
/// Ids and cursors that are asked for again.
const KEPT: usize = 200;
const EVENTS: &str = "subscription { events { type lead { id } } }";

/// What there is to ask, how it is asked, and what came of it.
pub(super) struct Load {
    address: String,
    gap: Duration,
    next: Mutex<Instant>,
    /// Nobody waits for a turn.
    pub(super) storm: AtomicBool,
    hostile: Vec<Class>,
    ids: Mutex<Vec<String>>,
    cursors: Mutex<Vec<String>>,
    /// How often each kind was answered by each status; 0: not at all.
    pub(super) answered: Mutex<BTreeMap<(&'static str, u16), u64>>,
}

impl Load {
    pub(super) fn new(address: &str, per_second: u32) -> Self {
        Self {
            address: address.to_owned(),
            gap: Duration::from_secs(1) / per_second,
            next: Mutex::new(Instant::now()),
            storm: AtomicBool::new(false),
            hostile: classes(),
            ids: Mutex::default(),
            cursors: Mutex::default(),
            answered: Mutex::default(),
        }
    }

    /// One client of many: asks whenever it is its turn. Turns that nobody was free for are not made up for.
    pub(super) fn ask_until(&self, end: Instant) {
        loop {
            let turn = {
                let mut next = self.next.lock().unwrap();
                let turn = (*next).max(Instant::now());
                if !self.storm.load(Ordering::Relaxed) {
                    *next = turn + self.gap;
                }
                turn
            };
            if turn >= end {
                return;
            }
            std::thread::sleep(turn.saturating_duration_since(Instant::now()));
            let (kind, status) = self.ask();
            *self.answered.lock().unwrap().entry((kind, status)).or_default() += 1;
        }
    }

    /// Asks something; answers what, and the status.
    fn ask(&self) -> (&'static str, u16) {
        match fastrand::u32(0..100) {
            0..40 => ("list", self.learn(&json!({ "query": list() }))),
            40..48 => ("walk", self.learn(&self.walk())),
            48..64 => ("record", self.learn(&self.record())),
            64..72 => ("write", self.learn(&self.write())),
            72..82 => ("document", self.document()),
            82..92 => {
                ("refused", status(&self.post(&self.hostile[fastrand::usize(..self.hostile.len())].body())))
            }
            92..95 => ("gone", self.leave()),
            95..96 => ("half", self.open(b"POST /graphql HTTP/1.1\r\nhost: lo", 100)),
            96..98 => ("stream", self.stream()),
            _ => ("socket", self.socket()),
        }
    }

    /// Keeps the ids and the cursor of an answer, for later.
    fn learn(&self, request: &Value) -> u16 {
        let reply = self.post(request.to_string().as_bytes());
        for (label, kept) in [("\"id\":\"", &self.ids), ("\"endCursor\":\"", &self.cursors)] {
            let mut kept = kept.lock().unwrap();
            for text in reply.split(label).skip(1).take(5).filter_map(|rest| rest.split('"').next()) {
                if kept.len() >= KEPT {
                    kept.swap_remove(fastrand::usize(..KEPT));
                }
                kept.push(text.to_owned());
            }
        }
        status(&reply)
    }

    fn walk(&self) -> Value {
        let after = some(&self.cursors);
        json!({
            "query": "query($after: String) { leads(first: 20, after: $after) { nodes { id status } pageInfo { endCursor } } }",
            "variables": { "after": after },
        })
    }

    fn record(&self) -> Value {
        let query = "query($id: ID!) { node(id: $id) { id
            ... on Lead { name conversation { id preview } interactions(first: 3) { nodes { id summary } } }
            ... on Conversation { preview transcript(last: 3) { text } } } }";
        json!({ "query": query, "variables": { "id": some(&self.ids).unwrap_or_default() } })
    }

    /// Some orders are given again by their keys, some by a key that is another's. None adds a note: leads that grow would have the
    /// gateway hold more, too.
    fn write(&self) -> Value {
        let number = fastrand::u32(..ORDERS);
        let status = if number.is_multiple_of(2) { "CONTACTED" } else { "NEW" };
        let mut input = json!({ "id": some(&self.ids).unwrap_or_default(), "status": status });
        if fastrand::bool() {
            input["idempotencyKey"] = format!("soak-{number}").into();
        }
        let query = "mutation($input: UpdateLeadInput!) { updateLead(input: $input) {
            outcome lead { id notes { text } } userErrors { code } } }";
        json!({ "query": query, "variables": { "input": input } })
    }

    /// Names a document by its hash, and shows it where it is not known.
    fn document(&self) -> u16 {
        let number = fastrand::u32(..DOCUMENTS);
        let document =
            format!("{{ leads(first: {}) {{ nodes {{ id name }} incomplete }} }}", number % 100 + 1);
        let document = format!("{document} # {number}");
        let hash = sha2::Sha256::digest(&document).iter().fold(String::new(), |mut hash, byte| {
            let _ = write!(hash, "{byte:02x}");
            hash
        });
        let mut request = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } });
        let reply = self.post(request.to_string().as_bytes());
        if !reply.contains("PERSISTED_QUERY_NOT_FOUND") {
            return status(&reply);
        }
        request["query"] = document.into();
        status(&self.post(request.to_string().as_bytes()))
    }

    /// Hangs up before the answer is there.
    fn leave(&self) -> u16 {
        self.open(&self.request("/graphql", json!({ "query": list() }).to_string().as_bytes()), 300)
    }

    fn stream(&self) -> u16 {
        let body = json!({ "query": EVENTS }).to_string();
        let request = String::from_utf8(self.request("/graphql/stream", body.as_bytes())).unwrap();
        self.open(request.replacen("\r\n", "\r\naccept: text/event-stream\r\n", 1).as_bytes(), 3_000)
    }

    fn socket(&self) -> u16 {
        let head = format!(
            "GET /graphql/ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: c29hazE2Ynl0ZXNsb25nIQ==\r\n\
             sec-websocket-protocol: graphql-transport-ws\r\n\r\n",
            self.address
        );
        let begin = json!({ "type": "connection_init" });
        let follow = json!({ "type": "subscribe", "id": "1", "payload": { "query": EVENTS } });
        let once = json!({ "type": "subscribe", "id": "2", "payload": { "query": "{ leads(first: 3) { nodes { id } } }" } });
        let frames = [begin, follow, once].map(|message| frame(&message.to_string()));
        self.open(&[head.as_bytes(), &frames.concat()].concat(), 3_000)
    }

    /// Sends something, listens for at most so many milliseconds, and cuts the line. The status, if there was an answer.
    fn open(&self, sent: &[u8], most: u64) -> u16 {
        let Ok(mut socket) = TcpStream::connect(&self.address) else { return 0 };
        let _ = socket.write_all(sent);
        let end = Instant::now() + Duration::from_millis(fastrand::u64(1..=most));
        status(&read(&mut socket, end))
    }

    fn post(&self, body: &[u8]) -> String {
        let Ok(mut socket) = TcpStream::connect(&self.address) else { return String::new() };
        // What is refused before it was read whole is answered all the same.
        let _ = socket.write_all(&self.request("/graphql", body));
        read(&mut socket, Instant::now() + PATIENCE)
    }

    fn request(&self, path: &str, body: &[u8]) -> Vec<u8> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        [head.as_bytes(), body].concat()
    }
}

/// All that comes until the end of it, of the line, or of patience.
fn read(socket: &mut TcpStream, end: Instant) -> String {
    let (mut reply, mut part) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let _ = socket.set_read_timeout(Some(left));
        match socket.read(&mut part) {
            Ok(length) if length > 0 => reply.extend_from_slice(&part[..length]),
            _ => return String::from_utf8_lossy(&reply).into_owned(),
        }
    }
}

fn status(reply: &str) -> u16 {
    reply.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// A client's frame with a text, under a mask that changes nothing.
fn frame(text: &str) -> Vec<u8> {
    let length = match u8::try_from(text.len()) {
        Ok(length) if length < 126 => vec![0x80 | length],
        _ => [&[0x80 | 126][..], &u16::try_from(text.len()).unwrap().to_be_bytes()].concat(),
    };
    [&[0x81][..], &length, &[0; 4], text.as_bytes()].concat()
}

fn some(kept: &Mutex<Vec<String>>) -> Option<String> {
    fastrand::choice(kept.lock().unwrap().iter()).cloned()
}

/// A query that differs nearly each time, so that what is held fills.
fn list() -> String {
    let first = fastrand::u32(1..=50);
    let day = fastrand::u32(1..=28);
    match fastrand::u32(0..5) {
        0 => format!(
            "{{ leads(first: {first}) {{ nodes {{ id name email raw }} pageInfo {{ endCursor }} }} }}"
        ),
        1 => format!(
            "{{ leads(first: {first}, filter: {{ createdAt: {{ from: \"2026-01-{day:02}T00:00:00Z\" }} }}) {{ nodes {{ id }} }} }}"
        ),
        2 => format!("{{ conversations(first: {first}) {{ nodes {{ id transcript {{ text }} }} }} }}"),
        3 => format!("{{ interactions(first: {}) {{ nodes {{ id summary }} incomplete }} }}", first % 5 + 1),
        _ => format!(
            "{{ leads(first: {first}, filter: {{ text: \"x{day}{first}\" }}) {{ nodes {{ id }} incomplete }} }}"
        ),
    }
}
