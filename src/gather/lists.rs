//! Readers of vendors' lists, through the cache: leads, conversations, and conversations seen as interactions.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use jiff::Timestamp;

use super::cache::{Cache, Fresh, Life, Read, ReadKey};
use super::reader::{Batch, Reader};
use super::record::Record;
use super::settings::Settings;
use super::write::Overlay;
use crate::model::conversation::Conversation;
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::interaction::Interaction;
use crate::model::lead::Lead;
use crate::model::page::{Page, PageToken};
use crate::source::{ConversationQuery, LeadQuery, Source, Span};

type Answer<'a, T> = BoxFuture<'a, Result<Batch<T>, SourceError>>;

/// What every list reader needs.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) source: Arc<dyn Source>,
    pub(super) cache: Cache,
    pub(super) settings: Arc<Settings>,
    pub(super) overlay: Overlay,
}

impl Desk {
    fn unsupported(&self, op: &'static str) -> SourceError {
        SourceError::new(self.source.id(), op, SourceErrorKind::Unsupported)
    }

    /// Pages of days gone by change less than those of today.
    fn life(&self, cx: &Cx, span: Span) -> Life {
        let today = cx.now.as_millisecond().div_euclid(86_400_000) * 86_400_000;
        let past = span.until.is_some_and(|until| until.as_millisecond() <= today);
        let fresh = if past { self.settings.past_list_ttl } else { self.settings.list_ttl };
        Life { fresh, stale: self.settings.list_stale_if_error }
    }
}

/// A source's leads.
pub(super) struct LeadList {
    pub(super) desk: Desk,
    pub(super) query: LeadQuery,
    /// The gateway must look into the records to filter them, which it cannot where a list holds only ids.
    pub(super) looks_inside: bool,
}

impl LeadList {
    fn key(&self, span: Span, from: Option<&PageToken>) -> (LeadQuery, ReadKey) {
        let query = LeadQuery { created: span, ..self.query.clone() };
        (query.clone(), ReadKey::Leads(self.desk.source.id().clone(), Box::new(query), from.cloned()))
    }
}

impl Reader<Lead> for LeadList {
    fn forget<'a>(&'a self, span: Span, from: Option<&'a PageToken>) -> BoxFuture<'a, ()> {
        async move { self.desk.cache.drop_held(&self.key(span, from).1).await }.boxed()
    }

    fn read<'a>(&'a self, cx: &'a Cx, span: Span, from: Option<&'a PageToken>) -> Answer<'a, Lead> {
        let (query, key) = self.key(span, from);
        let (desk, life, from) = (self.desk.clone(), self.desk.life(cx, span), from.cloned());
        async move {
            let load = move |cx: Cx, _| async move {
                let list = desk.source.leads().ok_or_else(|| desk.unsupported("leads.list"))?;
                let mut page = list.page_dyn(&cx, &query, from.as_ref()).await?;
                page.rows.iter_mut().for_each(|lead| desk.overlay.over_shared(lead));
                // Only what is read by id is asked for as a single record.
                let by_id = desk.source.lead_by_id();
                let rows = by_id.map(|_| desk.settings.record_life(desk.settings.lead_ttl));
                Ok(Fresh { rows, ..listed(page, life) })
            };
            let mut batch = batch(self.desk.cache.read(cx, key, load).await?);
            if self.looks_inside && batch.page.rows.iter().any(|lead| lead.sparse) {
                batch.shortfall = Some(self.desk.unsupported("leads.list"));
                batch.note =
                    Some("The vendor lists only ids of some leads, so this filter could not be run on them.");
            }
            Ok(batch)
        }
        .boxed()
    }
}

/// A source's conversations.
pub(super) struct ConversationList {
    pub(super) desk: Desk,
    pub(super) query: ConversationQuery,
}

impl ConversationList {
    fn key(&self, span: Span, from: Option<&PageToken>) -> (ConversationQuery, ReadKey) {
        let query = ConversationQuery { started: span, ..self.query.clone() };
        (query.clone(), ReadKey::Conversations(self.desk.source.id().clone(), Box::new(query), from.cloned()))
    }
}

impl Reader<Conversation> for ConversationList {
    fn forget<'a>(&'a self, span: Span, from: Option<&'a PageToken>) -> BoxFuture<'a, ()> {
        async move { self.desk.cache.drop_held(&self.key(span, from).1).await }.boxed()
    }

    fn read<'a>(&'a self, cx: &'a Cx, span: Span, from: Option<&'a PageToken>) -> Answer<'a, Conversation> {
        let (query, key) = self.key(span, from);
        let (desk, life, from) = (self.desk.clone(), self.desk.life(cx, span), from.cloned());
        async move {
            let load = move |cx: Cx, begun| async move {
                let list =
                    desk.source.conversations().ok_or_else(|| desk.unsupported("conversations.list"))?;
                let page = list.page_dyn(&cx, &query, from.as_ref()).await?;
                for conversation in page.rows.iter().filter(|conversation| !conversation.partial) {
                    let life = conversation_life(&desk.settings, conversation, cx.now);
                    let key = ReadKey::Conversation(conversation.key.clone());
                    desk.cache.hold(key, record(conversation, life), cx.now, begun).await;
                }
                // The list, too, is over as soon as the vendor deletes one of its rows.
                let end = page.rows.iter().filter_map(|conversation| conversation.expires_at).min();
                Ok(listed(page, life.until(end, cx.now)))
            };
            Ok(batch(self.desk.cache.read(cx, key, load).await?))
        }
        .boxed()
    }
}

/// A source's conversations, seen as interactions.
pub(super) struct TalkList(pub(super) ConversationList);

impl Reader<Interaction> for TalkList {
    fn forget<'a>(&'a self, span: Span, from: Option<&'a PageToken>) -> BoxFuture<'a, ()> {
        self.0.forget(span, from)
    }

    fn read<'a>(&'a self, cx: &'a Cx, span: Span, from: Option<&'a PageToken>) -> Answer<'a, Interaction> {
        self.0.read(cx, span, from).map(|batch| Ok(batch?.map(Conversation::to_interaction))).boxed()
    }
}

/// How long a conversation is good: longer once it has ended, never past its deletion at the vendor.
pub(super) fn conversation_life(settings: &Settings, conversation: &Conversation, now: Timestamp) -> Life {
    let ended = conversation.ended_at.is_some();
    let fresh = if ended { settings.ended_conversation_ttl } else { settings.conversation_ttl };
    settings.record_life(fresh).until(conversation.expires_at, now)
}

impl Settings {
    /// How long a record is good that is fresh for `fresh`.
    pub(super) fn record_life(&self, fresh: Duration) -> Life {
        Life { fresh, stale: self.record_stale_if_error }
    }
}

/// A record as the cache holds it: as the answer of a read by id.
pub(super) fn record<T: Record>(row: &Arc<T>, life: Life) -> Fresh<Option<Arc<T>>> {
    Fresh { value: Some(Arc::clone(row)), weight: row.weight(), life, rows: None }
}

pub(super) fn listed<T: Record>(page: Page<T>, life: Life) -> Fresh<Arc<Page<T>>> {
    let weight = page.rows.iter().fold(256_u32, |sum, row| sum.saturating_add(row.weight()));
    Fresh { value: Arc::new(page), weight, life, rows: None }
}

pub(super) fn batch<T>(read: Read<Arc<Page<T>>>) -> Batch<T> {
    Batch {
        page: Arc::clone(&read.value),
        fetched_at: read.fetched_at,
        shortfall: None,
        age: read.age,
        note: None,
    }
}
