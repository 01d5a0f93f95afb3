//! Metrics: what is counted is a function here, so that a name is written once. Read as text by [`text()`].
//!
//! They belong to the process: two gateways in one program count together. Labels are bounded: routes as templates, names of
//! accounts and sources, words of ours; never what a client sent. Gauges of accounts and caches are asked for when somebody
//! reads, so what is gone is not told of.

mod gauges;
mod tables;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

pub use self::gauges::{Account, Cache, Circuit, watch_account, watch_cache};
use self::tables::TABLES;

/// The media type of [`text()`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics as they stand now, in the `OpenMetrics` format.
#[must_use]
pub fn text() -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = text::encode(&mut out, &TABLES.registry);
    out
}

/// The names of all metrics, those included of which nothing has been counted yet.
#[must_use]
pub fn names() -> BTreeSet<String> {
    let text = text();
    let told = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let told = told.filter(|(_, kind)| matches!(*kind, "gauge" | "info")).map(|(name, _)| name.to_owned());
    told.chain(TABLES.names.iter().cloned()).collect()
}

/// A request has come in. It is counted when the returned value is dropped, as `gone` where nothing was answered.
#[must_use]
pub fn http_request(method: &'static str, route: Cow<'static, str>) -> HttpRequest {
    TABLES.http_in_flight.inc();
    HttpRequest { method, route, status: None, began: tokio::time::Instant::now() }
}

/// A request under way.
#[derive(Debug)]
pub struct HttpRequest {
    method: &'static str,
    route: Cow<'static, str>,
    status: Option<u16>,
    began: tokio::time::Instant,
}

impl HttpRequest {
    /// It is answered with this status.
    pub fn answered(mut self, status: u16) {
        self.status = Some(status);
    }
}

impl Drop for HttpRequest {
    fn drop(&mut self) {
        let route = std::mem::take(&mut self.route);
        TABLES.http_in_flight.dec();
        let took = self.began.elapsed().as_secs_f64();
        if (&*route, self.method, self.status) == (USUAL.route, USUAL.method, Some(200)) {
            USUAL.duration.observe(took);
            USUAL.answered.inc();
            return;
        }
        let status = match self.status {
            None => Cow::Borrowed("gone"),
            Some(status) => Cow::Owned(status.to_string()),
        };
        TABLES.http_duration.get_or_create(&[("route", route.clone())]).observe(took);
        let labels = [("route", route), ("method", Cow::Borrowed(self.method)), ("status", status)];
        TABLES.http_requests.get_or_create(&labels).inc();
    }
}

/// What counts nearly all requests, found by its labels once.
struct Usual {
    route: &'static str,
    method: &'static str,
    duration: Histogram,
    answered: Counter,
    again: Counter,
}

static USUAL: LazyLock<Usual> = LazyLock::new(|| {
    let (route, method) = ("/graphql", "POST");
    let label = ("route", Cow::Borrowed(route));
    let labels = [label.clone(), ("method", Cow::Borrowed(method)), ("status", Cow::Borrowed("200"))];
    Usual {
        route,
        method,
        duration: TABLES.http_duration.get_or_create_owned(&[label]),
        answered: TABLES.http_requests.get_or_create_owned(&labels),
        again: TABLES.operations.get_or_create_owned(&[("outcome", Cow::Borrowed("kept"))]),
    }
});

/// Nobody was let in: `missing` for no key or token, `unknown` for one that is nobody's or no longer good, `unavailable` where that
/// could not be found out, `too_often` beyond a caller's rate.
pub fn caller_refused(reason: &'static str) {
    TABLES.refused.get_or_create(&[("reason", Cow::Borrowed(reason))]).inc();
}

/// An operation was reckoned to cost so many calls to vendors.
pub fn operation_reckoned(calls: u32) {
    TABLES.reckoned_calls.observe(calls.into());
}

/// A GraphQL request was answered by an answer that was kept.
pub fn answered_again() {
    USUAL.again.inc();
}

/// A GraphQL request was answered: whether anything was executed, the codes of its errors, the calls it took.
pub fn operation_answered<'a>(executed: bool, codes: impl Iterator<Item = &'a str>, calls: u32) {
    let outcome = if executed { "executed" } else { "refused" };
    TABLES.operations.get_or_create(&[("outcome", Cow::Borrowed(outcome))]).inc();
    for code in codes {
        TABLES.errors.get_or_create(&[("code", Cow::Owned(code.to_owned()))]).inc();
    }
    if executed {
        TABLES.spent_calls.observe(calls.into());
    }
}

/// A call to a vendor begins. It is counted by [`VendorCall::ended`], and as `dropped` where nobody waited for its end.
#[must_use]
pub fn vendor_call(account: &str, op: &'static str) -> VendorCall {
    let account = account.to_owned();
    TABLES.calls_in_flight.get_or_create(&[("account", Cow::Owned(account.clone()))]).inc();
    VendorCall { account, op, outcome: "dropped", attempts: 0, began: tokio::time::Instant::now() }
}

/// A call to a vendor under way.
#[derive(Debug)]
pub struct VendorCall {
    account: String,
    op: &'static str,
    outcome: &'static str,
    attempts: u32,
    began: tokio::time::Instant,
}

impl VendorCall {
    /// It ended: `ok`, or the kind of its failure; after so many attempts that left the process.
    pub fn ended(mut self, outcome: &'static str, attempts: u32) {
        (self.outcome, self.attempts) = (outcome, attempts);
    }
}

impl Drop for VendorCall {
    fn drop(&mut self) {
        let account = || ("account", Cow::Owned(self.account.clone()));
        let op = ("op", Cow::Borrowed(self.op));
        TABLES.calls_in_flight.get_or_create(&[account()]).dec();
        let labels = [account(), op.clone()];
        TABLES.attempts.get_or_create(&labels).inc_by(self.attempts.into());
        TABLES.call_duration.get_or_create(&labels).observe(self.began.elapsed().as_secs_f64());
        let outcome = ("outcome", Cow::Borrowed(self.outcome));
        TABLES.calls.get_or_create(&[account(), op, outcome]).inc();
    }
}

/// How a read of the cache ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheRead {
    /// It was there and fresh.
    Hit,
    /// It was there and is being read anew.
    Aging,
    /// It was read at the vendor, by this read or by another one at the same time.
    Miss,
    /// The vendor failed, and what was there was given.
    Stale,
    /// The vendor failed, or took too long, and there was nothing.
    Failed,
}

impl CacheRead {
    fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Aging => "aging",
            Self::Miss => "miss",
            Self::Stale => "stale",
            Self::Failed => "failed",
        }
    }
}

/// Something of a source was looked for in the cache.
pub fn cache_read(source: &str, what: &'static str, result: CacheRead) {
    let result = ("result", Cow::Borrowed(result.word()));
    TABLES
        .cache_reads
        .get_or_create(&[shared("source", source), ("what", Cow::Borrowed(what)), result])
        .inc();
}

/// A read waits for an equal one that is under way.
pub fn cache_joined(source: &str, what: &'static str) {
    TABLES.cache_joined.get_or_create(&[shared("source", source), ("what", Cow::Borrowed(what))]).inc();
}

/// One source's part in a merged list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part {
    /// Records it gave.
    pub records: u32,
    /// Pages that were read, from its vendor or the cache.
    pub pages: u32,
    /// Records that could not be read.
    pub rejected: u32,
}

/// A source has taken part in a merged list.
pub fn merged(source: &str, list: &'static str, part: Part) {
    let labels = [shared("source", source), ("list", Cow::Borrowed(list))];
    TABLES.merge_records.get_or_create(&labels).inc_by(part.records.into());
    TABLES.merge_pages.get_or_create(&labels).inc_by(part.pages.into());
    TABLES.merge_rejected.get_or_create(&labels).inc_by(part.rejected.into());
}

/// How a source took part in a merged list, in one word.
pub fn reported(source: &str, list: &'static str, status: &'static str) {
    let status = ("status", Cow::Borrowed(status));
    TABLES
        .merge_reports
        .get_or_create(&[shared("source", source), ("list", Cow::Borrowed(list)), status])
        .inc();
}

/// A page of a merged list was given that had been merged before.
pub fn page_again(list: &'static str) {
    TABLES.merge_kept.get_or_create(&[("list", Cow::Borrowed(list))]).inc();
}

/// A source's list was seen not to be newest first.
pub fn order_broke(source: &str) {
    TABLES.order_breaks.get_or_create(&[shared("source", source)]).inc();
}

/// The configuration was read anew, and taken or refused.
pub fn config_reloaded(taken: bool) {
    let outcome = if taken { "taken" } else { "refused" };
    TABLES.reloads.get_or_create(&[("outcome", Cow::Borrowed(outcome))]).inc();
}

fn shared(name: &'static str, value: &str) -> (&'static str, Cow<'static, str>) {
    (name, Cow::Owned(value.to_owned()))
}
