//! What a client gets: edges in one order, and how each source took part.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;

use super::record::Record;
use super::request::InputError;
use super::walk::Trail;
use crate::model::failure::SourceError;
use crate::model::id::{SourceId, Vendor};
use crate::model::source::{Health, Quota};

/// One page of a merged list.
#[expect(missing_debug_implementations, reason = "holds the keys that seal cursors")]
pub struct Connection<T> {
    /// The records, in order (creation newest first, source, id).
    pub nodes: Vec<Arc<T>>,
    /// Whether there may be edges behind these.
    pub has_next_page: bool,
    /// Whether there are edges before these.
    pub has_previous_page: bool,
    /// Something that matches may be missing; `reports` says what.
    pub incomplete: bool,
    /// How each source took part, sorted by name.
    pub reports: Vec<Report>,
    pub(super) trail: Arc<Trail>,
    /// Records of the walk before these nodes (reading backwards walks over them).
    pub(super) first: usize,
    /// The walk stopped early, but further on than the last node.
    pub(super) short: bool,
    pub(super) sealed: Arc<Sealed>,
    pub(super) beside: Arc<Beside>,
}

/// The cursors of a page that were asked for: each is sealed once, the last one being the end's.
#[derive(Default)]
pub(super) struct Sealed(OnceLock<Box<[OnceLock<Cursor>]>>);

/// `None` where it could not be sealed.
type Cursor = Option<Box<str>>;

impl Sealed {
    /// The cursor at `place` of `places`.
    fn get(&self, place: usize, places: usize, seal: impl FnOnce() -> Option<String>) -> Option<&str> {
        let cursors = self.0.get_or_init(|| (0..places).map(|_| OnceLock::new()).collect());
        cursors.get(place)?.get_or_init(|| seal().map(String::into_boxed_str)).as_deref()
    }
}

/// What is made of a page by whoever shows it, and kept with it.
#[derive(Default)]
pub(super) struct Beside {
    shown: AtomicBool,
    made: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl<T> Connection<T> {
    /// What is made of this page to show it sooner next time, kept as long as the page is. `None` the first time: most pages are
    /// shown once. Everyone makes the same `M`, which is to take about as much memory as the records at most.
    pub fn beside<M: Any + Send + Sync>(&self, make: impl FnOnce() -> M) -> Option<&M> {
        let Beside { shown, made } = &*self.beside;
        // Nobody waits for anybody here, so it does not matter who is the first.
        if !shown.load(Ordering::Relaxed) {
            shown.store(true, Ordering::Relaxed);
            return None;
        }
        made.get_or_init(|| Box::new(make())).downcast_ref()
    }

    /// The cursor of the edge at `index`. Sealed only when asked for.
    #[must_use]
    pub fn cursor(&self, index: usize) -> Option<&str> {
        (index < self.nodes.len()).then(|| self.behind(index + 1)).flatten()
    }

    /// The first edge's cursor.
    #[must_use]
    pub fn start_cursor(&self) -> Option<&str> {
        self.cursor(0)
    }

    /// Where the next page begins: the last edge's cursor, or further on where the gateway has read past it without a match.
    #[must_use]
    pub fn end_cursor(&self) -> Option<&str> {
        (self.short || !self.nodes.is_empty()).then(|| self.behind(self.nodes.len())).flatten()
    }

    /// The cursor behind the first `nodes` of these.
    fn behind(&self, nodes: usize) -> Option<&str> {
        let seal = || self.trail.cursor(self.first + nodes);
        self.sealed.get(nodes, self.nodes.len() + 1, seal)
    }

    /// The same page for whoever needs no call for it.
    pub(super) fn without_calls(&self) -> Self {
        let reports = self.reports.iter().map(|report| Report { upstream_calls: 0, ..report.clone() });
        Self {
            nodes: self.nodes.clone(),
            reports: reports.collect(),
            trail: Arc::clone(&self.trail),
            sealed: Arc::clone(&self.sealed),
            beside: Arc::clone(&self.beside),
            ..*self
        }
    }
}

impl<T: Record> Connection<T> {
    /// About how many bytes it holds: its records, as if no others held them, what is made of them, and all cursors that may be
    /// asked for.
    pub(super) fn weight(&self) -> usize {
        let nodes = 2 * self.nodes.iter().map(|node| node.weight() as usize).sum::<usize>();
        let stops = self.reports.len();
        let moves = &self.trail.moves;
        let moved = size_of_val(&**moves) + moves.iter().map(|(.., to)| to.weight()).sum::<usize>();
        nodes
            + moved
            + self.trail.places.len() * 96
            + (self.nodes.len() + 1) * (64 + stops * 96)
            + stops * 160
    }
}

/// How one source took part in one connection.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which.
    pub source: SourceId,
    /// Its vendor (the source itself may no longer be configured).
    pub vendor: Vendor,
    /// In one word.
    pub status: ReportStatus,
    /// Why not `Ok`.
    pub error: Option<SourceError>,
    /// A sentence for people, where there is more to say than the error's code does. Never personal data.
    pub note: Option<&'static str>,
    /// When the oldest data used was received from the vendor.
    pub fetched_at: Option<Timestamp>,
    /// Calls made for this answer.
    pub upstream_calls: u32,
    /// Records that could not be read and are not in the list.
    pub rejected_records: u32,
    /// Its edges may be newer than edges of earlier pages.
    pub catching_up: bool,
}

/// How a source took part, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReportStatus {
    /// All that was asked.
    Ok,
    /// Older data than usual, since the vendor fails.
    Stale,
    /// Some of what was asked.
    Partial,
    /// Nothing, since it failed.
    Failed,
    /// Nothing, since the vendor has no such list.
    Unsupported,
    /// Nothing, since nothing of it can match, or it is no longer configured.
    Skipped,
}

impl ReportStatus {
    /// The status as metrics name it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Stale => "stale",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Unsupported => "unsupported",
            Self::Skipped => "skipped",
        }
    }
}

/// Why there is no connection at all.
#[derive(Clone, Debug)]
pub enum GatherError {
    /// The client asked for something that cannot be; nothing was called.
    Input(InputError),
    /// No source could answer. The same request, the same cursor included, may be sent again.
    SourcesUnavailable {
        /// What each source said.
        failures: Vec<SourceError>,
        /// When that makes sense.
        retry_after: Option<Duration>,
    },
}

/// A source as the schema shows it.
#[derive(Clone, Debug)]
pub struct SourceView {
    /// Its name.
    pub id: SourceId,
    /// Its vendor.
    pub vendor: Vendor,
    /// What it can do.
    pub capabilities: Capabilities,
    /// How it is doing.
    pub health: Health,
    /// What is left of its calls.
    pub quota: Quota,
}

/// What a source can do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is its own fact, read by name only")]
pub struct Capabilities {
    /// Lists leads.
    pub leads: bool,
    /// Reads one lead by id (or finds it by a narrow list read).
    pub lead_by_id: bool,
    /// Changes leads.
    pub update_lead: bool,
    /// Lists conversations.
    pub conversations: bool,
    /// Reads one conversation by id (or finds it by a narrow list read).
    pub conversation_by_id: bool,
    /// How it lists interactions.
    pub interactions: InteractionListing,
    /// Has recordings.
    pub recordings: bool,
    /// Sends webhooks that leadgraph takes.
    pub webhooks: bool,
    /// Filters that the vendor runs itself.
    pub vendor_filters: Vec<&'static str>,
}

/// How a source lists interactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InteractionListing {
    /// Not at all.
    None,
    /// Of one lead at a time.
    PerLead,
    /// All of them.
    All,
}
