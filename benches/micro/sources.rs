//! Sources that answer from memory, at once: what is left is the gateway's own work.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use leadgraph::gather::Gather;
use leadgraph::gather::settings::Settings;
use leadgraph::model::caller::Caller;
use leadgraph::model::caps::{LeadCaps, ListCaps, Paging, TimeFilter};
use leadgraph::model::cx::{Cx, Meter};
use leadgraph::model::failure::SourceError;
use leadgraph::model::id::{Key, SourceId, Vendor};
use leadgraph::model::lead::Lead;
use leadgraph::model::page::{Page, PageToken};
use leadgraph::model::source::{Health, Quota, SourceState};
use leadgraph::source::{DynList, LeadQuery, List, Source};
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::pages;

/// How many sources are gathered: few, and as many as one installation has at most.
pub(crate) const FEW_AND_MANY: [usize; 2] = [3, 100];

/// A source whose list of leads is two pages long.
struct Shop {
    id: SourceId,
    vendor: Vendor,
    pages: [Page<Lead>; 2],
}

impl Source for Shop {
    fn id(&self) -> &SourceId {
        &self.id
    }
    fn vendor(&self) -> Vendor {
        self.vendor
    }
    fn health(&self) -> Health {
        let since = Timestamp::UNIX_EPOCH;
        Health { state: SourceState::Up, since, last_success_at: None, last_error: None, retry_at: None }
    }
    fn quota(&self) -> Quota {
        Quota { limit: 60, window: Duration::from_secs(60), remaining: 60, reset_at: None }
    }
    fn leads(&self) -> Option<&dyn DynList<Lead>> {
        Some(self)
    }
}

impl List<Lead> for Shop {
    fn caps(&self) -> LeadCaps {
        LeadCaps {
            list: ListCaps {
                paging: Paging::Cursor,
                page_size: NonZeroU16::new(100).unwrap(),
                since: TimeFilter::None,
                until: TimeFilter::None,
                vendor_filters: &[],
            },
            status: &[],
            has_status: true,
            has_conversation: false,
            email: false,
        }
    }

    async fn page(&self, _: &Cx, _: &LeadQuery, from: Option<&PageToken>) -> Result<Page<Lead>, SourceError> {
        Ok(self.pages[usize::from(from.is_some())].clone())
    }
}

/// So many sources, of all vendors in turn. Their leads are what the vendors send, but for when they were created: each source has
/// one every minute, all in turn.
pub(crate) fn sources(count: usize) -> Vec<Arc<dyn Source>> {
    let sent: Vec<_> = pages::vendors().map(|vendor| (vendor, pages::page(vendor, 100))).collect();
    let now = Timestamp::now();
    let of = |(number, (vendor, bytes)): (usize, &(&str, bytes::Bytes))| {
        let entry = pages::entry(vendor);
        let id = SourceId::new(&format!("{vendor}-{number}")).unwrap();
        let page = (entry.leads_page)(&id, bytes).unwrap();
        let beginning = now - SignedDuration::from_millis(i64::try_from(number).unwrap());
        let moved = |(minutes, lead): (i64, &Arc<Lead>)| {
            let created_at = Some(beginning - SignedDuration::from_mins(minutes));
            let key = Key { source: id.clone(), native: lead.key.native.clone(), day: None };
            Arc::new(Lead { key, created_at, ..(**lead).clone() })
        };
        let rows: Vec<_> = (0..).zip(&page.rows).map(moved).collect();
        let (first, second) = rows.split_at(60);
        let next = Some(PageToken::Cursor("the second page, in the words of a vendor".into()));
        let pages = [
            Page { rows: first.to_vec(), next, rejected: 0 },
            Page { rows: second.to_vec(), next: None, rejected: 0 },
        ];
        Arc::new(Shop { id: id.clone(), vendor: entry.vendor, pages }) as Arc<dyn Source>
    };
    (0..count).zip(sent.iter().cycle()).map(of).collect()
}

/// All of these as one, under settings by which nothing that was read is read again while a bench runs.
pub(crate) fn gather(count: usize) -> Gather {
    Gather::new(lasting(), sources(count))
}

/// Settings by which what was read stays fresh, and cursors good.
pub(crate) fn lasting() -> Settings {
    let long = Duration::from_secs(86_400);
    Settings { list_ttl: long, past_list_ttl: long, lead_ttl: long, ..Settings::default() }
}

/// The circumstances of a request that has time.
pub(crate) fn cx() -> Cx {
    Cx {
        deadline: Instant::now() + Duration::from_secs(600),
        now: Timestamp::now(),
        request_id: "bench".into(),
        caller: Caller::unrestricted("bench"),
        meter: Meter::default(),
        background: false,
        anew: false,
    }
}

/// The same of someone who was never there before, to whom nothing can be given that was merged before.
pub(crate) fn stranger() -> Cx {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    Cx { caller: Caller::unrestricted(&format!("bench-{number}")), ..cx() }
}

/// What runs a bench, on this thread alone.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
