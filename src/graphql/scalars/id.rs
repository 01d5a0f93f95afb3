//! Global ids, the only file that knows what is in them: base64url of `v1:<Type>:<source>:<day or empty>:<vendor's id>`
//! for records and of `v1:Source:<name>` for sources. Clients must treat them as opaque.

use std::fmt;

use async_graphql::ID;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::graphql::error::ClientError;
use crate::model::id::{EntityKind, Key, NativeId, SourceId};

/// The longest id leadgraph makes: the longest names in it, written as base64url.
const MAX_LEN: usize = 600;

/// What an id names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::graphql) enum GlobalId {
    /// A configured source.
    Source(SourceId),
    /// A record of a source.
    Record(EntityKind, Key),
}

impl GlobalId {
    /// Reads an id. Only text that leadgraph itself would write is an id, so equal things have equal ids.
    ///
    /// # Errors
    /// `BAD_ID`, telling what to do.
    pub(in crate::graphql) fn decode(id: &ID) -> Result<Self, ClientError> {
        let read = || {
            let bytes = (id.len() <= MAX_LEN).then(|| URL_SAFE_NO_PAD.decode(id.as_bytes()).ok())??;
            let parsed = Self::parse(std::str::from_utf8(&bytes).ok()?)?;
            (parsed.to_string().as_bytes() == bytes).then_some(parsed)
        };
        read().ok_or_else(|| {
            ClientError::bad_id(
                "This is not an id of leadgraph. Pass an `id` that leadgraph answered, unchanged; a vendor's own \
                 id is found in `vendorId` and cannot be used here.",
            )
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.strip_prefix("v1:")?.split_once(':')?;
        let kind = match kind {
            "Source" => return SourceId::new(rest).map(Self::Source),
            "Lead" => EntityKind::Lead,
            "Conversation" => EntityKind::Conversation,
            "Interaction" => EntityKind::Interaction,
            _ => return None,
        };
        let (source, rest) = rest.split_once(':')?;
        let (day, native) = rest.split_once(':')?;
        let day = if day.is_empty() { None } else { Some(day.parse().ok()?) };
        let key = Key { source: SourceId::new(source)?, native: NativeId::new(native)?, day };
        Some(Self::Record(kind, key))
    }

    /// Writes the id.
    pub(in crate::graphql) fn encode(&self) -> ID {
        ID(URL_SAFE_NO_PAD.encode(self.to_string()))
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::Source(_) => "Source",
            Self::Record(kind, _) => type_name(*kind),
        }
    }
}

impl fmt::Display for GlobalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(source) => write!(f, "v1:Source:{source}"),
            Self::Record(kind, key) => text(*kind, key, f),
        }
    }
}

fn text(kind: EntityKind, key: &Key, into: &mut impl fmt::Write) -> fmt::Result {
    let Key { source, native, day } = key;
    for part in ["v1:", type_name(kind), ":", source.as_str(), ":"] {
        into.write_str(part)?;
    }
    if let Some(day) = day {
        write!(into, "{day}")?;
    }
    into.write_str(":")?;
    into.write_str(native.as_str())
}

fn type_name(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Lead => "Lead",
        EntityKind::Conversation => "Conversation",
        EntityKind::Interaction => "Interaction",
    }
}

/// Appends the id of a record. What `scratch` holds is lost.
pub(in crate::graphql) fn write(kind: EntityKind, key: &Key, scratch: &mut String, into: &mut Vec<u8>) {
    scratch.clear();
    // A string takes all that is written.
    let _ = text(kind, key, scratch);
    append(scratch, into);
}

/// Appends the id of a source. What `scratch` holds is lost.
pub(in crate::graphql) fn write_source(source: &SourceId, scratch: &mut String, into: &mut Vec<u8>) {
    scratch.clear();
    scratch.push_str("v1:Source:");
    scratch.push_str(source.as_str());
    append(scratch, into);
}

fn append(text: &str, into: &mut Vec<u8>) {
    let start = into.len();
    into.resize(start + base64::encoded_len(text.len(), false).unwrap_or_default(), 0);
    let written = URL_SAFE_NO_PAD.encode_slice(text, into.get_mut(start..).unwrap_or_default());
    into.truncate(start + written.unwrap_or_default());
}

/// Writes the id of a record.
pub(in crate::graphql) fn of(kind: EntityKind, key: &Key) -> ID {
    GlobalId::Record(kind, key.clone()).encode()
}

/// Reads the id of a record of one kind.
///
/// # Errors
/// `BAD_ID` for anything else, telling what it is instead.
pub(in crate::graphql) fn record(id: &ID, wanted: EntityKind) -> Result<Key, ClientError> {
    match GlobalId::decode(id)? {
        GlobalId::Record(kind, key) if kind == wanted => Ok(key),
        other => Err(mismatch(&other, type_name(wanted))),
    }
}

/// Reads the id of a source.
///
/// # Errors
/// `BAD_ID` for anything else, telling what it is instead.
pub(in crate::graphql) fn source(id: &ID) -> Result<SourceId, ClientError> {
    match GlobalId::decode(id)? {
        GlobalId::Source(source) => Ok(source),
        other => Err(mismatch(&other, "Source")),
    }
}

fn mismatch(given: &GlobalId, wanted: &str) -> ClientError {
    let given = given.type_name();
    ClientError::bad_id(format!("This is the id of a {given}, where the id of a {wanted} is wanted."))
}

#[cfg(test)]
mod tests;
