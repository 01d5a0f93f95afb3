//! What was said, and the tools that were used.

use async_graphql::{Enum, ID, SimpleObject};

use super::int;
use crate::graphql::error::ClientError;
use crate::graphql::scalars::json::Json;
use crate::graphql::scalars::time::{DateTime, at};
use crate::model::conversation as model;
use crate::model::id::SourceId;

/// One turn of a transcript.
#[derive(SimpleObject)]
pub(in crate::graphql) struct TranscriptTurn {
    /// The id of the conversation or interaction and the turn's place in the whole transcript. It names the turn for
    /// caches; it cannot be passed to `node`.
    id: ID,
    /// Who spoke.
    role: SpeakerRole,
    /// The vendor's own word for who spoke; null where it has none.
    vendor_role: Option<String>,
    /// What was said. Masked without the scope `pii:read`, as `***`.
    text: String,
    /// When it was said; null where the vendor does not tell.
    at: Option<DateTime>,
    /// Milliseconds since the conversation began; null where the vendor does not tell.
    offset_ms: Option<i32>,
}

/// Who speaks.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "model::SpeakerRole")]
pub(in crate::graphql) enum SpeakerRole {
    /// The vendor's agent, or a person who took over from it.
    Agent,
    /// The person whom the conversation is with.
    User,
    /// Neither: an event or an instruction.
    System,
    /// The vendor's word is not mapped; see `vendorRole`.
    Other,
}

/// Checks how many turns a client wants.
///
/// # Errors
/// `BAD_USER_INPUT` for less than one.
pub(super) fn check_last(last: Option<i32>) -> Result<usize, ClientError> {
    let wanted = last.map_or(Ok(usize::MAX), usize::try_from);
    wanted.ok().filter(|wanted| *wanted > 0).ok_or_else(|| {
        ClientError::bad_input("`last` must be at least 1. Leave it out to get the whole transcript.")
    })
}

/// The last turns of a transcript. Their ids count from its beginning, so they do not depend on how many are wanted.
pub(super) fn last_turns(owner: &ID, turns: &[model::TranscriptTurn], last: usize) -> Vec<TranscriptTurn> {
    let skipped = turns.len().saturating_sub(last);
    let turn = |(index, turn): (usize, &model::TranscriptTurn)| TranscriptTurn {
        id: ID(format!("{}#{index}", owner.as_str())),
        role: turn.role.into(),
        vendor_role: turn.vendor_role.clone(),
        text: turn.text.clone(),
        at: at(turn.at),
        offset_ms: turn.offset_ms.map(int),
    };
    turns.iter().enumerate().skip(skipped).map(turn).collect()
}

/// A tool that the agent used.
#[derive(SimpleObject)]
pub(in crate::graphql) struct ToolCall {
    /// The tool's name.
    name: String,
    /// What the tool was given. May hold personal data. Null where the vendor gave nothing. Masked without the scope
    /// `pii:read`, as `"***"`.
    args: Option<Result<Json, ClientError>>,
}

impl ToolCall {
    /// One call of a tool in a conversation of `source`.
    pub(super) fn new(source: &SourceId, call: &model::ToolCall) -> Self {
        let args = call.args.as_ref().map(|args| Json::parse_text(source, args));
        Self { name: call.name.clone(), args }
    }
}

#[cfg(test)]
mod tests;
