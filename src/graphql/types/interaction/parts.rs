//! What an interaction is made of.

use async_graphql::{Enum, SimpleObject};

use crate::graphql::types::int;
use crate::graphql::types::recording::Recording;
use crate::model::id::Key;
use crate::model::interaction as model;

/// What an interaction is.
#[derive(Clone, Copy, PartialEq, Eq, Enum, Debug)]
#[graphql(remote = "model::InteractionKind")]
pub(in crate::graphql) enum InteractionKind {
    /// A call, by telephone or in the browser.
    Call,
    /// An SMS thread.
    Sms,
    /// An e-mail thread.
    Email,
    /// A chat, on a website or a messaging channel.
    Chat,
    /// The vendor's word is not mapped; see `vendorKind`.
    Other,
}

/// How an interaction went, in groups that all vendors' words are mapped to.
#[derive(Clone, Copy, PartialEq, Eq, Enum, Debug)]
#[graphql(remote = "model::InteractionStatus")]
pub(in crate::graphql) enum InteractionStatus {
    /// It is going on, or about to begin.
    InProgress,
    /// It ended as it should.
    Completed,
    /// It broke off.
    Incomplete,
    /// It reached a mailbox.
    Voicemail,
    /// Nobody answered.
    NoAnswer,
    /// Nobody was reached, and all attempts are used up.
    Unreachable,
    /// It is to be continued.
    FollowUp,
    /// It ended with a real opportunity.
    Qualified,
    /// It ended without one.
    Disqualified,
    /// The vendor's word is not mapped, or there is none; see `vendorStatus`.
    Unknown,
}

/// Who began an interaction.
#[derive(Clone, Copy, PartialEq, Eq, Enum, Debug)]
#[graphql(remote = "model::Direction")]
pub(in crate::graphql) enum Direction {
    /// The person.
    Inbound,
    /// The vendor's agent.
    Outbound,
}

/// About a call.
#[derive(SimpleObject)]
pub(in crate::graphql) struct CallDetails {
    /// Where it came from, in the vendor's word.
    origin: Option<String>,
    /// Its length in seconds.
    duration_seconds: Option<i32>,
    /// Whether a person spoke; null where the vendor does not tell.
    spoken_to: Option<bool>,
    /// Why it ended, in the vendor's word.
    termination_reason: Option<String>,
    /// The recording; null where there is none.
    recording: Option<Recording>,
    /// The voice agent that led the call.
    agent: Option<VoiceAgent>,
}

impl CallDetails {
    /// The call of the interaction `of`.
    pub(super) fn new(of: &Key, call: &model::CallDetails) -> Self {
        Self {
            origin: call.origin.clone(),
            duration_seconds: call.duration_seconds.map(int),
            spoken_to: call.spoken_to,
            termination_reason: call.termination_reason.clone(),
            recording: call.recording.as_ref().map(|recording| Recording::new(of, recording)),
            agent: call.agent.as_ref().map(VoiceAgent::from),
        }
    }
}

/// A voice agent.
#[derive(SimpleObject)]
pub(in crate::graphql) struct VoiceAgent {
    /// The company that runs it, in the vendor's word.
    provider: Option<String>,
    /// Its id there.
    agent_id: Option<String>,
    /// The conversation's id there.
    conversation_id: Option<String>,
}

impl From<&model::VoiceAgent> for VoiceAgent {
    fn from(agent: &model::VoiceAgent) -> Self {
        let model::VoiceAgent { provider, agent_id, conversation_id } = agent.clone();
        Self { provider, agent_id, conversation_id }
    }
}

/// About an SMS thread.
#[derive(SimpleObject)]
pub(in crate::graphql) struct SmsDetails {
    /// Whether an agent answers the messages; null where the vendor does not tell.
    agent_mode: Option<bool>,
}

impl From<&model::SmsDetails> for SmsDetails {
    fn from(sms: &model::SmsDetails) -> Self {
        Self { agent_mode: sms.agent_mode }
    }
}

/// The line an interaction went over.
#[derive(SimpleObject)]
pub(in crate::graphql) struct Telephony {
    /// The company that runs the line, in the vendor's word.
    provider: Option<String>,
    /// The call's or message's id there. Masked without the scope `pii:read`, as `***`.
    message_id: Option<String>,
    /// The number on the vendor's side of the line. Masked without the scope `pii:read`, as `+*********60`.
    phone_number: Option<String>,
}

impl From<&model::Telephony> for Telephony {
    fn from(telephony: &model::Telephony) -> Self {
        let model::Telephony { provider, message_id, phone_number } = telephony.clone();
        Self { provider, message_id, phone_number }
    }
}

/// What went wrong in an interaction, as the vendor tells it.
#[derive(SimpleObject)]
pub(in crate::graphql) struct InteractionFailure {
    /// The vendor's code.
    code: Option<String>,
    /// The vendor's words. Masked without the scope `pii:read`, as `***`.
    message: Option<String>,
}

impl From<&model::InteractionFailure> for InteractionFailure {
    fn from(failure: &model::InteractionFailure) -> Self {
        let model::InteractionFailure { code, message } = failure.clone();
        Self { code, message }
    }
}
