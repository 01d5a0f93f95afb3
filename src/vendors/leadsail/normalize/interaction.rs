//! Interactions: calls, SMS threads, e-mail threads.

use serde_json::value::RawValue;

use super::key;
use crate::model::conversation::{Recording, SpeakerRole, TranscriptTurn};
use crate::model::id::{NativeId, SourceId, Vendor};
use crate::model::interaction::{
    CallDetails, Direction, Interaction, InteractionFailure, InteractionKind, InteractionStatus, SmsDetails,
    Telephony, VoiceAgent,
};
use crate::model::text::present;
use crate::vendors::leadsail::redact::redacted;
use crate::vendors::leadsail::text::Text;
use crate::vendors::leadsail::wire;
use crate::vendors::lenient::{elements, lower, object};

/// An interaction of a row and the row's own text. `None` where the row has no id.
pub(in crate::vendors::leadsail) fn interaction(
    source: &SourceId,
    wire: wire::Interaction<'_>,
    raw: &RawValue,
) -> Option<Interaction> {
    let call_direction = wire.call.as_ref().and_then(|call| direction(&call.direction));
    let sms_direction = wire.sms.as_ref().and_then(|sms| direction(&sms.direction));
    let vendor_kind = wire.kind.kept();
    let vendor_status = wire.status.kept();
    let (code, message) = (wire.error_code.kept(), wire.error_message.kept());
    Some(Interaction {
        key: key(source, &wire.interaction_id)?,
        vendor: Vendor::LeadSail,
        kind: kind(vendor_kind.as_deref().unwrap_or_default()),
        vendor_kind,
        status: status(vendor_status.as_deref().unwrap_or_default()),
        vendor_status,
        direction: call_direction.or(sms_direction),
        occurred_at: wire.created_at.0,
        updated_at: wire.updated_at.0,
        summary: wire.summary.kept(),
        customer: wire.phone.kept(),
        transcript: wire
            .transcript
            .and_then(elements)
            .map(|turns| turns.into_iter().filter_map(turn).collect()),
        // Lists and details show the whole transcript; that it may still grow is not "cut short" (LEADSAIL-25).
        partial: false,
        call: wire.call.map(call),
        sms: wire.sms.map(|sms| SmsDetails { agent_mode: sms.agent_mode.as_bool() }),
        telephony: wire.telephony.map(|line| Telephony {
            provider: line.provider.kept(),
            message_id: line.message_id.kept(),
            phone_number: line.phone_number.kept(),
        }),
        failure: (code.is_some() || message.is_some()).then_some(InteractionFailure { code, message }),
        lead: wire.lead_id.as_str().and_then(present).and_then(NativeId::new),
        raw: redacted(raw),
    })
}

/// The kind: the literal of an e-mail thread has not been seen, so the set is open (LEADSAIL-21).
fn kind(word: &str) -> InteractionKind {
    match &*lower(word) {
        "call" => InteractionKind::Call,
        "sms" => InteractionKind::Sms,
        "email" | "e-mail" | "mail" => InteractionKind::Email,
        _ => InteractionKind::Other,
    }
}

/// How it went. The set is open (LEADSAIL-22).
fn status(word: &str) -> InteractionStatus {
    match &*lower(word) {
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

fn direction(word: &Text<'_>) -> Option<Direction> {
    match &*lower(word.as_str()?.trim()) {
        "inbound" => Some(Direction::Inbound),
        "outbound" => Some(Direction::Outbound),
        _ => None,
    }
}

fn call(call: wire::Call<'_>) -> CallDetails {
    CallDetails {
        origin: call.source.kept(),
        duration_seconds: seconds(&call.duration),
        spoken_to: call.spoken_to.as_bool(),
        termination_reason: call.termination_reason.kept(),
        // Only that there is one; the link is minted anew when it is asked for (LEADSAIL-26).
        recording: call
            .recording_url
            .as_str()
            .and_then(present)
            .map(|_| Recording { mime_type: None, size_bytes: None }),
        agent: call.voice_ai.map(|agent| VoiceAgent {
            provider: agent.provider.kept(),
            agent_id: agent.agent_id.kept(),
            conversation_id: agent.conversation_id.kept(),
        }),
    }
}

/// Whole seconds; the unit is believed (LEADSAIL-23).
fn seconds(duration: &Text<'_>) -> Option<i64> {
    let whole = duration.as_str()?.trim().split('.').next()?;
    whole.parse().ok().filter(|seconds| *seconds >= 0)
}

fn turn(row: &RawValue) -> Option<TranscriptTurn> {
    let turn: wire::Turn<'_> = object(row)?;
    let text = turn.message.whole()?;
    let vendor_role = turn.role.kept();
    let from_system = turn.source.as_str().is_some_and(|source| source.trim() == "system");
    Some(TranscriptTurn {
        role: match vendor_role.as_deref() {
            Some("agent") => SpeakerRole::Agent,
            Some("user") => SpeakerRole::User,
            _ if from_system => SpeakerRole::System,
            _ => SpeakerRole::Other,
        },
        vendor_role,
        text,
        at: turn.timestamp.0, // LEADSAIL-24
        offset_ms: None,
    })
}
