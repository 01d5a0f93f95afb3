//! The interactions of a lead (`GET /interactions/lead/{leadId}`), one interaction (`GET /interactions/{interactionId}`), and
//! the link to its recording.

use std::sync::Arc;

use serde_json::value::RawValue;
use url::Url;

use super::LeadSail;
use super::dialect::HISTORY;
use super::lenient::object;
use super::normalize;
use super::wire::{self, Envelope, InteractionList};
use crate::model::conversation::RecordingLink;
use crate::model::cx::Cx;
use crate::model::failure::SourceError;
use crate::model::id::NativeId;
use crate::model::interaction::Interaction;
use crate::model::page::Page;
use crate::model::text::present;
use crate::source::{Histories, Read, Recordings};
use crate::upstream::call::Path;
use crate::upstream::failure::{Kind, UpstreamError};
use crate::vendors::kit;

const READ: &str = "interactions.get";
const LINK: &str = "recordings.link";

impl LeadSail {
    /// One interaction as LeadSail sends it: `data` is the interaction itself (LEADSAIL-30).
    async fn interaction(
        &self,
        cx: &Cx,
        op: &'static str,
        id: &NativeId,
    ) -> Result<(wire::Interaction, Box<RawValue>), UpstreamError> {
        let path = Path::new(&["interactions"]).id(op, id.as_str())?;
        let reply = self.client.send(&kit::read(cx, op, path)).await?;
        let Envelope { data }: Envelope<Box<RawValue>> = kit::decode(op, &reply.body)?;
        let wire = object(&data).ok_or_else(|| UpstreamError::new(op, Kind::Protocol))?;
        Ok((wire, data))
    }
}

impl Histories for LeadSail {
    /// In one call, most recent first (LEADSAIL-4).
    async fn of_lead(&self, cx: &Cx, lead: &NativeId) -> Result<Page<Interaction>, SourceError> {
        let read = async {
            let path = Path::new(&["interactions", "lead"]).id(HISTORY, lead.as_str())?;
            let reply = self.client.send(&kit::read(cx, HISTORY, path)).await?;
            let list: Envelope<InteractionList> = kit::decode(HISTORY, &reply.body)?;
            Ok(kit::rows(&list.data.interactions, |wire, raw| {
                let interaction = normalize::interaction(&self.id, wire, raw)?;
                let owner = interaction.lead.clone().unwrap_or_else(|| lead.clone());
                Some(Interaction { lead: Some(owner), ..interaction })
            }))
        };
        // "Not found" is an unknown lead, and perhaps also a lead without interactions (LEADSAIL-27).
        let page = kit::absent(read.await).map_err(|error| kit::lift(&self.id, error))?;
        Ok(page.unwrap_or(Page { rows: Vec::<Arc<Interaction>>::new(), next: None, rejected: 0 }))
    }
}

impl Read<Interaction> for LeadSail {
    async fn get(&self, cx: &Cx, id: &NativeId) -> Result<Option<Interaction>, SourceError> {
        let read = async {
            let (wire, raw) = self.interaction(cx, READ, id).await?;
            let interaction = normalize::interaction(&self.id, wire, &raw);
            interaction.ok_or_else(|| UpstreamError::new(READ, Kind::Protocol))
        };
        kit::absent(read.await).map_err(|error| kit::lift(&self.id, error))
    }
}

impl Recordings for LeadSail {
    /// Reads the interaction anew each time, since nobody knows how long its link lives (LEADSAIL-26).
    async fn link(&self, cx: &Cx, id: &NativeId) -> Result<Option<RecordingLink>, SourceError> {
        let read = kit::absent(self.interaction(cx, LINK, id).await);
        let read = read.map_err(|error| kit::lift(&self.id, error))?;
        let url = read.and_then(|(wire, _)| wire.call?.recording_url);
        Ok(url.and_then(|url| {
            // Clients follow it, so it must be an address of the web and nothing else.
            let url = present(url.as_str())?;
            let web = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http"));
            web.then(|| RecordingLink { url: url.to_owned(), expires_at: None })
        }))
    }
}
