//! Pages of leads as the vendors send them, taken from their simulators.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use leadgraph::model::id::SourceId;
use leadgraph::secret::Secret;
use leadgraph::source::LeadQuery;
use leadgraph::vendors::simulation::{Simulator, World, WorldSpec};
use leadgraph::vendors::{ALL, Entry, Setup};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::sources::cx;

/// The names of all vendors.
pub(crate) fn vendors() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|entry| entry.name)
}

/// What the rest of the program knows of a vendor.
pub(crate) fn entry(vendor: &str) -> &'static Entry {
    ALL.iter().find(|entry| entry.name == vendor).unwrap()
}

/// The first page of a vendor's leads, of so many rows.
pub(crate) fn page(vendor: &str, rows: usize) -> Bytes {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(sent(entry(vendor), rows))
}

/// What the adapter asks for is asked of the simulator once more, for other rows.
async fn sent(entry: &Entry, rows: usize) -> Bytes {
    let now = Timestamp::now();
    let world = World::new(WorldSpec { leads: 300, agents: 1, ..WorldSpec::demo(now) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let simulator = Simulator::start(entry, Arc::new(world), listener).unwrap();
    let key = simulator.vendor.key();
    let setup = Setup {
        name: SourceId::new(entry.name).unwrap(),
        base_url: simulator.base_url(entry).parse().unwrap(),
        key: Secret::new(key.clone()),
        policy: (entry.policy)(),
        settings: simulator.vendor.settings(),
        webhook: None,
    };
    let account = (entry.open)(setup).map_err(|problems| format!("{problems:?}")).unwrap();
    let read = account.sources[0].leads().unwrap().page_dyn(&cx(), &LeadQuery::default(), None).await;
    assert_eq!(read.unwrap().rows.len(), 100, "{}", entry.name);

    let call = simulator.ledger.entries().pop().unwrap();
    let query = call.query.replace("limit=100", &format!("limit={rows}"));
    let query = query.replace("size=100", &format!("size={rows}"));
    let request = Request::get(format!("{}?{query}", call.path));
    let request = match entry.name {
        "leadsail" => request.header("x-api-key", key),
        _ => request.header("authorization", format!("Bearer {key}")),
    };
    let request = request.header("content-type", "application/json").body(Body::empty()).unwrap();
    let answer = simulator.vendor.router().oneshot(request).await.unwrap();
    assert!(answer.status().is_success(), "{}: {}", entry.name, answer.status());
    to_bytes(answer.into_body(), usize::MAX).await.unwrap()
}
