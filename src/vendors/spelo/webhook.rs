//! What the site tells by webhook.

use std::sync::atomic::{AtomicU8, Ordering};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::lenient::{self, members};
use super::super::signature::{self, Secrets};
use super::super::{Problem, WebhookSetup, kit, moment};
use super::wire::Text;
use crate::model::id::{NativeId, SourceId};
use crate::source::{Delivery, Hint, News, Refusal, Subject, Told, Webhook};

/// How far a delivery's time may be from ours, either way (SPELO-33).
const TOLERANCE_MS: i64 = 5 * 60 * 1_000;

/// What can be set about the webhook.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// What the vendor signs. Absent: whatever the first delivery shows.
    signed: Option<Signed>,
}

/// What the vendor signs. Nobody knows (SPELO-34).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Signed {
    /// The time, a dot and the body.
    #[serde(rename = "ts.body")]
    TimeAndBody,
    /// The body alone.
    #[serde(rename = "body")]
    Body,
}

impl Signed {
    fn name(self) -> &'static str {
        match self {
            Self::TimeAndBody => "ts.body",
            Self::Body => "body",
        }
    }
}

const UNPINNED: u8 = 0;

/// Reads a site's deliveries.
pub(super) struct Hook {
    source: SourceId,
    secrets: Secrets,
    /// What is known to be signed: 0 until the first delivery has shown it.
    pinned: AtomicU8,
}

impl Hook {
    pub(super) fn new(source: &SourceId, setup: WebhookSetup) -> Result<Self, Vec<Problem>> {
        let (settings, secrets) = kit::webhook::<Settings>(setup)?;
        let pinned = AtomicU8::new(settings.signed.map_or(UNPINNED, |signed| signed as u8 + 1));
        Ok(Self { source: source.clone(), secrets, pinned })
    }

    fn pinned(&self) -> Option<Signed> {
        let pinned = self.pinned.load(Ordering::Relaxed);
        [Signed::TimeAndBody, Signed::Body].into_iter().find(|signed| *signed as u8 + 1 == pinned)
    }

    /// Which of the two ways a delivery is signed, if it is signed in one that is still possible.
    fn verify(&self, delivery: &Delivery<'_>) -> Option<Signed> {
        let time = signature::header(delivery.headers, "x-spelo-timestamp")?;
        // Digits and nothing else: where time and body are signed together, a dot could move from one to the other.
        let whole = !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit());
        let sent = time.parse::<i64>().ok().filter(|_| whole)?;
        if delivery.now.as_millisecond().abs_diff(sent) > TOLERANCE_MS.unsigned_abs() {
            return None;
        }
        // SPELO-32: `sha256=<hex>`.
        let header = signature::header(delivery.headers, "x-spelo-signature")?;
        let signatures: Vec<[u8; 32]> = signature::several(header)
            .filter_map(|one| signature::hex(one.strip_prefix("sha256=")?))
            .collect();
        let fits = |parts: &[&[u8]]| signatures.iter().any(|one| self.secrets.sha256(parts, one));
        let pinned = self.pinned();
        let possible = |signed| pinned.is_none_or(|pinned| pinned == signed);
        if possible(Signed::TimeAndBody) && fits(&[time.as_bytes(), b".", delivery.body]) {
            return Some(Signed::TimeAndBody);
        }
        (possible(Signed::Body) && fits(&[delivery.body])).then_some(Signed::Body)
    }

    /// From now on only this way is taken. Only to be called for a body that could be read: what is signed with time and dot
    /// verifies as a body alone, too, if someone sends it so, but is no JSON then.
    fn pin(&self, signed: Signed) {
        let pin =
            self.pinned.compare_exchange(UNPINNED, signed as u8 + 1, Ordering::Relaxed, Ordering::Relaxed);
        if pin.is_ok() {
            tracing::info!(source = %self.source, signed = signed.name(), "the webhook's way of signing is known now");
        }
    }
}

impl Webhook for Hook {
    fn read(&self, delivery: &Delivery<'_>) -> Result<Told, Refusal> {
        let signed = self.verify(delivery).ok_or(Refusal::Unproven)?;
        // SPELO-32. `site_id` is not read (SPELO-18).
        let envelope = kit::delivered(delivery)?;
        let first = |name| lenient::first(&envelope, &[name]);
        let event =
            first("type").and_then(|event| lenient::string(event.get())).ok_or(Refusal::Unreadable)?;
        self.pin(signed);
        // SPELO-35: sent at least once, in any order. The id tells repeats.
        let mark = match first("id").and_then(Text::of).and_then(Text::kept) {
            Some(id) => signature::mark(&[b"id", id.as_bytes()]),
            None => signature::mark(&[b"body", delivery.body]),
        };
        let hint = news(&event).map(|news| Hint {
            source: self.source.clone(),
            news,
            subject: subject(news, first("data")),
            at: first("created_at").and_then(|at| moment::at(at.get())),
        });
        Ok(Told { mark, hint })
    }
}

/// What an event means. SPELO-36: reserved and unknown ones mean nothing, and are no mistake.
fn news(event: &str) -> Option<News> {
    match event {
        "lead.captured" => Some(News::LeadCreated),
        "lead.updated" => Some(News::LeadUpdated),
        "conversation.ended" => Some(News::ConversationEnded),
        "conversation.recording_ready" => Some(News::RecordingReady),
        _ => None,
    }
}

/// What an event is about. SPELO-37: every place where its id may stand.
fn subject(news: News, data: Option<&RawValue>) -> Subject {
    let lead = matches!(news, News::LeadCreated | News::LeadUpdated);
    let (object, member) = if lead { ("lead", "lead_id") } else { ("conversation", "conversation_id") };
    let data = data.and_then(members).unwrap_or_default();
    let inside = lenient::first(&data, &[object]).and_then(members).unwrap_or_default();
    let id = |of: &[_], name| Text::of(lenient::first(of, &[name])?)?.as_str().and_then(NativeId::new);
    let found = id(&inside, "id").or_else(|| id(&data, member)).or_else(|| id(&data, "id"));
    match found {
        Some(id) if lead => Subject::Lead(id),
        Some(id) => Subject::Conversation(id),
        None => Subject::Unnamed,
    }
}
