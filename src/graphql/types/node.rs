//! Things with a global id, and how one is found by it.

use async_graphql::{ID, Interface};

use super::conversation::Conversation;
use super::interaction::Interaction;
use super::lead::Lead;
use super::source::Source;
use crate::gather::request::ConversationKey;
use crate::graphql::error::ClientError;
use crate::graphql::scalars::id::GlobalId;
use crate::graphql::state::State;
use crate::model::id::{EntityKind, Key};

/// Something with a global id, by which `node` finds it again.
#[derive(Interface)]
#[graphql(field(
    name = "id",
    ty = "ID",
    desc = "The global id. Opaque, and stable as long as the source keeps its name."
))]
pub(in crate::graphql) enum Node {
    /// A source.
    Source(Source),
    /// A lead.
    Lead(Lead),
    /// A conversation.
    Conversation(Conversation),
    /// An interaction.
    Interaction(Interaction),
}

impl Node {
    /// Finds what an id names; `None` where it no longer exists.
    ///
    /// # Errors
    /// `BAD_ID`, or the source's failure.
    pub(in crate::graphql) async fn find(state: &State, id: &ID) -> Result<Option<Self>, ClientError> {
        match GlobalId::decode(id)? {
            GlobalId::Source(id) => match state.source(&id) {
                Some(view) => Ok(Some(Self::Source(view.into()))),
                None => Err(unconfigured()),
            },
            GlobalId::Record(EntityKind::Lead, key) => Ok(lead(state, key).await?.map(Self::Lead)),
            GlobalId::Record(EntityKind::Conversation, key) => {
                Ok(conversation(state, key).await?.map(Self::Conversation))
            }
            GlobalId::Record(EntityKind::Interaction, key) => {
                Ok(interaction(state, key).await?.map(Self::Interaction))
            }
        }
    }
}

/// Finds a lead by a key that a client gave.
///
/// # Errors
/// `BAD_ID` where its source is not configured, or the source's failure.
pub(in crate::graphql) async fn lead(state: &State, key: Key) -> Result<Option<Lead>, ClientError> {
    check(state, &key)?;
    let found = state.loaders().leads.load(&key.source.clone(), key).await?;
    Ok(found.map(|lead| Lead::new(state.show(lead))))
}

/// Finds a conversation by a key that a client gave, whole.
///
/// # Errors
/// As [`lead`].
pub(in crate::graphql) async fn conversation(
    state: &State,
    key: Key,
) -> Result<Option<Conversation>, ClientError> {
    check(state, &key)?;
    let wanted = ConversationKey { key, near: None, whole: true };
    let found = state.loaders().conversations.load(&wanted.key.source.clone(), wanted).await?;
    Ok(found.map(|talk| Conversation::new(state.show(talk))))
}

/// Finds an interaction by a key that a client gave.
///
/// # Errors
/// As [`lead`].
pub(in crate::graphql) async fn interaction(
    state: &State,
    key: Key,
) -> Result<Option<Interaction>, ClientError> {
    check(state, &key)?;
    let found = state.loaders().interactions.load(&key.source.clone(), key).await?;
    Ok(found.map(|touch| Interaction::new(state.show(touch))))
}

fn check(state: &State, key: &Key) -> Result<(), ClientError> {
    state.source(&key.source).map(drop).ok_or_else(unconfigured)
}

fn unconfigured() -> ClientError {
    ClientError::bad_id(
        "The source that this id names is not configured. It was renamed or removed; read the record anew from \
         its list to get its present id.",
    )
}
