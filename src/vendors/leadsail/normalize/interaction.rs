//! Interactions: calls, SMS threads, e-mail threads.

use serde_json::value::RawValue;

use super::{key, text};
use crate::model::conversation::{Recording, SpeakerRole, TranscriptTurn};
use crate::model::id::{NativeId, SourceId, Vendor};
use crate::model::interaction::{
    CallDetails, Direction, Interaction, InteractionFailure, InteractionKind, InteractionStatus, SmsDetails,
    Telephony, VoiceAgent,
};
use crate::model::text::present;
use crate::vendors::leadsail::lenient::{Text, object};
use crate::vendors::leadsail::redact::redacted;
use crate::vendors::leadsail::wire;

/// An interaction of a row and the row's own text. `None` where the row has no id.
pub(in crate::vendors::leadsail) fn interaction(
    source: &SourceId,
    wire: wire::Interaction,
    raw: &RawValue,
) -> Option<Interaction> {
    let call_direction = wire.call.as_ref().and_then(|call| call.direction.as_ref());
    let sms_direction = wire.sms.as_ref().and_then(|sms| sms.direction.as_ref());
    let vendor_kind = text(wire.kind.as_ref());
    let vendor_status = text(wire.status.as_ref());
    let (code, message) = (text(wire.error_code.as_ref()), text(wire.error_message.as_ref()));
    Some(Interaction {
        key: key(source, &wire.interaction_id)?,
        vendor: Vendor::LeadSail,
        kind: kind(vendor_kind.as_deref().unwrap_or_default()),
        vendor_kind,
        status: status(vendor_status.as_deref().unwrap_or_default()),
        vendor_status,
        direction: call_direction.and_then(direction).or_else(|| sms_direction.and_then(direction)),
        occurred_at: wire.created_at.0,
        updated_at: wire.updated_at.0,
        summary: text(wire.summary.as_ref()),
        transcript: wire.transcript.map(|turns| turns.iter().filter_map(|row| turn(row)).collect()),
        // Lists and details show the whole transcript; that it may still grow is not "cut short" (LEADSAIL-25).
        partial: false,
        call: wire.call.map(call),
        sms: wire.sms.map(|sms| SmsDetails { agent_mode: sms.agent_mode.and_then(|mode| mode.as_bool()) }),
        telephony: wire.telephony.map(|line| Telephony {
            provider: text(line.provider.as_ref()),
            message_id: text(line.message_id.as_ref()),
            phone_number: text(line.phone_number.as_ref()),
        }),
        failure: (code.is_some() || message.is_some()).then_some(InteractionFailure { code, message }),
        lead: wire.lead_id.and_then(|id| NativeId::new(present(id.as_str())?)),
        raw: redacted(raw),
    })
}

/// The kind: the literal of an e-mail thread has not been seen, so the set is open (LEADSAIL-21).
fn kind(word: &str) -> InteractionKind {
    match word.to_ascii_lowercase().as_str() {
        "call" => InteractionKind::Call,
        "sms" => InteractionKind::Sms,
        "email" | "e-mail" | "mail" => InteractionKind::Email,
        _ => InteractionKind::Other,
    }
}

/// How it went. The set is open (LEADSAIL-22).
fn status(word: &str) -> InteractionStatus {
    match word.to_ascii_lowercase().as_str() {
        "in_progress" => InteractionStatus::InProgress,
        "completed" => InteractionStatus::Completed,
        "incomplete" => InteractionStatus::Incomplete,
        "voicemail" => InteractionStatus::Voicemail,
        "no_answer" | "busy" => InteractionStatus::NoAnswer,
        "no_contact" => InteractionStatus::Unreachable,
        "scheduled_callback" | "follow_up" => InteractionStatus::FollowUp,
        "qualified" => InteractionStatus::Qualified,
        "disqualified" => InteractionStatus::Disqualified,
        _ => InteractionStatus::Unknown,
    }
}

fn direction(word: &Text) -> Option<Direction> {
    match word.as_str().trim().to_ascii_lowercase().as_str() {
        "inbound" => Some(Direction::Inbound),
        "outbound" => Some(Direction::Outbound),
        _ => None,
    }
}

fn call(call: wire::Call) -> CallDetails {
    CallDetails {
        origin: text(call.source.as_ref()),
        duration_seconds: call.duration.as_ref().and_then(seconds),
        spoken_to: call.spoken_to.and_then(|spoken| spoken.as_bool()),
        termination_reason: text(call.termination_reason.as_ref()),
        // Only that there is one; the link is minted anew when it is asked for (LEADSAIL-26).
        recording: text(call.recording_url.as_ref()).map(|_| Recording { mime_type: None, size_bytes: None }),
        agent: call.voice_ai.map(|agent| VoiceAgent {
            provider: text(agent.provider.as_ref()),
            agent_id: text(agent.agent_id.as_ref()),
            conversation_id: text(agent.conversation_id.as_ref()),
        }),
    }
}

/// Whole seconds; the unit is believed (LEADSAIL-23).
fn seconds(duration: &Text) -> Option<i64> {
    let whole = duration.as_str().trim().split('.').next()?;
    whole.parse().ok().filter(|seconds| *seconds >= 0)
}

fn turn(row: &RawValue) -> Option<TranscriptTurn> {
    let turn: wire::Turn = object(row)?;
    let vendor_role = text(turn.role.as_ref());
    let from_system = turn.source.as_ref().is_some_and(|source| source.as_str().trim() == "system");
    Some(TranscriptTurn {
        role: match vendor_role.as_deref() {
            Some("agent") => SpeakerRole::Agent,
            Some("user") => SpeakerRole::User,
            _ if from_system => SpeakerRole::System,
            _ => SpeakerRole::Other,
        },
        vendor_role,
        text: turn.message.as_str().to_owned(),
        at: turn.timestamp.0, // LEADSAIL-24
        offset_ms: None,
    })
}
