//! Leads as LeadSail tells them (L2), with all that is awkward about real ones.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::answers::{not_found, success};
use super::{LEADS, Row, Tenant, buyers, later, written};
use crate::model::id::Vendor;

/// The words of the update schema, and one that nobody documents (LEADSAIL-14).
pub(super) const STATUSES: &[&str] = &[
    "new",
    "contacted",
    "qualified",
    "pending",
    "scheduled_callback",
    "no_answer",
    "delivered",
    "dnc",
    "no_contact",
    "disqualified",
    "processing",
    "missing_data",
    "queued",
    "pending_action",
    "voicemail",
    "pending_signature",
    "document_sent",
    "signed",
    "accepted",
    "duplicate",
    "failed",
    "error",
    "rejected",
    "parked_by_admin",
];

pub(super) async fn one(State(tenant): State<Tenant>, Path(id): Path<String>) -> Response {
    match tenant.find(&id) {
        Some(row) => success(&tenant.lead(&row)),
        None => not_found(),
    }
}

/// What lists filter by: enough to tell whether a lead is wanted without telling all of it.
pub(super) struct Sketch {
    pub(super) status: String,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) campaign: usize,
    pub(super) submitted: jiff::Timestamp,
}

impl Tenant {
    pub(super) fn sketch(&self, row: &Row) -> Sketch {
        let person = self.world().person(Vendor::LeadSail, LEADS, row.number);
        let mut dice = self.dice("sketch", row.number);
        // The first leads show every word once; after them new and contacted ones are many, as in life.
        let status = match row.number {
            number if number < STATUSES.len() => number,
            _ if dice.bool() => dice.usize(0..4),
            _ => dice.usize(0..STATUSES.len()),
        };
        let text = |field: &str| row.written.get(field).and_then(Value::as_str).map(str::to_owned);
        // A few came without anything to reach them by: whole, though they look cut short (LEADSAIL-9).
        let nobody = row.number % 37 == 30;
        let given = |text: &Option<String>| text.clone().filter(|_| !nobody);
        Sketch {
            status: text("status").unwrap_or_else(|| STATUSES[status].to_owned()),
            first: text("firstName").or_else(|| given(&Some(person.first.clone()))).unwrap_or_default(),
            last: text("lastName").unwrap_or_else(|| match row.number % 19 {
                _ if nobody => String::new(),
                7 => String::new(),
                11 => format!("{} 🦊 \u{202e}ٱل", person.last),
                _ => person.last.clone(),
            }),
            email: text("email").or_else(|| given(&person.email).map(|email| email.to_lowercase())),
            phone: text("phone").or_else(|| given(&person.phone).map(|phone| dialled(&phone, dice.u8(0..6)))),
            campaign: dice.usize(0..buyers::CAMPAIGNS.len()),
            submitted: later(row.created, dice.i64(1_000..3 * 86_400_000)).min(self.newest(row)),
        }
    }

    /// The latest that anything is said to have happened with a lead. Stands still, unlike the clock.
    fn newest(&self, row: &Row) -> jiff::Timestamp {
        self.world().spec().now.max(row.created)
    }

    /// The whole lead.
    pub(super) fn lead(&self, row: &Row) -> Value {
        let sketch = self.sketch(row);
        let mut dice = self.dice("lead", row.number);
        let created = written(row.created);
        let active = written(later(sketch.submitted, 60_000).min(self.newest(row)));
        let mut lead = json!({
            "leadId": row.id,
            "campaign": buyers::of_lead(sketch.campaign),
            "firstName": sketch.first, "lastName": sketch.last, "email": sketch.email, "phone": sketch.phone,
            "country": "US",
            "address": {"street": "9 Pine Rd", "unit": null, "city": "Reno", "state": "NV", "zip": "89501", "country": "US"},
            "timezone": "America/Los_Angeles", "timezoneSource": "zip",
            "notes": notes(row, &created),
            "questionnaire": questionnaire(row, &mut dice),
            "attribution": {
                "params": {"utm_source": "search"}, "captureUrl": "https://norte.example/q?step=2",
                "referrer": "", "ipAddress": "203.0.113.7", "userAgent": "Mozilla/5.0 (canary)", "adPlatform": "google",
            },
            "compliance": {"tcpaConsent": true},
            "customFields": {"homeowner": "yes", "größe_m²": dice.u32(40..400), "callback": null, "🦊": [1, {"a": ""}]},
            "status": sketch.status, "detail": if row.number % 4 == 1 { "callback requested" } else { "" },
            "flags": {"isTest": row.number % 29 == 3, "isDnc": sketch.status == "dnc", "isImported": false},
            "tags": [], "clientLeadId": null, "repostedTo": [],
            "submissionCount": 1, "latestSubmittedAt": written(sketch.submitted), "lastActivityAt": active,
            "deliveredAt": null, "createdAt": created, "updatedAt": active,
        });
        let Some(object) = lead.as_object_mut() else { return lead };
        match row.number % 5 {
            0 => {
                let waiting = json!({"status": "pending", "campaignId": "U4D", "decidedBy": null, "decidedAt": null, "reason": null});
                object.insert("approval".to_owned(), waiting);
            }
            1 => {
                object.insert("address".to_owned(), Value::Null);
                object.remove("compliance");
                object.remove("tags");
            }
            _ => {}
        }
        for (field, value) in &row.written {
            object.insert(field.clone(), value.clone());
        }
        if self.switches().on("leaky") {
            lead["campaign"]["webhooks"] = buyers::webhooks();
        }
        lead
    }
}

/// Phones come as people type them (LEADSAIL-19).
fn dialled(e164: &str, style: u8) -> String {
    let (country, rest) = e164.split_at(e164.len().min(2));
    let (area, rest) = rest.split_at(rest.len().min(3));
    let (middle, last) = rest.split_at(rest.len().min(3));
    match style {
        0 => format!("({area}) {middle}-{last}"),
        1 => format!("{country} ({area}) {middle} {last}"),
        2 => format!("{area}.{middle}.{last}"),
        3 => format!("{area}{middle}{last}"),
        _ => e164.to_owned(),
    }
}

/// Mostly objects; null or plain text on some (LEADSAIL-16).
fn notes(row: &Row, created: &str) -> Value {
    match row.number % 13 {
        3 => Value::Null,
        5 => json!("Called in, wants a quote"),
        7 => json!([]),
        _ => {
            json!([{"id": format!("n_{}", row.number), "text": "Prefers mornings", "createdAt": created, "createdBy": "user_3"}])
        }
    }
}

/// Mostly a list; an object on some, nothing on others (LEADSAIL-17).
fn questionnaire(row: &Row, dice: &mut fastrand::Rng) -> Value {
    let age = dice.u8(1..60);
    match row.number % 11 {
        3 => json!({"roof_age": age, "leaks": ["attic", "hall"]}),
        6 => Value::Null,
        _ => json!([
            {"key": "roof_age", "question": "How old is the roof?", "answer": age},
            {"key": "leaks", "question": "Where does it leak?", "answer": ["attic", "hall"]},
            {"key": "budget", "question": "Budget?", "answer": null},
        ]),
    }
}
