//! Something that happened.

use async_graphql::{Context, Enum, Object};

use super::conversation::Conversation;
use super::interaction::Interaction;
use super::lead::Lead;
use super::source::Source;
use crate::events::{EventKind, Heard};
use crate::graphql::error::ClientError;
use crate::graphql::scalars::time::{DateTime, at};
use crate::graphql::state::State;

/// The `Event` of the schema.
pub(in crate::graphql) struct Event(pub(in crate::graphql) Heard);

/// Something that happened at a source.
#[Object]
impl Event {
    /// Where to go on after a reconnect: pass the last one seen as `after`. Opaque; good for as long as the gateway keeps
    /// events, and for the process that made it.
    async fn cursor(&self) -> Result<String, ClientError> {
        self.0.mark.cursor().ok_or(ClientError::Internal)
    }

    /// What happened.
    #[graphql(name = "type")]
    async fn kind(&self) -> EventType {
        self.0.event.as_ref().map_or(EventType::Lagged, |event| event.kind.into())
    }

    /// Where it happened; for `LAGGED` the one source of which events were missed, null where it may be any. Its `health` is that of the moment at which the event is told.
    async fn source(&self) -> Option<Source> {
        self.0.event.as_ref().map(|event| Source::named(&event.source, event.vendor))
    }

    /// When it happened at the vendor; null where that is not known.
    async fn occurred_at(&self) -> Option<DateTime> {
        at(self.0.event.as_ref()?.occurred_at)
    }

    /// When the gateway learned of it.
    async fn received_at(&self, ctx: &Context<'_>) -> Result<DateTime, ClientError> {
        match &self.0.event {
            Some(event) => Ok(DateTime(event.received_at)),
            None => Ok(DateTime(State::of(ctx)?.cx.now)),
        }
    }

    /// The lead it is about, as it was then; null where it is about none.
    async fn lead(&self, ctx: &Context<'_>) -> Option<Result<Lead, ClientError>> {
        let told = self.0.event.as_ref()?.lead.clone()?;
        Some(State::of(ctx).map(|state| Lead::new(state.show(told))))
    }

    /// The conversation it is about, as it was then; null where it is about none.
    async fn conversation(&self, ctx: &Context<'_>) -> Option<Result<Conversation, ClientError>> {
        let told = self.0.event.as_ref()?.conversation.clone()?;
        Some(State::of(ctx).map(|state| Conversation::new(state.show(told))))
    }

    /// The interaction it is about, as it was then; null where it is about none.
    async fn interaction(&self, ctx: &Context<'_>) -> Option<Result<Interaction, ClientError>> {
        let told = self.0.event.as_ref()?.interaction.clone()?;
        Some(State::of(ctx).map(|state| Interaction::new(state.show(told))))
    }
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Enum, Debug)]
pub(in crate::graphql) enum EventType {
    /// There is a new lead.
    LeadCreated,
    /// A lead has changed.
    LeadUpdated,
    /// A conversation is over.
    ConversationEnded,
    /// A recording can be fetched.
    RecordingReady,
    /// There is a new entry in a lead's history.
    InteractionAdded,
    /// A source is doing better or worse than before; `source { health { state } }` says how it is doing now.
    SourceStateChanged,
    /// Events were missed that the gateway no longer has, or could not find out. Read anew what you show (of its `source`, where it
    /// names one); what follows is new.
    Lagged,
}

impl From<EventKind> for EventType {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::LeadCreated => Self::LeadCreated,
            EventKind::LeadUpdated => Self::LeadUpdated,
            EventKind::ConversationEnded => Self::ConversationEnded,
            EventKind::RecordingReady => Self::RecordingReady,
            EventKind::InteractionAdded => Self::InteractionAdded,
            EventKind::SourceStateChanged => Self::SourceStateChanged,
            EventKind::Missed => Self::Lagged,
        }
    }
}
