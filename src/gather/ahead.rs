//! Reading ahead: while a reader walks, the vendor pages that the next answer will need come into the cache before it is asked for.
//!
//! Nothing is read that the walk would not read itself, by the same names, so a walk to the end costs no call more; one that stops
//! has read at most one page of each source for nothing. These reads are of the background: they leave others their reserve. Whoever
//! walks pays for them.

use jiff::Timestamp;

use super::cursor::Cursor;
use super::position::Position;
use super::record::Record;
use super::settings::Settings;
use super::walk::Walk;
use crate::model::cx::Cx;
use crate::model::page::PageToken;

/// Whether a reader who comes with this cursor goes on so soon that what is read ahead is still fresh then: the answer before this
/// one is less than a third of a list page's freshness old.
pub(super) fn is_walking(settings: &Settings, cursor: &Cursor, now: Timestamp) -> bool {
    let soon = i64::try_from(settings.list_ttl.as_secs() / 3).unwrap_or(i64::MAX);
    settings.read_ahead && now.as_second().saturating_sub(cursor.made) < soon
}

impl<T: Record> Walk<T> {
    /// Ends the walk of this answer by reading, in tasks that nobody waits for, what the next one begins with or runs dry of: the next
    /// page of each stream whose records at hand are used up by `count` more.
    pub(super) fn read_ahead(&mut self, cx: &Cx, count: usize) {
        for _ in 0..count {
            let Some(feed) = self.best().and_then(|best| self.feeds.get_mut(best)) else { break };
            feed.pop();
        }
        for feed in std::mem::take(&mut self.feeds).into_iter().filter(|feed| feed.is_dry()) {
            let Position::Stream { page: Some(page), .. } = &feed.position else { continue };
            let page = PageToken::from(page);
            let cx = Cx { meter: cx.meter.later(), background: true, ..cx.clone() };
            tokio::spawn(async move { drop(feed.reader.read(&cx, feed.span, Some(&page)).await) });
        }
    }
}
