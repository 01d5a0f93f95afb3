//! A conversation, after normalization.

use jiff::Timestamp;

use super::id::{Key, NativeId, Vendor};
use super::interaction::{Direction, Interaction, InteractionKind, InteractionStatus};
use super::text::Json;

/// One talk with a person: a call, a chat, a thread.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// Which source, and the vendor's id.
    pub key: Key,
    /// The vendor of the source.
    pub vendor: Vendor,
    /// Where it took place.
    pub channel: Channel,
    /// The vendor's own word for the channel.
    pub vendor_channel: Option<String>,
    /// Who began it, where that is known.
    pub direction: Option<Direction>,
    /// How far it has come, as an interaction would say it.
    pub state: InteractionStatus,
    /// The vendor's own word for how far it has come.
    pub vendor_state: Option<String>,
    /// When it began, in whole milliseconds.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Its length in seconds.
    pub duration_seconds: Option<i64>,
    /// Turns, as the vendor counts them.
    pub turn_count: Option<i64>,
    /// The page on which it took place.
    pub page_url: Option<String>,
    /// A line to recognize it by.
    pub preview: Option<String>,
    /// The vendor's summary.
    pub summary: Option<String>,
    /// Who the customer is, in the vendor's words.
    pub customer: Option<String>,
    /// What was said; `None` where the vendor gave no transcript.
    pub transcript: Option<Vec<TranscriptTurn>>,
    /// Tools that the agent used.
    pub tool_calls: Vec<ToolCall>,
    /// The transcript and the tool calls may be cut short; a read by id has them whole.
    pub partial: bool,
    /// The recording, without its link.
    pub recording: Option<Recording>,
    /// When the vendor deletes it.
    pub expires_at: Option<Timestamp>,
    /// The vendor's id of its lead, where the vendor says it.
    pub lead: Option<NativeId>,
    /// The vendor's own object, secrets removed.
    pub raw: Option<Json>,
}

impl Conversation {
    /// The same talk seen as a touch in a lead's history.
    #[must_use]
    pub fn to_interaction(&self) -> Interaction {
        let kind = match self.channel {
            Channel::Voice => InteractionKind::Call,
            Channel::Sms => InteractionKind::Sms,
            Channel::Email => InteractionKind::Email,
            _ => InteractionKind::Chat,
        };
        Interaction {
            key: self.key.clone(),
            vendor: self.vendor,
            kind,
            vendor_kind: self.vendor_channel.clone(),
            status: self.state,
            vendor_status: self.vendor_state.clone(),
            direction: self.direction,
            occurred_at: self.started_at,
            updated_at: self.ended_at,
            summary: self.summary.clone(),
            customer: self.customer.clone(),
            transcript: self.transcript.clone(),
            partial: self.partial,
            call: None,
            sms: None,
            telephony: None,
            failure: None,
            lead: self.lead.clone(),
            raw: self.raw.clone(),
        }
    }
}

/// Where a conversation takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// A call.
    Voice,
    /// A chat on a website.
    WebChat,
    /// Text messages.
    Sms,
    /// E-mail.
    Email,
    /// `WhatsApp`.
    WhatsApp,
    /// Instagram.
    Instagram,
    /// Messenger.
    Messenger,
    /// Slack.
    Slack,
    /// Telegram.
    Telegram,
    /// Through the vendor's API.
    Api,
    /// A word that is not mapped.
    Other,
}

/// One turn of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptTurn {
    /// Who spoke.
    pub role: SpeakerRole,
    /// The vendor's word for who spoke.
    pub vendor_role: Option<String>,
    /// What was said.
    pub text: String,
    /// When.
    pub at: Option<Timestamp>,
    /// Milliseconds since the conversation began.
    pub offset_ms: Option<i64>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpeakerRole {
    /// The vendor's agent.
    Agent,
    /// The person.
    User,
    /// The system.
    System,
    /// A word that is not mapped.
    Other,
}

/// A tool that the agent used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// What it was given. Personal data.
    pub args: Option<Json>,
}

/// A recording. Its link is minted when asked for and never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The media type.
    pub mime_type: Option<String>,
    /// The size in bytes.
    pub size_bytes: Option<u64>,
}

/// A link to a recording. Never cached, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordingLink {
    /// Where it can be fetched.
    pub url: String,
    /// Until when.
    pub expires_at: Option<Timestamp>,
}

impl std::fmt::Debug for RecordingLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordingLink").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}
