//! A window that is read by pages of a number and a size: each but the first overlaps what has been read.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::join;

use super::{Rows, Windows, span_of, token};
use crate::gather::position::Window;
use crate::gather::reader::{Batch, Tally};
use crate::gather::record::Record;
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::NativeId;

/// Rows that neighbouring pages share.
const OVERLAP: usize = 5;

impl<T: Record> Windows<'_, T> {
    /// The rows that the window's query gives, and whether these are all: a window of several days is given up where it takes too
    /// many pages.
    pub(super) async fn read_numbered(
        &self,
        cx: &Cx,
        window: Window,
        mut size: u16,
        known: Option<usize>,
        most_pages: usize,
        tally: &mut Tally,
    ) -> Result<(Vec<Arc<T>>, bool), SourceError> {
        let (first, mut ahead) = loop {
            match (self.first(cx, window, size, known, tally).await, fewer(size)) {
                (Err(error), Some(less)) if is_too_large(&error) => size = less,
                (first, _) => break first?,
            }
        };
        let begin = (1, size);
        let mut seen: HashSet<NativeId> = first.rows.iter().map(|row| row.key().native.clone()).collect();
        let mut rows = first.rows;
        let mut honoured = first.sent.clamp(1, usize::from(size));
        // Rows of the vendor's order that are known to have no gap, counted from its front.
        let mut read = first.sent;
        // No page is asked for twice: the cache would give the same rows again, and the search for an anchor would go in circles.
        let mut asked = HashSet::new();
        if let Some(size) = u16::try_from(read).ok().filter(|size| (1..=2).contains(size)) {
            // A page of one or two rows has none to share with the next one, which therefore must hold nothing new.
            let rest = self.page(cx, window, Some(&token(2, size)), tally).await?;
            let new = rest.rejected > 0 || rest.rows.iter().any(|row| !seen.contains(&row.key().native));
            return if new { Err(self.give_up(window, [begin, (2, size)]).await) } else { Ok((rows, true)) };
        }
        while read > 0 {
            let ahead = ahead.take().filter(|ahead| ahead.follows(read, honoured));
            let best = ahead.as_ref().map(|ahead| ahead.page).or_else(|| overlapping(read, honoured, &asked));
            let Some((page, size)) = best else {
                asked.insert(begin);
                return Err(self.give_up(window, asked).await);
            };
            asked.insert((page, size));
            if asked.len() >= most_pages {
                return Ok((rows, false));
            }
            let next = match ahead {
                Some(ahead) => ahead.batch.map(|batch| self.rows(&batch, tally)),
                None => self.page(cx, window, Some(&token(page, size)), tally).await,
            };
            let next = match (next, u16::try_from(honoured).ok().and_then(fewer)) {
                (Err(error), Some(less)) if is_too_large(&error) => {
                    honoured = less.into();
                    continue;
                }
                (next, _) => next?,
            };
            let offset = (page as usize - 1) * usize::from(size);
            let anchored = next.rejected > 0 || next.rows.iter().any(|row| seen.contains(&row.key().native));
            if !anchored && offset > 0 {
                // Rows before here were deleted: step back until an anchor is found.
                read = offset.saturating_sub(usize::from(size) / 2).min(read - 1);
                continue;
            }
            let before = rows.len();
            rows.extend(next.rows.into_iter().filter(|row| seen.insert(row.key().native.clone())));
            // A full page without new rows proves nothing: rows that came meanwhile may have pushed known ones onto it.
            if rows.len() == before && next.sent < usize::from(size) {
                break;
            }
            read = offset + next.sent;
        }
        Ok((rows, true))
    }

    /// The first page of a window, and beside it the page that will be asked for next if the window still holds as many rows as it is
    /// known to have held.
    async fn first(
        &self,
        cx: &Cx,
        window: Window,
        size: u16,
        known: Option<usize>,
        tally: &mut Tally,
    ) -> Result<(Rows<T>, Option<Ahead<T>>), SourceError> {
        // A window of one or two rows is proved otherwise.
        let known = known.filter(|rows| (3..usize::from(size)).contains(rows));
        let next = known.and_then(|rows| overlapping(rows, rows, &HashSet::new()));
        let begin = token(1, size);
        let first = self.page(cx, window, Some(&begin), tally);
        let Some(page) = next else { return Ok((first.await?, None)) };
        let behind = token(page.0, page.1);
        let (first, batch) = join(first, self.reader.read(cx, span_of(window), Some(&behind))).await;
        Ok((first?, Some(Ahead { page, batch })))
    }

    /// Rows shift more between pages than these share. A later read begins anew, without what the cache holds of this one.
    async fn give_up(&self, window: Window, asked: impl IntoIterator<Item = (u32, u16)>) -> SourceError {
        for (page, size) in asked {
            self.reader.forget(span_of(window), Some(&token(page, size))).await;
        }
        self.protocol()
    }
}

/// A page that was asked for before it was known to be the next one.
struct Ahead<T> {
    /// Its number and size.
    page: (u32, u16),
    batch: Result<Batch<T>, SourceError>,
}

impl<T> Ahead<T> {
    /// Whether it does what the next page has to: shares some of the `read` rows and reaches behind them. In which order the vendor
    /// answered does not matter: what stands before the shared rows is on the one page, what stands behind them on the other.
    fn follows(&self, read: usize, honoured: usize) -> bool {
        let (page, size) = (self.page.0 as usize, usize::from(self.page.1));
        let offset = (page - 1) * size;
        size <= honoured && offset > 0 && offset < read && offset + size > read
    }
}

/// The page, of a size that is known to be honoured, that shares some rows with the `read` ones and reaches furthest behind them.
/// `None` where there is no such page that was not asked for already.
fn overlapping(read: usize, honoured: usize, asked: &HashSet<(u32, u16)>) -> Option<(u32, u16)> {
    let wanted = (honoured / 3).clamp(1, OVERLAP);
    // Offsets are multiples of sizes: where none fits the wanted overlap, a smaller one does, or else a larger one.
    let shares = (1..=wanted).rev().chain(wanted + 1..honoured.max(2));
    let best = |shared: usize| {
        let start = read.checked_sub(shared).filter(|start| *start > 0)?;
        let page = |size: usize| {
            let reach = start / size * size + size;
            let page = (u32::try_from(reach / size).ok()?, u16::try_from(size).ok()?);
            (reach > read && !asked.contains(&page)).then_some((reach, page))
        };
        (1..=honoured).filter_map(page).max_by_key(|(reach, (_, size))| (*reach, *size))
    };
    shares.into_iter().find_map(best).map(|(_, page)| page)
}

/// Whether the answer was larger than is read of one: rows may hold whole conversations, so fewer of them may fit.
pub(super) fn is_too_large(error: &SourceError) -> bool {
    error.kind == SourceErrorKind::TooLarge
}

/// How many rows are asked for where so many are too large; `None` where so few could not overlap.
pub(super) fn fewer(size: u16) -> Option<u16> {
    Some(size / 4).filter(|less| *less > 2)
}
