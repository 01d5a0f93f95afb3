//! Many sources, one answer: plan, fan out, merge, cursor, cache.
//!
//! Called by `graphql/`. Holds sources only behind the erased verbs of `source/`, so it sees no concrete vendor and no
//! HTTP status. A partial answer is an answer, never an `Err`. Each file is one step of a request:
//! `plan` (who can answer) > `connect` (the page that was asked for) > `walk` (the merge) > `feed` (one source's part) >
//! `windows` (lists made stable by days) > `chain` (pages to their end) > `lists`, `history`, `lookup` (what is read) > `cache`.

mod ahead;
pub mod answer;
mod cache;
mod chain;
mod connect;
mod cursor;
mod feed;
mod generations;
mod habits;
mod history;
mod lanes;
mod links;
mod lists;
mod lookup;
mod news;
mod pages;
mod plan;
mod position;
pub mod prices;
mod reader;
pub mod record;
mod recordings;
mod registry;
pub mod request;
pub mod settings;
#[cfg(test)]
mod tests;
mod trim;
mod walk;
mod windows;
pub mod write;

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt;

use self::answer::{Connection, GatherError, SourceView};
use self::cache::Cache;
use self::connect::Request;
use self::cursor::{Sealer, fingerprint};
use self::generations::Name;
use self::history::Whose;
use self::links::Links;
use self::lookup::Scouted;
pub use self::news::Anew;
use self::pages::{Asked, Pages};
use self::plan::{Leg, Legs};
use self::prices::Prices;
pub use self::recordings::LinkError;
use self::recordings::Minted;
use self::registry::Registry;
use self::request::{
    ConversationFilter, ConversationKey, InteractionFilter, LeadFilter, Paging, SourceFilter,
};
use self::settings::Settings;
use self::write::Overlay;
use crate::model::caller::Caller;
use crate::model::conversation::Conversation;
use crate::model::cx::Cx;
use crate::model::failure::SourceError;
use crate::model::id::{EntityKind, Key, SourceId};
use crate::model::interaction::Interaction;
use crate::model::lead::Lead;
use crate::model::lease::Basis;
use crate::source::Source;

/// What became of one key of a look-up: the record, no such record, or a failure.
pub type Found<T> = Result<Option<Arc<T>>, SourceError>;

/// All configured sources as one. Cheap to clone; clones share everything.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "holds the keys that seal cursors")]
pub struct Gather {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Arc<Settings>,
    registry: Arc<Registry>,
    cache: Cache,
    pages: Pages,
    links: Arc<Links>,
    sealer: Arc<Sealer>,
    overlay: Overlay,
    writes: Arc<write::Desk>,
    minted: Arc<Minted>,
}

/// The sources, the belief in their lists' order, and the links that an answer was made with.
struct Standing {
    registry: Arc<Registry>,
    sources: Arc<Vec<Arc<dyn Source>>>,
    breaks: u64,
    links: Arc<Links>,
    puts: u64,
}

impl Basis for Standing {
    fn stands(&self) -> bool {
        self.registry.is(&self.sources)
            && self.registry.breaks() == self.breaks
            && self.links.puts() == self.puts
    }
}

impl Gather {
    /// Gathers from these sources.
    #[must_use]
    pub fn new(settings: Settings, sources: Vec<Arc<dyn Source>>) -> Self {
        let inner = Inner {
            registry: Arc::new(Registry::new(sources)),
            cache: Cache::new(&settings),
            pages: Pages::new(settings.page_bytes()),
            links: Arc::default(),
            sealer: Arc::new(Sealer::new(&settings)),
            overlay: Overlay::default(),
            writes: Arc::new(write::Desk::new()),
            minted: Arc::default(),
            settings: Arc::new(settings),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Gathers from other sources, or under other settings, and goes on with what this one knows. Of sources that do not
    /// `stay` as they are, what is held is void, what is being read just now included; of those that are not even the `same`
    /// account any more, the links that webhooks told are forgotten, too. Cursors are good for both, unless their keys are others.
    #[must_use]
    pub fn next(
        &self,
        settings: Settings,
        sources: Vec<Arc<dyn Source>>,
        stays: &dyn Fn(&SourceId) -> bool,
        same: &dyn Fn(&SourceId) -> bool,
    ) -> Self {
        let before = &self.inner;
        before.links.forget(|source| !same(source));
        let same_keys = settings.cursor_keys == before.settings.cursor_keys;
        let sealer = if same_keys { Arc::clone(&before.sealer) } else { Arc::new(Sealer::new(&settings)) };
        let inner = Inner {
            registry: Arc::new(before.registry.next(sources)),
            pages: Pages::new(settings.page_bytes()),
            cache: before
                .cache
                .next(&settings, before.registry.names().into_iter().filter(|name| !stays(name))),
            links: Arc::clone(&before.links),
            sealer,
            overlay: before.overlay.clone(),
            writes: Arc::clone(&before.writes),
            minted: Arc::clone(&before.minted),
            settings: Arc::new(settings),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Replaces the sources. Walks that have begun go on with those that are still there.
    pub fn set_sources(&self, sources: Vec<Arc<dyn Source>>) {
        self.inner.registry.set(sources);
    }

    /// Leads of all sources that the filter allows, newest first.
    ///
    /// # Errors
    /// Bad input, before any call; or no source at all could answer.
    pub async fn leads(
        &self,
        cx: &Cx,
        filter: &LeadFilter,
        paging: &Paging,
    ) -> Result<Arc<Connection<Lead>>, GatherError> {
        plan::check_leads(&cx.caller, filter).map_err(GatherError::Input)?;
        let (field, kind, print) = ("leads", EntityKind::Lead, fingerprint(filter));
        let make = async |cx: &Cx| {
            let legs =
                self.legs(&cx.caller, &filter.of, |source| plan::leads(self.inner.desk(source), filter))?;
            let request =
                Request { cx, field, filter: print, kind, legs, paging, unsupported_is_missing: false };
            self.inner.connect(request).await
        };
        self.page(cx, Asked::of(cx, field, print, paging), make).await
    }

    /// Conversations of all sources that the filter allows, newest first.
    ///
    /// # Errors
    /// As [`Gather::leads`].
    pub async fn conversations(
        &self,
        cx: &Cx,
        filter: &ConversationFilter,
        paging: &Paging,
    ) -> Result<Arc<Connection<Conversation>>, GatherError> {
        plan::check_conversations(&cx.caller, filter).map_err(GatherError::Input)?;
        let (field, kind, print) = ("conversations", EntityKind::Conversation, fingerprint(filter));
        let make = async |cx: &Cx| {
            let leg = |source: &Arc<dyn Source>| plan::conversations(self.inner.desk(source), filter);
            let legs = self.legs(&cx.caller, &filter.of, leg)?;
            let request =
                Request { cx, field, filter: print, kind, legs, paging, unsupported_is_missing: false };
            self.inner.connect(request).await
        };
        self.page(cx, Asked::of(cx, field, print, paging), make).await
    }

    /// Interactions of all sources that the filter allows, newest first. Sources that list them lead by lead answer for
    /// `filter.leads` exactly, and without it for their newest leads only, which is reported as partial.
    ///
    /// # Errors
    /// As [`Gather::leads`].
    pub async fn interactions(
        &self,
        cx: &Cx,
        filter: &InteractionFilter,
        paging: &Paging,
    ) -> Result<Arc<Connection<Interaction>>, GatherError> {
        plan::check_interactions(filter).map_err(GatherError::Input)?;
        let inner = &self.inner;
        inner.registry.seen_by(&cx.caller).check_leads(filter).map_err(GatherError::Input)?;
        let (field, kind, print) = ("interactions", EntityKind::Interaction, fingerprint(filter));
        let make = async |cx: &Cx| {
            let legs = self.legs(&cx.caller, &filter.of, |source| match &filter.leads {
                Some(leads) => {
                    let own = leads.iter().filter(|lead| lead.source == *source.id());
                    let own: Vec<_> = own.cloned().collect();
                    if own.is_empty() {
                        Leg::Skipped
                    } else {
                        history::of_leads(inner, source, Whose::Keys(own), filter)
                    }
                }
                None if source.conversations().is_some() => plan::talks(inner.desk(source), filter),
                None => history::of_newest(inner, source, filter),
            })?;
            let unsupported_is_missing = filter.leads.is_some();
            let request = Request { cx, field, filter: print, kind, legs, paging, unsupported_is_missing };
            inner.connect(request).await
        };
        self.page(cx, Asked::of(cx, field, print, paging), make).await
    }

    /// Interactions of each of some leads, newest first, in the order of the leads. What many leads need is read together.
    pub async fn interactions_of(
        &self,
        cx: &Cx,
        leads: &[Arc<Lead>],
        filter: &InteractionFilter,
        paging: &Paging,
    ) -> Vec<Result<Connection<Interaction>, GatherError>> {
        if let Err(error) = plan::check_interactions(filter) {
            return leads.iter().map(|_| Err(GatherError::Input(error.clone()))).collect();
        }
        // Leads that only link to a conversation: one look through the source's list may find them all.
        let seen = self.inner.registry.seen_by(&cx.caller);
        let linked =
            |lead: &&Arc<Lead>| seen.get(&lead.key.source).is_some_and(|source| source.histories().is_none());
        let links: Vec<_> = leads.iter().filter(linked).filter_map(|lead| self.inner.link(lead)).collect();
        let scouted = Arc::new(self.inner.scout(cx, &links).await);
        let one = |lead| self.interactions_of_one(cx, lead, &scouted, filter, paging).boxed();
        self.inner.side_by_side(cx, leads.iter().map(|lead| (&lead.key.source, one(lead)))).await
    }

    async fn interactions_of_one(
        &self,
        cx: &Cx,
        lead: &Arc<Lead>,
        scouted: &Scouted,
        filter: &InteractionFilter,
        paging: &Paging,
    ) -> Result<Connection<Interaction>, GatherError> {
        let own = SourceFilter { sources: Some(vec![lead.key.source.clone()]), vendors: None };
        let whose = || Whose::Known { lead: Arc::clone(lead), scouted: Arc::clone(scouted) };
        let legs = self.legs(&cx.caller, &own, |source| {
            let wanted = filter.of.sources.as_ref().is_none_or(|ids| ids.contains(source.id()))
                && filter.of.vendors.as_ref().is_none_or(|vendors| vendors.contains(&source.vendor()))
                && filter.leads.as_ref().is_none_or(|leads| leads.contains(&lead.key));
            if wanted { history::of_leads(&self.inner, source, whose(), filter) } else { Leg::Skipped }
        })?;
        let filter = fingerprint(&(filter, &lead.key));
        let (field, kind) = ("Lead.interactions", EntityKind::Interaction);
        self.inner
            .connect(Request { cx, field, filter, kind, legs, paging, unsupported_is_missing: true })
            .await
    }

    /// Reads leads by key; every key gets its own result. Keys of unknown sources are `Ok(None)`.
    pub async fn leads_by_key(&self, cx: &Cx, keys: &[Key]) -> HashMap<Key, Found<Lead>> {
        let one = async |key: Key| Ok(self.inner.lead(cx, &key).await?.told(cx));
        self.inner.each(cx, keys, |key| &key.source, one).await
    }

    /// Reads conversations by key; every key gets its own result. Those of one period are found by few list reads.
    pub async fn conversations_by_key(
        &self,
        cx: &Cx,
        keys: &[ConversationKey],
    ) -> HashMap<ConversationKey, Found<Conversation>> {
        let scouted = self.inner.scout(cx, keys).await;
        let one = async |key: ConversationKey| match scouted.get(&key.key) {
            Some(found) if !(key.whole && found.is_partial()) => Ok(found.clone().told(cx)),
            _ => Ok(self.inner.conversation(cx, &key).await?.told(cx)),
        };
        self.inner.each(cx, keys, |key| &key.key.source, one).await
    }

    /// Reads interactions by key; every key gets its own result.
    pub async fn interactions_by_key(&self, cx: &Cx, keys: &[Key]) -> HashMap<Key, Found<Interaction>> {
        let one = async |key: Key| Ok(self.inner.interaction(cx, &key).await?.told(cx));
        self.inner.each(cx, keys, |key| &key.source, one).await
    }

    /// What every answer rests on beside the reads it was made of: that there are the same sources, that no list has turned out to
    /// be in another order than was believed, and that no more has become known of what belongs to what.
    #[must_use]
    pub fn standing(&self) -> Arc<dyn Basis> {
        let Inner { registry, links, .. } = &*self.inner;
        Arc::new(Standing {
            registry: Arc::clone(registry),
            sources: registry.snapshot(),
            breaks: registry.breaks(),
            links: Arc::clone(links),
            puts: links.puts(),
        })
    }

    /// Which sources there are, as a number that no others of this gather had.
    #[must_use]
    pub fn edition(&self) -> u64 {
        self.inner.registry.edition()
    }

    /// Forgets a record and the pages of its source's lists of that kind, for everyone and at once. A read under way that
    /// began before neither stores nor gives later readers what it brings.
    pub fn forget(&self, kind: EntityKind, key: &Key) {
        self.inner.cache.forget(Name::Record(&key.source, &key.native));
        self.forget_lists(&key.source, kind);
    }

    /// Forgets the pages of a source's lists of a kind, as [`Gather::forget`] does: a record has come or gone. Conversations
    /// and interactions are forgotten together, and so are the histories of the source's leads with them.
    pub fn forget_lists(&self, source: &SourceId, kind: EntityKind) {
        self.inner.cache.forget(Name::lists(source, kind));
    }

    /// All sources that exist for a caller, in the order of their names.
    #[must_use]
    pub fn sources(&self, caller: &Caller) -> Vec<SourceView> {
        self.inner.registry.seen_by(caller).all().iter().map(|source| self.view(&**source)).collect()
    }

    /// What reading costs a caller at the sources that a filter allows; nothing where the filter cannot be.
    #[must_use]
    pub fn prices(&self, caller: &Caller, of: &SourceFilter) -> Prices {
        prices::prices(self.inner.registry.seen_by(caller), &self.inner.settings, of)
    }

    /// Checks a filter of sources that is used elsewhere, for a caller.
    ///
    /// # Errors
    /// As of a list under that filter: `BadId`, `BadUserInput`.
    pub fn check(&self, caller: &Caller, of: &SourceFilter) -> Result<(), GatherError> {
        self.inner.registry.seen_by(caller).select(of).map(drop).map_err(GatherError::Input)
    }

    /// One source by its name, where it exists for the caller.
    #[must_use]
    pub fn source(&self, caller: &Caller, id: &SourceId) -> Option<SourceView> {
        self.inner.registry.seen_by(caller).get(id).map(|source| self.view(&*source))
    }

    fn view(&self, source: &dyn Source) -> SourceView {
        registry::view(source, self.inner.settings.writable.holds(source.id()))
    }

    fn legs<T>(
        &self,
        caller: &Caller,
        filter: &SourceFilter,
        leg: impl Fn(&Arc<dyn Source>) -> Leg<T>,
    ) -> Result<Legs<T>, GatherError> {
        let sources = self.inner.registry.seen_by(caller).select(filter).map_err(GatherError::Input)?;
        Ok(sources.into_iter().map(|source| (Arc::clone(&source), leg(&source))).collect())
    }
}
