//! The limits: what a server costs that does nothing but what every one must do. Each is this program, started in a role.
//!
//! *bytes* answers from memory. *pass-through* makes upstream calls and answers with their bodies, one behind the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{post, put};
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use bytes::{Bytes, BytesMut};
use futures_util::future::join_all;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::process::Server;

/// An upstream call that *pass-through* makes.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Upstream {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// What a limit was told to do.
#[derive(Clone)]
struct Told {
    /// The answers, each in its turn.
    answers: Arc<ArcSwap<Vec<Bytes>>>,
    turn: Arc<AtomicUsize>,
    /// Calls in rows: rows are made side by side, the calls of a row one after the other.
    calls: Arc<ArcSwap<Vec<Vec<Upstream>>>>,
    client: reqwest::Client,
}

/// Serves in a role until the process ends.
pub(crate) fn serve(role: &str) {
    let graphql = match role {
        "bytes" => post(bytes),
        "pass-through" => post(pass_through),
        other => panic!("there is no role {other}"),
    };
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build().unwrap();
    let told = Told { answers: Arc::default(), turn: Arc::default(), calls: Arc::default(), client };
    let router = Router::new()
        .route("/graphql", graphql)
        .route("/answers", put(set_answers))
        .route("/calls", put(set_calls))
        .layer(DefaultBodyLimit::disable())
        .with_state(told);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        eprintln!("{}", listener.local_addr().unwrap());
        let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
        axum::serve(listener, router).await.unwrap();
    });
}

async fn set_answers(State(told): State<Told>, Json(answers): Json<Vec<String>>) {
    told.answers.store(Arc::new(answers.into_iter().map(Bytes::from).collect()));
}

async fn set_calls(State(told): State<Told>, Json(calls): Json<Vec<Vec<Upstream>>>) {
    told.calls.store(Arc::new(calls));
}

/// Takes the request and answers from memory.
async fn bytes(State(told): State<Told>, _request: Bytes) -> Response {
    let answers = told.answers.load();
    let turn = told.turn.fetch_add(1, Ordering::Relaxed);
    json(answers[turn % answers.len()].clone())
}

/// Takes the request, makes the calls, and answers with all that came.
async fn pass_through(State(told): State<Told>, _request: Bytes) -> Response {
    let calls = told.calls.load_full();
    let row = async |row: &Vec<Upstream>| {
        let mut bodies = Vec::with_capacity(row.len());
        for call in row {
            let asked = call
                .headers
                .iter()
                .fold(told.client.get(&call.url), |asked, (name, value)| asked.header(name, value));
            bodies.push(asked.send().await.unwrap().error_for_status().unwrap().bytes().await.unwrap());
        }
        bodies
    };
    let rows = join_all(calls.iter().map(row)).await;
    let mut all = BytesMut::from(&b"["[..]);
    for (at, body) in rows.iter().flatten().enumerate() {
        all.extend_from_slice(if at == 0 { b"" } else { b"," });
        all.extend_from_slice(body);
    }
    all.extend_from_slice(b"]");
    json(all.freeze())
}

fn json(body: Bytes) -> Response {
    let kind = HeaderValue::from_static("application/graphql-response+json");
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

/// Tells a limit what to do.
pub(crate) async fn tell(server: &Server, path: &str, what: &impl Serialize) {
    let url = format!("http://{}{path}", server.address);
    let answer = reqwest::Client::builder().no_proxy().build().unwrap().put(url).json(what).send().await;
    answer.unwrap().error_for_status().unwrap();
}
