//! What belongs to one request: its circumstances, its loaders, the lists it has read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use async_graphql::Context;

use super::error::ClientError;
use super::loaders::Loaders;
use super::mask::{Mask, Shown};
use super::memo::Memo;
use crate::gather::Gather;
use crate::gather::answer::{Connection, Report, ReportStatus, SourceView};
use crate::gather::request::{ConversationFilter, InteractionFilter, LeadFilter, Paging};
use crate::model::conversation::{Conversation, RecordingLink};
use crate::model::cx::Cx;
use crate::model::id::Key;
use crate::model::id::SourceId;
use crate::model::interaction::Interaction;
use crate::model::lead::Lead;

/// A page of a merged list, or why there is none.
pub(super) type Answered<T> = Result<Arc<Connection<T>>, ClientError>;

/// What belongs to one request.
pub(super) struct State {
    /// All sources.
    pub(super) gather: Gather,
    /// The circumstances.
    pub(super) cx: Cx,
    /// Look-ups by key, once there are any.
    loaders: OnceLock<Box<Loaders>>,
    /// Lists of leads.
    pub(super) leads: Memo<(LeadFilter, Paging), Answered<Lead>>,
    /// Lists of conversations.
    pub(super) conversations: Memo<(ConversationFilter, Paging), Answered<Conversation>>,
    /// Lists of interactions.
    pub(super) interactions: Memo<(InteractionFilter, Paging), Answered<Interaction>>,
    /// Links to recordings, made for this answer alone.
    pub(super) links: Memo<Key, Result<Option<RecordingLink>, ClientError>>,
    /// Whether the answer is of this moment only.
    pub(super) passing: Passing,
    /// Whether lists may be written instead of resolved: none of them is to be merged with another.
    pub(super) writes_lists: bool,
}

/// Whether an answer holds what is not to be used again: a list that is not whole, data that is old already, a link that
/// soon expires. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Passing(Arc<AtomicBool>);

impl Passing {
    /// Marks the answer.
    pub(super) fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Marks the answer where a page in it is not whole, or older than usual.
    fn mark_page<T>(&self, page: &Connection<T>) {
        let lacking = |report: &Report| {
            matches!(report.status, ReportStatus::Stale | ReportStatus::Partial | ReportStatus::Failed)
        };
        if page.incomplete || page.reports.iter().any(lacking) {
            self.mark();
        }
    }

    /// Whether it is marked.
    pub(super) fn holds(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl State {
    /// The state of a new request.
    pub(super) fn new(gather: Gather, cx: Cx) -> Self {
        Self {
            loaders: OnceLock::new(),
            gather,
            cx,
            leads: Memo::default(),
            conversations: Memo::default(),
            interactions: Memo::default(),
            links: Memo::default(),
            passing: Passing::default(),
            writes_lists: false,
        }
    }

    /// The state of the request that a resolver works for.
    ///
    /// # Errors
    /// `INTERNAL` where the schema was executed without sources.
    pub(super) fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self, ClientError> {
        ctx.data_opt().ok_or(ClientError::Internal)
    }

    /// Look-ups by key.
    pub(super) fn loaders(&self) -> &Loaders {
        self.loaders.get_or_init(|| Box::new(Loaders::new(&self.gather, &self.cx)))
    }

    /// Notes what makes the answer one of this moment where a page in it is not whole, is older than usual, or tells of the
    /// calls it took: whoever asks next needs none.
    pub(super) fn note_page<T>(&self, page: &Connection<T>, tells_calls: impl FnOnce() -> bool) {
        self.passing.mark_page(page);
        if page.reports.iter().any(|report| report.upstream_calls > 0) && tells_calls() {
            self.cx.meter.ground.pass();
        }
    }

    /// A record as whoever asks may see it.
    pub(super) fn show<T: Mask>(&self, record: Arc<T>) -> Shown<T> {
        Shown::to(&self.cx.caller, record)
    }

    /// A source, where it exists for whoever asks.
    pub(super) fn source(&self, id: &SourceId) -> Option<SourceView> {
        self.gather.source(&self.cx.caller, id)
    }
}
