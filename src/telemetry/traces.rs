//! Traces: what a request did, part by part, and how long each part took.
//!
//! A span is made by a function here alone, so that what it may say is decided in one file: words of ours, names of accounts
//! and sources, routes as templates, figures; never what a client or a vendor sent. Spans have a target of their own, to which
//! logs are deaf: where no traces are sent, a span is a look at one flag. Who sends them is `export.rs`.

use http::HeaderMap;
use sha2::{Digest, Sha256};
use tracing::field::Empty;
use tracing::{Span, info_span};
use url::Url;

/// What marks spans of traces, and tells them from those of logs.
pub(super) const TARGET: &str = "leadgraph::traces";

/// Where traces go, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The collector, without `/v1/traces`.
    pub endpoint: Url,
    /// How many of a hundred requests are traced.
    pub sample_percent: u8,
    /// What the collector knows this service by.
    pub service: String,
}

/// How many of a hundred requests are traced if nothing is said.
pub const SAMPLE_PERCENT: u8 = 10;
/// What the collector knows this service by if nothing is said.
pub const SERVICE: &str = "leadgraph";

/// A request that came in. It goes on with the client's trace, where it names one by a `traceparent` as W3C has it.
#[must_use]
pub fn request(method: &'static str, route: &str, request_id: &str, headers: &HeaderMap) -> Span {
    // Whoever looks whether we live is no request of interest.
    if matches!(route, "/livez" | "/readyz") {
        return Span::none();
    }
    let span = info_span!(
        target: TARGET,
        "request",
        "otel.name" = format_args!("{method} {route}"),
        "otel.kind" = "server",
        "http.request.method" = method,
        "http.route" = route,
        "http.response.status_code" = Empty,
        "leadgraph.request_id" = request_id,
        "otel.status_code" = Empty,
    );
    #[cfg(feature = "otel")]
    super::export::adopt(&span, headers);
    #[cfg(not(feature = "otel"))]
    let _ = headers;
    span
}

/// The request was answered with this status.
pub fn answered(request: &Span, status: u16) {
    request.record("http.response.status_code", status);
    if status >= 500 {
        fail(request);
    }
}

/// An operation, of which nothing is known yet.
#[must_use]
pub fn operation() -> Span {
    info_span!(
        target: TARGET,
        "operation",
        "graphql.operation.type" = Empty,
        "leadgraph.operation.name_hash" = Empty,
        "leadgraph.calls.reckoned" = Empty,
        "leadgraph.calls.spent" = Empty,
        "leadgraph.outcome" = Empty,
        "otel.status_code" = Empty,
    )
}

/// The operation that is being executed is of this type and name, and may take so many calls. Of the name only a hash is told,
/// the first 16 digits of its SHA-256 in hex: the name is the client's.
pub fn operation_reckoned(kind: &'static str, name: Option<&str>, calls: u32) {
    let span = Span::current();
    if span.metadata().is_none_or(|metadata| metadata.target() != TARGET) {
        return;
    }
    span.record("graphql.operation.type", kind);
    span.record("leadgraph.calls.reckoned", calls);
    if let Some(name) = name {
        let digest = Sha256::digest(name);
        let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        span.record("leadgraph.operation.name_hash", hash);
    }
}

/// The operation took so many calls. `code` is that of its first error.
pub fn operation_answered(operation: &Span, spent: u32, code: Option<&str>) {
    operation.record("leadgraph.calls.spent", spent);
    operation.record("leadgraph.outcome", code.unwrap_or("ok"));
    if code.is_some() {
        fail(operation);
    }
}

/// A read at a source, for the cache and whoever waits for it.
#[must_use]
pub fn read(source: &str, what: &'static str, background: bool) -> Span {
    info_span!(
        target: TARGET,
        "read",
        "otel.name" = format_args!("read {what}"),
        "leadgraph.source" = source,
        "leadgraph.what" = what,
        "leadgraph.background" = background,
        "leadgraph.outcome" = Empty,
        "otel.status_code" = Empty,
    )
}

/// The read ended.
pub fn read_ended(read: &Span, well: bool) {
    read.record("leadgraph.outcome", if well { "ok" } else { "failed" });
    if !well {
        fail(read);
    }
}

/// A call to a vendor, with all its attempts. `op` is a constant text such as `leads.list`.
#[must_use]
pub fn call(account: &str, op: &'static str, method: &str) -> Span {
    info_span!(
        target: TARGET,
        "call",
        "otel.name" = format_args!("call {op}"),
        "leadgraph.account" = account,
        "leadgraph.op" = op,
        "http.request.method" = method,
        "leadgraph.attempts" = Empty,
        "http.response.status_code" = Empty,
        "leadgraph.outcome" = Empty,
        "otel.status_code" = Empty,
    )
}

/// The call ended: `ok` or the kind of its failure, the vendor's status where there was one, after so many attempts that left
/// the process.
pub fn call_ended(call: &Span, outcome: &'static str, status: Option<u16>, attempts: u32) {
    call.record("leadgraph.attempts", attempts);
    end(call, outcome, status);
}

/// One attempt of a call, its waits for quota and a permit included. The first is 1.
#[must_use]
pub fn attempt(number: u32) -> Span {
    info_span!(
        target: TARGET,
        "attempt",
        "otel.kind" = "client",
        "leadgraph.attempt" = number,
        "http.response.status_code" = Empty,
        "leadgraph.outcome" = Empty,
        "otel.status_code" = Empty,
    )
}

/// The attempt ended, as a call does.
pub fn attempt_ended(attempt: &Span, outcome: &'static str, status: Option<u16>) {
    end(attempt, outcome, status);
}

fn end(span: &Span, outcome: &'static str, status: Option<u16>) {
    span.record("leadgraph.outcome", outcome);
    if let Some(status) = status {
        span.record("http.response.status_code", status);
    }
    if outcome != "ok" {
        fail(span);
    }
}

fn fail(span: &Span) {
    span.record("otel.status_code", "ERROR");
}
