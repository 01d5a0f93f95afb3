//! **Protects from** a slow vendor that holds all our tasks and sockets, and the vendor from all of us at once.
//! **Default** 8 attempts at the same time, 64 waiting, none past its deadline; then `Overloaded`. There is no shorter wait: the
//! histories of a page of leads are one call each, and at an ordinary vendor the last of fifty has its turn after seconds. A call
//! that nobody waits for has a permit at once, out of the half that is not kept for others, or none.
//! **Place** below the ledger (who gives up waiting gets the place in the ledger back), above the timeout.
//! **State** a semaphore and a count of those who wait.
//! **Dropped future**: its permit, or its place in the queue, is free at once.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout_at;

use super::call::{Call, Reply};
use super::failure::{Kind, UpstreamError};
use super::policy::Policy;
use super::transport::Transport;

/// Bounds what runs at the same time, and what waits for that.
pub(super) struct Bulkhead<T> {
    inner: T,
    permits: Semaphore,
    /// Permits that are kept for calls that somebody waits for.
    kept: usize,
    queue: Queue,
}

/// How many may wait for something.
pub(super) struct Queue {
    most: u32,
    waiting: AtomicU32,
}

/// A place in a queue; free again when dropped.
pub(super) struct Place<'a>(&'a AtomicU32);

impl Queue {
    pub(super) fn new(policy: &Policy) -> Self {
        Self { most: policy.queue, waiting: AtomicU32::new(0) }
    }

    /// A place, if there is one.
    pub(super) fn enter(&self) -> Option<Place<'_>> {
        let ahead = self.waiting.fetch_add(1, Ordering::Relaxed);
        let place = Place(&self.waiting);
        (ahead < self.most).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<T> Bulkhead<T> {
    pub(super) fn new(inner: T, policy: &Policy) -> Self {
        let most = policy.concurrency.max(1);
        let kept = (most - policy.spare(most)) as usize;
        Self { inner, permits: Semaphore::new(most as usize), kept, queue: Queue::new(policy) }
    }

    async fn permit(&self, call: &Call) -> Option<SemaphorePermit<'_>> {
        if call.background && self.permits.available_permits() <= self.kept {
            return None;
        }
        if let Ok(permit) = self.permits.try_acquire() {
            return Some(permit);
        }
        if call.background {
            return None;
        }
        let _place = self.queue.enter()?;
        timeout_at(call.deadline, self.permits.acquire()).await.ok()?.ok()
    }
}

impl<T: Transport> Transport for Bulkhead<T> {
    async fn send(&self, call: &Call) -> Result<Reply, UpstreamError> {
        let Some(_permit) = self.permit(call).await else {
            return Err(UpstreamError::new(call.op, Kind::Overloaded));
        };
        self.inner.send(call).await
    }
}
