//! Values of valid JSON for serde, which reads none of them unless more than its own text is asked for.

use std::iter;

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, MapDeserializer};
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::reader::Name;

/// What the names begin with by which `serde_json`'s own types ask.
const PRIVATE: &str = "$serde_json::private::";

/// A value, by its own text.
pub(super) fn raw(value: &str) -> Option<&RawValue> {
    <&RawValue>::deserialize(Unread(value)).ok()
}

/// A wire struct of the members of an object: their names, and their values as they are written.
pub(super) fn wire<'a, T: Deserialize<'a>>(members: impl Iterator<Item = (Name<'a>, &'a str)>) -> Option<T> {
    T::deserialize(MapAccessDeserializer::new(Members { members, value: "" })).ok()
}

struct Members<'a, I> {
    members: I,
    /// That of the member whose name was told last.
    value: &'a str,
}

impl<'de, I: Iterator<Item = (Name<'de>, &'de str)>> MapAccess<'de> for Members<'de, I> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        let Some((name, value)) = self.members.next() else { return Ok(None) };
        self.value = value;
        match name {
            Name::Plain(name) => seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some),
            Name::Escaped(name) => seed.deserialize(&mut serde_json::Deserializer::from_str(name)).map(Some),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        seed.deserialize(Unread(self.value))
    }
}

struct Unread<'a>(&'a str);

impl<'de> Deserializer<'de> for Unread<'de> {
    type Error = serde_json::Error;

    /// This is how [`RawValue`] asks for a value's own text: as the value of a member of the name that it gives.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        if !name.starts_with(PRIVATE) {
            return serde_json::Deserializer::from_str(self.0).deserialize_newtype_struct(name, visitor);
        }
        let text = BorrowedStrDeserializer::new(self.0);
        visitor.visit_map(MapDeserializer::new(iter::once((name, text))))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        serde_json::Deserializer::from_str(self.0).deserialize_enum(name, variants, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        if self.0 == "null" { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        serde_json::Deserializer::from_str(self.0).deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }
}
