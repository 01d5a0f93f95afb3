//! Vendors tell us of our own writes, too: by webhook, or when they are looked at. What was told already is not told again.

use std::time::Duration;

use crate::model::lead::Lead;

/// How long after one of our own writes a vendor's word of it is an echo.
pub(super) const ECHO: Duration = Duration::from_secs(60);

/// Whether two leads say the same to whoever follows them: all but when and by whom it was written, which one of two ways to a
/// lead may tell and the other not.
pub(super) fn alike(one: &Lead, other: &Lead) -> bool {
    told(one) == told(other)
}

fn told(lead: &Lead) -> Lead {
    let mut lead = Lead { updated_at: None, last_activity_at: None, raw: None, ..lead.clone() };
    for note in &mut lead.notes {
        note.id.clear();
        (note.created_at, note.author) = (None, None);
    }
    if let Some(approval) = &mut lead.approval {
        (approval.decided_at, approval.decided_by) = (None, None);
    }
    lead
}
