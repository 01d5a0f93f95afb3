//! The `DateTime` scalar.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use jiff::Timestamp;

use crate::graphql::error::BAD_USER_INPUT;

/// The `DateTime` of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graphql) struct DateTime(pub(in crate::graphql) Timestamp);

/// An instant, written by RFC 3339. Answers are always in UTC with three digits of a second, such as
/// `2026-11-20T09:30:00.000Z`, so they compare as text. Inputs may have any offset and up to nine digits; a date without
/// a time is refused, since it names no instant.
#[Scalar(specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let parsed = match &value {
            Value::String(text) => parse(text),
            _ => None,
        };
        // The given text is not repeated: what is typed into the wrong field may be anything.
        parsed.map(Self).ok_or_else(|| {
            InputValueError::custom(
                "write an instant with its offset by RFC 3339, such as 2026-11-20T09:30:00Z or \
                 2026-11-20T11:30:00+02:00",
            )
            .with_extension("code", BAD_USER_INPUT)
        })
    }

    fn to_value(&self) -> Value {
        Value::String(format!("{:.3}", self.0))
    }
}

/// Wraps an instant that may be absent.
pub(in crate::graphql) fn at(instant: Option<Timestamp>) -> Option<DateTime> {
    instant.map(DateTime)
}

/// Reads `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)` and nothing else; the parser behind it takes far more forms.
fn parse(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let shaped = |bytes: &[u8], shape: &[u8]| {
        bytes.len() == shape.len()
            && bytes.iter().zip(shape).all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                form => byte.eq_ignore_ascii_case(form),
            })
    };
    let (head, rest) = bytes.split_at_checked(19)?;
    let fraction = match rest.strip_prefix(b".") {
        Some(after) => 1 + after.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        None => 0,
    };
    let (fraction, offset) = rest.split_at_checked(fraction)?;
    let right = shaped(head, b"0000-00-00T00:00:00")
        && fraction.len() != 1
        && fraction.len() <= 10
        && (shaped(offset, b"Z") || shaped(offset, b"+00:00") || shaped(offset, b"-00:00"));
    if right { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
