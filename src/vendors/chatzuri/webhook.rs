//! What the vendor tells by webhook, in each of the three ways that its pages describe (CHATZURI-26).

use serde::Deserialize;
use serde_json::Value;

use super::super::signature::{self, Secrets};
use super::super::{Problem, WebhookSetup, kit, moment};
use super::agents;
use crate::model::id::{NativeId, SourceId};
use crate::model::text::present;
use crate::source::{Delivery, Hint, News, Person, Refusal, Subject, Told, Webhook};

/// What can be set about the webhook.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Takes the older signature, too: HMAC-SHA1 in bare hex (CHATZURI-27). Off.
    sha1: bool,
}

/// Reads the deliveries of a team: one webhook for all its agents, whose names are in the bodies.
pub(super) struct Hook {
    account: SourceId,
    secrets: Secrets,
    sha1: bool,
}

impl Hook {
    pub(super) fn new(account: &SourceId, setup: WebhookSetup) -> Result<Self, Vec<Problem>> {
        let (settings, secrets) = kit::webhook::<Settings>(setup)?;
        Ok(Self { account: account.clone(), secrets, sha1: settings.sha1 })
    }

    /// Whether one of the header's signatures is the vendor's, over the body as it came: one of the vendor's own samples
    /// writes the JSON anew first, which would not fit (CHATZURI-27).
    fn is_signed(&self, delivery: &Delivery<'_>) -> bool {
        let Some(header) = signature::header(delivery.headers, "x-chatzuri-signature") else { return false };
        signature::several(header).any(|one| match one.strip_prefix("sha256=") {
            Some(hex) => {
                signature::hex::<32>(hex).is_some_and(|hash| self.secrets.sha256(&[delivery.body], &hash))
            }
            None => {
                self.sha1
                    && signature::hex::<20>(one).is_some_and(|hash| self.secrets.sha1(delivery.body, &hash))
            }
        })
    }
}

/// All three shapes in one.
#[derive(Deserialize)]
struct Body {
    #[serde(alias = "eventType")]
    event: String,
    #[serde(alias = "agentId", alias = "chatbotId")]
    agent_id: Option<String>,
    #[serde(default)]
    timestamp: Value,
    #[serde(default, alias = "payload")]
    data: Data,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    #[serde(alias = "conversation_id")]
    #[serde(rename = "conversationId")]
    conversation: Value,
    #[serde(alias = "customerEmail")]
    email: Value,
    #[serde(alias = "customerName")]
    name: Value,
    #[serde(alias = "customerPhone")]
    phone: Value,
}

impl Webhook for Hook {
    fn read(&self, delivery: &Delivery<'_>) -> Result<Told, Refusal> {
        if !self.is_signed(delivery) {
            return Err(Refusal::Unproven);
        }
        let body: Body = serde_json::from_slice(delivery.body).map_err(|_| Refusal::Unreadable)?;
        // CHATZURI-28: nothing names a delivery and nothing signs its time, so repeats are told by their bytes, and an old
        // delivery is as good as a new one: it is a hint.
        let mark = signature::mark(&[delivery.body]);
        let agent = body.agent_id.as_deref().and_then(present);
        let source = agent.and_then(|agent| agents::source_name(&self.account, agent));
        let hint = news(&body.event).zip(source).map(|(news, source)| Hint {
            source,
            news,
            subject: subject(news, &body.data),
            at: moment::timestamp(&body.timestamp),
        });
        Ok(Told { mark, hint })
    }
}

/// What an event means; others mean nothing to us (CHATZURI-26).
fn news(event: &str) -> Option<News> {
    match event {
        "lead.submit" | "leads.submit" => Some(News::LeadCreated),
        "conversation.started" => Some(News::ConversationStarted),
        "message.received" | "message.sent" => Some(News::ConversationChanged),
        "conversation.ended" => Some(News::ConversationEnded),
        _ => None,
    }
}

/// What an event is about. A lead is not named but described; with it, and nowhere else, stands the conversation that it
/// came from (CHATZURI-29).
fn subject(news: News, data: &Data) -> Subject {
    let conversation = text(&data.conversation).and_then(|id| NativeId::new(&id));
    if news != News::LeadCreated {
        return conversation.map_or(Subject::Unnamed, Subject::Conversation);
    }
    let person =
        Person { email: text(&data.email), phone: text(&data.phone), name: text(&data.name), conversation };
    let anyone = person.email.is_some() || person.phone.is_some() || person.name.is_some();
    if anyone { Subject::Person(person) } else { Subject::Unnamed }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => present(text).map(str::to_owned),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
