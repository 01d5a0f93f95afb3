//! Scalars of LeadSail's JSON, whose documentation is not to be held to their types.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::Number;
use serde_json::value::RawValue;

use super::super::lenient;

/// A scalar as text: a string as it was sent, a number or a boolean. Nothing where it is null or cannot be read as one of them,
/// which never costs the row.
#[derive(Default)]
pub(super) struct Text<'a>(Option<Cow<'a, str>>);

impl<'a> Text<'a> {
    /// That of a value that stands by itself.
    pub(super) fn of(raw: &'a RawValue) -> Option<Self> {
        Self::read(raw.get()).map(|text| Self(Some(text)))
    }

    /// The text as sent.
    pub(super) fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The text as sent, to be kept.
    pub(super) fn whole(self) -> Option<String> {
        self.0.map(Cow::into_owned)
    }

    /// The text without the blanks around it, to be kept; `None` where nothing is left.
    pub(super) fn kept(self) -> Option<String> {
        self.0.and_then(lenient::kept)
    }

    /// The text as a yes or no, where it is one.
    pub(super) fn as_bool(&self) -> Option<bool> {
        match self.as_str()?.trim() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The text of a value.
    fn read(raw: &'a str) -> Option<Cow<'a, str>> {
        match raw.as_bytes().first()? {
            b'"' => lenient::string(raw),
            b't' | b'f' => Some(raw.into()),
            b'-' | b'0'..=b'9' => serde_json::from_str(raw).ok().and_then(digits).map(Cow::Owned),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Self::read(lenient::raw(deserializer)?)))
    }
}

fn digits(number: Number) -> Option<String> {
    let whole = number.as_u64().map(|whole| whole.to_string());
    let whole = whole.or_else(|| number.as_i64().map(|whole| whole.to_string()));
    whole.or_else(|| number.as_f64().map(|float| float.to_string()))
}
