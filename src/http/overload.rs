//! How many requests run at a time: as many as this process keeps up with, found out by trying.
//!
//! What is measured is how long a request that is ready waits for a thread: that grows when the process is asked for more than
//! it has, and not when a vendor is slow, which costs nothing here. While it is short the limit creeps up, when it is long the
//! limit falls by a tenth at a time. Those over the limit wait a moment; those that would wait longer are told at once to come
//! again, which is what keeps the others' answers coming.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

/// How many may wait for a place.
const QUEUE: usize = 128;
/// How long each of them.
const PATIENCE: Duration = Duration::from_millis(50);
/// From here on a wait for a thread is long.
const LONG: Duration = Duration::from_millis(25);
/// How often the limit may fall: what a fall brings must be seen before the next.
const PAUSE: Duration = Duration::from_millis(100);

/// The gate before the engine. Clones are the same gate.
#[derive(Clone, Debug)]
pub(super) struct Gate(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug)]
struct State {
    /// Between `least` and `most`.
    limit: f64,
    least: f64,
    most: f64,
    running: usize,
    waiting: usize,
    fell: Option<Instant>,
}

impl State {
    fn has_room(&self) -> bool {
        // Both are small; nothing is lost.
        self.running < self.limit as usize
    }

    /// Learns from how long a request waited for a thread.
    fn learn(&mut self, waited: Duration, now: Instant) {
        let rested = self.fell.is_none_or(|fell| now.duration_since(fell) >= PAUSE);
        if waited > LONG {
            if rested {
                self.limit = (self.limit * 0.9).max(self.least);
                self.fell = Some(now);
            }
        } else if self.running as f64 * 2.0 >= self.limit {
            // A limit that is not reached teaches nothing. This makes one more for each limit's worth of requests.
            self.limit = (self.limit + 1.0 / self.limit).min(self.most);
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
    /// A gate that begins with as many as it may ever let in: that most of them wait for vendors is the usual thing.
    #[expect(clippy::cast_precision_loss, reason = "these are thousands at most")]
    pub(super) fn new(least: usize, most: usize) -> Self {
        let (least, most) = (least.min(most) as f64, most as f64);
        let state = State { limit: most, least, most, running: 0, waiting: 0, fell: None };
        Self(Arc::new(Shared { state: Mutex::new(state), freed: Notify::new() }))
    }

    /// Takes a place, after a moment's wait at most.
    pub(super) async fn enter(&self) -> Result<Pass, Overloaded> {
        let pass = match self.0.try_enter() {
            Some(()) => Pass(Arc::clone(&self.0)),
            None => self.wait().await?,
        };
        let ready = Instant::now();
        yield_now().await;
        let now = Instant::now();
        self.0.state().learn(now.duration_since(ready), now);
        Ok(pass)
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

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_enter(&self) -> Option<()> {
        let mut state = self.state();
        if !state.has_room() {
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

    const LEAST: usize = 20;
    const MOST: usize = 64;

    /// How many run, and how many wait.
    fn counts(gate: &Gate) -> (usize, usize) {
        let state = gate.0.state();
        (state.running, state.waiting)
    }

    fn has_room(gate: &Gate) -> bool {
        gate.0.state().has_room()
    }

    async fn enter_many(gate: &Gate, count: usize) -> Vec<Pass> {
        let mut passes = Vec::new();
        for _ in 0..count {
            passes.push(gate.enter().await.unwrap());
        }
        passes
    }

    #[tokio::test(start_paused = true)]
    async fn those_over_the_limit_wait_a_moment_and_those_over_the_queue_not_at_all() {
        let gate = Gate::new(LEAST, MOST);
        let mut passes = enter_many(&gate, 64).await;
        // Half of what runs has taught the gate that there is room for one or two more.
        while has_room(&gate) {
            passes.push(gate.enter().await.unwrap());
        }
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

        while has_room(&gate) {
            passes.push(gate.enter().await.unwrap());
        }
        let start = Instant::now();
        assert_eq!(gate.enter().await.err(), Some(Overloaded));
        assert_eq!(start.elapsed(), PATIENCE);
        drop(passes);
        assert_eq!(counts(&gate), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_takes_no_place_in_the_queue() {
        let gate = Gate::new(LEAST, MOST);
        let _passes = enter_many(&gate, 64).await;
        gate.0.state().limit = 64.0;
        let left = tokio::time::timeout(Duration::from_millis(1), gate.enter()).await;
        assert!(left.is_err());
        assert_eq!(counts(&gate), (64, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn limit_falls_while_threads_are_short_and_creeps_up_while_they_are_not() {
        let gate = Gate::new(LEAST, MOST);
        let mut now = Instant::now();
        let mut learn = |waited: Duration, pause: Duration| {
            now += pause;
            gate.0.state().learn(waited, now);
            gate.0.state().limit
        };
        let (least, most) = (LEAST as f64, MOST as f64);
        assert_eq!(learn(Duration::ZERO, PAUSE), most, "it begins with all there may be");
        assert_eq!(learn(LONG * 2, PAUSE), most * 0.9);
        assert_eq!(learn(Duration::ZERO, PAUSE), most * 0.9, "nothing runs, so nothing is learnt");
        assert_eq!(learn(LONG * 2, PAUSE / 2), most * 0.9 * 0.9);
        assert_eq!(learn(LONG * 2, PAUSE / 2), most * 0.9 * 0.9, "what the fall brings is waited for");
        for _ in 0..50 {
            learn(LONG * 2, PAUSE);
        }
        assert_eq!(learn(LONG * 2, PAUSE), least);
        gate.0.state().running = 500;
        assert!((least + 0.9..least + 1.1).contains(&(0..20).fold(0.0, |_, _| learn(Duration::ZERO, PAUSE))));
        for _ in 0..50_000 {
            learn(Duration::ZERO, PAUSE);
        }
        assert_eq!(learn(Duration::ZERO, PAUSE), most);
    }
}
