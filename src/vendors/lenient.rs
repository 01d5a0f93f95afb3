//! Reading leniently what a vendor wrote, where it stands: nothing is copied out of a body before it is kept, and what is not of
//! the type we know becomes nothing.

use std::borrow::Cow;
use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::reader::{self, Name};
use super::unread;
use crate::model::text::present;

/// A value's own text. Whatever stands in it is passed over, be it a broken escape or a number beyond all measure, so a field
/// that is read from it costs no more than itself.
pub(super) fn raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de str, D::Error> {
    Ok(<&RawValue>::deserialize(deserializer)?.get())
}

/// What a JSON text says, copied only where it holds an escape, as few do. `None` for all that is no text.
pub(super) fn string(json: &str) -> Option<Cow<'_, str>> {
    if let Some(text) = reader::plain(json) {
        return Some(Cow::Borrowed(text));
    }
    if !json.starts_with('"') {
        return None;
    }
    serde_json::from_str(json).ok().or_else(|| mended(json)).map(Cow::Owned)
}

/// A text that was cut within an emoji, as JavaScript cuts and writes it: half a surrogate pair becomes U+FFFD.
#[cold]
fn mended(json: &str) -> Option<String> {
    struct Bytes;
    impl Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
    }
    // Asked for bytes, serde_json writes a half as the three bytes that UTF-8 would have for it.
    let bytes = serde_json::Deserializer::from_str(json).deserialize_byte_buf(Bytes).ok()?;
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if chunk.invalid().first() == Some(&0xED) {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Some(text)
}

/// A text without the blanks around it; `None` where nothing is left.
pub(super) fn trimmed(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    match text {
        Cow::Borrowed(text) => present(text).map(Cow::Borrowed),
        Cow::Owned(text) => {
            let bare = present(&text)?;
            let bare = (bare.len() < text.len()).then(|| bare.to_owned());
            Some(Cow::Owned(bare.unwrap_or(text)))
        }
    }
}

/// [`trimmed`], to be kept.
pub(super) fn kept(text: Cow<'_, str>) -> Option<String> {
    trimmed(text).map(Cow::into_owned)
}

/// A word in lower case, as vendors' words are compared; most are written so.
pub(super) fn lower(word: &str) -> Cow<'_, str> {
    if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(word.to_ascii_lowercase());
    }
    Cow::Borrowed(word)
}

/// A wire struct of an object, and of nothing else: serde would read a list into a struct, field by field in their order.
pub(super) fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    unread::wire(reader::members(raw.get())?)
}

/// [`object`] for a field.
pub(super) fn object_field<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(object(<&RawValue>::deserialize(deserializer)?))
}

/// The elements of a list, unread; `None` where it is no list.
pub(super) fn elements(raw: &RawValue) -> Option<Vec<&RawValue>> {
    reader::elements(raw.get())?.map(unread::raw).collect()
}

/// The members of an object in the vendor's order, values unread, but for those whose names cannot be read; `None` where it is
/// no object.
pub(super) fn members(raw: &RawValue) -> Option<Vec<(String, &RawValue)>> {
    let member = |(name, value): (Name<'_>, _)| Some((name.read()?.into_owned(), unread::raw(value)?));
    Some(reader::members(raw.get())?.filter_map(member).collect())
}

/// Of members, the value that stands under the first of these names; null is none.
pub(super) fn first<'a>(members: &[(String, &'a RawValue)], names: &[&str]) -> Option<&'a RawValue> {
    let named = |name: &&str| members.iter().find(|(own, value)| own == name && value.get() != "null");
    names.iter().find_map(named).map(|(_, value)| *value)
}
