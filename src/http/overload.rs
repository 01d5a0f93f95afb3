//! How many requests are let in: as many as this process keeps up with, found out by trying, and no more at a time than is allowed.
//!
//! What is measured is the lag: how long a task from outside waits for a thread. It grows when the process is asked for more
//! than it has, and not when a vendor is slow, which costs nothing here. While it is long, a growing share of the requests is
//! refused before anything is done for them; that is what keeps the others' answers coming. Those that are let in run at once: to
//! have each of them wait for a turn would make them pay for all that are refused.
//!
//! Those over the number that may run at a time wait a moment, most of them for vendors.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// How many may wait for a place.
const QUEUE: usize = 128;
/// How long each of them.
const PATIENCE: Duration = Duration::from_millis(50);
/// How often the lag is measured.
const OFTEN: Duration = Duration::from_millis(5);
/// For how long the lag must have been long before anyone is refused for it: a hiccup is none.
const STEADY: Duration = Duration::from_millis(50);
/// Fewer requests than this while the lag was measured are not what it comes from: another program has the processors.
const FEW: u32 = 8;
/// What is left of the share that is let in, after each measure of a long lag: it must fall faster than a queue grows.
const LESS: f64 = 0.85;
/// By how much it grows after each measure of one that is not: all are let in again within two seconds.
const MORE: f64 = 0.003;
/// However long the lag is, so many are let in, to find out when it is over.
const LEAST: f64 = 0.02;
/// After so long without a request nothing is known any more.
const FORGOTTEN: Duration = Duration::from_secs(1);

/// The gate before the engine. Clones are the same gate.
#[derive(Clone, Debug)]
pub(super) struct Gate(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug)]
struct State {
    running: usize,
    waiting: usize,
    load: Load,
}

/// What is known of how the process keeps up.
#[derive(Debug)]
struct Load {
    /// A lag that is not long.
    fine: Duration,
    /// The share of all requests that is let in.
    share: f64,
    /// When the lag was measured last, and whether it is being measured now.
    measured: Option<Instant>,
    measuring: bool,
    /// Requests that came since.
    came: u32,
    long_since: Option<Instant>,
    /// When the share fell last.
    fell: Option<Instant>,
}

impl Load {
    fn new(fine: Duration) -> Self {
        Self { fine, share: 1.0, measured: None, measuring: false, came: 0, long_since: None, fell: None }
    }

    /// A request has come. Answers whether the lag is to be measured.
    fn come(&mut self, now: Instant) -> bool {
        self.came = self.came.saturating_add(1);
        let since = self.measured.map_or(FORGOTTEN, |measured| now.duration_since(measured));
        if self.measuring && since > self.fine {
            // It is long already, however long it will turn out to be.
            self.be_long(since, now);
        }
        if self.measuring || since < OFTEN {
            return false;
        }
        if since >= FORGOTTEN {
            (self.share, self.long_since) = (1.0, None);
        }
        (self.measured, self.measuring, self.came) = (Some(now), true, 0);
        true
    }

    /// So long was the lag.
    fn learn(&mut self, lag: Duration, now: Instant) {
        self.measuring = false;
        if lag <= self.fine {
            self.long_since = None;
            self.share = (self.share + MORE).min(1.0);
            return;
        }
        self.be_long(lag, now);
    }

    /// The lag is this long at least.
    fn be_long(&mut self, lag: Duration, now: Instant) {
        let since = *self.long_since.get_or_insert(now.checked_sub(lag).unwrap_or(now));
        let is_hiccup = self.share >= 1.0 && now.duration_since(since) < STEADY;
        let rested = self.fell.is_none_or(|fell| now.duration_since(fell) >= OFTEN);
        if rested && !is_hiccup && self.came >= FEW {
            self.share = (self.share * LESS).max(LEAST);
            self.fell = Some(now);
        }
    }
}

/// Too much runs and waits already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overloaded;

/// A place for one request, until it is dropped.
#[derive(Debug)]
pub(super) struct Pass(Arc<Shared>);

/// A place in the queue, until it is dropped.
struct Waiting<'a>(&'a Shared);

impl Gate {
    /// A gate for so many at a time, which refuses some while the lag is longer than `fine`.
    pub(super) fn new(most: usize, fine: Duration) -> Self {
        let state = State { running: 0, waiting: 0, load: Load::new(fine) };
        Self(Arc::new(Shared { most, state: Mutex::new(state), freed: Notify::new() }))
    }

    /// Lets a request in, or refuses it: to be asked before anything is done for it.
    pub(super) fn admit(&self) -> Result<(), Overloaded> {
        let share = {
            let mut state = self.0.state();
            if state.load.come(Instant::now()) {
                measure(&self.0);
            }
            state.load.share
        };
        if share < 1.0 && fastrand::f64() >= share { Err(Overloaded) } else { Ok(()) }
    }

    /// Takes a place for one that was let in, after a moment's wait at most.
    pub(super) async fn enter(&self) -> Result<Pass, Overloaded> {
        match self.0.try_enter() {
            Some(()) => Ok(Pass(Arc::clone(&self.0))),
            None => self.wait().await,
        }
    }

    /// Both at once, for what costs little until then.
    pub(super) async fn pass(&self) -> Result<Pass, Overloaded> {
        self.admit()?;
        self.enter().await
    }

    async fn wait(&self) -> Result<Pass, Overloaded> {
        let until = Instant::now() + PATIENCE;
        let _waiting = self.0.queue().ok_or(Overloaded)?;
        loop {
            timeout_at(until, self.0.freed.notified()).await.map_err(|_late| Overloaded)?;
            if self.0.try_enter().is_some() {
                return Ok(Pass(Arc::clone(&self.0)));
            }
        }
    }
}

/// Measures how long a task waits that comes from outside of the threads that run requests. One of their own, or one that yields,
/// waits for its turn in one thread's short queue, which is as long on a busy day as in a storm; what a thread has no room for
/// waits with those from outside.
fn measure(shared: &Arc<Shared>) {
    let (shared, runtime) = (Arc::clone(shared), Handle::current());
    drop(tokio::task::spawn_blocking(move || {
        let ready = Instant::now();
        runtime.spawn(async move {
            let now = Instant::now();
            shared.state().load.learn(now.duration_since(ready), now);
        });
    }));
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_enter(&self) -> Option<()> {
        let mut state = self.state();
        if state.running >= self.most {
            return None;
        }
        state.running += 1;
        Some(())
    }

    fn queue(&self) -> Option<Waiting<'_>> {
        let mut state = self.state();
        if state.waiting >= QUEUE {
            return None;
        }
        state.waiting += 1;
        Some(Waiting(self))
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.state().running -= 1;
        self.0.freed.notify_one();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: usize = 64;
    const FINE: Duration = Duration::from_millis(5);

    /// How many run, and how many wait.
    fn counts(gate: &Gate) -> (usize, usize) {
        let state = gate.0.state();
        (state.running, state.waiting)
    }

    async fn filled() -> (Gate, Vec<Pass>) {
        let gate = Gate::new(PLACES, FINE);
        let mut passes = Vec::new();
        for _ in 0..PLACES {
            passes.push(gate.enter().await.unwrap());
        }
        (gate, passes)
    }

    #[tokio::test(start_paused = true)]
    async fn those_over_the_limit_wait_a_moment_and_those_over_the_queue_not_at_all() {
        let (gate, mut passes) = filled().await;
        let waiting: Vec<_> = (0..QUEUE)
            .map(|_| {
                tokio::spawn({
                    let gate = gate.clone();
                    async move { gate.enter().await.err() }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(counts(&gate).1, QUEUE);
        let start = Instant::now();
        assert_eq!(gate.enter().await.err(), Some(Overloaded));
        assert_eq!(start.elapsed(), Duration::ZERO, "at once");
        passes.pop();
        let mut refused = 0;
        for one in waiting {
            refused += usize::from(one.await.unwrap().is_some());
        }
        assert_eq!(refused, 0, "each leaves its place to the next");
        assert_eq!(counts(&gate).1, 0);

        passes.push(gate.enter().await.unwrap());
        let start = Instant::now();
        assert_eq!(gate.enter().await.err(), Some(Overloaded));
        assert_eq!(start.elapsed(), PATIENCE);
        drop(passes);
        assert_eq!(counts(&gate), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_takes_no_place_in_the_queue() {
        let (gate, _passes) = filled().await;
        let left = tokio::time::timeout(Duration::from_millis(1), gate.enter()).await;
        assert!(left.is_err());
        assert_eq!(counts(&gate), (PLACES, 0));
    }

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
            load.share
        }
    }

    #[tokio::test(start_paused = true)]
    async fn fewer_are_let_in_as_long_as_the_lag_lasts_and_all_when_it_is_over() {
        let mut load = Measured::new();
        assert_eq!(load.after(FINE * 9, FEW), 1.0, "a hiccup");
        assert_eq!(load.after(FINE, FEW), 1.0);
        assert_eq!(load.after(FINE * 9, FEW), 1.0, "it begins anew");
        let (once, twice) = (load.after(FINE * 2, FEW), load.after(FINE * 2, FEW));
        assert!((once, twice) == (LESS, LESS * LESS), "{once} {twice}");
        assert!(load.after(FINE, FEW) > twice);
        assert!(load.after(FINE * 2, FEW) < twice, "what has just been long is no hiccup");
        for _ in 0..100 {
            load.after(FINE * 100, FEW);
        }
        assert_eq!(load.0.share, LEAST);
        let start = load.1;
        while load.after(FINE / 10, 0) < 1.0 {}
        assert!(load.1 - start < Duration::from_secs(2), "{:?}", load.1 - start);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lag_that_is_still_being_measured_is_long_as_soon_as_it_is() {
        let Measured(mut load, start) = Measured::new();
        assert!(load.come(start));
        let mut share = 1.0;
        for ms in 0..200 {
            load.come(start + Duration::from_millis(ms));
            assert!(load.share <= share);
            share = load.share;
            assert_eq!(share < 1.0, ms >= 50, "{ms}");
        }
        assert_eq!(share, LEAST);
        load.learn(Duration::from_millis(200), start + Duration::from_millis(200));
        assert!(load.come(start + Duration::from_millis(210)), "the next one");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_refused_for_the_load_of_others_nor_for_what_was_long_ago() {
        let mut load = Measured::new();
        for _ in 0..100 {
            assert_eq!(load.after(FINE * 100, FEW - 1), 1.0);
        }
        assert!(load.after(FINE * 100, FEW) < 1.0);
        load.1 += FORGOTTEN;
        assert_eq!(load.after(FINE, 0), 1.0);
    }

    #[tokio::test]
    async fn lag_is_what_a_task_waits_that_comes_from_outside() {
        let gate = Gate::new(PLACES, FINE);
        gate.admit().unwrap();
        // Whoever runs holds the only thread.
        std::thread::sleep(Duration::from_millis(50));
        while gate.0.state().load.measuring {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(gate.0.state().load.long_since.is_some());
    }
}
