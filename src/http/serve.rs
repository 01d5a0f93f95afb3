//! The accept loop. Our own, since `axum::serve` waits for a half-sent header for ever.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::{Lines, Readiness, Settings};

/// How long a connection may take to send a whole header.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long requests may go on after the drain began, beyond their own deadline.
const DRAIN_GRACE: Duration = Duration::from_secs(5);

/// Serves until `shutdown` is ready, then drains: `/readyz` says 503, after the configured delay no more connections are
/// taken, requests under way are answered for at most their deadline and 5 s, WebSockets and event streams are told that it
/// is over, and idle connections are closed at once.
///
/// # Cancellation
/// Dropping it cuts all connections.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: &Settings,
    lines: Lines,
    readiness: Readiness,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let accepting = async {
        let room = Arc::new(Semaphore::new(settings.max_connections));
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            let socket = accept(&listener).await;
            let connection = connection(socket, router.clone(), graceful.watcher());
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
    tracing::info!(connections.open = graceful.count(), lines.open = lines.count(), "draining");
    lines.stop();
    let drained = async { tokio::join!(graceful.shutdown(), lines.ended()) };
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

async fn connection(socket: TcpStream, router: Router, watcher: Watcher) {
    let _ = socket.set_nodelay(true);
    let asked = Arc::new(AtomicBool::new(false));
    let service = {
        let asked = Arc::clone(&asked);
        hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            router.clone().oneshot(request.map(Body::new))
        })
    };
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .keep_alive_interval(Duration::from_secs(20));
    let serving =
        watcher.watch(builder.serve_connection_with_upgrades(TokioIo::new(socket), service).into_owned());
    tokio::pin!(serving);
    // The time-out for headers starts only when it is known which HTTP is spoken, so a connection that says nothing at all
    // is cut here.
    tokio::select! {
        _ = &mut serving => return,
        () = tokio::time::sleep(HEADER_TIMEOUT) => {}
    }
    if asked.load(Ordering::Relaxed) {
        let _ = serving.await;
    }
}
