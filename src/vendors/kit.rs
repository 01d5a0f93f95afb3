//! Tools that every adapter shares: calls from a request's circumstances, errors lifted into our words, bodies decoded row by row.

use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use url::Url;

use super::signature::Secrets;
use super::{Problem, WebhookSetup, lenient};
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::SourceId;
use crate::model::page::Page;
use crate::model::source::{Health, Quota, SourceState};
use crate::model::write::{Fate, WriteFailure};
use crate::source::{Delivery, Refusal};
use crate::upstream::call::{Call, CallMeter, Path};
use crate::upstream::client::{Client, State};
use crate::upstream::failure::{Kind, UpstreamError};
use crate::upstream::write::{self, Unwritten};

/// A read of `path` within the request's deadline.
pub(super) fn read(cx: &Cx, op: &'static str, path: Path) -> Call {
    let meter = cx.meter.clone();
    Call {
        op,
        method: Method::GET,
        path,
        query: Vec::new(),
        body: None,
        idempotent: true,
        background: cx.background,
        deadline: cx.deadline,
        meter: CallMeter::new(move || meter.count()),
    }
}

/// A write to `path`, with a JSON body, within the request's deadline.
pub(super) fn write(cx: &Cx, op: &'static str, method: Method, path: Path, body: String) -> Call {
    Call { method, body: Some(body.into()), idempotent: false, ..read(cx, op, path) }
}

/// Puts a failed write into the words of the model.
pub(super) fn unwritten(source: &SourceId, unwritten: Unwritten) -> WriteFailure {
    let fate = match (unwritten.fate, unwritten.error.kind) {
        (write::Fate::Unsent, _) => Fate::Unsent,
        (write::Fate::Unknown, _) => Fate::Unknown,
        // What was just read is there, so a 403 speaks of the key.
        (write::Fate::Refused, Kind::NotFound) => Fate::Absent,
        (write::Fate::Refused, Kind::Invalid) => Fate::Invalid,
        (write::Fate::Refused, _) => Fate::Refused,
    };
    WriteFailure { error: lift(source, unwritten.error), fate }
}

/// A write that was answered with a success, in words that are not understood.
pub(super) fn unclear(source: &SourceId, error: UpstreamError) -> WriteFailure {
    WriteFailure { error: lift(source, error), fate: Fate::Unknown }
}

/// Puts an upstream failure into the words of the model.
pub(super) fn lift(source: &SourceId, error: UpstreamError) -> SourceError {
    let (kind, wait) = (kind_of(error.kind), error.retry_after);
    SourceError::new(source, error.op, kind).retry_after(wait).because(error)
}

fn kind_of(kind: Kind) -> SourceErrorKind {
    match kind {
        Kind::Unreachable => SourceErrorKind::Unreachable,
        Kind::Timeout => SourceErrorKind::Timeout,
        Kind::RateLimited => SourceErrorKind::RateLimited,
        Kind::QuotaExhausted => SourceErrorKind::QuotaExhausted,
        Kind::BreakerOpen => SourceErrorKind::BreakerOpen,
        Kind::Unauthorized => SourceErrorKind::Unauthorized,
        Kind::NotFound | Kind::Forbidden => SourceErrorKind::NotFound,
        Kind::MethodRefused => SourceErrorKind::MethodRefused,
        Kind::Invalid | Kind::VendorError => SourceErrorKind::VendorError,
        Kind::Protocol | Kind::Refused => SourceErrorKind::Protocol,
        Kind::TooLarge => SourceErrorKind::TooLarge,
        Kind::Overloaded => SourceErrorKind::Overloaded,
    }
}

/// Makes `None` of "not found" (and of a record that a dialect calls forbidden), and of an id that may not stand in a path.
pub(super) fn absent<T>(answer: Result<T, UpstreamError>) -> Result<Option<T>, UpstreamError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind, Kind::NotFound | Kind::Forbidden | Kind::Refused) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Decodes a whole body, from which the value may borrow; anything unexpected is `Protocol`.
pub(super) fn decode<'a, T: Deserialize<'a>>(op: &'static str, body: &'a [u8]) -> Result<T, UpstreamError> {
    serde_json::from_slice(body)
        .map_err(|error| UpstreamError::new(op, Kind::Protocol).because(Undecodable::from(&error)))
}

/// Where a body ceased to be what was expected. The decoder's own words are not kept: they repeat the value they met,
/// which may be personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Undecodable {
    category: serde_json::error::Category,
    line: usize,
    column: usize,
}

impl From<&serde_json::Error> for Undecodable {
    fn from(error: &serde_json::Error) -> Self {
        Self { category: error.classify(), line: error.line(), column: error.column() }
    }
}

impl std::fmt::Display for Undecodable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "body not understood at line {}, column {} ({:?})", self.line, self.column, self.category)
    }
}

impl std::error::Error for Undecodable {}

/// The members of what a delivery says, values unread: whatever else is odd about one that is signed must not have it sent again
/// and again.
pub(super) fn delivered<'a>(delivery: &Delivery<'a>) -> Result<Vec<(String, &'a RawValue)>, Refusal> {
    let body: Option<&RawValue> = serde_json::from_slice(delivery.body).ok();
    body.and_then(lenient::members).ok_or(Refusal::Unreadable)
}

/// Decodes rows one by one: a row that cannot be read is counted, not fatal. `row` makes a record of a wire struct and the
/// row's own text, or `None` where something is missing that a record cannot be without.
pub(super) fn rows<'a, W: Deserialize<'a>, T>(
    raw: &[&'a RawValue],
    row: impl Fn(W, &'a RawValue) -> Option<T>,
) -> Page<T> {
    each(raw, |text| lenient::object(text).and_then(|wire| row(wire, text)))
}

/// [`rows`], where `row` reads the row's own text by itself.
pub(super) fn each<'a, T>(raw: &[&'a RawValue], row: impl Fn(&'a RawValue) -> Option<T>) -> Page<T> {
    let mut page = Page { rows: Vec::with_capacity(raw.len()), next: None, rejected: 0 };
    for text in raw {
        match row(text) {
            Some(record) => page.rows.push(Arc::new(record)),
            None => page.rejected += 1,
        }
    }
    page
}

/// Health and quota as the model says them.
pub(super) fn health(client: &Client) -> Health {
    let standing = client.standing();
    Health {
        state: match standing.state {
            State::Up => SourceState::Up,
            State::Degraded => SourceState::Degraded,
            State::Down => SourceState::Down,
            State::Unauthorized => SourceState::Unauthorized,
        },
        since: standing.since,
        last_success_at: standing.last_success_at,
        last_error: standing.last_error.map(kind_of),
        retry_at: standing.retry_at,
    }
}

/// The quota as the model says it.
pub(super) fn quota(client: &Client) -> Quota {
    let standing = client.standing();
    Quota {
        limit: standing.quota,
        window: standing.quota_window,
        remaining: standing.remaining,
        reset_at: standing.reset_at,
    }
}

/// Reads a vendor's settings table, reporting every bad key at once. `T` needs `#[serde(default, deny_unknown_fields)]`.
pub(super) fn settings<T: DeserializeOwned + Default>(table: &toml::Table) -> Result<T, Vec<Problem>> {
    below("settings", table)
}

/// Reads what is set about a webhook, as [`settings`], and takes its secrets.
pub(super) fn webhook<T: DeserializeOwned + Default>(
    setup: WebhookSetup,
) -> Result<(T, Secrets), Vec<Problem>> {
    let settings = below("webhook", &setup.settings)?;
    let secrets = Secrets::new(setup.secrets).ok_or_else(|| {
        vec![Problem {
            path: vec!["webhook".to_owned()],
            what: "it has no secret, or an empty one".to_owned(),
            hint: "name the variable that holds it: secret_env = \"ACME_WEBHOOK_SECRET\"".to_owned(),
        }]
    })?;
    Ok((settings, secrets))
}

fn below<T: DeserializeOwned + Default>(name: &str, table: &toml::Table) -> Result<T, Vec<Problem>> {
    let mut problems = Vec::new();
    for (key, value) in table {
        let single = toml::Table::from_iter([(key.clone(), value.clone())]);
        if let Err(error) = T::deserialize(single) {
            problems.push(Problem {
                path: vec![name.to_owned(), key.clone()],
                what: error.message().to_owned(),
                hint: "see examples/gateway.toml for the settings of each vendor".to_owned(),
            });
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    T::deserialize(table.clone()).map_err(|error| {
        vec![Problem { path: vec![name.to_owned()], what: error.message().to_owned(), hint: String::new() }]
    })
}

/// Whether a link may be handed to a client, who opens it: nothing but a web address will do.
pub(super) fn is_web_address(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
}
