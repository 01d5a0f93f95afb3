//! What LeadSail sends, as it is: every field may be missing, null or of another type, except the id (`lenient.rs`). Nothing
//! here borrows from the body, and nothing here is known outside this folder.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::moment::Moment;
use super::lenient::{Entries, ListOrMap, OneOrMany, Text, loose, loose_object, rows};

/// The envelope of a success; what `success` says has been judged by the dialect already.
#[derive(Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) data: T,
}

/// The data of a list of leads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LeadList {
    #[serde(deserialize_with = "rows")]
    pub(super) leads: Vec<Box<RawValue>>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) next_cursor: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) has_more: Option<Text>,
}

/// The data of a list of interactions.
#[derive(Deserialize)]
pub(super) struct InteractionList {
    #[serde(deserialize_with = "rows")]
    pub(super) interactions: Vec<Box<RawValue>>,
}

/// A lead, as a detail or as a list item (LEADSAIL-9).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Lead {
    pub(super) lead_id: Text,
    #[serde(default, deserialize_with = "loose_object")]
    pub(super) campaign: Option<Campaign>,
    #[serde(default, deserialize_with = "loose_object")]
    pub(super) approval: Option<Approval>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) first_name: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) last_name: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) email: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) phone: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) status: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) detail: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) notes: Option<OneOrMany>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) questionnaire: Option<ListOrMap>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) custom_fields: Option<Entries>,
    #[serde(default)]
    pub(super) attribution: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "loose_object")]
    pub(super) flags: Option<Flags>,
    #[serde(default)]
    pub(super) created_at: Moment,
    #[serde(default)]
    pub(super) updated_at: Moment,
    /// Only looked at where there is no creation, so it is not read before.
    #[serde(default)]
    pub(super) latest_submitted_at: Option<Box<RawValue>>,
    #[serde(default)]
    pub(super) last_activity_at: Moment,
}

/// The campaign as a lead tells it. Narrow on purpose: `webhooks` may stand beside it (LEADSAIL-20).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Campaign {
    pub(super) campaign_id: Text,
    #[serde(default, deserialize_with = "loose")]
    pub(super) name: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) client_name: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) offer_name: Option<Text>,
}

/// The review of a lead.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Approval {
    pub(super) status: Text,
    #[serde(default, deserialize_with = "loose")]
    pub(super) reason: Option<Text>,
    #[serde(default)]
    pub(super) decided_at: Moment,
    #[serde(default, deserialize_with = "loose")]
    pub(super) decided_by: Option<Text>,
}

/// A note.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Note {
    #[serde(default, deserialize_with = "loose")]
    pub(super) id: Option<Text>,
    pub(super) text: Text,
    #[serde(default)]
    pub(super) created_at: Moment,
    #[serde(default, deserialize_with = "loose")]
    pub(super) created_by: Option<Text>,
}

/// An answer in a questionnaire.
#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default, deserialize_with = "loose")]
    pub(super) key: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) question: Option<Text>,
    #[serde(default)]
    pub(super) answer: Option<Box<RawValue>>,
}

/// What of the attribution has a place of its own.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attribution {
    #[serde(default, deserialize_with = "loose")]
    pub(super) capture_url: Option<Text>,
}

/// The two flags that are documented (LEADSAIL-33).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Flags {
    #[serde(default, deserialize_with = "loose")]
    pub(super) is_test: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) is_dnc: Option<Text>,
}

/// An interaction.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Interaction {
    pub(super) interaction_id: Text,
    #[serde(default, deserialize_with = "loose")]
    pub(super) lead_id: Option<Text>,
    #[serde(default, rename = "type", deserialize_with = "loose")]
    pub(super) kind: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) status: Option<Text>,
    #[serde(default, deserialize_with = "loose_object")]
    pub(super) telephony: Option<Telephony>,
    #[serde(default, deserialize_with = "loose_object")]
    pub(super) call: Option<Call>,
    #[serde(default, deserialize_with = "loose_object")]
    pub(super) sms: Option<Sms>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) summary: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) transcript: Option<Vec<Box<RawValue>>>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) error_code: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) error_message: Option<Text>,
    #[serde(default)]
    pub(super) created_at: Moment,
    #[serde(default)]
    pub(super) updated_at: Moment,
}

/// The line of an interaction.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Telephony {
    #[serde(default, deserialize_with = "loose")]
    pub(super) provider: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) message_id: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) phone_number: Option<Text>,
}

/// A call. `recording_url` is read to see that there is one, and to mint a link; it goes no further (LEADSAIL-26).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Call {
    #[serde(default, deserialize_with = "loose")]
    pub(super) source: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) direction: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) duration: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) recording_url: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) termination_reason: Option<Text>,
    #[serde(default, rename = "voiceAI", deserialize_with = "loose_object")]
    pub(super) voice_ai: Option<VoiceAi>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) spoken_to: Option<Text>,
}

/// The voice agent of a call.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VoiceAi {
    #[serde(default, deserialize_with = "loose")]
    pub(super) provider: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) agent_id: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) conversation_id: Option<Text>,
}

/// An SMS thread.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sms {
    #[serde(default, deserialize_with = "loose")]
    pub(super) agent_mode: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) direction: Option<Text>,
}

/// A turn of a transcript.
#[derive(Deserialize)]
pub(super) struct Turn {
    #[serde(default)]
    pub(super) timestamp: Moment,
    #[serde(default, deserialize_with = "loose")]
    pub(super) role: Option<Text>,
    pub(super) message: Text,
    #[serde(default, deserialize_with = "loose")]
    pub(super) source: Option<Text>,
}
