//! One logical request to a vendor.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use tokio::time::Instant;

use super::failure::{Kind, UpstreamError};

/// One logical request to a vendor; it may take several attempts.
#[derive(Clone)]
pub struct Call {
    /// Names the operation in logs and errors: constant text such as `leads.list`.
    pub op: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path below the base URL.
    pub path: Path,
    /// Query parameters, not yet encoded.
    pub query: Vec<(&'static str, String)>,
    /// A JSON body.
    pub body: Option<Bytes>,
    /// Whether it may be sent again. Reads are, writes are not.
    pub idempotent: bool,
    /// Whether nobody waits for the answer. Such a call never waits and is never tried again, and it leaves others their
    /// reserve of the quota ([`super::policy::Policy::reserve`]).
    pub background: bool,
    /// When the answer must be there.
    pub deadline: Instant,
    /// Called once for each attempt that leaves the process.
    pub meter: CallMeter,
}

impl fmt::Debug for Call {
    /// Leaves out the path, the query and the body: they may hold what somebody searched for, or a person's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("op", &self.op).field("method", &self.method).finish_non_exhaustive()
    }
}

/// The least time before a deadline that is worth beginning an attempt after a wait: what is sent later is paid for, but
/// seldom answered in time.
pub(super) const ROOM: Duration = Duration::from_millis(50);

impl Call {
    /// Whether an attempt that begins at `at`, after a wait, can still be answered.
    pub(super) fn has_room(&self, at: Instant) -> bool {
        at + ROOM <= self.deadline
    }
}

/// Counts attempts. A function, since this room does not know whose count it is.
#[derive(Clone)]
pub struct CallMeter(Arc<dyn Fn() + Send + Sync>);

impl CallMeter {
    /// Calls `count` for each attempt that leaves the process.
    pub fn new(count: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(count))
    }

    /// Counts one attempt.
    pub fn count(&self) {
        (self.0)();
    }
}

impl fmt::Debug for CallMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallMeter")
    }
}

impl Default for CallMeter {
    fn default() -> Self {
        let count = AtomicU32::new(0);
        Self::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        })
    }
}

/// A path below a vendor's base URL, made of whole segments. Never made by formatting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<Box<str>>);

impl Path {
    /// A path of constant segments, such as `["v1", "public", "leads"]`.
    #[must_use]
    pub fn new(segments: &[&'static str]) -> Self {
        Self(segments.iter().map(|segment| (*segment).into()).collect())
    }

    /// Adds an id as one segment. Only letters, digits and `_ - ~ .` may stand in it, at most 128, and it may not
    /// consist of dots alone: an id that could walk (`..`, `%2e`, `/`) is refused before any call.
    ///
    /// # Errors
    /// `Refused` where the id may not stand in a path.
    pub fn id(mut self, op: &'static str, id: &str) -> Result<Self, UpstreamError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '~' | '.');
        let safe = (1..=128).contains(&id.len()) && id.chars().all(allowed) && id.chars().any(|c| c != '.');
        if !safe {
            return Err(UpstreamError::new(op, Kind::Refused));
        }
        self.0.push(id.into());
        Ok(self)
    }

    /// Adds constant segments.
    #[must_use]
    pub fn then(mut self, segments: &[&'static str]) -> Self {
        self.0.extend(segments.iter().map(|segment| Box::from(*segment)));
        self
    }

    /// The segments.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|segment| &**segment)
    }
}

/// An answer that the dialect accepted.
#[derive(Clone)]
pub struct Reply {
    /// The status, always 2xx.
    pub status: http::StatusCode,
    /// The whole body, decompressed.
    pub body: Bytes,
    /// What the vendor said is left of its quota, where it did.
    pub quota: Option<QuotaNote>,
}

impl fmt::Debug for Reply {
    /// Leaves out the body: it holds people's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, body, quota } = self;
        let mut shown = f.debug_struct("Reply");
        shown.field("status", status).field("bytes", &body.len()).field("quota", quota).finish()
    }
}

/// What a vendor says is left of its quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaNote {
    /// Calls left.
    pub remaining: u32,
    /// Until there are more.
    pub resets_in: Option<Duration>,
}
