//! From the vendor's objects to the model. Pure.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::super::days::utc_day;
use super::super::lenient::{kept, object};
use super::super::moment::Moment;
use super::wire;
use crate::model::conversation::{Channel, Conversation, SpeakerRole, TranscriptTurn};
use crate::model::id::{Key, NativeId, SourceId, Vendor};
use crate::model::interaction::{Direction, InteractionStatus};
use crate::model::lead::Lead;
use crate::model::text::{Json, e164, present};

/// The most characters of a preview.
const PREVIEW: usize = 200;

/// Words that the vendor filters by, with the channels they mean. Other words are known (CHATZURI-18), but not that the
/// vendor would filter by them.
const FILTER_WORDS: &[(&str, Channel)] = &[
    ("API", Channel::Api),
    ("Chatzuri site", Channel::WebChat),
    ("Instagram", Channel::Instagram),
    ("Messenger", Channel::Messenger),
    ("Slack", Channel::Slack),
    ("WhatsApp", Channel::WhatsApp),
    ("Widget or Iframe", Channel::WebChat),
];

/// A lead, or `None` where the row has no id or no readable creation: without them it has no place in a list.
pub(super) fn lead(source: &SourceId, wire: wire::Lead<'_>, text: &RawValue) -> Option<Lead> {
    let (key, created_at) = identity(source, wire.id.as_deref(), wire.created_at)?;
    let phone = owned(wire.phone);
    Some(Lead {
        name: owned(wire.name),
        email: owned(wire.email),
        phone_e164: phone.as_deref().and_then(e164),
        phone,
        created_at: Some(created_at),
        raw: Some(Json::from_valid(text.get())),
        ..Lead::bare(key, Vendor::Chatzuri)
    })
}

/// A conversation, or `None` where the row has no id or no readable beginning.
pub(super) fn conversation(
    source: &SourceId,
    wire: wire::Conversation<'_>,
    text: &RawValue,
) -> Option<Conversation> {
    let (key, started_at) = identity(source, wire.id.as_deref(), wire.created_at)?;
    // CHATZURI-19: in the order received.
    let transcript: Option<Vec<TranscriptTurn>> =
        wire.messages.map(|messages| messages.into_iter().map(turn).collect());
    let turns = transcript.as_deref().unwrap_or_default();
    let first_words = turns.iter().find(|turn| turn.role == SpeakerRole::User);
    let preview =
        first_words.and_then(|turn| present(&turn.text)).map(|words| words.chars().take(PREVIEW).collect());
    Some(Conversation {
        key,
        vendor: Vendor::Chatzuri,
        channel: channel(wire.source.as_deref()),
        vendor_channel: owned(wire.source),
        direction: Some(Direction::Inbound),
        state: InteractionStatus::Unknown,
        vendor_state: None,
        started_at: Some(started_at),
        ended_at: None,
        duration_seconds: None,
        turn_count: transcript.as_ref().and_then(|turns| i64::try_from(turns.len()).ok()),
        page_url: None,
        preview,
        summary: None,
        customer: owned(wire.customer),
        transcript,
        tool_calls: Vec::new(),
        partial: false,
        recording: None,
        expires_at: None,
        lead: None,
        raw: Some(Json::from_valid(text.get())),
    })
}

/// Who a row is and when it began. CHATZURI-20: the vendor reads nothing by id, so the key tells the day on which a
/// list can find it again.
fn identity(source: &SourceId, id: Option<&str>, created_at: Moment) -> Option<(Key, Timestamp)> {
    let native = NativeId::new(id.and_then(present)?)?;
    // CHATZURI-24: in whatever form. A row without it can be neither placed in a list nor found again.
    let at = created_at.0?;
    Some((Key { source: source.clone(), native, day: Some(utc_day(at)) }, at))
}

fn turn(message: &RawValue) -> TranscriptTurn {
    // A message that is no object is kept as it is written: a transcript with a hole would look whole.
    let message = object(message).unwrap_or(wire::Message { role: None, content: Some(message) });
    TranscriptTurn {
        role: role(message.role.as_deref()),
        text: wire::said(message.content),
        vendor_role: owned(message.role),
        at: None,
        offset_ms: None,
    }
}

fn role(word: Option<&str>) -> SpeakerRole {
    match word {
        Some("assistant") => SpeakerRole::Agent,
        Some("user") => SpeakerRole::User,
        Some("system") => SpeakerRole::System,
        _ => SpeakerRole::Other,
    }
}

/// The channel of a word, exactly as the vendor writes it: a filter word in other letters is not that filter word.
pub(super) fn channel(word: Option<&str>) -> Channel {
    let Some(word) = word else { return Channel::Other };
    let known = FILTER_WORDS.iter().find(|(filter_word, _)| *filter_word == word);
    match (known, word) {
        (Some((_, channel)), _) => *channel,
        // CHATZURI-18: newer channels, of which only the names are known.
        (None, "Telegram") => Channel::Telegram,
        (None, "Email") => Channel::Email,
        (None, "SMS") => Channel::Sms,
        _ => Channel::Other,
    }
}

/// Channels that the vendor filters by itself.
pub(super) const FILTERED_CHANNELS: &[Channel] = &[
    Channel::WebChat,
    Channel::WhatsApp,
    Channel::Instagram,
    Channel::Messenger,
    Channel::Slack,
    Channel::Api,
];

/// The vendor's filter for channels (CHATZURI-17): every word of each, or nothing where one of them has no word, since the
/// filter would then lose rows that were asked for.
pub(super) fn filtered_sources(channels: &[Channel]) -> Option<String> {
    if channels.is_empty() || channels.iter().any(|channel| !FILTERED_CHANNELS.contains(channel)) {
        return None;
    }
    let words = FILTER_WORDS.iter().filter(|(_, channel)| channels.contains(channel));
    Some(words.map(|(word, _)| *word).collect::<Vec<_>>().join(","))
}

fn owned(text: Option<Cow<'_, str>>) -> Option<String> {
    text.and_then(kept)
}
