//! What a client asks: filters over all sources, and the page it wants; and how a wrong one is refused.

use jiff::Timestamp;

use crate::model::conversation::Channel;
use crate::model::id::{Key, SourceId, Vendor};
use crate::model::interaction::{Direction, InteractionKind};
use crate::model::lead::LeadStatus;

/// A page as Relay asks for it, not yet checked. At most one of `first` and `last`; 25 if neither is given, 100 at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Paging {
    /// How many from the front (or from `after`).
    pub first: Option<i32>,
    /// Behind this cursor.
    pub after: Option<String>,
    /// How many from the end (or before `before`).
    pub last: Option<i32>,
    /// Before this cursor.
    pub before: Option<String>,
}

/// A range of time: `from` inclusive, `to` exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// From here on.
    pub from: Option<Timestamp>,
    /// Up to before here.
    pub to: Option<Timestamp>,
}

/// Which sources a filter allows. Absent lists allow all; a list means any of; both lists must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SourceFilter {
    /// By name.
    pub sources: Option<Vec<SourceId>>,
    /// By vendor.
    pub vendors: Option<Vec<Vendor>>,
}

/// Which leads. All given members must hold; a list means any of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LeadFilter {
    /// Of which sources.
    pub of: SourceFilter,
    /// By status. `Unknown` also matches leads of vendors that keep no status.
    pub status: Option<Vec<LeadStatus>>,
    /// By creation.
    pub created: TimeRange,
    /// Exactly this address, whatever its case.
    pub email: Option<String>,
    /// Exactly this number, by E.164 where that is certain.
    pub phone: Option<String>,
    /// Contained in name, e-mail, phone or a note, whatever its case.
    pub text: Option<String>,
    /// Whether the lead names its conversation.
    pub has_conversation: Option<bool>,
}

/// Which conversations. All given members must hold; a list means any of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConversationFilter {
    /// Of which sources.
    pub of: SourceFilter,
    /// By channel.
    pub channel: Option<Vec<Channel>>,
    /// By beginning.
    pub started: TimeRange,
    /// Whether there is a recording.
    pub has_recording: Option<bool>,
    /// Contained in preview, summary, customer or a turn, whatever its case.
    pub text: Option<String>,
}

/// Which interactions. All given members must hold; a list means any of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct InteractionFilter {
    /// Of which sources.
    pub of: SourceFilter,
    /// Of which leads, at most 100.
    pub leads: Option<Vec<Key>>,
    /// By kind.
    pub kind: Option<Vec<InteractionKind>>,
    /// By direction.
    pub direction: Option<Vec<Direction>>,
    /// By beginning.
    pub occurred: TimeRange,
}

/// A conversation to look up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConversationKey {
    /// Which.
    pub key: Key,
    /// About when it took place, where that is known: many conversations of one period are found by few list reads.
    pub near: Option<Timestamp>,
    /// Whether the whole transcript is wanted. If not, a list item that may be cut short will do.
    pub whole: bool,
}

/// Something a client asked for that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// For programs.
    pub code: InputCode,
    /// For people: what is wrong and what to do. Never echoes personal data.
    pub message: String,
}

/// What is wrong with an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputCode {
    /// An argument that cannot be: out of range, contradicting, matching nothing.
    BadUserInput,
    /// More than the caller may ask.
    Forbidden,
    /// An id that leadgraph did not make, or of another type or unknown source.
    BadId,
    /// A cursor that leadgraph did not make, or for someone else.
    CursorInvalid,
    /// A cursor older than 24 hours.
    CursorExpired,
    /// A cursor made under another filter or on another field.
    CursorFilterMismatch,
    /// Backward paging too far from the head.
    BackwardLimit,
}
