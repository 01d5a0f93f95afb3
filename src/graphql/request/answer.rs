//! The answer to one request, as it goes over the wire.

use std::time::Duration;

use async_graphql::{ErrorExtensionValues, Response, ScalarType as _, ServerError, Value};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Refusal, library};
use crate::graphql::error::{
    BAD_USER_INPUT, COST_RATE_EXCEEDED, INTERNAL, INTERNAL_MESSAGE, VALIDATION_FAILED, source_code, status,
};
use crate::graphql::scalars::time::DateTime;
use crate::graphql::writer::Out;
use crate::model::cx::Older;
use crate::model::lease::Lease;

/// The most errors in one answer. More of them tell nothing new and cost the client's memory.
const MAX_ERRORS: usize = 20;

/// The most bytes of all errors of an answer together, as JSON. The first is told in any case.
const MAX_BYTES: usize = 16 * 1024;

/// What an answer has beside what was written of its data already, for the most part, in bytes.
const SPARE: usize = 512;

/// The longest message of an error, in characters. Only messages that repeat what a client sent get that long.
const MAX_MESSAGE: usize = 400;

/// The answer to one request. Serializes to the body of a response.
#[derive(Debug)]
pub struct Answer {
    /// `None`: the request was refused before anything was executed, and the body has no `data`.
    data: Option<Value>,
    errors: Vec<ServerError>,
    /// For how long a client may use it again; `None`: not at all.
    fresh: Option<Duration>,
    /// For how long the gateway may give it again.
    lease: Option<Lease>,
    /// What it says beside data and errors.
    extensions: Extensions,
}

impl Answer {
    /// The code of the first error where the request was refused before anything was executed.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        if self.data.is_some() { None } else { self.codes().next() }
    }

    /// Its HTTP status under `application/graphql-response+json`: 294 for data beside errors.
    #[must_use]
    pub fn status(&self) -> u16 {
        match (self.refusal(), self.errors.is_empty()) {
            (Some(code), _) => status(code),
            (None, true) => 200,
            (None, false) => 294,
        }
    }

    /// When the caller may spend again, where it was refused for having spent too much.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal().filter(|code| *code == COST_RATE_EXCEEDED)?;
        match self.errors.first()?.extensions.as_ref()?.get("retryAfterMs")? {
            Value::Number(wait) => wait.as_u64().map(Duration::from_millis),
            _ => None,
        }
    }

    /// For how long whoever got it may use it again. `None` but for whole answers to a query that was named, not sent, by a
    /// safe method.
    #[must_use]
    pub fn fresh(&self) -> Option<Duration> {
        self.fresh
    }

    /// Lets whoever gets it use it again.
    pub(super) fn keep_for(&mut self, fresh: Duration) {
        self.fresh = Some(fresh);
    }

    /// For how long whoever may see the same gets the same for the same request. `None` where it was made by calls, is not whole,
    /// or is of a moment.
    #[must_use]
    pub fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// Lets the gateway give it again.
    pub(super) fn give_again(&mut self, lease: Lease) {
        self.lease = Some(lease);
    }

    /// The `extensions.code` of every error.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.errors.iter().filter_map(code_of)
    }

    /// What the library answered, with codes on all errors, and without what the client said.
    pub(super) fn new(response: Response, suggestions: bool, request_id: &str) -> Self {
        let Response { data, errors, .. } = response;
        // Errors of execution have a path. Without data and without any path nothing was executed.
        let executed = data != Value::Null || errors.iter().any(|error| !error.path.is_empty());
        // What our resolvers fail with has a code, so what has none failed on its way to them: an argument.
        let code = if executed { BAD_USER_INPUT } else { VALIDATION_FAILED };
        let mut told = Told::default();
        for mut error in errors {
            if code_of(&error).is_none() {
                error.message = library::reworded(&error.message, suggestions);
            }
            complete(&mut error, code, request_id);
            told.add(error);
        }
        Self {
            data: executed.then_some(data),
            errors: told.errors,
            extensions: Extensions::leaving_out(told.untold),
            fresh: None,
            lease: None,
        }
    }

    /// An answer to a request that was not executed.
    pub(super) fn refused(refusal: Refusal, request_id: &str) -> Self {
        let Refusal { code, message, locations, more } = refusal;
        let mut error = ServerError::new(message, None);
        error.locations = locations;
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        more.into_iter().for_each(|(name, value)| extensions.set(name, value));
        complete(&mut error, code, request_id);
        Self { data: None, errors: vec![error], extensions: Extensions::default(), fresh: None, lease: None }
    }

    /// An answer to a request whose execution came to nothing.
    pub(super) fn failed(code: &str, message: &str, request_id: &str) -> Self {
        let mut error = ServerError::new(message, None);
        complete(&mut error, code, request_id);
        Self {
            data: Some(Value::Null),
            errors: vec![error],
            extensions: Extensions::default(),
            fresh: None,
            lease: None,
        }
    }

    /// Says that single records in it are older than usual. Lists say so in their reports.
    pub(super) fn of_older(mut self, older: Vec<Older>) -> Self {
        self.extensions.stale = older.into_iter().map(Stale::from).collect();
        self
    }

    /// An answer to a request at which the gateway failed.
    pub(super) fn internal(request_id: &str) -> Self {
        Self::failed(INTERNAL, INTERNAL_MESSAGE, request_id)
    }
}

/// The errors of an answer, as many as may be. A field that is selected twice fails twice; that is told once.
#[derive(Default)]
struct Told {
    errors: Vec<ServerError>,
    bytes: usize,
    untold: usize,
}

impl Told {
    fn add(&mut self, error: ServerError) {
        let same = |other: &ServerError| {
            other.path == error.path && other.message == error.message && other.extensions == error.extensions
        };
        if !error.path.is_empty() && self.errors.iter().any(same) {
            return;
        }
        let bytes = match self.errors.len() {
            MAX_ERRORS => MAX_BYTES,
            _ => serde_json::to_vec(&error).map_or(MAX_BYTES, |json| json.len() + 1),
        };
        if !self.errors.is_empty() && self.bytes + bytes > MAX_BYTES {
            self.untold += 1;
        } else {
            self.bytes += bytes;
            self.errors.push(error);
        }
    }
}

fn code_of(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code.as_str()),
        _ => None,
    }
}

/// Gives an error its request id, and a code where it has none; cuts its message.
fn complete(error: &mut ServerError, code: &str, request_id: &str) {
    let coded = code_of(error).is_some();
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if !coded {
        extensions.set("code", code);
    }
    extensions.set("requestId", request_id);
    if let Some((end, _)) = error.message.char_indices().nth(MAX_MESSAGE) {
        error.message.truncate(end);
        error.message.push('…');
    }
}

/// What an answer says beside data and errors.
#[derive(Debug, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    /// How many errors more there were.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors_left_out: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stale: Vec<Stale>,
}

/// A source of which single records are older than usual: what was read before was given while it is read anew, or since it could
/// not be.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Stale {
    source: String,
    fetched_at: Value,
    /// Why it could not be read anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

impl Extensions {
    fn leaving_out(errors: usize) -> Self {
        Self { errors_left_out: Some(errors).filter(|errors| *errors > 0), ..Self::default() }
    }

    fn is_empty(&self) -> bool {
        self.errors_left_out.is_none() && self.stale.is_empty()
    }
}

impl From<Older> for Stale {
    fn from(older: Older) -> Self {
        let fetched_at = DateTime(older.fetched_at).to_value();
        Self { source: older.source.as_str().to_owned(), fetched_at, code: older.error.map(source_code) }
    }
}

impl Answer {
    /// The body of a response: a JSON object. It may be kept, so it takes hardly more memory than it is long.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let written = self.data.as_ref().map_or(0, written);
        let mut out = Out::with_capacity(written + SPARE);
        let mut between: &[u8] = b"{";
        let mut name = |out: &mut Out, name: &[u8]| {
            out.raw(between);
            out.raw(name);
            between = b",";
        };
        if !self.errors.is_empty() {
            name(&mut out, b"\"errors\":");
            out.json(&self.errors);
        }
        if let Some(data) = &self.data {
            name(&mut out, b"\"data\":");
            out.value(data);
        }
        if !self.extensions.is_empty() {
            name(&mut out, b"\"extensions\":");
            out.json(&self.extensions);
        }
        out.raw(b"}");
        let mut bytes = out.into_bytes();
        if bytes.capacity() - bytes.len() > SPARE {
            bytes.shrink_to_fit();
        }
        bytes
    }
}

/// How many bytes of a value are written already.
fn written(value: &Value) -> usize {
    match value {
        Value::Binary(bytes) => bytes.len(),
        Value::Object(members) => members.values().map(written).sum(),
        Value::List(items) => items.iter().map(written).sum(),
        _ => 0,
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = self.to_bytes();
        serde_json::from_slice::<&RawValue>(&bytes).map_err(S::Error::custom)?.serialize(serializer)
    }
}
