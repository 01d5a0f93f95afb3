//! The `JSON` scalar: a vendor's value, passed on as it is.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

use crate::graphql::error::ClientError;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::SourceId;
use crate::model::text;

/// The `JSON` of the schema.
#[derive(Clone, Debug)]
pub(in crate::graphql) struct Json(Value);

/// Any JSON value: object, list, text, number, boolean or null. It is passed on as the vendor sent it, so its shape is
/// the vendor's and may change without notice. Numbers that need more than 64 bits
/// lose precision.
#[Scalar(name = "JSON")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::Binary(_) => Err(InputValueError::expected_type(value)),
            value => Ok(Self(value)),
        }
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }
}

impl Json {
    /// Parses a vendor's text. Only called where a client selected the value.
    pub(in crate::graphql) fn parse_text(source: &SourceId, text: &text::Json) -> Result<Self, ClientError> {
        // Valid text can still be nested deeper than the parser goes.
        serde_json::from_str(text.as_str()).map(Self).map_err(|error| {
            SourceError::new(source, "json.parse", SourceErrorKind::Protocol).because(error).into()
        })
    }
}
