//! What belongs to one request: its circumstances, its loaders, the lists it has read.

use std::sync::Arc;

use async_graphql::Context;

use super::error::ClientError;
use super::loaders::Loaders;
use super::memo::Memo;
use crate::gather::Gather;
use crate::gather::answer::{Connection, SourceView};
use crate::gather::request::{ConversationFilter, InteractionFilter, LeadFilter, Paging};
use crate::model::conversation::Conversation;
use crate::model::cx::Cx;
use crate::model::id::SourceId;
use crate::model::interaction::Interaction;
use crate::model::lead::Lead;

/// A page of a merged list, or why there is none.
pub(super) type Listed<T> = Result<Arc<Connection<T>>, ClientError>;

/// What belongs to one request.
pub(super) struct State {
    /// All sources.
    pub(super) gather: Gather,
    /// The circumstances.
    pub(super) cx: Cx,
    /// Look-ups by key.
    pub(super) loaders: Loaders,
    /// Lists of leads.
    pub(super) leads: Memo<(LeadFilter, Paging), Listed<Lead>>,
    /// Lists of conversations.
    pub(super) conversations: Memo<(ConversationFilter, Paging), Listed<Conversation>>,
    /// Lists of interactions.
    pub(super) interactions: Memo<(InteractionFilter, Paging), Listed<Interaction>>,
}

impl State {
    /// The state of a new request.
    pub(super) fn new(gather: Gather, cx: Cx) -> Self {
        Self {
            loaders: Loaders::new(&gather, &cx),
            gather,
            cx,
            leads: Memo::default(),
            conversations: Memo::default(),
            interactions: Memo::default(),
        }
    }

    /// The state of the request that a resolver works for.
    ///
    /// # Errors
    /// `INTERNAL` where the schema was executed without sources.
    pub(super) fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self, ClientError> {
        ctx.data_opt().ok_or(ClientError::Internal)
    }

    /// A source, where it exists for whoever asks.
    pub(super) fn source(&self, id: &SourceId) -> Option<SourceView> {
        self.gather.source(&self.cx.caller, id)
    }
}
