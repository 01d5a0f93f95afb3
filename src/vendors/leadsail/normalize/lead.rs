//! Leads, as details and as list items.

use serde_json::value::RawValue;

use super::key;
use crate::model::id::{SourceId, Vendor};
use crate::model::lead::{Approval, Campaign, CustomField, Lead, LeadNote, LeadStatus};
use crate::model::text::e164;
use crate::vendors::leadsail::redact::{Row, hides, redacted};
use crate::vendors::leadsail::wire;
use crate::vendors::lenient::{elements, kept, lower, members, object, string};
use crate::vendors::{moment, unread};

/// A lead of a row's own text. `None` where that is no object, or has no id.
///
/// It is `sparse` where the row has no status, or no member for a name, an e-mail or a phone at all: then it is taken for a
/// list item cut short, and a read by id has the rest. Where such members are there but empty, the person gave nothing. A
/// detail is never sparse, whatever it lacks: its reader says so (LEADSAIL-9).
pub(in crate::vendors::leadsail) fn lead(source: &SourceId, raw: &RawValue) -> Option<Lead> {
    let row = Row::of(raw)?;
    let wire: wire::Lead<'_> = unread::wire(row.members())?;
    let mut lead = Lead::bare(key(source, &wire.lead_id)?, Vendor::LeadSail);
    lead.first_name = wire.first_name.kept();
    lead.last_name = wire.last_name.kept();
    lead.name = match (lead.first_name.as_deref(), lead.last_name.as_deref()) {
        (Some(first), Some(last)) => Some([first, " ", last].concat()),
        (one, other) => one.or(other).map(str::to_owned),
    };
    lead.email = wire.email.kept();
    lead.phone = wire.phone.kept();
    // Never with the help of `country`: it has a default that nobody chose (LEADSAIL-17, LEADSAIL-19).
    lead.phone_e164 = lead.phone.as_deref().and_then(e164);
    lead.vendor_status = wire.status.kept();
    lead.status = lead.vendor_status.as_deref().map(status);
    lead.status_detail = wire.detail.kept();
    let nobody = lead.name.is_none() && lead.email.is_none() && lead.phone.is_none();
    lead.sparse = lead.status.is_none() || (nobody && !tells_who(&row));
    lead.notes = wire.notes.map(notes).unwrap_or_default();
    lead.custom_fields = custom_fields(wire.custom_fields, wire.questionnaire);
    lead.campaign = wire.campaign.and_then(campaign).map(Box::new);
    lead.approval = wire.approval.and_then(approval).map(Box::new);
    if let Some(attribution) = wire.attribution {
        let known: wire::Attribution<'_> = object(attribution).unwrap_or_default();
        lead.page_url = known.capture_url.kept();
        lead.attribution = row.redacted(attribution); // LEADSAIL-20
    }
    let flags = wire.flags.unwrap_or_default();
    lead.is_test = flags.is_test.as_bool();
    lead.do_not_contact = flags.is_dnc.as_bool();
    lead.last_activity_at = wire.last_activity_at.0;
    // The next best time, where there is no creation (LEADSAIL-18).
    let submitted_at = || wire.latest_submitted_at.and_then(|raw| moment::at(raw.get()));
    lead.created_at = wire.created_at.0.or_else(submitted_at).or(lead.last_activity_at);
    lead.updated_at = wire.updated_at.0;
    lead.raw = Some(row.shown());
    Some(lead)
}

/// Whether a row has members that say who the lead is, be they empty.
fn tells_who(row: &Row<'_>) -> bool {
    let who = ["firstName", "lastName", "email", "phone"];
    row.members().any(|(name, _)| name.read().is_some_and(|name| who.contains(&&*name)))
}

/// The group of a status: 23 words, and the set is open (LEADSAIL-14).
pub(in crate::vendors::leadsail) fn status(word: &str) -> LeadStatus {
    match &*lower(word) {
        "new" => LeadStatus::New,
        "pending" | "processing" | "missing_data" | "queued" | "pending_action" | "no_answer"
        | "voicemail" | "scheduled_callback" => LeadStatus::InProgress,
        "contacted" => LeadStatus::Contacted,
        "qualified" | "pending_signature" | "document_sent" | "signed" => LeadStatus::Qualified,
        "delivered" | "accepted" => LeadStatus::Delivered,
        "disqualified" | "rejected" | "duplicate" => LeadStatus::Disqualified,
        "no_contact" => LeadStatus::Unreachable,
        "dnc" => LeadStatus::DoNotContact,
        "failed" | "error" => LeadStatus::Failed,
        _ => LeadStatus::Unknown,
    }
}

/// The one word of a group, where the group has exactly one: LeadSail filters by one word at a time (LEADSAIL-12).
pub(in crate::vendors::leadsail) fn status_word(status: LeadStatus) -> Option<&'static str> {
    match status {
        LeadStatus::New => Some("new"),
        LeadStatus::Contacted => Some("contacted"),
        LeadStatus::Unreachable => Some("no_contact"),
        LeadStatus::DoNotContact => Some("dnc"),
        LeadStatus::InProgress
        | LeadStatus::Qualified
        | LeadStatus::Delivered
        | LeadStatus::Disqualified
        | LeadStatus::Failed
        | LeadStatus::Unknown => None,
    }
}

/// Notes are a list of objects, or one plain text (LEADSAIL-16).
fn notes(notes: &RawValue) -> Vec<LeadNote> {
    let plain = |id, text: Option<String>| Some(LeadNote { id, text: text?, created_at: None, author: None });
    if let Some(words) = string(notes.get()) {
        return plain("notes".to_owned(), kept(words)).into_iter().collect();
    }
    let note = |(index, row): (usize, &RawValue)| {
        let id = || format!("notes#{index}");
        if let Some(words) = string(row.get()) {
            return plain(id(), kept(words));
        }
        let note: wire::Note<'_> = object(row)?;
        let text = note.text.kept()?;
        let id = note.id.kept().unwrap_or_else(id);
        Some(LeadNote { id, text, created_at: note.created_at.0, author: note.created_by.kept() })
    };
    let rows = elements(notes).unwrap_or_default();
    let mut notes = Vec::with_capacity(rows.len());
    notes.extend(rows.into_iter().enumerate().filter_map(note));
    notes.shrink_to_fit();
    notes
}

/// Custom fields first, then the answers of the questionnaire, each in the vendor's order, without what must not be shown
/// (LEADSAIL-20).
fn custom_fields(own: Option<&RawValue>, questionnaire: Option<&RawValue>) -> Vec<CustomField> {
    let shown = |object| {
        let mut members = members(object)?;
        members.retain(|(name, _)| !hides(name));
        Some(members)
    };
    let own = own.and_then(shown).unwrap_or_default();
    // A list of answers, or an object of them (LEADSAIL-17).
    let listed = questionnaire.and_then(elements).unwrap_or_default();
    let keyed = questionnaire.and_then(shown).unwrap_or_default();
    let mut fields = Vec::with_capacity(own.len() + listed.len() + keyed.len());
    fields.extend(own.into_iter().map(|(key, value)| CustomField {
        key,
        label: None,
        value: redacted(value),
    }));
    fields.extend(listed.into_iter().filter_map(|row| answer(None, row)));
    fields.extend(keyed.into_iter().filter_map(|(key, row)| answer(Some(key), row)));
    fields.shrink_to_fit();
    fields
}

/// An answer: an object with its question beside it, or (under its key) the bare value (LEADSAIL-17).
fn answer(key: Option<String>, row: &RawValue) -> Option<CustomField> {
    let whole: Option<wire::Answer<'_>> = object(row);
    match whole.filter(|whole| whole.question.as_str().is_some() || whole.answer.is_some()) {
        Some(whole) => {
            let label = whole.question.kept();
            let key = key.or_else(|| whole.key.kept()).or_else(|| label.clone())?;
            Some(CustomField { key, label, value: whole.answer.and_then(redacted) })
        }
        None => Some(CustomField { key: key?, label: None, value: redacted(row) }),
    }
}

fn campaign(wire: wire::Campaign<'_>) -> Option<Campaign> {
    Some(Campaign {
        id: wire.campaign_id.kept()?, // LEADSAIL-15
        name: wire.name.kept(),
        client: wire.client_name.kept(),
        offer: wire.offer_name.kept(),
    })
}

fn approval(wire: wire::Approval<'_>) -> Option<Approval> {
    Some(Approval {
        status: wire.status.kept()?,
        reason: wire.reason.kept(),
        decided_at: wire.decided_at.0,
        decided_by: wire.decided_by.kept(),
    })
}
