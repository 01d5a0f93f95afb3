//! The interactions of a lead (L13) and one of them (L14). They are made when asked for, and some of them live: an SMS
//! thread may grow with each read, a call in progress ends after a few (LEADSAIL-25).

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::answers::{not_found, success};
use super::{Row, Tenant, buyers, later, written};

/// Words of calls that have ended, one of them unknown to us (LEADSAIL-22).
const ENDINGS: &[&str] = &[
    "completed",
    "incomplete",
    "voicemail",
    "no_answer",
    "busy",
    "no_contact",
    "scheduled_callback",
    "follow_up",
    "qualified",
    "disqualified",
    "marked_dnc",
];

/// L13, most recent first (LEADSAIL-4).
pub(super) async fn of_lead(State(tenant): State<Tenant>, Path(id): Path<String>) -> Response {
    let Some(row) = tenant.find(&id) else { return not_found() };
    let all: Vec<Value> =
        (0..tenant.interactions(&row)).map(|place| tenant.interaction(&row, place)).collect();
    success(&json!({"interactions": all}))
}

/// L14 (LEADSAIL-30).
pub(super) async fn one(State(tenant): State<Tenant>, Path(id): Path<String>) -> Response {
    let named = id.strip_prefix("int_").and_then(|rest| rest.rsplit_once('_'));
    let found = named.and_then(|(lead, place)| {
        let row = tenant.find(&format!("lead_{lead}"))?;
        let place = place.parse().ok().filter(|place| *place < tenant.interactions(&row))?;
        Some(tenant.interaction(&row, place))
    });
    found.map_or_else(not_found, |interaction| success(&interaction))
}

impl Tenant {
    /// How many a lead has: up to six.
    fn interactions(&self, row: &Row) -> usize {
        self.dice("interactions", row.number).usize(0..=6)
    }

    /// The interaction at a place, 0 being the most recent. Counts as a read of it.
    fn interaction(&self, row: &Row, place: usize) -> Value {
        let id = format!("int_{}_{place}", row.id.trim_start_matches("lead_"));
        let reads = {
            let mut shelf = self.shelf();
            let reads = shelf.reads.entry(id.clone()).or_default();
            *reads += 1;
            *reads - 1
        };
        let mut dice = self.dice(&format!("interaction/{place}"), row.number);
        // Between the lead's creation and the world's newest moment, evenly.
        let span =
            self.world().spec().now.as_millisecond().saturating_sub(row.created.as_millisecond()).max(0);
        let count = i64::try_from(self.interactions(row) + 1).unwrap_or(1);
        let back = i64::try_from(place + 1).unwrap_or(1);
        let created = later(row.created, span / count * (count - back));
        let sketch = self.sketch(row);
        let campaign = buyers::of_lead(sketch.campaign);
        let mut interaction = json!({
            "interactionId": id, "leadId": row.id, "campaignId": campaign["campaignId"],
            "clientId": campaign["clientId"], "offerId": campaign["offerId"],
            "phone": sketch.phone, "createdAt": written(created), "updatedAt": written(created),
            "call": null, "sms": null, "telephony": null, "transcript": null,
            "errorCode": null, "errorMessage": null,
        });
        let more = match dice.u8(0..20) {
            0..=9 => call(&mut dice, &id, created, place == 0 && row.number % 7 == 2, reads),
            10..=16 => thread(&mut dice, created, reads),
            // The literals of e-mail threads have not been seen (LEADSAIL-21).
            17 => json!({"type": "email", "status": "completed", "summary": "Sent the brochure."}),
            18 => json!({"type": "e-mail", "status": "follow_up", "summary": ""}),
            _ => json!({"type": "voicemail_drop", "status": "completed"}),
        };
        if let (Some(object), Value::Object(more)) = (interaction.as_object_mut(), more) {
            object.extend(more);
        }
        interaction
    }
}

fn telephony(dice: &mut fastrand::Rng) -> Value {
    let provider = if dice.bool() { "vonage" } else { "twilio" };
    json!({"provider": provider, "messageId": null, "phoneNumber": "+17755550100"})
}

fn line(at: jiff::Timestamp, role: &str, message: &str, source: &str) -> Value {
    json!({"timestamp": written(at), "role": role, "message": message, "source": source})
}

fn call(dice: &mut fastrand::Rng, id: &str, created: jiff::Timestamp, lasting: bool, reads: u32) -> Value {
    let going_on = lasting && reads < dice.u32(2..5);
    let status = if going_on { "in_progress" } else { dice.choice(ENDINGS).copied().unwrap_or("completed") };
    let (seconds, spoken) = (dice.i64(5..600), !matches!(status, "no_answer" | "busy" | "voicemail"));
    let seconds = if going_on || !spoken { 0 } else { seconds };
    let recorded = !going_on && spoken && dice.u8(0..4) > 0;
    let mut transcript = Vec::new();
    if spoken {
        transcript.push(line(created, "agent", "Hi, this is the office of Norte Roofs.", "system"));
        transcript
            .push(json!({"timestamp": "00:07", "role": "user", "message": "Hello 👋", "source": "inbound"}));
        transcript.push(line(later(created, 9_000), "event", "recording started", "system"));
    }
    json!({
        "type": "call", "status": status, "telephony": telephony(dice),
        "call": {
            "source": "webrtc", "direction": if dice.bool() { "outbound" } else { "inbound" },
            "duration": seconds,
            "recordingUrl": if recorded { format!("https://rec.example/r/{id}?sig=canary{}", dice.u32(..)) } else { String::new() },
            "terminationReason": if going_on { Value::Null } else { json!("remote_hangup") },
            "voiceAI": {"provider": "elevenlabs", "agentId": "ag_1", "conversationId": format!("c_{id}")},
            "spokenTo": spoken,
        },
        "summary": if going_on { Value::Null } else { json!("Asked for a call tomorrow.") },
        "transcript": transcript,
        "errorCode": (status == "incomplete").then_some("CARRIER_DROPPED"),
        "errorMessage": (status == "incomplete").then_some("The line was lost."),
        "updatedAt": written(later(created, seconds * 1_000)),
    })
}

/// Every other read finds one message more, up to four. The thread's beginning stays, its last change moves.
fn thread(dice: &mut fastrand::Rng, created: jiff::Timestamp, reads: u32) -> Value {
    let base = dice.usize(1..6);
    let messages = base + usize::try_from(reads / 2).unwrap_or(0).min(4);
    let at = |index: usize| later(created, i64::try_from(index).unwrap_or(0) * 45_000);
    let transcript: Vec<Value> = (0..messages)
        .map(|index| match index % 3 {
            0 => line(at(index), "agent", "Is tomorrow at 9 fine?", "sms_agent"),
            1 => line(at(index), "user", "", "inbound"),
            _ => line(at(index), "user", "Sí, perfecto — ¡gracias!", "inbound"),
        })
        .collect();
    json!({
        "type": "sms", "status": if messages > base { "in_progress" } else { "follow_up" },
        "telephony": telephony(dice),
        "sms": {"agentMode": dice.bool(), "direction": "outbound"},
        "summary": null, "transcript": transcript, "updatedAt": written(at(messages - 1)),
    })
}
