//! Lenient decoding: values of several shapes, and fields that become nothing rather than cost a row.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A scalar as text: a string, a number or a boolean.
pub(super) struct Text(String);

impl Text {
    /// The text as sent.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as a yes or no, where it is one.
    pub(super) fn as_bool(&self) -> Option<bool> {
        match self.0.trim() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl Visitor<'_> for Scalar {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a scalar")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Text, E> {
                Ok(Text(value.to_owned()))
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
        }
        deserializer.deserialize_any(Scalar)
    }
}

/// The entries of an object, in the vendor's order, unread.
pub(super) struct Entries(pub(super) Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Plain text, or a list of rows (LEADSAIL-16).
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<Box<RawValue>>),
}

/// A list of rows, or an object of them (LEADSAIL-17).
pub(super) enum ListOrMap {
    List(Vec<Box<RawValue>>),
    Map(Vec<(String, Box<RawValue>)>),
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let one = serde_json::from_str(raw.get()).map(Self::One);
        one.or_else(|_| serde_json::from_str(raw.get()).map(Self::Many)).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for ListOrMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let list = serde_json::from_str(raw.get()).map(Self::List);
        list.or_else(|_| serde_json::from_str(raw.get()).map(|Entries(map)| Self::Map(map)))
            .map_err(de::Error::custom)
    }
}

/// A field that becomes nothing where it is null or not of the type we know. It never costs the row.
pub(super) fn loose<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// [`loose`] for a field that is an object.
pub(super) fn loose_object<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(object(<&RawValue>::deserialize(deserializer)?))
}

/// A wire struct of an object, and of nothing else: serde would read a list into a struct, field by field in their order.
pub(super) fn object<T: DeserializeOwned>(raw: &RawValue) -> Option<T> {
    raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok()).flatten()
}

/// Rows, unread. The list must be there; null is an empty one, as some languages write it.
pub(super) fn rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Box<RawValue>>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
