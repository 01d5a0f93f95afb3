//! The interactions of a lead (`GET /interactions/lead/{leadId}`), one interaction (`GET /interactions/{interactionId}`), and
//! the link to its recording.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::LeadSail;
use super::dialect::HISTORY;
use super::normalize;
use super::wire::{self, Envelope, InteractionList};
use crate::model::conversation::RecordingLink;
use crate::model::cx::Cx;
use crate::model::failure::SourceError;
use crate::model::id::NativeId;
use crate::model::interaction::Interaction;
use crate::model::page::Page;
use crate::source::{Histories, Read, Recordings};
use crate::upstream::call::Path;
use crate::upstream::failure::{Kind, UpstreamError};
use crate::vendors::kit;
use crate::vendors::lenient::object;

const READ: &str = "interactions.get";
const LINK: &str = "recordings.link";

impl LeadSail {
    /// One interaction as LeadSail sends it: `data` is the interaction itself (LEADSAIL-30).
    async fn interaction(
        &self,
        cx: &Cx,
        op: &'static str,
        id: &NativeId,
    ) -> Result<Box<RawValue>, UpstreamError> {
        let path = Path::new(&["interactions"]).id(op, id.as_str())?;
        let reply = self.client.send(&kit::read(cx, op, path)).await?;
        kit::decode(op, &reply.body).map(|Envelope { data }| data)
    }
}

impl Histories for LeadSail {
    /// In one call, most recent first (LEADSAIL-4).
    async fn of_lead(&self, cx: &Cx, lead: &NativeId) -> Result<Page<Interaction>, SourceError> {
        let read = async {
            let path = Path::new(&["interactions", "lead"]).id(HISTORY, lead.as_str())?;
            let reply = self.client.send(&kit::read(cx, HISTORY, path)).await?;
            let list: Envelope<InteractionList<'_>> = kit::decode(HISTORY, &reply.body)?;
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
            let raw = self.interaction(cx, READ, id).await?;
            let interaction = object(&raw).and_then(|wire| normalize::interaction(&self.id, wire, &raw));
            interaction.ok_or_else(|| UpstreamError::new(READ, Kind::Protocol))
        };
        kit::absent(read.await).map_err(|error| kit::lift(&self.id, error))
    }
}

impl Recordings for LeadSail {
    /// Reads the interaction anew each time, since nobody knows how long its link lives (LEADSAIL-26).
    async fn link(&self, cx: &Cx, id: &NativeId) -> Result<Option<RecordingLink>, SourceError> {
        let read = async {
            let raw = self.interaction(cx, LINK, id).await?;
            let wire: Option<wire::Interaction<'_>> = object(&raw);
            let wire = wire.ok_or_else(|| UpstreamError::new(LINK, Kind::Protocol))?;
            match wire.call.and_then(|call| call.recording_url.kept()) {
                Some(url) if !kit::is_web_address(&url) => Err(UpstreamError::new(LINK, Kind::Protocol)),
                url => Ok(url),
            }
        };
        let url = kit::absent(read.await).map_err(|error| kit::lift(&self.id, error))?.flatten();
        Ok(url.map(|url| RecordingLink { url, expires_at: None }))
    }
}
