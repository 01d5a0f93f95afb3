//! Finds a team's agents, and stands in for them until they have been found.
//!
//! How the vendor lists agents is the least known of all it does (CHATZURI-8). An account that names its agents in its
//! settings never comes here.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::kit;
use super::agent::Agent;
use super::request::{Fields, Manner, Team};
use super::{conversations, leads, wire};
use crate::model::caps::{ConversationCaps, LeadCaps};
use crate::model::conversation::Conversation;
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{SourceId, Vendor};
use crate::model::lead::Lead;
use crate::model::page::{Page, PageToken};
use crate::model::source::{Health, Quota};
use crate::source::{ConversationQuery, Discovery, DynList, LeadQuery, List, Source};
use crate::upstream::call::Path;
use crate::upstream::failure::{Kind, UpstreamError};

/// The operation's name.
pub(super) const OP: &str = "agents.list";

/// All agents of a team, not yet known. As a source it bears the account's name, and its lists fail as the last search
/// for agents has failed.
pub(super) struct Agents {
    team: Arc<Team>,
    older: Manner,
    failed: Mutex<Option<SourceError>>,
}

impl Agents {
    pub(super) fn new(team: Arc<Team>) -> Self {
        Self { team, older: Manner::default(), failed: Mutex::default() }
    }

    async fn find(&self, cx: &Cx) -> Result<Vec<Arc<dyn Source>>, UpstreamError> {
        let client = &self.team.client;
        let newer = client.send(&kit::read(cx, OP, Path::new(&["get-agents"]))).await;
        let body = match newer {
            Ok(reply) => reply.body,
            Err(error) if matches!(error.kind, Kind::NotFound | Kind::MethodRefused) => {
                let call = kit::read(cx, OP, Path::new(&["get-chatbots"]));
                self.older.send(client, call, &Fields::new()).await?
            }
            Err(error) => return Err(error),
        };
        let ids = wire::agents(OP, &body)?;
        let mut seen = HashSet::new();
        let usable = |id: &Option<String>| Agent::source(&self.team, id.as_deref()?);
        let sources: Vec<_> =
            ids.iter().filter_map(usable).filter(|source| seen.insert(source.id().clone())).collect();
        let unusable = ids.iter().filter(|id| usable(id).is_none()).count();
        if unusable > 0 {
            tracing::warn!(
                source = %self.team.name,
                agents = unusable,
                "agents are left out: their ids are missing or cannot be part of a source's name"
            );
        }
        if sources.is_empty() && unusable > 0 {
            return Err(UpstreamError::new(OP, Kind::Protocol));
        }
        Ok(sources)
    }

    fn remember(&self, failure: Option<SourceError>) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    fn failure(&self, op: &'static str) -> SourceError {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let untried = || SourceError::new(&self.team.name, op, SourceErrorKind::Unreachable);
        failed.unwrap_or_else(untried)
    }
}

impl Discovery for Agents {
    async fn discover(&self, cx: &Cx) -> Result<Vec<Arc<dyn Source>>, SourceError> {
        let found = self.find(cx).await.map_err(|error| kit::lift(&self.team.name, error));
        self.remember(found.as_ref().err().cloned());
        found
    }
}

impl Source for Agents {
    fn id(&self) -> &SourceId {
        &self.team.name
    }

    fn vendor(&self) -> Vendor {
        Vendor::Chatzuri
    }

    fn health(&self) -> Health {
        kit::health(&self.team.client)
    }

    fn quota(&self) -> Quota {
        kit::quota(&self.team.client)
    }

    fn leads(&self) -> Option<&dyn DynList<Lead>> {
        Some(self)
    }

    fn conversations(&self) -> Option<&dyn DynList<Conversation>> {
        Some(self)
    }

    fn webhooks(&self) -> bool {
        self.team.webhooks
    }
}

impl List<Lead> for Agents {
    fn caps(&self) -> LeadCaps {
        leads::caps()
    }

    async fn page(&self, _: &Cx, _: &LeadQuery, _: Option<&PageToken>) -> Result<Page<Lead>, SourceError> {
        Err(self.failure(leads::OP))
    }
}

impl List<Conversation> for Agents {
    fn caps(&self) -> ConversationCaps {
        conversations::caps()
    }

    async fn page(
        &self,
        _: &Cx,
        _: &ConversationQuery,
        _: Option<&PageToken>,
    ) -> Result<Page<Conversation>, SourceError> {
        Err(self.failure(conversations::OP))
    }
}

/// The name of an agent's source: `<account>/<agent>`. `None` where the agent's id cannot be part of a name.
pub(super) fn source_name(account: &SourceId, agent: &str) -> Option<SourceId> {
    if agent.is_empty() {
        return None;
    }
    SourceId::new(&format!("{account}/{agent}"))
}
