//! The vendor's objects, as leniently as its documentation is vague: names under any of their spellings, ids as numbers or
//! text, everything but the list itself optional.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::super::kit;
use super::super::moment::Moment;
use crate::upstream::failure::{Kind, UpstreamError};

/// A list's envelope. CHATZURI-5: the list has one of two names.
#[derive(Deserialize)]
struct Envelope {
    data: Option<Vec<Box<RawValue>>>,
    #[serde(rename = "collectedCustomers")]
    collected_customers: Option<Vec<Box<RawValue>>>,
}

/// The rows of a list. An object without a list is `Protocol`, never an empty page: that would read as "no more rows".
pub(super) fn rows(op: &'static str, body: &[u8]) -> Result<Vec<Box<RawValue>>, UpstreamError> {
    let envelope: Envelope = kit::decode(op, body)?;
    envelope.data.or(envelope.collected_customers).ok_or_else(|| UpstreamError::new(op, Kind::Protocol))
}

/// A lead. The agent's id stands in it too, under one of three names (CHATZURI-9); it is not read: a row belongs to the
/// agent that was asked for it.
#[derive(Deserialize)]
pub(super) struct Lead {
    #[serde(default, deserialize_with = "word")]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) created_at: Moment,
    #[serde(default, deserialize_with = "word")]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "word")]
    pub(super) email: Option<String>,
    #[serde(default, deserialize_with = "word")]
    pub(super) phone: Option<String>,
}

/// A conversation, with everything that was said.
#[derive(Deserialize)]
pub(super) struct Conversation {
    #[serde(default, deserialize_with = "word")]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) created_at: Moment,
    #[serde(default, deserialize_with = "word")]
    pub(super) customer: Option<String>,
    #[serde(default, deserialize_with = "word")]
    pub(super) source: Option<String>,
    pub(super) messages: Option<Vec<Box<RawValue>>>,
}

/// A message of a conversation.
#[derive(Default, Deserialize)]
pub(super) struct Message {
    #[serde(default, deserialize_with = "word")]
    pub(super) role: Option<String>,
    pub(super) content: Option<Box<RawValue>>,
}

/// The agents of a key. CHATZURI-8: the list has one of three names.
#[derive(Deserialize)]
struct Agents {
    agents: Option<Vec<Box<RawValue>>>,
    chatbots: Option<Vec<Box<RawValue>>>,
    data: Option<Vec<Box<RawValue>>>,
}

/// An agent. Only its id is read: `source_text` is large and confidential (CHATZURI-10).
#[derive(Deserialize)]
struct AgentRow {
    #[serde(default, deserialize_with = "word")]
    agent_id: Option<String>,
    #[serde(default, rename = "agentId", deserialize_with = "word")]
    agent_id_camel: Option<String>,
    #[serde(default, deserialize_with = "word")]
    chatbot_id: Option<String>,
    #[serde(default, deserialize_with = "word")]
    id: Option<String>,
}

/// The ids of a list of agents; `None` for each agent without one.
pub(super) fn agents(op: &'static str, body: &[u8]) -> Result<Vec<Option<String>>, UpstreamError> {
    let list: Agents = kit::decode(op, body)?;
    let rows = list.agents.or(list.chatbots).or(list.data);
    let rows = rows.ok_or_else(|| UpstreamError::new(op, Kind::Protocol))?;
    let id = |row: &RawValue| {
        let row: AgentRow = serde_json::from_str(row.get()).ok()?;
        row.agent_id.or(row.agent_id_camel).or(row.chatbot_id).or(row.id)
    };
    Ok(rows.iter().map(|row| id(row)).collect())
}

/// Text as it is, a number as it is written (CHATZURI-23; a large one must not become a float); anything else is absent.
fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value: Option<&RawValue> = Option::deserialize(deserializer)?;
    Ok(value.and_then(|value| match value.get().as_bytes().first() {
        Some(b'"') => kit::plain(value.get())
            .map_or_else(|| serde_json::from_str(value.get()).ok(), |text| Some(text.to_owned())),
        Some(b'-' | b'0'..=b'9') => Some(value.get().to_owned()),
        _ => None,
    }))
}

/// What a message says: text as it is, nothing for null, and any other JSON as it is written rather than lost.
pub(super) fn said(content: Option<&RawValue>) -> String {
    let Some(content) = content else { return String::new() };
    serde_json::from_str(content.get()).unwrap_or_else(|_| content.get().to_owned())
}
