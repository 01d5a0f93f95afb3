//! Lines: connections on which answers go on, WebSockets and event streams. They are counted, bounded, and ended when the
//! gateway stops.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Settings;

/// Lines of one configuration; those of all are counted together. Clones share them.
#[derive(Clone, Debug)]
pub struct Lines {
    /// Of all callers together.
    most: usize,
    most_of_one: usize,
    all: Arc<All>,
    closing: Arc<watch::Sender<bool>>,
}

/// What is common to the lines of every configuration.
#[derive(Debug, Default)]
struct All {
    by_caller: Mutex<HashMap<Arc<str>, usize>>,
    open: watch::Sender<usize>,
    stopping: watch::Sender<bool>,
}

/// There is no room for one more line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The caller has as many as one may have.
    Caller,
    /// There are as many as there may be, or those that there are come to their end.
    Gateway,
}

impl Lines {
    /// No lines yet. There may be as many as connections, in addition to these: a WebSocket no longer counts as one.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self::of(settings, Arc::default())
    }

    /// Lines of another configuration, which do not end with these.
    #[must_use]
    pub fn next(&self, settings: &Settings) -> Self {
        Self::of(settings, Arc::clone(&self.all))
    }

    fn of(settings: &Settings, all: Arc<All>) -> Self {
        let (most, most_of_one) = (settings.max_connections, settings.max_lines_per_caller);
        Self { most, most_of_one, all, closing: Arc::default() }
    }

    /// A new line, of nobody as yet.
    pub(super) fn open(&self) -> Result<Line, Full> {
        let over = *self.closing.borrow() || *self.all.stopping.borrow();
        let room = self.all.open.send_if_modified(|open| {
            let room = *open < self.most && !over;
            *open += usize::from(room);
            room
        });
        if room { Ok(Line { lines: self.clone(), caller: None }) } else { Err(Full::Gateway) }
    }

    /// Ends these lines: each says goodbye and closes.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Ends the lines of every configuration.
    pub(super) fn stop(&self) {
        self.all.stopping.send_replace(true);
    }

    /// How many there are, of every configuration.
    pub(super) fn count(&self) -> usize {
        *self.all.open.borrow()
    }

    /// Waits until there is no line any more.
    pub(super) async fn ended(&self) {
        // The sender lives in `self`, so waiting does not fail.
        let _ = self.all.open.subscribe().wait_for(|open| *open == 0).await;
    }
}

impl All {
    fn by_caller(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.by_caller.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, caller: &Arc<str>) {
        let mut by_caller = self.by_caller();
        if let Some(count) = by_caller.get_mut(caller) {
            *count -= 1;
            if *count == 0 {
                by_caller.remove(caller);
            }
        }
    }
}

/// One line, until dropped.
#[derive(Debug)]
pub(super) struct Line {
    lines: Lines,
    caller: Option<Arc<str>>,
}

impl Line {
    /// Counts the line as this caller's.
    pub(super) fn belongs_to(&mut self, caller: &Arc<str>) -> Result<(), Full> {
        if self.caller.as_ref() == Some(caller) {
            return Ok(());
        }
        {
            let mut by_caller = self.lines.all.by_caller();
            let count = by_caller.entry(Arc::clone(caller)).or_default();
            if *count >= self.lines.most_of_one {
                return Err(Full::Caller);
            }
            *count += 1;
        }
        if let Some(before) = self.caller.replace(Arc::clone(caller)) {
            self.lines.all.leave(&before);
        }
        Ok(())
    }

    /// Waits until the line is to end.
    pub(super) async fn closing(&self) {
        let (mut closing, mut stopping) =
            (self.lines.closing.subscribe(), self.lines.all.stopping.subscribe());
        // The senders live in `self`, so waiting does not fail.
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(caller) = self.caller.take() {
            self.lines.all.leave(&caller);
        }
        self.lines.all.open.send_modify(|open| *open -= 1);
    }
}
