//! Changing a lead (L3) and deciding about it (L4).
//!
//! Its answers hold no lead (LEADSAIL-32), so what a lead has become is read anew. Notes are replaced as a whole, as far as is
//! known: one more is written as all that were just read, word for word, and the new one.

use http::Method;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::super::lenient::members;
use super::normalize::{status, status_word};
use super::{LeadSail, kit};
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::NativeId;
use crate::model::lead::LeadStatus;
use crate::model::text::Json;
use crate::model::write::{
    Answered, Decision, Fate, LeadEdit, LeadReview, LeadUpdate, Misfit, NoteEdit, Prior, WriteFailure,
};
use crate::source::Write;
use crate::upstream::call::Path;

const UPDATE: &str = "leads.update";
const REVIEW: &str = "leads.review";

const WORDS: &str = "new, pending, processing, qualified, disqualified, missing_data, queued, pending_action, no_answer, \
    voicemail, contacted, scheduled_callback, no_contact, pending_signature, document_sent, signed, delivered, accepted, \
    duplicate, failed, error, rejected, dnc";

impl Write<LeadUpdate> for LeadSail {
    fn edit(&self, change: &LeadUpdate) -> Result<LeadEdit, Misfit> {
        let word = match (change.status, change.vendor_status.as_deref()) {
            // Never one of several words by guessing (LEADSAIL-14).
            (Some(group), _) => Some(status_word(group).map(str::to_owned).ok_or_else(|| Misfit {
                field: "status",
                message: format!(
                    "This vendor has no single status for that. NEW, CONTACTED, UNREACHABLE and DO_NOT_CONTACT are single \
                     ones; for all others give `vendorStatus`: {WORDS}."
                ),
            })?),
            (None, Some(word)) if word == word.to_ascii_lowercase() && status(word) != LeadStatus::Unknown => {
                Some(word.to_owned())
            }
            (None, Some(_)) => {
                let message = format!("This vendor's statuses are {WORDS}.");
                return Err(Misfit { field: "vendorStatus", message });
            }
            (None, None) => None,
        };
        let status = word.map(|word| {
            let group = status(&word);
            (word, group)
        });
        Ok(LeadEdit { status, note: change.notes.clone().map(NoteEdit::Add), approval: None })
    }

    async fn prior(&self, cx: &Cx, id: &NativeId) -> Result<Option<Prior>, SourceError> {
        let detail = self.detail(cx, id).await?;
        Ok(detail
            .map(|(lead, object)| Prior { lead, own: notes(&object).map(|raw| Json::from_valid(raw.get())) }))
    }

    async fn write(&self, cx: &Cx, prior: &Prior, edit: &LeadEdit) -> Result<Answered, WriteFailure> {
        let mut body = Map::new();
        if let Some((word, _)) = &edit.status {
            body.insert("status".to_owned(), word.as_str().into());
        }
        if let Some(NoteEdit::Add(text) | NoteEdit::Replace(text)) = &edit.note {
            let notes = with(prior.own.as_ref(), text).ok_or_else(|| WriteFailure {
                error: SourceError::new(&self.id, UPDATE, SourceErrorKind::Protocol),
                fate: Fate::Unsent,
            })?;
            body.insert("notes".to_owned(), notes);
        }
        self.put(cx, UPDATE, Method::PATCH, prior, &[], &body.into()).await
    }
}

impl Write<LeadReview> for LeadSail {
    fn edit(&self, change: &LeadReview) -> Result<LeadEdit, Misfit> {
        let (word, status) = match change.decision {
            Decision::Approve => ("approved", None),
            // A rejection also sets the status (LEADSAIL-32).
            Decision::Reject => ("rejected", Some(("rejected".to_owned(), LeadStatus::Disqualified))),
            Decision::Reset => ("pending", None),
        };
        Ok(LeadEdit { status, note: None, approval: Some((word.to_owned(), change.reason.clone())) })
    }

    async fn prior(&self, cx: &Cx, id: &NativeId) -> Result<Option<Prior>, SourceError> {
        Ok(self.detail(cx, id).await?.map(|(lead, _)| Prior { lead, own: None }))
    }

    async fn write(&self, cx: &Cx, prior: &Prior, edit: &LeadEdit) -> Result<Answered, WriteFailure> {
        let mut body = Map::new();
        if let Some((word, reason)) = &edit.approval {
            body.insert("status".to_owned(), word.as_str().into());
            body.extend(reason.as_ref().map(|reason| ("reason".to_owned(), reason.as_str().into())));
        }
        self.put(cx, REVIEW, Method::POST, prior, &["approve"], &body.into()).await
    }
}

impl LeadSail {
    async fn put(
        &self,
        cx: &Cx,
        op: &'static str,
        method: Method,
        prior: &Prior,
        below: &[&'static str],
        body: &Value,
    ) -> Result<Answered, WriteFailure> {
        // It was just read by this id.
        let path = Path::new(&["leads"]).id(op, prior.lead.key.native.as_str());
        let path = path.map_err(|error| kit::unclear(&self.id, error))?.then(below);
        let sent = self.client.write(kit::write(cx, op, method, path, body)).await;
        sent.map(|_| Answered::Done).map_err(|failed| kit::unwritten(&self.id, failed))
    }
}

/// The notes of a lead's object, as they were sent.
fn notes(lead: &RawValue) -> Option<&RawValue> {
    members(lead)?.into_iter().find(|(name, _)| name == "notes").map(|(_, notes)| notes)
}

/// All notes there were, and one more. One plain text where a list should be (LEADSAIL-16) becomes the first of the list. `None`
/// where they are something else, which must not be lost.
fn with(notes: Option<&Json>, text: &str) -> Option<Value> {
    let notes = notes.map_or(Ok(Value::Null), |notes| serde_json::from_str(notes.as_str()));
    let mut notes = match notes.ok()? {
        Value::Array(notes) => notes,
        Value::String(words) if words.trim().is_empty() => Vec::new(),
        Value::String(words) => vec![json!({"text": words})],
        Value::Null => Vec::new(),
        _ => return None,
    };
    notes.push(json!({"text": text}));
    Some(notes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_note_never_takes_the_place_of_what_is_not_understood() {
        let with = |notes: &str| with(Some(&Json::from_valid(notes)), "b");
        assert_eq!(with("null"), Some(json!([{"text": "b"}])));
        assert_eq!(with("\"a\""), Some(json!([{"text": "a"}, {"text": "b"}])));
        assert_eq!(with("[7]"), Some(json!([7, {"text": "b"}])));
        assert_eq!(with("{\"text\": \"a\"}"), None);
        assert_eq!(with("7"), None);
    }
}
