//! Leads, as details and as list items.

use serde_json::value::RawValue;

use super::{key, text};
use crate::model::id::{SourceId, Vendor};
use crate::model::lead::{Approval, Campaign, CustomField, Lead, LeadNote, LeadStatus};
use crate::model::text::{Json, e164, present};
use crate::vendors::leadsail::lenient::{Entries, ListOrMap, OneOrMany, object};
use crate::vendors::leadsail::redact::redacted;
use crate::vendors::leadsail::wire;
use crate::vendors::moment;

/// A lead of a row and the row's own text. `None` where the row has no id.
///
/// It is `sparse` where the row has no status, or no member for a name, an e-mail or a phone at all: then it is taken for a
/// list item cut short, and a read by id has the rest. Where such members are there but empty, the person gave nothing. A
/// detail is never sparse, whatever it lacks: its reader says so (LEADSAIL-9).
pub(in crate::vendors::leadsail) fn lead(
    source: &SourceId,
    wire: wire::Lead,
    raw: &RawValue,
) -> Option<Lead> {
    let mut lead = Lead::bare(key(source, &wire.lead_id)?, Vendor::LeadSail);
    lead.first_name = text(wire.first_name.as_ref());
    lead.last_name = text(wire.last_name.as_ref());
    lead.name = match (&lead.first_name, &lead.last_name) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (one, other) => one.clone().or_else(|| other.clone()),
    };
    lead.email = text(wire.email.as_ref());
    lead.phone = text(wire.phone.as_ref());
    // Never with the help of `country`: it has a default that nobody chose (LEADSAIL-17, LEADSAIL-19).
    lead.phone_e164 = lead.phone.as_deref().and_then(e164);
    lead.vendor_status = text(wire.status.as_ref());
    lead.status = lead.vendor_status.as_deref().map(status);
    lead.status_detail = text(wire.detail.as_ref());
    let nobody = lead.name.is_none() && lead.email.is_none() && lead.phone.is_none();
    lead.sparse = lead.status.is_none() || (nobody && !tells_who(raw));
    lead.notes = wire.notes.map(notes).unwrap_or_default();
    lead.custom_fields = custom_fields(wire.custom_fields, wire.questionnaire);
    lead.campaign = wire.campaign.as_ref().and_then(campaign).map(Box::new);
    lead.approval = wire.approval.as_ref().and_then(approval).map(Box::new);
    if let Some(attribution) = &wire.attribution {
        let known: Option<wire::Attribution> = object(attribution);
        lead.page_url = known.and_then(|known| text(known.capture_url.as_ref()));
        lead.attribution = redacted(attribution); // LEADSAIL-20
    }
    lead.is_test = wire.flags.as_ref().and_then(|flags| flags.is_test.as_ref()?.as_bool());
    lead.do_not_contact = wire.flags.as_ref().and_then(|flags| flags.is_dnc.as_ref()?.as_bool());
    lead.last_activity_at = wire.last_activity_at.0;
    // The next best time, where there is no creation (LEADSAIL-18).
    lead.created_at = wire
        .created_at
        .0
        .or_else(|| wire.latest_submitted_at.as_deref().and_then(moment::at))
        .or(lead.last_activity_at);
    lead.updated_at = wire.updated_at.0;
    lead.raw = redacted(raw);
    Some(lead)
}

/// Whether a row has members that say who the lead is, be they empty.
fn tells_who(raw: &RawValue) -> bool {
    let who = ["firstName", "lastName", "email", "phone"];
    object(raw).is_some_and(|Entries(members)| members.iter().any(|(name, _)| who.contains(&&**name)))
}

/// The group of a status: 23 words, and the set is open (LEADSAIL-14).
pub(in crate::vendors::leadsail) fn status(word: &str) -> LeadStatus {
    match word.to_ascii_lowercase().as_str() {
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
fn notes(notes: OneOrMany) -> Vec<LeadNote> {
    let plain = |id: String, words: &str| {
        let words = present(words)?.to_owned();
        Some(LeadNote { id, text: words, created_at: None, author: None })
    };
    let rows = match notes {
        OneOrMany::One(words) => return plain("notes".to_owned(), &words).into_iter().collect(),
        OneOrMany::Many(rows) => rows,
    };
    let note = |(index, row): (usize, Box<RawValue>)| {
        if let Ok(words) = serde_json::from_str::<String>(row.get()) {
            return plain(format!("notes#{index}"), &words);
        }
        let note: wire::Note = object(&row)?;
        Some(LeadNote {
            id: text(note.id.as_ref()).unwrap_or_else(|| format!("notes#{index}")),
            text: present(note.text.as_str())?.to_owned(),
            created_at: note.created_at.0,
            author: text(note.created_by.as_ref()),
        })
    };
    let mut notes: Vec<_> = rows.into_iter().enumerate().filter_map(note).collect();
    // One is usual, and a list that is collected has room for four.
    notes.shrink_to_fit();
    notes
}

/// Custom fields first, then the answers of the questionnaire, each in the vendor's order.
fn custom_fields(own: Option<Entries>, questionnaire: Option<ListOrMap>) -> Vec<CustomField> {
    let own = own.map(|Entries(entries)| entries).unwrap_or_default();
    let own = own.into_iter().map(|(key, value)| CustomField { key, label: None, value: json(&value) });
    let asked: Vec<CustomField> = match questionnaire {
        None => Vec::new(),
        Some(ListOrMap::List(rows)) => rows.iter().filter_map(|row| answer(None, row)).collect(),
        Some(ListOrMap::Map(entries)) => {
            entries.iter().filter_map(|(key, row)| answer(Some(key), row)).collect()
        }
    };
    own.chain(asked).collect()
}

/// An answer: an object with its question beside it, or (under its key) the bare value (LEADSAIL-17).
fn answer(key: Option<&str>, row: &RawValue) -> Option<CustomField> {
    let whole: Option<wire::Answer> = object(row);
    let whole = whole.filter(|whole| whole.question.is_some() || whole.answer.is_some());
    match (key, whole) {
        (key, Some(whole)) => {
            let label = text(whole.question.as_ref());
            let key =
                key.map(str::to_owned).or_else(|| text(whole.key.as_ref())).or_else(|| label.clone())?;
            Some(CustomField { key, label, value: whole.answer.as_deref().and_then(json) })
        }
        (Some(key), None) => Some(CustomField { key: key.to_owned(), label: None, value: json(row) }),
        (None, None) => None,
    }
}

fn json(raw: &RawValue) -> Option<Json> {
    (raw.get() != "null").then(|| Json::from_valid(raw.get()))
}

fn campaign(wire: &wire::Campaign) -> Option<Campaign> {
    Some(Campaign {
        id: text(Some(&wire.campaign_id))?, // LEADSAIL-15
        name: text(wire.name.as_ref()),
        client: text(wire.client_name.as_ref()),
        offer: text(wire.offer_name.as_ref()),
    })
}

fn approval(wire: &wire::Approval) -> Option<Approval> {
    Some(Approval {
        status: text(Some(&wire.status))?,
        reason: text(wire.reason.as_ref()),
        decided_at: wire.decided_at.0,
        decided_by: text(wire.decided_by.as_ref()),
    })
}
