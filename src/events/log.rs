//! The log: the newest events in the order in which they were published, and those who listen to it.
//!
//! Listeners hold no queue of their own, only a number: they read on from the log itself, so any number of them costs no
//! memory. One that is too slow is told so and hears nothing more; it may come back with its last cursor.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::cursor::{BadCursor, Cursors, Place};
use super::echo::{ECHO, alike};
use super::{Event, EventKind, Settings};

/// The newest events. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    settings: Settings,
    cursors: Cursors,
    held: Mutex<Held>,
    /// The number of the next event: how far there is something to read.
    next: watch::Sender<u64>,
    listeners: watch::Sender<usize>,
}

#[derive(Default)]
struct Held {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// The number of the next event. They count from 0 without a gap, so those that are held are the ones just before it.
    next: u64,
    /// When the last of our own writes was told.
    own_at: Option<Instant>,
}

struct Entry {
    event: Arc<Event>,
    /// Whether it is a write of ours.
    own: bool,
    bytes: usize,
    at: Instant,
}

impl Held {
    /// The number of the oldest event that is held; of the next one, where none is.
    fn first(&self) -> u64 {
        self.next - self.entries.len() as u64
    }

    /// Forgets what is beyond the bounds. The newest event stays whatever it weighs, or nobody would ever hear it.
    fn trim(&mut self, settings: &Settings) {
        let now = Instant::now();
        let beyond = |held: &Self| {
            let old =
                held.entries.front().is_some_and(|entry| now.duration_since(entry.at) >= settings.max_age);
            let many = held.entries.len() > settings.max_events.max(1);
            old || many || (held.bytes > settings.max_bytes && held.entries.len() > 1)
        };
        while beyond(self) {
            let Some(entry) = self.entries.pop_front() else { return };
            self.bytes -= entry.bytes;
        }
    }

    /// What told this already: the last that was told of the same lead, where it says the same, and one of the two is a write of
    /// ours. The vendor's word may well come first.
    fn told(&mut self, event: &Event, own: bool, now: Instant) -> Option<&mut Entry> {
        let recent = |at: Instant| now.duration_since(at) < ECHO;
        let lead = event.lead.as_ref().filter(|_| event.kind == EventKind::LeadUpdated)?;
        if !own && !self.own_at.is_some_and(recent) {
            return None;
        }
        let mut told = self.entries.iter_mut().rev().take_while(|entry| recent(entry.at));
        let last = told.find(|entry| {
            let of_lead = matches!(entry.event.kind, EventKind::LeadCreated | EventKind::LeadUpdated);
            of_lead && entry.event.lead.as_ref().is_some_and(|told| told.key == lead.key)
        })?;
        let same = last.event.lead.as_ref().is_some_and(|told| alike(told, lead));
        (last.event.kind == EventKind::LeadUpdated && (own || last.own) && same).then_some(last)
    }

    /// The events from `number` on, which is held.
    fn from(&self, number: u64) -> impl Iterator<Item = (u64, &Arc<Event>)> {
        let skipped = usize::try_from(number.saturating_sub(self.first())).unwrap_or(usize::MAX);
        (number..).zip(self.entries.iter().skip(skipped).map(|entry| &entry.event))
    }
}

impl Log {
    /// An empty log of a life of its own.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(Inner {
            settings,
            cursors: Cursors::new(),
            held: Mutex::default(),
            next: watch::Sender::new(0),
            listeners: watch::Sender::new(0),
        }))
    }

    /// Tells everyone who listens, and whoever asks for the past until it is too long ago. Events of one source must be
    /// published one after another, in the order in which they are to be heard.
    pub fn publish(&self, event: Event) {
        self.add(event, false);
    }

    /// As [`Log::publish`], of a lead that was changed through this gateway: what its vendor says about that, before or
    /// after, is the same event, and is told once.
    pub fn publish_own(&self, event: Event) {
        self.add(event, true);
    }

    fn add(&self, event: Event, own: bool) {
        let now = Instant::now();
        let mut held = self.0.held();
        let told = held.told(&event, own, now).map(|entry| entry.own |= own).is_some();
        if own {
            held.own_at = Some(now);
        }
        if told {
            return;
        }
        let entry = Entry { bytes: event.weight(), event: Arc::new(event), own, at: now };
        held.bytes += entry.bytes;
        held.entries.push_back(entry);
        held.next += 1;
        held.trim(&self.0.settings);
        // Still under the lock, so that the number never goes back.
        self.0.next.send_replace(held.next);
    }

    /// Listens from now on, or from behind the cursor of an event heard before. Where the log no longer reaches back that
    /// far, the first thing heard is that something was missed.
    ///
    /// # Errors
    /// Where `after` is not a cursor that was made for this caller.
    pub fn listen(&self, caller: &Arc<str>, after: Option<&str>) -> Result<Listener, BadCursor> {
        let place = after.map(|text| self.0.cursors.open(caller, text)).transpose()?;
        let (now, first) = {
            let mut held = self.0.held();
            held.trim(&self.0.settings);
            (held.next, held.first())
        };
        let (at, lagged) = match place {
            None => (now, false),
            Some(Place::Here(place)) if (first..=now).contains(&place) => (place, false),
            Some(Place::Here(_) | Place::Elsewhere) => (now, true),
        };
        self.0.listeners.send_modify(|count| *count += 1);
        Ok(Listener {
            log: Arc::clone(&self.0),
            caller: Arc::clone(caller),
            next: self.0.next.subscribe(),
            at,
            replayed: now,
            lagged,
        })
    }

    /// What was published from a number on, as far as it is still held, and the number of the next event. For the gateway's
    /// own work: nobody listens by it.
    pub(super) fn since(&self, from: u64) -> (Vec<Arc<Event>>, u64) {
        let held = self.0.held();
        let from = from.clamp(held.first(), held.next);
        (held.from(from).map(|(_, event)| Arc::clone(event)).collect(), held.next)
    }

    /// How long events are kept: how far back a listener may ask.
    pub(super) fn memory(&self) -> Duration {
        self.0.settings.max_age
    }

    /// How many listen now.
    #[must_use]
    pub fn listeners(&self) -> usize {
        *self.0.listeners.borrow()
    }

    /// Waits until somebody listens: what costs calls need not be looked at before.
    pub async fn awaited(&self) {
        // The sender lives in `self`, so waiting does not fail.
        let _ = self.0.listeners.subscribe().wait_for(|count| *count > 0).await;
    }
}

impl Inner {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

/// Somebody who listens, until dropped.
pub struct Listener {
    log: Arc<Inner>,
    caller: Arc<str>,
    next: watch::Receiver<u64>,
    /// The number of the event to be heard next.
    at: u64,
    /// The number up to which events are replayed, not new.
    replayed: u64,
    /// Whether it is yet to be told that something was missed.
    lagged: bool,
}

/// Something heard.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The event; `None`: events before here were missed, of any source, and what is shown of records must be read anew.
    pub event: Option<Arc<Event>>,
    /// The place right behind it.
    pub mark: Mark,
}

/// A place in a log, of which a cursor can be made.
#[derive(Clone)]
pub struct Mark {
    log: Arc<Inner>,
    caller: Arc<str>,
    place: u64,
}

impl Mark {
    /// The cursor by which a listener goes on from here. Sealed only when asked for.
    #[must_use]
    pub fn cursor(&self) -> Option<String> {
        self.log.cursors.seal(&self.caller, self.place)
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mark").field(&self.place).finish()
    }
}

/// The listener was too slow: more events wait for it than may, or the log has forgotten what it was to hear next. It can
/// listen anew behind the last cursor it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun;

impl Listener {
    /// The next event that is wanted, as soon as there is one.
    ///
    /// # Errors
    /// Where it was too slow; from then on always.
    ///
    /// # Cancellation
    /// Dropping the future loses nothing.
    pub async fn next(&mut self, wanted: impl Fn(&Event) -> bool) -> Result<Heard, Overrun> {
        if std::mem::take(&mut self.lagged) {
            return Ok(Heard { event: None, mark: self.mark() });
        }
        loop {
            self.next.borrow_and_update();
            if let Some(event) = self.read(&wanted)? {
                return Ok(Heard { event: Some(event), mark: self.mark() });
            }
            if self.next.changed().await.is_err() {
                // The log holds the sender, and `self` the log.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Moves behind the next event that is wanted, and gives it.
    fn read(&mut self, wanted: &impl Fn(&Event) -> bool) -> Result<Option<Arc<Event>>, Overrun> {
        let held = self.log.held();
        if self.at < held.first() {
            return Err(Overrun);
        }
        let most = self.log.settings.max_waiting;
        let new = self.at.max(self.replayed);
        // Only what is wanted counts, but it is only counted where there may be too much of it.
        if held.next - new > most as u64 && held.from(new).filter(|(_, event)| wanted(event)).count() > most {
            return Err(Overrun);
        }
        let found = held.from(self.at).find(|(_, event)| wanted(event));
        self.at = found.as_ref().map_or(held.next, |(number, _)| number + 1);
        Ok(found.map(|(_, event)| Arc::clone(event)))
    }

    fn mark(&self) -> Mark {
        Mark { log: Arc::clone(&self.log), caller: Arc::clone(&self.caller), place: self.at }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.log.listeners.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("at", &self.at).finish_non_exhaustive()
    }
}
