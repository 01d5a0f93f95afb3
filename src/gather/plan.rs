//! Which sources can answer, what each is asked, and what must be trimmed here. The only reader of caps.

use std::sync::Arc;

use super::cursor::input;
use super::lists::{ConversationList, Desk, LeadList, TalkList};
use super::reader::{Reader, Way};
use super::registry::not_empty;
use super::request::{ConversationFilter, InputCode, InputError, InteractionFilter, LeadFilter, TimeRange};
use super::trim;
use super::trim::Keep;
use crate::model::caller::{Caller, Scope};
use crate::model::caps::{ListCaps, Paging, TimeFilter};
use crate::model::conversation::{Channel, Conversation};
use crate::model::interaction::{Interaction, InteractionKind};
use crate::model::lead::{Lead, LeadStatus};
use crate::model::text::email_key;
use crate::source::{ConversationQuery, LeadQuery, Source, Span};

/// What one source has to do with a connection.
pub(super) enum Leg<T> {
    /// It is read.
    Read(Course<T>),
    /// Nothing of it can match.
    Skipped,
    /// It has no such list.
    Unsupported,
}

/// Each source that a filter allows, sorted by name, and what it has to do.
pub(super) type Legs<T> = Vec<(Arc<dyn Source>, Leg<T>)>;

/// How one source is read.
pub(super) struct Course<T> {
    pub(super) reader: Arc<dyn Reader<T>>,
    pub(super) way: Way,
    pub(super) keep: Keep<T>,
    pub(super) span: Span,
    pub(super) bounds: Span,
}

/// The part of a source that lists leads.
pub(super) fn leads(desk: Desk, filter: &LeadFilter) -> Leg<Lead> {
    let Some(list) = desk.source.leads() else { return Leg::Unsupported };
    let caps = list.caps_dyn();
    let statuses = filter.status.as_deref();
    let no_status = !caps.has_status && statuses.is_some_and(|any| !any.contains(&LeadStatus::Unknown));
    if no_status || (!caps.has_conversation && filter.has_conversation == Some(true)) {
        return Leg::Skipped;
    }
    let email = filter.email.as_deref().map(email_key).filter(|_| caps.email);
    let query = LeadQuery {
        created: Span::default(),
        status: statuses
            .and_then(|any| <[_; 1]>::try_from(any).ok())
            .map(|[one]| one)
            .filter(|one| caps.status.contains(one)),
        email: email.map(Into::into),
    };
    let looks_inside = statuses.is_some()
        || filter.email.is_some()
        || filter.phone.is_some()
        || filter.text.is_some()
        || filter.has_conversation.is_some();
    Leg::Read(Course {
        way: way(&caps.list),
        span: native(&caps.list, filter.created),
        bounds: span(filter.created),
        keep: trim::leads(filter),
        reader: Arc::new(LeadList { desk, query, looks_inside }),
    })
}

/// The part of a source that lists conversations.
pub(super) fn conversations(desk: Desk, filter: &ConversationFilter) -> Leg<Conversation> {
    let Some(list) = desk.source.conversations() else { return Leg::Unsupported };
    let caps = list.caps_dyn();
    let channels = filter.channel.as_deref().unwrap_or_default();
    let possible = channels.is_empty()
        || caps.channels.is_empty()
        || channels.iter().any(|channel| caps.channels.contains(channel));
    if !possible || (!caps.recordings && filter.has_recording == Some(true)) {
        return Leg::Skipped;
    }
    // All of the wanted channels, or none: half of them would lose the others.
    let all_native = channels.iter().all(|channel| caps.channel_filter.contains(channel));
    let query = ConversationQuery {
        started: Span::default(),
        channels: if all_native { canonical(channels) } else { Vec::new() },
        has_recording: caps.has_recording && filter.has_recording == Some(true),
    };
    Leg::Read(Course {
        way: way(&caps.list),
        span: native(&caps.list, filter.started),
        bounds: span(filter.started),
        keep: trim::conversations(filter),
        reader: Arc::new(ConversationList { desk, query }),
    })
}

/// The part of a source whose conversations are its interactions.
pub(super) fn talks(desk: Desk, filter: &InteractionFilter) -> Leg<Interaction> {
    let Some(list) = desk.source.conversations() else { return Leg::Unsupported };
    let caps = list.caps_dyn();
    let kinds = filter.kind.as_deref().unwrap_or_default();
    let kind_of = |channel: &Channel| match channel {
        Channel::Voice => InteractionKind::Call,
        Channel::Sms => InteractionKind::Sms,
        Channel::Email => InteractionKind::Email,
        _ => InteractionKind::Chat,
    };
    let possible = kinds.is_empty()
        || caps.channels.is_empty()
        || caps.channels.iter().any(|one| kinds.contains(&kind_of(one)));
    if !possible {
        return Leg::Skipped;
    }
    let query = ConversationQuery::default();
    Leg::Read(Course {
        way: way(&caps.list),
        span: native(&caps.list, filter.occurred),
        bounds: span(filter.occurred),
        keep: trim::interactions(filter),
        reader: Arc::new(TalkList(ConversationList { desk, query })),
    })
}

/// How a list without any filter is read: for look-ups.
pub(super) fn way(caps: &ListCaps) -> Way {
    match caps.paging {
        Paging::Cursor => {
            Way::Stream { dated: caps.since != TimeFilter::None && caps.until != TimeFilter::None }
        }
        Paging::Offset => Way::Windows { size: caps.page_size.get() },
    }
}

fn span(range: TimeRange) -> Span {
    Span { since: range.from, until: range.to }
}

/// The part of a range that the vendor filters by itself.
fn native(caps: &ListCaps, range: TimeRange) -> Span {
    Span {
        since: range.from.filter(|_| caps.since != TimeFilter::None),
        until: range.to.filter(|_| caps.until != TimeFilter::None),
    }
}

fn canonical(channels: &[Channel]) -> Vec<Channel> {
    let mut channels = channels.to_vec();
    channels.sort_unstable();
    channels.dedup();
    channels
}

/// Refuses a filter of leads that cannot match.
pub(super) fn check_leads(caller: &Caller, filter: &LeadFilter) -> Result<(), InputError> {
    check_private(caller, "filter.email", filter.email.as_deref())?;
    check_private(caller, "filter.phone", filter.phone.as_deref())?;
    check_private(caller, "filter.text", filter.text.as_deref())?;
    not_empty("filter.status", filter.status.as_deref())?;
    check_range("filter.createdAt", filter.created)?;
    check_text("filter.email", filter.email.as_deref())?;
    check_text("filter.phone", filter.phone.as_deref())?;
    check_text("filter.text", filter.text.as_deref())
}

/// Refuses a filter of conversations that cannot match.
pub(super) fn check_conversations(caller: &Caller, filter: &ConversationFilter) -> Result<(), InputError> {
    check_private(caller, "filter.text", filter.text.as_deref())?;
    not_empty("filter.channel", filter.channel.as_deref())?;
    check_range("filter.startedAt", filter.started)?;
    check_text("filter.text", filter.text.as_deref())
}

/// Refuses a filter of interactions that cannot match.
pub(super) fn check_interactions(filter: &InteractionFilter) -> Result<(), InputError> {
    not_empty("filter.leads", filter.leads.as_deref())?;
    not_empty("filter.kind", filter.kind.as_deref())?;
    not_empty("filter.direction", filter.direction.as_deref())?;
    if filter.leads.as_ref().is_some_and(|leads| leads.len() > 100) {
        return Err(input(
            InputCode::BadUserInput,
            "filter.leads takes at most 100 leads. Ask in several requests.",
        ));
    }
    check_range("filter.occurredAt", filter.occurred)
}

fn check_range(name: &str, range: TimeRange) -> Result<(), InputError> {
    match (range.from, range.to) {
        (Some(from), Some(to)) if from >= to => {
            let message =
                format!("{name}.from must be earlier than {name}.to (from is inclusive, to is exclusive).");
            Err(input(InputCode::BadUserInput, message))
        }
        _ => Ok(()),
    }
}

/// Refuses a filter by what the caller may not read: whether anything matches would tell it.
fn check_private(caller: &Caller, name: &str, text: Option<&str>) -> Result<(), InputError> {
    if text.is_none() || caller.may(Scope::PiiRead) {
        return Ok(());
    }
    let scope = Scope::PiiRead.as_str();
    let message =
        format!("{name} needs the scope {scope}, since it finds people by their data. Leave it out.");
    Err(input(InputCode::Forbidden, message))
}

fn check_text(name: &str, text: Option<&str>) -> Result<(), InputError> {
    match text.map(str::trim) {
        Some("") => {
            Err(input(InputCode::BadUserInput, format!("{name} is empty. Leave it out to match everything.")))
        }
        Some(text) if text.len() > 200 => {
            Err(input(InputCode::BadUserInput, format!("{name} is longer than 200 bytes. Shorten it.")))
        }
        _ => Ok(()),
    }
}
