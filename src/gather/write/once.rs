//! Orders that are given again: one name, one write, one answer.
//!
//! Kept for 24 h in this process, for each caller apart; at most 10,000 orders and 16 MiB of answers, beyond which the oldest go.
//! A write under way is always known: forgotten, it could be made twice.

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
    /// Those that are answered, by the age of the answer, the oldest first.
    ages: VecDeque<(Name, Instant)>,
    bytes: usize,
}

struct Known {
    print: u64,
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
        let mut orders = self.lock();
        orders.drop_older(Instant::now());
        if let Some(known) = orders.known.get(name) {
            return if known.print == print { Ok(known.running.clone()) } else { Err(Taken) };
        }
        let running = start();
        let known = Known { print, bytes: 0, running: running.clone() };
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
            known.bytes = weight;
            orders.bytes += weight;
            orders.ages.push_back((name.clone(), Instant::now()));
        }
        orders.drop_older(Instant::now());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Orders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Orders {
    fn drop_older(&mut self, now: Instant) {
        while let Some((name, born)) = self.ages.front() {
            let over = self.ages.len() > MOST || self.bytes > MOST_BYTES;
            if !over && now.duration_since(*born) < KEPT {
                break;
            }
            self.bytes -= self.known.remove(name).map_or(0, |known| known.bytes);
            self.ages.pop_front();
        }
    }
}
