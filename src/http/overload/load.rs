//! Which share of the requests is more than the process keeps up with, by the lag.

use std::time::Duration;

use tokio::time::Instant;

/// How often the lag is measured.
const OFTEN: Duration = Duration::from_millis(5);
/// For how long the lag must have been long before anyone is refused for it: a hiccup is none.
const STEADY: Duration = Duration::from_millis(50);
/// Fewer requests than this while the lag was measured are not what it comes from: another program has the processors.
pub(super) const FEW: u32 = 8;
/// The share that is refused for each second by which the lag is too long, at once.
const AT_ONCE: f64 = 15.0;
/// By how much the share grows in a second while the lag is twice as long as it may be, and falls while there is none.
const A_SECOND: f64 = 0.8;
/// It grows no faster than by so many times that.
const STEEPEST: f64 = 4.0;
/// So much of the time since the last measure counts: a process that was stopped has learned nothing meanwhile.
const AT_MOST: Duration = Duration::from_millis(100);
/// However long the lag is, no more are refused, to find out when it is over.
const MOST: f64 = 0.98;
/// After so long without a request nothing is known any more.
const FORGOTTEN: Duration = Duration::from_secs(1);
/// A measure that has not come out after so long never will: the threads that took it are gone.
const LOST: Duration = Duration::from_secs(10);

/// What is known of how the process keeps up, and which share of the requests is refused for it: a controller with a
/// proportional and an integral part, which holds the lag where it may be. The first answers a storm before a queue has grown, the
/// second finds the share at which the process has just enough to do.
#[derive(Debug)]
pub(super) struct Load {
    /// A lag that is not long.
    fine: Duration,
    /// The integral part.
    held: f64,
    /// Whether anyone is refused at all.
    over: bool,
    /// Parts of a request that were to be refused, until they are a whole one: refusals come evenly, so that what is let in does, too.
    owed: f64,
    /// The lag as it was learned last, and when.
    lag: Duration,
    learned: Option<Instant>,
    /// When the lag was measured last, and whether it is being measured now.
    measured: Option<Instant>,
    measuring: bool,
    /// Requests that came since.
    came: u32,
    /// When it was seen first that the lag is long.
    long_since: Option<Instant>,
}

impl Load {
    /// Of a process that keeps up; a lag up to `fine` is not long.
    pub(super) fn new(fine: Duration) -> Self {
        Self {
            fine,
            held: 0.0,
            over: false,
            owed: 0.0,
            lag: Duration::ZERO,
            learned: None,
            measured: None,
            measuring: false,
            came: 0,
            long_since: None,
        }
    }

    /// A request has come. Answers whether the lag is to be measured.
    pub(super) fn come(&mut self, now: Instant) -> bool {
        self.came = self.came.saturating_add(1);
        let since = self.measured.map_or(FORGOTTEN, |measured| now.duration_since(measured));
        if self.measuring && since < LOST {
            // It is as long already, however long it will turn out to be.
            self.note(since, now);
            return false;
        }
        if since < OFTEN {
            return false;
        }
        if since >= FORGOTTEN {
            *self = Self::new(self.fine);
        }
        if since >= STEADY {
            // It was measured when something else was going on.
            self.lag = Duration::ZERO;
        }
        (self.measured, self.measuring, self.came) = (Some(now), true, 0);
        true
    }

    /// So long was the lag.
    pub(super) fn learn(&mut self, lag: Duration, now: Instant) {
        // Of few requests it does not come.
        let lag = if self.came < FEW { Duration::ZERO } else { lag };
        (self.measuring, self.lag) = (false, lag);
        self.long_since = self.long_since.filter(|_| lag > self.fine);
        self.note(lag, now);
        let since =
            self.learned.replace(now).map_or(OFTEN, |learned| now.duration_since(learned)).min(AT_MOST);
        if self.over {
            let error = lag.as_secs_f64() / self.fine.as_secs_f64() - 1.0;
            self.held += A_SECOND * error.min(STEEPEST) * since.as_secs_f64();
            self.held = self.held.clamp(0.0, MOST);
            self.over = self.held > 0.0 || error > 0.0;
        }
    }

    /// The lag is this long at least.
    fn note(&mut self, lag: Duration, now: Instant) {
        if lag > self.fine && self.came >= FEW {
            self.lag = self.lag.max(lag);
            self.over |= now.duration_since(*self.long_since.get_or_insert(now)) >= STEADY;
        }
    }

    /// The share that is refused.
    fn refused(&self) -> f64 {
        let at_once = AT_ONCE * self.lag.saturating_sub(self.fine).as_secs_f64();
        if self.over { (self.held + at_once).min(MOST) } else { 0.0 }
    }

    /// Whether the request that has come is let in.
    pub(super) fn lets_in(&mut self) -> bool {
        self.owed += self.refused();
        let lets_in = self.owed < 1.0;
        self.owed -= if lets_in { 0.0 } else { 1.0 };
        lets_in
    }

    /// The lag as far as it is known.
    #[cfg(test)]
    pub(super) fn lag(&self) -> Duration {
        self.lag
    }

    /// Whether it is being measured now.
    #[cfg(test)]
    pub(super) fn is_measuring(&self) -> bool {
        self.measuring
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: Duration = Duration::from_millis(5);
    const MS: Duration = Duration::from_millis(1);

    /// A process that is asked for so many times what it can do, and how it fares: each millisecond, a queue of work grows by what is
    /// let in and shrinks by what is done. The lag is what stood before the measure in that queue.
    struct Process {
        load: Load,
        now: Instant,
        queue: f64,
        /// What waits for the measure to come out, if there is one.
        measure: Option<(Instant, f64)>,
        done: f64,
        longest: f64,
        refused: f64,
    }

    impl Process {
        fn new(fine: Duration) -> Self {
            let (load, now) = (Load::new(fine), Instant::now());
            Self { load, now, queue: 0.0, measure: None, done: 0.0, longest: 0.0, refused: 0.0 }
        }

        /// Runs for a while; answers the share of its time in which it did something for those that were let in, the longest queue
        /// and the share that was refused.
        fn run(&mut self, lasts: Duration, times: f64) -> (f64, Duration, f64) {
            (self.done, self.longest, self.refused) = (0.0, 0.0, 0.0);
            for _ in 0..lasts.as_millis() {
                self.now += MS;
                // In ten requests, however much work each of them is.
                for _ in 0..10 {
                    if self.load.come(self.now) {
                        self.measure = Some((self.now, self.queue));
                    }
                }
                let refused = self.load.refused();
                self.queue += times * (1.0 - refused);
                let done = self.queue.min(1.0);
                (self.queue, self.done, self.refused) =
                    (self.queue - done, self.done + done, self.refused + refused);
                self.longest = self.longest.max(self.queue);
                if let Some((began, before)) = self.measure {
                    self.measure = Some((began, before - 1.0)).filter(|(_, before)| *before > 0.0);
                    if self.measure.is_none() {
                        self.load.learn(self.now - began, self.now);
                    }
                }
            }
            let all = lasts.as_millis() as f64;
            (self.done / all, MS.mul_f64(self.longest), self.refused / all)
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    /// A load of which so many requests come before each measure, one every 5 ms.
    struct Measured(Load, Instant);

    impl Measured {
        fn new() -> Self {
            Self(Load::new(FINE), Instant::now())
        }

        fn after(&mut self, lag: Duration, came: u32) -> f64 {
            let Self(load, now) = self;
            *now += OFTEN;
            assert!(load.come(*now));
            assert!((0..came).all(|_| !load.come(*now)), "one measure at a time");
            *now += lag;
            load.learn(lag, *now);
            load.refused()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn more_are_refused_as_long_as_the_lag_lasts_and_none_when_it_is_over() {
        let mut load = Measured::new();
        for _ in 0..2 {
            assert_eq!(load.after(FINE * 40, FEW), 0.0, "a hiccup, however long");
            assert_eq!(load.after(FINE, FEW), 0.0, "it begins anew");
        }
        load.after(FINE * 11, FEW);
        let (once, twice) = (load.after(FINE * 11, FEW), load.after(FINE * 11, FEW));
        let at_once = AT_ONCE * (FINE * 10).as_secs_f64();
        assert!(once > at_once && twice > once, "{once} {twice}");
        let less = load.after(FINE / 10, FEW);
        assert!(less > 0.0 && less < once && less == load.0.held, "{less}");
        for _ in 0..100 {
            load.after(FINE * 100, FEW);
        }
        assert_eq!(load.0.refused(), MOST);
        let start = load.1;
        while load.after(FINE / 10, 0) > 0.0 {
            assert!(load.1 - start < Duration::from_secs(3));
        }
        assert_eq!(load.after(FINE * 9, FEW), 0.0, "a hiccup again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lag_that_is_still_being_measured_is_long_as_soon_as_it_is() {
        let Measured(mut load, start) = Measured::new();
        assert!(load.come(start));
        let mut refused = 0.0;
        for ms in 1..300 {
            assert!((0..2).all(|_| !load.come(start + MS * ms)));
            assert!(load.refused() >= refused);
            refused = load.refused();
            // Seen after 6 ms, steady 50 ms later.
            assert_eq!(refused > 0.0, ms >= 56, "{ms}");
        }
        assert_eq!(refused, MOST);
        load.learn(MS * 300, start + MS * 300);
        assert!(load.come(start + MS * 310), "the next one");
    }

    #[tokio::test(start_paused = true)]
    async fn a_measure_that_never_comes_out_is_given_up() {
        let Measured(mut load, start) = Measured::new();
        assert!(load.come(start));
        for ms in 1..1_000 {
            assert!((0..FEW).all(|_| !load.come(start + MS * ms)));
        }
        assert_eq!(load.refused(), MOST);
        assert!(load.come(start + LOST));
        assert_eq!(load.refused(), 0.0);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_refused_for_the_load_of_others_nor_for_what_was_long_ago() {
        let mut load = Measured::new();
        for _ in 0..100 {
            assert_eq!(load.after(FINE * 100, FEW - 1), 0.0);
        }
        let storm = |load: &mut Measured| {
            for _ in 0..20 {
                load.after(FINE * 10, FEW);
            }
            assert!(load.0.refused() > 0.2);
        };
        storm(&mut load);
        let start = load.1;
        while load.after(FINE * 10, FEW - 1) > 0.0 {
            assert!(load.1 - start < Duration::from_secs(3), "the load of others, after one of our own");
        }
        storm(&mut load);
        let held = load.0.held;
        load.1 += STEADY;
        assert!(load.0.come(load.1) && load.0.refused() == held, "the lag that was is none any more");
        load.1 += FORGOTTEN;
        load.0.learn(FINE, load.1);
        load.1 += FORGOTTEN;
        assert!(load.0.come(load.1) && load.0.refused() == 0.0);
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_come_evenly() {
        let Measured(mut load, _) = Measured::new();
        (load.over, load.held) = (true, 0.75);
        let let_in: Vec<_> = (0..40).map(|_| load.lets_in()).collect();
        assert!(let_in.chunks(4).all(|four| four.iter().filter(|one| **one).count() == 1), "{let_in:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_storm_the_process_is_kept_busy_and_nobody_waits_long() {
        for (fine, times) in
            [(FINE, 1.1), (FINE, 1.5), (FINE, 3.0), (FINE, 10.0), (FINE * 6, 1.1), (FINE * 6, 3.0)]
        {
            let mut process = Process::new(fine);
            process.run(SECOND * 6, times);
            let (done, longest, refused) = process.run(SECOND * 10, times);
            assert!(done > 0.95, "{done} of its time at {times}");
            assert!(longest < fine * 2, "{longest:?} at {times}");
            assert!((refused - (1.0 - 1.0 / times)).abs() < 0.05, "{refused} at {times}");
        }
    }
}
