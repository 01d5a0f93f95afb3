//! For how long an answer may be given again: until something it was made of is no longer so.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

/// Something that an answer rests on.
pub trait Basis: Send + Sync {
    /// Whether it still is what it was as the answer was made.
    fn stands(&self) -> bool;

    /// What turns whenever something like this has ceased to stand, right behind that. Until it turns nobody need ask again. `None`:
    /// this is to be asked each time.
    fn clock(&self) -> Option<&Arc<AtomicU64>> {
        None
    }
}

/// The right to give an answer again. Cheap to clone.
#[derive(Clone)]
pub struct Lease {
    until: Instant,
    bases: Arc<Bases>,
}

/// All that an answer rests on. An answer of a hundred sources rests on more than a hundred reads, and is not to be dearer for that.
struct Bases {
    /// Those that are asked each time.
    asked: Vec<Arc<dyn Basis>>,
    /// Those that have a clock, which is the same of all of them.
    timed: Vec<Arc<dyn Basis>>,
    /// What that clock said as they were last found to stand.
    stood: AtomicU64,
}

impl Bases {
    fn of(bases: impl Iterator<Item = Arc<dyn Basis>>) -> Arc<Self> {
        let mut clock = None;
        let (timed, asked) = bases.partition(|basis| match (basis.clock(), &clock) {
            (None, _) => false,
            (Some(own), Some(clock)) => Arc::ptr_eq(own, clock),
            (Some(own), None) => {
                clock = Some(Arc::clone(own));
                true
            }
        });
        Arc::new(Self { asked, timed, stood: AtomicU64::new(u64::MAX) })
    }

    fn all(&self) -> impl Iterator<Item = &Arc<dyn Basis>> {
        self.asked.iter().chain(&self.timed)
    }

    fn stand(&self) -> bool {
        self.asked.iter().all(|basis| basis.stands()) && self.timed_stand()
    }

    fn timed_stand(&self) -> bool {
        let Some(clock) = self.timed.first().and_then(|basis| basis.clock()) else { return true };
        // Before they are asked: what ceases to stand while they are turns it behind that, so it is looked at again.
        let now = clock.load(Ordering::SeqCst);
        if self.stood.load(Ordering::Relaxed) == now {
            return true;
        }
        let stand = self.timed.iter().all(|basis| basis.stands());
        if stand {
            self.stood.store(now, Ordering::Relaxed);
        }
        stand
    }
}

impl Lease {
    /// Whether the answer would come out the same if it were made anew, without a call.
    #[must_use]
    pub fn stands(&self) -> bool {
        Instant::now() < self.until && self.bases.stand()
    }

    /// When it is over in any case.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.until
    }

    /// What it takes in memory, about, in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        192 + self.bases.all().count() * 96
    }

    /// The same, resting on one thing more.
    #[must_use]
    pub fn and(self, basis: Arc<dyn Basis>) -> Self {
        Self { bases: Bases::of(self.bases.all().cloned().chain([basis])), ..self }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("until", &self.until).field("bases", &self.bases.all().count()).finish()
    }
}

impl Basis for Lease {
    fn stands(&self) -> bool {
        Self::stands(self)
    }
}

/// What an answer rests on so far. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    known: Arc<Mutex<Known>>,
    whole: Option<Arc<Ground>>,
}

#[derive(Default)]
struct Known {
    /// Something in the answer is of this moment only, so that nothing else counts.
    passing: bool,
    until: Option<Instant>,
    end: Option<Instant>,
    bases: Vec<Arc<dyn Basis>>,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known")
            .field("passing", &self.passing)
            .field("until", &self.until)
            .field("bases", &self.bases.len())
            .finish()
    }
}

impl Ground {
    /// The ground of a part of the answer, on which the whole rests as well.
    #[must_use]
    pub fn part(&self) -> Self {
        Self { whole: Some(Arc::new(self.clone())), ..Self::default() }
    }

    /// Notes that the answer rests on something, which is good until a moment.
    pub fn rest(&self, until: Instant, basis: &Arc<dyn Basis>) {
        self.note(&|known| {
            if !known.passing {
                known.until = Some(known.until.map_or(until, |before| before.min(until)));
                known.bases.push(Arc::clone(basis));
            }
        });
    }

    /// Notes that the answer is good until a moment at most, whatever else it rests on.
    pub fn end(&self, until: Instant) {
        self.note(&|known| known.end = Some(known.end.map_or(until, |before| before.min(until))));
    }

    /// Notes that something in the answer is of this moment only: made anew, it might come out otherwise.
    pub fn pass(&self) {
        self.note(&|known| *known = Known { passing: true, ..Known::default() });
    }

    /// Has the answer pass for one of this moment unless what is being done comes to a good end.
    #[must_use]
    pub fn doubt(&self) -> Doubt<'_> {
        Doubt(Some(self))
    }

    /// The lease of an answer that is finished. `None` where it rests on nothing that is known to last.
    #[must_use]
    pub fn lease(&self) -> Option<Lease> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let until = known.until.filter(|_| !known.passing)?;
        let until = known.end.map_or(until, |end| end.min(until));
        Some(Lease { until, bases: Bases::of(known.bases.iter().cloned()) })
    }

    fn note(&self, what: &dyn Fn(&mut Known)) {
        what(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(whole) = &self.whole {
            whole.note(what);
        }
    }
}

/// Whether something comes to a good end. If it is dropped before, the answer is of this moment only.
#[derive(Debug)]
pub struct Doubt<'a>(Option<&'a Ground>);

impl Doubt<'_> {
    /// It has come to a good end.
    pub fn clear(mut self) {
        self.0 = None;
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if let Some(ground) = self.0 {
            ground.pass();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use super::*;

    impl Basis for AtomicBool {
        fn stands(&self) -> bool {
            self.load(Ordering::Relaxed)
        }
    }

    fn switch(on: bool) -> (Arc<AtomicBool>, Arc<dyn Basis>) {
        let switch = Arc::new(AtomicBool::new(on));
        (Arc::clone(&switch), switch)
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_ends_with_the_first_thing_it_rests_on() {
        let ((soon, first), (late, last)) = (switch(true), switch(true));
        let ground = Ground::default();
        ground.rest(Instant::now() + Duration::from_secs(9), &last);
        ground.rest(Instant::now() + Duration::from_secs(5), &first);
        let lease = ground.lease().unwrap();
        assert!(lease.stands());
        soon.store(false, Ordering::Relaxed);
        assert!(!lease.stands());
        soon.store(true, Ordering::Relaxed);
        late.store(false, Ordering::Relaxed);
        assert!(!lease.stands());
        late.store(true, Ordering::Relaxed);
        tokio::time::advance(Duration::from_millis(4_999)).await;
        assert!(lease.stands());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!lease.stands());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_passing_or_rests_on_nothing_has_no_lease() {
        let ground = Ground::default();
        assert!(ground.lease().is_none());
        let (_, basis) = switch(true);
        ground.rest(Instant::now() + Duration::from_secs(1), &basis);
        assert!(ground.lease().is_some());
        ground.clone().pass();
        ground.rest(Instant::now() + Duration::from_secs(1), &basis);
        assert!(ground.lease().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_basis_may_be_added_to_a_lease() {
        let ((_, first), (_, second)) = (switch(true), switch(false));
        let ground = Ground::default();
        ground.rest(Instant::now() + Duration::from_secs(1), &first);
        let lease = ground.lease().unwrap();
        assert!(lease.stands());
        assert!(!lease.and(second).stands());
    }

    #[tokio::test(start_paused = true)]
    async fn a_whole_rests_on_what_its_parts_rest_on_and_not_the_other_way() {
        let whole = Ground::default();
        let (one, other) = (whole.part(), whole.part());
        let ((_, basis), soon) = (switch(true), Instant::now() + Duration::from_secs(1));
        one.rest(soon, &basis);
        assert_eq!(whole.lease().map(|lease| lease.until()), Some(soon));
        assert!(other.lease().is_none());
        other.rest(soon, &basis);
        other.pass();
        assert!(whole.lease().is_none() && other.lease().is_none());
        assert!(one.lease().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_come_to_a_good_end_passes() {
        let (ground, (_, basis)) = (Ground::default(), switch(true));
        ground.rest(Instant::now() + Duration::from_secs(1), &basis);
        ground.doubt().clear();
        assert!(ground.lease().is_some());
        drop(ground.doubt());
        assert!(ground.lease().is_none());
    }
}
