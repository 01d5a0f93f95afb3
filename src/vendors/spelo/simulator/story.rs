//! What the site's leads and conversations are: everything follows from a number and the world's dice, and is told only
//! when it is asked for. Awkward values are part of the story, since vendors do not promise that there are none.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::site::Row;
use crate::model::id::Vendor;
use crate::vendors::simulation::World;

pub(super) const SITE: &str = "7d3f0a52-5b0e-4c55-9a64-0c1e5d8f9b21";
pub(super) const STATUS: [&str; 4] = ["new", "contacted", "qualified", "disqualified"];

/// A lead as the vendor sends it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Lead {
    pub(super) id: String,
    site_id: &'static str,
    session_id: String,
    conversation_id: Option<String>,
    visitor_id: Option<String>,
    page_url: Option<String>,
    name: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    data: Value,
    pub(super) status: String,
    pub(super) notes: Option<String>,
    created_at: String,
    pub(super) updated_at: String,
}

/// A conversation as the vendor sends it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Conversation {
    pub(super) id: String,
    site_id: &'static str,
    started_at: String,
    ended_at: Option<String>,
    duration_seconds: Option<i64>,
    turn_count: usize,
    page_url: Option<String>,
    first_user_text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transcript: Option<Vec<Turn>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_calls: Option<Value>,
    pub(super) recording_path: Option<String>,
    recording_mime: Option<&'static str>,
    recording_bytes: Option<u64>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Turn {
    role: &'static str,
    text: String,
    ts_ms: i64,
}

/// A call to the site: when, how long, and which lead it led to.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    pub(super) id: String,
    pub(super) started: Timestamp,
    length: SignedDuration,
    story: usize,
    /// The number of the lead and the moment of its capture.
    lead: Option<(usize, Timestamp)>,
}

/// A lead, as far as lists are ordered by it.
#[derive(Clone, Debug)]
pub(super) struct Capture {
    pub(super) id: String,
    pub(super) created: Timestamp,
    pub(super) number: usize,
    pub(super) talk: Option<String>,
}

impl Row for Talk {
    fn place(&self) -> (Timestamp, &str) {
        (self.started, &self.id)
    }
}

impl Row for Capture {
    fn place(&self) -> (Timestamp, &str) {
        (self.created, &self.id)
    }
}

/// Tells the story.
pub(super) struct Teller {
    pub(super) world: Arc<World>,
}

impl Teller {
    pub(super) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    pub(super) fn moment(&self, matter: &str, number: usize) -> Timestamp {
        self.world.moment(Vendor::Spelo, matter, number)
    }

    /// Lead `number`, captured at `created`, and the call in which that was. One of twenty leads does not name its call.
    pub(super) fn capture(&self, number: usize, created: Timestamp) -> (Capture, Talk) {
        let mut dice = self.world.dice(Vendor::Spelo, "capture", number);
        let id = ulid(created, &mut dice);
        let before = SignedDuration::from_millis(dice.i64(20_000..240_000));
        let after = SignedDuration::from_millis(dice.i64(3_000..40_000));
        let talk = Talk {
            id: token("conv_", &mut dice, 12),
            started: created.checked_sub(before).unwrap_or(created),
            length: before + after,
            story: number * 2,
            lead: Some((number, created)),
        };
        let named = dice.u8(0..20) > 0;
        (Capture { id, created, number, talk: named.then(|| talk.id.clone()) }, talk)
    }

    /// Call `number` of those that led to no lead. A few last under three seconds.
    pub(super) fn idle_talk(&self, number: usize, started: Timestamp) -> Talk {
        let mut dice = self.world.dice(Vendor::Spelo, "idle", number);
        let length = if dice.u8(0..6) == 0 { dice.i64(400..3_000) } else { dice.i64(3_000..180_000) };
        Talk {
            id: token("conv_", &mut dice, 12),
            started,
            length: SignedDuration::from_millis(length),
            story: number * 2 + 1,
            lead: None,
        }
    }

    /// The status with which a lead begins its story here. One row has a word that the vendor's page does not know.
    pub(super) fn status(&self, number: usize) -> &'static str {
        if number == 5 {
            return "archived";
        }
        let mut dice = self.world.dice(Vendor::Spelo, "status", number);
        STATUS[[0, 0, 0, 1, 1, 2, 3][dice.usize(..7)]]
    }

    pub(super) fn lead(&self, capture: &Capture) -> Lead {
        let number = capture.number;
        let mut dice = self.world.dice(Vendor::Spelo, "lead", number);
        let person = self.world.person(Vendor::Spelo, "site", number);
        let created_at = written(capture.created);
        let plain = format!("{} {}", person.first, person.last);
        Lead {
            id: capture.id.clone(),
            site_id: SITE,
            session_id: token("sess_", &mut dice, 8),
            conversation_id: capture.talk.clone(),
            visitor_id: (dice.u8(0..8) > 0).then(|| format!("v-{}", dice.u32(100..100_000))),
            page_url: page_url(&mut dice),
            name: match dice.u8(0..24) {
                0 => None,
                1 => Some(String::new()),
                2 => Some(format!("  {plain}\t")),
                3 => Some(format!("{plain} 🦊\u{200d}\u{202e}abc\u{202c}")),
                _ => Some(plain),
            },
            phone: person.phone.as_deref().map(|phone| spelled(phone, &mut dice)),
            email: person.email.as_deref().map(|email| match dice.u8(0..12) {
                0 => String::new(),
                1 => format!(" {} ", email.to_uppercase()),
                _ => email.to_owned(),
            }),
            data: custom(&mut dice),
            status: self.status(number).to_owned(),
            notes: match dice.u8(0..6) {
                0 => Some("Called at 2pm, wants a follow-up demo".to_owned()),
                1 => Some(" ".to_owned()),
                _ => None,
            },
            updated_at: created_at.clone(),
            created_at,
        }
    }

    /// A conversation as it stands at `now`, transcript and all: a call that has not ended yet has no end and no recording.
    pub(super) fn conversation(&self, talk: &Talk, now: Timestamp) -> Conversation {
        let mut dice = self.world.dice(Vendor::Spelo, "talk", talk.story);
        let ended = talk.started.checked_add(talk.length).ok().filter(|end| *end <= now);
        let turns = turns(talk, &mut dice);
        // Calls under three seconds have none, and some uploads fail (SPELO-22).
        let recorded = ended.is_some() && talk.length.as_secs() >= 3 && dice.u8(0..8) > 0;
        let tool_calls = match talk.lead {
            None => json!([]),
            Some((number, _)) => {
                let person = self.world.person(Vendor::Spelo, "site", number);
                json!([{"name": "submit_lead", "args": {"data": {"name": person.first, "email": person.email}}}])
            }
        };
        let seconds = talk.length.as_secs();
        Conversation {
            id: talk.id.clone(),
            site_id: SITE,
            started_at: written(talk.started),
            ended_at: ended.map(written),
            duration_seconds: ended.map(|_| seconds),
            turn_count: turns.len(),
            page_url: page_url(&mut dice),
            first_user_text: match turns.get(1) {
                None if dice.bool() => Some("  ".to_owned()),
                None => None,
                Some(turn) => Some(turn.text.clone()),
            },
            transcript: Some(turns),
            tool_calls: Some(tool_calls),
            recording_path: recorded.then(|| format!("{SITE}/{}.webm", talk.id)),
            recording_mime: recorded.then_some("audio/webm"),
            recording_bytes: recorded.then(|| seconds.unsigned_abs() * 4_096 + dice.u64(0..4_096)),
            created_at: written(ended.unwrap_or(talk.started)),
            // The vendor's text says that each row has it, its sample does not (SPELO-20).
            expires_at: dice
                .bool()
                .then(|| talk.started.checked_add(SignedDuration::from_hours(365 * 24)).ok().map(written))
                .flatten(),
        }
    }
}

/// A timestamp as the vendor writes it: UTC, milliseconds.
pub(super) fn written(at: Timestamp) -> String {
    format!("{at:.3}")
}

fn turns(talk: &Talk, dice: &mut fastrand::Rng) -> Vec<Turn> {
    const ASK: &[&str] = &[
        "Do you handle lease disputes?",
        "I'd like to book a consultation.",
        "¿Tienen citas esta semana?",
        "What would that cost, roughly?",
        "Can someone call me back tomorrow afternoon?",
        "  I saw your offer online.  ",
        "Sorry, the line was bad. Could you say that again?",
    ];
    const ANSWER: &[&str] = &[
        "Yes, we do. May I ask for your name?",
        "Of course. Which day suits you?",
        "That depends on the case; most people pay between 200 and 400.",
        "Thank you. What is the best number to reach you?",
        "Got it. Is there anything else?",
    ];
    let length = i64::try_from(talk.length.as_millis()).unwrap_or(i64::MAX);
    let count = (length / 6_000).clamp(1, 40);
    (0..count)
        .map(|number| {
            let (role, text) = match number {
                0 => ("assistant", "Hello, how can I help?"),
                // Roles are an open set (SPELO-26).
                7 => ("system", "The caller was quiet for a while."),
                _ if number % 2 == 1 => ("user", ASK[dice.usize(..ASK.len())]),
                _ => ("assistant", ANSWER[dice.usize(..ANSWER.len())]),
            };
            Turn { role, text: text.to_owned(), ts_ms: number * (length / count) }
        })
        .collect()
}

fn page_url(dice: &mut fastrand::Rng) -> Option<String> {
    Some(match dice.u8(0..10) {
        0 => return None,
        1 => String::new(),
        2 => "https://lindenlaw.example/intake?utm_source=ads&gclid=Cj0abc#form".to_owned(),
        3 => "https://lindenlaw.example/kontakt/über-uns?q=a%20b".to_owned(),
        4..6 => "https://lindenlaw.example/".to_owned(),
        _ => "https://lindenlaw.example/intake".to_owned(),
    })
}

/// A number in one of the ways in which people say theirs; E.164 is not promised.
fn spelled(e164: &str, dice: &mut fastrand::Rng) -> String {
    match dice.u8(0..10) {
        0 => e164.trim_start_matches('+').to_owned(),
        1 => format!("{} ({}) {}", &e164[..2], &e164[2..5], &e164[5..]),
        2 => "555-0142 ext. 3".to_owned(),
        _ => e164.to_owned(),
    }
}

fn custom(dice: &mut fastrand::Rng) -> Value {
    let topic = dice.choice(["lease", "personal-injury", "family", ""]).unwrap_or_default();
    match dice.u8(0..8) {
        0 => Value::Null,
        1 => json!({}),
        2 => json!({"budget": dice.u32(500..20_000), "interests": ["contracts", 7, null], "company": null}),
        3 => json!({"case_type": topic, "address": {"city": "Łódź", "lines": ["a", "b"]}, "consent": true}),
        _ => json!({"case_type": topic, "preferred_contact": "phone"}),
    }
}

/// An id like a ULID: the moment, then chance, in Crockford's alphabet.
fn ulid(at: Timestamp, dice: &mut fastrand::Rng) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    let chance: u128 = dice.u128(..);
    let letter = |bits: u128| char::from(ALPHABET[usize::try_from(bits & 31).unwrap_or(0)]);
    let time = (0..10).rev().map(|place| letter(u128::from(millis) >> (5 * place)));
    let rest = (0..16).map(|place| letter(chance >> (5 * place)));
    time.chain(rest).collect()
}

pub(super) fn token(prefix: &str, dice: &mut fastrand::Rng, letters: usize) -> String {
    let mut text = prefix.to_owned();
    text.extend((0..letters).map(|_| {
        let letter = dice.alphanumeric();
        letter.to_ascii_lowercase()
    }));
    text
}
