//! Rows in the vendor's words.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::data::{Agent, Data, Lead, Talk};
use super::params::day_at;
use crate::model::id::Vendor;
use crate::vendors::simulation::Person;

const OWNER: &str = "usr_41";

/// How rows are told, as the switches say.
pub(super) struct Style {
    pub(super) text_ids: bool,
    pub(super) date_only: bool,
    pub(super) oversized: bool,
    pub(super) offset_hours: i8,
}

impl Style {
    fn moment(&self, at: Timestamp) -> String {
        if self.date_only { day_at(at, self.offset_hours).to_string() } else { format!("{at:.3}") }
    }
}

pub(super) fn lead(data: &Data, agent: &Agent, lead: &Lead, style: &Style) -> Value {
    let person = data.world.person(Vendor::Chatzuri, &agent.id, lead.number);
    let number: Option<u64> = lead.id.parse().ok();
    json!({
        "id": number.filter(|_| !style.text_ids).map_or_else(|| json!(lead.id), |number| json!(number)),
        "created_at": style.moment(lead.at),
        "chatbot_owner_user_id": OWNER,
        "chatbot_id": agent.id,
        // Absent values come as null and as empty text.
        "phone": person.phone.as_deref().unwrap_or_default(),
        "email": person.email,
        "name": name(person),
    })
}

pub(super) fn talk(data: &Data, agent: &Agent, talk: &Talk, style: &Style) -> Value {
    let person = data.world.person(Vendor::Chatzuri, &agent.id, talk.number);
    let matter = format!("{}/{}", agent.id, talk.id);
    let mut dice = data.world.dice(Vendor::Chatzuri, &matter, talk.number);
    let customer = if talk.fruitful { person.email.as_deref().or(person.phone.as_deref()) } else { None };
    let mut messages = messages(person, talk, &mut dice);
    if style.oversized {
        messages.push(json!({"role": "assistant", "content": "All our terms. ".repeat(7_000)}));
    }
    json!({
        "id": talk.id,
        "created_at": style.moment(talk.at),
        "chatbot_id": agent.id,
        "customer": customer,
        "source": talk.source,
        "messages": messages,
    })
}

/// Two to twenty turns: the agent greets, then both speak in turn; now and then the system or a person takes a word.
fn messages(person: &Person, talk: &Talk, dice: &mut fastrand::Rng) -> Vec<Value> {
    const QUESTIONS: &[&str] = &[
        "What are your opening hours?",
        "How much does it cost?",
        "Is there anything free next week?",
        "Do you also come to my place?",
        "And if it rains?",
        "Can I pay later?",
        "Who would be my contact?",
    ];
    const ANSWERS: &[&str] = &[
        "That depends on what you have in mind. Tell me more.",
        "We are open from eight to six, Monday to Saturday.",
        "Certainly, that can be arranged.",
        "A colleague will look into it and call you back.",
        "Most people choose the middle plan.",
    ];
    let turns = dice.usize(2..=20);
    let said = |role: &str, content: String| json!({"role": role, "content": content});
    let mut messages = vec![said("assistant", "Karibu! How can I help?".to_owned())];
    while messages.len() < turns {
        let content = match messages.len() {
            1 if talk.fruitful => format!("Hello, I am {}. Could you call me?", name(person)),
            at if at % 2 == 1 => dice.choice(QUESTIONS).copied().unwrap_or_default().to_owned(),
            _ => dice.choice(ANSWERS).copied().unwrap_or_default().to_owned(),
        };
        let role = match (messages.len() % 2, dice.u8(0..40)) {
            (1, _) => "user",
            (_, 0) => "system",
            (_, 1) => "human_agent",
            _ => "assistant",
        };
        messages.push(said(role, content));
    }
    messages
}

pub(super) fn agent(agent: &Agent, data: &Data) -> Value {
    json!({
        "agent_id": agent.id,
        "created_at": format!("{:.3}", data.world.spec().now),
        "agent_name": format!("Agent {}", agent.id),
    })
}

/// An agent as the older page tells it (CHATZURI-10).
pub(super) fn chatbot(agent: &Agent, data: &Data) -> Value {
    json!({
        "chatbot_id": agent.id,
        "created_at": format!("{:.3}", data.world.spec().now),
        "chatbot_owner_user_id": OWNER,
        "chatbot_name": format!("Agent {}", agent.id),
        "phone": null,
        "email": null,
        "source_text": "Internal price list, not for customers. ".repeat(500),
    })
}

/// Makes the first rows of a page unreadable, each in another way.
pub(super) fn spoil(mut rows: Vec<Value>, count: usize) -> Vec<Value> {
    for (at, row) in rows.iter_mut().take(count).enumerate() {
        match (at % 4, row.as_object_mut()) {
            (0, Some(row)) => drop(row.remove("id")),
            (1, Some(row)) => drop(row.remove("created_at")),
            (2, Some(row)) => drop(row.insert("created_at".to_owned(), json!("last Tuesday"))),
            _ => *row = json!("not an object"),
        }
    }
    rows
}

pub(super) fn name(person: &Person) -> String {
    format!("{} {}", person.first, person.last)
}
