//! What LeadSail sends, as it is, and how leniently it is read: every field may be missing, null or of another type, except
//! the id. Nothing here borrows from the body, and nothing here is known outside this folder.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The envelope of a success; what `success` says has been judged by the dialect already.
#[derive(serde::Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) data: T,
}

/// The data of a list of leads.
#[derive(serde::Deserialize)]
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
#[derive(serde::Deserialize)]
pub(super) struct InteractionList {
    #[serde(deserialize_with = "rows")]
    pub(super) interactions: Vec<Box<RawValue>>,
}

/// A lead, as a detail or as a list item. // LEADSAIL-9
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Lead {
    pub(super) lead_id: Text,
    #[serde(default, deserialize_with = "loose")]
    pub(super) campaign: Option<Campaign>,
    #[serde(default, deserialize_with = "loose")]
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
    #[serde(default, deserialize_with = "loose")]
    pub(super) flags: Option<Flags>,
    #[serde(default)]
    pub(super) created_at: Option<serde_json::Value>,
    #[serde(default)]
    pub(super) updated_at: Option<serde_json::Value>,
    #[serde(default)]
    pub(super) latest_submitted_at: Option<serde_json::Value>,
    #[serde(default)]
    pub(super) last_activity_at: Option<serde_json::Value>,
}

/// The campaign as a lead tells it. Narrow on purpose: `webhooks` may stand beside it. // LEADSAIL-20
#[derive(serde::Deserialize)]
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
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Approval {
    pub(super) status: Text,
    #[serde(default, deserialize_with = "loose")]
    pub(super) reason: Option<Text>,
    #[serde(default)]
    pub(super) decided_at: Option<serde_json::Value>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) decided_by: Option<Text>,
}

/// A note.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Note {
    #[serde(default, deserialize_with = "loose")]
    pub(super) id: Option<Text>,
    pub(super) text: Text,
    #[serde(default)]
    pub(super) created_at: Option<serde_json::Value>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) created_by: Option<Text>,
}

/// An answer in a questionnaire.
#[derive(serde::Deserialize)]
pub(super) struct Answer {
    #[serde(default, deserialize_with = "loose")]
    pub(super) key: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) question: Option<Text>,
    #[serde(default)]
    pub(super) answer: Option<Box<RawValue>>,
}

/// What of the attribution has a place of its own.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attribution {
    #[serde(default, deserialize_with = "loose")]
    pub(super) capture_url: Option<Text>,
}

/// The two flags that are documented. // LEADSAIL-33
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Flags {
    #[serde(default, deserialize_with = "loose")]
    pub(super) is_test: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) is_dnc: Option<Text>,
}

/// An interaction.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Interaction {
    pub(super) interaction_id: Text,
    #[serde(default, deserialize_with = "loose")]
    pub(super) lead_id: Option<Text>,
    #[serde(default, rename = "type", deserialize_with = "loose")]
    pub(super) kind: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) status: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) telephony: Option<Telephony>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) call: Option<Call>,
    #[serde(default, deserialize_with = "loose")]
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
    pub(super) created_at: Option<serde_json::Value>,
    #[serde(default)]
    pub(super) updated_at: Option<serde_json::Value>,
}

/// The line of an interaction.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Telephony {
    #[serde(default, deserialize_with = "loose")]
    pub(super) provider: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) message_id: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) phone_number: Option<Text>,
}

/// A call. `recording_url` is read to see that there is one, and to mint a link; it goes no further. // LEADSAIL-26
#[derive(serde::Deserialize)]
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
    #[serde(default, rename = "voiceAI", deserialize_with = "loose")]
    pub(super) voice_ai: Option<VoiceAi>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) spoken_to: Option<Text>,
}

/// The voice agent of a call.
#[derive(serde::Deserialize)]
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
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sms {
    #[serde(default, deserialize_with = "loose")]
    pub(super) agent_mode: Option<Text>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) direction: Option<Text>,
}

/// A turn of a transcript.
#[derive(serde::Deserialize)]
pub(super) struct Turn {
    #[serde(default)]
    pub(super) timestamp: Option<serde_json::Value>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) role: Option<Text>,
    pub(super) message: Text,
    #[serde(default, deserialize_with = "loose")]
    pub(super) source: Option<Text>,
}

/// A scalar as text: a string, a number or a boolean.
pub(super) struct Text(String);

impl Text {
    /// The text as sent.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as a yes or no, where it is one.
    pub(super) fn as_bool(&self) -> Option<bool> {
        match self.0.trim() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl Visitor<'_> for Scalar {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a scalar")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Text, E> {
                Ok(Text(value.to_owned()))
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
        }
        deserializer.deserialize_any(Scalar)
    }
}

/// The entries of an object, in the vendor's order, unread.
pub(super) struct Entries(pub(super) Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Plain text, or a list of rows. // LEADSAIL-16
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<Box<RawValue>>),
}

/// A list of rows, or an object of them. // LEADSAIL-17
pub(super) enum ListOrMap {
    List(Vec<Box<RawValue>>),
    Map(Vec<(String, Box<RawValue>)>),
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let one = serde_json::from_str(raw.get()).map(Self::One);
        one.or_else(|_| serde_json::from_str(raw.get()).map(Self::Many)).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for ListOrMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let list = serde_json::from_str(raw.get()).map(Self::List);
        list.or_else(|_| serde_json::from_str(raw.get()).map(|Entries(map)| Self::Map(map)))
            .map_err(de::Error::custom)
    }
}

/// A field that becomes nothing where it is null or not of the type we know. It never costs the row.
fn loose<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// Rows, unread. The list must be there; null is an empty one, as some languages write it.
fn rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Box<RawValue>>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
