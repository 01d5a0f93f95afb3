//! Lists an agent's conversations, each with everything that was said.

use super::super::kit;
use super::agent::Agent;
use super::{leads, normalize, wire};
use crate::model::caps::ConversationCaps;
use crate::model::conversation::Conversation;
use crate::model::cx::Cx;
use crate::model::failure::SourceError;
use crate::model::page::{Page, PageToken};
use crate::source::{ConversationQuery, List};

/// The operation's name.
pub(super) const OP: &str = "conversations.list";

impl List<Conversation> for Agent {
    fn caps(&self) -> ConversationCaps {
        caps()
    }

    async fn page(
        &self,
        cx: &Cx,
        query: &ConversationQuery,
        from: Option<&PageToken>,
    ) -> Result<Page<Conversation>, SourceError> {
        let filter = normalize::filtered_sources(&query.channels).map(|words| ("filteredSources", words));
        let body = self.list(cx, OP, "get-conversations", query.started, filter, from).await?;
        let rows = wire::rows(OP, &body).map_err(|error| kit::lift(&self.id, error))?;
        Ok(kit::rows(&rows, |wire, text| normalize::conversation(&self.id, wire, text)))
    }
}

/// What the vendor's list of conversations can do. The set of channels is open (CHATZURI-18); nothing is recorded.
pub(super) fn caps() -> ConversationCaps {
    ConversationCaps {
        list: leads::list_caps(&["startedAt", "channel"]),
        channels: &[],
        channel_filter: normalize::FILTERED_CHANNELS,
        recordings: false,
        has_recording: false,
    }
}
