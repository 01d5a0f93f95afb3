//! How many requests are let in: as many as this process keeps up with, found out by trying, and no more at a time than is allowed.
//!
//! What is measured is the lag: how long a task from outside waits for a thread. It grows when the process is asked for
//! more than it has, and not when a vendor is slow, which costs nothing here. Where it stays long, a share of the requests is
//! refused before anything is done for them, as large as keeps the lag where it may be; that is what keeps the others' answers
//! coming. Those that are let in run at once: to have each of them wait for a turn would make them pay for all that are refused.
//!
//! Those over the number that may run at a time wait a moment, most of them for vendors.

mod load;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use self::load::Load;

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
    waiting: usize,
    load: Load,
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
        let mut state = self.0.state();
        if state.load.come(Instant::now()) {
            measure(&self.0);
        }
        if state.load.lets_in() { Ok(()) } else { Err(Overloaded) }
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
/// waits for its turn in one thread's short queue, which is as long when many ask at once as in a storm; what a thread has no room
/// for waits with those from outside.
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
