//! The adapter and its simulator, wired together over loopback.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::super::{ENTRY, Setup};
use crate::model::caller::Caller;
use crate::model::conversation::Conversation;
use crate::model::cx::{Cx, Meter};
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{NativeId, SourceId};
use crate::model::lead::Lead;
use crate::model::page::{Page, PageToken};
use crate::secret::Secret;
use crate::source::{ConversationQuery, DynList, LeadQuery, Listed, Source};
use crate::upstream::policy::Policy;
use crate::vendors::simulation::{Fault, Rule, Simulator, World, WorldSpec};

/// The newest moment of every test's world.
pub(super) const NOW: &str = "2026-05-11T12:00:00Z";

/// One site, simulated without a quota, and the source that reads it without limits of our own.
pub(super) struct Site {
    pub(super) simulator: Simulator,
    pub(super) source: Arc<dyn Source>,
}

pub(super) fn world(leads: usize) -> Arc<World> {
    let now = NOW.parse().unwrap();
    Arc::new(World::new(WorldSpec { seed: 11, leads, days: 20, agents: 1, ties: 3, now }))
}

pub(super) async fn site(leads: usize) -> Site {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let simulator = Simulator::start(&ENTRY, world(leads), listener).unwrap();
    simulator.switches.set("quota", "off");
    let source = open(&simulator, &simulator.vendor.key());
    Site { simulator, source }
}

/// The source, with a key of one's choice.
pub(super) fn open(simulator: &Simulator, key: &str) -> Arc<dyn Source> {
    let setup = Setup {
        name: SourceId::new("linden").unwrap(),
        base_url: simulator.base_url(&ENTRY).parse().unwrap(),
        key: Secret::new(key),
        policy: Policy { quota: 100_000, burst: 10_000, max_attempts: 1, ..(ENTRY.policy)() },
        settings: simulator.vendor.settings(),
        webhook: None,
    };
    let account = (ENTRY.open)(setup).unwrap_or_else(|problems| panic!("{problems:?}"));
    Arc::clone(&account.sources[0])
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

pub(super) fn id(text: &str) -> NativeId {
    NativeId::new(text).unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Site {
    /// A page of leads.
    pub(super) async fn leads(
        &self,
        query: &LeadQuery,
        from: Option<&PageToken>,
    ) -> Result<Page<Lead>, SourceError> {
        self.source.leads().unwrap().page_dyn(&cx(), query, from).await
    }

    /// A page of conversations.
    pub(super) async fn conversations(
        &self,
        query: &ConversationQuery,
        from: Option<&PageToken>,
    ) -> Result<Page<Conversation>, SourceError> {
        self.source.conversations().unwrap().page_dyn(&cx(), query, from).await
    }

    /// All leads, page by page.
    pub(super) async fn all_leads(&self, query: &LeadQuery) -> Vec<Arc<Lead>> {
        all(self.source.leads().unwrap(), query).await
    }

    /// All conversations, page by page.
    pub(super) async fn all_conversations(&self, query: &ConversationQuery) -> Vec<Arc<Conversation>> {
        all(self.source.conversations().unwrap(), query).await
    }

    /// The ids of all leads, read anew.
    pub(super) async fn lead_ids(&self) -> Vec<String> {
        let leads = self.all_leads(&LeadQuery::default()).await;
        leads.iter().map(|lead| lead.key.native.as_str().to_owned()).collect()
    }

    pub(super) async fn lead(&self, text: &str) -> Result<Option<Lead>, SourceError> {
        self.source.lead_by_id().unwrap().get_dyn(&cx(), &id(text)).await
    }

    pub(super) async fn conversation(&self, text: &str) -> Result<Option<Conversation>, SourceError> {
        self.source.conversation_by_id().unwrap().get_dyn(&cx(), &id(text)).await
    }

    /// What a page of leads fails with while `fault` strikes every call.
    pub(super) async fn failing(&self, fault: Fault) -> SourceErrorKind {
        self.simulator.faults.set([Rule::always(fault)]);
        let outcome = self.leads(&LeadQuery::default(), None).await;
        self.simulator.faults.clear();
        outcome.unwrap_err().kind
    }
}

async fn all<T: Listed>(list: &dyn DynList<T>, query: &T::Query) -> Vec<Arc<T>> {
    let (mut rows, mut from) = (Vec::new(), None);
    for _ in 0..1_000 {
        let page = list.page_dyn(&cx(), query, from.as_ref()).await.unwrap();
        rows.extend(page.rows);
        from = page.next;
        if from.is_none() {
            return rows;
        }
    }
    panic!("the list never ends");
}
