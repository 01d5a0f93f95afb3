//! The sources there are, by name. They change as accounts find out about theirs; a walk keeps those it began with.
//!
//! Nobody gets at one but through [`Registry::seen_by`]: a source that a caller may not see is not there for it, at the
//! root of a request or anywhere below.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::answer::{Capabilities, InteractionListing, SourceView};
use super::cursor::input;
use super::habits::Habits;
use super::request::{InputCode, InputError, InteractionFilter, SourceFilter};
use crate::model::caller::Caller;
use crate::model::caps::Paging;
use crate::model::id::{EntityKind, SourceId};
use crate::source::Source;

type Lists = HashMap<(SourceId, EntityKind), Arc<Habits>>;

/// All sources, sorted by name.
pub(super) struct Registry {
    sources: ArcSwap<Vec<Arc<dyn Source>>>,
    /// How often they were set.
    edition: AtomicU64,
    /// What has been seen of lists.
    lists: Arc<Mutex<Lists>>,
    /// How many of them turned out not to be in the order that was believed.
    breaks: Arc<AtomicU64>,
}

impl Registry {
    pub(super) fn new(sources: Vec<Arc<dyn Source>>) -> Self {
        let registry = Self {
            sources: ArcSwap::default(),
            edition: AtomicU64::default(),
            lists: Arc::default(),
            breaks: Arc::default(),
        };
        registry.set(sources);
        registry
    }

    /// All there are, whoever asks.
    pub(super) fn names(&self) -> Vec<SourceId> {
        self.sources.load().iter().map(|source| source.id().clone()).collect()
    }

    /// The sources there are now.
    pub(super) fn snapshot(&self) -> Arc<Vec<Arc<dyn Source>>> {
        self.sources.load_full()
    }

    /// Whether the sources are still those.
    pub(super) fn is(&self, snapshot: &Arc<Vec<Arc<dyn Source>>>) -> bool {
        Arc::ptr_eq(&self.sources.load(), snapshot)
    }

    /// Other sources, with the same memory of lists.
    pub(super) fn next(&self, sources: Vec<Arc<dyn Source>>) -> Self {
        let (lists, breaks) = (Arc::clone(&self.lists), Arc::clone(&self.breaks));
        Self { lists, breaks, ..Self::new(sources) }
    }

    pub(super) fn set(&self, mut sources: Vec<Arc<dyn Source>>) {
        sources.sort_by(|a, b| a.id().cmp(b.id()));
        self.sources.store(Arc::new(sources));
        // Only now: who has seen the number finds these sources, or newer ones.
        self.edition.fetch_add(1, Ordering::Release);
    }

    /// A number that the sources there are now, and newer ones, alone have had.
    pub(super) fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    /// How many lists turned out so far not to be in the order that was believed: what was merged of them before may lack what
    /// belongs further up.
    pub(super) fn breaks(&self) -> u64 {
        self.breaks.load(Ordering::Relaxed)
    }

    /// The sources as they are for a caller.
    pub(super) fn seen_by<'a>(&'a self, caller: &'a Caller) -> Seen<'a> {
        Seen { registry: self, caller }
    }

    /// What has been seen of a list.
    pub(super) fn habits(&self, source: &SourceId, kind: EntityKind) -> Arc<Habits> {
        let mut all = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let unseen = || Arc::new(Habits::counted(&self.breaks));
        Arc::clone(all.entry((source.clone(), kind)).or_insert_with(unseen))
    }
}

/// The sources that exist for one caller.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    registry: &'a Registry,
    caller: &'a Caller,
}

impl Seen<'_> {
    pub(super) fn all(&self) -> Vec<Arc<dyn Source>> {
        let sources = self.registry.sources.load();
        sources.iter().filter(|source| self.caller.sees(source.id())).cloned().collect()
    }

    pub(super) fn get(&self, id: &SourceId) -> Option<Arc<dyn Source>> {
        let sources = self.registry.sources.load();
        let at = sources.binary_search_by(|source| source.id().cmp(id)).ok()?;
        sources.get(at).filter(|_| self.caller.sees(id)).cloned()
    }

    /// The sources a filter allows.
    ///
    /// # Errors
    /// `BadId` for a source that is not configured; `BadUserInput` where the filter allows none.
    pub(super) fn select(&self, filter: &SourceFilter) -> Result<Vec<Arc<dyn Source>>, InputError> {
        not_empty("filter.sources", filter.sources.as_deref())?;
        not_empty("filter.vendors", filter.vendors.as_deref())?;
        for id in filter.sources.iter().flatten() {
            if self.get(id).is_none() {
                let message = "filter.sources names a source that is not configured. `{ sources { id } }` lists those that are.";
                return Err(input(InputCode::BadId, message));
            }
        }
        let allowed = |source: &&Arc<dyn Source>| {
            filter.sources.as_ref().is_none_or(|ids| ids.contains(source.id()))
                && filter.vendors.as_ref().is_none_or(|vendors| vendors.contains(&source.vendor()))
        };
        let sources: Vec<_> = self.all().into_iter().filter(|source| allowed(&source)).collect();
        if sources.is_empty() && (filter.sources.is_some() || filter.vendors.is_some()) {
            let message = "No configured source is allowed by filter.sources and filter.vendors together.";
            return Err(input(InputCode::BadUserInput, message));
        }
        Ok(sources)
    }

    /// Refuses a filter for leads of sources that are not configured or that the filter does not allow.
    pub(super) fn check_leads(&self, filter: &InteractionFilter) -> Result<(), InputError> {
        let allowed = self.select(&filter.of)?;
        for lead in filter.leads.iter().flatten() {
            if self.get(&lead.source).is_none() {
                let message = "filter.leads names a lead of a source that is not configured.";
                return Err(input(InputCode::BadId, message));
            }
            if !allowed.iter().any(|source| *source.id() == lead.source) {
                let message =
                    "filter.leads names a lead of a source that filter.sources or filter.vendors leaves out.";
                return Err(input(InputCode::BadUserInput, message));
            }
        }
        Ok(())
    }
}

/// Refuses a list that is given but empty: "any of nothing" matches nothing.
pub(super) fn not_empty<T>(name: &str, list: Option<&[T]>) -> Result<(), InputError> {
    match list {
        Some([]) => {
            let message =
                format!("{name} is an empty list, which matches nothing. Leave it out to match everything.");
            Err(input(InputCode::BadUserInput, message))
        }
        _ => Ok(()),
    }
}

/// A source as the schema shows it. What it can do is told by the verbs it has, and by whether it may be written to.
pub(super) fn view(source: &dyn Source, writable: bool) -> SourceView {
    let leads = source.leads().map(super::super::source::DynList::caps_dyn);
    let conversations = source.conversations().map(super::super::source::DynList::caps_dyn);
    let found_by_day = |paging: Option<Paging>| paging == Some(Paging::Offset);
    let mut vendor_filters: Vec<&'static str> = Vec::new();
    vendor_filters.extend(leads.iter().flat_map(|caps| caps.list.vendor_filters));
    vendor_filters.extend(conversations.iter().flat_map(|caps| caps.list.vendor_filters));
    SourceView {
        id: source.id().clone(),
        vendor: source.vendor(),
        capabilities: Capabilities {
            leads: leads.is_some(),
            lead_by_id: source.lead_by_id().is_some()
                || found_by_day(leads.as_ref().map(|caps| caps.list.paging)),
            update_lead: writable && source.lead_update().is_some(),
            conversations: conversations.is_some(),
            conversation_by_id: source.conversation_by_id().is_some()
                || source.interaction_by_id().is_some()
                || found_by_day(conversations.as_ref().map(|caps| caps.list.paging)),
            interactions: if conversations.is_some() {
                InteractionListing::All
            } else if source.histories().is_some() {
                InteractionListing::PerLead
            } else {
                InteractionListing::None
            },
            recordings: source.recordings().is_some(),
            webhooks: source.webhooks(),
            vendor_filters,
        },
        health: source.health(),
        quota: source.quota(),
    }
}
