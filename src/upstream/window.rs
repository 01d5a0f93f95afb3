//! A sliding count of two things, in ten slots. Pure state; the breaker and the retry budget each own some.

use std::time::Duration;

use tokio::time::Instant;

const SLOTS: usize = 10;

/// Counts of the last ten slots.
#[derive(Debug)]
pub(super) struct Window {
    origin: Instant,
    slot: Duration,
    slots: [Slot; SLOTS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    number: u128,
    all: u32,
    marked: u32,
}

impl Window {
    /// A window of this length, in slots of a tenth of it.
    pub(super) fn new(length: Duration, now: Instant) -> Self {
        Self { origin: now, slot: length / SLOTS as u32, slots: [Slot::default(); SLOTS] }
    }

    /// Counts one, marked or not.
    pub(super) fn add(&mut self, now: Instant, marked: bool) {
        let slot = self.at(now);
        slot.all = slot.all.saturating_add(1);
        slot.marked = slot.marked.saturating_add(u32::from(marked));
    }

    /// Marks one that was counted before.
    pub(super) fn mark(&mut self, now: Instant) {
        let slot = self.at(now);
        slot.marked = slot.marked.saturating_add(1);
    }

    /// How many were counted and how many were marked in the window that ends now.
    pub(super) fn sums(&self, now: Instant) -> (u32, u32) {
        let newest = self.number(now);
        let live = self.slots.iter().filter(|slot| newest - slot.number.min(newest) < SLOTS as u128);
        live.fold((0, 0), |(all, marked), slot| {
            (all.saturating_add(slot.all), marked.saturating_add(slot.marked))
        })
    }

    fn at(&mut self, now: Instant) -> &mut Slot {
        let number = self.number(now);
        #[expect(clippy::indexing_slicing, reason = "what is left of a division by SLOTS is less than it")]
        let slot = &mut self.slots[(number % SLOTS as u128) as usize];
        if slot.number != number {
            *slot = Slot { number, ..Slot::default() };
        }
        slot
    }

    fn number(&self, now: Instant) -> u128 {
        now.saturating_duration_since(self.origin).as_nanos() / self.slot.as_nanos().max(1)
    }
}
