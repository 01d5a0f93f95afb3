//! What the cache holds: what a read gave, since when and for how long that is good, and what became of it.

use std::any::Any;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::super::generations::{Generations, Stamp};
use crate::model::failure::SourceError;
use crate::model::lead::Lead;
use crate::model::page::Page;

/// The longest that anything is served after it was read, the vendor failing or not: what a vendor has deleted is not to be seen
/// for longer. Only a longer freshness, where the settings allow one, goes beyond it.
const LONGEST: Duration = Duration::from_secs(3_600);

/// What a read gave, and how long that is good.
pub(in crate::gather) struct Fresh<V> {
    pub(in crate::gather) value: V,
    pub(in crate::gather) weight: u32,
    pub(in crate::gather) life: Life,
    /// Of a page of leads: how long its rows are good as single records, where they are to be found as such.
    pub(in crate::gather) rows: Option<Life>,
}

/// How long something is good.
#[derive(Clone, Copy, Debug)]
pub(in crate::gather) struct Life {
    pub(in crate::gather) fresh: Duration,
    /// How long after that it may still be served: while it is read anew, or while the vendor fails.
    pub(in crate::gather) stale: Duration,
}

impl Life {
    /// The same, but over at a moment: when the vendor deletes the record.
    pub(in crate::gather) fn until(self, end: Option<Timestamp>, now: Timestamp) -> Self {
        let Some(end) = end else { return self };
        let left = Duration::try_from(end.duration_since(now)).unwrap_or_default();
        let fresh = self.fresh.min(left);
        Self { fresh, stale: self.stale.min(left.saturating_sub(fresh)) }
    }

    fn bounded(self) -> Self {
        Self { stale: self.stale.min(LONGEST.saturating_sub(self.fresh)), ..self }
    }

    fn whole(self) -> Duration {
        self.fresh + self.stale
    }
}

/// What the cache, or the vendor, gave.
pub(in crate::gather) struct Read<V> {
    pub(in crate::gather) value: Arc<V>,
    pub(in crate::gather) fetched_at: Timestamp,
    pub(in crate::gather) age: Age,
}

/// Whether what was read is fresh.
#[derive(Clone, Debug, Default)]
pub(in crate::gather) enum Age {
    #[default]
    Fresh,
    /// It is being read anew.
    Aging,
    /// It could not be read anew.
    Stale(SourceError),
}

impl Age {
    /// That of several reads together: as old as the oldest, and why that is so.
    pub(in crate::gather) fn and(&mut self, other: Self) {
        if !matches!(self, Self::Stale(_)) && !matches!(other, Self::Fresh) {
            *self = other;
        }
    }
}

/// What is held. Clones are the same.
pub(super) type Held = Arc<Holding>;

pub(super) struct Holding {
    value: Arc<dyn Any + Send + Sync>,
    pub(super) weight: u32,
    fetched_at: Timestamp,
    born: Instant,
    life: Life,
    /// Boxed, as only pages have it.
    rows: Option<Box<Life>>,
    /// When its read began.
    pub(super) begun: Stamp,
    /// Someone reads it anew.
    pub(super) renewing: AtomicBool,
    /// Something newer is held in its place. Made for the first who wants to know, as most are never asked.
    replaced: OnceLock<Arc<AtomicBool>>,
}

impl Holding {
    pub(super) fn new<V: Send + Sync + 'static>(
        fresh: Fresh<V>,
        fetched_at: Timestamp,
        begun: Stamp,
    ) -> Held {
        let Fresh { value, weight, life, rows } = fresh;
        Arc::new(Self {
            value: Arc::new(value),
            weight,
            fetched_at,
            born: Instant::now(),
            life: life.bounded(),
            rows: rows.map(|rows| Box::new(rows.bounded())),
            begun,
            renewing: AtomicBool::new(false),
            replaced: OnceLock::new(),
        })
    }

    pub(super) fn read<V: Send + Sync + 'static>(&self, age: Age) -> Option<Read<V>> {
        let value = Arc::clone(&self.value).downcast().ok()?;
        Some(Read { value, fetched_at: self.fetched_at, age })
    }

    /// The rows that can be found as single records, each with its place.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, &Arc<Lead>)> {
        // What a list cuts short is no record.
        self.leads().iter().enumerate().filter(|(_, lead)| !lead.sparse)
    }

    /// A row by its place.
    pub(super) fn lead(&self, at: usize) -> Option<&Arc<Lead>> {
        self.leads().get(at)
    }

    fn leads(&self) -> &[Arc<Lead>] {
        let page = self.rows.as_ref().and_then(|_| self.value.downcast_ref::<Arc<Page<Lead>>>());
        page.map_or(&[], |page| &page.rows)
    }

    /// A row as a record by itself: as the answer of a read by id, as old as its page.
    pub(super) fn row(&self, at: usize, weight: impl Fn(&Lead) -> u32) -> Option<Self> {
        let lead = self.lead(at)?;
        Some(Self {
            weight: weight(lead),
            value: Arc::new(Some(Arc::clone(lead))),
            fetched_at: self.fetched_at,
            born: self.born,
            life: *self.rows.as_deref()?,
            rows: None,
            begun: self.begun,
            renewing: AtomicBool::new(false),
            replaced: OnceLock::new(),
        })
    }

    /// How long it is of use, be it for its rows.
    pub(super) fn whole_life(&self) -> Duration {
        self.rows.as_ref().map_or(self.life.whole(), |rows| rows.whole().max(self.life.whole()))
    }

    /// Until when it is fresh.
    pub(super) fn fresh_until(&self) -> Instant {
        self.born + self.life.fresh
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.born.elapsed() < self.life.fresh
    }

    /// Whether it may still stand in for anything. The cache itself lets go of it a little later.
    pub(super) fn is_usable(&self) -> bool {
        self.born.elapsed() < self.life.whole()
    }

    pub(super) fn is_aging(&self, aging: Duration) -> bool {
        self.born.elapsed() < self.life.fresh + aging.min(self.life.stale)
    }

    /// What says whether something newer is held in its place.
    pub(super) fn replaced(&self) -> &Arc<AtomicBool> {
        self.replaced.get_or_init(Arc::default)
    }

    /// Notes that something newer is held in its place: whoever rests on it would get that now.
    pub(super) fn replace(&self, generations: &Generations) {
        generations.replace(self.replaced());
    }
}
