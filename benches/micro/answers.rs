//! A request for fifty leads by ten fields, from the router to the bytes of its answer.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use divan::Bencher;
use http::{HeaderMap, Request};
use jiff::Timestamp;
use leadgraph::app::{App, Parts};
use leadgraph::events::PollSettings;
use leadgraph::gather::settings::Settings;
use leadgraph::model::id::SourceId;
use leadgraph::vendors::Account;
use leadgraph::{callers, events, graphql, http as web};
use serde_json::json;
use tower::ServiceExt as _;

use crate::sources::{lasting, runtime, sources};

const QUERY: &str = "query($to: DateTime) { leads(first: 50, filter: { createdAt: { to: $to } }) { edges { node { id vendor vendorId name email phone status vendorStatus createdAt updatedAt } } pageInfo { hasNextPage endCursor } incomplete } }";

/// Given again as a whole.
#[divan::bench]
fn given_again(bencher: Bencher) {
    ask(bencher, lasting(), Keeps::Answers, always);
}

/// Made anew, of a known document and a page that was merged before.
#[divan::bench]
fn made_of_a_merged_page(bencher: Bencher) {
    ask(bencher, lasting(), Keeps::Pages, always);
}

/// Made anew, of a known document and three sources' pages that the cache holds: each time for another filter.
#[divan::bench]
fn made_of_cached_pages(bencher: Bencher) {
    ask(bencher, lasting(), Keeps::Pages, never_before);
}

/// Made anew, of pages that three sources answer at once, which the cache takes and does not give.
#[divan::bench]
fn made_of_fresh_pages(bencher: Bencher) {
    let none = Duration::ZERO;
    let settings = Settings {
        list_ttl: none,
        past_list_ttl: none,
        lead_ttl: none,
        stale_while_revalidate: none,
        list_stale_if_error: none,
        record_stale_if_error: none,
        ..Settings::default()
    };
    ask(bencher, settings, Keeps::Nothing, always);
}

/// The same body each time.
fn always() -> Bytes {
    body(Timestamp::from_second(3_999_999_999).unwrap())
}

/// A body that was not sent before, whose filter lets all leads pass.
fn never_before() -> Bytes {
    static NUMBER: AtomicI64 = AtomicI64::new(4_000_000_000);
    body(Timestamp::from_second(NUMBER.fetch_add(1, Ordering::Relaxed)).unwrap())
}

fn body(to: Timestamp) -> Bytes {
    let to = to.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    serde_json::to_vec(&json!({ "query": QUERY, "variables": { "to": to } })).unwrap().into()
}

#[derive(Clone, Copy, PartialEq)]
enum Keeps {
    Answers,
    Pages,
    Nothing,
}

fn ask(bencher: Bencher, gather: Settings, keeps: Keeps, body: fn() -> Bytes) {
    let runtime = runtime();
    let app = runtime.block_on(App::start(parts(gather, keeps)));
    let router = app.router();
    let answer = |body| runtime.block_on(send(&router, body));
    // The first one tells of the calls it took and is not given again.
    answer(body());
    answer(body());
    let (headers, text) = answer(body());
    assert_eq!(
        headers.contains_key("age"),
        keeps == Keeps::Answers,
        "an answer that was given before tells its age"
    );
    let text: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(text["data"]["leads"]["edges"].as_array().map(Vec::len), Some(50), "{text}");
    bencher.with_inputs(body).bench_local_values(answer);
}

async fn send(router: &Router, body: Bytes) -> (HeaderMap, Bytes) {
    let request = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("content-length", body.len())
        .body(Body::from(body))
        .unwrap();
    let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    (head.headers, to_bytes(body, usize::MAX).await.unwrap())
}

fn parts(gather: Settings, keeps: Keeps) -> Parts {
    let http = web::Settings::default();
    let answers_max_bytes = if keeps == Keeps::Answers { http.answers_max_bytes } else { 0 };
    let never = PollSettings { every: Duration::ZERO, reconcile: Duration::ZERO };
    let account = Account {
        name: SourceId::new("bench").unwrap(),
        sources: sources(3),
        discovery: None,
        client: None,
        webhook: None,
    };
    Parts {
        http: web::Settings { answers_max_bytes, ..http },
        graphql: graphql::Settings::default(),
        events: events::Settings { poll: never, ..events::Settings::default() },
        gather,
        callers: callers::Settings::default(),
        accounts: vec![account],
    }
}
