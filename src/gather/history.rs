//! The interactions of leads, where a source lists them lead by lead or only links a lead to its conversation.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::Inner;
use super::cache::{Age, Life, Read, ReadKey};
use super::lists::{Desk, LeadList, listed};
use super::lookup::{Point, Scouted};
use super::plan::{Course, Leg};
use super::reader::{Batch, Reader, Way};
use super::record::{Record, moment};
use super::request::InteractionFilter;
use super::trim;
use crate::model::conversation::Conversation;
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::Key;
use crate::model::interaction::Interaction;
use crate::model::lead::Lead;
use crate::model::page::{Page, PageToken};
use crate::source::{LeadQuery, Source, Span};

/// Whose interactions are read.
pub(super) enum Whose {
    /// Of these leads.
    Keys(Vec<Key>),
    /// Of a lead that is at hand, as are conversations that a look through the source's list has found.
    Known { lead: Arc<Lead>, scouted: Scouted },
    /// Of the newest leads, this many.
    Newest(usize),
}

/// The interactions of some leads of one source, as one page.
struct Histories {
    inner: Arc<Inner>,
    desk: Desk,
    whose: Whose,
}

/// The part of a source in the interactions of given leads.
pub(super) fn of_leads(
    inner: &Arc<Inner>,
    source: &Arc<dyn Source>,
    whose: Whose,
    filter: &InteractionFilter,
) -> Leg<Interaction> {
    let told = || match &whose {
        Whose::Keys(leads) => leads.iter().any(|lead| inner.linked_conversation(lead).is_some()),
        Whose::Known { lead, .. } => inner.linked_conversation(&lead.key).is_some(),
        Whose::Newest(_) => false,
    };
    let possible = source.histories().is_some() || names_conversations(&**source) || told();
    if possible { course(inner, source, whose, filter) } else { Leg::Unsupported }
}

/// Whether a source's leads name the conversation that they came from. Of others, a webhook may have told it.
fn names_conversations(source: &dyn Source) -> bool {
    source.leads().is_some_and(|list| list.caps_dyn().has_conversation)
        && source.conversation_by_id().is_some()
}

/// The part of a source in all interactions, where it lists them lead by lead: those of its newest leads.
pub(super) fn of_newest(
    inner: &Arc<Inner>,
    source: &Arc<dyn Source>,
    filter: &InteractionFilter,
) -> Leg<Interaction> {
    if source.histories().is_none() || source.leads().is_none() {
        return Leg::Unsupported;
    }
    course(inner, source, Whose::Newest(inner.settings.interaction_leads), filter)
}

fn course(
    inner: &Arc<Inner>,
    source: &Arc<dyn Source>,
    whose: Whose,
    filter: &InteractionFilter,
) -> Leg<Interaction> {
    Leg::Read(Course {
        reader: Arc::new(Histories { inner: Arc::clone(inner), desk: inner.desk(source), whose }),
        way: Way::Collect,
        keep: trim::interactions(filter),
        span: Span::default(),
        bounds: Span { since: filter.occurred.from, until: filter.occurred.to },
    })
}

impl Reader<Interaction> for Histories {
    fn read<'a>(
        &'a self,
        cx: &'a Cx,
        _: Span,
        _: Option<&'a PageToken>,
    ) -> BoxFuture<'a, Result<Batch<Interaction>, SourceError>> {
        async move {
            match &self.whose {
                Whose::Keys(keys) => self.of(cx, keys.iter().map(|key| (key.clone(), None))).await,
                Whose::Known { lead, .. } => self.of(cx, [(lead.key.clone(), Some(Arc::clone(lead)))]).await,
                Whose::Newest(count) => self.of_newest(cx, *count).await,
            }
        }
        .boxed()
    }
}

impl Histories {
    async fn of_newest(&self, cx: &Cx, count: usize) -> Result<Batch<Interaction>, SourceError> {
        let list = LeadList { desk: self.desk.clone(), query: LeadQuery::default(), looks_inside: false };
        let newest = list.read(cx, Span::default(), None).await?;
        let mut leads = newest.page.rows.clone();
        leads.sort_by_key(|lead| std::cmp::Reverse(moment(&**lead)));
        let more = newest.page.next.is_some() || leads.len() > count;
        leads.truncate(count);
        let leads = leads.into_iter().map(|lead| (lead.key().clone(), Some(lead)));
        let mut batch = self.of(cx, leads).await?;
        batch.fetched_at = batch.fetched_at.min(newest.fetched_at);
        Arc::make_mut(&mut batch.page).rejected += newest.page.rejected;
        batch.age.and(newest.age);
        if more {
            batch.note = Some(
                "This vendor lists interactions lead by lead: only those of its newest leads were read.",
            );
            let spent =
                SourceError::new(self.desk.source.id(), "interactions", SourceErrorKind::BudgetExhausted);
            batch.shortfall = batch.shortfall.or(Some(spent));
        }
        Ok(batch)
    }

    /// The interactions of some leads. One lead's failure costs its own interactions; the answer is a failure only where all fail.
    async fn of(
        &self,
        cx: &Cx,
        leads: impl IntoIterator<Item = (Key, Option<Arc<Lead>>)>,
    ) -> Result<Batch<Interaction>, SourceError> {
        let reads: Vec<_> = leads.into_iter().map(|(key, lead)| self.of_one(cx, key, lead).boxed()).collect();
        let at_once = self.desk.source.side_by_side();
        let reads: Vec<_> = stream::iter(reads).buffer_unordered(at_once).collect().await;
        let mut page = Page { rows: Vec::new(), next: None, rejected: 0 };
        let (mut fetched_at, mut shortfall, mut any) = (cx.now, None, false);
        let mut age = Age::Fresh;
        for read in reads {
            match read {
                Ok(read) => {
                    any = true;
                    fetched_at = fetched_at.min(read.fetched_at);
                    page.rejected += read.value.rejected;
                    page.rows.extend(read.value.rows.iter().cloned());
                    age.and(read.age);
                }
                Err(error) => shortfall = Some(error),
            }
        }
        match shortfall {
            Some(error) if !any => Err(error),
            shortfall => Ok(Batch { page: Arc::new(page), fetched_at, shortfall, age, note: None }),
        }
    }

    fn scouted(&self, key: &Key) -> Option<Point<Conversation>> {
        match &self.whose {
            Whose::Known { scouted, .. } => scouted.get(key).cloned(),
            Whose::Keys(_) | Whose::Newest(_) => None,
        }
    }

    async fn of_one(
        &self,
        cx: &Cx,
        key: Key,
        lead: Option<Arc<Lead>>,
    ) -> Result<Read<Arc<Page<Interaction>>>, SourceError> {
        if self.desk.source.histories().is_some() {
            return self.inner.history(cx, &self.desk.source, &key).await;
        }
        let mut oldest = Oldest { fetched_at: cx.now, age: Age::Fresh };
        let names = names_conversations(&*self.desk.source);
        let link = match (self.inner.linked_conversation(&key), lead) {
            (Some(link), _) => Some(link),
            (None, Some(lead)) => self.inner.link(&lead),
            (None, None) if names => {
                oldest.take(self.inner.lead(cx, &key).await?).and_then(|lead| self.inner.link(&lead))
            }
            (None, None) => None,
        };
        if link.is_none() && !names {
            // Not that there is none: nobody has told.
            let source = self.desk.source.id();
            return Err(SourceError::new(source, "interactions", SourceErrorKind::Unsupported));
        }
        let talk = match link {
            Some(link) => match self.scouted(&link.key) {
                Some(scouted) => oldest.take(scouted),
                None => oldest.take(self.inner.conversation(cx, &link).await?),
            },
            None => None,
        };
        let rows = talk.iter().map(|talk| {
            let mut interaction = talk.to_interaction();
            interaction.lead.get_or_insert_with(|| key.native.clone());
            Arc::new(interaction)
        });
        let page = Page { rows: rows.collect(), next: None, rejected: 0 };
        Ok(Read { value: Arc::new(Arc::new(page)), fetched_at: oldest.fetched_at, age: oldest.age })
    }
}

/// How old the oldest of several reads is.
struct Oldest {
    fetched_at: Timestamp,
    age: Age,
}

impl Oldest {
    /// Takes a record, and its age with it.
    fn take<T>(&mut self, point: Point<T>) -> Option<Arc<T>> {
        self.fetched_at = self.fetched_at.min(point.fetched_at);
        self.age.and(point.age);
        point.record
    }
}

impl Inner {
    /// All interactions of one lead, through the cache.
    pub(super) async fn history(
        &self,
        cx: &Cx,
        source: &Arc<dyn Source>,
        lead: &Key,
    ) -> Result<Read<Arc<Page<Interaction>>>, SourceError> {
        let (source, native, settings) =
            (Arc::clone(source), lead.native.clone(), Arc::clone(&self.settings));
        let key = ReadKey::History(source.id().clone(), native.clone());
        let load = move |cx: Cx, _| async move {
            let unsupported = || SourceError::new(source.id(), "interactions", SourceErrorKind::Unsupported);
            let page = source.histories().ok_or_else(unsupported)?.of_lead_dyn(&cx, &native).await?;
            Ok(listed(page, Life { fresh: settings.interaction_ttl, stale: settings.list_stale_if_error }))
        };
        self.cache.read(cx, key, load).await
    }
}
