//! The vendor's objects, as leniently as its documentation is vague: names under any of their spellings, ids as numbers or
//! text, everything but the list itself optional.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::super::moment::Moment;
use super::super::{kit, lenient};
use crate::upstream::failure::{Kind, UpstreamError};

/// A list's envelope. CHATZURI-5: the list has one of two names.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<Vec<&'a RawValue>>,
    #[serde(rename = "collectedCustomers")]
    collected_customers: Option<Vec<&'a RawValue>>,
}

/// The rows of a list. An object without a list is `Protocol`, never an empty page: that would read as "no more rows".
pub(super) fn rows<'a>(op: &'static str, body: &'a [u8]) -> Result<Vec<&'a RawValue>, UpstreamError> {
    let envelope: Envelope<'_> = kit::decode(op, body)?;
    envelope.data.or(envelope.collected_customers).ok_or_else(|| UpstreamError::new(op, Kind::Protocol))
}

/// A lead. The agent's id stands in it too, under one of three names (CHATZURI-9); it is not read: a row belongs to the
/// agent that was asked for it.
#[derive(Deserialize)]
pub(super) struct Lead<'a> {
    #[serde(default, borrow, deserialize_with = "word")]
    pub(super) id: Word<'a>,
    #[serde(default)]
    pub(super) created_at: Moment,
    #[serde(default, deserialize_with = "word")]
    pub(super) name: Word<'a>,
    #[serde(default, deserialize_with = "word")]
    pub(super) email: Word<'a>,
    #[serde(default, deserialize_with = "word")]
    pub(super) phone: Word<'a>,
}

/// A conversation, with everything that was said.
#[derive(Deserialize)]
pub(super) struct Conversation<'a> {
    #[serde(default, borrow, deserialize_with = "word")]
    pub(super) id: Word<'a>,
    #[serde(default)]
    pub(super) created_at: Moment,
    #[serde(default, deserialize_with = "word")]
    pub(super) customer: Word<'a>,
    #[serde(default, deserialize_with = "word")]
    pub(super) source: Word<'a>,
    pub(super) messages: Option<Vec<&'a RawValue>>,
}

/// A message of a conversation.
#[derive(Default, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(default, borrow, deserialize_with = "word")]
    pub(super) role: Word<'a>,
    pub(super) content: Option<&'a RawValue>,
}

/// The agents of a key. CHATZURI-8: the list has one of three names.
#[derive(Deserialize)]
struct Agents<'a> {
    #[serde(borrow)]
    agents: Option<Vec<&'a RawValue>>,
    chatbots: Option<Vec<&'a RawValue>>,
    data: Option<Vec<&'a RawValue>>,
}

/// An agent. Only its id is read: `source_text` is large and confidential (CHATZURI-10).
#[derive(Deserialize)]
struct AgentRow<'a> {
    #[serde(default, borrow, deserialize_with = "word")]
    agent_id: Word<'a>,
    #[serde(default, rename = "agentId", deserialize_with = "word")]
    agent_id_camel: Word<'a>,
    #[serde(default, deserialize_with = "word")]
    chatbot_id: Word<'a>,
    #[serde(default, deserialize_with = "word")]
    id: Word<'a>,
}

/// The ids of a list of agents; `None` for each agent without one.
pub(super) fn agents(op: &'static str, body: &[u8]) -> Result<Vec<Option<String>>, UpstreamError> {
    let list: Agents<'_> = kit::decode(op, body)?;
    let rows = list.agents.or(list.chatbots).or(list.data);
    let rows = rows.ok_or_else(|| UpstreamError::new(op, Kind::Protocol))?;
    let id = |row: &RawValue| {
        let row: AgentRow<'_> = lenient::object(row)?;
        let id = row.agent_id.or(row.agent_id_camel).or(row.chatbot_id).or(row.id);
        id.map(Cow::into_owned)
    };
    Ok(rows.iter().map(|row| id(row)).collect())
}

/// Text as it is, a number as it is written (CHATZURI-23; a large one must not become a float); anything else is absent.
type Word<'a> = Option<Cow<'a, str>>;

fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Word<'de>, D::Error> {
    Ok(word_of(lenient::raw(deserializer)?))
}

pub(super) fn word_of(raw: &str) -> Word<'_> {
    let number = raw.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    if number { Some(raw.into()) } else { lenient::string(raw) }
}

/// What a message says: text as it is, nothing for null, and any other JSON as it is written rather than lost.
pub(super) fn said(content: Option<&RawValue>) -> String {
    let content = content.map_or("", RawValue::get);
    lenient::string(content).map_or_else(|| content.to_owned(), Cow::into_owned)
}
