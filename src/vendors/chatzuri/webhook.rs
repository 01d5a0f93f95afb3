//! What the vendor tells by webhook, in each of the three ways that its pages describe (CHATZURI-26).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::signature::{self, Secrets};
use super::super::{Problem, WebhookSetup, kit, lenient, moment};
use super::agents;
use super::wire::word_of;
use crate::model::id::{NativeId, SourceId};
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

impl Webhook for Hook {
    fn read(&self, delivery: &Delivery<'_>) -> Result<Told, Refusal> {
        if !self.is_signed(delivery) {
            return Err(Refusal::Unproven);
        }
        // All three shapes in one.
        let body = kit::delivered(delivery)?;
        let event = lenient::first(&body, &["event", "eventType"]);
        let event = event.and_then(|event| lenient::string(event.get())).ok_or(Refusal::Unreadable)?;
        // CHATZURI-28: nothing names a delivery and nothing signs its time, so repeats are told by their bytes, and an old
        // delivery is as good as a new one: it is a hint.
        let mark = signature::mark(&[delivery.body]);
        let agent = text(&body, &["agent_id", "agentId", "chatbotId"]);
        let source = agent.and_then(|agent| agents::source_name(&self.account, &agent));
        let data = lenient::first(&body, &["data", "payload"]).and_then(lenient::members).unwrap_or_default();
        let hint = news(&event).zip(source).map(|(news, source)| Hint {
            source,
            news,
            subject: subject(news, &data),
            at: lenient::first(&body, &["timestamp"]).and_then(|at| moment::at(at.get())),
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
fn subject(news: News, data: &[(String, &RawValue)]) -> Subject {
    let conversation = text(data, &["conversationId", "conversation_id"]).and_then(|id| NativeId::new(&id));
    if news != News::LeadCreated {
        return conversation.map_or(Subject::Unnamed, Subject::Conversation);
    }
    let person = Person {
        email: text(data, &["email", "customerEmail"]),
        phone: text(data, &["phone", "customerPhone"]),
        name: text(data, &["name", "customerName"]),
        conversation,
    };
    let anyone = person.email.is_some() || person.phone.is_some() || person.name.is_some();
    if anyone { Subject::Person(person) } else { Subject::Unnamed }
}

/// What stands under the first of these names that says anything.
fn text(members: &[(String, &RawValue)], names: &[&str]) -> Option<String> {
    let text = |name: &&str| word_of(lenient::first(members, &[name])?.get()).and_then(lenient::kept);
    names.iter().find_map(text)
}
