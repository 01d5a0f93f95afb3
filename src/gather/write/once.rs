//! Orders that are given again: one name, one write, one answer.
//!
//! Kept for 24 h in this process, for each caller apart; at most 10,000 orders and 16 MiB of answers, beyond which the oldest go.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, Shared};
use tokio::time::Instant;

use super::order::Written;
use crate::gather::record::Record;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);
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
    /// By age, the oldest first. A name that was forgotten and given again stands here twice.
    ages: VecDeque<(Name, Instant)>,
    bytes: usize,
}

struct Known {
    print: u64,
    born: Instant,
    bytes: usize,
    running: Running,
}

impl Once {
    /// The write that goes by a name: the one that was begun by it, or else a new one. `print` tells orders apart.
    pub(super) fn join(
        &self,
        name: &Name,
        print: u64,
        start: impl FnOnce() -> Running,
    ) -> Result<Running, Taken> {
        let now = Instant::now();
        let mut orders = self.lock();
        orders.drop_older(now);
        if let Some(known) = orders.known.get(name) {
            return if known.print == print { Ok(known.running.clone()) } else { Err(Taken) };
        }
        let running = start();
        let known = Known { print, born: now, bytes: 0, running: running.clone() };
        orders.known.insert(name.clone(), known);
        orders.ages.push_back((name.clone(), now));
        Ok(running)
    }

    /// What a write has come to: kept, or forgotten where the same may come out otherwise another time.
    pub(super) fn settle(&self, name: &Name, written: &Written) {
        let mut orders = self.lock();
        if written.is_passing() {
            orders.remove(name, None);
            return;
        }
        let weight = written.lead.as_ref().map_or(0, |lead| lead.weight() as usize) + 256;
        if let Some(known) = orders.known.get_mut(name) {
            known.bytes = weight;
            orders.bytes += weight;
        }
        orders.drop_older(Instant::now());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Orders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Orders {
    fn remove(&mut self, name: &Name, born: Option<Instant>) {
        if self.known.get(name).is_some_and(|known| born.is_none_or(|born| known.born == born))
            && let Some(known) = self.known.remove(name)
        {
            self.bytes -= known.bytes;
        }
    }

    fn drop_older(&mut self, now: Instant) {
        let over = |orders: &Self, born: Instant| {
            now.duration_since(born) >= KEPT || orders.ages.len() > MOST || orders.bytes > MOST_BYTES
        };
        while let Some((name, born)) = self.ages.front().cloned() {
            if !over(self, born) {
                break;
            }
            self.ages.pop_front();
            self.remove(&name, Some(born));
        }
    }
}
