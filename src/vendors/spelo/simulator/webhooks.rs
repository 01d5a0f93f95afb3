//! What the site tells a webhook: an envelope around a little data, with a signature that covers the time or does not.
//!
//! Only the envelope and the names of headers are documented; the data and what exactly is signed are the simulator's choice
//! among what a receiver must be ready for.

use serde_json::{Value, json};

use super::State;
use super::site::Site;
use super::story::{SITE, token, written};
use crate::vendors::simulation::webhooks::sha256_hex;
use crate::vendors::simulation::{Delivery, WebhookOrder};

/// Those that are sent, then those that are reserved.
const EVENTS: &[&str] = &[
    "lead.captured",
    "lead.updated",
    "conversation.ended",
    "conversation.recording_ready",
    "session.started",
    "session.ended",
    "function.called",
    "usage.threshold",
    "site.deleted",
    "adapter.error",
];

/// What is signed: time and body, or the body alone.
const VARIANTS: &[&str] = &["ts.body", "body"];

pub(super) fn deliveries(state: &mut State, order: &WebhookOrder) -> Result<Vec<Delivery>, String> {
    let event = order.event_of(EVENTS)?;
    let variant = order.variant_of(VARIANTS)?;
    order.no_header()?;
    let State { site, dice, .. } = state;
    let one = |id: &String| {
        let data = data(site, event, id).ok_or_else(|| format!("There is no lead `{id}`."))?;
        let moment = order.moment();
        let envelope = json!({
            "id": token("evt_", dice, 16),
            "type": event,
            "created_at": written(moment),
            "site_id": SITE,
            "data": data,
        });
        let body = envelope.to_string().into_bytes();
        let timestamp = moment.as_millisecond().to_string();
        let prefix = if variant == "body" { String::new() } else { format!("{timestamp}.") };
        let signature = sha256_hex(&order.key(), &[prefix.as_bytes(), &body]);
        let headers = [
            ("X-Spelo-Signature", format!("sha256={signature}")),
            ("X-Spelo-Timestamp", timestamp),
            ("X-Spelo-Event", event.to_owned()),
        ];
        Ok(Delivery { headers: headers.map(|(name, value)| (name.to_owned(), value)).into(), body })
    };
    order.leads.iter().map(one).collect()
}

/// What an event says of a lead, or nothing where there is no such lead.
fn data(site: &Site, event: &str, id: &str) -> Option<Value> {
    let lead = json!(site.lead(id)?);
    Some(match event {
        "lead.captured" | "lead.updated" => json!({"lead": lead}),
        "conversation.ended" | "conversation.recording_ready" => {
            json!({"conversation_id": site.conversation_of(id)?})
        }
        "session.started" | "session.ended" => json!({"session_id": lead["session_id"]}),
        "function.called" => json!({"session_id": lead["session_id"], "name": "submit_lead"}),
        "usage.threshold" => json!({"percent": 80}),
        "adapter.error" => json!({"message": "The data adapter did not answer"}),
        _ => json!({}),
    })
}
