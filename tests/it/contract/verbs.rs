//! Verbs: what a source has, it can do.

use leadgraph::model::conversation::Conversation;
use leadgraph::model::cx::Cx;
use leadgraph::model::failure::SourceError;
use leadgraph::model::id::{Key, NativeId};
use leadgraph::model::lead::Lead;
use leadgraph::source::{ConversationQuery, LeadQuery, Source};

use super::bench::{Bench, cx, page};
use super::check;

/// What a source can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Leads,
    Lead,
    Conversations,
    Conversation,
    Interaction,
    History,
    Recording,
}

pub(super) const VERBS: &[Verb] = &[
    Verb::Leads,
    Verb::Lead,
    Verb::Conversations,
    Verb::Conversation,
    Verb::Interaction,
    Verb::History,
    Verb::Recording,
];

impl Verb {
    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::Leads | Self::Conversations)
    }
}

/// Records to ask for.
pub(super) struct Ids {
    lead: NativeId,
    conversation: NativeId,
    interaction: NativeId,
    recording: NativeId,
}

impl Ids {
    /// Ids that no vendor has.
    pub(super) fn unknown() -> Self {
        let id = || NativeId::new("unknown_1").unwrap();
        Self { lead: id(), conversation: id(), interaction: id(), recording: id() }
    }

    /// Records that the vendor has, as far as the source's verbs can find them.
    pub(super) async fn known(source: &dyn Source) -> Self {
        let mut ids = Self::unknown();
        let leads = page::<Lead>(source, &LeadQuery::default(), None).await.unwrap().rows;
        ids.lead = first(source, leads.iter().map(|lead| &lead.key));
        if source.conversations().is_some() {
            let rows = page::<Conversation>(source, &ConversationQuery::default(), None).await.unwrap().rows;
            ids.conversation = first(source, rows.iter().map(|row| &row.key));
            let recorded = rows.iter().find(|row| row.recording.is_some());
            ids.recording = recorded.map_or(ids.recording, |row| row.key.native.clone());
        }
        if let Some(histories) = source.histories() {
            let mut touches = Vec::new();
            for lead in leads.iter().take(20) {
                let history = histories.of_lead_dyn(&cx(), &lead.key.native).await.unwrap();
                if !history.rows.is_empty() {
                    ids.lead = lead.key.native.clone();
                }
                touches.extend(history.rows);
            }
            ids.interaction = first(source, touches.iter().map(|touch| &touch.key));
            let recorded = |call: &leadgraph::model::interaction::CallDetails| call.recording.is_some();
            let recorded = touches.iter().find(|touch| touch.call.as_ref().is_some_and(recorded));
            ids.recording = recorded.map_or(ids.recording, |touch| touch.key.native.clone());
        }
        ids
    }
}

fn first<'a>(source: &dyn Source, mut keys: impl Iterator<Item = &'a Key>) -> NativeId {
    let key = keys.next();
    key.unwrap_or_else(|| panic!("{:?} shows no record to ask for", source.vendor())).native.clone()
}

/// How many records a verb finds, or `None` where the source does not have it.
pub(super) async fn ask(
    source: &dyn Source,
    verb: Verb,
    ids: &Ids,
    cx: &Cx,
) -> Option<Result<usize, SourceError>> {
    let found = match verb {
        Verb::Leads => {
            source.leads()?.page_dyn(cx, &LeadQuery::default(), None).await.map(|page| page.rows.len())
        }
        Verb::Conversations => {
            let page = source.conversations()?.page_dyn(cx, &ConversationQuery::default(), None).await;
            page.map(|page| page.rows.len())
        }
        Verb::Lead => source.lead_by_id()?.get_dyn(cx, &ids.lead).await.map(|lead| lead.iter().count()),
        Verb::Conversation => {
            let read = source.conversation_by_id()?.get_dyn(cx, &ids.conversation).await;
            read.map(|conversation| conversation.iter().count())
        }
        Verb::Interaction => {
            let read = source.interaction_by_id()?.get_dyn(cx, &ids.interaction).await;
            read.map(|interaction| interaction.iter().count())
        }
        Verb::History => {
            source.histories()?.of_lead_dyn(cx, &ids.lead).await.map(|history| history.rows.len())
        }
        Verb::Recording => {
            source.recordings()?.link_dyn(cx, &ids.recording).await.map(|link| link.iter().count())
        }
    };
    Some(found)
}

#[tokio::test]
async fn verbs_that_a_source_has_find_records() {
    check(60, async |bench| {
        let source = bench.source();
        let ids = Ids::known(&*source).await;
        for verb in VERBS {
            let (calls, cx) = (bench.calls(), cx());
            let Some(found) = ask(&*source, *verb, &ids, &cx).await else { continue };
            let found = found.unwrap_or_else(|error| panic!("{}: {verb:?}: {error}", bench.name()));
            assert!(found > 0, "{}: {verb:?} finds nothing", bench.name());
            assert_eq!(bench.calls() - calls, 1, "{}: {verb:?} costs one call", bench.name());
            assert_eq!(cx.meter.calls(), 1, "{}: {verb:?} is counted", bench.name());
        }
    })
    .await;
}

#[tokio::test]
async fn record_that_is_not_there_is_none_and_no_failure() {
    check(3, async |bench| {
        let source = bench.source();
        for ids in [Ids::unknown(), walking()] {
            for verb in VERBS.iter().filter(|verb| !verb.is_list()) {
                let Some(found) = ask(&*source, *verb, &ids, &cx()).await else { continue };
                assert_eq!(found.unwrap(), 0, "{}: {verb:?}", bench.name());
            }
        }
        let walked = bench.simulator.ledger.entries().into_iter().find(|call| call.path.contains(".."));
        assert_eq!(walked, None, "{}: an id that could walk is never sent", bench.name());
    })
    .await;
}

/// Ids that would lead to other places if they were written into a path as they are.
fn walking() -> Ids {
    let id = || NativeId::new("../leads").unwrap();
    Ids { lead: id(), conversation: id(), interaction: id(), recording: id() }
}

#[tokio::test]
async fn read_by_id_is_the_record_that_was_listed() {
    check(60, async |bench| {
        let source = bench.source();
        let leads = page::<Lead>(&*source, &LeadQuery::default(), None).await.unwrap().rows;
        for lead in leads.iter().take(5) {
            named_as_its_source(bench, &*source, &lead.key, source.lead_by_id().is_some());
            assert_eq!(lead.vendor, bench.entry.vendor, "{}", bench.name());
            if let Some(read) = source.lead_by_id() {
                let whole = read.get_dyn(&cx(), &lead.key.native).await.unwrap().unwrap();
                assert_eq!((&whole.key, whole.created_at), (&lead.key, lead.created_at), "{}", bench.name());
                assert!(!whole.sparse, "{}: a read by id has all there is", bench.name());
            }
        }
        assert_eq!(
            leads.iter().any(|lead| lead.conversation.is_some()),
            source.leads().unwrap().caps_dyn().has_conversation,
            "{}",
            bench.name()
        );
        if source.conversations().is_none() {
            return;
        }
        let rows = page::<Conversation>(&*source, &ConversationQuery::default(), None).await.unwrap().rows;
        for row in rows.iter().take(5) {
            named_as_its_source(bench, &*source, &row.key, source.conversation_by_id().is_some());
            assert_eq!(row.vendor, bench.entry.vendor, "{}", bench.name());
            if let Some(read) = source.conversation_by_id() {
                let whole = read.get_dyn(&cx(), &row.key.native).await.unwrap().unwrap();
                assert_eq!((&whole.key, whole.started_at), (&row.key, row.started_at), "{}", bench.name());
                assert!(!whole.partial, "{}: a read by id has all there is", bench.name());
            }
        }
    })
    .await;
}

/// A key carries the day of creation where, and only where, there is no read by id.
fn named_as_its_source(bench: &Bench, source: &dyn Source, key: &Key, readable: bool) {
    assert_eq!(key.source, *source.id(), "{}", bench.name());
    assert_eq!(key.day.is_none(), readable, "{}: {key:?}", bench.name());
}
