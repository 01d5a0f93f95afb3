//! What LeadSail sends, as it is: every field may be missing, null or of another type. All of it borrows from the body,
//! and nothing here is known outside this folder.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::super::lenient::object_field;
use super::super::moment::Moment;
use super::text::Text;

/// The envelope of a success; what `success` says has been judged by the dialect already.
#[derive(Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) data: T,
}

/// The data of a list of leads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LeadList<'a> {
    #[serde(borrow, deserialize_with = "rows")]
    pub(super) leads: Vec<&'a RawValue>,
    #[serde(default)]
    pub(super) next_cursor: Text<'a>,
    #[serde(default)]
    pub(super) has_more: Text<'a>,
}

/// The data of a list of interactions.
#[derive(Deserialize)]
pub(super) struct InteractionList<'a> {
    #[serde(borrow, deserialize_with = "rows")]
    pub(super) interactions: Vec<&'a RawValue>,
}

/// Rows, unread. The list must be there; null is an empty one, as some languages write it.
fn rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'de RawValue>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A lead, as a detail or as a list item (LEADSAIL-9).
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Lead<'a> {
    #[serde(borrow)]
    pub(super) lead_id: Text<'a>,
    #[serde(deserialize_with = "object_field")]
    pub(super) campaign: Option<Campaign<'a>>,
    #[serde(deserialize_with = "object_field")]
    pub(super) approval: Option<Approval<'a>>,
    pub(super) first_name: Text<'a>,
    pub(super) last_name: Text<'a>,
    pub(super) email: Text<'a>,
    pub(super) phone: Text<'a>,
    pub(super) status: Text<'a>,
    pub(super) detail: Text<'a>,
    /// Plain text, or a list of notes (LEADSAIL-16).
    pub(super) notes: Option<&'a RawValue>,
    /// A list of answers, or an object of them (LEADSAIL-17).
    pub(super) questionnaire: Option<&'a RawValue>,
    pub(super) custom_fields: Option<&'a RawValue>,
    pub(super) attribution: Option<&'a RawValue>,
    #[serde(deserialize_with = "object_field")]
    pub(super) flags: Option<Flags<'a>>,
    pub(super) created_at: Moment,
    pub(super) updated_at: Moment,
    /// Only looked at where there is no creation, so it is not read before.
    pub(super) latest_submitted_at: Option<&'a RawValue>,
    pub(super) last_activity_at: Moment,
}

/// The campaign as a lead tells it. Narrow on purpose: `webhooks` may stand beside it (LEADSAIL-20).
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Campaign<'a> {
    #[serde(borrow)]
    pub(super) campaign_id: Text<'a>,
    pub(super) name: Text<'a>,
    pub(super) client_name: Text<'a>,
    pub(super) offer_name: Text<'a>,
}

/// The review of a lead.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Approval<'a> {
    #[serde(borrow)]
    pub(super) status: Text<'a>,
    pub(super) reason: Text<'a>,
    pub(super) decided_at: Moment,
    pub(super) decided_by: Text<'a>,
}

/// A note.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Note<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    pub(super) text: Text<'a>,
    pub(super) created_at: Moment,
    pub(super) created_by: Text<'a>,
}

/// An answer in a questionnaire.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer<'a> {
    #[serde(borrow)]
    pub(super) key: Text<'a>,
    pub(super) question: Text<'a>,
    pub(super) answer: Option<&'a RawValue>,
}

/// What of the attribution has a place of its own.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Attribution<'a> {
    #[serde(borrow)]
    pub(super) capture_url: Text<'a>,
}

/// The two flags that are documented (LEADSAIL-33).
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Flags<'a> {
    #[serde(borrow)]
    pub(super) is_test: Text<'a>,
    pub(super) is_dnc: Text<'a>,
}

/// An interaction.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Interaction<'a> {
    #[serde(borrow)]
    pub(super) interaction_id: Text<'a>,
    pub(super) lead_id: Text<'a>,
    #[serde(rename = "type")]
    pub(super) kind: Text<'a>,
    pub(super) status: Text<'a>,
    pub(super) phone: Text<'a>,
    #[serde(deserialize_with = "object_field")]
    pub(super) telephony: Option<Telephony<'a>>,
    #[serde(deserialize_with = "object_field")]
    pub(super) call: Option<Call<'a>>,
    #[serde(deserialize_with = "object_field")]
    pub(super) sms: Option<Sms<'a>>,
    pub(super) summary: Text<'a>,
    pub(super) transcript: Option<&'a RawValue>,
    pub(super) error_code: Text<'a>,
    pub(super) error_message: Text<'a>,
    pub(super) created_at: Moment,
    pub(super) updated_at: Moment,
}

/// The line of an interaction.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Telephony<'a> {
    #[serde(borrow)]
    pub(super) provider: Text<'a>,
    pub(super) message_id: Text<'a>,
    pub(super) phone_number: Text<'a>,
}

/// A call. `recording_url` is read to see that there is one, and to mint a link; it goes no further (LEADSAIL-26).
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Call<'a> {
    #[serde(borrow)]
    pub(super) source: Text<'a>,
    pub(super) direction: Text<'a>,
    pub(super) duration: Text<'a>,
    pub(super) recording_url: Text<'a>,
    pub(super) termination_reason: Text<'a>,
    #[serde(rename = "voiceAI", deserialize_with = "object_field")]
    pub(super) voice_ai: Option<VoiceAi<'a>>,
    pub(super) spoken_to: Text<'a>,
}

/// The voice agent of a call.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct VoiceAi<'a> {
    #[serde(borrow)]
    pub(super) provider: Text<'a>,
    pub(super) agent_id: Text<'a>,
    pub(super) conversation_id: Text<'a>,
}

/// An SMS thread.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Sms<'a> {
    #[serde(borrow)]
    pub(super) agent_mode: Text<'a>,
    pub(super) direction: Text<'a>,
}

/// A turn of a transcript.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Turn<'a> {
    pub(super) timestamp: Moment,
    #[serde(borrow)]
    pub(super) role: Text<'a>,
    pub(super) message: Text<'a>,
    pub(super) source: Text<'a>,
}
