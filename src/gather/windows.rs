//! Day windows: a list that pages by offset, or is in an unknown order, made stable.
//!
//! Offsets shift as rows come and go. So time is split into windows of days, newest first; each is read whole and sorted here,
//! and every page but the first must overlap what has been read (an anchor), which proves that no row that existed throughout
//! was jumped over. A window ends only at an overlapping, short page without new rows, never at a short one alone: vendors cap sizes
//! silently. A failing page fails the read, but the pages before it are cached, so a repeated read goes on where it broke.
//! Where pages follow each other by the vendor's cursor nothing shifts, and a window is simply read to its end.

mod numbered;

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use jiff::Timestamp;

use self::numbered::{fewer, is_too_large};
use super::chain::{Chain, Most};
use super::habits::Front;
use super::position::{Place, Window};
use super::reader::{Batch, Reader, Tally};
use super::record::{Record, moment};
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::SourceId;
use crate::model::page::{Page, PageToken};
use crate::source::Span;

/// An open end of a window.
pub(super) const OPEN_LO: i32 = i32::MIN;
/// An open end of a window.
pub(super) const OPEN_HI: i32 = i32::MAX;

const DAY_MS: i64 = 86_400_000;
/// Rows that a window after the first should hold: enough that its margins (a day on each side, since the vendor's time zone is
/// unknown) and its proof of the end cost little beside them.
const WINDOW_ROWS: i64 = 300;
/// The longest window that is guessed.
const WINDOW_DAYS: i64 = 62;
/// The longest window that is tried where nothing is known of how many rows a day has.
const LARGEST_STEP: i32 = 32;
/// A window that takes more pages than this is too long, as long as it has more than one day.
const WINDOW_PAGES: usize = 12;
/// No window takes more pages than this.
const MOST_PAGES: usize = 400;
/// Days by which what is asked for may be wider than a window: adapters do not know the vendor's time zone, nor its end of a day.
const MARGIN: i32 = 3;

/// Reads windows of one source's list.
pub(super) struct Windows<'a, T> {
    pub(super) reader: &'a dyn Reader<T>,
    pub(super) source: &'a SourceId,
    /// Rows to a page, where pages go by number; `None`: they follow each other by the vendor's cursor.
    pub(super) size: Option<u16>,
    /// The oldest day that is asked for at all, or [`OPEN_LO`].
    pub(super) bottom: i32,
}

impl<T: Record> Windows<'_, T> {
    /// The first window at or below day `hi`, or `None` where there is nothing down there. A single page of all that is older tells:
    /// an empty one ends the walk, a short one is the whole rest, a full one newest first shows how many days make a page.
    pub(super) async fn find(
        &self,
        cx: &Cx,
        hi: i32,
        empty_days: i64,
        tally: &mut Tally,
    ) -> Result<Option<Window>, SourceError> {
        let rest = Window { lo: self.bottom, hi };
        if rest.lo > rest.hi {
            return Ok(None);
        }
        let mut size = self.size;
        let rows = loop {
            let first = size.map(|size| token(1, size));
            match (self.page(cx, rest, first.as_ref(), tally).await, size.and_then(fewer)) {
                (Err(error), Some(less)) if is_too_large(&error) => size = Some(less),
                (rows, _) => break rows?,
            }
        };
        let full = size.map_or(rows.goes_on, |size| rows.sent >= usize::from(size));
        if !full {
            return Ok((rows.sent > 0).then_some(rest));
        }
        let days: Vec<i32> = rows.rows.iter().map(|row| day_of(moment(&**row))).collect();
        let today = day_of(cx.now.as_millisecond());
        let newest = days.iter().copied().max().unwrap_or(if hi == OPEN_HI { today } else { hi });
        // A page of nothing but rejected rows tells neither that nor where the others are.
        if hi != OPEN_HI && !days.is_empty() && days.iter().all(|day| *day > hi.saturating_add(MARGIN)) {
            // It does not filter by date at all, so windows would never end.
            return Err(self.protocol());
        }
        let top = if hi == OPEN_HI { newest } else { hi };
        let sorted = rows.rows.is_sorted_by(|one, next| moment(&**one) >= moment(&**next));
        let lo = if sorted && !days.is_empty() {
            // The window's query reaches one day below it; that day, too, should fit on the page.
            let fits = days.get(days.len() * 9 / 10).copied().unwrap_or(top);
            (fits + 2).min(newest).min(top)
        } else {
            // A page in another order tells little of what is newest.
            let near = today.saturating_sub(LARGEST_STEP - 1);
            let days = i32::try_from(empty_days * 2).unwrap_or(LARGEST_STEP).clamp(1, LARGEST_STEP);
            top.max(if hi == OPEN_HI { near } else { top }).saturating_sub(days - 1)
        };
        Ok(Some(Window { lo: lo.max(self.bottom), hi }))
    }

    /// The window below one that has been read, or `None` where there is nothing down there.
    pub(super) async fn below(
        &self,
        cx: &Cx,
        window: Window,
        rows: &[Arc<T>],
        tally: &mut Tally,
    ) -> Result<Option<Window>, SourceError> {
        if window.lo == OPEN_LO || window.lo <= self.bottom {
            return Ok(None);
        }
        let hi = window.lo - 1;
        let top = if window.hi == OPEN_HI {
            rows.first().map_or(window.lo, |row| day_of(moment(&**row)))
        } else {
            window.hi
        };
        let days = i64::from(top) - i64::from(window.lo) + 1;
        if rows.is_empty() {
            return self.find(cx, hi, days, tally).await;
        }
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let guess = (WINDOW_ROWS * days / count).clamp(1, WINDOW_DAYS);
        let lo = hi.saturating_sub(i32::try_from(guess - 1).unwrap_or(0));
        Ok(Some(Window { lo: lo.max(self.bottom), hi }))
    }

    /// Reads a window whole, newest first. A window that turns out too long is shortened; the answer says which was read.
    pub(super) async fn read(
        &self,
        cx: &Cx,
        window: Window,
        tally: &mut Tally,
    ) -> Result<(Window, Vec<Arc<T>>), SourceError> {
        let (window, rows, _) = self.read_front(cx, window, None, tally).await?;
        Ok((window, rows))
    }

    /// The same for a window of which something may be known: `front` is what it last gave, so that its page and the proof of its
    /// end are asked for side by side. Answers what it gave now, where that was a page at most.
    pub(super) async fn read_front(
        &self,
        cx: &Cx,
        mut window: Window,
        front: Option<Front>,
        tally: &mut Tally,
    ) -> Result<(Window, Vec<Arc<T>>, Option<Front>), SourceError> {
        loop {
            let most_pages = if window.lo < window.hi { WINDOW_PAGES } else { MOST_PAGES };
            let (mut rows, whole) = match self.size {
                Some(size) => {
                    let known = front.filter(|front| front.lo == window.lo).map(|front| front.rows);
                    self.read_numbered(cx, window, size, known, most_pages, tally).await?
                }
                None => self.read_chained(cx, window, most_pages, tally).await?,
            };
            if !whole && most_pages == MOST_PAGES {
                return Err(self.protocol());
            }
            if whole {
                let fits = self.size.is_some_and(|size| rows.len() < usize::from(size));
                let front = fits.then_some(Front { lo: window.lo, rows: rows.len() });
                rows.retain(|row| (window.lo..=window.hi).contains(&day_of(moment(&**row))));
                rows.sort_by(newest_first);
                return Ok((window, rows, front));
            }
            window.lo = shortened(window, &rows, day_of(cx.now.as_millisecond()));
        }
    }

    /// The same where pages follow each other. What is lost on the way is looked for once more, from the window's first page.
    async fn read_chained(
        &self,
        cx: &Cx,
        window: Window,
        most_pages: usize,
        tally: &mut Tally,
    ) -> Result<(Vec<Arc<T>>, bool), SourceError> {
        let chain = Chain { reader: self.reader, source: self.source, span: span_of(window) };
        let most = Most { pages: most_pages, rows: usize::MAX };
        let mut outcome = chain.follow(cx, None, most, tally).await;
        if outcome.as_ref().is_err_and(|error| error.kind == SourceErrorKind::StaleToken) {
            outcome = chain.follow(cx, None, most, tally).await;
        }
        let (rows, whole) = outcome?;
        let asked = window.lo.saturating_sub(MARGIN)..=window.hi.saturating_add(MARGIN);
        if !whole && rows.iter().any(|row| !asked.contains(&day_of(moment(&**row)))) {
            // It does not filter by date at all, so windows would never end.
            return Err(self.protocol());
        }
        Ok((rows, whole))
    }

    fn protocol(&self) -> SourceError {
        SourceError::new(self.source, "window", SourceErrorKind::Protocol)
    }

    async fn page(
        &self,
        cx: &Cx,
        window: Window,
        from: Option<&PageToken>,
        tally: &mut Tally,
    ) -> Result<Rows<T>, SourceError> {
        tokio::task::consume_budget().await;
        let batch = self.reader.read(cx, span_of(window), from).await?;
        Ok(self.rows(&batch, tally))
    }

    fn rows(&self, batch: &Batch<T>, tally: &mut Tally) -> Rows<T> {
        tally.add(batch);
        let Page { rows, rejected, next } = &*batch.page;
        Rows { sent: batch.page.sent(), rejected: *rejected, goes_on: next.is_some(), rows: rows.clone() }
    }
}

struct Rows<T> {
    rows: Vec<Arc<T>>,
    sent: usize,
    rejected: u32,
    /// Another page follows this one; never told where pages go by number.
    goes_on: bool,
}

fn token(page: u32, size: u16) -> PageToken {
    PageToken::Offset {
        page: NonZeroU32::new(page).unwrap_or(NonZeroU32::MIN),
        size: NonZeroU16::new(size).unwrap_or(NonZeroU16::MIN),
    }
}

/// Where a window that is too long had better begin: where most of the rows read so far would fit, if they come newest first; else at a
/// quarter of its days.
fn shortened<T: Record>(window: Window, rows: &[Arc<T>], today: i32) -> i32 {
    let top = if window.hi == OPEN_HI { today } else { window.hi };
    let sorted = rows.is_sorted_by(|a, b| moment(&**a) >= moment(&**b));
    let guess = match rows.get(rows.len() * 3 / 4) {
        Some(row) if sorted => day_of(moment(&**row)) + 1,
        _ => top - (top - window.lo.max(top - 400)) / 4,
    };
    guess.clamp(window.lo.saturating_add(1), top.max(window.lo.saturating_add(1)))
}

/// Newest first; ties by id.
pub(super) fn newest_first<T: Record>(a: &Arc<T>, b: &Arc<T>) -> std::cmp::Ordering {
    moment(&**b).cmp(&moment(&**a)).then_with(|| a.key().cmp(b.key()))
}

/// The day of a moment, counted from 1970, UTC.
pub(super) fn day_of(moment: i64) -> i32 {
    i32::try_from(moment.div_euclid(DAY_MS)).unwrap_or(OPEN_LO)
}

/// The first moment behind a day.
pub(super) fn start_of_next(day: i32) -> i64 {
    if day == OPEN_HI { i64::MAX } else { (i64::from(day) + 1) * DAY_MS }
}

fn start_of(day: i32) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::from(day) * DAY_MS).ok()
}

fn span_of(window: Window) -> Span {
    Span {
        since: (window.lo != OPEN_LO).then(|| start_of(window.lo)).flatten(),
        until: (window.hi != OPEN_HI).then(|| start_of(window.hi + 1)).flatten(),
    }
}

/// What is behind a place in a window that has been read.
pub(super) fn behind<T: Record>(rows: &[Arc<T>], after: Option<&Place>) -> Vec<Arc<T>> {
    rows.iter().filter(|row| after.is_none_or(|place| place.before(&***row))).cloned().collect()
}
