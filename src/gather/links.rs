//! Which conversation a lead came from, where only a webhook told it: the vendor names it once, and nowhere else.
//!
//! Kept in memory, for the life of the process, bounded in number and time. What is not known here is not known at all, which
//! is not the same as "there is none".

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::model::id::{Key, NativeId, SourceId};
use crate::model::lead::Lead;

/// The most links that are kept. The oldest go first.
const MOST: usize = 20_000;
/// How long a link is kept.
const AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// A conversation and its lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) lead: Key,
    pub(super) conversation: NativeId,
    /// When the lead was created: the conversation began not long before.
    pub(super) near: Option<Timestamp>,
}

type Name = (SourceId, NativeId);

/// All links that are known.
#[derive(Default)]
pub(super) struct Links(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Each with the number of its putting.
    by_lead: HashMap<Name, (Link, u64)>,
    by_conversation: HashMap<Name, Name>,
    /// Leads as they were put, with number and time. One that was put again stands here twice; its last number counts.
    order: VecDeque<(Name, u64, Instant)>,
    puts: u64,
}

impl Links {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers where a lead came from.
    pub(super) fn put(&self, lead: &Lead, conversation: NativeId) {
        let now = Instant::now();
        let mut known = self.known();
        let name = (lead.key.source.clone(), lead.key.native.clone());
        known.remove(&name);
        known.puts += 1;
        let number = known.puts;
        known.by_conversation.insert((lead.key.source.clone(), conversation.clone()), name.clone());
        let link = Link { lead: lead.key.clone(), conversation, near: lead.created_at };
        known.by_lead.insert(name.clone(), (link, number));
        known.order.push_back((name, number, now));
        known.trim(now);
    }

    /// How many have been put so far.
    pub(super) fn puts(&self) -> u64 {
        self.known().puts
    }

    /// Forgets the links of sources that are gone, or are no longer the accounts they were.
    pub(super) fn forget(&self, is_gone: impl Fn(&SourceId) -> bool) {
        let mut known = self.known();
        known.by_lead.retain(|(source, _), _| !is_gone(source));
        known.by_conversation.retain(|(source, _), _| !is_gone(source));
        known.order.retain(|((source, _), ..)| !is_gone(source));
    }

    /// The link of a lead.
    pub(super) fn of_lead(&self, lead: &Key) -> Option<Link> {
        let mut known = self.known();
        known.trim(Instant::now());
        known.by_lead.get(&(lead.source.clone(), lead.native.clone())).map(|(link, _)| link.clone())
    }

    /// The link of a conversation.
    pub(super) fn of_conversation(&self, conversation: &Key) -> Option<Link> {
        let mut known = self.known();
        known.trim(Instant::now());
        let name = known.by_conversation.get(&(conversation.source.clone(), conversation.native.clone()))?;
        known.by_lead.get(name).map(|(link, _)| link.clone())
    }
}

impl Known {
    fn remove(&mut self, name: &Name) {
        if let Some((link, _)) = self.by_lead.remove(name) {
            let talk = (name.0.clone(), link.conversation);
            if self.by_conversation.get(&talk) == Some(name) {
                self.by_conversation.remove(&talk);
            }
        }
    }

    fn is_current(&self, name: &Name, number: u64) -> bool {
        self.by_lead.get(name).is_some_and(|(_, current)| *current == number)
    }

    /// Forgets what is too old or too many.
    fn trim(&mut self, now: Instant) {
        if self.order.len() > 2 * MOST {
            let order = std::mem::take(&mut self.order);
            self.order =
                order.into_iter().filter(|(name, number, _)| self.is_current(name, *number)).collect();
        }
        while let Some((name, number, at)) = self.order.front() {
            let current = self.is_current(name, *number);
            if current && self.by_lead.len() <= MOST && now.duration_since(*at) < AGE {
                return;
            }
            let name = self.order.pop_front().map(|(name, ..)| name);
            if let Some(name) = name.filter(|_| current) {
                self.remove(&name);
            }
        }
    }
}

#[cfg(test)]
mod tests;
