//! What a request asks, out of its body or the parameters of its address.

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Uri, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};
use url::form_urlencoded;

use super::media::Said;
use crate::http::Ask;
use crate::http::failure::{self, Failure};

/// Headers that a browser sends to another site only after it has asked that site, so no link, image or form brings them.
/// The first is the specification's, the others are what Apollo's clients send.
pub(in crate::http) const PREFLIGHTED: [HeaderName; 3] = [
    HeaderName::from_static("graphql-require-preflight"),
    HeaderName::from_static("apollo-require-preflight"),
    HeaderName::from_static("x-apollo-operation-name"),
];

/// One request, or several in one body.
pub(in crate::http) enum Asked {
    One(Box<Ask>),
    Batch(Vec<Ask>),
}

/// The body of a POST, which is said to be JSON. At most `max_bytes` of it are read, until `deadline`.
pub(in crate::http) async fn body(
    headers: &HeaderMap,
    body: Body,
    max_bytes: usize,
    deadline: Instant,
) -> Result<Bytes, Failure> {
    if Said::of(headers) != Said::Json {
        return Err(failure::MEDIA_TYPE);
    }
    if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(failure::ENCODING);
    }
    let whole = Limited::new(body, max_bytes).collect();
    match timeout_at(deadline, whole).await {
        Err(_) => Err(failure::SLOW_BODY),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(failure::TOO_LARGE),
        Ok(Err(_)) => Err(failure::BROKEN_BODY),
        Ok(Ok(body)) => Ok(body.to_bytes()),
    }
}

/// What a body asks. It may hold `max_batch` requests (0: only one, outside a list).
pub(in crate::http) fn asked(body: &[u8], max_batch: usize) -> Result<Asked, Failure> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(Asked::One(Box::new(ask(members, false)?))),
        Ok(Value::Array(_)) if max_batch == 0 => Err(failure::BATCH),
        Ok(Value::Array(list)) if list.is_empty() => Err(failure::EMPTY_BATCH),
        Ok(Value::Array(list)) if list.len() > max_batch => Err(failure::LONG_BATCH),
        Ok(Value::Array(list)) => {
            let asks = list.into_iter().map(|one| match one {
                Value::Object(members) => ask(members, false),
                _ => Err(failure::NOT_AN_OBJECT),
            });
            Ok(Asked::Batch(asks.collect::<Result<_, _>>()?))
        }
        Ok(_) => Err(failure::NOT_AN_OBJECT),
        Err(_) => Err(failure::NOT_JSON),
    }
}

/// Whether a GET bears a mark that no page of another site can make a browser send.
pub(super) fn is_marked(headers: &HeaderMap) -> Result<bool, Failure> {
    match Said::of(headers) {
        Said::Json => Ok(true),
        Said::Nothing => Ok(PREFLIGHTED.iter().any(|name| headers.contains_key(name))),
        Said::Other => Err(failure::MEDIA_TYPE),
    }
}

/// What the parameters of a GET ask, which must be marked.
pub(super) fn parameters(parts: &Parts, marked: bool) -> Result<Asked, Failure> {
    // Said before a missing mark is: a person who opens the address is to learn what it is for.
    let ask = addressed(&parts.uri)?;
    if !marked {
        return Err(failure::PREFLIGHT);
    }
    Ok(Asked::One(Box::new(ask)))
}

/// What the parameters of an address ask.
pub(in crate::http) fn addressed(uri: &Uri) -> Result<Ask, Failure> {
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        let value = match &*name {
            "query" | "documentId" => Value::String(value.into_owned()),
            // Empty is as good as absent.
            "operationName" if value.is_empty() => continue,
            "operationName" => Value::String(value.into_owned()),
            "variables" | "extensions" => {
                serde_json::from_str(&value).map_err(|_| failure::PARAMETER_NOT_JSON)?
            }
            _ => continue,
        };
        if members.insert(name.into_owned(), value).is_some() {
            return Err(failure::TWICE);
        }
    }
    ask(members, true)
}

/// What the members of a request ask, which came by a safe method or not. Members of other names are ignored.
pub(in crate::http) fn ask(mut members: Map<String, Value>, safe: bool) -> Result<Ask, Failure> {
    let query = text(members.remove("query")).ok_or(failure::NO_QUERY)?;
    let document_id = text(members.remove("documentId")).ok_or(failure::DOCUMENT_ID)?;
    let operation_name = text(members.remove("operationName")).ok_or(failure::OPERATION_NAME)?;
    let variables = object(members.remove("variables")).ok_or(failure::VARIABLES)?;
    let extensions = object(members.remove("extensions")).ok_or(failure::EXTENSIONS)?;
    // What may name a document is the engine's to know; a request without any of it is none.
    if query.is_none() && document_id.is_none() && extensions.is_empty() {
        return Err(failure::NO_QUERY);
    }
    Ok(Ask { query: query.unwrap_or_default(), document_id, operation_name, variables, extensions, safe })
}

/// A text, or nothing. `None`: something else.
fn text(value: Option<Value>) -> Option<Option<String>> {
    match value {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text)),
        Some(_) => None,
    }
}

fn object(value: Option<Value>) -> Option<Map<String, Value>> {
    match value {
        None | Some(Value::Null) => Some(Map::new()),
        Some(Value::Object(members)) => Some(members),
        Some(_) => None,
    }
}
