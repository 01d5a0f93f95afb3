//! The subscription root: what can be followed.
//!
//! The field runs once when somebody subscribes, and once for each event, in a request of its own (`request/live.rs`); what
//! it has to do, it finds in that request.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, Subscription as Root};
use futures_util::Stream;
use futures_util::stream;

use super::error::ClientError;
use super::input::EventFilter;
use super::state::State;
use super::types::event::{Event, EventType};
use crate::events::{self, Heard, Listener, Log, Overrun};
use crate::gather::request::SourceFilter;
use crate::model::caller::{Caller, Scope};

/// What the root field has to do in this request.
pub(super) enum Stage {
    /// Check what is wanted, and leave a subscriber here.
    Opening(Mutex<Option<Subscriber>>),
    /// Tell this.
    Telling(Heard),
}

impl Stage {
    /// Nobody has subscribed yet.
    pub(super) fn opening() -> Self {
        Self::Opening(Mutex::default())
    }

    /// Who has subscribed.
    pub(super) fn subscriber(&self) -> Option<Subscriber> {
        match self {
            Self::Opening(slot) => slot.lock().unwrap_or_else(PoisonError::into_inner).take(),
            Self::Telling(_) => None,
        }
    }
}

/// Somebody who follows events.
pub(super) struct Subscriber {
    listener: Listener,
    wanted: Wanted,
    caller: Caller,
}

impl Subscriber {
    /// What is to be told next.
    ///
    /// # Errors
    /// Where it was told too slowly.
    pub(super) async fn hear(&mut self) -> Result<Heard, Overrun> {
        let Self { listener, wanted, caller } = self;
        listener.next(|event| wanted.holds(event) && caller.sees(&event.source)).await
    }
}

/// Which events are wanted.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Of which types; `None`: of all.
    pub(super) types: Option<Vec<EventType>>,
    /// Of which sources.
    pub(super) of: SourceFilter,
}

impl Wanted {
    fn holds(&self, event: &events::Event) -> bool {
        let kind = EventType::from(event.kind);
        (kind == EventType::Lagged || self.types.as_ref().is_none_or(|types| types.contains(&kind)))
            && self.of.sources.as_ref().is_none_or(|sources| sources.contains(&event.source))
            && self.of.vendors.as_ref().is_none_or(|vendors| vendors.contains(&event.vendor))
    }
}

/// The `Subscription` of the schema.
pub(super) struct Subscription;

/// What can be followed, over WebSocket at `/graphql/ws` (`graphql-transport-ws`) and over server-sent events at
/// `/graphql/stream` (`graphql-sse`). A subscription selects exactly one field.
#[Root]
impl Subscription {
    /// What happens at the sources from now on: told by their webhooks, by this gateway's own writes, and by polling what
    /// has no webhook. Events of one source come in the order in which the gateway learned of them. Each holds the records
    /// it is about as they were then; only what must be looked up beside them costs calls, for each event anew.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these events. Those of type `LAGGED` come in any case.")] filter: Option<
            EventFilter,
        >,
        #[graphql(
            desc = "An `Event.cursor`: what has happened since is told first, then what happens from now on. Pass the \
                    last one seen after a reconnect and nothing is missed and nothing told twice; where that is too \
                    long ago, the first event is of type `LAGGED`."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Event> + use<>, ClientError> {
        let told = match ctx.data_opt::<Arc<Stage>>().map(AsRef::as_ref) {
            Some(Stage::Telling(heard)) => Some(Event(heard.clone())),
            Some(Stage::Opening(slot)) => {
                let subscriber = subscribe(ctx, filter.unwrap_or_default(), after.as_deref())?;
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(subscriber);
                None
            }
            None => return Err(ClientError::Internal),
        };
        Ok(stream::iter(told))
    }
}

fn subscribe(ctx: &Context<'_>, filter: EventFilter, after: Option<&str>) -> Result<Subscriber, ClientError> {
    let (state, log) = (State::of(ctx)?, ctx.data_opt::<Log>().ok_or(ClientError::Internal)?);
    let caller = state.cx.caller.clone();
    if !caller.may(Scope::EventsRead) {
        return Err(ClientError::Forbidden(Scope::EventsRead));
    }
    let wanted: Wanted = filter.try_into()?;
    state.gather.check(&caller, &wanted.of)?;
    let listener = log.listen(&caller.name, after).map_err(|_| {
        ClientError::cursor_invalid(
            "This cursor was not made by this gateway for events of this caller, or it was altered. Subscribe without \
             `after`, and read anew what you show.",
        )
    })?;
    Ok(Subscriber { listener, wanted, caller })
}

#[cfg(test)]
mod tests;
