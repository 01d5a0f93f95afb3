//! The messages of `graphql-transport-ws`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The longest id of an operation, in bytes.
const MAX_ID: usize = 256;

/// What a client says.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Said {
    /// It begins.
    ConnectionInit { payload: Option<Map<String, Value>> },
    /// It wants to be answered.
    Ping { payload: Option<Map<String, Value>> },
    /// It answers.
    Pong {
        #[serde(rename = "payload")]
        _payload: Option<Map<String, Value>>,
    },
    /// It wants an operation to be executed.
    Subscribe { id: String, payload: Map<String, Value> },
    /// It has had enough of one.
    Complete { id: String },
}

impl Said {
    /// Reads a message; `None` where it is none of the protocol's.
    pub(super) fn read(text: &str) -> Option<Self> {
        let said: Self = serde_json::from_str(text).ok()?;
        match &said {
            Self::Subscribe { id, .. } | Self::Complete { id } if id.is_empty() || id.len() > MAX_ID => None,
            _ => Some(said),
        }
    }
}

/// What the server says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Say<'a> {
    /// It has begun.
    ConnectionAck,
    /// It answers a ping.
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Map<String, Value>>,
    },
    /// A response of an operation.
    Next { id: &'a str, payload: &'a RawValue },
    /// An operation has failed, and is over.
    Error { id: &'a str, payload: &'a RawValue },
    /// An operation is over.
    Complete { id: &'a str },
}

impl Say<'_> {
    /// The message as text. Empty only if it cannot be written, which no message of ours is.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A response that says why nothing was executed.
#[derive(Deserialize)]
struct Refused<'a> {
    #[serde(borrow)]
    errors: &'a RawValue,
}

/// What an answer becomes: the message, and whether the operation is over with it.
pub(super) fn told(id: &str, body: &[u8], executed: bool) -> (String, bool) {
    if !executed && let Ok(Refused { errors }) = serde_json::from_slice(body) {
        return (Say::Error { id, payload: errors }.text(), true);
    }
    match serde_json::from_slice(body) {
        Ok(payload) => (Say::Next { id, payload }.text(), false),
        Err(_) => (Say::Complete { id }.text(), true),
    }
}
