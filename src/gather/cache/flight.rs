//! Reads under way: each in a task of its own, one for all who ask the same.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument;

use super::held::{Fresh, Held, Holding};
use super::{Cache, ReadKey};
use crate::gather::generations::Stamp;
use crate::model::cx::{Cx, Meter};
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::telemetry::{self, metrics, traces};

/// What became of a read that failed.
pub(super) struct Lost {
    pub(super) error: SourceError,
    /// Nobody waited for it.
    pub(super) background: bool,
}

impl Cache {
    /// Reads in a task of its own: whoever waits may leave, the read and its place in the cache stay. Equal reads are one.
    pub(super) fn fly<V, F>(
        &self,
        cx: &Cx,
        key: ReadKey,
        load: impl FnOnce(Cx, Stamp) -> F + Send + 'static,
    ) -> JoinHandle<Result<Held, Arc<Lost>>>
    where
        V: Send + Sync + 'static,
        F: Future<Output = Result<Fresh<V>, SourceError>> + Send + 'static,
    {
        let own = Cx { deadline: Instant::now() + self.patience, ..cx.clone() };
        let since = key.since(&self.generations);
        let (cache, name) = (self.clone(), key.clone());
        let reading = async move {
            let leads = AtomicBool::new(false);
            let flight = async {
                leads.store(true, Ordering::Relaxed);
                // The flight before this one may have landed since its reader looked.
                if let Some(held) = cache.held(&name).await.filter(|held| held.is_fresh() && !own.anew) {
                    return Ok(held);
                }
                let (fetched_at, background, begun) = (own.now, own.background, cache.generations.now());
                let span = traces::read(name.source().as_str(), name.what(), background);
                let request_id = Arc::clone(&own.request_id);
                // A panic is a failure like any other, of all who wait for this read: none of them is to run into it again.
                let outcome =
                    AssertUnwindSafe(load(own, begun)).catch_unwind().instrument(span.clone()).await;
                traces::read_ended(&span, matches!(outcome, Ok(Ok(_))));
                let outcome = outcome.unwrap_or_else(|_| {
                    tracing::error!(
                        request_id = &*request_id,
                        source = name.source().as_str(),
                        "read panicked"
                    );
                    Err(SourceError::new(name.source(), "read", SourceErrorKind::Internal))
                });
                match outcome {
                    Ok(fresh) => {
                        let held = Holding::new(fresh, fetched_at, begun);
                        cache.keep(name.clone(), Arc::clone(&held)).await;
                        Ok(held)
                    }
                    Err(error) => {
                        // The next reader may try again.
                        if let Some(held) = cache.held.get(&name).await {
                            held.renewing.store(false, Ordering::Relaxed);
                        }
                        Err(Lost { error, background })
                    }
                }
            };
            let (source, what) = (key.source().clone(), key.what());
            let landed = cache.flights.try_get_with((key, since), flight).await;
            if !leads.load(Ordering::Relaxed) {
                metrics::cache_joined(source.as_str(), what);
            }
            landed
        };
        tokio::spawn(reading.in_current_span().instrument(telemetry::request(&cx.request_id)))
    }
}

/// One who waits for a read. If they leave before it has cost anything, their part in it ends: who else waits for it goes on with it.
pub(super) struct Wait<T> {
    pub(super) flight: JoinHandle<T>,
    meter: Meter,
    pub(super) over: bool,
}

impl<T> Wait<T> {
    pub(super) fn of(cx: &Cx, fly: impl FnOnce(&Cx) -> JoinHandle<T>) -> Self {
        let meter = cx.meter.part();
        let flight = fly(&Cx { meter: meter.clone(), ..cx.clone() });
        Self { flight, meter, over: false }
    }
}

impl<T> Drop for Wait<T> {
    fn drop(&mut self) {
        if !self.over && self.meter.calls() == 0 {
            self.flight.abort();
        }
    }
}
