//! Many sources, one answer: plan, fan out, merge, cursor, cache.
//!
//! Called by `graphql/`. Holds sources only behind the erased verbs of `source/`, so it sees no concrete vendor and no
//! HTTP status. A partial answer is an answer, never an `Err`.

pub mod answer;
pub mod request;
pub mod settings;

use std::collections::HashMap;
use std::sync::Arc;

use self::answer::{Connection, GatherError, SourceView};
use self::request::{ConversationFilter, ConversationKey, InteractionFilter, LeadFilter, Paging};
use crate::model::conversation::{Conversation, RecordingLink};
use crate::model::cx::Cx;
use crate::model::failure::SourceError;
use crate::model::id::{Key, SourceId};
use crate::model::interaction::Interaction;
use crate::model::lead::Lead;

/// What became of one key of a look-up: the record, no such record, or a failure.
pub type Found<T> = Result<Option<Arc<T>>, SourceError>;

/// All configured sources as one. Cheap to clone; clones share everything.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "holds trait objects")]
pub struct Gather {}

impl Gather {
    /// Leads of all sources that the filter allows, newest first.
    ///
    /// # Errors
    /// Bad input, before any call; or no source at all could answer.
    pub async fn leads(
        &self,
        cx: &Cx,
        filter: &LeadFilter,
        paging: &Paging,
    ) -> Result<Connection<Lead>, GatherError> {
        let _ = (cx, filter, paging);
        todo!()
    }

    /// Conversations of all sources that the filter allows, newest first.
    ///
    /// # Errors
    /// As [`Gather::leads`].
    pub async fn conversations(
        &self,
        cx: &Cx,
        filter: &ConversationFilter,
        paging: &Paging,
    ) -> Result<Connection<Conversation>, GatherError> {
        let _ = (cx, filter, paging);
        todo!()
    }

    /// Interactions of all sources that the filter allows, newest first.
    ///
    /// # Errors
    /// As [`Gather::leads`].
    pub async fn interactions(
        &self,
        cx: &Cx,
        filter: &InteractionFilter,
        paging: &Paging,
    ) -> Result<Connection<Interaction>, GatherError> {
        let _ = (cx, filter, paging);
        todo!()
    }

    /// Interactions of one lead, newest first. Called per lead by a loader; one upstream call at most.
    ///
    /// # Errors
    /// As [`Gather::leads`].
    pub async fn interactions_of(
        &self,
        cx: &Cx,
        lead: &Lead,
        filter: &InteractionFilter,
        paging: &Paging,
    ) -> Result<Connection<Interaction>, GatherError> {
        let _ = (cx, lead, filter, paging);
        todo!()
    }

    /// Reads leads by key; every key gets its own result. Keys of unknown sources are `Ok(None)`.
    pub async fn leads_by_key(&self, cx: &Cx, keys: &[Key]) -> HashMap<Key, Found<Lead>> {
        let _ = (cx, keys);
        todo!()
    }

    /// Reads conversations by key; every key gets its own result. Keys of one period are found by few list reads.
    pub async fn conversations_by_key(
        &self,
        cx: &Cx,
        keys: &[ConversationKey],
    ) -> HashMap<ConversationKey, Found<Conversation>> {
        let _ = (cx, keys);
        todo!()
    }

    /// Reads interactions by key; every key gets its own result.
    pub async fn interactions_by_key(&self, cx: &Cx, keys: &[Key]) -> HashMap<Key, Found<Interaction>> {
        let _ = (cx, keys);
        todo!()
    }

    /// Mints a link to the recording of a conversation or interaction. Never cached.
    ///
    /// # Errors
    /// What the source says.
    pub async fn recording_link(&self, cx: &Cx, key: &Key) -> Result<Option<RecordingLink>, SourceError> {
        let _ = (cx, key);
        todo!()
    }

    /// All sources, in the order of their names.
    #[must_use]
    pub fn sources(&self) -> Vec<SourceView> {
        todo!()
    }

    /// One source by its name.
    #[must_use]
    pub fn source(&self, id: &SourceId) -> Option<SourceView> {
        let _ = id;
        todo!()
    }
}
