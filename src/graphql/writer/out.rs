//! JSON, as the schema's scalars write it, appended to bytes.

use std::fmt::Write as _;

use async_graphql::Value;
use async_graphql::resolver_utils::EnumType;
use jiff::Timestamp;

use crate::graphql::scalars::id;
use crate::graphql::types::int;
use crate::model::id::{EntityKind, Key, SourceId};
use crate::model::text::Json;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// The first moment of the year 10000, which is written with more digits.
const FAR: i64 = 253_402_300_800_000;

/// The bytes of an answer, or of a part of it.
#[derive(Default)]
pub(in crate::graphql) struct Out {
    bytes: Vec<u8>,
    /// What is put together before it is written.
    scratch: String,
    /// Something could not be written.
    void: bool,
}

impl Out {
    /// With room for this many bytes.
    pub(in crate::graphql) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// Of one name alone.
    pub(super) fn of_name(name: &str) -> Self {
        let mut out = Self::with_capacity(name.len() + 2);
        out.name(name);
        out
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What was written elsewhere.
    pub(super) fn append(&mut self, written: &Self) {
        self.raw(&written.bytes);
    }

    pub(in crate::graphql) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// JSON as it is.
    pub(in crate::graphql) fn raw(&mut self, json: &[u8]) {
        self.bytes.extend_from_slice(json);
    }

    /// Anything that can be written as JSON.
    pub(in crate::graphql) fn json(&mut self, value: &impl serde::Serialize) {
        // Bytes take all that is written, and nothing of ours has names that are no text.
        let _ = serde_json::to_writer(&mut self.bytes, value);
    }

    pub(super) fn null(&mut self) {
        self.raw(b"null");
    }

    pub(super) fn text(&mut self, text: &str) {
        let escapes = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
        // Looked through to its end in any case, which is faster for texts this short.
        if text.bytes().fold(false, |any, byte| any | escapes(byte)) {
            return self.json(&text);
        }
        self.name(text);
    }

    /// A name of the document or the schema, or a cursor: nothing in it would have to be escaped.
    pub(super) fn name(&mut self, name: &str) {
        self.bytes.reserve(name.len() + 2);
        self.raw(b"\"");
        self.raw(name.as_bytes());
        self.raw(b"\"");
    }

    pub(super) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => write(self, value),
            None => self.null(),
        }
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.raw(if flag { b"true" } else { b"false" });
    }

    pub(super) fn number(&mut self, number: i64) {
        self.json(&int(number));
    }

    /// A word of an enum of the schema.
    pub(super) fn word<E: EnumType>(&mut self, word: E) {
        let item = E::items().iter().find(|item| item.value == word);
        self.optional(item, |out, item| out.name(item.name));
    }

    /// An instant, as `DateTime` writes it.
    pub(super) fn instant(&mut self, at: Timestamp) {
        let ms = at.as_millisecond();
        if at < Timestamp::UNIX_EPOCH || ms >= FAR {
            self.scratch.clear();
            let _ = write!(self.scratch, "\"{at:.3}\"");
            self.bytes.extend_from_slice(self.scratch.as_bytes());
            return;
        }
        let (year, month, day) = date(ms / DAY);
        let of_day = ms % DAY;
        let (second, ms) = (of_day / 1_000, of_day % 1_000);
        let ([y, e], [a, r]) = (two(year / 100), two(year % 100));
        let ([m, o], [d, f]) = (two(month), two(day));
        let ([h, i], [n, u]) = (two(second / 3_600), two(second / 60 % 60));
        let ([s, t], [_, l], [z, w]) = (two(second % 60), two(ms / 100), two(ms % 100));
        self.raw(&[
            b'"', y, e, a, r, b'-', m, o, b'-', d, f, b'T', h, i, b':', n, u, b':', s, t, b'.', l, z, w,
            b'Z', b'"',
        ]);
    }

    /// The global id of a record.
    pub(super) fn id(&mut self, kind: EntityKind, key: &Key) {
        self.raw(b"\"");
        id::write(kind, key, &mut self.scratch, &mut self.bytes);
        self.raw(b"\"");
    }

    /// The global id of a source.
    pub(super) fn source_id(&mut self, source: &SourceId) {
        self.raw(b"\"");
        id::write_source(source, &mut self.scratch, &mut self.bytes);
        self.raw(b"\"");
    }

    /// A vendor's value, as `JSON` writes it. One that cannot be read makes all that is written void: who resolves it says what
    /// is wrong with it.
    pub(super) fn vendor(&mut self, json: &Json) {
        match serde_json::from_str(json.as_str()) {
            Ok(value) => self.value(&value),
            Err(_) => self.void = true,
        }
    }

    /// Whether something could not be written.
    pub(super) fn is_void(&self) -> bool {
        self.void
    }

    /// What the library made. Bytes in it are JSON that was written here.
    pub(in crate::graphql) fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.null(),
            Value::Number(number) => self.json(number),
            Value::String(text) => self.text(text),
            Value::Boolean(flag) => self.flag(*flag),
            Value::Binary(written) => self.raw(written),
            Value::Enum(name) => self.name(name),
            Value::List(items) => self.list(items, Self::value),
            Value::Object(members) => {
                self.bytes.push(b'{');
                for (place, (name, value)) in members.iter().enumerate() {
                    if place > 0 {
                        self.bytes.push(b',');
                    }
                    // A vendor's own object may have names of any kind.
                    self.text(name);
                    self.bytes.push(b':');
                    self.value(value);
                }
                self.bytes.push(b'}');
            }
        }
    }

    pub(super) fn members<T>(&mut self, members: &[(Label, T)], mut write: impl FnMut(&mut Self, &T)) {
        self.bytes.push(b'{');
        for (place, (label, member)) in members.iter().enumerate() {
            let label = if place == 0 { label.0.get(1..).unwrap_or_default() } else { &*label.0 };
            self.raw(label.as_bytes());
            write(self, member);
        }
        self.bytes.push(b'}');
    }

    pub(super) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.bytes.push(b'[');
        for (place, item) in items.into_iter().enumerate() {
            if place > 0 {
                self.bytes.push(b',');
            }
            write(self, item);
        }
        self.bytes.push(b']');
    }
}

/// A name of the document, as it stands before the value of a member, with the comma that comes before all but the first.
pub(super) struct Label(Box<str>);

impl Label {
    pub(super) fn new(name: &str) -> Self {
        Self([",\"", name, "\":"].concat().into())
    }
}

/// The last two digits of a number.
fn two(number: i64) -> [u8; 2] {
    let number = u8::try_from(number % 100).unwrap_or_default();
    [b'0' + number / 10, b'0' + number % 10]
}

/// Year, month and day of a day since 1970.
fn date(day: i64) -> (i64, i64, i64) {
    // Counted from 1 March of the year 0, so that a leap day ends its year; eras are 400 years of 146,097 days.
    let day = day + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests;
