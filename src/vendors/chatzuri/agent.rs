//! One agent: a source of its own over the client that its whole team shares.

use std::sync::Arc;

use super::super::kit;
use super::agents;
use super::request::Team;
use crate::model::conversation::Conversation;
use crate::model::id::{SourceId, Vendor};
use crate::model::lead::Lead;
use crate::model::source::{Health, Quota};
use crate::source::{DynList, Source};

/// One agent of a team.
pub(super) struct Agent {
    pub(super) id: SourceId,
    /// The vendor's id of it.
    pub(super) agent: Box<str>,
    pub(super) team: Arc<Team>,
}

impl Agent {
    /// The agent as a source, or `None` where its id cannot be part of a source's name.
    pub(super) fn source(team: &Arc<Team>, agent: &str) -> Option<Arc<dyn Source>> {
        let id = agents::source_name(&team.name, agent)?;
        Some(Arc::new(Self { id, agent: agent.into(), team: Arc::clone(team) }))
    }
}

// CHATZURI-20: the vendor lists leads and conversations and has no other read.
impl Source for Agent {
    fn id(&self) -> &SourceId {
        &self.id
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
