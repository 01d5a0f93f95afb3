//! The merge: many feeds, one list in the order (creation newest first, source, id), and a cursor at every edge.
//!
//! Pure but for the feeds' reading. Before a record is given, every live feed must show its next one; a feed that fails or has
//! spent its budget no longer counts for this answer and keeps its position, so that a later answer catches up.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

use super::cursor::{Cursor, Scope, Sealer, Stop};
use super::feed::{Feed, FeedState};
use super::position::{Place, Position};
use super::record::{Record, moment};
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};

/// What was given, and how to go on from each of it.
pub(super) struct Walk<T> {
    pub(super) feeds: Vec<Feed<T>>,
    /// Each feed's place in the cursor's list of sources.
    pub(super) stops: Vec<u16>,
    pub(super) given: Vec<Given<T>>,
    pub(super) trail: Trail,
    /// Feeds whose records came newer than ones given before.
    pub(super) late: HashSet<usize>,
    /// The walk stopped before a feed that has spent its budget, not for want of room.
    pub(super) short: bool,
    /// How many records the next answer will give, if its reader is walking and nothing was read ahead for it yet.
    pub(super) ahead: Option<usize>,
    /// How long the others may still take once the first feed has answered.
    straggling: Duration,
}

/// One record given.
pub(super) struct Given<T> {
    pub(super) node: Arc<T>,
    pub(super) stop: u16,
}

/// How a walk came along: enough to make the cursor of every edge, made only for those that are asked for.
#[derive(Clone)]
pub(super) struct Trail {
    pub(super) sealer: Arc<Sealer>,
    pub(super) scope: Scope,
    /// Where the walk began.
    pub(super) start: Cursor,
    /// Changes of position: after how many records, which stop, where to.
    pub(super) moves: Vec<(usize, u16, Position)>,
    /// The place of each record given.
    pub(super) places: Vec<(u16, Place)>,
    /// Sources that went astray: from how many records on, which stop. Their positions are not moved with the others'.
    pub(super) astray: Vec<(usize, u16)>,
}

impl Trail {
    /// The cursor behind the first `given` records.
    pub(super) fn cursor(&self, given: usize) -> Option<String> {
        let mut cursor = self.start.clone();
        let moves = self.moves.get(..self.moves.partition_point(|(after, ..)| *after <= given))?;
        for (stop, of) in (0_u16..).zip(&mut cursor.sources) {
            // Only where it stands now, not each step on the way: a page's cursors are made one by one.
            if let Some((.., position)) = moves.iter().rfind(|(_, moved, _)| *moved == stop) {
                of.position.clone_from(position);
            }
        }
        if let Some(last) = given.checked_sub(1).and_then(|last| self.places.get(last)) {
            let astray = |stop: u16| self.astray.iter().any(|(from, of)| *of == stop && *from <= given);
            for (stop, of) in (0_u16..).zip(&mut cursor.sources).filter(|(stop, _)| !astray(*stop)) {
                of.position.keep_step(&last.1, stop < last.0);
            }
            cursor.last = Some(last.clone());
        }
        self.sealer.seal(&self.scope, &cursor)
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "as many stops as feeds, and their number stays as long as indices are used"
)]
impl<T: Record> Walk<T> {
    pub(super) fn new(feeds: Vec<(u16, Feed<T>)>, mut trail: Trail, straggling: Duration) -> Self {
        let (stops, feeds): (Vec<u16>, _) = feeds.into_iter().unzip();
        // A source without a feed (it is not there just now) is not in step with the others.
        let all = 0..u16::try_from(trail.start.sources.len()).unwrap_or(u16::MAX);
        trail.astray.extend(all.filter(|stop| !stops.contains(stop)).map(|stop| (0, stop)));
        let (given, late) = (Vec::new(), HashSet::new());
        Self { feeds, stops, given, trail, late, short: false, ahead: None, straggling }
    }

    /// Gives up to `count` records more. Stops early where nothing more can be had in order.
    pub(super) async fn give(&mut self, cx: &Cx, until: Instant, count: usize) {
        self.go(cx, until, count, |_| false).await;
    }

    /// Gives records until one of them is `end` (which is not given), or `count` have been given. Answers whether `end` was reached.
    pub(super) async fn give_until(
        &mut self,
        cx: &Cx,
        until: Instant,
        count: usize,
        end: &(u16, Place),
    ) -> bool {
        let (stop, place) = end;
        self.go(cx, until, count, |given| {
            let at = moment(&*given.node);
            let same = given.stop == *stop && given.node.key().native.as_str() == place.id;
            same || at < place.at || (at == place.at && given.stop > *stop)
        })
        .await
    }

    async fn go(&mut self, cx: &Cx, until: Instant, count: usize, ends: impl Fn(&Given<T>) -> bool) -> bool {
        let goal = self.given.len() + count;
        let mut newest_allowed = i64::MAX;
        while self.given.len() < goal {
            if self.fill(cx, until).await
                && let Some(count) = self.ahead
                && let Some(begun) = self.read_ahead(cx, goal - self.given.len(), count)
            {
                self.ahead = None;
                // Else they would go on behind this answer: what a thread has begun last, no other one takes from it.
                if begun > 0 {
                    yield_now().await;
                }
            }
            let Some(best) = self.best() else {
                self.short = self.feeds.iter().any(|feed| matches!(feed.state, FeedState::Paused));
                return false;
            };
            let Some(head) = self.feeds[best].head() else { return false };
            let at = moment(&**head);
            if at > newest_allowed || self.waits_for_paused(at) {
                self.short = true;
                return false;
            }
            let given = Given { node: Arc::clone(head), stop: self.stops[best] };
            if ends(&given) {
                return true;
            }
            newest_allowed = at;
            self.take(best, given, at);
        }
        false
    }

    fn take(&mut self, feed: usize, given: Given<T>, at: i64) {
        let newer_than_last = |last: &(u16, Place)| at > last.1.at;
        if self.trail.start.last.as_ref().is_some_and(newer_than_last) {
            self.late.insert(feed);
        }
        self.feeds[feed].pop();
        self.trail.places.push((given.stop, Place::of(&*given.node)));
        self.given.push(given);
        self.note(feed);
    }

    /// A feed that has spent its budget stands at some moment; nothing older may be given before it goes on.
    pub(super) fn waits_for_paused(&self, at: i64) -> bool {
        let paused = |feed: &&Feed<T>| matches!(feed.state, FeedState::Paused);
        self.feeds.iter().filter(paused).any(|feed| at < feed.frontier())
    }

    /// The feed with the newest head.
    fn best(&self) -> Option<usize> {
        newest(&self.feeds, std::iter::repeat(&0)).map(|(best, _)| best)
    }

    /// Lets all feeds that have nothing at hand read, side by side. Answers whether there was one.
    async fn fill(&mut self, cx: &Cx, until: Instant) -> bool {
        let dry: Vec<usize> = (0..self.feeds.len()).filter(|index| self.feeds[*index].is_dry()).collect();
        if dry.is_empty() {
            return false;
        }
        let feeds = self.feeds.iter_mut().enumerate().filter(|(_, feed)| feed.is_dry());
        let mut reading: FuturesUnordered<_> = feeds
            .map(async |(index, feed)| {
                feed.fill(cx).await;
                (index, !matches!(feed.state, FeedState::Failed(_)))
            })
            .collect();
        let mut until = until;
        let mut back = HashSet::new();
        while let Ok(Some((index, answered))) = timeout_at(until, reading.next()).await {
            back.insert(index);
            if answered {
                until = until.min(Instant::now() + self.straggling);
            }
        }
        // What is dropped here is only the waiting: the reads go on and fill the cache.
        drop(reading);
        for index in dry.iter().filter(|index| !back.contains(index)) {
            let feed = &mut self.feeds[*index];
            feed.fail(SourceError::new(&feed.source, "list", SourceErrorKind::Timeout));
        }
        for index in dry {
            self.note(index);
            if self.feeds[index].astray {
                self.trail.astray.push((self.given.len(), self.stops[index]));
            }
        }
        true
    }

    /// Writes a feed's position into the trail, if it has changed.
    fn note(&mut self, feed: usize) {
        let stop = self.stops[feed];
        let position = &self.feeds[feed].position;
        let known =
            self.trail.moves.iter().rev().find(|(_, of, _)| *of == stop).map(|(_, _, position)| position);
        let known = known.or(self.trail.start.sources.get(usize::from(stop)).map(|stop| &stop.position));
        if known != Some(position) {
            self.trail.moves.push((self.given.len(), stop, position.clone()));
        }
    }
}

/// The feed whose next record is the newest, of each of which so many are taken already, and when that is from; ties go to the first
/// source.
pub(super) fn newest<'a, T: Record>(
    feeds: &[Feed<T>],
    taken: impl IntoIterator<Item = &'a usize>,
) -> Option<(usize, i64)> {
    let heads = feeds.iter().zip(taken).enumerate();
    let heads = heads
        .filter_map(|(index, (feed, taken))| Some((moment(&**feed.buffer.get(*taken)?), Reverse(index))));
    heads.max().map(|(at, Reverse(index))| (index, at))
}

/// A fresh cursor: nothing read of any of these sources.
pub(super) fn beginning(filter: u64, now: Timestamp, sources: impl Iterator<Item = (String, u8)>) -> Cursor {
    let stop = |(source, vendor)| Stop { source, vendor, position: Position::Start };
    Cursor { filter, made: now.as_second(), last: None, sources: sources.map(stop).collect() }
}
