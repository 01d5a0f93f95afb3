//! Spelo's JSON as it is documented, read leniently: unknown fields are ignored, and a field of another type than
//! documented counts as absent. Only an envelope without its `data`, or a list that does not say whether it goes on,
//! is not understood.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::lenient;
use super::super::moment::Moment;
use crate::model::text::present;

/// A page. `has_more` alone says whether there is another (SPELO-6).
#[derive(Deserialize)]
pub(super) struct Listing<'a> {
    #[serde(borrow)]
    pub(super) data: Vec<&'a RawValue>,
    #[serde(default)]
    pub(super) next_cursor: Option<String>,
    pub(super) has_more: bool,
}

/// One record, or what else stands in an envelope; not yet read, since a record keeps its own text.
#[derive(Deserialize)]
pub(super) struct One {
    pub(super) data: Box<RawValue>,
}

/// A lead. All but the id may be absent or null (SPELO-16). `site_id` is not read (SPELO-18).
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Lead<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    pub(super) conversation_id: Text<'a>,
    pub(super) page_url: Text<'a>,
    pub(super) name: Text<'a>,
    pub(super) phone: Text<'a>,
    pub(super) email: Text<'a>,
    pub(super) data: Option<&'a RawValue>,
    pub(super) status: Text<'a>,
    pub(super) notes: Text<'a>,
    pub(super) created_at: Moment,
    pub(super) updated_at: Moment,
}

/// A conversation. All but the id may be absent or null (SPELO-16).
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Conversation<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    pub(super) started_at: Moment,
    pub(super) ended_at: Moment,
    pub(super) duration_seconds: Whole,
    pub(super) turn_count: Whole,
    pub(super) page_url: Text<'a>,
    pub(super) first_user_text: Text<'a>,
    pub(super) transcript: Option<&'a RawValue>,
    pub(super) tool_calls: Option<&'a RawValue>,
    pub(super) recording_path: Text<'a>,
    pub(super) recording_mime: Text<'a>,
    pub(super) recording_bytes: Whole,
    pub(super) expires_at: Moment,
}

/// One turn of a transcript.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Turn<'a> {
    #[serde(borrow)]
    pub(super) role: Text<'a>,
    pub(super) text: Text<'a>,
    pub(super) ts_ms: Whole,
}

/// A tool that the agent used.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ToolCall<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    pub(super) args: Option<&'a RawValue>,
}

/// A signed link.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Link<'a> {
    #[serde(borrow)]
    pub(super) url: Text<'a>,
    pub(super) expires_at: Moment,
}

/// Text, trimmed; a number counts as its digits. Empty text is none.
#[derive(Default)]
pub(super) struct Text<'a>(pub(super) Option<Cow<'a, str>>);

impl<'a> Text<'a> {
    /// That of a value that stands by itself.
    pub(super) fn of(raw: &'a RawValue) -> Option<Self> {
        serde_json::from_str(raw.get()).ok()
    }

    /// The text.
    pub(super) fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The text, to be kept.
    pub(super) fn kept(self) -> Option<String> {
        self.0.map(Cow::into_owned)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = lenient::raw(deserializer)?;
        if let Some(text) = lenient::string(raw) {
            return Ok(Self(lenient::trimmed(text)));
        }
        Ok(Self(match scalar(raw) {
            Value::Number(number) => Some(number.to_string().into()),
            _ => None,
        }))
    }
}

/// A whole number, also as text or with nothing behind the point.
#[derive(Default)]
pub(super) struct Whole(pub(super) Option<i64>);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match scalar(lenient::raw(deserializer)?) {
            Value::Number(number) => number.as_i64().or_else(|| {
                let float = number.as_f64()?;
                #[expect(clippy::cast_possible_truncation, reason = "it is whole and far below the limit")]
                (float.fract() == 0.0 && float.abs() < 1e15).then_some(float as i64)
            }),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }))
    }
}

/// A value that should be no array and no object. Those are passed over unread, however large they are, and so is text
/// that is none.
fn scalar(raw: &str) -> Value {
    if raw.starts_with(['[', '{']) {
        return Value::Null;
    }
    serde_json::from_str(raw).unwrap_or_default()
}

/// The elements of what should be an array, each read on its own; `None` where it is no array. An element that cannot be
/// read takes its place as an empty one, so that their number stays what the vendor sent.
pub(super) fn elements<'a, T: Deserialize<'a> + Default>(field: Option<&'a RawValue>) -> Option<Vec<T>> {
    let elements = lenient::elements(field?)?;
    Some(elements.into_iter().map(|element| lenient::object(element).unwrap_or_default()).collect())
}

/// What a refusal says. Its shape is not documented (SPELO-13), so three shapes are tried in turn.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ErrorBody {
    pub(super) code: Option<String>,
}

impl ErrorBody {
    /// `error.code`, else `error` as text, else `code`; nothing where the body is none of these. The vendor's message is
    /// not kept: it may repeat what was sent.
    pub(super) fn read(body: &[u8]) -> Self {
        const LARGEST: usize = 16 * 1024;
        if body.len() > LARGEST {
            return Self::default();
        }
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |value: Option<&Value>| value?.as_str().and_then(present).map(str::to_owned);
        let error = value.get("error");
        let inside = error.and_then(|error| error.get("code"));
        Self { code: text(inside).or_else(|| text(error)).or_else(|| text(value.get("code"))) }
    }
}
