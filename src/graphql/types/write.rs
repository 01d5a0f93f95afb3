//! What came of a change of a lead.

use std::sync::Arc;

use async_graphql::{Enum, Object, SimpleObject};

use super::lead::Lead;
use crate::gather::write::{self, WriteError, Written};
use crate::graphql::error::source_message;
use crate::graphql::mask::Shown;
use crate::graphql::state::State;
use crate::model::caller::Caller;
use crate::model::lead as model;

/// What came of a change of a lead, and the lead as it is since.
pub(in crate::graphql) struct UpdateLeadPayload {
    client_mutation_id: Option<String>,
    outcome: write::Outcome,
    lead: Option<Arc<model::Lead>>,
    caller: Caller,
    errors: Vec<WriteError>,
}

impl UpdateLeadPayload {
    pub(in crate::graphql) fn new(
        state: &State,
        client_mutation_id: Option<String>,
        written: Written,
    ) -> Self {
        let Written { outcome, lead, errors } = written;
        Self { client_mutation_id, outcome, lead, caller: state.cx.caller.clone(), errors }
    }
}

/// What came of a change of a lead. What the client can do something about is in `userErrors`, never in `errors`.
#[Object]
impl UpdateLeadPayload {
    /// As it was given.
    async fn client_mutation_id(&self) -> Option<&str> {
        self.client_mutation_id.as_deref()
    }

    /// Whether the vendor has made the change.
    async fn outcome(&self) -> WriteOutcome {
        self.outcome.into()
    }

    /// The lead as it is after the write, or as it was last seen; null where it was not read, or does not exist.
    async fn lead(&self) -> Option<Lead> {
        self.lead.clone().map(|lead| Lead::new(Shown::to(&self.caller, lead)))
    }

    /// Why the change was not made, or why that is not known. Empty where it was made.
    async fn user_errors(&self) -> Vec<UserError> {
        self.errors.iter().map(UserError::from).collect()
    }
}

/// Whether a vendor has made a change.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "write::Outcome")]
pub(in crate::graphql) enum WriteOutcome {
    /// It has: its answer or a read of the lead shows it, or it says so and no newer read denies it.
    Applied,
    /// It has not, and will not: nothing was sent, or the vendor refused it.
    NotApplied,
    /// It may have: neither its answer nor a read of the lead settles it. The gateway never sends a write
    /// twice; read the lead before you order it again.
    Unknown,
}

/// Something wrong with a change that was asked for, or with what came of it.
#[derive(SimpleObject)]
pub(in crate::graphql) struct UserError {
    /// For programs.
    code: UserErrorCode,
    /// For people: what is wrong, and what to do.
    message: String,
    /// Where the fault is: `["input", "status"]`; `["input"]` where it is no single member's.
    path: Vec<&'static str>,
}

impl From<&WriteError> for UserError {
    fn from(error: &WriteError) -> Self {
        let reason = error.source.as_ref().map(|source| source_message(source.kind));
        let message =
            reason.map_or_else(|| error.message.clone(), |reason| format!("{} {reason}", error.message));
        let path = std::iter::once("input").chain(error.field).collect();
        Self { code: error.code.into(), message, path }
    }
}

/// What is wrong with a change.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "write::WriteErrorCode")]
pub(in crate::graphql) enum UserErrorCode {
    /// The vendor has no such write. It was not asked.
    #[graphql(name = "UNSUPPORTED_BY_SOURCE")]
    Unsupported,
    /// The lead has changed since `ifUpdatedAt`. `lead` is as it is now.
    Conflict,
    /// A value that cannot be.
    Invalid,
    /// You may not change leads, or the source takes no writes.
    Forbidden,
    /// There is no such lead.
    NotFound,
    /// The vendor could not be asked, or refused; nothing was changed.
    SourceFailed,
    /// The vendor may have made the change.
    OutcomeUnknown,
}
