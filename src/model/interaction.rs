//! An interaction, after normalization.

use jiff::Timestamp;

use super::conversation::{Channel, Conversation, Recording, SpeakerRole, TranscriptTurn};
use super::id::{Key, NativeId, Vendor};
use super::text::{Json, present};

/// One touch in a lead's history: a call, an SMS or e-mail thread, a chat.
#[derive(Clone, Debug, PartialEq)]
pub struct Interaction {
    /// Which source, and the vendor's id.
    pub key: Key,
    /// The vendor of the source.
    pub vendor: Vendor,
    /// What it is.
    pub kind: InteractionKind,
    /// The vendor's own word.
    pub vendor_kind: Option<String>,
    /// How it went.
    pub status: InteractionStatus,
    /// The vendor's own word.
    pub vendor_status: Option<String>,
    /// Who began it.
    pub direction: Option<Direction>,
    /// When it began, in whole milliseconds.
    pub occurred_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
    /// The vendor's summary.
    pub summary: Option<String>,
    /// Who the customer is, in the vendor's words.
    pub customer: Option<String>,
    /// What was said; `None` where the vendor gave no transcript.
    pub transcript: Option<Vec<TranscriptTurn>>,
    /// The transcript may be cut short; a read by id has it whole.
    pub partial: bool,
    /// About a call.
    pub call: Option<CallDetails>,
    /// About an SMS thread.
    pub sms: Option<SmsDetails>,
    /// The line it went over.
    pub telephony: Option<Telephony>,
    /// What went wrong.
    pub failure: Option<InteractionFailure>,
    /// The vendor's id of its lead.
    pub lead: Option<NativeId>,
    /// The vendor's own object, secrets and recording links removed.
    pub raw: Option<Json>,
}

impl Interaction {
    /// The same touch seen as a conversation.
    #[must_use]
    pub fn to_conversation(&self) -> Conversation {
        let channel = match self.kind {
            InteractionKind::Call => Channel::Voice,
            InteractionKind::Sms => Channel::Sms,
            InteractionKind::Email => Channel::Email,
            InteractionKind::Chat => Channel::WebChat,
            InteractionKind::Other => Channel::Other,
        };
        let turns = self.transcript.as_ref();
        let first_words = turns.and_then(|turns| {
            let mut of_user = turns.iter().filter(|turn| turn.role == SpeakerRole::User);
            let words = of_user.find_map(|turn| present(&turn.text))?;
            Some(words.chars().take(200).collect())
        });
        Conversation {
            key: self.key.clone(),
            vendor: self.vendor,
            channel,
            vendor_channel: self.vendor_kind.clone(),
            direction: self.direction,
            state: self.status,
            vendor_state: self.vendor_status.clone(),
            started_at: self.occurred_at,
            ended_at: None,
            duration_seconds: self.call.as_ref().and_then(|call| call.duration_seconds),
            turn_count: turns.and_then(|turns| i64::try_from(turns.len()).ok()),
            page_url: None,
            preview: self.summary.clone().or(first_words),
            summary: self.summary.clone(),
            customer: self.customer.clone(),
            transcript: self.transcript.clone(),
            tool_calls: Vec::new(),
            partial: self.partial,
            recording: self.call.as_ref().and_then(|call| call.recording.clone()),
            expires_at: None,
            lead: self.lead.clone(),
            raw: self.raw.clone(),
        }
    }
}

/// What an interaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InteractionKind {
    /// A call.
    Call,
    /// An SMS thread.
    Sms,
    /// An e-mail thread.
    Email,
    /// A chat.
    Chat,
    /// A word that is not mapped.
    Other,
}

/// How an interaction went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InteractionStatus {
    /// Going on.
    InProgress,
    /// Ended as it should.
    Completed,
    /// Broke off.
    Incomplete,
    /// Reached a mailbox.
    Voicemail,
    /// Nobody answered.
    NoAnswer,
    /// All attempts used up.
    Unreachable,
    /// To be continued.
    FollowUp,
    /// Ended with a real opportunity.
    Qualified,
    /// Ended without one.
    Disqualified,
    /// A word that is not mapped, or none.
    Unknown,
}

/// Who began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// The person.
    Inbound,
    /// The vendor's agent.
    Outbound,
}

/// About a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallDetails {
    /// Where it came from, in the vendor's word.
    pub origin: Option<String>,
    /// Its length in seconds.
    pub duration_seconds: Option<i64>,
    /// Whether a person spoke.
    pub spoken_to: Option<bool>,
    /// Why it ended.
    pub termination_reason: Option<String>,
    /// The recording, without its link.
    pub recording: Option<Recording>,
    /// The voice agent that led it.
    pub agent: Option<VoiceAgent>,
}

/// A voice agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoiceAgent {
    /// Who runs it.
    pub provider: Option<String>,
    /// Its id there.
    pub agent_id: Option<String>,
    /// The conversation's id there.
    pub conversation_id: Option<String>,
}

/// About an SMS thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmsDetails {
    /// Whether an agent answers.
    pub agent_mode: Option<bool>,
}

/// The line an interaction went over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telephony {
    /// Who runs it.
    pub provider: Option<String>,
    /// The message's id there.
    pub message_id: Option<String>,
    /// The number on our side.
    pub phone_number: Option<String>,
}

/// What went wrong in an interaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InteractionFailure {
    /// The vendor's code.
    pub code: Option<String>,
    /// The vendor's words.
    pub message: Option<String>,
}
