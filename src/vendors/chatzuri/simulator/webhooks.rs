//! What the vendor tells a webhook, in each of the three ways that its pages describe: A is the reference's older copy, B its
//! current one, C the guide.
//!
//! Only here a lead and its conversation are linked, and only in A and B.

use serde_json::{Value, json};

use super::data::{Agent, Data, Lead, Talk};
use super::tell::name;
use crate::model::id::Vendor;
use crate::vendors::simulation::webhooks::{sha1_hex, sha256_hex};
use crate::vendors::simulation::{Delivery, Person, WebhookOrder};

/// The usual one first.
const VARIANTS: &[&str] = &["C", "B", "A"];

pub(super) fn deliveries(data: &Data, order: &WebhookOrder) -> Result<Vec<Delivery>, String> {
    let variant = order.variant_of(VARIANTS)?;
    // A's text and its code do not agree on the name.
    let known: &[_] =
        if variant == "A" { &["lead.submit", "leads.submit"] } else { &["lead.submit", "message.received"] };
    let event = order.event_of(known)?;
    order.no_header()?;
    let one = |id: &String| {
        let happening = happening(data, id).ok_or_else(|| format!("There is no lead `{id}`."))?;
        let body = happening.told(variant, event, order).to_string().into_bytes();
        let (header, signature) = match variant {
            "C" => ("X-Chatzuri-Signature", format!("sha256={}", sha256_hex(&order.key(), &[&body]))),
            _ => ("x-chatzuri-signature", sha1_hex(&order.key(), &body)),
        };
        Ok(Delivery { headers: vec![(header.to_owned(), signature)], body })
    };
    order.leads.iter().map(one).collect()
}

/// A lead and where it was born.
struct Happening<'a> {
    agent: &'a Agent,
    person: &'a Person,
    talk: Option<&'a Talk>,
}

fn happening<'a>(data: &'a Data, id: &str) -> Option<Happening<'a>> {
    let of = |agent: &'a Agent| agent.leads.iter().find(|lead| lead.id == id).map(|lead| (agent, lead));
    let (agent, lead): (&Agent, &Lead) = data.agents().iter().find_map(of)?;
    let person = data.world.person(Vendor::Chatzuri, &agent.id, lead.number);
    let talk = agent.talks.iter().find(|talk| talk.fruitful && talk.number == lead.number);
    Some(Happening { agent, person, talk })
}

impl Happening<'_> {
    fn told(&self, variant: &str, event: &str, order: &WebhookOrder) -> Value {
        let (agent, person) = (&self.agent.id, self.person);
        let conversation = self.talk.map(|talk| &talk.id);
        let message = event == "message.received";
        let mut said = if message {
            json!({"from": person.phone, "message": "Is this still on offer?", "conversationId": conversation})
        } else {
            json!({
                "conversationId": conversation,
                "customerEmail": person.email,
                "customerName": name(person),
                "customerPhone": person.phone,
            })
        };
        match variant {
            "A" => json!({"eventType": "leads.submit", "chatbotId": agent, "payload": said}),
            "B" if message => {
                json!({"eventType": event, "agentId": agent, "channel": "whatsapp", "payload": said})
            }
            "B" => json!({"eventType": event, "agentId": agent, "payload": said}),
            _ => {
                if message {
                    said["channel"] = json!("whatsapp");
                } else {
                    let channel = channel(self.talk.map_or("", |talk| talk.source));
                    said = json!({"name": name(person), "email": person.email, "phone": person.phone, "channel": channel});
                }
                json!({"event": event, "timestamp": format!("{:.0}", order.moment()), "agent_id": agent, "data": said})
            }
        }
    }
}

/// A webhook's word for what lists call a source (CHATZURI-18).
fn channel(source: &str) -> &'static str {
    match source {
        "WhatsApp" => "whatsapp",
        "Telegram" => "telegram",
        "Messenger" => "facebook",
        "Instagram" => "instagram",
        _ => "website",
    }
}
