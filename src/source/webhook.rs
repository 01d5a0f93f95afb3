//! What vendors tell by themselves: an account reads the deliveries of its webhook, or does not take any.
//!
//! What is told is a [`Hint`], never data: the record itself is read from the vendor. So a delivery that is old, repeated or out
//! of order can do no harm.

use http::HeaderMap;
use jiff::Timestamp;

use crate::model::id::{NativeId, SourceId};

/// Reads the deliveries of one account's webhook.
pub trait Webhook: Send + Sync {
    /// What a delivery tells, once it is known that the vendor sent it.
    ///
    /// # Errors
    /// `Unproven` where that is not known; `Unreadable` where the vendor sent it and it is not what the vendor documents.
    fn read(&self, delivery: &Delivery<'_>) -> Result<Told, Refusal>;
}

/// One request that may have come from a vendor.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The body, byte for byte: signatures are over these bytes.
    pub body: &'a [u8],
    /// The wall clock as it came in.
    pub now: Timestamp,
}

/// Why a delivery is refused. The sender is told no more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing shows that the vendor sent it, and just now.
    Unproven,
    /// The vendor sent it, and it cannot be read.
    Unreadable,
}

/// What a delivery tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What all deliveries of one event have in common, and no others: a hash.
    pub mark: [u8; 32],
    /// What happened; `None` where it is nothing that a source of ours would show.
    pub hint: Option<Hint>,
}

/// Something has happened at a source. To be believed only after it was read there.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Hint {
    /// Where.
    pub source: SourceId,
    /// What.
    pub news: News,
    /// To what.
    pub subject: Subject,
    /// When, as far as the vendor tells.
    pub at: Option<Timestamp>,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum News {
    /// A lead was captured.
    LeadCreated,
    /// A lead has changed.
    LeadUpdated,
    /// A conversation has begun.
    ConversationStarted,
    /// A conversation goes on.
    ConversationChanged,
    /// A conversation has ended.
    ConversationEnded,
    /// A conversation has its recording.
    RecordingReady,
}

impl News {
    /// Whether it is about a lead, not a conversation.
    #[must_use]
    pub fn is_of_lead(self) -> bool {
        matches!(self, Self::LeadCreated | Self::LeadUpdated)
    }
}

/// To what it happened, as the vendor names it. Without `Debug`: it may be a person.
#[expect(missing_debug_implementations, reason = "may hold personal data")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The lead of this id.
    Lead(NativeId),
    /// The conversation of this id.
    Conversation(NativeId),
    /// The lead of a person, whose id the vendor does not tell.
    Person(Person),
    /// The vendor does not say.
    Unnamed,
}

/// How a vendor describes the lead that it does not name.
#[expect(missing_debug_implementations, reason = "is personal data")]
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Person {
    /// The e-mail address, as received.
    pub email: Option<String>,
    /// The phone number, as received.
    pub phone: Option<String>,
    /// The name, as received.
    pub name: Option<String>,
    /// The conversation in which the lead was captured. Nothing else links the two where leads do not name theirs.
    pub conversation: Option<NativeId>,
}

impl std::fmt::Debug for Hint {
    /// Leaves out the subject, which may be a person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hint").field("source", &self.source).field("news", &self.news).finish_non_exhaustive()
    }
}
