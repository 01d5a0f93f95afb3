//! The two ways to change a lead, as far as they differ; and what no vendor has to be asked about.

use super::order::{WriteError, WriteErrorCode};
use crate::model::text::present;
use crate::model::write::{LeadReview, LeadUpdate};
use crate::source::{DynWrite, Source};

/// The most characters of a note.
const LONGEST_NOTE: usize = 10_000;
/// The most characters of a reason.
const LONGEST_REASON: usize = 1_000;
/// The most characters of a vendor's word.
const LONGEST_WORD: usize = 64;

/// A way to change a lead.
pub(in crate::gather) trait Change:
    Clone + std::fmt::Debug + Send + Sync + 'static
{
    /// Its name in the schema.
    const NAME: &'static str;

    /// The source's verb for it.
    fn verb(source: &dyn Source) -> Option<&dyn DynWrite<Self>>;

    /// The members that it changes.
    fn fields(&self) -> Vec<&'static str>;

    /// Refuses what cannot be at any vendor.
    fn check(&self) -> Result<(), WriteError>;
}

impl Change for LeadUpdate {
    const NAME: &'static str = "updateLead";

    fn verb(source: &dyn Source) -> Option<&dyn DynWrite<Self>> {
        source.lead_update()
    }

    fn fields(&self) -> Vec<&'static str> {
        let given = [
            ("status", self.status.is_some()),
            ("vendorStatus", self.vendor_status.is_some()),
            ("notes", self.notes.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(field, _)| field).collect()
    }

    fn check(&self) -> Result<(), WriteError> {
        if self.fields().is_empty() {
            let message = "There is nothing to change: give `status`, `vendorStatus` or `notes`.";
            return Err(invalid(None, message));
        }
        if self.status.is_some() && self.vendor_status.is_some() {
            let message = "Give either `status` or `vendorStatus`, not both: they say the same in two ways.";
            return Err(invalid("vendorStatus", message));
        }
        text("vendorStatus", self.vendor_status.as_deref(), LONGEST_WORD)?;
        text("notes", self.notes.as_deref(), LONGEST_NOTE)
    }
}

impl Change for LeadReview {
    const NAME: &'static str = "reviewLead";

    fn verb(source: &dyn Source) -> Option<&dyn DynWrite<Self>> {
        source.lead_review()
    }

    fn fields(&self) -> Vec<&'static str> {
        let reason = self.reason.is_some().then_some("reason");
        std::iter::once("decision").chain(reason).collect()
    }

    fn check(&self) -> Result<(), WriteError> {
        text("reason", self.reason.as_deref(), LONGEST_REASON)
    }
}

fn text(field: &'static str, text: Option<&str>, longest: usize) -> Result<(), WriteError> {
    match text {
        Some(text) if present(text).is_none() => {
            Err(invalid(field, format!("`{field}` is empty. Leave it out to leave it as it is.")))
        }
        Some(text) if text.chars().count() > longest => {
            Err(invalid(field, format!("`{field}` has more than {longest} characters.")))
        }
        // Line ends and tabs belong to notes; nothing else that cannot be seen does.
        Some(text) if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) => {
            Err(invalid(field, format!("`{field}` holds control characters.")))
        }
        _ => Ok(()),
    }
}

/// What cannot be.
pub(super) fn invalid(field: impl Into<Option<&'static str>>, message: impl Into<String>) -> WriteError {
    WriteError::new(WriteErrorCode::Invalid, field, message)
}
