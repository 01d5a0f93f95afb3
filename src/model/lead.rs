//! A lead, after normalization.

use jiff::Timestamp;

use super::id::{Key, NativeId, Vendor};
use super::text::Json;

/// A person who may buy, as one source knows them. Absent values are `None`, never empty text.
#[derive(Clone, Debug, PartialEq)]
pub struct Lead {
    /// Which source, and the vendor's id.
    pub key: Key,
    /// The vendor of the source.
    pub vendor: Vendor,
    /// One unsplit name.
    pub name: Option<String>,
    /// Given name, only where the vendor keeps it apart.
    pub first_name: Option<String>,
    /// Family name, only where the vendor keeps it apart.
    pub last_name: Option<String>,
    /// As received.
    pub email: Option<String>,
    /// As received.
    pub phone: Option<String>,
    /// Only where it is certain (`text::e164`).
    pub phone_e164: Option<String>,
    /// The unified group; `None` where the vendor keeps no status at all.
    pub status: Option<LeadStatus>,
    /// The vendor's own word.
    pub vendor_status: Option<String>,
    /// The vendor's words about the status.
    pub status_detail: Option<String>,
    /// Notes, in the vendor's order.
    pub notes: Vec<LeadNote>,
    /// Fields that the customer defined, in the vendor's order.
    pub custom_fields: Vec<CustomField>,
    /// The page on which the lead was captured.
    pub page_url: Option<String>,
    /// The campaign it belongs to. Boxed, as most leads have none and very many are held.
    pub campaign: Option<Box<Campaign>>,
    /// The review of the lead. Boxed as well.
    pub approval: Option<Box<Approval>>,
    /// Where it came from, without network address and user agent.
    pub attribution: Option<Json>,
    /// Made for a test.
    pub is_test: Option<bool>,
    /// Must not be contacted.
    pub do_not_contact: Option<bool>,
    /// When it was created, in whole milliseconds. Leads without it sort last.
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
    /// When something last happened with it.
    pub last_activity_at: Option<Timestamp>,
    /// The vendor's id of the conversation in which it was captured.
    pub conversation: Option<NativeId>,
    /// The list item held no more than its id (and perhaps its times): the rest must be read by id.
    pub sparse: bool,
    /// The vendor's own object, secrets removed.
    pub raw: Option<Json>,
}

impl Lead {
    /// A lead of which nothing but its key is known.
    #[must_use]
    pub fn bare(key: Key, vendor: Vendor) -> Self {
        Self {
            key,
            vendor,
            name: None,
            first_name: None,
            last_name: None,
            email: None,
            phone: None,
            phone_e164: None,
            status: None,
            vendor_status: None,
            status_detail: None,
            notes: Vec::new(),
            custom_fields: Vec::new(),
            page_url: None,
            campaign: None,
            approval: None,
            attribution: None,
            is_test: None,
            do_not_contact: None,
            created_at: None,
            updated_at: None,
            last_activity_at: None,
            conversation: None,
            sparse: false,
            raw: None,
        }
    }
}

/// The unified status groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LeadStatus {
    /// Nobody has dealt with it yet.
    New,
    /// Being worked on, or waiting.
    InProgress,
    /// Reached, unresolved.
    Contacted,
    /// A real opportunity.
    Qualified,
    /// Handed over to the buyer.
    Delivered,
    /// Not a fit.
    Disqualified,
    /// All attempts used up.
    Unreachable,
    /// Asked not to be contacted.
    DoNotContact,
    /// Could not be processed or delivered.
    Failed,
    /// A vendor's word that is not mapped.
    Unknown,
}

/// A note on a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadNote {
    /// Unique within the lead.
    pub id: String,
    /// The note.
    pub text: String,
    /// When it was written.
    pub created_at: Option<Timestamp>,
    /// The vendor's id or name of its author.
    pub author: Option<String>,
}

/// A field that the customer defined at the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomField {
    /// Its key.
    pub key: String,
    /// What people call it.
    pub label: Option<String>,
    /// Any JSON; `None` where the vendor sent null.
    pub value: Option<Json>,
}

/// A campaign, as far as a lead tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// The vendor's id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// The buyer's name.
    pub client: Option<String>,
    /// The offer's name.
    pub offer: Option<String>,
}

/// The review of a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The vendor's word: pending, approved, rejected.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// By whom.
    pub decided_by: Option<String>,
}
