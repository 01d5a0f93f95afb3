//! **Protects from** waiting again and again for a vendor that is down, and a vendor that struggles from our calls.
//! **Default** trips after 5 failures in a row, or 50 % of at least 20 in 30 s; stays tripped 5 s, doubling to 60 s, each ± 20 %;
//! then one probe at a time decides. Reads and writes are judged apart. Only failures of the vendor's making count.
//! **Place** inside retry, so that a storm of retries trips it; outside the ledger, so that what it refuses costs no quota.
//! **State** Passing, Tripped or Probing, for each class of calls.
//! **Dropped future**: counts for nothing; a dropped probe leaves its place to the next call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::call::{Call, Reply};
use super::failure::{Kind, UpstreamError};
use super::transport::Transport;
use super::window::Window;

/// This many failures in a row trip it.
pub(super) const IN_A_ROW: u32 = 5;
/// At least this many outcomes must be in the window before their share counts.
pub(super) const AT_LEAST: u32 = 20;
/// The window.
pub(super) const WINDOW: Duration = Duration::from_secs(30);
/// How long it stays tripped at first.
pub(super) const FIRST_REST: Duration = Duration::from_secs(5);
/// How long it stays tripped at most, before the jitter of ± 20 %.
pub(super) const LONGEST_REST: Duration = Duration::from_secs(60);

/// The breaker's state for one class of calls.
#[derive(Debug)]
pub(super) struct Circuit(Mutex<CircuitState>);

#[derive(Debug)]
struct CircuitState {
    phase: Phase,
    /// Failures in a row, while passing.
    in_a_row: u32,
    /// Outcomes, while passing; failures are marked.
    window: Window,
    /// Counts changes of phase: an outcome is heard only in the phase its call was sent in.
    era: u64,
    /// Trips since the last success.
    trips: u32,
}

#[derive(Debug)]
enum Phase {
    Passing,
    Tripped { until: Instant },
    Probing,
}

/// What a call says about its vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Omen {
    /// It works.
    Good,
    /// It refused this call for a reason: no failure, and no success either, but it works.
    Alive,
    /// It does not work.
    Bad,
    /// Nothing.
    None,
}

impl Omen {
    fn of(outcome: &Result<Reply, UpstreamError>) -> Self {
        let Err(error) = outcome else { return Self::Good };
        let broken = error.status.is_some_and(|status| status.is_server_error());
        match error.kind {
            Kind::Timeout if error.is_cut_short() => Self::None,
            Kind::Unreachable | Kind::Timeout | Kind::Protocol => Self::Bad,
            Kind::VendorError | Kind::TooLarge if broken => Self::Bad,
            // What is too large for us says nothing of what else it would answer.
            Kind::VendorError | Kind::TooLarge => Self::Alive,
            _ if error.is_answer() => Self::Alive,
            _ => Self::None,
        }
    }
}

impl Circuit {
    fn new(now: Instant) -> Self {
        let window = Window::new(WINDOW, now);
        Self(Mutex::new(CircuitState { phase: Phase::Passing, in_a_row: 0, window, era: 0, trips: 0 }))
    }

    fn lock(&self) -> MutexGuard<'_, CircuitState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the vendor may be asked again; `None` while calls pass.
    pub(super) fn tripped_until(&self, now: Instant) -> Option<Instant> {
        match self.lock().phase {
            Phase::Passing => None,
            Phase::Tripped { until } => Some(until),
            Phase::Probing => Some(now),
        }
    }

    /// Lets a call pass, or says how long none may.
    fn enter(&self, now: Instant) -> Result<Pass<'_>, Duration> {
        let mut state = self.lock();
        match state.phase {
            Phase::Passing => {}
            Phase::Tripped { until } if now < until => return Err(until - now),
            Phase::Tripped { .. } => state.turn(Phase::Probing),
            // Somebody is finding out; that takes a second or two.
            Phase::Probing => return Err(Duration::from_secs(1)),
        }
        Ok(Pass { circuit: self, era: state.era, omen: Omen::None })
    }
}

impl Circuit {
    /// Takes over for how long the vendor is left alone. Outcomes are counted anew.
    fn inherit(&self, before: &Self, now: Instant) {
        let (until, trips) = (before.tripped_until(now), before.lock().trips);
        let mut state = self.lock();
        state.trips = trips;
        if let Some(until) = until {
            state.turn(Phase::Tripped { until });
        }
    }
}

impl CircuitState {
    fn turn(&mut self, phase: Phase) {
        self.phase = phase;
        self.era += 1;
    }

    fn hear(&mut self, omen: Omen, now: Instant) {
        match (&self.phase, omen) {
            (Phase::Passing, Omen::Good | Omen::Bad) => {
                let bad = omen == Omen::Bad;
                self.in_a_row = if bad { self.in_a_row + 1 } else { 0 };
                self.window.add(now, bad);
                let (all, failed) = self.window.sums(now);
                if bad && (self.in_a_row >= IN_A_ROW || (all >= AT_LEAST && failed * 2 >= all)) {
                    self.trip(now);
                }
            }
            (Phase::Probing, Omen::Good | Omen::Alive) => {
                self.trips = 0;
                self.in_a_row = 0;
                self.window = Window::new(WINDOW, now);
                self.turn(Phase::Passing);
            }
            (Phase::Probing, Omen::Bad) => self.trip(now),
            (Phase::Probing, Omen::None) => self.turn(Phase::Tripped { until: now }),
            (Phase::Passing, Omen::Alive | Omen::None) | (Phase::Tripped { .. }, _) => {}
        }
    }

    fn trip(&mut self, now: Instant) {
        let rest = FIRST_REST.saturating_mul(1 << self.trips.min(10)).min(LONGEST_REST);
        let jittered = rest.mul_f64(0.8 + 0.4 * fastrand::f64());
        self.trips = self.trips.saturating_add(1);
        self.turn(Phase::Tripped { until: now + jittered });
    }
}

/// A call that passed. What it says about the vendor is heard when it is dropped, whatever ends it.
struct Pass<'a> {
    circuit: &'a Circuit,
    era: u64,
    omen: Omen,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.circuit.lock();
        if state.era == self.era {
            state.hear(self.omen, Instant::now());
        }
    }
}

/// The breaker's state, shared with those who report it.
#[derive(Debug)]
pub(super) struct Circuits {
    /// Of calls that may be repeated.
    pub(super) reads: Circuit,
    /// Of all others.
    pub(super) writes: Circuit,
}

impl Circuits {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { reads: Circuit::new(now), writes: Circuit::new(now) }
    }

    /// Takes over what is known of the same vendor.
    pub(super) fn inherit(&self, before: &Self) {
        let now = Instant::now();
        self.reads.inherit(&before.reads, now);
        self.writes.inherit(&before.writes, now);
    }
}

/// Stops calls to a vendor that has failed too often.
pub(super) struct Breaker<T> {
    inner: T,
    circuits: Arc<Circuits>,
}

impl<T> Breaker<T> {
    pub(super) fn new(inner: T, circuits: Arc<Circuits>) -> Self {
        Self { inner, circuits }
    }
}

impl<T: Transport> Transport for Breaker<T> {
    async fn send(&self, call: &Call) -> Result<Reply, UpstreamError> {
        let circuit = if call.idempotent { &self.circuits.reads } else { &self.circuits.writes };
        let mut pass = circuit.enter(Instant::now()).map_err(|wait| UpstreamError {
            retry_after: Some(wait),
            ..UpstreamError::new(call.op, Kind::BreakerOpen)
        })?;
        let outcome = self.inner.send(call).await;
        pass.omen = Omen::of(&outcome);
        outcome
    }
}
