//! The quota ledger of one account: when each call was or will be sent, what the vendor said is left, and whether it wants
//! silence. Plain state behind one lock that is never held across a wait; [`super::rate`] does the waiting.
//!
//! Two rules hold at once: never more than `quota` calls in any window, and, once `burst` calls have gone, an even pace. Calls that
//! nobody waits for keep the same rules with smaller figures, so that they leave the others their reserve.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::call::QuotaNote;
use super::hints::LONGEST_WAIT;
use super::policy::Policy;

/// The first silence after a 429 that does not say how long.
pub(super) const FIRST_SILENCE: Duration = Duration::from_secs(1);
/// The longest silence that we choose ourselves.
pub(super) const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// The ledger of one account.
#[derive(Debug)]
pub(super) struct Ledger {
    window: Duration,
    /// Between two calls at an even pace.
    interval: Duration,
    /// What calls may use that somebody waits for.
    whole: Share,
    /// What the others may use.
    spare: Share,
    state: Mutex<Pages>,
}

/// What one class of calls may use.
#[derive(Debug)]
struct Share {
    /// Calls to a window, whoever made them.
    quota: u32,
    /// How far a burst may run ahead of the even pace.
    slack: Duration,
    /// What must be left by the vendor's own count.
    kept: u32,
}

#[derive(Clone, Debug)]
struct Pages {
    /// When calls were or will be sent, in order; never more than a window and those who wait.
    booked: VecDeque<Instant>,
    /// When the next call would be due if all had gone at an even pace.
    due: Instant,
    /// Calls under way: what the vendor says is left may not yet count them.
    under_way: u32,
    noted: Option<Noted>,
    silent_until: Option<Instant>,
    /// 429s in a row that did not say how long.
    strikes: u32,
}

#[derive(Clone, Copy, Debug)]
struct Noted {
    remaining: u32,
    until: Instant,
}

/// A place in the ledger. Dropped unsent, it is given back.
#[derive(Debug)]
pub(super) struct Booking<'a> {
    ledger: &'a Ledger,
    /// When the call may go.
    pub(super) at: Instant,
    /// Whether it went.
    pub(super) sent: bool,
}

impl Drop for Booking<'_> {
    fn drop(&mut self) {
        let mut pages = self.ledger.lock();
        pages.under_way = pages.under_way.saturating_sub(1);
        if !self.sent {
            pages.give_back(self.at, self.ledger.interval);
        }
    }
}

impl Ledger {
    pub(super) fn new(policy: &Policy) -> Self {
        let quota = policy.quota.max(1);
        let interval = policy.quota_window / quota;
        let burst = policy.burst.clamp(1, quota);
        let share =
            |left: u32, burst: u32| Share { quota: left, slack: interval * (burst - 1), kept: quota - left };
        let pages = Pages {
            booked: VecDeque::new(),
            due: Instant::now(),
            under_way: 0,
            noted: None,
            silent_until: None,
            strikes: 0,
        };
        Self {
            window: policy.quota_window,
            interval,
            whole: share(quota, burst),
            spare: share(policy.spare(quota), policy.spare(burst)),
            state: Mutex::new(pages),
        }
    }

    /// Takes over what another ledger of the same key knows: calls that were sent, what the vendor said is left, and whether it
    /// wants silence. What is still waiting there gives nothing back here.
    pub(super) fn inherit(&self, before: &Self) {
        let pages = Pages { under_way: 0, ..before.lock().clone() };
        *self.lock() = pages;
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Books the next free place for a call, for one that nobody waits for out of the spare share, if its time `fits`; otherwise
    /// says when it would be.
    pub(super) fn book(
        &self,
        now: Instant,
        background: bool,
        fits: impl Fn(Instant) -> bool,
    ) -> Result<Booking<'_>, Instant> {
        let mut pages = self.lock();
        let share = if background { &self.spare } else { &self.whole };
        let at = self.next(&mut pages, now, share);
        if !fits(at) {
            return Err(at);
        }
        pages.due = pages.due.max(at) + self.interval;
        let place = pages.booked.partition_point(|other| *other <= at);
        pages.booked.insert(place, at);
        pages.under_way += 1;
        if let Some(noted) = &mut pages.noted {
            noted.remaining = noted.remaining.saturating_sub(1);
        }
        Ok(Booking { ledger: self, at, sent: false })
    }

    fn next(&self, pages: &mut Pages, now: Instant, share: &Share) -> Instant {
        pages.forget(now, self.window);
        let ahead = pages.due.saturating_duration_since(now);
        let mut at = now + ahead.saturating_sub(share.slack);
        // The call that is `quota` places earlier must have left the window.
        let earlier = pages.booked.len().checked_sub(share.quota as usize);
        if let Some(instant) = earlier.and_then(|place| pages.booked.get(place)) {
            at = at.max(*instant + self.window);
        }
        if let Some(noted) = pages.noted.filter(|noted| noted.remaining <= share.kept) {
            at = at.max(noted.until);
        }
        at
    }

    /// Corrects the ledger by what an answer said. Others share the vendor's quota, so its word goes over our count.
    pub(super) fn settle(&self, now: Instant, note: Option<QuotaNote>) {
        let mut pages = self.lock();
        if pages.silent_until.is_none_or(|until| until <= now) {
            pages.strikes = 0;
        }
        if let Some(note) = note {
            // The call that brought the note is still counted as under way; the others may be missing in it.
            let others = pages.under_way.saturating_sub(1);
            let until = now + note.resets_in.unwrap_or(self.interval).min(LONGEST_WAIT);
            pages.noted = Some(Noted { remaining: note.remaining.saturating_sub(others), until });
        }
    }

    /// Keeps the account silent for as long as the vendor said, or for a time of our own. Returns how long.
    pub(super) fn silence(&self, now: Instant, wait: Option<Duration>) -> Duration {
        let mut pages = self.lock();
        let silent = pages.silent_until.filter(|until| *until > now);
        let wait = match wait.filter(|wait| !wait.is_zero()) {
            Some(wait) => wait.min(LONGEST_WAIT),
            // Answers to calls of the same moment are one strike.
            None if silent.is_some() => Duration::ZERO,
            None => {
                let wait = FIRST_SILENCE.saturating_mul(1 << pages.strikes.min(10)).min(LONGEST_SILENCE);
                pages.strikes = pages.strikes.saturating_add(1);
                wait
            }
        };
        let until = silent.map_or(now + wait, |until| until.max(now + wait));
        pages.silent_until = Some(until);
        until - now
    }

    /// Until when the vendor wants silence, if it does.
    pub(super) fn silent_until(&self, now: Instant) -> Option<Instant> {
        self.lock().silent_until.filter(|until| *until > now)
    }

    /// When a call that came now could go.
    pub(super) fn free_at(&self, now: Instant) -> Instant {
        self.next(&mut self.lock(), now, &self.whole)
    }

    /// Calls left now, and when the vendor's own window begins anew, where it said so.
    pub(super) fn remaining(&self, now: Instant) -> (u32, Option<Instant>) {
        let mut pages = self.lock();
        pages.forget(now, self.window);
        let booked = u32::try_from(pages.booked.len()).unwrap_or(u32::MAX);
        let left = self.whole.quota.saturating_sub(booked);
        match pages.noted {
            Some(noted) => (left.min(noted.remaining), Some(noted.until)),
            None => (left, None),
        }
    }
}

impl Pages {
    /// Forgets calls that have left the window, and a note whose time has passed.
    fn forget(&mut self, now: Instant, window: Duration) {
        while self.booked.front().is_some_and(|instant| *instant + window <= now) {
            self.booked.pop_front();
        }
        self.noted = self.noted.filter(|noted| noted.until > now);
    }

    fn give_back(&mut self, at: Instant, interval: Duration) {
        let place = self.booked.partition_point(|other| *other < at);
        if self.booked.get(place) == Some(&at) {
            self.booked.remove(place);
            self.due = self.due.checked_sub(interval).unwrap_or(self.due);
            if let Some(noted) = &mut self.noted {
                noted.remaining = noted.remaining.saturating_add(1);
            }
        }
    }
}
