//! Conversations: list and read, and links to their recordings.

use std::num::NonZeroU16;

use super::super::{kit, lenient};
use super::calls::{self, PAGE_SIZE};
use super::normalize::Reading;
use super::{Spelo, normalize, wire};
use crate::model::caps::{ConversationCaps, ListCaps, Paging, TimeFilter};
use crate::model::conversation::{Channel, Conversation, RecordingLink};
use crate::model::cx::Cx;
use crate::model::failure::SourceError;
use crate::model::id::NativeId;
use crate::model::page::{Page, PageToken};
use crate::source::{ConversationQuery, List, Read, Recordings};
use crate::upstream::failure::{Kind, UpstreamError};

const COLLECTION: &str = "conversations";
const LIST: &str = "conversations.list";

impl List<Conversation> for Spelo {
    fn caps(&self) -> ConversationCaps {
        ConversationCaps {
            list: ListCaps {
                paging: Paging::Cursor, // SPELO-5, SPELO-7
                page_size: NonZeroU16::new(PAGE_SIZE).unwrap_or(NonZeroU16::MIN),
                since: TimeFilter::Exact, // SPELO-10
                until: TimeFilter::None,  // SPELO-31
                vendor_filters: &["startedAt", "hasRecording"],
            },
            channels: &[Channel::Voice],
            channel_filter: &[],
            recordings: true,
            has_recording: true,
        }
    }

    async fn page(
        &self,
        cx: &Cx,
        query: &ConversationQuery,
        from: Option<&PageToken>,
    ) -> Result<Page<Conversation>, SourceError> {
        let mut filters = Vec::new();
        filters.extend(query.started.since.map(|since| ("since", since.to_string())));
        // SPELO-11: what 0 means is not documented, so it is never sent.
        filters.extend(query.has_recording.then(|| ("has_recording", "1".to_owned())));
        let asked = self.asked(LIST, from)?;
        let body = self.list(cx, LIST, COLLECTION, filters, asked).await?;
        calls::page(&self.id, LIST, &body, asked, |wire, raw| {
            normalize::conversation(&self.id, wire, raw, Reading::List)
        })
    }
}

impl Read<Conversation> for Spelo {
    async fn get(&self, cx: &Cx, id: &NativeId) -> Result<Option<Conversation>, SourceError> {
        let op = "conversations.get";
        let lift = |error| kit::lift(&self.id, error);
        let found = self.record(cx, op, COLLECTION, id, &[]).await;
        let Some(raw) = found.map_err(lift)? else { return Ok(None) };
        let wire = lenient::object(&raw);
        let conversation =
            wire.and_then(|wire| normalize::conversation(&self.id, wire, &raw, Reading::Single));
        conversation.map(Some).ok_or_else(|| lift(UpstreamError::new(op, Kind::Protocol)))
    }
}

impl Recordings for Spelo {
    async fn link(&self, cx: &Cx, id: &NativeId) -> Result<Option<RecordingLink>, SourceError> {
        let op = "recordings.link";
        let lift = |error| kit::lift(&self.id, error);
        let minted = match self.record(cx, op, COLLECTION, id, &["recording"]).await {
            // SPELO-24: how the vendor says "no recording" is unknown, so any refusal of the question is taken for it, and a
            // null. A 401 and a 429 have kinds of their own.
            Err(error) if matches!(error.kind, Kind::Invalid | Kind::MethodRefused) => None,
            minted => minted.map_err(lift)?,
        };
        let Some(raw) = minted else { return Ok(None) };
        if raw.get() == "null" {
            return Ok(None);
        }
        let wire::Link { url, expires_at } = lenient::object(&raw).unwrap_or_default();
        let Some(url) = url.kept().filter(|url| kit::is_web_address(url)) else {
            return Err(lift(UpstreamError::new(op, Kind::Protocol)));
        };
        Ok(Some(RecordingLink { url, expires_at: expires_at.0 }))
    }
}
