//! The one place that decides `extensions.code` and what a client may read about a failure.
//!
//! Texts are constant per kind: no URL, key, body, cause or personal data reaches them. The request id and the codes of
//! errors that the GraphQL library made are added where a request ends (`request.rs`).

use std::time::Duration;

use async_graphql::{Context, ErrorExtensionValues, Value};

use crate::gather::LinkError;
use crate::gather::answer::GatherError;
use crate::gather::request::{InputCode, InputError};
use crate::model::caller::Scope;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::SourceId;

/// The document is not GraphQL.
pub(super) const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
/// The document has too much of something: `exceeded` says of what, `limit` how much there may be.
pub(super) const DOCUMENT_TOO_COMPLEX: &str = "DOCUMENT_TOO_COMPLEX";
/// The document does not fit the schema.
pub(super) const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
/// The document has no such operation, or several and none was named.
pub(super) const OPERATION_UNRESOLVED: &str = "OPERATION_RESOLUTION_FAILURE";
/// An argument or variable that cannot be.
pub(super) const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
/// Nobody has shown the document of this hash. The code is Apollo's, as are the next two.
pub(super) const PERSISTED_NOT_FOUND: &str = "PERSISTED_QUERY_NOT_FOUND";
/// Documents that clients show are not kept here.
pub(super) const PERSISTED_NOT_SUPPORTED: &str = "PERSISTED_QUERY_NOT_SUPPORTED";
/// The document does not have the hash that it was sent with.
pub(super) const HASH_MISMATCH: &str = "PERSISTED_QUERY_HASH_MISMATCH";
/// Only trusted documents run here, and this is none.
pub(super) const DOCUMENT_NOT_LISTED: &str = "PERSISTED_QUERY_NOT_IN_LIST";
/// Only trusted documents run here, named by their ids.
pub(super) const ID_REQUIRED: &str = "PERSISTED_QUERY_ID_REQUIRED";
/// The variables have too much of something: `exceeded` says of what, `limit` how much there may be.
pub(super) const VARIABLES_TOO_COMPLEX: &str = "VARIABLES_TOO_COMPLEX";
/// The schema may not be asked for.
pub(super) const INTROSPECTION_DISABLED: &str = "INTROSPECTION_DISABLED";
/// The answer may have more nodes than one may.
pub(super) const NODE_COST_EXCEEDED: &str = "NODE_COST_EXCEEDED";
/// The caller's operations cost more than it may spend just now.
pub(super) const COST_RATE_EXCEEDED: &str = "COST_RATE_EXCEEDED";
/// The operation is no query, and was sent by GET.
pub(super) const NOT_A_QUERY: &str = "METHOD_NOT_ALLOWED";
/// The operation may take more upstream calls than one may.
pub(super) const UPSTREAM_COST_EXCEEDED: &str = "UPSTREAM_COST_EXCEEDED";
/// The whole answer was not ready in time.
pub(super) const REQUEST_TIMEOUT: &str = "REQUEST_TIMEOUT";
/// Events came faster than a subscriber took them.
pub(super) const SUBSCRIBER_TOO_SLOW: &str = "SUBSCRIBER_TOO_SLOW";
/// What the caller may not do, or ask for.
pub(super) const FORBIDDEN: &str = "FORBIDDEN";
/// The caller asks for something more often than it may.
pub(super) const RATE_LIMITED: &str = "RATE_LIMITED";
/// A fault of ours.
pub(super) const INTERNAL: &str = "INTERNAL";

/// The HTTP status of an answer without data whose first error has this code.
///
/// The GraphQL-over-HTTP specification of September 2026 would have 422 for what does not fit the schema; the audits that
/// clients are held to (npm `graphql-http`) still want its earlier 400.
pub(super) fn status(code: &str) -> u16 {
    match code {
        OPERATION_UNRESOLVED => 422,
        NOT_A_QUERY => 405,
        DOCUMENT_NOT_LISTED | FORBIDDEN | ID_REQUIRED => 403,
        COST_RATE_EXCEEDED => 429,
        _ => 400,
    }
}

/// Why a field has no value, as a client may read it.
#[derive(Clone, Debug)]
pub(super) enum ClientError {
    /// The client asked for something that cannot be.
    Input(InputError),
    /// The caller does not hold the scope that it takes.
    Forbidden(Scope),
    /// The caller has had as many links to recordings made as one may in a second.
    TooManyLinks {
        /// When the next one can be made.
        retry_after: Duration,
    },
    /// One source could not give it.
    Source(SourceError),
    /// Sources that the answer needs could not give it.
    Sources {
        /// What it means for the answer.
        message: &'static str,
        /// Who failed, and how where that is known.
        failures: Vec<(SourceId, Option<SourceError>)>,
        /// When it makes sense to ask again.
        retry_after: Option<Duration>,
    },
    /// A fault of ours. What happened goes to the log alone.
    Internal,
}

impl ClientError {
    /// An argument that cannot be.
    pub(super) fn bad_input(message: impl Into<String>) -> Self {
        Self::Input(InputError { code: InputCode::BadUserInput, message: message.into() })
    }

    /// An id that cannot be.
    pub(super) fn bad_id(message: impl Into<String>) -> Self {
        Self::Input(InputError { code: InputCode::BadId, message: message.into() })
    }

    /// A cursor that cannot be.
    pub(super) fn cursor_invalid(message: impl Into<String>) -> Self {
        Self::Input(InputError { code: InputCode::CursorInvalid, message: message.into() })
    }

    /// A record that was there when it was listed and is no longer there.
    pub(super) fn gone(source: &SourceId, op: &'static str) -> Self {
        Self::Source(SourceError::new(source, op, SourceErrorKind::NotFound))
    }

    /// Reports this beside the data of the current field instead of in place of it.
    pub(super) fn report(self, ctx: &Context<'_>) {
        let error: async_graphql::Error = self.into();
        ctx.add_error(ctx.set_error_path(error.into_server_error(ctx.item.pos)));
    }
}

impl From<SourceError> for ClientError {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<LinkError> for ClientError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::TooOften { retry_after } => Self::TooManyLinks { retry_after },
            LinkError::Source(error) => Self::Source(error),
        }
    }
}

impl From<GatherError> for ClientError {
    fn from(error: GatherError) -> Self {
        match error {
            GatherError::Input(error) => Self::Input(error),
            GatherError::SourcesUnavailable { failures, retry_after } => Self::Sources {
                message: "No source could answer. Send the same request again, with the same cursor.",
                failures: failures.into_iter().map(|error| (error.source.clone(), Some(error))).collect(),
                retry_after,
            },
        }
    }
}

impl From<ClientError> for async_graphql::Error {
    fn from(error: ClientError) -> Self {
        let mut extensions = ErrorExtensionValues::default();
        let message = match error {
            ClientError::Input(InputError { code, message }) => {
                extensions.set("code", input_code(code));
                message
            }
            ClientError::Forbidden(scope) => {
                extensions.set("code", FORBIDDEN);
                extensions.set("scope", scope.as_str());
                format!("This takes the scope `{}`, which this caller does not hold.", scope.as_str())
            }
            ClientError::TooManyLinks { retry_after } => {
                extensions.set("code", RATE_LIMITED);
                extensions.set("retryable", true);
                extensions.set("retryAfterMs", millis(retry_after).max(1));
                "A caller has only so many links to recordings made in a second. Ask for this one again then."
                    .to_owned()
            }
            ClientError::Source(error) => {
                extensions.set("code", source_code(error.kind));
                extensions.set("source", error.source.as_str());
                extensions.set("retryable", error.kind.retryable());
                if let Some(wait) = error.retry_after {
                    extensions.set("retryAfterMs", millis(wait));
                }
                source_message(error.kind).to_owned()
            }
            ClientError::Sources { message, failures, retry_after } => {
                let retryable =
                    failures.iter().any(|(_, error)| error.as_ref().is_none_or(|e| e.kind.retryable()));
                extensions.set("code", "SOURCES_UNAVAILABLE");
                extensions.set("retryable", retryable);
                if let Some(wait) = retry_after {
                    extensions.set("retryAfterMs", millis(wait));
                }
                extensions.set("sources", Value::List(failures.iter().map(failure).collect()));
                message.to_owned()
            }
            ClientError::Internal => {
                extensions.set("code", INTERNAL);
                INTERNAL_MESSAGE.to_owned()
            }
        };
        Self { message, source: None, extensions: Some(extensions) }
    }
}

/// What a client reads of a fault of ours.
pub(super) const INTERNAL_MESSAGE: &str =
    "The gateway failed. Give the request id to whoever runs it; the log has the cause.";

/// One source's failure, inside an error about several.
fn failure((source, error): &(SourceId, Option<SourceError>)) -> Value {
    let mut members = async_graphql::indexmap::IndexMap::new();
    let mut set = |name: &str, value: Value| members.insert(async_graphql::Name::new(name), value);
    set("source", source.as_str().into());
    if let Some(error) = error {
        set("code", source_code(error.kind).into());
        set("retryable", error.kind.retryable().into());
        if let Some(wait) = error.retry_after {
            set("retryAfterMs", millis(wait).into());
        }
    }
    Value::Object(members)
}

/// A duration in whole milliseconds, as large as an `Int` can be.
pub(super) fn millis(wait: Duration) -> i32 {
    i32::try_from(wait.as_millis()).unwrap_or(i32::MAX)
}

fn input_code(code: InputCode) -> &'static str {
    match code {
        InputCode::BadUserInput => BAD_USER_INPUT,
        InputCode::BadId => "BAD_ID",
        InputCode::Forbidden => FORBIDDEN,
        InputCode::CursorInvalid => "CURSOR_INVALID",
        InputCode::CursorExpired => "CURSOR_EXPIRED",
        InputCode::CursorFilterMismatch => "CURSOR_FILTER_MISMATCH",
        InputCode::BackwardLimit => "BACKWARD_LIMIT",
    }
}

pub(super) fn source_code(kind: SourceErrorKind) -> &'static str {
    match kind {
        SourceErrorKind::Unreachable => "SOURCE_UNREACHABLE",
        SourceErrorKind::Timeout => "SOURCE_TIMEOUT",
        SourceErrorKind::RateLimited => "SOURCE_RATE_LIMITED",
        SourceErrorKind::QuotaExhausted => "SOURCE_QUOTA_EXHAUSTED",
        SourceErrorKind::BreakerOpen => "SOURCE_BREAKER_OPEN",
        SourceErrorKind::Unauthorized => "SOURCE_UNAUTHORIZED",
        SourceErrorKind::NotFound => "SOURCE_NOT_FOUND",
        SourceErrorKind::VendorError => "SOURCE_VENDOR_ERROR",
        SourceErrorKind::Protocol
        | SourceErrorKind::TooLarge
        | SourceErrorKind::MethodRefused
        | SourceErrorKind::StaleToken => "SOURCE_PROTOCOL",
        SourceErrorKind::Unsupported => "SOURCE_UNSUPPORTED",
        SourceErrorKind::BudgetExhausted => "SOURCE_BUDGET_EXHAUSTED",
        SourceErrorKind::Overloaded => "SOURCE_OVERLOADED",
        SourceErrorKind::Internal => INTERNAL,
    }
}

/// What people read of a source's failure, the same in `errors` and in `sources`.
pub(super) fn source_message(kind: SourceErrorKind) -> &'static str {
    match kind {
        SourceErrorKind::Unreachable => "The vendor could not be reached.",
        SourceErrorKind::Timeout => "The vendor did not answer in time.",
        SourceErrorKind::RateLimited => "The vendor says that it is asked too often.",
        SourceErrorKind::QuotaExhausted => "No call of the vendor's quota is left.",
        SourceErrorKind::BreakerOpen => "The vendor failed too often just now and is left alone for a while.",
        SourceErrorKind::Unauthorized => "The vendor refuses the key of this source.",
        SourceErrorKind::NotFound => "The vendor has no such thing.",
        SourceErrorKind::VendorError => "The vendor failed, or refused the call.",
        SourceErrorKind::Protocol => "The vendor's answer is not what it documents.",
        SourceErrorKind::TooLarge => "The vendor's answer is larger than the gateway takes.",
        SourceErrorKind::MethodRefused => "The vendor does not know this call.",
        SourceErrorKind::Unsupported => "The vendor has nothing of this kind.",
        SourceErrorKind::BudgetExhausted => "The gateway has read as much as one answer may cost.",
        SourceErrorKind::Overloaded => "Too much is waiting for this vendor already.",
        SourceErrorKind::StaleToken => "The vendor no longer knows where this page begins.",
        SourceErrorKind::Internal => INTERNAL_MESSAGE,
    }
}

#[cfg(test)]
mod tests;
