//! A vendor's simulator, and accounts on it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use leadgraph::model::caller::Caller;
use leadgraph::model::caps::{ListCaps, Paging};
use leadgraph::model::conversation::Conversation;
use leadgraph::model::cx::{Cx, Meter};
use leadgraph::model::failure::SourceError;
use leadgraph::model::id::{NativeId, SourceId};
use leadgraph::model::lead::Lead;
use leadgraph::model::page::{Page, PageToken};
use leadgraph::secret::Secret;
use leadgraph::source::{DynList, Listed, Source};
use leadgraph::upstream::policy::Policy;
use leadgraph::vendors::simulation::{Simulator, World, WorldSpec};
use leadgraph::vendors::{Account, Entry, Problem, Setup};
use tokio::net::TcpListener;
use tokio::time::Instant;

/// The most bytes of an answer that the accounts take.
pub(super) const LARGEST_BODY: usize = 2 * 1024 * 1024;

pub(super) const NOW: &str = "2026-05-11T12:00:00Z";

/// One vendor, simulated.
pub(super) struct Bench {
    pub(super) entry: &'static Entry,
    pub(super) simulator: Simulator,
}

impl Bench {
    /// A vendor with this many leads over twenty days, three of each moment. Its simulator counts no quota: what becomes of
    /// a quota that is used up is told by the 429 among the failures.
    pub(super) async fn start(entry: &'static Entry, leads: usize) -> Self {
        let spec = WorldSpec { seed: 23, leads, days: 20, agents: 2, ties: 3, now: NOW.parse().unwrap() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let simulator = Simulator::start(entry, Arc::new(World::new(spec)), listener).unwrap();
        let bench = Self { entry, simulator };
        bench.switch("quota", "off");
        bench
    }

    /// Sets a switch where the vendor has it; answers whether it does.
    pub(super) fn switch(&self, name: &str, value: &str) -> bool {
        let known = self.simulator.vendor.switches().iter().any(|(known, _)| *known == name);
        if known {
            self.simulator.switches.set(name, value);
        }
        known
    }

    pub(super) fn name(&self) -> &'static str {
        self.entry.name
    }

    /// The first source of an account that knows nothing yet: no breaker, no gate, no quota of another call stands in its way.
    pub(super) fn source(&self) -> Arc<dyn Source> {
        self.source_at(&self.simulator.base_url(self.entry))
    }

    pub(super) fn source_at(&self, base_url: &str) -> Arc<dyn Source> {
        match self.open(base_url, &self.simulator.vendor.key()) {
            Ok(account) => Arc::clone(&account.sources[0]),
            Err(problems) => panic!("{}: {problems:?}", self.name()),
        }
    }

    /// An account that waits for nothing and tries nothing twice, so that the ledger shows what the adapter itself does.
    pub(super) fn open(&self, base_url: &str, key: &str) -> Result<Account, Vec<Problem>> {
        let policy = Policy {
            max_attempts: 1,
            attempt_timeout: Duration::from_secs(20),
            max_body_bytes: LARGEST_BODY,
            quota: 1_000_000,
            burst: 1_000_000,
            concurrency: 64,
            ..(self.entry.policy)()
        };
        (self.entry.open)(Setup {
            // So that each failure names its vendor.
            name: SourceId::new(self.name()).unwrap(),
            base_url: base_url.parse().unwrap(),
            key: Secret::new(key),
            policy,
            settings: self.simulator.vendor.settings(),
            webhook: None,
        })
    }

    /// The ids of the leads that the vendor has, and when each was created.
    pub(super) fn leads(&self) -> Vec<(NativeId, Timestamp)> {
        let leads = self.simulator.vendor.leads().into_iter();
        leads.map(|(id, at)| (NativeId::new(&id).unwrap(), at)).collect()
    }

    pub(super) fn lead_ids(&self) -> BTreeSet<NativeId> {
        self.leads().into_iter().map(|(id, _)| id).collect()
    }

    /// The query of the last call.
    pub(super) fn asked(&self) -> BTreeSet<(String, String)> {
        let calls = self.simulator.ledger.entries();
        let query = &calls.last().unwrap().query;
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    pub(super) fn calls(&self) -> usize {
        self.simulator.ledger.count()
    }
}

pub(super) fn cx() -> Cx {
    cx_of(Duration::from_secs(20))
}

pub(super) fn cx_of(time: Duration) -> Cx {
    Cx {
        deadline: Instant::now() + time,
        now: NOW.parse().unwrap(),
        request_id: "contract".into(),
        caller: Caller::unrestricted("contract"),
        meter: Meter::default(),
        background: false,
        anew: false,
    }
}

/// An entity that is listed, as these tests need it.
pub(super) trait Row: Listed + std::fmt::Debug {
    fn list(source: &dyn Source) -> Option<&dyn DynList<Self>>;
    fn caps(caps: Self::Caps) -> ListCaps;
    fn id(&self) -> &NativeId;
    fn at(&self) -> Option<Timestamp>;
}

impl Row for Lead {
    fn list(source: &dyn Source) -> Option<&dyn DynList<Self>> {
        source.leads()
    }
    fn caps(caps: Self::Caps) -> ListCaps {
        caps.list
    }
    fn id(&self) -> &NativeId {
        &self.key.native
    }
    fn at(&self) -> Option<Timestamp> {
        self.created_at
    }
}

impl Row for Conversation {
    fn list(source: &dyn Source) -> Option<&dyn DynList<Self>> {
        source.conversations()
    }
    fn caps(caps: Self::Caps) -> ListCaps {
        caps.list
    }
    fn id(&self) -> &NativeId {
        &self.key.native
    }
    fn at(&self) -> Option<Timestamp> {
        self.started_at
    }
}

/// A page of a list that the source has.
pub(super) async fn page<T: Row>(
    source: &dyn Source,
    query: &T::Query,
    from: Option<&PageToken>,
) -> Result<Page<T>, SourceError> {
    T::list(source).unwrap().page_dyn(&cx(), query, from).await
}

pub(super) fn offset(page: u32, size: u16) -> PageToken {
    PageToken::Offset { page: page.try_into().unwrap(), size: size.try_into().unwrap() }
}

/// All pages to the end, `size` rows to a page where the reader says that.
pub(super) async fn pages<T: Row>(source: &dyn Source, query: &T::Query, size: u16) -> Vec<Page<T>> {
    let paging = T::caps(T::list(source).unwrap().caps_dyn()).paging;
    let (mut pages, mut from) = (Vec::new(), None);
    for number in 1..1_000 {
        if paging == Paging::Offset {
            from = Some(offset(number, size));
        }
        let page = page::<T>(source, query, from.as_ref()).await.unwrap_or_else(|error| panic!("{error}"));
        from = page.next.clone();
        let last = match paging {
            Paging::Cursor => from.is_none(),
            Paging::Offset => page.sent() == 0,
        };
        pages.push(page);
        if last {
            return pages;
        }
    }
    panic!("the list of {} never ends", source.id());
}

/// All rows, by the largest pages.
pub(super) async fn all<T: Row>(source: &dyn Source, query: &T::Query) -> Vec<Arc<T>> {
    let size = T::caps(T::list(source).unwrap().caps_dyn()).page_size;
    pages::<T>(source, query, size.get()).await.into_iter().flat_map(|page| page.rows).collect()
}

pub(super) fn ids<T: Row>(rows: &[Arc<T>]) -> BTreeSet<NativeId> {
    rows.iter().map(|row| row.id().clone()).collect()
}
