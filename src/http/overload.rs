//! How many requests are let in: as many as have their turn in time, and no more at a time than is allowed.
//!
//! Whoever is let in waits for its turn behind all that is ready to run on its thread. How long that takes grows when the process
//! is asked for more than it has, and not when a vendor is slow, which costs nothing here. Those who would wait too long, as they
//! tell whose turn has come, are refused before anything is done for them; that takes no turn, so they are told at once.
//!
//! Those over the number that may run at a time wait a moment for a place, most of those that have one for vendors.

#[cfg(test)]
mod tests;
mod turns;

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use self::turns::Turns;

/// How many may wait for a place.
const QUEUE: usize = 128;
/// How long each of them.
const PATIENCE: Duration = Duration::from_millis(50);

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
    queued: usize,
    turns: Turns,
}

/// Too much runs and waits already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overloaded;

/// A place for one request, until it is dropped.
#[derive(Debug)]
pub(super) struct Pass(Arc<Shared>);

/// A place in the queue for places, until it is dropped.
struct Queued<'a>(&'a Shared);

/// A wait for a turn, until it is dropped.
struct Turn<'a>(&'a Shared);

impl Gate {
    /// A gate for so many at a time, which refuses those who would wait for their turn for longer than `most_wait`.
    pub(super) fn new(most: usize, most_wait: Duration) -> Self {
        let state = State { running: 0, queued: 0, turns: Turns::new(most_wait, Instant::now()) };
        Self(Arc::new(Shared { most, state: Mutex::new(state), freed: Notify::new() }))
    }

    /// Whether a request would be let in now: to be asked before anything is done for it.
    pub(super) fn admit(&self) -> Result<(), Overloaded> {
        if self.0.state().turns.takes_more() { Ok(()) } else { Err(Overloaded) }
    }

    /// Lets a request in, or refuses it. Waits for its turn, and then for a place, a moment at most.
    pub(super) async fn enter(&self) -> Result<Pass, Overloaded> {
        self.0.turn().await?;
        match self.0.try_enter() {
            Some(()) => Ok(Pass(Arc::clone(&self.0))),
            None => self.queue().await,
        }
    }

    async fn queue(&self) -> Result<Pass, Overloaded> {
        let until = Instant::now() + PATIENCE;
        let _queued = self.0.queue().ok_or(Overloaded)?;
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
        if state.running >= self.most {
            return None;
        }
        state.running += 1;
        Some(())
    }

    fn queue(&self) -> Option<Queued<'_>> {
        let mut state = self.state();
        if state.queued >= QUEUE {
            return None;
        }
        state.queued += 1;
        Some(Queued(self))
    }

    /// Waits behind all that is ready to run, if not too many do.
    async fn turn(&self) -> Result<(), Overloaded> {
        let start = Instant::now();
        let waiting = self.state().turns.wait(start).ok_or(Overloaded)?;
        let _turn = Turn(self);
        last().await;
        self.state().turns.learn(start.elapsed(), waiting);
        Ok(())
    }
}

/// Goes to the end of the queue of what is ready. Not `yield_now`: that waits until the thread has looked at its sockets, asks it to
/// do so, and has the last one go on first.
async fn last() {
    let mut asked = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.state().running -= 1;
        self.0.freed.notify_one();
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.state().queued -= 1;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.state().turns.end();
    }
}
