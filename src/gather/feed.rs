//! One source's part in a merged list: a stream of records, newest first, that knows at each record how to go on from there.
//!
//! The vendor's order is believed only as long as it holds. Where it breaks, the list is sorted here: by day windows if the vendor
//! filters by time and nothing of it was taken yet, else all that is left of it at once. A feed never fails the walk; it fails alone
//! and keeps its position.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::chain::{Chain, Most};
use super::habits::Habits;
use super::position::{Place, Position, Taken, Token, Window};
use super::reader::{Reader, Tally, Way};
use super::record::{NOTHING_TAKEN, Record, UNDATED, moment};
use super::trim::Keep;
use super::windows::{OPEN_HI, OPEN_LO, Windows, behind, day_of, newest_first, start_of_next};
use crate::model::cx::{Cx, Meter};
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{SourceId, Vendor};
use crate::model::page::{Page, PageToken};
use crate::source::Span;
use crate::telemetry::metrics;

/// One source's part in a merged list.
pub(super) struct Feed<T> {
    pub(super) source: SourceId,
    pub(super) vendor: Vendor,
    pub(super) reader: Arc<dyn Reader<T>>,
    pub(super) way: Way,
    pub(super) keep: Keep<T>,
    /// The part of the filter's span that the source runs itself.
    pub(super) span: Span,
    /// The filter's whole span: where reading may end.
    pub(super) bounds: Span,
    /// What has been seen of the list.
    pub(super) habits: Arc<Habits>,
    /// The filter's fingerprint.
    pub(super) filter: u64,
    /// The most records that are collected.
    pub(super) collect_records: usize,
    /// Calls that may still be made for this answer without a record to show for them.
    pub(super) calls_left: u32,
    pub(super) position: Position,
    pub(super) state: FeedState,
    pub(super) tally: Tally,
    /// Counts the calls made for this feed.
    pub(super) meter: Meter,
    pub(super) buffer: VecDeque<Arc<T>>,
    /// Where to go on once the buffer is empty.
    pub(super) ahead: Option<Position>,
    /// It may give records newer than what other feeds gave meanwhile: it failed, or its list turned out not to be newest first.
    pub(super) astray: bool,
    /// It has begun at the head again.
    pub(super) restarted: bool,
    /// Where pages began that were read for this answer.
    pub(super) seen: HashSet<PageToken>,
    /// The window that has just been read: which one comes next depends on how full it was.
    pub(super) window: Option<(Window, Vec<Arc<T>>)>,
}

/// Whether a feed can give more for this answer.
#[derive(Debug)]
pub(super) enum FeedState {
    Live,
    /// It has read as much as one answer may cost; the next answer goes on from its position.
    Paused,
    Failed(SourceError),
    Done,
}

/// Pages that one source reads for one answer at most without a record to show for them, whether or not they cost a call.
const MOST_STEPS: u32 = 500;
const LOST: &str = "The vendor no longer knows where this walk stood, and its list is not newest first: start again without a cursor.";
const RESORTED: &str = "The vendor's list is not newest first; it was collected and sorted here.";
const BY_DAYS: &str = "The vendor's list is not newest first; it was read by days and sorted here.";
const OVERFULL: &str = "The vendor's list is not newest first, and more of it is left than is sorted at once: start again without a cursor.";

impl<T: Record> Feed<T> {
    /// The next record, if one is at hand.
    pub(super) fn head(&self) -> Option<&Arc<T>> {
        self.buffer.front()
    }

    /// Whether it must read before it can give.
    pub(super) fn is_dry(&self) -> bool {
        self.runs_dry(0)
    }

    /// Whether it must read before it can give more than the next `taken` records.
    pub(super) fn runs_dry(&self, taken: usize) -> bool {
        let ends = self.ahead == Some(Position::Done);
        matches!(self.state, FeedState::Live) && self.buffer.len() <= taken && !ends
    }

    /// Whether there may be more, now or in a later answer.
    pub(super) fn may_have_more(&self) -> bool {
        !matches!(self.state, FeedState::Done)
    }

    /// The moment down to which it has read: whatever it gives later is not newer.
    pub(super) fn frontier(&self) -> i64 {
        match &self.position {
            Position::Stream { taken, .. } => taken.at(),
            Position::Windows { window, .. } => start_of_next(window.hi),
            Position::Collect { after: Some(place), .. } => place.at,
            Position::Start | Position::Collect { after: None, .. } => i64::MAX,
            Position::Done => i64::MIN,
        }
    }

    /// Gives the next record and moves on behind it.
    pub(super) fn pop(&mut self) -> Option<Arc<T>> {
        let row = self.buffer.pop_front()?;
        match &mut self.position {
            Position::Stream { fresh, taken, .. } => {
                *fresh = false;
                taken.take(&*row);
            }
            Position::Windows { after, .. } | Position::Collect { after, .. } => {
                *after = Some(Place::of(&*row))
            }
            Position::Start | Position::Done => {}
        }
        if self.buffer.is_empty() {
            // What was read is used up: go on behind it, also where the next answer takes over.
            match self.ahead.take() {
                Some(Position::Done) => self.finish(),
                Some(ahead) => self.position = ahead,
                None => {}
            }
        }
        Some(row)
    }

    fn finish(&mut self) {
        self.position = Position::Done;
        self.state = FeedState::Done;
        self.ahead = None;
    }

    /// Reads until there is a record to give, or none can be had for this answer.
    pub(super) async fn fill(&mut self, cx: &Cx) {
        let cx = &Cx { meter: self.meter.clone(), ..cx.clone() };
        if let Err(error) = self.advance(cx).await {
            self.fail(error);
        }
    }

    /// Ends the feed's part in this answer.
    pub(super) fn fail(&mut self, error: SourceError) {
        self.state = FeedState::Failed(error);
        self.astray = true;
    }

    async fn advance(&mut self, cx: &Cx) -> Result<(), SourceError> {
        for step in 0.. {
            if !self.buffer.is_empty() || !matches!(self.state, FeedState::Live) {
                break;
            }
            if self.calls_left == 0 || step == MOST_STEPS {
                self.state = FeedState::Paused;
                break;
            }
            // Steps over cached pages never wait: leave others their turn, and time limits their chance.
            tokio::task::consume_budget().await;
            let before = self.meter.calls();
            match self.position.clone() {
                Position::Start => self.start(cx).await?,
                Position::Stream { page, fresh, taken } => self.stream(cx, page, fresh, taken).await?,
                Position::Windows { window, after } => self.window(cx, window, after).await?,
                Position::Collect { from, after } => self.collect(cx, from, after).await?,
                Position::Done => self.finish(),
            }
            if self.buffer.is_empty() {
                self.calls_left = self.calls_left.saturating_sub(self.meter.calls() - before);
            }
        }
        Ok(())
    }

    async fn start(&mut self, cx: &Cx) -> Result<(), SourceError> {
        self.position = match self.way {
            Way::Stream { .. } if !self.habits.is_distrusted() => {
                Position::Stream { page: None, fresh: true, taken: Taken::default() }
            }
            Way::Stream { dated: false } | Way::Collect => Position::Collect { from: None, after: None },
            Way::Stream { dated: true } | Way::Windows { .. } => {
                let hi = self.bounds.until.map_or(OPEN_HI, |until| day_of(until.as_millisecond() - 1));
                if hi == OPEN_HI
                    && let Some(front) = self.habits.front(self.filter)
                {
                    let window = Window { lo: front.lo, hi };
                    self.position = Position::Windows { window, after: None };
                    return Ok(());
                }
                let (windows, tally) = self.windows();
                let found = windows.find(cx, hi, 0, tally).await?;
                found.map_or(Position::Done, |window| Position::Windows { window, after: None })
            }
        };
        Ok(())
    }

    async fn stream(
        &mut self,
        cx: &Cx,
        page: Option<Token>,
        fresh: bool,
        mut taken: Taken,
    ) -> Result<(), SourceError> {
        let token = page.as_ref().map(PageToken::from);
        let batch = match self.reader.read(cx, self.span, token.as_ref()).await {
            Err(error) if error.kind == SourceErrorKind::StaleToken && page.is_some() && !self.restarted => {
                // The vendor no longer knows the place: from the head again, skipping what was taken. What the cache holds of the head
                // leads to the same place.
                self.reader.forget(self.span, None).await;
                self.restarted = true;
                self.seen.clear();
                self.position = Position::Stream { page: None, fresh: false, taken };
                return Ok(());
            }
            batch => batch?,
        };
        self.tally.add(&batch);
        self.seen.extend(token);
        if batch.page.next.as_ref().is_some_and(|next| self.seen.contains(next)) {
            return Err(self.circle());
        }
        let mut rows = self.placed(&batch.page, &taken);
        if fresh && !is_newest_first(&rows, taken.at()) {
            self.habits.distrust();
            metrics::order_broke(self.source.as_str());
            tracing::warn!(
                source = self.source.as_str(),
                "list is not newest first; it is sorted here from now on"
            );
            // Of the first page nothing was taken: the other way may begin with it.
            self.position = match page {
                None => Position::Start,
                from => Position::Collect { from, after: None },
            };
            self.astray = true;
            return Ok(());
        }
        rows.sort_by(newest_first);
        let since = self.bounds.since.map_or(UNDATED, Timestamp::as_millisecond);
        let past = |row: &Arc<T>| (UNDATED + 1..since).contains(&moment(&**row));
        let ended = batch.page.next.is_none() || rows.iter().any(past);
        // A page that begins newer than what was taken may lie wholly before it: then the next one is not fresh either.
        let reached = fresh || rows.iter().any(|row| moment(&**row) <= taken.at());
        rows.retain(|row| !taken.has(&**row));
        let buffer: VecDeque<_> = rows.iter().filter(|row| (self.keep)(row)).cloned().collect();
        self.position = Position::Stream { page, fresh, taken: taken.clone() };
        taken.take_all(&rows);
        let next = match (&batch.page.next, ended) {
            (Some(next), false) => Position::Stream { page: Some(next.into()), fresh: reached, taken },
            _ => Position::Done,
        };
        self.come_to(buffer, next);
        Ok(())
    }

    /// The rows of a page that have a place in a list by time. Undated ones sort last: among dated ones that go on they have none, and
    /// are counted as rejected rather than held against the whole list.
    fn placed(&mut self, page: &Page<T>, taken: &Taken) -> Vec<Arc<T>> {
        let dated = |row: &&Arc<T>| moment(&***row) != UNDATED;
        let began = taken.at() != NOTHING_TAKEN && taken.at() != UNDATED;
        if page.next.is_none() || !(began || page.rows.iter().any(|row| dated(&row))) {
            return page.rows.clone();
        }
        let rows: Vec<_> = page.rows.iter().filter(dated).cloned().collect();
        self.tally.rejected += u32::try_from(page.rows.len() - rows.len()).unwrap_or(u32::MAX);
        rows
    }

    /// The vendor's pages lead back to one that has been read: that list has no end.
    fn circle(&self) -> SourceError {
        SourceError::new(&self.source, "page", SourceErrorKind::Protocol)
    }

    /// Takes what a page gave; where it gave nothing, moves on at once.
    fn come_to(&mut self, buffer: VecDeque<Arc<T>>, next: Position) {
        if !buffer.is_empty() {
            self.buffer = buffer;
            self.ahead = Some(next);
        } else if next == Position::Done {
            self.finish();
        } else {
            self.position = next;
        }
    }

    async fn window(&mut self, cx: &Cx, window: Window, after: Option<Place>) -> Result<(), SourceError> {
        let (window, rows) = match self.window.take() {
            Some(read) if read.0 == window => read,
            _ => {
                let front = self.habits.front(self.filter).filter(|_| window.hi == OPEN_HI);
                let (windows, tally) = self.windows();
                let (window, rows, front) = windows.read_front(cx, window, front, tally).await?;
                if window.hi == OPEN_HI {
                    self.habits.remember(self.filter, front);
                }
                (window, rows)
            }
        };
        let buffer: VecDeque<_> =
            behind(&rows, after.as_ref()).into_iter().filter(|row| (self.keep)(row)).collect();
        if matches!(self.way, Way::Stream { .. }) {
            self.tally.note = Some(BY_DAYS);
        }
        self.position = Position::Windows { window, after: after.clone() };
        if !buffer.is_empty() {
            let last = window.lo == OPEN_LO || window.lo <= self.bottom();
            self.buffer = buffer;
            // Which window comes next is decided when it is needed: it may take a call.
            self.ahead = last.then_some(Position::Done);
            self.window = Some((window, rows));
            return Ok(());
        }
        let (windows, tally) = self.windows();
        let below = windows.below(cx, window, &rows, tally).await?;
        let next = below.map_or(Position::Done, |window| Position::Windows { window, after });
        self.come_to(VecDeque::new(), next);
        Ok(())
    }

    async fn collect(
        &mut self,
        cx: &Cx,
        from: Option<Token>,
        after: Option<Place>,
    ) -> Result<(), SourceError> {
        let chain = Chain { reader: &*self.reader, source: &self.source, span: self.span };
        let most = Most { pages: self.collect_records, rows: self.collect_records };
        let outcome = chain.follow(cx, from.as_ref().map(PageToken::from), most, &mut self.tally).await;
        let (mut rows, whole) = outcome.inspect_err(|error| {
            if error.kind == SourceErrorKind::StaleToken {
                self.tally.note = Some(LOST);
            }
        })?;
        if let Way::Stream { dated } = self.way {
            self.tally.note = Some(if dated && !whole { OVERFULL } else { RESORTED });
        }
        if !whole {
            return Err(self.circle());
        }
        rows.sort_by(newest_first);
        let buffer = behind(&rows, after.as_ref()).into_iter().filter(|row| (self.keep)(row)).collect();
        self.position = Position::Collect { from, after };
        self.come_to(buffer, Position::Done);
        Ok(())
    }

    fn bottom(&self) -> i32 {
        self.bounds.since.map_or(OPEN_LO, |since| day_of(since.as_millisecond()))
    }

    /// To read it by windows, and where that is counted, also where the reading is given up.
    fn windows(&mut self) -> (Windows<'_, T>, &mut Tally) {
        let bottom = self.bottom();
        let size = match self.way {
            Way::Windows { size } => Some(size),
            Way::Stream { .. } | Way::Collect => None,
        };
        (Windows { reader: &*self.reader, source: &self.source, size, bottom }, &mut self.tally)
    }
}

/// Whether rows are newest first, none newer than `floor`.
fn is_newest_first<T: Record>(rows: &[Arc<T>], mut floor: i64) -> bool {
    rows.iter().all(|row| {
        let at = moment(&**row);
        let fine = at <= floor;
        floor = at;
        fine
    })
}
