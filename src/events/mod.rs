//! What has happened at the sources: kept for a while, in one order, for everyone who listens.
//!
//! Whoever learns of something (a webhook, a poll, a write, a source's health) calls [`Log::publish`]; `graphql/` listens
//! with [`Log::listen`]. An event holds the records it is about, so telling it to many costs no call. Deliberately absent:
//! who may hear what, which is decided where nodes are made.

mod cursor;
mod echo;
mod inbox;
mod log;
mod poll;
mod seen;
mod states;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub use self::cursor::BadCursor;
pub use self::inbox::{Circumstances, Inbox, InboxSettings, SentAway};
pub use self::log::{Heard, Listener, Log, Mark, Overrun};
pub use self::poll::{Looked, PollSettings, poll};
pub use self::seen::{Told, ToldTo};
pub use self::states::watch;
use crate::gather::record::Record;
use crate::model::conversation::Conversation;
use crate::model::id::{SourceId, Vendor};
use crate::model::interaction::Interaction;
use crate::model::lead::Lead;

/// How much of the past is kept. Every bound has a finite default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The most events that are kept. 10,000.
    pub max_events: usize,
    /// The most memory for events that are kept, the newest one apart, which is always kept. 8 MiB.
    pub max_bytes: usize,
    /// How long events are kept. 1 h.
    pub max_age: Duration,
    /// How many events may wait for one listener, those it asked to have replayed apart. 256.
    pub max_waiting: usize,
    /// How webhooks are worked off.
    pub inbox: InboxSettings,
    /// How often what no webhook tells is looked for.
    pub poll: PollSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_events: 10_000,
            max_bytes: 8 * 1024 * 1024,
            max_age: Duration::from_secs(3600),
            max_waiting: 256,
            inbox: InboxSettings::default(),
            poll: PollSettings::default(),
        }
    }
}

/// Something that happened at a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// Where.
    pub source: SourceId,
    /// The source's vendor.
    pub vendor: Vendor,
    /// When it happened, where that is known.
    pub occurred_at: Option<Timestamp>,
    /// When the gateway learned of it.
    pub received_at: Timestamp,
    /// The lead it is about, as read from the vendor after it happened.
    pub lead: Option<Arc<Lead>>,
    /// The conversation it is about.
    pub conversation: Option<Arc<Conversation>>,
    /// The interaction it is about.
    pub interaction: Option<Arc<Interaction>>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// There is a new lead.
    LeadCreated,
    /// A lead has changed.
    LeadUpdated,
    /// A conversation is over.
    ConversationEnded,
    /// A recording can be fetched.
    RecordingReady,
    /// A lead's history has grown.
    InteractionAdded,
    /// A source is doing better or worse than before.
    SourceStateChanged,
    /// What has happened at the source could not be found out: what is shown of its records must be read anew.
    Missed,
}

impl Event {
    /// An event that is about no record yet.
    #[must_use]
    pub fn new(kind: EventKind, source: SourceId, vendor: Vendor, received_at: Timestamp) -> Self {
        Self {
            kind,
            source,
            vendor,
            occurred_at: None,
            received_at,
            lead: None,
            conversation: None,
            interaction: None,
        }
    }

    /// About how many bytes it holds.
    fn weight(&self) -> usize {
        let records = [
            self.lead.as_ref().map(|lead| lead.weight()),
            self.conversation.as_ref().map(|conversation| conversation.weight()),
            self.interaction.as_ref().map(|interaction| interaction.weight()),
        ];
        let records = records.into_iter().flatten().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        records.fold(size_of::<Self>() + 64, usize::saturating_add)
    }
}
