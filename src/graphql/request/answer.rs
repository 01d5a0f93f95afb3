//! The answer to one request, as it goes over the wire.

use std::time::Duration;

use async_graphql::{ErrorExtensionValues, Response, ServerError, Value};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Refusal;
use crate::graphql::error::{BAD_USER_INPUT, INTERNAL, INTERNAL_MESSAGE, VALIDATION_FAILED, status};

/// The most errors in one answer. More of them tell nothing new and cost the client's memory.
const MAX_ERRORS: usize = 20;

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

    /// The `extensions.code` of every error.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.errors.iter().filter_map(|error| match error.extensions.as_ref()?.get("code")? {
            Value::String(code) => Some(code.as_str()),
            _ => None,
        })
    }

    /// What the library answered, with codes on all errors.
    pub(super) fn new(response: Response, request_id: &str) -> Self {
        let Response { data, errors, .. } = response;
        // Errors of execution have a path. Without data and without any path nothing was executed.
        let executed = data != Value::Null || errors.iter().any(|error| !error.path.is_empty());
        let mut errors = few(errors);
        for error in &mut errors {
            // What our resolvers fail with has a code, so what has none failed on its way to them: an argument.
            let code = if executed { BAD_USER_INPUT } else { VALIDATION_FAILED };
            complete(error, code, request_id);
        }
        Self { data: executed.then_some(data), errors, fresh: None }
    }

    /// An answer to a request that was not executed.
    pub(super) fn refused(refusal: Refusal, request_id: &str) -> Self {
        let Refusal { code, message, locations, more } = refusal;
        let mut error = ServerError::new(message, None);
        error.locations = locations;
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        more.into_iter().for_each(|(name, value)| extensions.set(name, value));
        complete(&mut error, code, request_id);
        Self { data: None, errors: vec![error], fresh: None }
    }

    /// An answer to a request whose execution came to nothing.
    pub(super) fn failed(code: &str, message: &str, request_id: &str) -> Self {
        let mut error = ServerError::new(message, None);
        complete(&mut error, code, request_id);
        Self { data: Some(Value::Null), errors: vec![error], fresh: None }
    }

    /// An answer to a request at which the gateway failed.
    pub(super) fn internal(request_id: &str) -> Self {
        Self::failed(INTERNAL, INTERNAL_MESSAGE, request_id)
    }
}

/// The first errors. A field that is selected twice fails twice; that is told once.
fn few(errors: Vec<ServerError>) -> Vec<ServerError> {
    let mut few: Vec<ServerError> = Vec::new();
    for error in errors {
        let told = |other: &ServerError| {
            other.path == error.path && other.message == error.message && other.extensions == error.extensions
        };
        if few.len() < MAX_ERRORS && (error.path.is_empty() || !few.iter().any(told)) {
            few.push(error);
        }
    }
    few
}

/// Gives an error its request id, and a code where it has none; cuts its message.
fn complete(error: &mut ServerError, code: &str, request_id: &str) {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_none() {
        extensions.set("code", code);
    }
    extensions.set("requestId", request_id);
    if let Some((end, _)) = error.message.char_indices().nth(MAX_MESSAGE) {
        error.message.truncate(end);
        error.message.push('…');
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        if !self.errors.is_empty() {
            members.serialize_entry("errors", &self.errors)?;
        }
        if let Some(data) = &self.data {
            members.serialize_entry("data", data)?;
        }
        members.end()
    }
}
