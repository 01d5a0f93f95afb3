//! Who waits for a turn, and whether so many do that more would only wait.

use std::time::Duration;

use tokio::time::Instant;

/// So few never are too many, and tell nothing of what more would wait for: a thread that was held up for a moment made them wait.
pub(super) const FEW: usize = 8;
/// So many may come in a second on top, however long they will wait: a page that asks for everything at once is no storm.
pub(super) const BURST: u32 = 256;
/// What one turn tells counts so much of what is thought of the next.
const WEIGHT: f64 = 0.125;

/// Those that were let in and have not run yet.
#[derive(Debug)]
pub(super) struct Turns {
    /// So long may one wait, in seconds.
    most: f64,
    waiting: usize,
    /// What each that waits makes the next one wait, in seconds, as those told last whose turn came. At first nobody has.
    each: Option<f64>,
    /// How many may come on top now. They grow again while nobody would wait too long.
    spare: f64,
    grown: Instant,
}

impl Turns {
    /// Nobody waits; nobody should for longer than `most`.
    pub(super) fn new(most: Duration, now: Instant) -> Self {
        let (most, spare) = (most.as_secs_f64(), f64::from(BURST));
        Self { most, waiting: 0, each: None, spare, grown: now }
    }

    /// Whether one more may wait.
    pub(super) fn takes_more(&self) -> bool {
        self.is_short() || self.spare >= 1.0
    }

    /// One more waits, if it may. Answers how many do.
    pub(super) fn wait(&mut self, now: Instant) -> Option<usize> {
        let since = now.saturating_duration_since(std::mem::replace(&mut self.grown, now));
        if self.is_short() {
            let most = f64::from(BURST);
            self.spare = (self.spare + most * since.as_secs_f64()).min(most);
        } else if self.spare >= 1.0 {
            self.spare -= 1.0;
        } else {
            return None;
        }
        self.waiting += 1;
        Some(self.waiting)
    }

    /// One waits no longer.
    pub(super) fn end(&mut self) {
        self.waiting -= 1;
    }

    /// The turn of one has come that waited for so long, as one of so many.
    pub(super) fn learn(&mut self, waited: Duration, waiting: usize) {
        if waiting >= FEW {
            let told = waited.as_secs_f64() / waiting as f64;
            self.each = Some(self.each.map_or(told, |each| each + WEIGHT * (told - each)));
        }
    }

    /// Whether one more would not wait too long, as far as is known.
    fn is_short(&self) -> bool {
        self.waiting < FEW || self.each.is_some_and(|each| each * self.waiting as f64 <= self.most)
    }
}

#[cfg(test)]
impl Turns {
    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const SECOND: Duration = Duration::from_secs(1);
    const MOST: Duration = Duration::from_millis(5);

    fn turns() -> (Turns, Instant) {
        let now = Instant::now();
        (Turns::new(MOST, now), now)
    }

    /// How many of so many are let in that come at once.
    fn burst(turns: &mut Turns, many: usize, now: Instant) -> usize {
        (0..many).filter(|_| turns.wait(now).is_some()).count()
    }

    #[test]
    fn a_burst_is_let_in_however_long_it_takes_but_one_a_second() {
        let (mut turns, start) = turns();
        let all = FEW + BURST as usize;
        assert_eq!(burst(&mut turns, 10_000, start), all);
        assert!(!turns.takes_more());
        assert_eq!(burst(&mut turns, 10_000, start + SECOND), 0, "they waited all the time");
        for _ in 0..all {
            turns.end();
        }
        assert!(turns.takes_more() && turns.wait(start + SECOND).is_some());
        assert_eq!(burst(&mut turns, 10_000, start + SECOND * 3 / 2), all - 1 - BURST as usize / 2);
    }

    #[test]
    fn many_wait_where_each_waits_for_a_moment() {
        let (mut turns, start) = turns();
        turns.learn(MOST / 2, 100);
        assert!((200..=203).contains(&(burst(&mut turns, 10_000, start) - BURST as usize)));
    }

    #[test]
    fn few_are_let_in_whatever_they_wait_for_and_tell_nothing() {
        let (mut turns, start) = turns();
        turns.learn(MOST / 2, 100);
        turns.learn(SECOND, FEW - 1);
        assert!((200..=203).contains(&(burst(&mut turns, 10_000, start) - BURST as usize)));
        let (mut turns, start) = self::turns();
        burst(&mut turns, 10_000, start);
        turns.learn(SECOND, FEW);
        while turns.waiting >= FEW {
            assert!(!turns.takes_more());
            turns.end();
        }
        assert!(turns.takes_more());
    }

    /// A process that is asked for so many times what it can do: in each step one request has its turn, which takes so long, and so
    /// many come. Answers the share of its time in which it had something to do, the longest wait and the share refused, from the second
    /// half on.
    fn storm(times: usize, turn: Duration) -> (f64, Duration, f64) {
        const STEPS: usize = 20_000;
        let (mut turns, start) = turns();
        let mut queue = VecDeque::new();
        let (mut done, mut refused, mut longest) = (0, 0, Duration::ZERO);
        for step in 0..STEPS {
            let now = start + turn * step as u32;
            let judged = step >= STEPS / 2;
            for _ in 0..times {
                match turns.wait(now) {
                    Some(waiting) => queue.push_back((now, waiting)),
                    None => refused += usize::from(judged),
                }
            }
            if let Some((came, waiting)) = queue.pop_front() {
                turns.end();
                turns.learn(now - came, waiting);
                done += usize::from(judged);
                longest = longest.max(if judged { now - came } else { Duration::ZERO });
            }
        }
        let half = STEPS as f64 / 2.0;
        (done as f64 / half, longest, refused as f64 / half / times as f64)
    }

    #[test]
    fn in_a_storm_the_process_is_kept_busy_and_nobody_waits_longer() {
        for turn in [MS / 20, MS / 2, MS, MS * 10] {
            for times in [2, 3, 10, 100] {
                let (done, longest, refused) = storm(times, turn);
                assert!(done > 0.999, "{done} of its time at {times}, {turn:?}");
                // And a few that came on top, since nobody had to wait for a moment.
                let most = MOST.max(turn * FEW as u32) + turn * 5;
                assert!(longest <= most, "{longest:?} at {times}, {turn:?}");
                let over = 1.0 - 1.0 / times as f64;
                assert!((refused - over).abs() < 0.01, "{refused} at {times}, {turn:?}");
            }
        }
    }
}
