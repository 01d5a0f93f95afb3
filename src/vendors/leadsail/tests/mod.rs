//! LeadSail, read: its words without a socket (`words`), its calls against the simulator (`leads`,
//! `interactions`), and the simulator itself.

mod interactions;
mod leads;
mod redact;
mod setup;
mod simulator;
mod words;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Method, Request};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tower::ServiceExt;

use super::ENTRY;
use crate::model::caller::Caller;
use crate::model::cx::{Cx, Meter};
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{NativeId, SourceId};
use crate::model::lead::Lead;
use crate::model::page::{Page, PageToken};
use crate::secret::Secret;
use crate::source::{LeadQuery, Source};
use crate::vendors::simulation::{Simulator, World, WorldSpec};
use crate::vendors::{Account, Problem, Setup};

/// The simulator, and an account opened on it.
struct Bench {
    simulator: Simulator,
    source: Arc<dyn Source>,
}

fn world(leads: usize) -> Arc<World> {
    let now: Timestamp = "2026-05-11T12:00:00Z".parse().unwrap();
    Arc::new(World::new(WorldSpec { leads, ..WorldSpec::demo(now) }))
}

async fn bench(leads: usize, settings: &str) -> Bench {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let simulator = Simulator::start(&ENTRY, world(leads), listener).unwrap();
    let account = open(&simulator.base_url(&ENTRY), &simulator.vendor.key(), settings);
    let Ok(account) = account else { panic!("the account does not open") };
    Bench { source: Arc::clone(&account.sources[0]), simulator }
}

fn open(base_url: &str, key: &str, settings: &str) -> Result<Account, Vec<Problem>> {
    (ENTRY.open)(Setup {
        name: source_id(),
        base_url: base_url.parse().unwrap(),
        key: Secret::new(key),
        policy: (ENTRY.policy)(),
        settings: settings.parse().unwrap(),
        webhook: None,
    })
}

fn source_id() -> SourceId {
    SourceId::new("acme-roofs").unwrap()
}

fn native(id: &str) -> NativeId {
    NativeId::new(id).unwrap()
}

fn cx() -> Cx {
    Cx {
        deadline: Instant::now() + Duration::from_secs(10),
        now: "2026-05-11T12:00:00Z".parse().unwrap(),
        request_id: "test".into(),
        caller: Caller::unrestricted("test"),
        meter: Meter::default(),
        background: false,
        anew: false,
    }
}

impl Bench {
    async fn page(&self, query: &LeadQuery, from: Option<&PageToken>) -> Result<Page<Lead>, SourceError> {
        self.source.leads().unwrap().page_dyn(&cx(), query, from).await
    }

    /// The kind of failure of the first page.
    async fn refusal(&self) -> SourceErrorKind {
        self.page(&LeadQuery::default(), None).await.unwrap_err().kind
    }

    /// All pages, at most 60.
    async fn walk(&self, query: &LeadQuery) -> (Vec<Arc<Lead>>, u32) {
        let (mut leads, mut rejected, mut from) = (Vec::new(), 0, None);
        for _ in 0..60 {
            let page = self.page(query, from.as_ref()).await.unwrap();
            leads.extend(page.rows);
            rejected += page.rejected;
            from = page.next;
            if from.is_none() {
                return (leads, rejected);
            }
        }
        panic!("the list does not end");
    }

    async fn lead(&self, id: &str) -> Option<Lead> {
        self.source.lead_by_id().unwrap().get_dyn(&cx(), &native(id)).await.unwrap()
    }

    /// The query of the last call the simulator saw.
    fn last_query(&self) -> String {
        self.simulator.ledger.entries().last().unwrap().query.clone()
    }

    /// The ids of all leads, newest first.
    fn ids(&self) -> Vec<String> {
        let mut leads = self.simulator.vendor.leads();
        leads.sort_by_key(|(_, created)| std::cmp::Reverse(*created));
        leads.into_iter().map(|(id, _)| id).collect()
    }
}

/// Asks the simulator itself, past the adapter and past the wire.
async fn ask(bench: &Bench, key: &str, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header("X-API-Key", key)
        .header("Content-Type", "application/json")
        .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
        .unwrap();
    let answer = bench.simulator.vendor.router().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

impl Bench {
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        ask(self, &self.simulator.vendor.key(), method, path, body).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, None).await
    }
}

fn ids(leads: &[Arc<Lead>]) -> Vec<String> {
    leads.iter().map(|lead| lead.key.native.as_str().to_owned()).collect()
}
