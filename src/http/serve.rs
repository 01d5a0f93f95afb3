//! The accept loop. Our own, since `axum::serve` waits for a half-sent header for ever. HTTP/1.1 alone: clients come through a
//! proxy that speaks TLS, which may offer them whatever it likes, and what floods HTTP/2 has does not reach here.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use http::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;

use super::{Lines, Readiness, Settings, bounds};

/// How long a connection may take to send a whole head, counted from its beginning or from the answer before: an idle
/// connection is closed then, too.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take nothing of its answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests may go on after the drain began, beyond their own deadline.
const DRAIN_GRACE: Duration = Duration::from_secs(5);

/// Serves what `answer` gives to each request, until `shutdown` is ready, then drains: `/readyz` says 503, after the configured delay no more connections are
/// taken, requests under way are answered for at most their deadline and 5 s, WebSockets and event streams are told that it
/// is over, and idle connections are closed at once.
///
/// # Cancellation
/// Dropping it cuts all connections.
pub async fn serve<F>(
    listener: TcpListener,
    answer: impl Fn(Request) -> F + Clone + Send + Sync + 'static,
    settings: &Settings,
    lines: Lines,
    readiness: Readiness,
    shutdown: impl Future<Output = ()>,
) where
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    let (stopping, watching) = watch::channel(false);
    let mut connections = JoinSet::new();
    let accepting = async {
        let room = Arc::new(Semaphore::new(settings.max_connections));
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            let socket = accept(&listener).await;
            let connection = connection(socket, answer.clone(), watching.clone());
            connections.spawn(async move {
                connection.await;
                drop(place);
            });
            while connections.try_join_next().is_some() {}
        }
    };
    let stop = async {
        shutdown.await;
        readiness.end();
        tokio::time::sleep(settings.shutdown_delay).await;
    };
    tokio::select! {
        () = accepting => {}
        () = stop => {}
    }
    drop(listener);
    tracing::info!(connections.open = connections.len(), lines.open = lines.count(), "draining");
    let _ = stopping.send(true);
    lines.stop();
    let closed = async { while connections.join_next().await.is_some() {} };
    let drained = async { tokio::join!(closed, lines.ended()) };
    if tokio::time::timeout(settings.request_timeout + DRAIN_GRACE, drained).await.is_err() {
        tracing::warn!("requests were cut: they did not end in time");
    }
    // Whatever is left ends with the set of connections, here.
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => return socket,
            // Out of file descriptors, or the peer has gone already. Waiting a little lets connections end.
            Err(error) => {
                tracing::warn!(error = %error.kind(), "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Serves one connection until it ends, or until `stopping` and the end of the request under way.
async fn connection<F>(socket: TcpStream, answer: impl Fn(Request) -> F, mut stopping: watch::Receiver<bool>)
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    let _ = socket.set_nodelay(true);
    let mut socket = TimeoutStream::new(socket);
    // Reading is timed by what is read (a head, a body); writing only by whether the client takes anything.
    socket.set_write_timeout(Some(WRITE_TIMEOUT));
    let asked = Arc::new(AtomicBool::new(false));
    let service = {
        let asked = Arc::clone(&asked);
        hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            answer(request.map(Body::new))
        })
    };
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(bounds::HEAD_BYTES)
        .serve_connection(TokioIo::new(Box::pin(socket)), service)
        .with_upgrades();
    tokio::pin!(serving);
    tokio::select! {
        _ = &mut serving => return,
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    // One that has not asked anything yet would be waited for until it does.
    if asked.load(Ordering::Relaxed) {
        serving.as_mut().graceful_shutdown();
        let _ = serving.await;
    }
}
