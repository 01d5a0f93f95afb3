//! Changing a lead: sent at most once, and told truthfully.
//!
//! `change` (what no vendor must be asked about) > `once` (an order given again) > here: read, compare, write, look again where
//! the answer leaves a doubt > `overlay` (the write stays visible) > `audit` (who did it). The lead is read before every write: without
//! that, nobody could tell afterwards whether a doubtful write was made. A write goes on in a task of its own, so a client that
//! hangs up neither stops it nor leaves it without a record.

mod audit;
mod change;
mod doubts;
mod once;
mod order;
mod overlay;

use std::hash::{BuildHasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use self::audit::Audit;
pub(super) use self::audit::recording;
pub(super) use self::change::Change;
use self::change::invalid;
use self::doubts::Doubts;
pub(super) use self::once::Once;
use self::once::Running;
pub use self::order::{Outcome, WriteError, WriteErrorCode, WriteOrder, Written};
pub(super) use self::overlay::Overlay;
use super::cursor::fingerprint;
use super::generations::Name;
use super::{Gather, Inner};
use crate::model::caller::Scope;
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{EntityKind, Key};
use crate::model::lead::Lead;
use crate::model::write::{Answered, Fate, LeadEdit, LeadReview, LeadUpdate, NoteEdit, Prior, WriteFailure};
use crate::source::{DynWrite, Source};
use crate::telemetry;

/// What is kept of the deadline for the look after a write, but never more than a third of what is left.
const LOOK: Duration = Duration::from_secs(1);
/// Leads whose writes may be under way at one time without waiting for each other.
const TURNS: usize = 256;
/// The most characters of an idempotency key.
const LONGEST_KEY: usize = 128;

/// Who is told of every lead that was changed here, and when the order came in.
type Hear = Box<dyn Fn(Timestamp, Arc<Lead>) + Send + Sync>;

/// What writes share.
pub(super) struct Desk {
    turns: Vec<Mutex<()>>,
    hashes: RandomState,
    once: Once,
    doubts: Doubts,
    hear: std::sync::OnceLock<Hear>,
}

impl Desk {
    pub(super) fn new() -> Self {
        let turns = (0..TURNS).map(|_| Mutex::default()).collect();
        Self {
            turns,
            hashes: RandomState::new(),
            once: Once::default(),
            doubts: Doubts::default(),
            hear: std::sync::OnceLock::new(),
        }
    }

    /// Waits for the writes of a lead that are under way: what one reads, the next must not overwrite.
    async fn turn(&self, lead: &Key) -> Option<MutexGuard<'_, ()>> {
        let place = self.hashes.hash_one(lead) as usize % TURNS;
        Some(self.turns.get(place)?.lock().await)
    }
}

impl Gather {
    /// Changes a lead. Never fails: what went wrong is in the answer.
    ///
    /// # Cancellation
    /// Dropping the future does not stop the write.
    pub async fn update_lead(&self, cx: &Cx, order: WriteOrder<LeadUpdate>) -> Written {
        self.write(cx, order).await
    }

    /// Decides about a lead. As [`Gather::update_lead`].
    pub async fn review_lead(&self, cx: &Cx, order: WriteOrder<LeadReview>) -> Written {
        self.write(cx, order).await
    }

    /// Has `hear` told of every lead that is changed here. The first one counts.
    pub fn on_write(&self, hear: impl Fn(Timestamp, Arc<Lead>) + Send + Sync + 'static) {
        let _ = self.inner.writes.hear.set(Box::new(hear));
    }

    async fn write<C: Change>(&self, cx: &Cx, order: WriteOrder<C>) -> Written {
        cx.meter.ground.pass();
        let (lead, fields) = (order.lead.clone(), order.change.fields());
        let audit = move || Audit::open(cx, C::NAME, lead, fields);
        let (source, edit) = match self.inner.accept(cx, &order) {
            Ok(accepted) => accepted,
            Err(error) => {
                let written = Written::not(error, None);
                audit().close(&written);
                return written;
            }
        };
        let once = self.inner.writes.once.clone();
        let name = order.idempotency_key.as_deref().map(|key| (Arc::clone(&cx.caller.name), Arc::from(key)));
        let print = fingerprint(&(C::NAME, &order));
        let start = || -> Running {
            let job = Job { inner: Arc::clone(&self.inner), source, cx: cx.clone(), order, edit };
            let (audit, once, name) = (audit.clone()(), once.clone(), name.clone());
            let writing = async move {
                let run = AssertUnwindSafe(job.run(audit)).catch_unwind();
                let written = run.await.unwrap_or_else(|_panic| unknown(None, None));
                if let Some(name) = &name {
                    once.settle(name, &written);
                }
                written
            };
            let task = tokio::spawn(writing.in_current_span().instrument(telemetry::request(&cx.request_id)));
            async move { task.await.unwrap_or_else(|_panic| unknown(None, None)) }.boxed().shared()
        };
        let running = match &name {
            None => start(),
            Some(name) => match once.join(name, print, start) {
                Ok(running) => running,
                Err(once::Taken) => {
                    let message = "This key was given with another order within the last 24 hours. Take a new key for a new \
                        order.";
                    let written = Written::not(invalid("idempotencyKey", message), None);
                    audit().close(&written);
                    return written;
                }
            },
        };
        running.await
    }
}

impl Inner {
    /// The source of an order and the change in its words; or why it cannot be carried out. Makes no call.
    fn accept<C: Change>(
        &self,
        cx: &Cx,
        order: &WriteOrder<C>,
    ) -> Result<(Arc<dyn Source>, LeadEdit), WriteError> {
        if !cx.caller.may(Scope::LeadsWrite) {
            let message = "You may not change leads: the scope `leads:write` is missing.";
            return Err(WriteError::new(WriteErrorCode::Forbidden, None, message));
        }
        let Some(source) = self.registry.seen_by(&cx.caller).get(&order.lead.source) else {
            return Err(absent());
        };
        let Some(verb) = C::verb(&*source) else {
            let message = "The vendor of this lead has no such write.";
            return Err(WriteError::new(WriteErrorCode::Unsupported, "id", message));
        };
        if !self.settings.writable.holds(source.id()) {
            let message = "Writes are off for this source. Whoever runs the gateway turns them on with `writes = true` in \
                the source's configuration.";
            return Err(WriteError::new(WriteErrorCode::Forbidden, "id", message));
        }
        order.change.check()?;
        if let Some(key) = &order.idempotency_key
            && !((1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            let message = "`idempotencyKey` must have 1 to 128 visible ASCII characters, such as a UUID.";
            return Err(invalid("idempotencyKey", message));
        }
        let edit = verb.edit_dyn(&order.change).map_err(|misfit| invalid(misfit.field, misfit.message))?;
        Ok((source, edit))
    }
}

/// One order, being carried out.
struct Job<C> {
    inner: Arc<Inner>,
    source: Arc<dyn Source>,
    cx: Cx,
    order: WriteOrder<C>,
    edit: LeadEdit,
}

impl<C: Change> Job<C> {
    async fn run(self, mut audit: Audit) -> Written {
        let verified = &mut false;
        let written = match timeout_at(self.cx.deadline, self.inner.writes.turn(&self.order.lead)).await {
            Ok(_turn) => match C::verb(&*self.source) {
                Some(verb) => self.carry_out(verb, verified).await,
                None => Written::not(absent(), None),
            },
            Err(_) => unasked(self.timeout(), None),
        };
        audit.verified_by_read = *verified;
        audit.close(&written);
        if let (Outcome::Applied, Some(lead), Some(hear)) =
            (written.outcome, &written.lead, self.inner.writes.hear.get())
        {
            hear(self.cx.now, Arc::clone(lead));
        }
        written
    }

    async fn carry_out(&self, verb: &dyn DynWrite<C>, verified: &mut bool) -> Written {
        let left = self.cx.deadline.duration_since(Instant::now());
        let early = Cx { deadline: self.cx.deadline - LOOK.min(left / 3), ..self.cx.clone() };
        let prior = match verb.prior_dyn(&early, &self.order.lead.native).await {
            Ok(Some(prior)) => prior,
            Ok(None) => return Written::not(absent(), None),
            Err(error) => return unasked(error, None),
        };
        let known = self.inner.overlay.over(prior.lead.clone());
        let lags = known != prior.lead || self.inner.writes.doubts.stand_against(&prior.lead);
        let prior = Prior { lead: known, ..prior };
        let seen = Arc::new(prior.lead.clone());
        if let Err(error) = self.unchanged(&prior.lead) {
            return Written::not(error, Some(seen));
        }
        // One more note is written as all that were just read and the new one: it would undo what that read does not show.
        let adds = matches!(self.edit.note, Some(NoteEdit::Add(_)));
        if lags && adds {
            let message = "The vendor does not show the last change of this lead yet, and a note written now could undo it, \
                so nothing was changed. Order the same again in some seconds.";
            return Written::not(WriteError::new(WriteErrorCode::SourceFailed, None, message), Some(seen));
        }
        self.forget();
        let answer = verb.write_dyn(&early, &prior, &self.edit).await;
        let written = match answer {
            Ok(Answered::Lead(lead)) if self.edit.shows(&prior.lead, &lead) => self.applied(&prior, *lead),
            Ok(Answered::Done) => self.after_done(verb, &prior).await,
            Err(WriteFailure { fate: Fate::Unknown, error }) => {
                self.look(verb, &prior, Some(error), verified).await
            }
            Err(WriteFailure { fate, error }) => return refused(fate, error, seen),
            // It says that it is done, and shows something else.
            Ok(Answered::Lead(_)) => self.look(verb, &prior, None, verified).await,
        };
        if adds && written.outcome == Outcome::Unknown {
            self.inner.writes.doubts.raise(&prior.lead, &self.edit);
        }
        // Nor is the answer held: it may be older than what a webhook has told meanwhile. The overlay keeps the write visible.
        self.forget();
        written
    }

    /// The vendor says that it is done, and no more: what the lead has become is read.
    ///
    /// Its word is documented, so it is believed where no read can be had, and where the read tells what was before. A read that is
    /// newer and shows something else, or no lead, speaks against it: then nobody knows.
    async fn after_done(&self, verb: &dyn DynWrite<C>, prior: &Prior) -> Written {
        let now = match verb.prior_dyn(&self.cx, &self.order.lead.native).await {
            Ok(None) => return unknown(Some(prior.lead.clone()), None),
            Ok(now) => now,
            Err(_) => None,
        };
        match now {
            Some(now) if self.edit.shows(&prior.lead, &now.lead) => self.applied(prior, now.lead),
            Some(now) if now.lead.updated_at > prior.lead.updated_at => unknown(Some(now.lead), None),
            // How notes are written is not documented: what is not seen is not believed.
            now if matches!(self.edit.note, Some(NoteEdit::Add(_))) => {
                unknown(Some(now.map_or_else(|| prior.lead.clone(), |now| now.lead)), None)
            }
            _ => self.applied(prior, self.edit.onto(&prior.lead)),
        }
    }

    /// Whether a doubtful write was made: the lead shows it, and has changed since it was read before.
    async fn look(
        &self,
        verb: &dyn DynWrite<C>,
        prior: &Prior,
        error: Option<SourceError>,
        verified: &mut bool,
    ) -> Written {
        let now = verb.prior_dyn(&self.cx, &self.order.lead.native).await.ok().flatten();
        let Some(now) = now else { return unknown(Some(prior.lead.clone()), error) };
        let newer = now.lead.updated_at.is_some() && now.lead.updated_at > prior.lead.updated_at;
        if newer && prior.lead.updated_at.is_some() && self.edit.shows(&prior.lead, &now.lead) {
            *verified = true;
            return self.applied(prior, now.lead);
        }
        unknown(Some(now.lead), error)
    }

    fn applied(&self, prior: &Prior, lead: Lead) -> Written {
        self.inner.overlay.note(prior.lead.clone(), self.edit.clone(), lead.clone());
        Written { outcome: Outcome::Applied, lead: Some(Arc::new(lead)), errors: Vec::new() }
    }

    /// Refuses where the lead has changed since the order says it has not.
    fn unchanged(&self, lead: &Lead) -> Result<(), WriteError> {
        let Some(since) = self.order.if_updated_at else { return Ok(()) };
        match lead.updated_at {
            Some(at) if at.as_millisecond() <= since.as_millisecond() => Ok(()),
            Some(_) => {
                let message = "The lead has changed since. Look at it as it is now, and order again with its `updatedAt`.";
                Err(WriteError::new(WriteErrorCode::Conflict, "ifUpdatedAt", message))
            }
            None => {
                let message = "The vendor does not tell when this lead changed, so this cannot be checked. Leave it out.";
                Err(invalid("ifUpdatedAt", message))
            }
        }
    }

    /// What is known of the lead, and the lists it stands in, are from before.
    fn forget(&self) {
        self.inner.cache.forget(Name::Record(&self.order.lead.source, &self.order.lead.native));
        self.inner.cache.forget(Name::lists(&self.order.lead.source, EntityKind::Lead));
    }

    fn timeout(&self) -> SourceError {
        SourceError::new(self.source.id(), "leads.update", SourceErrorKind::Timeout)
    }
}

fn absent() -> WriteError {
    let message = "There is no such lead.";
    WriteError::new(WriteErrorCode::NotFound, "id", message)
}

fn unasked(error: SourceError, lead: Option<Arc<Lead>>) -> Written {
    let message =
        "The vendor could not be asked, so nothing was changed. It is safe to order the same again.";
    Written::not(WriteError::of(WriteErrorCode::SourceFailed, message, error), lead)
}

/// What did not happen, and why.
fn refused(fate: Fate, error: SourceError, lead: Arc<Lead>) -> Written {
    match fate {
        Fate::Absent => Written::not(absent(), None),
        Fate::Invalid => {
            let message = "The vendor refuses these values; nothing was changed.";
            Written::not(WriteError::of(WriteErrorCode::Invalid, message, error), Some(lead))
        }
        Fate::Refused => {
            let message = "The vendor refused the write, so nothing was changed.";
            Written::not(WriteError::of(WriteErrorCode::SourceFailed, message, error), Some(lead))
        }
        Fate::Unsent | Fate::Unknown => unasked(error, Some(lead)),
    }
}

/// Nobody knows.
fn unknown(lead: Option<Lead>, error: Option<SourceError>) -> Written {
    let message = "The vendor may have made the change and may not have: its answer does not settle it, nor does a look at \
        the lead. Read the lead before you order again.";
    let error =
        WriteError { source: error, ..WriteError::new(WriteErrorCode::OutcomeUnknown, None, message) };
    Written { outcome: Outcome::Unknown, lead: lead.map(Arc::new), errors: vec![error] }
}
