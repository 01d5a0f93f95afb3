//! Changing a lead: its status and its note, nothing else (SPELO-29).

use http::Method;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::{kit, lenient};
use super::calls::path;
use super::leads::{COLLECTION, STATUS, word};
use super::wire::One;
use super::{Spelo, normalize};
use crate::model::cx::Cx;
use crate::model::failure::SourceError;
use crate::model::id::NativeId;
use crate::model::lead::Lead;
use crate::model::write::{Answered, LeadEdit, LeadUpdate, Misfit, NoteEdit, Prior, WriteFailure};
use crate::source::{Read, Write};
use crate::upstream::failure::{Kind, UpstreamError};

const UPDATE: &str = "leads.update";

impl Write<LeadUpdate> for Spelo {
    fn edit(&self, change: &LeadUpdate) -> Result<LeadEdit, Misfit> {
        let given = match (change.status, change.vendor_status.as_deref()) {
            (Some(status), _) => Some(("status", word(status))),
            (None, Some(given)) => {
                let known = STATUS.iter().filter_map(|status| word(*status));
                Some(("vendorStatus", known.into_iter().find(|word| *word == given)))
            }
            (None, None) => None,
        };
        let status = given.map(|(field, word)| {
            let words =
                "new (NEW), contacted (CONTACTED), qualified (QUALIFIED), disqualified (DISQUALIFIED)";
            let message = || format!("This vendor has four statuses: {words}.");
            word.ok_or_else(|| Misfit { field, message: message() })
        });
        let status = status.transpose()?.map(|word| (word.to_owned(), normalize::status(Some(word))));
        Ok(LeadEdit { status, note: change.notes.clone().map(NoteEdit::Replace), approval: None })
    }

    async fn prior(&self, cx: &Cx, id: &NativeId) -> Result<Option<Prior>, SourceError> {
        let lead = Read::<Lead>::get(self, cx, id).await?;
        Ok(lead.map(|lead| Prior { lead, own: None }))
    }

    async fn write(&self, cx: &Cx, prior: &Prior, edit: &LeadEdit) -> Result<Answered, WriteFailure> {
        let unclear = |error| kit::unclear(&self.id, error);
        let id = prior.lead.key.native.as_str();
        // It was just read by this id.
        let path = path(COLLECTION).id(UPDATE, id).map_err(unclear)?;
        let call = kit::write(cx, UPDATE, Method::PATCH, path, body(edit).to_string());
        let reply = self.client.write(call).await.map_err(|failed| kit::unwritten(&self.id, failed))?;
        self.answered(id, &reply.body).map_err(unclear)
    }
}

fn body(edit: &LeadEdit) -> Value {
    let mut body = Map::new();
    if let Some((word, _)) = &edit.status {
        body.insert("status".to_owned(), word.as_str().into());
    }
    if let Some(NoteEdit::Replace(text) | NoteEdit::Add(text)) = &edit.note {
        body.insert("notes".to_owned(), text.as_str().into());
    }
    body.into()
}

impl Spelo {
    /// SPELO-29: the lead in an envelope, or bare, or nothing at all.
    fn answered(&self, id: &str, body: &[u8]) -> Result<Answered, UpstreamError> {
        if body.trim_ascii().is_empty() {
            return Ok(Answered::Done);
        }
        let lead = |raw: &RawValue| {
            normalize::lead(&self.id, lenient::object(raw)?, raw)
                .filter(|lead| lead.key.native.as_str() == id)
        };
        // A bare lead has `data` of its own (SPELO-17).
        let raw: &RawValue = kit::decode(UPDATE, body)?;
        let found = match lead(raw) {
            Some(bare) => Some(bare),
            None => lead(&kit::decode::<One>(UPDATE, body)?.data),
        };
        found
            .map(|lead| Answered::Lead(Box::new(lead)))
            .ok_or_else(|| UpstreamError::new(UPDATE, Kind::Protocol))
    }
}
