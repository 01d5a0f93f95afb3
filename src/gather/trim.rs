//! The filters that run here: every wish of a client, tested on every record, whether or not the vendor has run it too.

use std::sync::Arc;

use jiff::Timestamp;

use super::request::{ConversationFilter, InteractionFilter, LeadFilter, TimeRange};
use crate::model::conversation::Conversation;
use crate::model::interaction::Interaction;
use crate::model::lead::{Lead, LeadStatus};
use crate::model::text::{e164, email_key};

/// Whether a record belongs into the answer.
pub(super) type Keep<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

/// One wish of a filter, as a test on a record.
type Test<T> = Box<dyn Fn(&T) -> bool + Send + Sync>;

/// All wishes together.
fn all<T: 'static>(tests: Vec<Test<T>>) -> Keep<T> {
    Arc::new(move |record| tests.iter().all(|test| test(record)))
}

/// Tests on leads.
pub(super) fn leads(filter: &LeadFilter) -> Keep<Lead> {
    let mut tests: Vec<Test<Lead>> = Vec::new();
    if let Some(any) = filter.status.clone() {
        // A vendor without statuses answers to "unknown".
        tests.push(Box::new(move |lead| any.contains(&lead.status.unwrap_or(LeadStatus::Unknown))));
    }
    within(&mut tests, filter.created, |lead| lead.created_at);
    if let Some(wanted) = filter.email.as_deref().map(email_key) {
        tests.push(Box::new(move |lead| {
            lead.email.as_deref().is_some_and(|email| email_key(email) == wanted)
        }));
    }
    if let Some(wanted) = filter.phone.as_deref().map(Number::new) {
        tests.push(Box::new(move |lead| {
            lead.phone.as_deref().is_some_and(|phone| Number::new(phone) == wanted)
        }));
    }
    if let Some(wanted) = filter.text.as_deref().map(folded) {
        tests.push(Box::new(move |lead| {
            let texts = [&lead.name, &lead.email, &lead.phone];
            let mut texts = texts.into_iter().flatten().chain(lead.notes.iter().map(|note| &note.text));
            texts.any(|text| folded(text).contains(&wanted))
        }));
    }
    if let Some(wanted) = filter.has_conversation {
        tests.push(Box::new(move |lead| lead.conversation.is_some() == wanted));
    }
    all(tests)
}

/// Tests on conversations.
pub(super) fn conversations(filter: &ConversationFilter) -> Keep<Conversation> {
    let mut tests: Vec<Test<Conversation>> = Vec::new();
    if let Some(any) = filter.channel.clone() {
        tests.push(Box::new(move |conversation| any.contains(&conversation.channel)));
    }
    within(&mut tests, filter.started, |conversation| conversation.started_at);
    if let Some(wanted) = filter.has_recording {
        tests.push(Box::new(move |conversation| conversation.recording.is_some() == wanted));
    }
    if let Some(wanted) = filter.text.as_deref().map(folded) {
        tests.push(Box::new(move |conversation| {
            let texts = [&conversation.preview, &conversation.summary, &conversation.customer];
            let turns = conversation.transcript.iter().flatten().map(|turn| &turn.text);
            texts.into_iter().flatten().chain(turns).any(|text| folded(text).contains(&wanted))
        }));
    }
    all(tests)
}

/// Tests on interactions. Which leads they are of is decided by what is read.
pub(super) fn interactions(filter: &InteractionFilter) -> Keep<Interaction> {
    let mut tests: Vec<Test<Interaction>> = Vec::new();
    if let Some(any) = filter.kind.clone() {
        tests.push(Box::new(move |interaction| any.contains(&interaction.kind)));
    }
    if let Some(any) = filter.direction.clone() {
        tests.push(Box::new(move |interaction| interaction.direction.is_some_and(|one| any.contains(&one))));
    }
    within(&mut tests, filter.occurred, |interaction| interaction.occurred_at);
    all(tests)
}

/// In a range; records without a time are in none.
fn within<T: 'static>(tests: &mut Vec<Test<T>>, range: TimeRange, at: fn(&T) -> Option<Timestamp>) {
    if range != TimeRange::default() {
        tests.push(Box::new(move |record| {
            at(record).is_some_and(|at| {
                range.from.is_none_or(|from| at >= from) && range.to.is_none_or(|to| at < to)
            })
        }));
    }
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// A phone number to compare by: E.164 where it is certain, else its digits.
#[derive(PartialEq, Eq)]
enum Number {
    Certain(String),
    Digits(String),
}

impl Number {
    fn new(phone: &str) -> Self {
        let digits = || phone.chars().filter(char::is_ascii_digit).collect();
        e164(phone).map_or_else(|| Self::Digits(digits()), Self::Certain)
    }
}
