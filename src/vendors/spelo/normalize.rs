//! Spelo's records in the model's words. Pure; a record is refused only where it has no id.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

use super::super::lenient::{lower, members};
use super::wire;
use crate::model::conversation::{Channel, Conversation, Recording, SpeakerRole, ToolCall, TranscriptTurn};
use crate::model::id::{Key, NativeId, SourceId, Vendor};
use crate::model::interaction::{Direction, InteractionStatus};
use crate::model::lead::{CustomField, Lead, LeadNote, LeadStatus};
use crate::model::text::{Json, e164};

/// How a conversation was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// As one of a list, perhaps cut short.
    List,
    /// By its id, always whole.
    Single,
}

/// A lead, stamped with the configured account. SPELO-18: the vendor's own `site_id` is of two kinds and joins nothing.
pub(super) fn lead(source: &SourceId, wire: wire::Lead<'_>, raw: &RawValue) -> Option<Lead> {
    let key = key(source, &wire.id)?;
    let note = |text| LeadNote { id: "notes".to_owned(), text, created_at: None, author: None };
    let fields = wire.data.and_then(members).unwrap_or_default();
    let phone = wire.phone.kept();
    Some(Lead {
        name: wire.name.kept(),
        email: wire.email.kept(),
        phone_e164: phone.as_deref().and_then(e164),
        phone,
        status: Some(status(wire.status.as_str())),
        vendor_status: wire.status.kept(),
        notes: wire.notes.kept().map(note).into_iter().collect(),
        // SPELO-17: the customer decides on keys and types.
        custom_fields: fields.into_iter().map(|(key, value)| custom_field(key, value)).collect(),
        page_url: wire.page_url.kept(),
        created_at: wire.created_at.0,
        updated_at: wire.updated_at.0,
        // SPELO-27: the only link there is between a lead and what was said.
        conversation: wire.conversation_id.as_str().and_then(NativeId::new),
        raw: Some(Json::from_valid(raw.get())),
        ..Lead::bare(key, Vendor::Spelo)
    })
}

/// A conversation, without its recording's link.
pub(super) fn conversation(
    source: &SourceId,
    wire: wire::Conversation<'_>,
    raw: &RawValue,
    reading: Reading,
) -> Option<Conversation> {
    let key = key(source, &wire.id)?;
    let started_at = wire.started_at.0;
    let ended_at = wire.ended_at.0;
    let transcript = wire::elements(wire.transcript).map(|turns: Vec<wire::Turn<'_>>| {
        turns.into_iter().map(|it| turn(started_at, it)).collect::<Vec<_>>()
    });
    let partial = reading == Reading::List && !whole(transcript.as_deref(), wire.turn_count.0);
    let tool_calls: Vec<wire::ToolCall<'_>> = wire::elements(wire.tool_calls).unwrap_or_default();
    Some(Conversation {
        key,
        vendor: Vendor::Spelo,
        channel: Channel::Voice,
        vendor_channel: None,
        direction: Some(Direction::Inbound),
        // SPELO-28: a row without an end is taken for a call that goes on.
        state: if ended_at.is_some() { InteractionStatus::Completed } else { InteractionStatus::InProgress },
        vendor_state: None,
        started_at,
        ended_at,
        duration_seconds: wire.duration_seconds.0,
        turn_count: wire.turn_count.0,
        page_url: wire.page_url.kept(),
        preview: wire.first_user_text.kept(),
        summary: None,
        customer: None,
        transcript,
        tool_calls: tool_calls.into_iter().filter_map(tool_call).collect(),
        partial,
        // SPELO-22: null is normal. The path itself is no address and is not shown.
        recording: wire.recording_path.0.map(|_| Recording {
            mime_type: wire.recording_mime.kept(),
            size_bytes: wire.recording_bytes.0.and_then(|bytes| u64::try_from(bytes).ok()),
        }),
        expires_at: wire.expires_at.0, // SPELO-20
        lead: None,                    // SPELO-27
        raw: Some(without(raw, "recording_path")),
    })
}

fn key(source: &SourceId, id: &wire::Text<'_>) -> Option<Key> {
    let native = NativeId::new(id.as_str()?)?;
    Some(Key { source: source.clone(), native, day: None })
}

/// SPELO-30: four words; any other, or none, is kept as it is and counts as unknown.
pub(super) fn status(word: Option<&str>) -> LeadStatus {
    match word.map(lower).as_deref() {
        Some("new") => LeadStatus::New,
        Some("contacted") => LeadStatus::Contacted,
        Some("qualified") => LeadStatus::Qualified,
        Some("disqualified") => LeadStatus::Disqualified,
        _ => LeadStatus::Unknown,
    }
}

fn custom_field(key: String, value: &RawValue) -> CustomField {
    CustomField { key, label: None, value: json(value) }
}

fn json(value: &RawValue) -> Option<Json> {
    (value.get() != "null").then(|| Json::from_valid(value.get()))
}

/// SPELO-19: a list's transcript may be absent, null or cut short, which shows only against the number of turns; without
/// that number it cannot be told, and is not believed. An emptied transcript (SPELO-21) shows the same way, and a read by
/// id settles it.
fn whole(transcript: Option<&[TranscriptTurn]>, turn_count: Option<i64>) -> bool {
    match (transcript, turn_count) {
        (Some(turns), Some(count)) => i64::try_from(turns.len()).is_ok_and(|length| length >= count),
        _ => false,
    }
}

fn turn(started_at: Option<Timestamp>, wire: wire::Turn<'_>) -> TranscriptTurn {
    // SPELO-26: an open set of words.
    let role = match wire.role.as_str() {
        Some("assistant") => SpeakerRole::Agent,
        Some("user") => SpeakerRole::User,
        Some("system") => SpeakerRole::System,
        _ => SpeakerRole::Other,
    };
    // SPELO-25: milliseconds since the conversation began.
    let at = started_at
        .zip(wire.ts_ms.0)
        .and_then(|(start, offset)| start.checked_add(SignedDuration::from_millis(offset)).ok());
    TranscriptTurn {
        role,
        vendor_role: wire.role.kept(),
        text: wire.text.kept().unwrap_or_default(),
        at,
        offset_ms: wire.ts_ms.0,
    }
}

fn tool_call(wire: wire::ToolCall<'_>) -> Option<ToolCall> {
    Some(ToolCall { name: wire.name.kept()?, args: wire.args.and_then(json) })
}

/// The object as sent, but for one member.
fn without(object: &RawValue, member: &str) -> Json {
    let mut text = String::with_capacity(object.get().len());
    for (key, value) in members(object).unwrap_or_default() {
        if key != member {
            let before = if text.is_empty() { '{' } else { ',' };
            let _ = write!(text, "{before}{}:{}", serde_json::Value::String(key), value.get());
        }
    }
    if text.is_empty() {
        text.push('{');
    }
    text.push('}');
    Json::from_valid(text)
}
