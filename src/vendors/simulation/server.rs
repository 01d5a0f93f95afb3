//! The server around a vendor's simulator: sockets, faults, ledger.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use super::control;
use super::faults::{Fault, Faults};
use super::ledger::{Entry, Ledger};
use super::{Simulated, Stage, Switches, World};
use crate::vendors;

/// One simulated vendor, serving. Stops when dropped.
#[expect(missing_debug_implementations, reason = "holds trait objects")]
pub struct Simulator {
    /// Where it listens.
    pub address: SocketAddr,
    /// What goes wrong.
    pub faults: Arc<Faults>,
    /// What it was asked.
    pub ledger: Arc<Ledger>,
    /// How it differs from the vendor's usual ways.
    pub switches: Switches,
    /// What it knows.
    pub vendor: Arc<dyn Simulated>,
    task: JoinHandle<()>,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Simulator {
    /// Starts to serve `entry`'s simulator on a listener.
    ///
    /// # Errors
    /// If the listener has no address.
    pub fn start(entry: &vendors::Entry, world: Arc<World>, listener: TcpListener) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let switches = Switches::default();
        let faults = Arc::new(Faults::new(world.spec().seed));
        let ledger = Arc::new(Ledger::default());
        let dice = fastrand::Rng::with_seed(world.spec().seed);
        let vendor = (entry.simulate)(Stage { world, switches: switches.clone() });
        let desk = control::Desk {
            faults: Arc::clone(&faults),
            ledger: Arc::clone(&ledger),
            switches: switches.clone(),
            vendor: Arc::clone(&vendor),
            dice: Arc::new(Mutex::new(dice)),
        };
        let router = vendor.router().nest("/_sim", control::router(desk));
        let gate = Gate { router, faults: Arc::clone(&faults), ledger: Arc::clone(&ledger) };
        let task = tokio::spawn(accept(listener, gate));
        Ok(Self { address, faults, ledger, switches, vendor, task })
    }

    /// Its address as a base URL, with the path under which the vendor serves.
    #[must_use]
    pub fn base_url(&self, entry: &vendors::Entry) -> String {
        let path = entry.base_url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        let path = path.map_or(String::new(), |(_, path)| format!("/{path}"));
        format!("http://{}{path}", self.address)
    }
}

#[derive(Clone)]
struct Gate {
    router: axum::Router,
    faults: Arc<Faults>,
    ledger: Arc<Ledger>,
}

/// The connection is to be cut.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut by a fault")
    }
}
impl std::error::Error for Cut {}

async fn accept(listener: TcpListener, gate: Gate) {
    // Connections live in this set, so that they end with the simulator.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { continue };
                let _ = socket.set_nodelay(true);
                let gate = gate.clone();
                let service = hyper::service::service_fn(move |request| {
                    let gate = gate.clone();
                    async move { gate.answer(request).await }
                });
                connections.spawn(async move {
                    let builder = auto::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(socket), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Gate {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
        let path = request.uri().path().to_owned();
        if path.starts_with("/_sim") {
            return Ok(self.route(request).await);
        }
        let (method, query) =
            (request.method().to_string(), request.uri().query().unwrap_or_default().to_owned());
        let struck = self.faults.strike(&method, &path);
        let at = self.ledger.since_start();
        let number = self.ledger.record(Entry { at, method, path, query, authorized: false, status: 0 });
        let outcome = match struck {
            None => Ok(self.route(request).await),
            Some((fault, true, roll)) => {
                let done = self.route(request).await;
                strike(fault, roll, std::future::ready(done)).await
            }
            Some((fault, false, roll)) => strike(fault, roll, self.route(request)).await,
        };
        if let Ok(response) = &outcome {
            self.ledger.answered(number, response.status().as_u16());
        }
        outcome
    }

    async fn route(&self, request: Request<Incoming>) -> Response<Body> {
        let answer: Result<_, Infallible> = self.router.clone().oneshot(request.map(Body::new)).await;
        match answer {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// What comes of a fault; `answer` is what would come without it.
async fn strike(
    fault: Fault,
    roll: u64,
    answer: impl Future<Output = Response<Body>>,
) -> Result<Response<Body>, Cut> {
    match fault {
        Fault::Reset => Err(Cut),
        Fault::Hang => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            Err(Cut)
        }
        Fault::Delay { ms } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(answer.await)
        }
        Fault::Jitter { from_ms, to_ms } => {
            let width = to_ms.saturating_sub(from_ms) + 1;
            tokio::time::sleep(Duration::from_millis(from_ms + roll % width)).await;
            Ok(answer.await)
        }
        Fault::Status { status, retry_after } => {
            let mut response = html(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY));
            if let Some(value) = retry_after.and_then(|text| HeaderValue::from_str(&text).ok()) {
                response.headers_mut().insert(header::RETRY_AFTER, value);
            }
            Ok(response)
        }
        Fault::Truncate => {
            let whole = whole(answer.await).await;
            let half = whole.slice(..whole.len() / 2);
            let parts = stream::iter([Ok(half), Err(Cut)]);
            Ok(json(Body::from_stream(parts), Some(whole.len())))
        }
        Fault::Html => Ok(html(StatusCode::OK)),
        Fault::WrongJson => Ok(json(Body::from(r#"{"unexpected":["shape"]}"#), None)),
        Fault::Drip { ms } => {
            let whole = whole(answer.await).await;
            let bytes = stream::iter((0..whole.len()).map(move |at| whole.slice(at..=at)));
            let drip = bytes.then(move |byte| async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                Ok::<_, Cut>(byte)
            });
            Ok(json(Body::from_stream(drip), None))
        }
        Fault::Huge { bytes } => Ok(json(Body::from_stream(spaces(bytes)), None)),
        Fault::GzipBomb { bytes } => {
            let mut response = json(Body::from(gzip_of_spaces(bytes)), None);
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            Ok(response)
        }
        Fault::Redirect { location } => {
            let mut response = html(StatusCode::TEMPORARY_REDIRECT);
            if let Ok(value) = HeaderValue::from_str(&location) {
                response.headers_mut().insert(header::LOCATION, value);
            }
            Ok(response)
        }
    }
}

fn html(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from("<!doctype html><title>Something went wrong</title>"));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

fn json(body: Body, length: Option<usize>) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(length) = length {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

async fn whole(response: Response<Body>) -> Bytes {
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default()
}

fn spaces(bytes: u64) -> impl futures_util::Stream<Item = Result<Bytes, Cut>> {
    const CHUNK: usize = 64 * 1024;
    let chunk = Bytes::from(vec![b' '; CHUNK]);
    let chunks = bytes.div_ceil(CHUNK as u64);
    stream::iter((0..chunks).map(move |_| Ok(chunk.clone())))
}

/// A gzip body of `bytes` spaces, made by hand of stored-length blocks is not small: this one is compressed.
fn gzip_of_spaces(bytes: u64) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let chunk = vec![b' '; 64 * 1024];
    let mut left = bytes;
    while left > 0 {
        let now = left.min(chunk.len() as u64);
        let Ok(size) = usize::try_from(now) else { break };
        if encoder.write_all(&chunk[..size]).is_err() {
            break;
        }
        left -= now;
    }
    encoder.finish().unwrap_or_default()
}
