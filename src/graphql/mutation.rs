//! The mutation root: what can be changed.

use async_graphql::{Context, Enum, ID, InputObject, Object};

use super::error::ClientError;
use super::scalars::id;
use super::scalars::time::DateTime;
use super::state::State;
use super::types::lead::LeadStatus;
use super::types::write::UpdateLeadPayload;
use crate::gather::write::{Outcome, WriteError, WriteErrorCode, WriteOrder, Written};
use crate::model::id::{EntityKind, Key};
use crate::model::write::{self, LeadReview, LeadUpdate};

/// The most mutations of one operation.
pub(super) const MAX_WRITES: u32 = 5;

/// The `Mutation` of the schema.
pub(super) struct Mutation;

/// What can be changed. Every change is sent to the vendor at most once, and `outcome` says truthfully what came of it.
/// At most 5 to an operation; they run one after the other. Needs the scope `leads:write`, and a source whose
/// configuration says `writes = true`.
#[Object]
impl Mutation {
    /// Changes a lead at its vendor: its status, or its notes. Costs a read, the write, and where the vendor's answer does
    /// not show what the lead has become, another read.
    async fn update_lead(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The lead, and what is to become of it.")] input: UpdateLeadInput,
    ) -> Option<Result<UpdateLeadPayload, ClientError>> {
        let write = async {
            let state = State::of(ctx)?;
            let mutation = input.client_mutation_id;
            let change = LeadUpdate {
                status: input.status.map(Into::into),
                vendor_status: input.vendor_status,
                notes: input.notes,
            };
            let written = match lead(&input.id) {
                Ok(lead) => {
                    let if_updated_at = input.if_updated_at.map(|at| at.0);
                    let idempotency_key = input.idempotency_key;
                    let order = WriteOrder { lead, change, if_updated_at, idempotency_key };
                    state.gather.update_lead(&state.cx, order).await
                }
                Err(written) => written,
            };
            Ok(UpdateLeadPayload::new(state, mutation, written))
        };
        Some(write.await)
    }

    /// Decides about a lead, where its vendor has leads reviewed: approves it for delivery, rejects it, or opens the
    /// question again. Costs a read, the write and another read.
    async fn review_lead(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The lead, and what is decided.")] input: ReviewLeadInput,
    ) -> Option<Result<UpdateLeadPayload, ClientError>> {
        let write = async {
            let state = State::of(ctx)?;
            let change = LeadReview { decision: input.decision.into(), reason: input.reason };
            let written = match lead(&input.id) {
                Ok(lead) => {
                    let idempotency_key = input.idempotency_key;
                    let order = WriteOrder { lead, change, if_updated_at: None, idempotency_key };
                    state.gather.review_lead(&state.cx, order).await
                }
                Err(written) => written,
            };
            Ok(UpdateLeadPayload::new(state, input.client_mutation_id, written))
        };
        Some(write.await)
    }
}

/// The lead of an id; what cannot be one is the client's error, and no failure of the mutation.
fn lead(given: &ID) -> Result<Key, Written> {
    id::record(given, EntityKind::Lead).map_err(|error| {
        let message = match error {
            ClientError::Input(error) => error.message,
            _ => "This is not the id of a lead.".to_owned(),
        };
        let error = WriteError { code: WriteErrorCode::Invalid, field: Some("id"), message, source: None };
        Written { outcome: Outcome::NotApplied, lead: None, errors: vec![error] }
    })
}

/// A change of a lead. At least one of `status`, `vendorStatus` and `notes` must be given; what is left out stays as it is.
#[derive(InputObject)]
pub(super) struct UpdateLeadInput {
    /// Comes back as it is.
    #[graphql(validator(max_length = 256))]
    client_mutation_id: Option<String>,
    /// The lead, by its `Lead.id`.
    pub(super) id: ID,
    /// The new status, where the vendor has exactly one word for it. Not together with `vendorStatus`.
    status: Option<LeadStatus>,
    /// The new status in the vendor's own word, as `Lead.vendorStatus` shows it.
    vendor_status: Option<String>,
    /// A note, at most 10,000 characters. It takes the place of the lead's note where the vendor keeps one, and joins its notes
    /// where it keeps many.
    notes: Option<String>,
    /// Only if the lead has not changed since this `Lead.updatedAt`; else the error is `CONFLICT`. It is read just before
    /// the write: vendors have no conditional writes, so a change in that very moment is not noticed.
    if_updated_at: Option<DateTime>,
    /// Names this change, such as a UUID made by the client: given again with the same input, it is answered as before and
    /// nothing is sent. Kept for 24 hours; with another input it is `INVALID`.
    idempotency_key: Option<String>,
}

/// A decision about a lead.
#[derive(InputObject)]
pub(super) struct ReviewLeadInput {
    /// Comes back as it is.
    #[graphql(validator(max_length = 256))]
    client_mutation_id: Option<String>,
    /// The lead, by its `Lead.id`.
    pub(super) id: ID,
    /// The decision.
    decision: ReviewDecision,
    /// Why, at most 1,000 characters.
    reason: Option<String>,
    /// As in `UpdateLeadInput`.
    idempotency_key: Option<String>,
}

/// What is decided about a lead.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "write::Decision")]
pub(super) enum ReviewDecision {
    /// It is taken, and may be delivered to its buyer.
    Approve,
    /// It is not taken. The vendor sets its status, too.
    Reject,
    /// It is to be decided anew.
    Reset,
}
