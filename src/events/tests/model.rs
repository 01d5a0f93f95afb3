//! A vendor in memory: leads, their interactions, failures, and a count of calls.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::events::{Circumstances, Event, EventKind, Listener, Log, Settings};
use crate::gather::{Gather, settings};
use crate::model::caller::Caller;
use crate::model::caps::{LeadCaps, ListCaps, Paging, TimeFilter};
use crate::model::conversation::{Channel, Conversation};
use crate::model::cx::{Cx, Meter};
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{Key, NativeId, SourceId, Vendor};
use crate::model::interaction::{Interaction, InteractionStatus};
use crate::model::lead::Lead;
use crate::model::page::{Page, PageToken};
use crate::model::source::{Health, Quota, SourceState};
use crate::source::{DynHistories, DynList, DynRead, Histories, LeadQuery, List, Read, Source};

pub(super) const NOW: i64 = 1_780_000_000;

pub(super) fn second(at: i64) -> Timestamp {
    Timestamp::from_second(at).unwrap()
}

pub(super) fn native(id: &str) -> NativeId {
    NativeId::new(id).unwrap()
}

/// A source named `a`.
pub(super) struct Model {
    id: SourceId,
    /// By id: when it was created, and the vendor's word for its status.
    pub(super) leads: Mutex<BTreeMap<String, (i64, &'static str)>>,
    /// The interactions of a lead: their ids, and whether they are in progress.
    pub(super) touches: Mutex<HashMap<String, Vec<(&'static str, bool)>>>,
    /// Reads of one lead, and of anything.
    pub(super) gets: AtomicUsize,
    pub(super) calls: AtomicUsize,
    /// Calls that fail from now on.
    pub(super) failing: AtomicU32,
    /// Reads of one lead that we do not let out from now on.
    pub(super) refused: AtomicU32,
    /// Histories that cannot be read from now on.
    pub(super) unread: AtomicU32,
    /// Leads that are being read: one at a time is let out.
    reading: AtomicU32,
    /// Whether its account takes webhooks.
    pub(super) hooked: bool,
}

impl Model {
    pub(super) fn new(leads: impl IntoIterator<Item = (String, i64)>, hooked: bool) -> Arc<Self> {
        let leads = leads.into_iter().map(|(id, at)| (id, (at, "new"))).collect();
        Arc::new(Self {
            id: SourceId::new("a").unwrap(),
            leads: Mutex::new(leads),
            touches: Mutex::default(),
            gets: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            failing: AtomicU32::new(0),
            refused: AtomicU32::new(0),
            unread: AtomicU32::new(0),
            reading: AtomicU32::new(0),
            hooked,
        })
    }

    pub(super) fn gather(self: &Arc<Self>) -> Gather {
        Gather::new(settings::Settings::default(), vec![Arc::clone(self) as Arc<dyn Source>])
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn call(&self) -> Result<(), SourceError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let fails =
            self.failing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if fails.is_err() {
            return Ok(());
        }
        Err(SourceError::new(&self.id, "scripted", SourceErrorKind::Unreachable))
    }

    fn key(&self, id: &str) -> Key {
        Key { source: self.id.clone(), native: native(id), day: None }
    }

    fn lead(&self, id: &str, (at, status): (i64, &str)) -> Lead {
        let mut lead = Lead::bare(self.key(id), Vendor::LeadSail);
        (lead.created_at, lead.vendor_status) = (Some(second(at)), Some(status.to_owned()));
        lead
    }
}

impl Source for Model {
    fn id(&self) -> &SourceId {
        &self.id
    }
    fn vendor(&self) -> Vendor {
        Vendor::LeadSail
    }
    fn health(&self) -> Health {
        let since = second(NOW);
        Health { state: SourceState::Up, since, last_success_at: None, last_error: None, retry_at: None }
    }
    fn quota(&self) -> Quota {
        Quota { limit: 60, window: Duration::from_secs(60), remaining: 60, reset_at: None }
    }
    fn leads(&self) -> Option<&dyn DynList<Lead>> {
        Some(self)
    }
    fn lead_by_id(&self) -> Option<&dyn DynRead<Lead>> {
        Some(self)
    }
    fn histories(&self) -> Option<&dyn DynHistories> {
        Some(self)
    }
    fn webhooks(&self) -> bool {
        self.hooked
    }
}

impl List<Lead> for Model {
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
    async fn page(&self, _: &Cx, _: &LeadQuery, _: Option<&PageToken>) -> Result<Page<Lead>, SourceError> {
        self.call()?;
        let leads = self.leads.lock().unwrap();
        let mut rows: Vec<_> = leads.iter().map(|(id, seen)| Arc::new(self.lead(id, *seen))).collect();
        rows.sort_by_key(|lead| std::cmp::Reverse(lead.created_at));
        rows.truncate(100);
        Ok(Page { rows, next: None, rejected: 0 })
    }
}

impl Read<Lead> for Model {
    async fn get(&self, _: &Cx, id: &NativeId) -> Result<Option<Lead>, SourceError> {
        let alone = self.reading.fetch_add(1, Ordering::Relaxed) == 0;
        tokio::task::yield_now().await;
        self.reading.fetch_sub(1, Ordering::Relaxed);
        let refused =
            self.refused.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if !alone || refused.is_ok() {
            return Err(SourceError::new(&self.id, "scripted", SourceErrorKind::Overloaded));
        }
        self.gets.fetch_add(1, Ordering::Relaxed);
        self.call()?;
        let leads = self.leads.lock().unwrap();
        Ok(leads.get(id.as_str()).map(|seen| self.lead(id.as_str(), *seen)))
    }
}

impl Histories for Model {
    async fn of_lead(&self, _: &Cx, lead: &NativeId) -> Result<Page<Interaction>, SourceError> {
        self.call()?;
        if self.unread.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
        {
            return Err(SourceError::new(&self.id, "scripted", SourceErrorKind::Unreachable));
        }
        let touches = self.touches.lock().unwrap();
        let row = |(id, busy): &(&str, bool)| Arc::new(interaction(self.key(id), *busy));
        let rows = touches.get(lead.as_str()).into_iter().flatten().map(row).collect();
        Ok(Page { rows, next: None, rejected: 0 })
    }
}

fn interaction(key: Key, busy: bool) -> Interaction {
    let talk = Conversation {
        key,
        vendor: Vendor::LeadSail,
        channel: Channel::Voice,
        vendor_channel: None,
        direction: None,
        state: if busy { InteractionStatus::InProgress } else { InteractionStatus::Completed },
        vendor_state: None,
        started_at: Some(second(NOW - 3_600)),
        ended_at: None,
        duration_seconds: None,
        turn_count: None,
        page_url: None,
        preview: None,
        summary: None,
        customer: None,
        transcript: None,
        tool_calls: Vec::new(),
        partial: false,
        recording: None,
        expires_at: None,
        lead: None,
        raw: None,
    };
    talk.to_interaction()
}

/// A wall clock that goes with tokio's, which tests pause.
pub(super) fn circumstances() -> Circumstances {
    let start = Instant::now();
    Arc::new(move || Cx {
        deadline: Instant::now() + Duration::from_secs(10),
        now: second(NOW) + start.elapsed(),
        request_id: Arc::from("test"),
        caller: Caller::gateway(),
        meter: Meter::default(),
        background: true,
        anew: false,
    })
}

/// A log that forgets nothing, and someone who listens to it.
pub(super) fn log() -> (Log, Listener) {
    let settings =
        Settings { max_events: 1_000_000, max_bytes: 1 << 40, max_waiting: 1_000_000, ..Settings::default() };
    let log = Log::new(settings);
    let listener = log.listen(&Arc::from("test"), None).unwrap();
    (log, listener)
}

/// What an event is about: what, which lead, which interaction.
pub(super) type Seen = (EventKind, String, Option<String>);

/// All that can be heard without waiting.
pub(super) fn heard(listener: &mut Listener) -> Vec<Seen> {
    use futures_util::FutureExt;
    let mut all = Vec::new();
    while let Some(heard) = listener.next(|_| true).now_or_never() {
        all.extend(heard.unwrap().event.as_deref().map(seen));
    }
    all
}

fn seen(event: &Event) -> Seen {
    let id = |key: &Key| key.native.as_str().to_owned();
    let lead = event.lead.as_ref().map(|lead| id(&lead.key)).unwrap_or_default();
    (event.kind, lead, event.interaction.as_ref().map(|touch| id(&touch.key)))
}
