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

/// When a read began, counted in what has ended: forgettings, replacements.
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
        self.turn();
    }

    /// Has whoever rests on something look whether it still stands. To come behind what ends it: who looked before that may have seen
    /// it standing, and is to look again.
    fn turn(&self) {
        self.clock.fetch_add(1, Ordering::SeqCst);
    }

    /// From here on, what rests on a thing of which this says whether it was replaced does not stand.
    pub(super) fn replace(&self, replaced: &AtomicBool) {
        replaced.store(true, Ordering::SeqCst);
        self.turn();
    }

    /// The earliest stamp with which something that goes by these names is not void.
    pub(super) fn since(&self, names: &[Name<'_>]) -> Stamp {
        Stamp(names.iter().map(|name| self.mark(*name).load(Ordering::SeqCst)).max().unwrap_or(0))
    }

    /// What was read under these names by a read that began at `begun`: it stands until one of them is forgotten.
    /// `replaced` says that something newer was read since.
    pub(super) fn standing(&self, names: [Name<'_>; 3], begun: Stamp, replaced: Arc<AtomicBool>) -> Standing {
        let places = names.map(|name| self.place(name));
        let (clock, marks) = (Arc::clone(&self.clock), Arc::clone(&self.marks));
        Standing { clock, marks, places, begun, replaced }
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
    clock: Arc<AtomicU64>,
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

    fn clock(&self) -> Option<&Arc<AtomicU64>> {
        Some(&self.clock)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::model::lease::{Ground, Lease};

    fn source(name: &str) -> SourceId {
        SourceId::new(name).unwrap()
    }

    fn leased(standing: Standing) -> Lease {
        let (ground, basis) = (Ground::default(), Arc::new(standing) as Arc<dyn Basis>);
        ground.rest(Instant::now() + Duration::from_secs(60), &basis);
        ground.lease().unwrap()
    }

    #[test]
    fn what_was_read_stands_until_one_of_its_names_is_forgotten_or_it_is_replaced() {
        let generations = Generations::new();
        let (mine, other) = (source("mine"), source("other"));
        let replaced = Arc::new(AtomicBool::new(false));
        let stand = || {
            let names = [Name::Source(&mine), Name::Source(&mine), Name::Leads(&mine)];
            leased(generations.standing(names, generations.now(), Arc::clone(&replaced)))
        };
        for end in [Name::Source(&mine), Name::Leads(&mine)] {
            let standing = stand();
            assert!(standing.stands());
            generations.forget(Name::Leads(&other));
            generations.replace(&AtomicBool::new(false));
            assert!(standing.stands(), "what others rest on is no matter");
            generations.forget(end);
            assert!(!standing.stands(), "{end:?}");
            assert!(!standing.stands(), "{end:?}");
        }
        let standing = stand();
        assert!(standing.stands());
        generations.replace(&replaced);
        assert!(!standing.stands());
    }

    #[test]
    fn what_is_looked_at_while_it_ends_does_not_stand_once_it_has_ended() {
        let generations = Generations::new();
        let mine = source("mine");
        for _ in 0..2_000 {
            let names = [Name::Source(&mine); 3];
            let standing = leased(generations.standing(names, generations.now(), Arc::default()));
            let ended = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !ended.load(Ordering::SeqCst) {
                        let _ = standing.stands();
                    }
                });
                thread::yield_now();
                generations.forget(Name::Source(&mine));
                let stands = standing.stands();
                ended.store(true, Ordering::SeqCst);
                assert!(!stands);
            });
        }
    }
}
