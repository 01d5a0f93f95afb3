//! From a plan to a connection: the page that was asked for, the walk, the report of every source.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Inner;
use super::ahead::is_walking;
use super::answer::{Connection, GatherError, Report, ReportStatus};
use super::cache::Age;
use super::cursor::{Cursor, Scope, input, longest};
use super::feed::{Feed, FeedState};
use super::plan::{Leg, Legs};
use super::position::Position;
use super::reader::{Tally, Way};
use super::record::Record;
use super::request::{InputCode, InputError, Paging};
use super::walk::{Given, Trail, Walk, beginning};
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{EntityKind, SourceId, Vendor};
use crate::telemetry::metrics;

/// How many to a page if nothing is said.
const DEFAULT_PAGE: usize = 25;
/// How many to a page at most.
const LARGEST_PAGE: i32 = 100;
/// What is said of a source that a walk began with and that is no longer there.
const GONE: &str = "This source is no longer configured.";
/// What is left of a request's time for everything above the sources.
const SPARE: Duration = Duration::from_millis(200);

/// A connection to be made.
pub(super) struct Request<'a, T> {
    pub(super) cx: &'a Cx,
    /// The field of the schema, part of what cursors are bound to.
    pub(super) field: &'static str,
    /// The filter's fingerprint.
    pub(super) filter: u64,
    pub(super) kind: EntityKind,
    pub(super) legs: Legs<T>,
    pub(super) paging: &'a Paging,
    /// A source without such a list may hold records that match: say that something is missing.
    pub(super) unsupported_is_missing: bool,
}

/// The page that was asked for.
enum Wish {
    Forward { count: usize },
    Backward { count: usize },
}

impl Inner {
    pub(super) async fn connect<T: Record>(
        &self,
        request: Request<'_, T>,
    ) -> Result<Connection<T>, GatherError> {
        let Request { cx, field, filter, kind, legs, paging, unsupported_is_missing } = request;
        let wish = wish(paging).map_err(GatherError::Input)?;
        let scope = Scope { caller: Arc::clone(&cx.caller.name), field };
        let given = paging.after.as_deref().or(paging.before.as_deref());
        let most = longest(self.registry.seen_by(&cx.caller).all().len());
        let cursor = given.map(|text| self.sealer.open(&scope, filter, cx.now, text, most)).transpose();
        let cursor = cursor.map_err(GatherError::Input)?;
        if let Some(cursor) = &cursor {
            cx.meter.ground.end(Instant::now() + self.sealer.left(cursor, cx.now));
        }

        let read = legs.iter().filter(|(_, leg)| matches!(leg, Leg::Read(_)));
        let names = read.map(|(source, _)| (source.id().as_str().to_owned(), source.vendor().code()));
        let walking = cursor.as_ref().is_some_and(|cursor| is_walking(&self.settings, cursor, cx.now));
        let fresh = beginning(filter, cx.now, names);
        let end = cursor.as_ref().and_then(|cursor| cursor.last.clone());
        let start = match (&wish, cursor) {
            (_, None) => fresh,
            (Wish::Forward { .. }, Some(cursor)) => Cursor { made: fresh.made, ..cursor },
            (Wish::Backward { .. }, Some(mut cursor)) => {
                cursor.sources.iter_mut().for_each(|stop| stop.position = Position::Start);
                Cursor { made: fresh.made, last: None, ..cursor }
            }
        };

        let mut reports = Vec::new();
        let feeds = self.feeds(cx, kind, legs, &start, &wish, &mut reports);
        let trail = Trail {
            sealer: Arc::clone(&self.sealer),
            scope,
            start,
            moves: Vec::new(),
            places: Vec::new(),
            astray: Vec::new(),
        };
        let gone = reports.iter().any(|report| report.note == Some(GONE));
        let mut walk = Walk::new(feeds, trail, self.settings.straggler_timeout);
        let until = (cx.deadline.checked_sub(SPARE).unwrap_or(cx.deadline))
            .min(Instant::now() + self.settings.source_timeout);
        let (first, previous, next) = match wish {
            Wish::Forward { count } => {
                walk.ahead = walking.then_some(count);
                walk.give(cx, until, count).await;
                let next = walk.feeds.iter().any(Feed::may_have_more);
                (0, paging.after.is_some(), next)
            }
            Wish::Backward { count } => {
                // Before a cursor that stands before the first record there is nothing.
                let most =
                    if paging.before.is_some() && end.is_none() { 0 } else { self.settings.backward_records };
                let reached = match &end {
                    _ if most == 0 => true,
                    Some(end) => walk.give_until(cx, until, most, end).await,
                    None => {
                        walk.give(cx, until, most).await;
                        false
                    }
                };
                if !reached {
                    // The page is known only once all before it is.
                    let failures: Vec<_> = walk.feeds.iter().filter_map(failure).cloned().collect();
                    if end.is_some() && !failures.is_empty() {
                        return Err(unavailable(failures));
                    }
                    let more = |feed: &Feed<T>| matches!(feed.state, FeedState::Live | FeedState::Paused);
                    if walk.feeds.iter().any(more) {
                        return Err(GatherError::Input(too_far(most)));
                    }
                }
                let first = walk.given.len().saturating_sub(count);
                (first, first > 0, paging.before.is_some())
            }
        };

        count(&walk, first, field);
        let sent: HashSet<u16> = walk.given.iter().skip(first).map(|given| given.stop).collect();
        for (index, (feed, stop)) in walk.feeds.iter().zip(&walk.stops).enumerate() {
            let mut report = report(feed, sent.contains(stop), walk.late.contains(&index));
            let known = self.registry.seen_by(&cx.caller).get(&feed.source);
            report.vendor = known.map_or(report.vendor, |source| source.vendor());
            reports.push(report);
        }
        reports.sort_by(|a, b| a.source.cmp(&b.source));
        for report in &reports {
            metrics::reported(report.source.as_str(), field, report.status.word());
        }
        if walk.given.len() == first && !walk.short {
            let failures: Vec<SourceError> = walk.feeds.iter().filter_map(failure).cloned().collect();
            if !failures.is_empty() {
                return Err(unavailable(failures));
            }
        }
        let missing = |report: &Report| match report.status {
            ReportStatus::Failed | ReportStatus::Partial => true,
            ReportStatus::Unsupported => unsupported_is_missing,
            ReportStatus::Ok | ReportStatus::Stale | ReportStatus::Skipped => report.rejected_records > 0,
        };
        Ok(Connection {
            nodes: walk.given.into_iter().skip(first).map(|Given { node, .. }| node).collect(),
            has_next_page: next,
            has_previous_page: previous,
            incomplete: gone || reports.iter().any(missing),
            reports,
            trail: Arc::new(walk.trail),
            first,
            short: walk.short,
            sealed: Arc::default(),
            beside: Arc::default(),
        })
    }

    /// The feeds of a walk: of every source it began with that is still there. The others are reported.
    fn feeds<T: Record>(
        &self,
        cx: &Cx,
        kind: EntityKind,
        legs: Legs<T>,
        start: &Cursor,
        wish: &Wish,
        reports: &mut Vec<Report>,
    ) -> Vec<(u16, Feed<T>)> {
        let mut feeds = Vec::new();
        let stop_of = |id: &SourceId| start.sources.iter().position(|stop| stop.source == id.as_str());
        for stop in &start.sources {
            let gone = !legs.iter().any(|(source, _)| source.id().as_str() == stop.source);
            if let (true, Some(id), Some(vendor)) =
                (gone, SourceId::new(&stop.source), Vendor::from_code(stop.vendor))
            {
                reports.push(silent(id, vendor, ReportStatus::Skipped, Some(GONE)));
            }
        }
        for (source, leg) in legs {
            let id = source.id().clone();
            let course = match leg {
                Leg::Read(course) => course,
                Leg::Skipped => {
                    let note = Some("Nothing of this source can match the filter.");
                    reports.push(silent(id, source.vendor(), ReportStatus::Skipped, note));
                    continue;
                }
                Leg::Unsupported => {
                    let mut report = silent(id, source.vendor(), ReportStatus::Unsupported, None);
                    report.error = Some(SourceError::new(source.id(), "list", SourceErrorKind::Unsupported));
                    reports.push(report);
                    continue;
                }
            };
            // A source that came after the walk began belongs to the next walk.
            let Some((at, stop)) =
                stop_of(&id).and_then(|at| Some((u16::try_from(at).ok()?, start.sources.get(at)?)))
            else {
                continue;
            };
            let budget = match wish {
                Wish::Forward { .. } => self.settings.scan_pages,
                Wish::Backward { .. } => self.settings.scan_pages * 4,
            };
            let done = stop.position == Position::Done;
            let collect_records =
                if course.way == Way::Collect { usize::MAX } else { self.settings.collect_records };
            feeds.push((
                at,
                Feed {
                    habits: self.registry.habits(&id, kind),
                    filter: start.filter,
                    source: id,
                    vendor: source.vendor(),
                    reader: course.reader,
                    way: course.way,
                    keep: course.keep,
                    span: course.span,
                    bounds: course.bounds,
                    collect_records,
                    calls_left: budget,
                    position: stop.position.clone(),
                    state: if done { FeedState::Done } else { FeedState::Live },
                    tally: Tally::default(),
                    meter: cx.meter.part(),
                    buffer: std::collections::VecDeque::new(),
                    ahead: None,
                    astray: false,
                    window: None,
                    restarted: false,
                    seen: HashSet::new(),
                },
            ));
        }
        feeds.sort_by_key(|(stop, _)| *stop);
        feeds
    }
}

/// Checks the page that is asked for. The one place that knows how large pages may be.
fn wish(paging: &Paging) -> Result<Wish, InputError> {
    let refuse = |message: &str| Err(input(InputCode::BadUserInput, message));
    let size = |name: &str, count: i32| {
        let allowed = usize::try_from(count).ok().filter(|_| (1..=LARGEST_PAGE).contains(&count));
        let message =
            || format!("{name} must be from 1 to {LARGEST_PAGE}. To read more, follow pageInfo.endCursor.");
        allowed.ok_or_else(|| input(InputCode::BadUserInput, message()))
    };
    match (paging.first, paging.last) {
        (Some(_), Some(_)) => refuse("Give first or last, not both."),
        _ if paging.after.is_some() && paging.before.is_some() => refuse("Give after or before, not both."),
        (Some(_), None) if paging.before.is_some() => {
            refuse("first goes with after. To read backwards, give last and before.")
        }
        (None, Some(_)) if paging.after.is_some() => {
            refuse("last goes with before. To read forwards, give first and after.")
        }
        (Some(first), None) => Ok(Wish::Forward { count: size("first", first)? }),
        (None, Some(last)) => Ok(Wish::Backward { count: size("last", last)? }),
        (None, None) if paging.before.is_some() => Ok(Wish::Backward { count: DEFAULT_PAGE }),
        (None, None) => Ok(Wish::Forward { count: DEFAULT_PAGE }),
    }
}

fn unavailable(failures: Vec<SourceError>) -> GatherError {
    let retry_after = failures.iter().filter_map(|failure| failure.retry_after).min();
    GatherError::SourcesUnavailable { failures, retry_after }
}

fn too_far(most: usize) -> InputError {
    let message = format!(
        "Reading backwards walks from the newest record, over at most {most} records, and this page lies further back. \
         Narrow the filter (createdAt, sources), or read forwards with first and after."
    );
    input(InputCode::BackwardLimit, message)
}

/// Counts what each source gave, and what was looked through for it.
fn count<T>(walk: &Walk<T>, first: usize, list: &'static str) {
    let given = walk.given.get(first..).unwrap_or_default();
    for (feed, stop) in walk.feeds.iter().zip(&walk.stops) {
        let records = given.iter().filter(|given| given.stop == *stop).count();
        let part = metrics::Part {
            records: u32::try_from(records).unwrap_or(u32::MAX),
            pages: feed.tally.pages,
            rejected: feed.tally.rejected,
        };
        metrics::merged(feed.source.as_str(), list, part);
    }
}

/// The failure that a feed's part of an answer ends with, if it does.
fn failure<T>(feed: &Feed<T>) -> Option<&SourceError> {
    match &feed.state {
        FeedState::Failed(error) => Some(error),
        FeedState::Live | FeedState::Paused | FeedState::Done => None,
    }
}

fn report<T>(feed: &Feed<T>, gave: bool, late: bool) -> Report {
    let tally = &feed.tally;
    let (status, error) = match &feed.state {
        FeedState::Failed(error) if gave => (ReportStatus::Partial, Some(error.clone())),
        FeedState::Failed(error) => (ReportStatus::Failed, Some(error.clone())),
        FeedState::Paused => {
            let spent = SourceError::new(&feed.source, "list", SourceErrorKind::BudgetExhausted);
            (ReportStatus::Partial, Some(spent))
        }
        FeedState::Live | FeedState::Done => match &tally.shortfall {
            Some(shortfall) => (ReportStatus::Partial, Some(shortfall.clone())),
            None => match &tally.age {
                Age::Fresh => (ReportStatus::Ok, None),
                Age::Aging => (ReportStatus::Stale, None),
                Age::Stale(error) => (ReportStatus::Stale, Some(error.clone())),
            },
        },
    };
    Report {
        source: feed.source.clone(),
        vendor: feed.vendor,
        status,
        error,
        note: tally.note,
        fetched_at: tally.fetched_at,
        upstream_calls: feed.meter.calls(),
        rejected_records: tally.rejected,
        catching_up: late,
    }
}

/// The report of a source that was not read.
fn silent(source: SourceId, vendor: Vendor, status: ReportStatus, note: Option<&'static str>) -> Report {
    Report {
        source,
        vendor,
        status,
        error: None,
        note,
        fetched_at: None,
        upstream_calls: 0,
        rejected_records: 0,
        catching_up: false,
    }
}
