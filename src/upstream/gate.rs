//! **Protects from** a key that is locked out because we knock on with it, and from paying for answers known beforehand.
//! **Default** after a refused key no call for 60 s, then one at a time until the vendor takes the key again.
//! **Place** above the breaker: a bad key says nothing about the vendor, so the breaker must not hear of it.
//! **State** until when the gate is shut, and whether somebody is trying the key.
//! **Dropped future**: the one that tries the key leaves its place to the next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::call::{Call, Reply};
use super::failure::{Kind, UpstreamError};
use super::transport::Transport;

/// How long a refused key is not used.
pub(super) const SHUT_FOR: Duration = Duration::from_secs(60);

/// Whether the vendor takes the key, as far as we know.
#[derive(Debug, Default)]
pub(super) struct Key(Mutex<KeyState>);

#[derive(Debug, Default)]
struct KeyState {
    refused_until: Option<Instant>,
    trying: bool,
}

impl Key {
    fn lock(&self) -> MutexGuard<'_, KeyState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when the key is not used; past once it may be tried again; `None` while it is taken.
    pub(super) fn refused_until(&self) -> Option<Instant> {
        self.lock().refused_until
    }

    /// Takes over what is known of the same key.
    pub(super) fn inherit(&self, before: &Self) {
        let refused_until = before.refused_until();
        self.lock().refused_until = refused_until;
    }

    /// Lets a call pass, or says how long none may.
    fn enter(&self, now: Instant) -> Result<Try<'_>, Duration> {
        let mut state = self.lock();
        let Some(until) = state.refused_until else {
            return Ok(Try { key: self, alone: false });
        };
        if now < until {
            return Err(until - now);
        }
        if state.trying {
            return Err(Duration::from_secs(1));
        }
        state.trying = true;
        Ok(Try { key: self, alone: true })
    }
}

/// A call that passed the gate; `alone` if it tries a key that was refused before.
struct Try<'a> {
    key: &'a Key,
    alone: bool,
}

impl Try<'_> {
    fn settle(self, outcome: &Result<Reply, UpstreamError>, now: Instant) {
        let mut state = self.key.lock();
        match outcome {
            Err(error) if error.kind == Kind::Unauthorized => state.refused_until = Some(now + SHUT_FOR),
            // Only the one that tries the key opens the gate, and only by an answer that says something about the key.
            Err(error) if !error.is_answer() => {}
            _ if self.alone => state.refused_until = None,
            _ => {}
        }
    }
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        if self.alone {
            self.key.lock().trying = false;
        }
    }
}

/// Stops calls while the vendor refuses the key.
pub(super) struct Gate<T> {
    inner: T,
    key: Arc<Key>,
}

impl<T> Gate<T> {
    pub(super) fn new(inner: T, key: Arc<Key>) -> Self {
        Self { inner, key }
    }
}

impl<T: Transport> Transport for Gate<T> {
    async fn send(&self, call: &Call) -> Result<Reply, UpstreamError> {
        let attempt = self.key.enter(Instant::now()).map_err(|wait| UpstreamError {
            retry_after: Some(wait),
            ..UpstreamError::new(call.op, Kind::Unauthorized)
        })?;
        let mut outcome = self.inner.send(call).await;
        attempt.settle(&outcome, Instant::now());
        if let Err(error) = &mut outcome
            && error.kind == Kind::Unauthorized
        {
            error.retry_after = Some(SHUT_FOR);
        }
        outcome
    }
}
