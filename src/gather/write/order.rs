//! What is ordered, and what came of it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::failure::SourceError;
use crate::model::id::Key;
use crate::model::lead::Lead;

/// A change of one lead.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteOrder<C> {
    /// Which lead.
    pub lead: Key,
    /// What is to become of it.
    pub change: C,
    /// Only if it has not changed since: it is read just before the write, which is as good as it gets where a vendor has no
    /// conditional writes.
    pub if_updated_at: Option<Timestamp>,
    /// Names the order: given again by the same caller, it is answered as before, for 24 hours.
    pub idempotency_key: Option<String>,
}

/// What came of an order.
#[derive(Clone, Debug)]
pub struct Written {
    /// In one word.
    pub outcome: Outcome,
    /// The lead as it is after the write, or as it was last seen.
    pub lead: Option<Arc<Lead>>,
    /// Why it was not applied, or why that is unknown.
    pub errors: Vec<WriteError>,
}

/// What came of an order, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The vendor has it.
    Applied,
    /// The vendor has not got it, and will not.
    NotApplied,
    /// The vendor may have it.
    Unknown,
}

/// Why an order was not applied, or why that is unknown.
#[derive(Clone, Debug)]
pub struct WriteError {
    /// For programs.
    pub code: WriteErrorCode,
    /// The member of the order, where it is one's fault.
    pub field: Option<&'static str>,
    /// For people: what is wrong and what to do. Never personal data.
    pub message: String,
    /// How the source failed, where it did.
    pub source: Option<SourceError>,
}

/// What is wrong with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteErrorCode {
    /// The source's vendor has no such write.
    Unsupported,
    /// The lead has changed since.
    Conflict,
    /// It cannot be.
    Invalid,
    /// The caller may not, or nobody may.
    Forbidden,
    /// There is no such lead.
    NotFound,
    /// The source failed; nothing was changed.
    SourceFailed,
    /// The source failed; whether something was changed is not known.
    OutcomeUnknown,
}

impl Written {
    /// Not applied, for this reason; the lead as it was last seen.
    pub(super) fn not(error: WriteError, lead: Option<Arc<Lead>>) -> Self {
        Self { outcome: Outcome::NotApplied, lead, errors: vec![error] }
    }

    /// Whether it may change if the same is ordered again: nothing was done, for no reason of the order's.
    pub(super) fn is_passing(&self) -> bool {
        self.outcome == Outcome::NotApplied
            && self.errors.iter().any(|error| error.code == WriteErrorCode::SourceFailed)
    }
}

impl WriteError {
    pub(super) fn new(
        code: WriteErrorCode,
        field: impl Into<Option<&'static str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { code, field: field.into(), message: message.into(), source: None }
    }

    /// The source failed; what it means is said by the code.
    pub(super) fn of(code: WriteErrorCode, message: &str, source: SourceError) -> Self {
        Self { source: Some(source), ..Self::new(code, None, message) }
    }
}
