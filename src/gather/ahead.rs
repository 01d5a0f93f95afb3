//! Reading ahead: while a reader walks, the vendor pages that the next answer will need come into the cache before it is asked for.
//!
//! Nothing is read that the walk would not read itself, by the same names, so a walk to the end costs no call more; one that stops
//! has read at most one page of each source for nothing. These reads are of the background: they leave others their reserve. Whoever
//! walks pays for them.

use std::sync::Arc;

use jiff::Timestamp;

use super::cursor::Cursor;
use super::feed::Feed;
use super::position::Position;
use super::record::Record;
use super::settings::Settings;
use super::walk::{Walk, newest};
use crate::model::cx::Cx;
use crate::model::page::PageToken;

/// Whether a reader who comes with this cursor goes on so soon that what is read ahead is still fresh then: the answer before this
/// one is less than a third of a list page's freshness old.
pub(super) fn is_walking(settings: &Settings, cursor: &Cursor, now: Timestamp) -> bool {
    let soon = i64::try_from(settings.list_ttl.as_secs() / 3).unwrap_or(i64::MAX);
    settings.read_ahead && now.as_second().saturating_sub(cursor.made) < soon
}

impl<T: Record> Walk<T> {
    /// Reads, in tasks that nobody waits for, what the next answer begins with or runs dry of: the next page of each stream whose
    /// records at hand are used up by `count` more than the `left` that this answer still gives. To be called whenever something was
    /// read: so a page is asked for as soon as it is known, and before the one that leads to it is merged and written. Answers how
    /// many reads it has begun. `None`: this answer must first read more by itself.
    pub(super) fn read_ahead(&self, cx: &Cx, left: usize, count: usize) -> Option<usize> {
        let mut taken = vec![0; self.feeds.len()];
        for given in 0..left + count {
            let runs_dry = |(feed, taken): (&Feed<T>, &usize)| feed.runs_dry(*taken);
            if given < left && self.feeds.iter().zip(&taken).any(runs_dry) {
                return None;
            }
            // The walk itself goes no further than this.
            let Some((next, _)) = newest(&self.feeds, &taken).filter(|(_, at)| !self.waits_for_paused(*at))
            else {
                break;
            };
            if let Some(taken) = taken.get_mut(next) {
                *taken += 1;
            }
        }
        let mut begun = 0;
        for (feed, _) in self.feeds.iter().zip(taken).filter(|(feed, taken)| feed.runs_dry(*taken)) {
            let Some(Position::Stream { page: Some(page), .. }) = &feed.ahead else { continue };
            let (page, reader, span) = (PageToken::from(page), Arc::clone(&feed.reader), feed.span);
            let cx = Cx { meter: cx.meter.later(), background: true, ..cx.clone() };
            tokio::spawn(async move { drop(reader.read(&cx, span, Some(&page)).await) });
            begun += 1;
        }
        Some(begun)
    }
}
