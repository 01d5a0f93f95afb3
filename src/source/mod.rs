//! Verbs: what a source can be asked. A source has a verb or it does not; its presence is the capability.
//!
//! `vendors/` implements these traits, `gather/` calls their erased twins (`erased.rs`), and neither knows the other.
//! Nobody implements `Source` by wrapping a `Source`: politeness and caching live in other rooms.

mod erased;
mod webhook;

use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use jiff::Timestamp;

pub use self::erased::{DynDiscovery, DynHistories, DynList, DynRead, DynRecordings, DynWrite};
pub use self::webhook::{Delivery, Hint, News, Person, Refusal, Subject, Told, Webhook};
use crate::model::caps::{ConversationCaps, LeadCaps};
use crate::model::conversation::{Channel, Conversation, RecordingLink};
use crate::model::cx::Cx;
use crate::model::failure::SourceError;
use crate::model::id::{NativeId, SourceId, Vendor};
use crate::model::interaction::Interaction;
use crate::model::lead::{Lead, LeadStatus};
use crate::model::page::{Page, PageToken};
use crate::model::source::{Health, Quota};
use crate::model::write::{Answered, LeadEdit, LeadReview, LeadUpdate, Misfit, Prior, WriteFailure};

/// One configured account at a vendor, as small as the vendor tells its records apart: a site, an agent, a tenant.
///
/// An adapter implements the verbs its vendor has and returns itself from their accessors.
pub trait Source: Send + Sync + 'static {
    /// Its public name.
    fn id(&self) -> &SourceId;
    /// Its vendor.
    fn vendor(&self) -> Vendor;
    /// How it is doing.
    fn health(&self) -> Health;
    /// What is left of its calls.
    fn quota(&self) -> Quota;
    /// How many reads one request may have under way there at the same time: more would only wait, or make others wait. 8, where
    /// nothing is known.
    fn side_by_side(&self) -> usize {
        8
    }
    /// Lists leads.
    fn leads(&self) -> Option<&dyn DynList<Lead>> {
        None
    }
    /// Reads one lead.
    fn lead_by_id(&self) -> Option<&dyn DynRead<Lead>> {
        None
    }
    /// Lists conversations.
    fn conversations(&self) -> Option<&dyn DynList<Conversation>> {
        None
    }
    /// Reads one conversation, whole.
    fn conversation_by_id(&self) -> Option<&dyn DynRead<Conversation>> {
        None
    }
    /// Reads one interaction. Absent where interactions are the source's conversations.
    fn interaction_by_id(&self) -> Option<&dyn DynRead<Interaction>> {
        None
    }
    /// Lists the interactions of one lead. Absent where interactions are the source's conversations.
    fn histories(&self) -> Option<&dyn DynHistories> {
        None
    }
    /// Mints links to recordings.
    fn recordings(&self) -> Option<&dyn DynRecordings> {
        None
    }
    /// Changes leads.
    fn lead_update(&self) -> Option<&dyn DynWrite<LeadUpdate>> {
        None
    }
    /// Decides about leads.
    fn lead_review(&self) -> Option<&dyn DynWrite<LeadReview>> {
        None
    }
    /// Whether its account takes webhooks, so that news of it come by themselves.
    fn webhooks(&self) -> bool {
        false
    }
}

/// An entity that vendors list page by page.
pub trait Listed: Send + Sync + Sized + 'static {
    /// The part of a client's filter that one source is asked to run. Part of cache keys.
    type Query: Clone + Debug + Eq + Hash + Send + Sync;
    /// How well a source lists it.
    type Caps: Send;
}

impl Listed for Lead {
    type Query = LeadQuery;
    type Caps = LeadCaps;
}

impl Listed for Conversation {
    type Query = ConversationQuery;
    type Caps = ConversationCaps;
}

/// A span of time: `since` inclusive, `until` exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// From here on; `None`: from the beginning.
    pub since: Option<Timestamp>,
    /// Up to before here; `None`: up to now.
    pub until: Option<Timestamp>,
}

/// What one source is asked for leads. `gather/plan.rs` sets only what the source's caps allow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LeadQuery {
    /// By creation.
    pub created: Span,
    /// One unified status, which the source has exactly one word for.
    pub status: Option<LeadStatus>,
    /// An e-mail address, trimmed and in lower case. The source may answer more than asked for, never less.
    pub email: Option<Arc<str>>,
}

/// What one source is asked for conversations. `gather/plan.rs` sets only what the source's caps allow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConversationQuery {
    /// By beginning.
    pub started: Span,
    /// Any of these channels, each of which the source has exactly one word for; empty: all.
    pub channels: Vec<Channel>,
    /// Only those with a recording.
    pub has_recording: bool,
}

/// Lists an entity.
pub trait List<T: Listed>: Send + Sync {
    /// How well.
    fn caps(&self) -> T::Caps;

    /// Reads the page that begins at `from`, or the first one.
    ///
    /// # Errors
    /// `StaleToken` where the vendor does not know the token (any longer), `NotFound` where the account itself is
    /// unknown (a wrong setting), and whatever `upstream` says.
    fn page(
        &self,
        cx: &Cx,
        query: &T::Query,
        from: Option<&PageToken>,
    ) -> impl Future<Output = Result<Page<T>, SourceError>> + Send;
}

/// Reads one record by its id.
pub trait Read<T: 'static>: Send + Sync {
    /// The record, or `None` where the vendor has none of that id for this account.
    fn get(&self, cx: &Cx, id: &NativeId) -> impl Future<Output = Result<Option<T>, SourceError>> + Send;
}

/// Lists what happened with one lead.
pub trait Histories: Send + Sync {
    /// All interactions of the lead, in the vendor's order; an unknown lead has none. `next` is always `None`.
    fn of_lead(
        &self,
        cx: &Cx,
        lead: &NativeId,
    ) -> impl Future<Output = Result<Page<Interaction>, SourceError>> + Send;
}

/// Mints links to recordings.
pub trait Recordings: Send + Sync {
    /// A fresh link to the recording of a conversation (or interaction), or `None` where there is no recording.
    /// The caller neither keeps nor logs it.
    fn link(
        &self,
        cx: &Cx,
        id: &NativeId,
    ) -> impl Future<Output = Result<Option<RecordingLink>, SourceError>> + Send;
}

/// Changes leads in one way. Whether a write may be sent at all, and what its outcome means, is the caller's.
pub trait Write<C: Send + Sync + 'static>: Send + Sync {
    /// The change in the vendor's words. Makes no call.
    ///
    /// # Errors
    /// Where the vendor has no words for it.
    fn edit(&self, change: &C) -> Result<LeadEdit, Misfit>;

    /// Reads the lead that is to be changed, or that was; `None` where the vendor has none of that id for this account.
    fn prior(
        &self,
        cx: &Cx,
        id: &NativeId,
    ) -> impl Future<Output = Result<Option<Prior>, SourceError>> + Send;

    /// Sends the change of the lead that was just read, at most once.
    ///
    /// # Errors
    /// With what became of the write.
    fn write(
        &self,
        cx: &Cx,
        prior: &Prior,
        edit: &LeadEdit,
    ) -> impl Future<Output = Result<Answered, WriteFailure>> + Send;
}

/// Finds out which sources an account has, where the vendor can tell.
pub trait Discovery: Send + Sync {
    /// All sources of the account as of now.
    fn discover(&self, cx: &Cx) -> impl Future<Output = Result<Vec<Arc<dyn Source>>, SourceError>> + Send;
}
