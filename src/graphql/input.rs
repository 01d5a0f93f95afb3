//! What clients type: filters, pages and what to do about failing sources, turned into what `gather/` takes.

use async_graphql::{Enum, ID, InputObject};

use super::error::ClientError;
use super::scalars::id;
use super::scalars::time::DateTime;
use super::subscription::Wanted;
use super::types::conversation::Channel;
use super::types::event::EventType;
use super::types::interaction::{Direction, InteractionKind};
use super::types::lead::LeadStatus;
use super::types::vendor::Vendor;
use crate::gather::request;
use crate::model::id::EntityKind;

/// What a list does about sources that fail while others answer. Whatever is chosen: a page that would be empty only
/// because sources failed is never returned; the field is null with the error `SOURCES_UNAVAILABLE` instead.
#[derive(Clone, Copy, PartialEq, Eq, Enum, Debug)]
pub(super) enum OnSourceFailure {
    /// Answer what there is, and say in `incomplete` and `sources` who failed. `errors` stays empty, so clients that
    /// drop all data on any error keep working.
    Partial,
    /// As `PARTIAL`, with one more entry in `errors` for every source that failed.
    PartialWithErrors,
    /// No data unless all sources answered: the field is null, with one entry in `errors`. Older
    /// data in place of a failing vendor's (`STALE`) is an answer.
    Fail,
}

/// A range of time.
#[derive(InputObject, Default, Debug)]
pub(super) struct TimeRange {
    /// The earliest instant, itself included. Absent: no lower bound.
    from: Option<DateTime>,
    /// The latest instant, itself excluded. Absent: no upper bound.
    to: Option<DateTime>,
}

impl From<Option<TimeRange>> for request::TimeRange {
    fn from(range: Option<TimeRange>) -> Self {
        let TimeRange { from, to } = range.unwrap_or_default();
        Self { from: from.map(|at| at.0), to: to.map(|at| at.0) }
    }
}

/// Which leads are wanted. All given members must hold; a list means any of its values and must not be empty. Filters
/// that a vendor does not run itself run in the gateway, so they may read more pages; `Source.capabilities` tells which.
#[derive(InputObject, Default, Debug)]
pub(super) struct LeadFilter {
    /// Only of these sources, by their `Source.id`.
    sources: Option<Vec<ID>>,
    /// Only of sources of these vendors.
    vendors: Option<Vec<Vendor>>,
    /// Only with one of these statuses. `UNKNOWN` also matches leads of vendors that keep no status.
    status: Option<Vec<LeadStatus>>,
    /// Only created within this range.
    created_at: Option<TimeRange>,
    /// Only with exactly this e-mail address; case does not matter. Needs the scope `pii:read`.
    email: Option<String>,
    /// Only with exactly this phone number, compared in E.164 form where that is certain. Needs the scope `pii:read`.
    phone: Option<String>,
    /// Only where this text is contained in name, e-mail address, phone number or a note; case does not matter. Needs the
    /// scope `pii:read`.
    text: Option<String>,
    /// True: only leads that name their conversation. False: only those that do not.
    has_conversation: Option<bool>,
}

/// Which conversations are wanted. All given members must hold; a list means any of its values and must not be empty.
#[derive(InputObject, Default, Debug)]
pub(super) struct ConversationFilter {
    /// Only of these sources, by their `Source.id`.
    sources: Option<Vec<ID>>,
    /// Only of sources of these vendors.
    vendors: Option<Vec<Vendor>>,
    /// Only in one of these channels.
    channel: Option<Vec<Channel>>,
    /// Only begun within this range.
    started_at: Option<TimeRange>,
    /// True: only with a recording. False: only without.
    has_recording: Option<bool>,
    /// Only where this text is contained in preview, summary, customer or a turn; case does not matter. Needs the scope
    /// `pii:read`.
    text: Option<String>,
}

/// Which interactions are wanted. All given members must hold; a list means any of its values and must not be empty.
#[derive(InputObject, Default, Debug)]
pub(super) struct InteractionFilter {
    /// Only of these sources, by their `Source.id`.
    sources: Option<Vec<ID>>,
    /// Only of sources of these vendors.
    vendors: Option<Vec<Vendor>>,
    /// Only of these leads, by their `Lead.id`; at most 100. Sources that list interactions of one lead at a time
    /// (`InteractionListing.PER_LEAD`) answer exactly with it, and only from their newest leads without it.
    leads: Option<Vec<ID>>,
    /// Only of one of these kinds.
    kind: Option<Vec<InteractionKind>>,
    /// Only of one of these directions.
    direction: Option<Vec<Direction>>,
    /// Only begun within this range.
    occurred_at: Option<TimeRange>,
}

/// Which events are wanted. All given members must hold; a list means any of its values and must not be empty.
#[derive(InputObject, Default, Debug)]
pub(super) struct EventFilter {
    /// Only of these types. `LAGGED` comes whether or not it is among them.
    types: Option<Vec<EventType>>,
    /// Only of these sources, by their `Source.id`.
    sources: Option<Vec<ID>>,
    /// Only of sources of these vendors.
    vendors: Option<Vec<Vendor>>,
}

fn of(sources: Option<Vec<ID>>, vendors: Option<Vec<Vendor>>) -> Result<request::SourceFilter, ClientError> {
    let sources = sources.map(|ids| ids.iter().map(id::source).collect()).transpose()?;
    Ok(request::SourceFilter { sources, vendors: words(vendors) })
}

fn words<A: Into<B>, B>(words: Option<Vec<A>>) -> Option<Vec<B>> {
    words.map(|words| words.into_iter().map(Into::into).collect())
}

impl TryFrom<LeadFilter> for request::LeadFilter {
    type Error = ClientError;

    fn try_from(filter: LeadFilter) -> Result<Self, ClientError> {
        Ok(Self {
            of: of(filter.sources, filter.vendors)?,
            status: words(filter.status),
            created: filter.created_at.into(),
            email: filter.email,
            phone: filter.phone,
            text: filter.text,
            has_conversation: filter.has_conversation,
        })
    }
}

impl TryFrom<ConversationFilter> for request::ConversationFilter {
    type Error = ClientError;

    fn try_from(filter: ConversationFilter) -> Result<Self, ClientError> {
        Ok(Self {
            of: of(filter.sources, filter.vendors)?,
            channel: words(filter.channel),
            started: filter.started_at.into(),
            has_recording: filter.has_recording,
            text: filter.text,
        })
    }
}

impl TryFrom<EventFilter> for Wanted {
    type Error = ClientError;

    fn try_from(filter: EventFilter) -> Result<Self, ClientError> {
        if filter.types.as_ref().is_some_and(Vec::is_empty) {
            return Err(ClientError::bad_input(
                "filter.types is an empty list, which matches nothing. Leave it out to match everything.",
            ));
        }
        Ok(Self { types: filter.types, of: of(filter.sources, filter.vendors)? })
    }
}

impl TryFrom<InteractionFilter> for request::InteractionFilter {
    type Error = ClientError;

    fn try_from(filter: InteractionFilter) -> Result<Self, ClientError> {
        let lead = |id: &ID| id::record(id, EntityKind::Lead);
        Ok(Self {
            of: of(filter.sources, filter.vendors)?,
            leads: filter.leads.map(|ids| ids.iter().map(lead).collect()).transpose()?,
            kind: words(filter.kind),
            direction: words(filter.direction),
            occurred: filter.occurred_at.into(),
        })
    }
}
