//! Which reads are from before something was forgotten.
//!
//! To take an entry out of the cache is not enough: a read under way would put the old value back. So every read notes when it
//! began, every forgetting when it was, and what began earlier is void, wherever it is: held, being read, or about to be renewed.
//! The marks have a fixed number of places, found by hash. Names that share one are forgotten together, which costs a read now
//! and then, and never a wrong answer.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::model::id::{EntityKind, NativeId, SourceId};
use crate::model::lease::Basis;

/// Places for marks: 256 KiB of them.
const PLACES: usize = 1 << 15;

/// When a read began, counted in forgettings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Stamp(u64);

/// What can be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name<'a> {
    /// What a source holds under an id, of whatever kind it is.
    Record(&'a SourceId, &'a NativeId),
    /// A source's lists of leads.
    Leads(&'a SourceId),
    /// All that is held of a source.
    Source(&'a SourceId),
    /// A source's lists of conversations and of interactions, which are the same talks.
    Talks(&'a SourceId),
}

impl<'a> Name<'a> {
    /// A source's lists of a kind of record.
    pub(super) fn lists(source: &'a SourceId, kind: EntityKind) -> Self {
        match kind {
            EntityKind::Lead => Self::Leads(source),
            EntityKind::Conversation | EntityKind::Interaction => Self::Talks(source),
        }
    }
}

/// When what was last forgotten. Clones share it.
#[derive(Clone)]
pub(super) struct Generations {
    clock: Arc<AtomicU64>,
    marks: Arc<[AtomicU64]>,
    hashes: RandomState,
}

impl Generations {
    pub(super) fn new() -> Self {
        let marks = (0..PLACES).map(|_| AtomicU64::new(0)).collect();
        Self { clock: Arc::default(), marks, hashes: RandomState::new() }
    }

    /// The stamp of a read that begins now.
    pub(super) fn now(&self) -> Stamp {
        Stamp(self.clock.load(Ordering::SeqCst))
    }

    /// From here on, what began before is void.
    pub(super) fn forget(&self, name: Name<'_>) {
        let at = self.clock.fetch_add(1, Ordering::SeqCst) + 1;
        self.mark(name).fetch_max(at, Ordering::SeqCst);
    }

    /// The earliest stamp with which something that goes by these names is not void.
    pub(super) fn since(&self, names: &[Name<'_>]) -> Stamp {
        Stamp(names.iter().map(|name| self.mark(*name).load(Ordering::SeqCst)).max().unwrap_or(0))
    }

    /// What was read under these names by a read that began at `begun`: it stands until one of them is forgotten.
    /// `replaced` says that something newer was read since.
    pub(super) fn standing(&self, names: [Name<'_>; 3], begun: Stamp, replaced: Arc<AtomicBool>) -> Standing {
        let places = names.map(|name| self.place(name));
        Standing { marks: Arc::clone(&self.marks), places, begun, replaced }
    }

    fn place(&self, name: Name<'_>) -> usize {
        self.hashes.hash_one(name) as usize % PLACES
    }

    #[expect(clippy::indexing_slicing, reason = "the place is less than the number of places")]
    fn mark(&self, name: Name<'_>) -> &AtomicU64 {
        &self.marks[self.place(name)]
    }
}

/// What was read and is not void yet.
pub(super) struct Standing {
    marks: Arc<[AtomicU64]>,
    places: [usize; 3],
    begun: Stamp,
    replaced: Arc<AtomicBool>,
}

impl Basis for Standing {
    fn stands(&self) -> bool {
        let mark = |place: &usize| {
            self.marks.get(*place).is_some_and(|mark| mark.load(Ordering::SeqCst) <= self.begun.0)
        };
        !self.replaced.load(Ordering::SeqCst) && self.places.iter().all(mark)
    }
}
