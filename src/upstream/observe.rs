//! **Protects** the operator **from** guessing: one line for each call, and how the account is doing.
//! **Default** calls in metrics, in traces and at `debug`, changes of the account's state at `warn`. Constant text and fields; never a URL, a query or a body.
//! **Place** outermost, so that it sees a call with all its attempts.
//! **State** the last success, the last failure, and since when the account is in its state.
//! **Dropped future**: is counted as `dropped`; a caller who went away says nothing about the account.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tracing::Instrument;

use super::breaker::Circuits;
use super::call::{Call, CallMeter, Reply};
use super::client::{Standing, State};
use super::clock::{wall, wall_at};
use super::failure::{Kind, UpstreamError};
use super::gate::Key;
use super::policy::Policy;
use super::quota::Ledger;
use super::transport::Transport;
use crate::telemetry::{metrics, traces};

/// Everything that is known about how an account is doing: what calls came to, and the state of the layers.
#[derive(Debug)]
pub(super) struct Watch {
    label: Arc<str>,
    policy: Policy,
    record: Mutex<Record>,
    /// The gate's.
    pub(super) key: Arc<Key>,
    /// The breaker's.
    pub(super) circuits: Arc<Circuits>,
    /// The rate layer's.
    pub(super) ledger: Arc<Ledger>,
}

#[derive(Debug)]
struct Record {
    state: State,
    since: Timestamp,
    last_success_at: Option<Timestamp>,
    last_error: Option<Kind>,
    failing: bool,
}

impl Watch {
    pub(super) fn new(label: &str, policy: &Policy) -> Self {
        let record = Record {
            state: State::Up,
            since: wall(),
            last_success_at: None,
            last_error: None,
            failing: false,
        };
        Self {
            label: label.into(),
            policy: policy.clone(),
            record: Mutex::new(record),
            key: Arc::default(),
            circuits: Arc::new(Circuits::new()),
            ledger: Arc::new(Ledger::new(policy)),
        }
    }

    /// How the account is doing now.
    pub(super) fn standing(&self) -> Standing {
        self.update(|_| {})
    }

    /// Takes over what another one of the same key knows.
    pub(super) fn inherit(&self, before: &Self) {
        self.key.inherit(&before.key);
        self.circuits.inherit(&before.circuits);
        self.ledger.inherit(&before.ledger);
        let last = before.lock();
        let mut record = self.lock();
        (record.last_success_at, record.last_error, record.failing) =
            (last.last_success_at, last.last_error, last.failing);
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the account stands, for metrics.
    fn gauges(&self) -> metrics::Account {
        let now = Instant::now();
        let circuit = |until: Option<Instant>| match until {
            None => metrics::Circuit::Closed,
            Some(until) if until > now => metrics::Circuit::Open,
            Some(_) => metrics::Circuit::Probing,
        };
        let standing = self.standing();
        metrics::Account {
            state: match standing.state {
                State::Up => "up",
                State::Degraded => "degraded",
                State::Down => "down",
                State::Unauthorized => "unauthorized",
            },
            reads: circuit(self.circuits.reads.tripped_until(now)),
            writes: circuit(self.circuits.writes.tripped_until(now)),
            shut: self.key.refused_until().is_some(),
            silent: self.ledger.silent_until(now).map_or(Duration::ZERO, |until| until - now),
            quota: standing.quota,
            remaining: standing.remaining,
        }
    }

    /// Has the account told of by metrics for as long as it is there.
    pub(super) fn tell(self: &Arc<Self>) {
        let watch = Arc::downgrade(self);
        metrics::watch_account(&self.label, move || watch.upgrade().map(|watch| watch.gauges()));
    }

    fn hear(&self, call: &Call, outcome: &Result<Reply, UpstreamError>) {
        self.update(|record| match outcome {
            Ok(_) => {
                record.last_success_at = Some(wall());
                record.failing = false;
            }
            // An answer such as "not found" is no trouble of the account's, and it shows that there is none.
            Err(error) if error.is_answer() => record.failing = false,
            // Our own refusals say nothing new, but for one: the vendor's quota is used up. It is not where a call that nobody waits
            // for was refused.
            Err(error) if error.is_cut_short() => {}
            Err(error) if error.is_local() && call.background => {}
            Err(error) if error.is_local() && error.kind != Kind::QuotaExhausted => {}
            Err(error) => {
                record.last_error = Some(error.kind);
                record.failing = true;
            }
        });
    }

    fn update(&self, change: impl FnOnce(&mut Record)) -> Standing {
        let now = Instant::now();
        let mut record = self.lock();
        change(&mut record);
        let (refused, silent) = (self.key.refused_until(), self.ledger.silent_until(now));
        let reads = self.circuits.reads.tripped_until(now);
        // Once a write may be tried again, reads tell how the account does: it may be long until somebody comes to write.
        let writes = self.circuits.writes.tripped_until(now).filter(|until| *until > now);
        let (state, until) = if refused.is_some() {
            (State::Unauthorized, refused)
        } else if reads.is_some() {
            (State::Down, reads)
        } else if record.failing || silent.is_some() || writes.is_some() {
            let exhausted = record.failing && record.last_error == Some(Kind::QuotaExhausted);
            (State::Degraded, silent.or(writes).or_else(|| exhausted.then(|| self.ledger.free_at(now))))
        } else {
            (State::Up, None)
        };
        if state != record.state {
            tracing::warn!(source = &*self.label, from = ?record.state, to = ?state, "source changed its state");
            (record.state, record.since) = (state, wall());
        }
        let (remaining, reset_at) = self.ledger.remaining(now);
        Standing {
            state,
            since: record.since,
            last_success_at: record.last_success_at,
            last_error: record.last_error,
            retry_at: until.and_then(|until| wall_at(until, now)),
            quota: self.policy.quota,
            quota_window: self.policy.quota_window,
            remaining,
            reset_at: reset_at.and_then(|reset| wall_at(reset, now)),
        }
    }
}

/// Writes down what calls come to.
pub(super) struct Observe<T> {
    inner: T,
    watch: Arc<Watch>,
}

impl<T> Observe<T> {
    pub(super) fn new(inner: T, watch: Arc<Watch>) -> Self {
        Self { inner, watch }
    }
}

impl<T: Transport> Transport for Observe<T> {
    async fn send(&self, call: &Call) -> Result<Reply, UpstreamError> {
        let began = Instant::now();
        let counting = metrics::vendor_call(&self.watch.label, call.op);
        let (attempts, meter) = (Arc::new(AtomicU32::new(0)), call.meter.clone());
        let count = Arc::clone(&attempts);
        let counted = CallMeter::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
            meter.count();
        });
        let span = traces::call(&self.watch.label, call.op, call.method.as_str());
        let outcome =
            self.inner.send(&Call { meter: counted, ..call.clone() }).instrument(span.clone()).await;
        self.watch.hear(call, &outcome);
        let attempts = attempts.load(Ordering::Relaxed);
        counting.ended(word(&outcome), attempts);
        traces::call_ended(&span, word(&outcome), status(&outcome), attempts);
        tracing::debug!(
            source = &*self.watch.label,
            op = call.op,
            attempts,
            failure = outcome.as_ref().err().map(|error| tracing::field::debug(error.kind)),
            status = status(&outcome),
            elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "vendor call ended"
        );
        outcome
    }
}

/// What became of a call, or of an attempt, in one word.
pub(super) fn word(outcome: &Result<Reply, UpstreamError>) -> &'static str {
    outcome.as_ref().map_or_else(|error| error.kind.word(), |_| "ok")
}

/// The vendor's status, where it answered.
pub(super) fn status(outcome: &Result<Reply, UpstreamError>) -> Option<u16> {
    let status = outcome.as_ref().map_or_else(|error| error.status, |reply| Some(reply.status));
    status.map(|status| status.as_u16())
}
