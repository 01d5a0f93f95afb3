//! The query root: what can be asked.

use async_graphql::{Context, ID, Object};

use super::error::ClientError;
use super::input::{ConversationFilter, InteractionFilter, LeadFilter, OnSourceFailure};
use super::scalars::id;
use super::state::State;
use super::types::connection::{ConversationConnection, InteractionConnection, LeadConnection};
use super::types::conversation::Conversation;
use super::types::interaction::Interaction;
use super::types::lead::Lead;
use super::types::node::{self, Node};
use super::types::report;
use super::types::source::Source;
use super::types::viewer::Viewer;
use super::writer::{Listed as _, Written, tells_calls};
use crate::gather::request::Paging;
use crate::model::cx::Cx;
use crate::model::id::EntityKind;

/// The most ids that `nodes` takes.
pub(super) const MAX_NODES: usize = 100;

/// The `Query` of the schema.
pub(super) struct Query;

/// What can be asked. Reading costs calls to vendors, who allow few: ask for the fields and pages you need.
#[Object]
#[expect(clippy::too_many_arguments, reason = "the arguments of Relay's connections")]
impl Query {
    /// Finds anything by its global id. Null where it no longer exists; null with the error `BAD_ID` where the id is none.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A global id, as any `id` field gives it.")] id: ID,
    ) -> Option<Result<Node, ClientError>> {
        let find = async { Node::find(State::of(ctx)?, &id).await };
        find.await.transpose()
    }

    /// Finds many things by their global ids, in the order of the ids. What does not exist is null; what could not be
    /// read is null with an entry in `errors`.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global ids, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Result<Node, ClientError>>>, ClientError> {
        if ids.len() > MAX_NODES {
            return Err(ClientError::bad_input(format!("`ids` may hold at most {MAX_NODES} ids.")));
        }
        let state = State::of(ctx)?;
        let finds = ids.iter().map(|id| async { Node::find(state, id).await.transpose() });
        Ok(futures_util::future::join_all(finds).await)
    }

    /// Leads of all sources, newest first. Null, with an error, only where no source could answer or the request cannot
    /// be: one failing source leaves the others' leads, with `incomplete: true`.
    async fn leads(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "How many from the front, or behind `after`: 1 to 100; 25 if neither `first` nor `last` is given."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only behind this cursor. Cursors are good for 24 hours and for the same filter.")]
        after: Option<String>,
        #[graphql(desc = "How many from the end, or before `before`: 1 to 100. Not together with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these leads.")] filter: Option<LeadFilter>,
        #[graphql(
            desc = "What to do about sources that fail while others answer.",
            default_with = "OnSourceFailure::Partial"
        )]
        on_source_failure: OnSourceFailure,
    ) -> Option<Result<Written<LeadConnection>, ClientError>> {
        let list = async {
            let asked = (filter.unwrap_or_default().try_into()?, Paging { first, after, last, before });
            let state = State::of(ctx)?;
            let page = LeadConnection::read(state, asked).await?;
            state.note_page(&page, || tells_calls(ctx));
            report::check(ctx, on_source_failure, &page.reports)?;
            Ok(Written(LeadConnection::new(state, page)))
        };
        Some(list.await)
    }

    /// Conversations of all sources, newest first. Partial failure is told as in `leads`.
    async fn conversations(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "How many from the front, or behind `after`: 1 to 100; 25 if neither `first` nor `last` is given."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only behind this cursor. Cursors are good for 24 hours and for the same filter.")]
        after: Option<String>,
        #[graphql(desc = "How many from the end, or before `before`: 1 to 100. Not together with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these conversations.")] filter: Option<ConversationFilter>,
        #[graphql(
            desc = "What to do about sources that fail while others answer.",
            default_with = "OnSourceFailure::Partial"
        )]
        on_source_failure: OnSourceFailure,
    ) -> Option<Result<Written<ConversationConnection>, ClientError>> {
        let list = async {
            let asked = (filter.unwrap_or_default().try_into()?, Paging { first, after, last, before });
            let state = State::of(ctx)?;
            let page = ConversationConnection::read(state, asked).await?;
            state.note_page(&page, || tells_calls(ctx));
            report::check(ctx, on_source_failure, &page.reports)?;
            Ok(Written(ConversationConnection::new(state, page)))
        };
        Some(list.await)
    }

    /// Interactions of all sources, newest first. Sources that list interactions of one lead at a time answer exactly
    /// with `filter.leads`; without it they answer from their newest leads and report `PARTIAL`. Partial failure is told
    /// as in `leads`.
    async fn interactions(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "How many from the front, or behind `after`: 1 to 100; 25 if neither `first` nor `last` is given."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only behind this cursor. Cursors are good for 24 hours and for the same filter.")]
        after: Option<String>,
        #[graphql(desc = "How many from the end, or before `before`: 1 to 100. Not together with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these interactions.")] filter: Option<InteractionFilter>,
        #[graphql(
            desc = "What to do about sources that fail while others answer.",
            default_with = "OnSourceFailure::Partial"
        )]
        on_source_failure: OnSourceFailure,
    ) -> Option<Result<Written<InteractionConnection>, ClientError>> {
        let list = async {
            let asked = (filter.unwrap_or_default().try_into()?, Paging { first, after, last, before });
            let state = State::of(ctx)?;
            let page = InteractionConnection::read(state, asked).await?;
            state.note_page(&page, || tells_calls(ctx));
            report::check(ctx, on_source_failure, &page.reports)?;
            Ok(Written(InteractionConnection::new(state, page)))
        };
        Some(list.await)
    }

    /// One lead by its global id; null where it no longer exists. A vendor that cannot read one lead is asked for the day
    /// on which the lead was created.
    async fn lead(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A `Lead.id`.")] id: ID,
    ) -> Option<Result<Lead, ClientError>> {
        let find = async { node::lead(State::of(ctx)?, id::record(&id, EntityKind::Lead)?).await };
        find.await.transpose()
    }

    /// One conversation by its global id, whole; null where it no longer exists.
    async fn conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A `Conversation.id`.")] id: ID,
    ) -> Option<Result<Conversation, ClientError>> {
        let find =
            async { node::conversation(State::of(ctx)?, id::record(&id, EntityKind::Conversation)?).await };
        find.await.transpose()
    }

    /// One interaction by its global id; null where it no longer exists.
    async fn interaction(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An `Interaction.id`.")] id: ID,
    ) -> Option<Result<Interaction, ClientError>> {
        let find =
            async { node::interaction(State::of(ctx)?, id::record(&id, EntityKind::Interaction)?).await };
        find.await.transpose()
    }

    /// All configured sources that the caller may see, in the order of their names. Costs no call.
    async fn sources(&self, ctx: &Context<'_>) -> Result<Vec<Source>, ClientError> {
        let state = State::of(ctx)?;
        Ok(state.gather.sources(&state.cx.caller).into_iter().map(Source::from).collect())
    }

    /// Who asks, and what they may read.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer, ClientError> {
        ctx.data_opt::<Cx>().map(Viewer::new).ok_or(ClientError::Internal)
    }
}

#[cfg(test)]
mod tests;
