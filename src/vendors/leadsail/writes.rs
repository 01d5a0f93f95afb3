//! Changing a lead (L3) and deciding about it (L4).
//!
//! Its answers hold no lead (LEADSAIL-32), so what a lead has become is read anew. Notes are replaced as a whole, as far as is
//! known: one more is written as all that were just read, word for word, and the new one.

use std::collections::HashMap;

use http::Method;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::super::lenient::{elements, members, string};
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
        let status = edit.status.as_ref().map(|(word, _)| word.as_str());
        let lost = || WriteFailure {
            error: SourceError::new(&self.id, UPDATE, SourceErrorKind::Protocol),
            fate: Fate::Unsent,
        };
        let notes = match &edit.note {
            Some(NoteEdit::Add(text) | NoteEdit::Replace(text)) => {
                Some(with(prior.own.as_ref(), text).ok_or_else(lost)?)
            }
            None => None,
        };
        let body = serde_json::to_string(&Change { status, notes }).map_err(|_| lost())?;
        self.put(cx, UPDATE, Method::PATCH, prior, &[], body).await
    }
}

/// The body of an update.
#[derive(Serialize)]
struct Change<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<Box<RawValue>>,
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
        self.put(cx, REVIEW, Method::POST, prior, &["approve"], Value::from(body).to_string()).await
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
        body: String,
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

/// All notes there were, to the letter, and one more. One plain text where a list should be (LEADSAIL-16) becomes the first of the
/// list. `None` where they are something else, which must not be lost.
fn with(notes: Option<&Json>, text: &str) -> Option<Box<RawValue>> {
    let note = |text: &RawValue| to_raw_value(&HashMap::from([("text", text)])).ok();
    let notes: Option<&RawValue> = notes.and_then(|notes| serde_json::from_str(notes.as_str()).ok());
    let mut all = match notes {
        None => Vec::new(),
        Some(notes) if notes.get() == "null" => Vec::new(),
        Some(notes) => match (elements(notes), string(notes.get())) {
            (Some(notes), _) => notes.into_iter().map(RawValue::to_owned).collect(),
            (None, Some(words)) if words.trim().is_empty() => Vec::new(),
            (None, Some(_)) => vec![note(notes)?],
            (None, None) => return None,
        },
    };
    all.push(note(&to_raw_value(text).ok()?)?);
    to_raw_value(&all).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_note_never_takes_the_place_of_what_is_not_understood() {
        let with = |notes: &str| with(Some(&Json::from_valid(notes)), "b").map(|all| all.get().to_owned());
        let one = |first: &str| Some(format!(r#"[{first},{{"text":"b"}}]"#));
        assert_eq!(with("null").as_deref(), Some(r#"[{"text":"b"}]"#));
        assert_eq!(with("\" \"").as_deref(), Some(r#"[{"text":"b"}]"#));
        assert_eq!(with("\"a\""), one(r#"{"text":"a"}"#));
        assert_eq!(with("[7]"), one("7"));
        // To the letter, whatever a reading and a writing would make of it.
        for odd in
            [r#"{"text":"cut \ud83d","a": 1e999 ,"A":18446744073709551616}"#, r#"{"b":"\u0061","a":1}"#]
        {
            assert_eq!(with(&format!("[{odd}]")), one(odd));
        }
        assert_eq!(with(r#""cut \ud83d""#), one(r#"{"text":"cut \ud83d"}"#));
        assert_eq!(with("{\"text\": \"a\"}"), None);
        assert_eq!(with("7"), None);
    }
}
