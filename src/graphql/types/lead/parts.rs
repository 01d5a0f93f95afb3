//! What a lead is made of.

use async_graphql::{Enum, ID, SimpleObject};

use crate::graphql::error::ClientError;
use crate::graphql::scalars::json::Json;
use crate::graphql::scalars::time::{DateTime, at};
use crate::model::id::SourceId;
use crate::model::lead as model;

/// How far a lead has come, in groups that all vendors' words are mapped to. The word itself is in `Lead.vendorStatus`.
#[derive(Clone, Copy, PartialEq, Eq, Enum, Debug)]
#[graphql(remote = "model::LeadStatus")]
pub(in crate::graphql) enum LeadStatus {
    /// Nobody has dealt with it yet.
    New,
    /// It is being worked on, or waits for something.
    InProgress,
    /// The person was reached; nothing is settled.
    Contacted,
    /// A real opportunity.
    Qualified,
    /// Handed over to its buyer.
    Delivered,
    /// Not a fit.
    Disqualified,
    /// The person could not be reached, and nobody tries any longer.
    Unreachable,
    /// The person asked not to be contacted.
    DoNotContact,
    /// It could not be processed or delivered.
    Failed,
    /// The vendor's word is not mapped. As a filter it also matches leads of vendors that keep no status.
    Unknown,
}

/// A note on a lead.
#[derive(SimpleObject)]
pub(in crate::graphql) struct LeadNote {
    /// Names the note for caches; it cannot be passed to `node`.
    id: ID,
    /// The note. Masked without the scope `pii:read`, as `***`.
    text: String,
    /// When it was written; null where the vendor does not tell.
    created_at: Option<DateTime>,
    /// The vendor's id or name of who wrote it; null where the vendor does not tell. Masked without the scope
    /// `pii:read`, as `***`.
    author: Option<String>,
}

impl LeadNote {
    /// A note of the lead with the global id `owner`. The vendor's id of a note is unique only within its lead, while
    /// clients' caches take ids for unique everywhere.
    pub(super) fn new(owner: &ID, note: &model::LeadNote) -> Self {
        Self {
            id: ID(format!("{}#{}", owner.as_str(), note.id)),
            text: note.text.clone(),
            created_at: at(note.created_at),
            author: note.author.clone(),
        }
    }
}

/// A field that the customer defined at the vendor.
#[derive(SimpleObject)]
pub(in crate::graphql) struct CustomField {
    /// Its key, unchanging as long as the customer does not change it.
    key: String,
    /// What people call it; null where the vendor keeps only a key.
    label: Option<String>,
    /// Its value, of any type; null where it is empty. Masked without the scope `pii:read`, as `"***"`.
    value: Option<Result<Json, ClientError>>,
}

impl CustomField {
    /// A field of a lead of `source`.
    pub(super) fn new(source: &SourceId, field: &model::CustomField) -> Self {
        Self {
            key: field.key.clone(),
            label: field.label.clone(),
            value: field.value.as_ref().map(|value| Json::parse_text(source, value)),
        }
    }
}

/// A campaign, as far as a lead tells of it.
#[derive(SimpleObject)]
pub(in crate::graphql) struct Campaign {
    /// The vendor's id of the campaign.
    id: String,
    /// Its name.
    name: Option<String>,
    /// The name of the buyer of its leads.
    client: Option<String>,
    /// The name of what is offered.
    offer: Option<String>,
}

impl From<&model::Campaign> for Campaign {
    fn from(campaign: &model::Campaign) -> Self {
        let model::Campaign { id, name, client, offer } = campaign.clone();
        Self { id, name, client, offer }
    }
}

/// The review of a lead by its buyer.
#[derive(SimpleObject)]
pub(in crate::graphql) struct Approval {
    /// The vendor's word, such as `pending`, `approved` or `rejected`.
    status: String,
    /// Why; null where no reason was given. Masked without the scope `pii:read`, as `***`.
    reason: Option<String>,
    /// When it was decided; null where it was not yet.
    decided_at: Option<DateTime>,
    /// Who decided, by the vendor's id or name. Masked without the scope `pii:read`, as `***`.
    decided_by: Option<String>,
}

impl From<&model::Approval> for Approval {
    fn from(approval: &model::Approval) -> Self {
        let model::Approval { status, reason, decided_at, decided_by } = approval.clone();
        Self { status, reason, decided_at: at(decided_at), decided_by }
    }
}
