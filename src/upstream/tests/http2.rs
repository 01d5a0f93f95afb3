//! HTTP/2 over real sockets: vendors that allow few streams to a connection, and connections that end while calls are under way.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use url::Url;

use super::script::{read, roomy, write};
use crate::upstream::call::Call;
use crate::upstream::client::Client;
use crate::upstream::dialect::Dialect;
use crate::upstream::failure::Kind;
use crate::upstream::http::Http;
use crate::upstream::policy::Policy;

struct Plain;

impl Dialect for Plain {
    fn authorize(&self, _: &mut HeaderMap) {}
}

/// How the first connection ends; those after it stay.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Never,
    /// GOAWAY: what is under way is answered, nothing more is taken.
    Politely,
    /// It breaks, and what was under way is not answered.
    Broken,
}

/// A vendor that speaks HTTP/2, and what it was asked.
struct Vendor {
    base: Url,
    asked: Arc<Mutex<Vec<Method>>>,
    task: JoinHandle<()>,
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Vendor {
    /// Allows so many streams at a time. Its first connection ends once it has been asked three times.
    async fn start(streams: u32, end: End) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/api", listener.local_addr().unwrap()).parse().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            for number in 0.. {
                let (socket, _) = listener.accept().await.unwrap();
                let end = if number == 0 { end } else { End::Never };
                connections.spawn(connection(socket, streams, end, Arc::clone(&book)));
            }
        });
        Self { base, asked, task }
    }

    fn asked(&self, method: &Method) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == method).count()
    }

    fn client(&self, policy: &Policy) -> Client {
        let http = Http::new_http2(&self.base, Arc::new(Plain), policy).unwrap();
        Client::over(http, "acme", policy)
    }
}

async fn connection(socket: TcpStream, streams: u32, end: End, asked: Arc<Mutex<Vec<Method>>>) {
    let enough = Arc::new(Notify::new());
    let bell = Arc::clone(&enough);
    let answer = service_fn(move |request: Request<Incoming>| {
        let mut asked = asked.lock().unwrap();
        asked.push(request.method().clone());
        if asked.len() == 3 {
            bell.notify_one();
        }
        async move {
            sleep(Duration::from_millis(if end == End::Broken { 60_000 } else { 20 })).await;
            let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok::<_, Infallible>(response)
        }
    });
    let mut server = http2::Builder::new(TokioExecutor::new());
    let serving = server.max_concurrent_streams(streams).serve_connection(TokioIo::new(socket), answer);
    tokio::pin!(serving);
    if end != End::Never {
        tokio::select! {
            _ = &mut serving => return,
            () = enough.notified() => {}
        }
        if end == End::Broken {
            return;
        }
        serving.as_mut().graceful_shutdown();
    }
    let _ = serving.await;
}

/// All calls at once; what became of each. Fails where they hang.
async fn all(client: &Client, calls: impl Iterator<Item = Call>) -> Vec<Option<Kind>> {
    let mut running = JoinSet::new();
    for call in calls {
        let client = client.clone();
        running.spawn(async move { client.send(&call).await.err().map(|error| error.kind) });
    }
    timeout(Duration::from_secs(30), running.join_all()).await.expect("calls are stuck")
}

#[tokio::test]
async fn a_hundred_calls_all_end_over_one_stream_and_over_four() {
    for streams in [1, 4] {
        let vendor = Vendor::start(streams, End::Never).await;
        let client = vendor.client(&Policy { concurrency: 8, queue: 100, ..roomy() });
        let outcomes = all(&client, (0..100).map(|_| read(25_000))).await;
        assert_eq!(outcomes, [None; 100], "{streams} streams");
        assert_eq!(vendor.asked(&Method::GET), 100, "{streams} streams");
    }
}

#[tokio::test]
async fn a_connection_that_is_ended_politely_costs_no_call() {
    let vendor = Vendor::start(100, End::Politely).await;
    let client = vendor.client(&Policy { concurrency: 4, ..roomy() });
    let calls = (0..30).map(|number| if number == 2 { write(25_000) } else { read(25_000) });
    let outcomes = all(&client, calls).await;
    let failed = outcomes.iter().flatten().count();
    // A write may have met the end, and is not sent again. Reads are.
    assert!(failed <= 1, "{outcomes:?}");
    assert!(vendor.asked(&Method::PATCH) <= 1);
    assert!(vendor.asked(&Method::GET) >= 29);
}

#[tokio::test]
async fn a_connection_that_breaks_is_recovered_from_by_reads_and_told_of_by_writes() {
    let vendor = Vendor::start(100, End::Broken).await;
    // Fewer at a time than trip the breaker.
    let client = vendor.client(&Policy { concurrency: 3, ..roomy() });
    let calls = (0..20).map(|number| if number == 1 { write(25_000) } else { read(25_000) });
    let outcomes = all(&client, calls).await;
    let mut failed: Vec<_> = outcomes.iter().flatten().collect();
    failed.dedup();
    assert_eq!((failed, outcomes.iter().flatten().count()), (vec![&Kind::Unreachable], 1), "{outcomes:?}");
    assert_eq!(vendor.asked(&Method::PATCH), 1);
    assert_eq!(vendor.asked(&Method::GET), 19 + 2, "two were under way as it broke");
}
