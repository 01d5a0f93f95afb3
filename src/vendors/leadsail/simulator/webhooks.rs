//! What the tenant tells a webhook. Nothing is signed: a header that the customer chose holds the secret.

use serde_json::json;

use super::{Tenant, word, written};
use crate::vendors::simulation::{Delivery, WebhookOrder};

const EVENTS: &[&str] = &[
    "lead.delivered",
    "lead.disqualified",
    "lead.failed",
    "lead.queued",
    "lead.first_submission_action",
    "lead.processed",
];

const HEADER: &str = "X-Webhook-Secret";

pub(super) fn deliveries(tenant: &Tenant, order: &WebhookOrder) -> Result<Vec<Delivery>, String> {
    let event = order.event_of(EVENTS)?;
    order.variant_of(&[])?;
    let header = order.header.as_deref().unwrap_or(HEADER);
    let one = |id: &String| {
        let row = tenant.find(id).ok_or_else(|| format!("There is no lead `{id}`."))?;
        let lead = tenant.lead(&row);
        let body = json!({
            "event": event,
            "leadId": row.id,
            "submissionId": format!("sub_{}", word(&mut tenant.dice("submission", row.number), 10)),
            "campaignId": lead["campaign"]["campaignId"],
            "status": lead["status"],
            "timestamp": written(order.moment()),
            "data": {
                "firstName": lead["firstName"],
                "lastName": lead["lastName"],
                "email": lead["email"],
                "phone": lead["phone"],
            },
        });
        Ok(Delivery { headers: vec![(header.to_owned(), order.key())], body: body.to_string().into_bytes() })
    };
    order.leads.iter().map(one).collect()
}
