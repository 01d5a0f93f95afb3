//! What merging and caching must know of a record: who it is, when it is from, how heavy it is.

use jiff::Timestamp;

use crate::model::conversation::{Conversation, TranscriptTurn};
use crate::model::id::Key;
use crate::model::interaction::Interaction;
use crate::model::lead::Lead;
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
        let texts =
            [&self.name, &self.email, &self.phone, &self.page_url, &self.vendor_status, &self.status_detail];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        let notes: usize = self.notes.iter().map(|note| note.text.len() + 96).sum();
        let fields: usize =
            self.custom_fields.iter().map(|field| field.key.len() + json(field.value.as_ref()) + 80).sum();
        saturated(
            size_of::<Self>()
                + texts
                + notes
                + fields
                + json(self.attribution.as_ref())
                + json(self.raw.as_ref()),
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
        saturated(size_of::<Self>() + turns(self.transcript.as_deref()) + json(self.raw.as_ref()) + 256)
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
        saturated(size_of::<Self>() + turns(self.transcript.as_deref()) + json(self.raw.as_ref()) + 256)
    }
}

fn turns(turns: Option<&[TranscriptTurn]>) -> usize {
    turns.unwrap_or_default().iter().map(|turn| size_of::<TranscriptTurn>() + turn.text.len()).sum()
}

fn json(json: Option<&Json>) -> usize {
    json.map_or(0, |json| json.as_str().len() + 16)
}

fn saturated(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
