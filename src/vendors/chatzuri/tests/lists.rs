//! Both lists over real sockets, with everything the vendor may do differently from what it documents.

use std::collections::{BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::bench::{
    Tested, agents, all, asked, at, calls, cx, leads_failure, open, raw, serve, spec, team, token,
};
use crate::model::caps::{Paging, TimeFilter};
use crate::model::conversation::{Channel, Conversation};
use crate::model::failure::SourceErrorKind;
use crate::model::lead::Lead;
use crate::model::page::PageToken;
use crate::source::{ConversationQuery, LeadQuery, Span};
use crate::vendors::simulation::{Fault, Rule, Simulator};

fn any_lead() -> LeadQuery {
    LeadQuery::default()
}

fn any_talk() -> ConversationQuery {
    ConversationQuery::default()
}

#[tokio::test]
async fn pages_yield_every_lead_once_with_status_202() {
    let vendor = team(230).await;
    let agents = agents(&vendor);
    let leads = all::<Lead>(&*agents[0], &any_lead(), 100).await;
    let read: BTreeSet<(String, Timestamp)> =
        leads.iter().map(|lead| (lead.key.native.to_string(), lead.created_at.unwrap())).collect();
    assert_eq!(leads.len(), 230);
    assert_eq!(read, vendor.vendor.leads().into_iter().collect());
    assert_eq!(calls(&vendor), vec!["GET get-leads 202"; 4]);

    let others = all::<Lead>(&*agents[1], &any_lead(), 100).await;
    assert_eq!(others.len(), 230);
    assert!(others.iter().all(|lead| lead.key.source.as_str() == "acme/agt_2"));
    assert!(others.iter().all(|lead| !read.iter().any(|(id, _)| *id == lead.key.native.as_str())));
}

#[tokio::test]
async fn pages_yield_every_conversation_once_with_its_transcript() {
    let vendor = team(200).await;
    let talks = all::<Conversation>(&*agents(&vendor)[0], &any_talk(), 100).await;
    let ids: HashSet<&str> = talks.iter().map(|talk| talk.key.native.as_str()).collect();
    assert_eq!(ids.len(), talks.len());
    assert!((290..=350).contains(&talks.len()), "about 1.6 to a lead: {}", talks.len());
    assert_eq!(calls(&vendor)[0], "GET get-conversations 200");
    for talk in &talks {
        let turns = talk.transcript.as_ref().unwrap();
        assert!((2..=20).contains(&turns.len()));
        assert_eq!(talk.turn_count, Some(turns.len() as i64));
        assert!(talk.preview.is_some() && !talk.partial);
    }
    let channels: HashSet<Channel> = talks.iter().map(|talk| talk.channel).collect();
    assert!(channels.contains(&Channel::Telegram) && channels.contains(&Channel::Other));
}

#[tokio::test]
async fn first_page_asks_for_everything_by_name() {
    let vendor = team(30).await;
    let agents = agents(&vendor);
    let page = Lead::page_of(&*agents[1], &any_lead(), None).await.unwrap();
    assert_eq!(page.rows.len(), 30);
    let asked = asked(&vendor);
    let asked: Vec<(&str, &str)> = asked.iter().map(|(name, value)| (&**name, &**value)).collect();
    // No bound was given, so no date is sent; never both names of the agent.
    assert_eq!(asked, [("agentId", "agt_2"), ("page", "1"), ("size", "100")]);

    let caps = agents[1].leads().unwrap().caps_dyn();
    assert_eq!((caps.list.paging, caps.list.page_size.get()), (Paging::Offset, 100));
    assert_eq!((caps.list.since, caps.list.until), (TimeFilter::Day, TimeFilter::Day));
    assert!(!caps.has_status && !caps.email && !caps.has_conversation);
    let caps = agents[1].conversations().unwrap().caps_dyn();
    assert_eq!((caps.list.paging, caps.list.page_size.get()), (Paging::Offset, 100));
    assert!(caps.channels.is_empty() && !caps.recordings);
    assert!(agents[1].lead_by_id().is_none() && agents[1].conversation_by_id().is_none());
    assert!(agents[1].interaction_by_id().is_none() && agents[1].recordings().is_none());
}

#[tokio::test]
async fn foreign_tokens_are_stale_and_cost_nothing() {
    let vendor = team(5).await;
    let agent = &agents(&vendor)[0];
    for foreign in [PageToken::Cursor("abc".into()), token(1, 101)] {
        let error = Lead::page_of(&**agent, &any_lead(), Some(&foreign)).await.unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::StaleToken);
    }
    assert_eq!(vendor.ledger.count(), 0);
}

/// Asks for spans that begin and end anywhere and compares with what the vendor has.
async fn assert_spans_are_held(vendor: &Simulator) {
    let agents = agents(vendor);
    let truth = vendor.vendor.leads();
    let mut dice = fastrand::Rng::with_seed(5);
    let newest = at(super::bench::NOW);
    for _ in 0..6 {
        let since = newest - SignedDuration::from_secs(dice.i64(3_600..18 * 86_400));
        let until = since + SignedDuration::from_secs(dice.i64(60..2 * 86_400));
        let query =
            LeadQuery { created: Span { since: Some(since), until: Some(until) }, ..LeadQuery::default() };
        let read = all::<Lead>(&*agents[0], &query, 100).await;
        let read: HashSet<&str> = read.iter().map(|lead| lead.key.native.as_str()).collect();
        let wanted = truth.iter().filter(|(_, at)| *at >= since && *at < until);
        for (id, at) in wanted {
            assert!(read.contains(&**id), "{at} of {since}..{until} is missing");
        }
        assert!(read.len() < truth.len() / 2, "the vendor has filtered");
    }
}

#[tokio::test]
async fn spans_lose_nothing_in_any_time_zone() {
    let vendor = serve(spec(400, 20, 1)).await;
    assert_spans_are_held(&vendor).await;
    for zone in ["-12", "-5", "0", "8", "14"] {
        vendor.switches.set("timezone", zone);
        vendor.switches.set("end_exclusive", "");
        assert_spans_are_held(&vendor).await;
        vendor.switches.set("end_exclusive", "on");
        assert_spans_are_held(&vendor).await;
    }
}

#[tokio::test]
async fn one_405_teaches_a_whole_account_to_post() {
    let vendor = team(20).await;
    vendor.switches.set("post_only", "on");
    let agents = agents(&vendor);
    for agent in &agents {
        assert_eq!(Lead::page_of(&**agent, &any_lead(), None).await.unwrap().rows.len(), 20);
        assert!(!Conversation::page_of(&**agent, &any_talk(), None).await.unwrap().rows.is_empty());
    }
    assert_eq!(
        calls(&vendor),
        [
            "GET get-leads 405",
            "POST get-leads 202",
            "POST get-conversations 200",
            "POST get-leads 202",
            "POST get-conversations 200",
        ]
    );
    // Days and pages are in the body now, and a page by token too.
    let span = Span { since: Some(at("2026-05-09T00:00:00Z")), until: None };
    let query = LeadQuery { created: span, ..LeadQuery::default() };
    let page = Lead::page_of(&*agents[0], &query, Some(&token(1, 2))).await.unwrap();
    assert_eq!(page.rows.len(), 2);
    assert_eq!(vendor.ledger.entries().last().unwrap().query, "");
}

#[tokio::test]
async fn vendor_that_goes_back_to_get_is_followed() {
    let vendor = team(20).await;
    vendor.switches.set("post_only", "on");
    let agent = &agents(&vendor)[0];
    Lead::page_of(&**agent, &any_lead(), None).await.unwrap();
    vendor.switches.set("post_only", "");
    for _ in 0..2 {
        Lead::page_of(&**agent, &any_lead(), None).await.unwrap();
    }
    assert_eq!(calls(&vendor)[2..], ["POST get-leads 405", "GET get-leads 202", "GET get-leads 202"]);
}

#[tokio::test]
async fn both_refused_manners_are_one_failure_and_two_counted_calls() {
    let vendor = team(5).await;
    let agent = &agents(&vendor)[0];
    vendor.faults.set([Rule::always(Fault::Status { status: 405, retry_after: None })]);
    let cx = cx();
    let error = agent.leads().unwrap().page_dyn(&cx, &any_lead(), None).await.unwrap_err();
    assert_eq!((error.kind, error.op), (SourceErrorKind::MethodRefused, "leads.list"));
    assert_eq!(cx.meter.calls(), 2);
    assert_eq!(calls(&vendor), ["GET get-leads 405", "POST get-leads 405"]);
    vendor.faults.clear();
    Lead::page_of(&**agent, &any_lead(), None).await.unwrap();
    assert_eq!(calls(&vendor)[2..], ["GET get-leads 202"]);
}

#[tokio::test]
async fn older_name_of_the_agent_is_sent_where_it_is_set() {
    let vendor = team(5).await;
    vendor.switches.set("legacy_names", "on");
    assert_eq!(leads_failure(&*agents(&vendor)[0]).await, SourceErrorKind::VendorError);

    let account = open(&vendor, "agents = [\"agt_1\"]\nlegacy_param_names = true");
    let agent = &account.sources[0];
    assert_eq!(Lead::page_of(&**agent, &any_lead(), None).await.unwrap().rows.len(), 5);
    assert_eq!(asked(&vendor)[0], ("chatbotId".to_owned(), "agt_1".to_owned()));
    assert!(asked(&vendor).iter().all(|(name, _)| name != "agentId"));

    vendor.switches.set("post_only", "on");
    assert_eq!(Lead::page_of(&**agent, &any_lead(), None).await.unwrap().rows.len(), 5);
}

#[tokio::test]
async fn list_key_and_ids_may_be_of_the_older_kind() {
    let vendor = team(12).await;
    let agent = &agents(&vendor)[0];
    let numbers = Lead::page_of(&**agent, &any_lead(), None).await.unwrap();
    assert!(raw(&numbers.rows[0].raw, "id").unwrap().is_number());
    vendor.switches.set("collected_customers", "on");
    vendor.switches.set("text_ids", "on");
    let texts = Lead::page_of(&**agent, &any_lead(), None).await.unwrap();
    assert!(raw(&texts.rows[0].raw, "id").unwrap().is_string());
    let keys = |page: &crate::model::page::Page<Lead>| -> Vec<_> {
        page.rows.iter().map(|lead| lead.key.clone()).collect()
    };
    assert_eq!(keys(&numbers), keys(&texts));
}

#[tokio::test]
async fn short_page_is_not_called_the_last() {
    let vendor = team(50).await;
    vendor.switches.set("size_cap", "20");
    let agent = &agents(&vendor)[0];
    let page = Lead::page_of(&**agent, &any_lead(), None).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (20, None));
    let third = Lead::page_of(&**agent, &any_lead(), Some(&token(3, 20))).await.unwrap();
    assert_eq!(third.rows.len(), 10);
    let fourth = Lead::page_of(&**agent, &any_lead(), Some(&token(4, 20))).await.unwrap();
    assert_eq!(fourth.sent(), 0);
}

#[tokio::test]
async fn channels_are_filtered_by_the_vendor() {
    let vendor = team(100).await;
    let agent = &agents(&vendor)[0];
    let everything = all::<Conversation>(&**agent, &any_talk(), 100).await;
    for channels in [vec![Channel::WebChat], vec![Channel::WhatsApp, Channel::Slack], vec![Channel::Api]] {
        let query = ConversationQuery { channels: channels.clone(), ..ConversationQuery::default() };
        let read = all::<Conversation>(&**agent, &query, 100).await;
        let wanted = everything.iter().filter(|talk| channels.contains(&talk.channel)).count();
        assert!(wanted > 0);
        assert_eq!(read.len(), wanted, "{channels:?}");
        assert!(read.iter().all(|talk| channels.contains(&talk.channel)));
    }
    let web = ConversationQuery { channels: vec![Channel::WebChat], ..ConversationQuery::default() };
    Conversation::page_of(&**agent, &web, None).await.unwrap();
    let words = ("filteredSources".to_owned(), "Chatzuri site,Widget or Iframe".to_owned());
    assert!(asked(&vendor).contains(&words));

    let telegram = ConversationQuery { channels: vec![Channel::WebChat, Channel::Telegram], ..any_talk() };
    assert_eq!(all::<Conversation>(&**agent, &telegram, 100).await.len(), everything.len());
    assert!(asked(&vendor).iter().all(|(name, _)| name != "filteredSources"));
}

#[tokio::test]
async fn unreadable_rows_are_counted_and_the_others_delivered() {
    let vendor = team(40).await;
    vendor.switches.set("bad_rows", "4");
    let agent = &agents(&vendor)[0];
    let page = Lead::page_of(&**agent, &any_lead(), None).await.unwrap();
    assert_eq!((page.rows.len(), page.rejected), (36, 4));
    let page = Conversation::page_of(&**agent, &any_talk(), Some(&token(1, 10))).await.unwrap();
    assert_eq!((page.rows.len(), page.rejected), (6, 4));
}

#[tokio::test]
async fn days_without_times_are_midnights() {
    let vendor = team(10).await;
    vendor.switches.set("date_only", "on");
    let page = Lead::page_of(&*agents(&vendor)[0], &any_lead(), None).await.unwrap();
    assert_eq!((page.rows.len(), page.rejected), (10, 0));
    for lead in &page.rows {
        let sent = raw(&lead.raw, "created_at").unwrap();
        let day = lead.key.day.unwrap();
        assert_eq!(sent, json!(day.to_string()));
        assert_eq!(lead.created_at, Some(at(&format!("{day}T00:00:00Z"))));
    }
}

#[tokio::test]
async fn oversized_page_is_refused_and_a_smaller_one_is_not() {
    let vendor = team(80).await;
    vendor.switches.set("oversized", "on");
    let agent = &agents(&vendor)[0];
    let error = Conversation::page_of(&**agent, &any_talk(), None).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::TooLarge);
    let page = Conversation::page_of(&**agent, &any_talk(), Some(&token(1, 10))).await.unwrap();
    assert_eq!(page.rows.len(), 10);
}

#[tokio::test]
async fn failures_keep_their_meaning() {
    let vendor = team(20).await;
    let agent = &agents(&vendor)[0];
    let status = |status| Fault::Status { status, retry_after: None };
    let elsewhere = Fault::Redirect { location: "https://chatzuri.example/api/v1/get-leads".to_owned() };
    let table = [
        (Fault::Html, SourceErrorKind::Protocol),
        (Fault::WrongJson, SourceErrorKind::Protocol),
        (elsewhere, SourceErrorKind::Protocol),
        (status(400), SourceErrorKind::VendorError),
        (status(401), SourceErrorKind::Unauthorized),
        (status(404), SourceErrorKind::NotFound),
        (status(429), SourceErrorKind::RateLimited),
        (status(500), SourceErrorKind::VendorError),
        (Fault::Truncate, SourceErrorKind::Unreachable),
        (Fault::Reset, SourceErrorKind::Unreachable),
    ];
    for (fault, kind) in table {
        // An account of its own for each: what one failure teaches a client is not the next one's business.
        let agent = open(&vendor, "agents = [\"agt_1\"]").sources.remove(0);
        let before = vendor.ledger.count();
        vendor.faults.set([Rule::always(fault.clone())]);
        assert_eq!(leads_failure(&*agent).await, kind, "{fault:?}");
        assert_eq!(vendor.ledger.count(), before + 1, "{fault:?}");
    }
    vendor.faults.clear();
    assert!(Lead::page_of(&**agent, &any_lead(), None).await.is_ok());
}

#[tokio::test]
async fn unknown_agent_is_a_wrong_setting() {
    let vendor = team(5).await;
    let account = open(&vendor, "agents = [\"agt_1\", \"agt_of_nobody\"]");
    let error = Lead::page_of(&*account.sources[1], &any_lead(), None).await.unwrap_err();
    assert_eq!((error.kind, error.source.as_str()), (SourceErrorKind::NotFound, "acme/agt_of_nobody"));
    assert!(Lead::page_of(&*account.sources[0], &any_lead(), None).await.is_ok());
}
