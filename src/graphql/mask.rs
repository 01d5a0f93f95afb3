//! What whoever may not read personal data gets in its place.
//!
//! A record becomes part of an answer only as [`Shown`] or [`Glimpse`], and is masked on the way there, whichever way it came. Each
//! record is taken apart member by member, so that a new member does not compile until somebody has decided about it.

use std::ops::Deref;
use std::sync::Arc;

use url::Url;

use crate::model::caller::{Caller, Scope};
use crate::model::conversation::{Conversation, ToolCall, TranscriptTurn};
use crate::model::interaction::{Interaction, InteractionFailure, Telephony};
use crate::model::lead::{Approval, CustomField, Lead, LeadNote};
use crate::model::text::Json;

/// What stands for a text of which nothing may be shown.
const HIDDEN: &str = "***";

/// A record as it may be shown to one caller.
pub(super) struct Shown<T>(Arc<T>);

impl<T: Mask> Shown<T> {
    /// The record as `caller` may see it.
    pub(super) fn to(caller: &Caller, record: Arc<T>) -> Self {
        Self(if caller.may(Scope::PiiRead) { record } else { Arc::new(record.masked()) })
    }
}

impl<T> Shown<T> {
    /// The record, still as it may be shown.
    pub(super) fn record(&self) -> &Arc<T> {
        &self.0
    }
}

impl<T> Deref for Shown<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// The same for as long as the record is looked at.
pub(super) enum Glimpse<'a, T> {
    /// All of it.
    Whole(&'a T),
    /// Without personal data.
    Masked(Box<T>),
}

impl<'a, T: Mask> Glimpse<'a, T> {
    /// The record as `caller` may see it.
    pub(super) fn by(caller: &Caller, record: &'a T) -> Self {
        if caller.may(Scope::PiiRead) { Self::Whole(record) } else { Self::Masked(Box::new(record.masked())) }
    }
}

impl<T> Deref for Glimpse<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Whole(record) => record,
            Self::Masked(record) => record,
        }
    }
}

/// A record that may hold personal data.
pub(super) trait Mask {
    /// The same without personal data: what is there stays there, masked; what is absent stays absent.
    fn masked(&self) -> Self;
}

impl Mask for Lead {
    fn masked(&self) -> Self {
        let Self {
            key,
            vendor,
            name,
            first_name,
            last_name,
            email,
            phone,
            phone_e164,
            status,
            vendor_status,
            status_detail,
            notes,
            custom_fields,
            page_url,
            campaign,
            approval,
            attribution,
            is_test,
            do_not_contact,
            created_at,
            updated_at,
            last_activity_at,
            conversation,
            sparse,
            raw: _,
        } = self;
        let person = |name: &Option<String>| name.as_deref().map(self::name);
        Self {
            key: key.clone(),
            vendor: *vendor,
            name: person(name),
            first_name: person(first_name),
            last_name: person(last_name),
            email: email.as_deref().map(self::email),
            phone: phone.as_deref().map(self::phone),
            phone_e164: phone_e164.as_deref().map(self::phone),
            status: *status,
            vendor_status: vendor_status.clone(),
            status_detail: hidden(status_detail.as_ref()),
            notes: notes.iter().map(Mask::masked).collect(),
            custom_fields: custom_fields.iter().map(Mask::masked).collect(),
            page_url: page_url.as_deref().map(page),
            campaign: campaign.clone(),
            approval: approval.as_ref().map(|approval| Box::new(approval.masked())),
            attribution: json(attribution.as_ref()),
            is_test: *is_test,
            do_not_contact: *do_not_contact,
            created_at: *created_at,
            updated_at: *updated_at,
            last_activity_at: *last_activity_at,
            conversation: conversation.clone(),
            sparse: *sparse,
            raw: None,
        }
    }
}

impl Mask for LeadNote {
    fn masked(&self) -> Self {
        let Self { id, text: _, created_at, author } = self;
        Self {
            id: id.clone(),
            text: HIDDEN.to_owned(),
            created_at: *created_at,
            author: hidden(author.as_ref()),
        }
    }
}

impl Mask for CustomField {
    fn masked(&self) -> Self {
        let Self { key, label, value } = self;
        Self { key: key.clone(), label: label.clone(), value: json(value.as_ref()) }
    }
}

impl Mask for Approval {
    fn masked(&self) -> Self {
        let Self { status, reason, decided_at, decided_by } = self;
        Self {
            status: status.clone(),
            reason: hidden(reason.as_ref()),
            decided_at: *decided_at,
            decided_by: hidden(decided_by.as_ref()),
        }
    }
}

impl Mask for Conversation {
    fn masked(&self) -> Self {
        let Self {
            key,
            vendor,
            channel,
            vendor_channel,
            direction,
            state,
            vendor_state,
            started_at,
            ended_at,
            duration_seconds,
            turn_count,
            page_url,
            preview,
            summary,
            customer,
            transcript,
            tool_calls,
            partial,
            recording,
            expires_at,
            lead,
            raw: _,
        } = self;
        Self {
            key: key.clone(),
            vendor: *vendor,
            channel: *channel,
            vendor_channel: vendor_channel.clone(),
            direction: *direction,
            state: *state,
            vendor_state: vendor_state.clone(),
            started_at: *started_at,
            ended_at: *ended_at,
            duration_seconds: *duration_seconds,
            turn_count: *turn_count,
            page_url: page_url.as_deref().map(page),
            preview: hidden(preview.as_ref()),
            summary: hidden(summary.as_ref()),
            customer: hidden(customer.as_ref()),
            transcript: turns(transcript.as_deref()),
            tool_calls: tool_calls.iter().map(Mask::masked).collect(),
            partial: *partial,
            recording: recording.clone(),
            expires_at: *expires_at,
            lead: lead.clone(),
            raw: None,
        }
    }
}

impl Mask for TranscriptTurn {
    fn masked(&self) -> Self {
        let Self { role, vendor_role, text: _, at, offset_ms } = self;
        Self {
            role: *role,
            vendor_role: vendor_role.clone(),
            text: HIDDEN.to_owned(),
            at: *at,
            offset_ms: *offset_ms,
        }
    }
}

impl Mask for ToolCall {
    fn masked(&self) -> Self {
        let Self { name, args } = self;
        Self { name: name.clone(), args: json(args.as_ref()) }
    }
}

impl Mask for Interaction {
    fn masked(&self) -> Self {
        let Self {
            key,
            vendor,
            kind,
            vendor_kind,
            status,
            vendor_status,
            direction,
            occurred_at,
            updated_at,
            summary,
            customer,
            transcript,
            partial,
            call,
            sms,
            telephony,
            failure,
            lead,
            raw: _,
        } = self;
        Self {
            key: key.clone(),
            vendor: *vendor,
            kind: *kind,
            vendor_kind: vendor_kind.clone(),
            status: *status,
            vendor_status: vendor_status.clone(),
            direction: *direction,
            occurred_at: *occurred_at,
            updated_at: *updated_at,
            summary: hidden(summary.as_ref()),
            customer: hidden(customer.as_ref()),
            transcript: turns(transcript.as_deref()),
            partial: *partial,
            call: call.clone(),
            sms: sms.clone(),
            telephony: telephony.as_ref().map(Mask::masked),
            failure: failure.as_ref().map(Mask::masked),
            lead: lead.clone(),
            raw: None,
        }
    }
}

impl Mask for Telephony {
    fn masked(&self) -> Self {
        let Self { provider, message_id, phone_number } = self;
        Self {
            provider: provider.clone(),
            message_id: hidden(message_id.as_ref()),
            phone_number: phone_number.as_deref().map(phone),
        }
    }
}

impl Mask for InteractionFailure {
    fn masked(&self) -> Self {
        let Self { code, message } = self;
        Self { code: code.clone(), message: hidden(message.as_ref()) }
    }
}

fn hidden(text: Option<&String>) -> Option<String> {
    text.map(|_| HIDDEN.to_owned())
}

fn json(value: Option<&Json>) -> Option<Json> {
    value.map(|_| Json::from_valid(format!("\"{HIDDEN}\"")))
}

fn turns(transcript: Option<&[TranscriptTurn]>) -> Option<Vec<TranscriptTurn>> {
    transcript.map(|turns| turns.iter().map(Mask::masked).collect())
}

/// The first letter, of what is not short enough to be told by it.
fn first(text: &str) -> &str {
    let end = text.char_indices().nth(1).map_or(0, |(end, _)| end);
    if text.chars().count() < 3 { "" } else { text.get(..end).unwrap_or_default() }
}

/// `Grace Murphy` becomes `G*** M***`, whatever the length of its words.
fn name(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().map(|word| format!("{}{HIDDEN}", first(word))).collect();
    words.join(" ")
}

/// `grace@example.net` becomes `g***@e***.net`.
fn email(text: &str) -> String {
    let parts = text.trim().rsplit_once('@').and_then(|(local, domain)| {
        let (host, top) = domain.rsplit_once('.')?;
        let plain = (2..=12).contains(&top.len()) && top.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain.then(|| format!("{}{HIDDEN}@{}{HIDDEN}.{top}", first(local), first(host)))
    });
    parts.unwrap_or_else(|| HIDDEN.to_owned())
}

/// `+1 555 123 4560` becomes `+*********60`, whatever its length.
fn phone(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match digits.get(digits.len().saturating_sub(2)..) {
        Some(last) if digits.len() >= 7 => {
            let plus = if text.trim_start().starts_with('+') { "+" } else { "" };
            format!("{plus}*********{last}")
        }
        _ => HIDDEN.to_owned(),
    }
}

/// The page itself, without what its address says of the visitor: query, fragment, user, and parts of the path that look
/// like an address or a number.
fn page(text: &str) -> String {
    let Some((url, host)) =
        Url::parse(text).ok().and_then(|url| Some((url.clone(), url.host_str()?.to_owned())))
    else {
        return HIDDEN.to_owned();
    };
    let telling =
        |part: &str| part.contains(['@', '%']) || part.bytes().filter(u8::is_ascii_digit).count() >= 7;
    let path = url.path().split('/').map(|part| if telling(part) { HIDDEN } else { part });
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let query = if url.query().is_some() { "?***" } else { "" };
    let fragment = if url.fragment().is_some() { "#***" } else { "" };
    format!("{}://{host}{port}{}{query}{fragment}", url.scheme(), path.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests;
