//! What vendors say has happened: what was read before is forgotten, then the records are read anew, by few calls.
//!
//! News of many records of one source cost a page of its list instead of a read for each; a record that the vendor describes
//! and does not name costs that page, too. It is the page that clients ask for first, so the next query finds it read.

use std::sync::Arc;

use futures_util::{FutureExt, StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::lists::{ConversationList, LeadList};
use super::lookup::WORTH_A_LIST;
use super::position::Window;
use super::reader::{Reader, Tally};
use super::record::{Record, moment};
use super::request::ConversationKey;
use super::windows::{Windows, day_of};
use super::{Gather, Inner};
use crate::model::caps::{ListCaps, Paging};
use crate::model::conversation::Conversation;
use crate::model::cx::Cx;
use crate::model::failure::{SourceError, SourceErrorKind};
use crate::model::id::{EntityKind, Key, NativeId, SourceId};
use crate::model::interaction::Interaction;
use crate::model::lead::Lead;
use crate::model::page::PageToken;
use crate::model::text::{e164, email_key};
use crate::source::{ConversationQuery, DynList, Hint, LeadQuery, Person, Source, Span, Subject};

/// How long before we hear of it a lead may have been created: vendors try again for a day.
const LATE: SignedDuration = SignedDuration::from_hours(25);
/// How far the vendor's clock may be ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// A record that was read anew.
#[derive(Clone, Debug)]
pub enum Anew {
    /// A lead.
    Lead(Arc<Lead>),
    /// A conversation.
    Conversation(Arc<Conversation>),
    /// The vendor has no such record, or did not say which.
    Nothing,
}

impl Gather {
    /// Forgets what a hint makes doubtful: the record and its source's lists.
    pub fn doubt(&self, hint: &Hint) {
        let kind = if hint.news.is_of_lead() { EntityKind::Lead } else { EntityKind::Conversation };
        match &hint.subject {
            Subject::Lead(native) | Subject::Conversation(native) => {
                let key = Key { source: hint.source.clone(), native: native.clone(), day: None };
                self.forget(kind, &key);
            }
            Subject::Person(_) | Subject::Unnamed => self.forget_lists(&hint.source, kind),
        }
    }

    /// Reads what hints of one source are about, each with its own result, in their order. To be called after
    /// [`Gather::doubt`]. Keeps which conversation a lead came from, where a hint says it.
    pub async fn anew(&self, cx: &Cx, id: &SourceId, hints: &[&Hint]) -> Vec<Result<Anew, SourceError>> {
        let Some(source) = self.inner.registry.seen_by(&cx.caller).get(id) else {
            return hints.iter().map(|_| Ok(Anew::Nothing)).collect();
        };
        let round = Round::begin(&self.inner, cx, &source, hints).await;
        let each: Vec<_> = hints.iter().map(|hint| round.read(hint).boxed()).collect();
        // What nobody waits for is never queued on its way: side by side, most would only be refused.
        let at_once = if cx.background { 1 } else { source.side_by_side() };
        stream::iter(each).buffered(at_once).collect().await
    }

    /// A source's newest leads: the first page of its list. Nothing, where it lists none or is not known.
    ///
    /// # Errors
    /// What the source says.
    pub async fn newest_leads(&self, cx: &Cx, id: &SourceId) -> Result<Vec<Arc<Lead>>, SourceError> {
        let Some(source) = self.inner.registry.seen_by(&cx.caller).get(id) else { return Ok(Vec::new()) };
        let Some(caps) = source.leads().map(|list| list.caps_dyn().list) else { return Ok(Vec::new()) };
        let desk = self.inner.desk(&source);
        let list = LeadList { desk, query: LeadQuery::default(), looks_inside: false };
        Inner::head(cx, &list, &caps).await
    }

    /// All interactions of one lead, where its source lists them lead by lead.
    ///
    /// # Errors
    /// What the source says; `Unsupported` where it does not list them so.
    pub async fn touches(&self, cx: &Cx, lead: &Key) -> Result<Vec<Arc<Interaction>>, SourceError> {
        let Some(source) = self.inner.registry.seen_by(&cx.caller).get(&lead.source) else {
            return Ok(Vec::new());
        };
        Ok(self.inner.history(cx, &source, lead).await?.value.rows.clone())
    }

    /// The conversation of a lead, where only a webhook told it.
    #[must_use]
    pub fn linked_conversation(&self, lead: &Key) -> Option<ConversationKey> {
        self.inner.linked_conversation(lead)
    }

    /// The lead of a conversation, where only a webhook told it.
    #[must_use]
    pub fn linked_lead(&self, conversation: &Key) -> Option<Key> {
        self.inner.links.of_conversation(conversation).map(|link| link.lead)
    }
}

impl Inner {
    /// A lead's conversation, as a look-up: the one that it names, or that a webhook has told.
    pub(super) fn link(&self, lead: &Lead) -> Option<ConversationKey> {
        let named = lead.conversation.clone().map(|native| ConversationKey {
            key: Key { source: lead.key.source.clone(), native, day: None },
            near: lead.created_at,
            whole: false,
        });
        named.or_else(|| self.linked_conversation(&lead.key))
    }

    pub(super) fn linked_conversation(&self, lead: &Key) -> Option<ConversationKey> {
        let link = self.links.of_lead(lead)?;
        let key = Key { source: lead.source.clone(), native: link.conversation, day: None };
        Some(ConversationKey { key, near: link.near, whole: false })
    }

    /// The newest page of a source's list.
    async fn head<T: Record>(
        cx: &Cx,
        list: &dyn Reader<T>,
        caps: &ListCaps,
    ) -> Result<Vec<Arc<T>>, SourceError> {
        // As walks ask for it.
        let first = PageToken::Offset { page: std::num::NonZeroU32::MIN, size: caps.page_size };
        let from = (caps.paging == Paging::Offset).then_some(&first);
        Ok(list.read(cx, Span::default(), from).await?.page.rows.clone())
    }
}

type Head<T> = Option<Result<Vec<Arc<T>>, SourceError>>;

/// Hints of one source, read together.
struct Round<'a> {
    inner: &'a Arc<Inner>,
    cx: &'a Cx,
    source: &'a Arc<dyn Source>,
    leads: Head<Lead>,
    talks: Head<Conversation>,
}

impl<'a> Round<'a> {
    /// Reads the pages that are worth it.
    async fn begin(inner: &'a Arc<Inner>, cx: &'a Cx, source: &'a Arc<dyn Source>, hints: &[&Hint]) -> Self {
        let count = |is: fn(&Subject) -> bool| hints.iter().filter(|hint| is(&hint.subject)).count();
        let worth = |count: usize, by_id: bool| count >= if by_id { WORTH_A_LIST } else { 1 };
        let mut round = Self { inner, cx, source, leads: None, talks: None };
        let named = count(|subject| matches!(subject, Subject::Lead(_)));
        let described = count(|subject| matches!(subject, Subject::Person(_)));
        if let Some(caps) = round.lead_caps()
            && (described > 0 || worth(named, source.lead_by_id().is_some()))
        {
            round.leads = Some(Inner::head(cx, &round.lead_list(), &caps).await);
        }
        let talks = count(|subject| matches!(subject, Subject::Conversation(_)));
        if let Some(caps) = round.talk_caps()
            && worth(talks, source.conversation_by_id().is_some())
        {
            round.talks = Some(Inner::head(cx, &round.talk_list(), &caps).await);
        }
        round
    }

    fn lead_caps(&self) -> Option<ListCaps> {
        self.source.leads().map(|list| list.caps_dyn().list)
    }

    fn talk_caps(&self) -> Option<ListCaps> {
        self.source.conversations().map(DynList::caps_dyn).map(|caps| caps.list)
    }

    fn lead_list(&self) -> LeadList {
        LeadList { desk: self.inner.desk(self.source), query: LeadQuery::default(), looks_inside: false }
    }

    fn talk_list(&self) -> ConversationList {
        ConversationList { desk: self.inner.desk(self.source), query: ConversationQuery::default() }
    }

    fn key(&self, native: &NativeId) -> Key {
        Key { source: self.source.id().clone(), native: native.clone(), day: None }
    }

    async fn read(&self, hint: &Hint) -> Result<Anew, SourceError> {
        if Instant::now() >= self.cx.deadline {
            // Those before it took all the time there was: the vendor was not asked.
            return Err(SourceError::new(self.source.id(), "webhook", SourceErrorKind::Overloaded));
        }
        match &hint.subject {
            Subject::Lead(id) => Ok(self.lead(id).await?.map_or(Anew::Nothing, Anew::Lead)),
            Subject::Conversation(id) => {
                Ok(self.conversation(id, hint).await?.map_or(Anew::Nothing, Anew::Conversation))
            }
            Subject::Person(person) => {
                let lead = self.of_person(person, hint).await?;
                if let (Some(lead), Some(conversation)) = (&lead, &person.conversation) {
                    self.inner.links.put(lead, conversation.clone());
                }
                Ok(lead.map_or(Anew::Nothing, Anew::Lead))
            }
            Subject::Unnamed => Ok(Anew::Nothing),
        }
    }

    async fn lead(&self, id: &NativeId) -> Result<Option<Arc<Lead>>, SourceError> {
        let mut rows = self.leads.iter().flatten().flatten();
        match rows.find(|lead| lead.key.native == *id && !lead.sparse) {
            Some(lead) => Ok(Some(Arc::clone(lead))),
            None => Ok(self.inner.lead(self.cx, &self.key(id)).await?.record),
        }
    }

    async fn conversation(
        &self,
        id: &NativeId,
        hint: &Hint,
    ) -> Result<Option<Arc<Conversation>>, SourceError> {
        let is_it = |talk: &&Arc<Conversation>| talk.key.native == *id;
        if let Some(talk) = self.talks.iter().flatten().flatten().find(is_it) {
            return Ok(Some(Arc::clone(talk)));
        }
        let near = Some(hint.at.unwrap_or(self.cx.now));
        let wanted = ConversationKey { key: self.key(id), near, whole: false };
        Ok(self.inner.conversation(self.cx, &wanted).await?.record)
    }

    /// The lead of a person: the newest one that fits, on the list's first page, or else among those of the last day.
    async fn of_person(&self, person: &Person, hint: &Hint) -> Result<Option<Arc<Lead>>, SourceError> {
        let at = hint.at.unwrap_or(self.cx.now);
        let newest = |rows: &[Arc<Lead>]| {
            let fitting = rows.iter().filter(|lead| is_of(lead, person, at));
            fitting.max_by_key(|lead| moment(&***lead)).cloned()
        };
        let head = match &self.leads {
            Some(Ok(head)) => head,
            Some(Err(error)) => return Err(error.clone()),
            None => return Ok(None),
        };
        if let Some(lead) = newest(head) {
            return Ok(Some(lead));
        }
        // The first page holds it, unless the list is not newest first.
        let Some(caps) = self.lead_caps().filter(|caps| caps.paging == Paging::Offset) else {
            return Ok(None);
        };
        let (list, today) = (self.lead_list(), day_of(at.as_millisecond()));
        let window = Window { lo: today - 1, hi: today };
        let windows = Windows {
            reader: &list,
            source: self.source.id(),
            size: Some(caps.page_size.get()),
            bottom: window.lo,
        };
        let (_, rows) = windows.read(self.cx, window, &mut Tally::default()).await?;
        Ok(newest(&rows))
    }
}

/// Whether a lead may be the one that a vendor described at a moment. What is surest decides: the e-mail address, then the
/// phone number, then the name.
fn is_of(lead: &Lead, person: &Person, at: Timestamp) -> bool {
    let Some(created) = lead.created_at else { return false };
    if created < at.checked_sub(LATE).unwrap_or(at) || created > at.checked_add(AHEAD).unwrap_or(at) {
        return false;
    }
    let same = |own: &Option<String>, told: &Option<String>, key: fn(&str) -> String| {
        Some(key(own.as_deref()?) == key(told.as_deref()?))
    };
    let number =
        |phone: &str| e164(phone).unwrap_or_else(|| phone.chars().filter(char::is_ascii_digit).collect());
    same(&lead.email, &person.email, email_key)
        .or_else(|| same(&lead.phone, &person.phone, number))
        .or_else(|| same(&lead.name, &person.name, email_key))
        .unwrap_or(false)
}
