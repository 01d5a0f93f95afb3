//! Records by their ids and links to recordings, read from the simulator over real sockets.

use super::stage::{NOW, at, cx, id, site};
use crate::model::conversation::Conversation;
use crate::model::failure::SourceErrorKind;
use crate::model::interaction::{InteractionKind, InteractionStatus};
use crate::source::{ConversationQuery, LeadQuery};
use crate::vendors::simulation::{Fault, Rule};

#[tokio::test]
async fn lead_read_by_id_is_the_lead_of_the_list() {
    let site = site(12).await;
    for lead in site.all_leads(&LeadQuery::default()).await {
        let single = site.lead(lead.key.native.as_str()).await.unwrap();
        assert_eq!(single.as_ref(), Some(&*lead));
    }
}

#[tokio::test]
async fn cut_transcripts_are_partial_and_whole_by_id() {
    // C-S4
    let site = site(20).await;
    let cut = site.all_conversations(&ConversationQuery::default()).await;
    assert!(cut.iter().any(|it| it.partial) && cut.iter().any(|it| !it.partial));
    site.simulator.switches.set("list_transcripts", "missing");
    let missing = site.all_conversations(&ConversationQuery::default()).await;
    assert!(missing.iter().all(|it| it.partial && it.transcript.is_none()));
    site.simulator.switches.set("list_transcripts", "full");
    let full = site.all_conversations(&ConversationQuery::default()).await;
    assert!(full.iter().all(|it| !it.partial));
    let turns = |it: &Conversation| it.transcript.as_ref().map_or(0, Vec::len);
    for (cut, full) in cut.iter().zip(&full) {
        let single = site.conversation(cut.key.native.as_str()).await.unwrap().unwrap();
        assert!(!single.partial);
        assert_eq!(single.transcript, full.transcript);
        assert_eq!(cut.partial, turns(cut) < turns(&single));
    }
}

#[tokio::test]
async fn conversation_links_to_its_lead_through_the_lead_alone() {
    let site = site(60).await;
    let talks = site.all_conversations(&ConversationQuery::default()).await;
    assert!((95..=105).contains(&talks.len()), "about 60 of 100 calls lead to a lead: {}", talks.len());
    assert!(talks.iter().all(|it| it.lead.is_none()));
    let leads = site.all_leads(&LeadQuery::default()).await;
    let linked: Vec<_> =
        leads.iter().filter_map(|lead| lead.conversation.as_ref().map(|it| (lead, it))).collect();
    assert!(linked.len() < leads.len() && linked.len() * 10 > leads.len() * 8);
    for (lead, conversation) in linked {
        let it = talks.iter().find(|talk| talk.key.native == *conversation).unwrap();
        assert!(it.started_at < lead.created_at && lead.created_at < it.ended_at);
        assert_eq!(it.tool_calls[0].name, "submit_lead");
    }
}

#[tokio::test]
async fn conversation_that_goes_on_has_no_end_and_no_recording() {
    let site = site(2).await;
    let lead = site.simulator.vendor.add_lead(at(NOW));
    let lead = site.lead(&lead).await.unwrap().unwrap();
    assert_eq!(lead.created_at, Some(at(NOW)));
    let talks = site.all_conversations(&ConversationQuery::default()).await;
    let open: Vec<_> = talks.iter().filter(|it| it.state == InteractionStatus::InProgress).collect();
    let [open] = &*open else { panic!("one call goes on") };
    assert_eq!((open.ended_at, open.duration_seconds, &open.recording), (None, None, &None));
    assert_eq!(open.to_interaction().kind, InteractionKind::Call);
}

#[tokio::test]
async fn recording_link_is_minted_anew_each_time() {
    let site = site(30).await;
    let query = ConversationQuery { has_recording: true, ..Default::default() };
    let recorded = site.conversations(&query, None).await.unwrap().rows[0].key.native.clone();
    let recordings = site.source.recordings().unwrap();
    let first = recordings.link_dyn(&cx(), &recorded).await.unwrap().unwrap();
    let second = recordings.link_dyn(&cx(), &recorded).await.unwrap().unwrap();
    assert_ne!(first.url, second.url);
    let life = first.expires_at.unwrap().duration_since(at(NOW));
    assert!((300..310).contains(&life.as_secs()), "{life:?}");
    assert!(!format!("{first:?}").contains("token"));
}

#[tokio::test]
async fn refused_recording_is_no_recording_but_a_refused_key_or_pace_is_a_failure() {
    for (status, expected) in [
        (400, None),
        (403, None),
        (404, None),
        (405, None),
        (409, None),
        (422, None),
        (401, Some(SourceErrorKind::Unauthorized)),
        (429, Some(SourceErrorKind::RateLimited)),
        (500, Some(SourceErrorKind::VendorError)),
    ] {
        let site = site(1).await;
        let fault = Fault::Status { status, retry_after: None };
        site.simulator.faults.set([Rule::always(fault).on("/recording")]);
        let link = site.source.recordings().unwrap().link_dyn(&cx(), &id("conv_x")).await;
        assert_eq!(link.as_ref().err().map(|error| error.kind), expected, "{status}");
        assert!(expected.is_some() || link.unwrap().is_none());
    }
}

#[tokio::test]
async fn conversation_without_recording_has_no_link() {
    let site = site(60).await;
    let talks = site.all_conversations(&ConversationQuery::default()).await;
    let silent = talks.iter().find(|it| it.recording.is_none()).unwrap();
    let link = site.source.recordings().unwrap().link_dyn(&cx(), &silent.key.native).await;
    assert_eq!(link.unwrap(), None);
}

#[tokio::test]
async fn record_of_another_site_is_absent_whether_hidden_or_forbidden() {
    // C-S1
    let site = site(3).await;
    for value in ["", "on"] {
        site.simulator.switches.set("forbidden", value);
        site.simulator.ledger.clear();
        assert_eq!(site.lead("01JFOREIGN").await.unwrap(), None);
        assert_eq!(site.conversation("conv_foreign").await.unwrap(), None);
        let recordings = site.source.recordings().unwrap();
        assert_eq!(recordings.link_dyn(&cx(), &id("conv_foreign")).await.unwrap(), None);
        let expected = if value.is_empty() { 404 } else { 403 };
        assert!(site.simulator.ledger.entries().iter().all(|entry| entry.status == expected));
    }
}

#[tokio::test]
async fn id_that_could_walk_costs_no_call() {
    let site = site(1).await;
    for text in ["..", "../../sites", "%2e%2e", "a b"] {
        assert_eq!(site.lead(text).await.unwrap(), None, "{text}");
        assert_eq!(site.conversation(text).await.unwrap(), None, "{text}");
    }
    assert_eq!(site.simulator.ledger.count(), 0);
}
