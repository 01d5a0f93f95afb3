//! Orders that are given again: one name, one write, one answer.
//!
//! Kept for 24 h in this process, for each caller apart; at most 10,000 orders and 16 MiB of answers. Beyond that the oldest go of
//! whoever holds most, so nobody pushes out what somebody holds who holds less. A write under way is always known: forgotten, it
//! could be made twice.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::time::Instant;

use super::order::Written;
use crate::gather::record::Record;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long the lead in an answer is told again: its vendor may have deleted it since, so it is as old as what the cache serves.
const SHOWN: Duration = Duration::from_secs(3600);
/// The most orders that are kept.
const MOST: usize = 10_000;
/// The most bytes of answers that are kept.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// A write under way, or its answer.
pub(super) type Running = Shared<BoxFuture<'static, Written>>;

/// Whose order, and what they call it.
pub(super) type Name = (Arc<str>, Arc<str>);

/// The same name stands for another order.
#[derive(Debug)]
pub(super) struct Taken;

/// Orders by their names. Clones share them.
#[derive(Clone, Default)]
pub(in crate::gather) struct Once(Arc<Mutex<Orders>>);

#[derive(Default)]
struct Orders {
    known: HashMap<Name, Known>,
    /// What each caller holds of answers.
    held: HashMap<Arc<str>, Held>,
    /// Answered orders of all callers, and the bytes of their answers.
    answered: usize,
    bytes: usize,
}

struct Known {
    print: u64,
    bytes: usize,
    answered: Option<Instant>,
    running: Running,
}

impl Known {
    /// What whoever gives the order again is told.
    fn again(&self) -> Running {
        match self.answered {
            Some(answered) if answered.elapsed() >= SHOWN => {
                let written = self.running.clone().map(|written| Written { lead: None, ..written });
                written.boxed().shared()
            }
            _ => self.running.clone(),
        }
    }
}

/// One caller's orders that are answered.
#[derive(Default)]
struct Held {
    /// By the age of the answer, the oldest first.
    ages: VecDeque<(Arc<str>, Instant)>,
    bytes: usize,
}

impl Once {
    /// The write that goes by a name: the one that was begun by it, or else a new one. `print` tells orders apart.
    pub(super) fn join(
        &self,
        name: &Name,
        print: u64,
        start: impl FnOnce() -> Running,
    ) -> Result<Running, Taken> {
        let mut orders = self.lock();
        orders.drop_older(Instant::now());
        if let Some(known) = orders.known.get(name) {
            return if known.print == print { Ok(known.again()) } else { Err(Taken) };
        }
        let running = start();
        let known = Known { print, bytes: 0, answered: None, running: running.clone() };
        orders.known.insert(name.clone(), known);
        Ok(running)
    }

    /// What a write has come to: kept, or forgotten where the same may come out otherwise another time.
    pub(super) fn settle(&self, name: &Name, written: &Written) {
        let mut orders = self.lock();
        if written.is_passing() {
            orders.known.remove(name);
            return;
        }
        let weight = written.lead.as_ref().map_or(0, |lead| lead.weight() as usize) + 256;
        if let Some(known) = orders.known.get_mut(name) {
            (known.bytes, known.answered) = (weight, Some(Instant::now()));
            orders.bytes += weight;
            orders.answered += 1;
            let held = orders.held.entry(Arc::clone(&name.0)).or_default();
            held.bytes += weight;
            held.ages.push_back((Arc::clone(&name.1), Instant::now()));
        }
        orders.drop_older(Instant::now());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Orders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Orders {
    /// Forgets what is too old or too much. Looks at every caller, of whom there are no more than orders.
    fn drop_older(&mut self, now: Instant) {
        let old = |held: &Held| held.ages.front().is_some_and(|(_, born)| now.duration_since(*born) >= KEPT);
        let late: Vec<_> =
            self.held.iter().filter(|(_, held)| old(held)).map(|(caller, _)| Arc::clone(caller)).collect();
        for caller in late {
            while self.held.get(&caller).is_some_and(old) {
                self.drop_oldest(&caller);
            }
        }
        while self.answered > MOST {
            let most = self.held.iter().max_by_key(|(_, held)| held.ages.len());
            let Some(caller) = most.map(|(caller, _)| Arc::clone(caller)) else { return };
            self.drop_oldest(&caller);
        }
        while self.bytes > MOST_BYTES {
            let most = self.held.iter().max_by_key(|(_, held)| held.bytes);
            let Some(caller) = most.map(|(caller, _)| Arc::clone(caller)) else { return };
            self.drop_oldest(&caller);
        }
    }

    fn drop_oldest(&mut self, caller: &Arc<str>) {
        let Some(held) = self.held.get_mut(caller) else { return };
        if let Some((key, _)) = held.ages.pop_front() {
            let bytes = self.known.remove(&(Arc::clone(caller), key)).map_or(0, |known| known.bytes);
            held.bytes -= bytes;
            self.bytes -= bytes;
            self.answered -= 1;
        }
        if held.ages.is_empty() {
            self.held.remove(caller);
        }
    }
}
