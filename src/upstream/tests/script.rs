//! A bottom that answers by a script and remembers when it was asked.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use tokio::time::{Instant, sleep};

use crate::upstream::call::{Call, CallMeter, Path, QuotaNote, Reply};
use crate::upstream::client::Client;
use crate::upstream::dialect::{Verdict, by_status};
use crate::upstream::failure::{Kind, UpstreamError};
use crate::upstream::policy::Policy;
use crate::upstream::transport::Transport;

/// What the bottom does with a call.
#[derive(Clone, Debug)]
pub(super) struct Step {
    after: Duration,
    outcome: Result<Reply, UpstreamError>,
}

/// A good answer.
pub(super) fn ok() -> Step {
    let reply = Reply { status: StatusCode::OK, body: Bytes::from_static(b"{}"), quota: None };
    Step { after: Duration::ZERO, outcome: Ok(reply) }
}

/// A good answer that says what is left.
pub(super) fn noted(remaining: u32, resets_in: u64) -> Step {
    let mut step = ok();
    if let Ok(reply) = &mut step.outcome {
        reply.quota = Some(QuotaNote { remaining, resets_in: Some(Duration::from_secs(resets_in)) });
    }
    step
}

/// No answer, for this reason.
pub(super) fn fail(kind: Kind) -> Step {
    Step { after: Duration::ZERO, outcome: Err(UpstreamError::new("script", kind)) }
}

/// An answer with this status, read as the default dialect does.
pub(super) fn status(code: u16) -> Step {
    answer(code, None)
}

/// The same with a `Retry-After`.
pub(super) fn later(code: u16, seconds: u64) -> Step {
    answer(code, Some(seconds))
}

fn answer(code: u16, seconds: Option<u64>) -> Step {
    let status = StatusCode::from_u16(code).unwrap();
    let Verdict::Reject { kind, .. } = by_status(status, &HeaderMap::new()) else {
        panic!("{code} is no failure")
    };
    let retry_after = seconds.map(Duration::from_secs);
    let error = UpstreamError { status: Some(status), retry_after, ..UpstreamError::new("script", kind) };
    Step { after: Duration::ZERO, outcome: Err(error) }
}

impl Step {
    /// Takes this long.
    pub(super) fn slow(self, millis: u64) -> Self {
        Self { after: Duration::from_millis(millis), ..self }
    }
}

/// No answer, ever.
pub(super) fn hang() -> Step {
    ok().slow(3_600_000)
}

/// The bottom.
#[derive(Debug)]
pub(super) struct Script {
    steps: Mutex<VecDeque<Step>>,
    otherwise: Mutex<Step>,
    sent: Mutex<Vec<Instant>>,
    running: AtomicU32,
    most: AtomicU32,
}

impl Script {
    /// These steps first, then the other one for ever.
    pub(super) fn new(steps: impl IntoIterator<Item = Step>, otherwise: Step) -> Arc<Self> {
        Arc::new(Self {
            steps: Mutex::new(steps.into_iter().collect()),
            otherwise: Mutex::new(otherwise),
            sent: Mutex::default(),
            running: AtomicU32::new(0),
            most: AtomicU32::new(0),
        })
    }

    /// From now on only this.
    pub(super) fn now(&self, step: Step) {
        self.steps.lock().unwrap().clear();
        *self.otherwise.lock().unwrap() = step;
    }

    /// When each call came.
    pub(super) fn sent(&self) -> Vec<Instant> {
        self.sent.lock().unwrap().clone()
    }

    /// How many came.
    pub(super) fn calls(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    /// How many there were at the same time, at most.
    pub(super) fn most(&self) -> u32 {
        self.most.load(Ordering::Relaxed)
    }

    /// How many there are now.
    pub(super) fn running(&self) -> u32 {
        self.running.load(Ordering::Relaxed)
    }
}

struct Running<'a>(&'a AtomicU32);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Transport for Arc<Script> {
    async fn send(&self, call: &Call) -> Result<Reply, UpstreamError> {
        call.meter.count();
        let now = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        let _running = Running(&self.running);
        self.most.fetch_max(now, Ordering::Relaxed);
        self.sent.lock().unwrap().push(Instant::now());
        let next = self.steps.lock().unwrap().pop_front();
        let step = next.unwrap_or_else(|| self.otherwise.lock().unwrap().clone());
        if !step.after.is_zero() {
            sleep(step.after).await;
        }
        step.outcome
    }
}

/// A read with this long to go.
pub(super) fn read(millis: u64) -> Call {
    Call {
        op: "leads.list",
        method: Method::GET,
        path: Path::new(&["leads"]),
        query: Vec::new(),
        body: None,
        idempotent: true,
        background: false,
        deadline: Instant::now() + Duration::from_millis(millis),
        meter: CallMeter::default(),
    }
}

/// A write with this long to go.
pub(super) fn write(millis: u64) -> Call {
    Call { op: "leads.update", method: Method::PATCH, idempotent: false, ..read(millis) }
}

/// A read that nobody waits for.
pub(super) fn background(millis: u64) -> Call {
    Call { background: true, ..read(millis) }
}

/// So much quota that only the layer under test is felt.
pub(super) fn roomy() -> Policy {
    Policy { quota: 100_000, burst: 100_000, concurrency: 256, ..Policy::default() }
}

/// The whole stack over a script.
pub(super) fn client(script: &Arc<Script>, policy: &Policy) -> Client {
    Client::over(Arc::clone(script), "acme", policy)
}

/// The kind of failure, or `None` for success.
pub(super) async fn kind(client: &Client, call: &Call) -> Option<Kind> {
    client.send(call).await.err().map(|error| error.kind)
}
