//! One agent: a source of its own over the client that its whole team shares.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::super::kit;
use super::agents;
use super::request::Team;
use crate::model::conversation::Conversation;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{SourceId, Vendor};
use crate::model::lead::Lead;
use crate::model::source::{Health, Quota, SourceState};
use crate::source::{DynList, Source};
use crate::upstream::clock;
use crate::upstream::failure::{Kind, UpstreamError};

/// One agent of a team.
pub(super) struct Agent {
    pub(super) id: SourceId,
    /// The vendor's id of it.
    pub(super) agent: Box<str>,
    pub(super) team: Arc<Team>,
    refused: Mutex<Option<Refused>>,
}

#[derive(Clone, Copy)]
struct Refused {
    since: Timestamp,
    until: Instant,
}

/// How long the vendor is not asked for an agent that it refuses to the key. The team's other agents are not touched.
const REFUSED_FOR: Duration = Duration::from_secs(60);

impl Agent {
    /// The agent as a source, or `None` where its id cannot be part of a source's name.
    pub(super) fn source(team: &Arc<Team>, agent: &str) -> Option<Arc<dyn Source>> {
        let id = agents::source_name(&team.name, agent)?;
        let (team, refused) = (Arc::clone(team), Mutex::default());
        Some(Arc::new(Self { id, agent: agent.into(), team, refused }))
    }

    fn refused(&self) -> MutexGuard<'_, Option<Refused>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The failure of a call that is not made, since the vendor refused this agent a moment ago.
    pub(super) fn refusal(&self, op: &'static str) -> Option<SourceError> {
        let refused = *self.refused();
        let wait = refused?.until.checked_duration_since(Instant::now())?;
        Some(SourceError::new(&self.id, op, SourceErrorKind::Unauthorized).retry_after(Some(wait)))
    }

    /// A failed call in the words of the model. A refused agent is one that the key does not open (CHATZURI-25).
    pub(super) fn failure(&self, error: UpstreamError) -> SourceError {
        if error.kind != Kind::Forbidden {
            return kit::lift(&self.id, error);
        }
        *self.refused() = Some(Refused { since: clock::wall(), until: Instant::now() + REFUSED_FOR });
        let refused = SourceError::new(&self.id, error.op, SourceErrorKind::Unauthorized);
        refused.retry_after(Some(REFUSED_FOR)).because(error)
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
        let health = kit::health(&self.team.client);
        let refused = *self.refused();
        let retry_at = refused.and_then(|refused| clock::wall_at(refused.until, Instant::now()));
        match refused.filter(|_| retry_at.is_some()) {
            Some(Refused { since, .. }) => {
                let (state, last_error) = (SourceState::Unauthorized, Some(SourceErrorKind::Unauthorized));
                Health { state, since, last_error, retry_at, ..health }
            }
            None => health,
        }
    }

    fn quota(&self) -> Quota {
        kit::quota(&self.team.client)
    }

    fn side_by_side(&self) -> usize {
        self.team.client.side_by_side()
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
