//! The bottom over real sockets: what a hostile or broken vendor can send, and what must never leave.

mod bodies;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use axum::routing::any;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use super::script::read;
use crate::upstream::call::{Call, CallMeter, Path, Reply};
use crate::upstream::client::Client;
use crate::upstream::dialect::{Dialect, Verdict};
use crate::upstream::failure::{Kind, UpstreamError};
use crate::upstream::http::Http;
use crate::upstream::policy::Policy;

const CANARY: &str = "canary-key-81c2";

struct Keyed;

impl Dialect for Keyed {
    fn authorize(&self, headers: &mut HeaderMap) {
        headers.insert("x-api-key", HeaderValue::from_static(CANARY));
    }
}

/// A server that gives every call the same answer, and what it was asked.
struct Server {
    base: Url,
    asked: Arc<Mutex<Vec<(Uri, HeaderMap)>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listener() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/api", listener.local_addr().unwrap());
    (listener, base.parse().unwrap())
}

impl Server {
    async fn answering(answer: impl Fn() -> Response<Body> + Clone + Send + Sync + 'static) -> Self {
        let (listener, base) = listener().await;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&asked);
        let router = Router::new().fallback(any(move |uri: Uri, headers: HeaderMap| {
            book.lock().unwrap().push((uri, headers));
            let answer = answer();
            async move { answer }
        }));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, asked, task }
    }

    /// Raw bytes, then the connection is closed.
    async fn raw(bytes: &'static [u8]) -> Self {
        let (listener, base) = listener().await;
        let task = tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let _ = socket.read(&mut [0; 4096]).await;
                let _ = socket.write_all(bytes).await;
            }
        });
        Self { base, asked: Arc::default(), task }
    }

    fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    async fn ask(&self, call: &Call) -> Result<Reply, UpstreamError> {
        open(&self.base).send(call).await
    }

    async fn kind(&self) -> (Kind, Option<u16>) {
        let error = self.ask(&read(5_000)).await.unwrap_err();
        (error.kind, error.status.map(|status| status.as_u16()))
    }
}

fn policy() -> Policy {
    Policy {
        attempt_timeout: Duration::from_secs(4),
        max_body_bytes: 64 * 1024,
        max_attempts: 1,
        ..Policy::default()
    }
}

fn open(base: &Url) -> Client {
    Client::new("acme", base, Keyed, policy()).unwrap()
}

fn answer(status: u16, kind: &str, body: impl Into<Body>) -> Response<Body> {
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, kind);
    response.body(body.into()).unwrap()
}

fn json(body: impl Into<Body>) -> Response<Body> {
    answer(200, "application/json", body)
}

#[tokio::test]
async fn a_call_arrives_as_it_was_meant() {
    let server = Server::answering(|| {
        let mut response = answer(202, "application/json", "{\"data\":[]}");
        response.headers_mut().insert("x-ratelimit-remaining", HeaderValue::from_static("41"));
        response
    })
    .await;
    let mut call = read(5_000);
    call.path = Path::new(&["leads"]).id("leads.get", "l~1.x").unwrap().then(&["calls"]);
    call.query = vec![("since", "2026-05-11T09:14:03Z".to_owned()), ("q", "a&b=c d".to_owned())];
    let count = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&count);
    call.meter = CallMeter::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let reply = server.ask(&call).await.unwrap();
    assert_eq!((reply.status, &*reply.body), (StatusCode::ACCEPTED, &b"{\"data\":[]}"[..]));
    assert_eq!(reply.quota.unwrap().remaining, 41);
    assert_eq!(count.load(Ordering::Relaxed), 1);
    let (uri, headers) = server.asked.lock().unwrap()[0].clone();
    assert_eq!(uri.to_string(), "/api/leads/l~1.x/calls?since=2026-05-11T09%3A14%3A03Z&q=a%26b%3Dc+d");
    assert_eq!(headers["x-api-key"], CANARY);
    assert_eq!(headers[header::ACCEPT], "application/json");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_key_stays_home() {
    let elsewhere = Server::answering(|| json("{}")).await;
    let location = HeaderValue::from_str(elsewhere.base.as_str()).unwrap();
    for status in [301, 302, 303, 307, 308] {
        let location = location.clone();
        let server = Server::answering(move || {
            let mut response = answer(status, "application/json", "{}");
            response.headers_mut().insert(header::LOCATION, location.clone());
            response
        })
        .await;
        assert_eq!(server.kind().await, (Kind::Protocol, Some(status)));
        assert_eq!(server.calls(), 1);
    }
    assert_eq!(elsewhere.calls(), 0);
}

#[tokio::test]
async fn hostile_ids_are_refused_before_any_call() {
    for id in [
        "",
        ".",
        "..",
        "...",
        "../admin",
        "..%2fadmin",
        "%2e%2e",
        "a/b",
        "a\\b",
        "a?b",
        "a#b",
        "ä",
        "a b",
        "a\r\nb",
        "@",
    ] {
        let refused = Path::new(&["leads"]).id("leads.get", id).unwrap_err();
        assert_eq!((refused.kind, refused.op), (Kind::Refused, "leads.get"), "{id:?}");
    }
    assert!(Path::default().id("leads.get", &"a".repeat(129)).is_err());
    assert!(Path::default().id("leads.get", &"a".repeat(128)).is_ok());
}

proptest::proptest! {
    #[test]
    fn an_id_that_is_let_in_is_one_segment_of_the_url_and_nothing_else(id in "[a-zA-Z0-9_~.%/\\\\-]{0,8}") {
        if let Ok(path) = Path::new(&["leads"]).id("leads.get", &id) {
            let mut url: Url = "https://api.example/api".parse().unwrap();
            url.path_segments_mut().unwrap().extend(path.segments());
            proptest::prop_assert_eq!(url.as_str(), format!("https://api.example/api/leads/{id}"));
        }
    }
}

#[tokio::test]
async fn only_https_or_loopback_without_extras_may_be_called() {
    let opened = |base: &str| Client::new("acme", &base.parse().unwrap(), Keyed, policy()).map(|_| ());
    for base in ["http://127.0.0.1:1/", "http://127.8.8.8", "http://[::1]:1/api", "http://localhost:1"] {
        assert!(opened(base).is_ok(), "{base}");
    }
    // Where no certificates are installed it is a good address all the same, but cannot be reached.
    assert_ne!(opened("https://api.example").map_err(|error| error.kind), Err(Kind::Refused));
    for base in [
        "http://api.example",
        "http://10.0.0.1",
        "http://localhost.example",
        "ftp://127.0.0.1",
        "https://user@api.example",
        "https://:secret@api.example",
        "https://api.example/?key=1",
        "https://api.example/#x",
        "data:text/plain,x",
    ] {
        let refused = opened(base).unwrap_err();
        assert_eq!(refused.kind, Kind::Refused, "{base}");
        assert!(!format!("{refused} {refused:?}").contains("secret"));
    }
}

#[tokio::test]
async fn an_address_that_speaks_no_tls_is_unreachable() {
    let server = Server::raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    let base = server.base.as_str().replace("http://", "https://").parse().unwrap();
    let error = match Client::new("acme", &base, Keyed, policy()) {
        Ok(client) => client.send(&read(5_000)).await.unwrap_err(),
        // A machine without certificates finds out earlier.
        Err(error) => error,
    };
    assert_eq!((error.kind, error.status), (Kind::Unreachable, None));
}

#[tokio::test]
async fn nobody_at_the_address_is_unreachable_and_the_error_tells_no_url() {
    let (listener, base) = listener().await;
    drop(listener);
    let mut call = read(5_000);
    call.query = vec![("search", "jane@example.net".to_owned())];
    let error = open(&base).send(&call).await.unwrap_err();
    assert_eq!((error.kind, error.status), (Kind::Unreachable, None));
    let mut told = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        told += &format!(" {inner} {inner:?}");
        cause = inner.source();
    }
    for secret in ["jane", "search", "/api", CANARY] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

#[tokio::test]
async fn a_429_says_when_in_either_form_or_by_the_reset() {
    for (name, value) in [("retry-after", "7"), ("x-ratelimit-reset", "7")] {
        let server = Server::answering(move || {
            let mut response = answer(429, "application/json", "{}");
            response.headers_mut().insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
            response.headers_mut().insert(name, HeaderValue::from_static(value));
            response
        })
        .await;
        let client = open(&server.base);
        let error = client.send(&read(5_000)).await.unwrap_err();
        assert_eq!(
            (error.kind, error.retry_after),
            (Kind::RateLimited, Some(Duration::from_secs(7))),
            "{name}"
        );
        assert_eq!(client.send(&read(5_000)).await.unwrap_err().kind, Kind::RateLimited);
        assert_eq!(server.calls(), 1);
    }
}

#[tokio::test]
async fn neither_key_nor_query_nor_body_is_logged_or_shown() {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let server = Server::answering(|| json("{\"name\":\"Jane Roe\"}")).await;
    let client = open(&server.base);
    let mut call = read(5_000);
    call.query = vec![("search", "jane@example.net".to_owned())];
    call.body = Some(Bytes::from_static(b"{\"notes\":\"Jane\"}"));
    let reply = client.send(&call).await.unwrap();
    let (listener, nobody) = listener().await;
    drop(listener);
    let error = open(&nobody).send(&call).await.unwrap_err();

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<_> = text.lines().filter(|line| line.contains("vendor call ended")).collect();
    assert_eq!(ours.len(), 2, "{text}");
    for field in ["source=\"acme\"", "op=\"leads.list\"", "attempts=1", "status=200", "elapsed_ms="] {
        assert!(ours[0].contains(field), "{field} in {}", ours[0]);
    }
    assert!(ours[1].contains("failure=Unreachable") && !ours[1].contains("status="), "{}", ours[1]);
    let shown = format!("{text} {call:?} {reply:?} {error:?}").to_lowercase();
    for secret in ["jane", "/api", CANARY] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

/// The demo must run where no certificates are installed. The environment of this process cannot be changed, so one of the
/// tests above runs again in a child.
#[test]
fn loopback_works_on_a_machine_without_certificates() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "upstream::tests::http::a_call_arrives_as_it_was_meant"])
        .env("SSL_CERT_FILE", "/nowhere")
        .env("SSL_CERT_DIR", "/nowhere")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

/// A dialect that knows a limit when it sees one, but not what the headers say of it.
struct Terse;

impl Dialect for Terse {
    fn authorize(&self, headers: &mut HeaderMap) {
        Keyed.authorize(headers);
    }

    fn classify(&self, _: &Call, _: StatusCode, _: &HeaderMap, _: &[u8]) -> Verdict {
        Verdict::Reject { kind: Kind::RateLimited, retry_after: None }
    }
}

#[tokio::test]
async fn headers_are_read_for_a_dialect_that_does_not() {
    let server = Server::answering(|| {
        let mut response = json("{\"success\":false}");
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("9"));
        response
    })
    .await;
    let client = Client::new("acme", &server.base, Terse, policy()).unwrap();
    let error = client.send(&read(5_000)).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after), (Kind::RateLimited, Some(Duration::from_secs(9))));
}

#[tokio::test]
async fn the_key_is_marked_whatever_the_dialect_forgot() {
    let base = "http://127.0.0.1:1".parse().unwrap();
    let http = Http::new(&base, Arc::new(Terse), &policy()).unwrap();
    let shown = format!("{:?}", http.request(&read(5_000)));
    assert!(shown.contains("\"x-api-key\": Sensitive") && !shown.contains(CANARY), "{shown}");
}
