//! What merging and caching must know of a record: who it is, when it is from, how heavy it is.

use jiff::Timestamp;

use crate::model::conversation::{Conversation, ToolCall, TranscriptTurn};
use crate::model::id::{Key, NativeId};
use crate::model::interaction::Interaction;
use crate::model::lead::{Approval, Campaign, CustomField, Lead, LeadNote};
use crate::model::text::Json;

/// A record of a merged list.
pub trait Record: Clone + Send + Sync + 'static {
    /// Who it is.
    fn key(&self) -> &Key;
    /// When it is from. Records without it sort last.
    fn at(&self) -> Option<Timestamp>;
    /// About how many bytes it holds.
    fn weight(&self) -> u32;
}

/// When a record is from, as a number that sorts: milliseconds since 1970, or [`UNDATED`].
pub(super) fn moment<T: Record>(record: &T) -> i64 {
    record.at().map_or(UNDATED, Timestamp::as_millisecond)
}

/// The moment of records without a time: older than everything.
pub(super) const UNDATED: i64 = i64::MIN;

/// A moment newer than everything: nothing has been taken yet.
pub(super) const NOTHING_TAKEN: i64 = i64::MAX;

impl Record for Lead {
    fn key(&self) -> &Key {
        &self.key
    }
    fn at(&self) -> Option<Timestamp> {
        self.created_at
    }
    fn weight(&self) -> u32 {
        let texts = [
            &self.name,
            &self.first_name,
            &self.last_name,
            &self.email,
            &self.phone,
            &self.phone_e164,
            &self.vendor_status,
            &self.status_detail,
            &self.page_url,
        ];
        let texts: usize = texts.into_iter().map(optional).sum();
        let note = |note: &LeadNote| text(&note.id) + text(&note.text) + optional(&note.author);
        let notes = block(size_of_val(&*self.notes)) + self.notes.iter().map(note).sum::<usize>();
        let field =
            |field: &CustomField| text(&field.key) + optional(&field.label) + json(field.value.as_ref());
        let fields =
            block(size_of_val(&*self.custom_fields)) + self.custom_fields.iter().map(field).sum::<usize>();
        let campaign = self.campaign.as_deref().map_or(0, |campaign| {
            let words = [&campaign.name, &campaign.client, &campaign.offer];
            size_of::<Campaign>() + text(&campaign.id) + words.into_iter().map(optional).sum::<usize>()
        });
        let approval = self.approval.as_deref().map_or(0, |approval| {
            let words = [&approval.reason, &approval.decided_by];
            size_of::<Approval>() + text(&approval.status) + words.into_iter().map(optional).sum::<usize>()
        });
        let raw = json(self.attribution.as_ref()) + json(self.raw.as_ref());
        saturated(
            held::<Self>()
                + ids(&self.key, self.conversation.as_ref())
                + texts
                + notes
                + fields
                + campaign
                + approval
                + raw,
        )
    }
}

impl Record for Conversation {
    fn key(&self) -> &Key {
        &self.key
    }
    fn at(&self) -> Option<Timestamp> {
        self.started_at
    }
    fn weight(&self) -> u32 {
        let texts = [
            &self.vendor_channel,
            &self.vendor_state,
            &self.page_url,
            &self.preview,
            &self.summary,
            &self.customer,
        ];
        let tool = |tool: &ToolCall| text(&tool.name) + json(tool.args.as_ref());
        let tools = block(size_of_val(&*self.tool_calls)) + self.tool_calls.iter().map(tool).sum::<usize>();
        let recording = self.recording.as_ref().map_or(0, |recording| optional(&recording.mime_type));
        let texts = texts.into_iter().map(optional).sum::<usize>() + tools + recording;
        saturated(
            held::<Self>()
                + ids(&self.key, self.lead.as_ref())
                + texts
                + turns(self.transcript.as_deref())
                + json(self.raw.as_ref()),
        )
    }
}

impl Record for Interaction {
    fn key(&self) -> &Key {
        &self.key
    }
    fn at(&self) -> Option<Timestamp> {
        self.occurred_at
    }
    fn weight(&self) -> u32 {
        let texts = [&self.vendor_kind, &self.vendor_status, &self.summary, &self.customer];
        // What else is told of a call, of its line and of what went wrong is short, where it is there at all.
        let few = |there: bool| if there { 128 } else { 0 };
        let details = few(self.call.is_some()) + few(self.telephony.is_some()) + few(self.failure.is_some());
        saturated(
            held::<Self>()
                + ids(&self.key, self.lead.as_ref())
                + texts.into_iter().map(optional).sum::<usize>()
                + details
                + turns(self.transcript.as_deref())
                + json(self.raw.as_ref()),
        )
    }
}

fn turns(turns: Option<&[TranscriptTurn]>) -> usize {
    let turns = turns.unwrap_or_default();
    let texts = turns.iter().map(|turn| text(&turn.text) + optional(&turn.vendor_role));
    block(size_of_val(turns)) + texts.sum::<usize>()
}

/// The vendor's ids of a record and of what it is linked to. Its source's name is shared by all.
fn ids(key: &Key, link: Option<&NativeId>) -> usize {
    shared(key.native.as_str()) + link.map_or(0, |link| shared(link.as_str()))
}

/// What a record itself takes where it is held: with its two counts, and the list's way to it.
fn held<T>() -> usize {
    block(size_of::<T>() + 2 * size_of::<usize>()) + size_of::<usize>()
}

fn optional(text: &Option<String>) -> usize {
    text.as_deref().map_or(0, self::text)
}

fn text(text: &str) -> usize {
    block(text.len())
}

/// A text that is shared, with its two counts.
fn shared(text: &str) -> usize {
    block(text.len() + 2 * size_of::<usize>())
}

fn json(json: Option<&Json>) -> usize {
    json.map_or(0, |json| shared(json.as_str()))
}

/// What so many bytes take: memory is given out in steps.
fn block(bytes: usize) -> usize {
    bytes.next_multiple_of(16)
}

fn saturated(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
