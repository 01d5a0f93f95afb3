//! A simulated team and an account on it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::model::caller::Caller;
use crate::model::conversation::Conversation;
use crate::model::cx::{Cx, Meter};
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::SourceId;
use crate::model::lead::Lead;
use crate::model::page::{Page, PageToken};
use crate::secret::Secret;
use crate::source::{ConversationQuery, LeadQuery, Listed, Source};
use crate::upstream::policy::Policy;
use crate::vendors::chatzuri::ENTRY;
use crate::vendors::simulation::{Simulator, World, WorldSpec};
use crate::vendors::{Account, Problem, Setup};

pub(super) const NOW: &str = "2026-05-11T12:00:00Z";

pub(super) fn spec(leads: usize, days: u32, agents: usize) -> WorldSpec {
    WorldSpec { seed: 11, leads, days, agents, ties: 3, now: NOW.parse().unwrap() }
}

/// A team of two agents with this many leads each, over twenty days.
pub(super) async fn team(leads: usize) -> Simulator {
    serve(spec(leads, 20, 2)).await
}

pub(super) async fn serve(spec: WorldSpec) -> Simulator {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Simulator::start(&ENTRY, Arc::new(World::new(spec)), listener).unwrap()
}

/// Does not wait for its turn and does not try twice, so that a ledger shows what the adapter itself does.
pub(super) fn impatient() -> Policy {
    Policy { quota: 1_000_000, burst: 1_000_000, concurrency: 64, max_attempts: 1, ..(ENTRY.policy)() }
}

pub(super) fn setup(simulator: &Simulator, settings: &str) -> Setup {
    Setup {
        name: SourceId::new("acme").unwrap(),
        base_url: simulator.base_url(&ENTRY).parse().unwrap(),
        key: Secret::new(simulator.vendor.key()),
        policy: impatient(),
        settings: settings.parse().unwrap(),
        webhook: None,
    }
}

pub(super) fn open(simulator: &Simulator, settings: &str) -> Account {
    (ENTRY.open)(setup(simulator, settings)).ok().unwrap()
}

pub(super) fn problems(setup: Setup) -> Vec<Problem> {
    (ENTRY.open)(setup).err().unwrap()
}

/// The two agents of [`team`], by the settings that the simulator itself names.
pub(super) fn agents(simulator: &Simulator) -> Vec<Arc<dyn Source>> {
    open(simulator, &simulator.vendor.settings().to_string()).sources
}

pub(super) fn cx() -> Cx {
    Cx {
        deadline: Instant::now() + Duration::from_secs(10),
        now: NOW.parse().unwrap(),
        request_id: "test".into(),
        caller: Caller::unrestricted("test"),
        meter: Meter::default(),
        background: false,
        anew: false,
    }
}

pub(super) fn token(page: u32, size: u16) -> PageToken {
    PageToken::Offset { page: page.try_into().unwrap(), size: size.try_into().unwrap() }
}

/// An entity that the tests list.
pub(super) trait Tested: Listed {
    async fn page_of(
        source: &dyn Source,
        query: &Self::Query,
        from: Option<&PageToken>,
    ) -> Result<Page<Self>, SourceError>;
}

impl Tested for Lead {
    async fn page_of(
        source: &dyn Source,
        query: &LeadQuery,
        from: Option<&PageToken>,
    ) -> Result<Page<Self>, SourceError> {
        source.leads().unwrap().page_dyn(&cx(), query, from).await
    }
}

impl Tested for Conversation {
    async fn page_of(
        source: &dyn Source,
        query: &ConversationQuery,
        from: Option<&PageToken>,
    ) -> Result<Page<Self>, SourceError> {
        source.conversations().unwrap().page_dyn(&cx(), query, from).await
    }
}

/// Everything that a list has, by plain pages of `size` up to the first empty one.
pub(super) async fn all<T: Tested>(source: &dyn Source, query: &T::Query, size: u16) -> Vec<Arc<T>> {
    let mut rows = Vec::new();
    for page in 1.. {
        let read = T::page_of(source, query, Some(&token(page, size))).await.unwrap();
        assert_eq!(read.next, None);
        if read.sent() == 0 {
            break;
        }
        rows.extend(read.rows);
    }
    rows
}

pub(super) async fn leads_failure(source: &dyn Source) -> SourceErrorKind {
    Lead::page_of(source, &LeadQuery::default(), None).await.unwrap_err().kind
}

/// The statuses of all calls so far, with method and the path's last segment.
pub(super) fn calls(simulator: &Simulator) -> Vec<String> {
    let told = |entry: &crate::vendors::simulation::LedgerEntry| {
        let name = entry.path.rsplit('/').next().unwrap_or_default();
        format!("{} {name} {}", entry.method, entry.status)
    };
    simulator.ledger.entries().iter().map(told).collect()
}

/// The parameters of the last call.
pub(super) fn asked(simulator: &Simulator) -> Vec<(String, String)> {
    let entries = simulator.ledger.entries();
    url::form_urlencoded::parse(entries.last().unwrap().query.as_bytes()).into_owned().collect()
}

pub(super) fn raw(json: &Option<crate::model::text::Json>, key: &str) -> Option<Value> {
    let object: Value = serde_json::from_str(json.as_ref()?.as_str()).ok()?;
    object.get(key).cloned()
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
