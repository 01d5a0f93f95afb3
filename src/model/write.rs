//! Changes of leads: what somebody wants, what a vendor is told, and what became of it.

use super::failure::SourceError;
use super::lead::{Approval, Lead, LeadNote, LeadStatus};
use super::text::{Json, present};

/// What is to become of a lead. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadUpdate {
    /// The unified status. Not together with `vendor_status`.
    pub status: Option<LeadStatus>,
    /// The vendor's own word for the status.
    pub vendor_status: Option<String>,
    /// A note: in place of the one there is, or beside those there are, as the vendor keeps them.
    pub notes: Option<String>,
}

/// What is decided about a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadReview {
    /// The decision.
    pub decision: Decision,
    /// Why.
    pub reason: Option<String>,
}

/// A decision about a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is taken.
    Approve,
    /// It is not.
    Reject,
    /// It is open again.
    Reset,
}

/// A change in a vendor's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadEdit {
    /// A status, and the group it belongs to.
    pub status: Option<(String, LeadStatus)>,
    /// A note.
    pub note: Option<NoteEdit>,
    /// A decision's word, and why it was taken.
    pub approval: Option<(String, Option<String>)>,
}

/// A change of notes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoteEdit {
    /// The one note becomes this.
    Replace(String),
    /// One more.
    Add(String),
}

impl LeadEdit {
    /// Whether a lead has become what was wanted, where `before` is what it was.
    #[must_use]
    pub fn shows(&self, before: &Lead, now: &Lead) -> bool {
        let same =
            |known: Option<&String>, word: &str| known.is_some_and(|known| known.eq_ignore_ascii_case(word));
        let count = |lead: &Lead, text: &str| {
            lead.notes.iter().filter(|note| Some(&*note.text) == present(text)).count()
        };
        let status = self.status.as_ref().is_none_or(|(word, _)| same(now.vendor_status.as_ref(), word));
        let note = self.note.as_ref().is_none_or(|note| match note {
            NoteEdit::Replace(text) => now.notes.len() == 1 && count(now, text) == 1,
            NoteEdit::Add(text) => count(now, text) > count(before, text),
        });
        let approval = self.approval.as_ref().is_none_or(|(word, reason)| {
            let approval = now.approval.as_ref();
            same(approval.map(|approval| &approval.status), word)
                && reason.as_deref().and_then(present).is_none_or(|reason| {
                    approval.and_then(|approval| approval.reason.as_deref()) == Some(reason)
                })
        });
        status && note && approval
    }

    /// The lead as it is once the change is made, as far as that can be known.
    #[must_use]
    pub fn onto(&self, lead: &Lead) -> Lead {
        let mut lead = lead.clone();
        if let Some((word, status)) = &self.status {
            (lead.vendor_status, lead.status) = (Some(word.clone()), Some(*status));
        }
        let written =
            |id: String, text: &str| LeadNote { id, text: text.to_owned(), created_at: None, author: None };
        match &self.note {
            Some(NoteEdit::Replace(text)) => {
                let id = lead.notes.first().map_or_else(|| "notes".to_owned(), |note| note.id.clone());
                lead.notes = present(text).map(|text| written(id, text)).into_iter().collect();
            }
            Some(NoteEdit::Add(text)) => {
                let id = format!("notes#{}", lead.notes.len());
                lead.notes.extend(present(text).map(|text| written(id, text)));
            }
            None => {}
        }
        if let Some((word, reason)) = &self.approval {
            let reason = reason.clone();
            let approval = Approval { status: word.clone(), reason, decided_at: None, decided_by: None };
            lead.approval = Some(Box::new(approval));
        }
        lead
    }
}

/// Why a change cannot be one at a vendor, whatever its lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The member of the change.
    pub field: &'static str,
    /// For people: what is wrong and what would do.
    pub message: String,
}

/// A lead as it was read just before it is changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Prior {
    /// The lead.
    pub lead: Lead,
    /// What the adapter wants to see again as it writes: as the vendor sent it, shown to nobody.
    pub own: Option<Json>,
}

/// What a vendor answered to a write that it says it has made.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    /// The lead as it is now.
    Lead(Box<Lead>),
    /// No more than that.
    Done,
}

/// A write that was not answered as it should be.
#[derive(Clone, Debug)]
pub struct WriteFailure {
    /// What happened.
    pub error: SourceError,
    /// What became of the write.
    pub fate: Fate,
}

/// What became of a write that was not answered as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was not sent.
    Unsent,
    /// The vendor knows no such record.
    Absent,
    /// The vendor refuses what the change holds.
    Invalid,
    /// The vendor refuses it for another reason.
    Refused,
    /// It may have been done.
    Unknown,
}
