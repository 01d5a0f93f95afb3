//! How far a walk has come in one source. Carried by cursors, so it holds all that is needed to go on, and no more.

use std::cell::LazyCell;
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::record::{NOTHING_TAKEN, Record, moment};
use crate::model::id::NativeId;
use crate::model::page::PageToken;

/// How far a walk has come in one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Position {
    /// Nothing has been read, or all that was read has failed.
    Start,
    /// In the vendor's own order, which is newest first as far as it has been seen.
    Stream {
        /// Where the page begins from which to go on; `None`: the first.
        page: Option<Token>,
        /// Nothing of that page has been taken yet.
        fresh: bool,
        /// What has been taken.
        taken: Taken,
    },
    /// By day windows, each read whole and sorted here.
    Windows {
        /// The current window.
        window: Window,
        /// The last record taken, of this window or a newer one; `None`: none yet.
        after: Option<Place>,
    },
    /// All pages from one on are collected and sorted here, since the vendor's order cannot be trusted.
    Collect {
        /// Where the first of these pages begins; `None`: the first of all.
        from: Option<Token>,
        /// The last record taken of them; `None`: none yet.
        after: Option<Place>,
    },
    /// There is nothing more.
    Done,
}

impl Position {
    /// About how many bytes it holds beside itself.
    pub(super) fn weight(&self) -> usize {
        let token = |token: &Option<Token>| match token {
            Some(Token::Cursor(text)) => text.len(),
            Some(Token::Offset(..)) | None => 0,
        };
        let place = |place: &Option<Place>| place.as_ref().map_or(0, |place| place.id.len());
        match self {
            Self::Stream { page, taken, .. } => token(page) + size_of_val(&*taken.ids),
            Self::Windows { after, .. } => place(after),
            Self::Collect { from, after } => token(from) + place(after),
            Self::Start | Self::Done => 0,
        }
    }

    /// Marks everything newer than `last`, and what comes before it at its moment, as taken: this source was in step as that record was
    /// given, so whatever newer turns up later has come too late for this walk. `earlier` sources come first in ties.
    pub(super) fn keep_step(&mut self, last: &Place, earlier: bool) {
        match self {
            Self::Stream { fresh, taken, .. } if taken.at > last.at => {
                *fresh = false;
                *taken = Taken { at: last.at, ids: Vec::new() };
            }
            Self::Windows { after, .. } | Self::Collect { after, .. }
                if after.as_ref().is_none_or(|after| after.at > last.at) =>
            {
                // The last possible id, or one before the first.
                let id = if earlier { char::MAX.to_string() } else { String::new() };
                *after = Some(Place { at: last.at, id });
            }
            Self::Stream { .. } | Self::Windows { .. } | Self::Collect { .. } | Self::Start | Self::Done => {}
        }
    }
}

/// A page token as cursors carry it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Token {
    Cursor(String),
    Offset(NonZeroU32, NonZeroU16),
}

impl From<&PageToken> for Token {
    fn from(token: &PageToken) -> Self {
        match token {
            PageToken::Cursor(text) => Self::Cursor(text.to_string()),
            PageToken::Offset { page, size } => Self::Offset(*page, *size),
        }
    }
}

impl From<&Token> for PageToken {
    fn from(token: &Token) -> Self {
        match token {
            Token::Cursor(text) => Self::Cursor(text.as_str().into()),
            Token::Offset(page, size) => Self::Offset { page: *page, size: *size },
        }
    }
}

/// Days since 1970, both inclusive. `lo` of `i32::MIN` is open: everything older belongs to the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    pub(super) lo: i32,
    pub(super) hi: i32,
}

/// A place in a list that is sorted here, by (moment newest first, id).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) at: i64,
    pub(super) id: String,
}

impl Place {
    pub(super) fn of<T: Record>(record: &T) -> Self {
        Self { at: moment(record), id: record.key().native.as_str().to_owned() }
    }

    /// Whether a record comes behind this place.
    pub(super) fn before<T: Record>(&self, record: &T) -> bool {
        let at = moment(record);
        at < self.at || (at == self.at && record.key().native.as_str() > self.id.as_str())
    }
}

/// What has been taken of a list in the vendor's own order: all that is newer than `at`, and of the records at that very
/// moment those of `ids`. Ids are never compared across a vendor's page boundary: its tie order is not ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Taken {
    at: i64,
    ids: Vec<TakenId>,
}

/// The id of a record that was taken. It is hashed where a cursor carries it, and not before: most are never carried.
#[derive(Clone, Debug)]
enum TakenId {
    Given(NativeId),
    Carried(IdHash),
}

type IdHash = [u8; 6];

impl Default for Taken {
    fn default() -> Self {
        Self { at: NOTHING_TAKEN, ids: Vec::new() }
    }
}

impl Taken {
    /// The most ids of one moment that are remembered: more than three vendor pages.
    const MOST_IDS: usize = 320;

    /// The moment down to which everything has been taken.
    pub(super) fn at(&self) -> i64 {
        self.at
    }

    /// Whether a record has been taken.
    pub(super) fn has<T: Record>(&self, record: &T) -> bool {
        let at = moment(record);
        let id = &record.key().native;
        let hash = LazyCell::new(|| id_hash(id));
        let is = |taken: &TakenId| match taken {
            TakenId::Given(taken) => taken == id,
            TakenId::Carried(taken) => *taken == *hash,
        };
        at > self.at || (at == self.at && self.ids.iter().any(is))
    }

    /// Takes records that come newest first. Those before the last moment leave no trace.
    pub(super) fn take_all<T: Record>(&mut self, records: &[Arc<T>]) {
        let last = records.last().map(|record| moment(&**record));
        let before = records.iter().rposition(|record| Some(moment(&**record)) != last);
        let of_last = records.get(before.map_or(0, |before| before + 1)..).unwrap_or_default();
        of_last.iter().for_each(|record| self.take(&**record));
    }

    /// Takes a record; the caller takes them newest first.
    pub(super) fn take<T: Record>(&mut self, record: &T) {
        let at = moment(record);
        if at != self.at {
            self.at = at;
            self.ids.clear();
        }
        if self.ids.len() == Self::MOST_IDS {
            self.ids.remove(0);
        }
        self.ids.push(TakenId::Given(record.key().native.clone()));
    }
}

impl TakenId {
    fn hash(&self) -> IdHash {
        match self {
            Self::Given(id) => id_hash(id),
            Self::Carried(hash) => *hash,
        }
    }
}

impl PartialEq for TakenId {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Given(one), Self::Given(other)) => one == other,
            (one, other) => one.hash() == other.hash(),
        }
    }
}

impl Eq for TakenId {}

impl Serialize for TakenId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.hash().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TakenId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IdHash::deserialize(deserializer).map(Self::Carried)
    }
}

fn id_hash(id: &NativeId) -> IdHash {
    let [a, b, c, d, e, f, ..]: [u8; 32] = Sha256::digest(id.as_str().as_bytes()).into();
    [a, b, c, d, e, f]
}
