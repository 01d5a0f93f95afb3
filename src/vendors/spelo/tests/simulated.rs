//! The adapter against its simulator, over real sockets.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::super::simulator::simulate;
use super::stage::{NOW, Site, at, cx, id, open, site, world};
use crate::model::conversation::Conversation;
use crate::model::failure::SourceErrorKind;
use crate::model::interaction::InteractionStatus;
use crate::model::lead::{Lead, LeadStatus};
use crate::model::page::PageToken;
use crate::source::{ConversationQuery, LeadQuery, Span};
use crate::vendors::simulation::{Fault, Rule, Stage, Switches};

fn since(text: &str) -> Span {
    Span { since: Some(at(text)), until: None }
}

fn place(lead: &Lead) -> (jiff::Timestamp, &str) {
    (lead.created_at.unwrap(), lead.key.native.as_str())
}

fn queries(site: &Site) -> Vec<String> {
    site.simulator.ledger.entries().into_iter().map(|entry| entry.query).collect()
}

#[tokio::test]
async fn walk_reads_every_lead_once_newest_first_in_as_few_calls_as_can_be() {
    let site = site(250).await;
    let leads = site.all_leads(&LeadQuery::default()).await;
    assert!(leads.windows(2).all(|pair| place(&pair[0]) > place(&pair[1])), "newest first, ties by id");
    let read: BTreeSet<_> = leads.iter().map(|lead| lead.key.native.as_str().to_owned()).collect();
    let there: BTreeSet<_> = site.simulator.vendor.leads().into_iter().map(|(id, _)| id).collect();
    assert_eq!((read, leads.len()), (there, 250));
    let calls = site.simulator.ledger.entries();
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|call| call.path == "/v1/public/leads" && call.query.contains("limit=100")));
}

#[tokio::test]
async fn walk_ends_where_the_vendor_says_so_though_a_cursor_is_given() {
    // C-S8: the simulator gives one on the last page of leads, as the vendor's sample does.
    let site = site(100).await;
    let page = site.leads(&LeadQuery::default(), None).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (100, None));
}

#[tokio::test]
async fn page_that_goes_on_without_saying_where_is_a_protocol_failure_and_no_loop() {
    let site = site(250).await;
    let query = LeadQuery::default();
    site.simulator.switches.set("cursor", "missing");
    assert_eq!(site.leads(&query, None).await.unwrap_err().kind, SourceErrorKind::Protocol);
    site.simulator.switches.set("cursor", "stuck");
    let first = site.leads(&query, None).await.unwrap();
    let second = site.leads(&query, first.next.as_ref()).await;
    assert_eq!(second.unwrap_err().kind, SourceErrorKind::Protocol);
}

#[tokio::test]
async fn cursor_that_the_vendor_refuses_is_stale() {
    let site = site(3).await;
    let query = LeadQuery::default();
    for text in ["nonsense", "MjAyNg"] {
        let from = PageToken::Cursor(text.into());
        assert_eq!(site.leads(&query, Some(&from)).await.unwrap_err().kind, SourceErrorKind::StaleToken);
    }
    // 400 without a cursor is not the cursor's fault.
    let fault = Fault::Status { status: 400, retry_after: None };
    assert_eq!(site.failing(fault).await, SourceErrorKind::VendorError);
    // A token of another kind is stale before any call.
    site.simulator.ledger.clear();
    let one = std::num::NonZeroU32::MIN;
    let from = PageToken::Offset { page: one, size: std::num::NonZeroU16::MIN };
    assert_eq!(site.leads(&query, Some(&from)).await.unwrap_err().kind, SourceErrorKind::StaleToken);
    assert_eq!(site.simulator.ledger.count(), 0);
}

#[tokio::test]
async fn walk_stays_whole_while_leads_come_and_go_and_pages_are_cut() {
    let site = site(40).await;
    site.simulator.switches.set("page_cap", "7");
    let before: BTreeSet<String> = site.lead_ids().await.into_iter().collect();
    assert_eq!(before.len(), 40);
    let (mut read, mut from) = (Vec::new(), None);
    loop {
        let page = site.leads(&LeadQuery::default(), from.as_ref()).await.unwrap();
        assert!(page.rows.len() <= 7);
        read.extend(page.rows.iter().map(|lead| lead.key.native.as_str().to_owned()));
        site.simulator.vendor.add_lead(at(NOW));
        site.simulator.vendor.delete_lead(read.last().unwrap());
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(read.iter().cloned().collect::<BTreeSet<_>>(), before);
    assert_eq!(read.len(), 40);
    // 40 leads at 7 to a page: six pages, at each of which one came and one went.
    assert_eq!(site.lead_ids().await.len(), 40);
}

#[tokio::test]
async fn order_is_passed_on_as_the_vendor_has_it() {
    let site = site(30).await;
    site.simulator.switches.set("page_cap", "4");
    let mut newest_first = site.lead_ids().await;
    site.simulator.switches.set("order", "random");
    let random = site.lead_ids().await;
    assert_ne!(random, newest_first);
    site.simulator.switches.set("order", "asc");
    let oldest_first = site.lead_ids().await;
    newest_first.reverse();
    assert_eq!(oldest_first, newest_first);
    let [mut random, mut sorted] = [random, newest_first];
    random.sort();
    sorted.sort();
    assert_eq!(random, sorted, "each once in any order");
}

#[tokio::test]
async fn status_is_filtered_by_the_vendor_in_its_own_word() {
    let site = site(150).await;
    let all = site.all_leads(&LeadQuery::default()).await;
    let caps = site.source.leads().unwrap().caps_dyn();
    for (status, word) in caps.status.iter().zip(["new", "contacted", "qualified", "disqualified"]) {
        site.simulator.ledger.clear();
        let query = LeadQuery { status: Some(*status), ..LeadQuery::default() };
        let found = site.all_leads(&query).await;
        let expected: Vec<_> = all.iter().filter(|lead| lead.status == Some(*status)).cloned().collect();
        assert!(!expected.is_empty() && found == expected, "{word}");
        assert!(queries(&site).iter().all(|query| query.contains(&format!("status={word}"))));
    }
    let strange: Vec<_> = all.iter().filter(|lead| lead.status == Some(LeadStatus::Unknown)).collect();
    assert_eq!(strange.iter().map(|it| it.vendor_status.as_deref()).collect::<Vec<_>>(), [Some("archived")]);
}

#[tokio::test]
async fn since_is_inclusive_to_the_millisecond() {
    let site = site(60).await;
    let all = site.all_leads(&LeadQuery::default()).await;
    let moment = all[31].created_at.unwrap();
    let newer = |from: jiff::Timestamp| all.iter().filter(|it| it.created_at.unwrap() >= from).count();
    for from in [moment, moment + std::time::Duration::from_millis(1)] {
        let created = Span { since: Some(from), until: None };
        let found = site.all_leads(&LeadQuery { created, ..LeadQuery::default() }).await;
        assert_eq!(found.len(), newer(from));
    }
    let talks = site.all_conversations(&ConversationQuery::default()).await;
    let started = Span { since: talks[9].started_at, until: None };
    let found = site.all_conversations(&ConversationQuery { started, ..Default::default() }).await;
    assert_eq!(found.len(), talks.iter().filter(|it| it.started_at >= started.since).count());
}

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
    assert_eq!(open.to_interaction().kind, crate::model::interaction::InteractionKind::Call);
}

#[tokio::test]
async fn recording_filter_is_sent_only_when_it_is_asked_for() {
    let site = site(60).await;
    let all = site.all_conversations(&ConversationQuery::default()).await;
    assert!(queries(&site).iter().all(|query| !query.contains("has_recording")));
    site.simulator.ledger.clear();
    let query = ConversationQuery { has_recording: true, ..Default::default() };
    let recorded = site.all_conversations(&query).await;
    assert!(queries(&site).iter().all(|query| query.contains("has_recording=1")));
    assert_eq!(recorded, all.iter().filter(|it| it.recording.is_some()).cloned().collect::<Vec<_>>());
    // C-S9
    assert!(!recorded.is_empty() && recorded.len() < all.len(), "no recording is normal");
    let short = all.iter().filter(|it| it.duration_seconds < Some(3));
    assert!(short.clone().count() > 0 && short.into_iter().all(|it| it.recording.is_none()));
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
async fn forbidden_list_is_a_refused_key() {
    // C-S1
    let fault = Fault::Status { status: 403, retry_after: None };
    assert_eq!(site(3).await.failing(fault).await, SourceErrorKind::Unauthorized);
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

#[tokio::test]
async fn unknown_key_is_refused() {
    let site = site(1).await;
    let stranger = open(&site.simulator, "sk_live_revoked");
    let list = stranger.leads().unwrap();
    let error = list.page_dyn(&cx(), &LeadQuery::default(), None).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unauthorized);
    assert!(!format!("{error:?} {error}").contains("revoked"));
    assert!(!site.simulator.ledger.entries()[0].authorized);
}

#[tokio::test]
async fn bad_rows_are_counted_and_cost_no_good_ones() {
    let site = site(50).await;
    site.simulator.switches.set("bad_rows", "5");
    let page = site.leads(&LeadQuery::default(), None).await.unwrap();
    assert_eq!((page.rows.len(), page.rejected), (50, 5));
    let page = site.conversations(&ConversationQuery::default(), None).await.unwrap();
    assert_eq!((page.sent(), page.rejected), (page.rows.len() + 5, 5));
}

#[tokio::test]
async fn answer_of_another_shape_is_a_protocol_failure() {
    let site = site(3).await;
    assert_eq!(site.failing(Fault::Html).await, SourceErrorKind::Protocol);
    assert_eq!(site.failing(Fault::WrongJson).await, SourceErrorKind::Protocol);
    site.simulator.faults.set([Rule::always(Fault::WrongJson)]);
    assert_eq!(site.lead("01J").await.unwrap_err().kind, SourceErrorKind::Protocol);
    assert_eq!(site.conversation("conv").await.unwrap_err().kind, SourceErrorKind::Protocol);
    let link = site.source.recordings().unwrap().link_dyn(&cx(), &id("conv")).await;
    assert_eq!(link.unwrap_err().kind, SourceErrorKind::Protocol);
}

#[tokio::test]
async fn sites_quota_ends_with_the_time_to_wait() {
    let site = site(3).await;
    site.simulator.switches.set("quota", "2");
    let query = LeadQuery { created: since(NOW), ..LeadQuery::default() };
    for _ in 0..2 {
        assert_eq!(site.leads(&query, None).await.unwrap().rows, []);
    }
    let error = site.leads(&query, None).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::RateLimited);
    assert!((55..=60).contains(&error.retry_after.unwrap().as_secs()), "{:?}", error.retry_after);
}

/// The simulator without sockets: what the adapter does not say to it.
struct Bare {
    router: axum::Router,
    key: String,
    lead: String,
}

impl Bare {
    fn new() -> Self {
        let stage = Stage { world: world(9), switches: Switches::default() };
        let vendor = simulate(stage);
        let lead = vendor.leads().into_iter().map(|(id, _)| id).max().unwrap();
        Self { router: vendor.router(), key: vendor.key(), lead }
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, http::HeaderMap, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.key))
            .body(Body::from(body.to_owned()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, headers, serde_json::from_slice(&body).unwrap_or_default())
    }
}

#[tokio::test(start_paused = true)]
async fn quota_window_slides_and_tells_the_wait_in_four_headers() {
    let bare = Bare::new();
    for _ in 0..60 {
        assert_eq!(bare.ask("GET", "/v1/public/leads?limit=1", "").await.0, 200);
        tokio::time::advance(std::time::Duration::from_millis(500)).await;
    }
    let (status, headers, body) = bare.ask("GET", "/v1/public/leads", "").await;
    assert_eq!((status, &body["error"]["code"]), (429, &json!("RATE_LIMITED")));
    let shown = ["retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]
        .map(|name| headers[name].to_str().unwrap().to_owned());
    assert_eq!(shown, ["30", "60", "0", "30"]);
    tokio::time::advance(std::time::Duration::from_secs(30)).await;
    assert_eq!(bare.ask("GET", "/v1/public/leads", "").await.0, 200, "the oldest call has left the window");
    assert_eq!(bare.ask("GET", "/v1/public/leads", "").await.0, 429, "the second oldest has not");
}

#[tokio::test(start_paused = true)]
async fn signed_link_opens_its_recording_for_five_minutes() {
    let bare = Bare::new();
    let (_, _, page) = bare.ask("GET", "/v1/public/conversations?has_recording=1", "").await;
    let id = page["data"][0]["id"].as_str().unwrap();
    let (_, _, minted) = bare.ask("GET", &format!("/v1/public/conversations/{id}/recording"), "").await;
    let url: url::Url = minted["data"]["url"].as_str().unwrap().parse().unwrap();
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    assert_eq!(bare.ask("GET", &path, "").await.0, 200);
    assert_eq!(bare.ask("GET", url.path(), "").await.0, 400);
    tokio::time::advance(std::time::Duration::from_secs(300)).await;
    assert_eq!(bare.ask("GET", &path, "").await.0, 400);
}

#[tokio::test]
async fn update_changes_status_and_notes_and_nothing_else() {
    let bare = Bare::new();
    let path = format!("/v1/public/leads/{}", bare.lead);
    for refused in
        ["", "[]", "{}", r#"{"status":"won"}"#, r#"{"notes":7}"#, r#"{"name":"x"}"#, r#"{"status":null}"#]
    {
        assert_eq!(bare.ask("PATCH", &path, refused).await.0, 400, "{refused}");
    }
    let (_, _, before) = bare.ask("GET", &path, "").await;
    let change = r#"{"status":"qualified","notes":"Call at 5"}"#;
    let (status, _, changed) = bare.ask("PATCH", &path, change).await;
    assert_eq!(status, 200);
    let mut expected = before.clone();
    expected["data"]["status"] = json!("qualified");
    expected["data"]["notes"] = json!("Call at 5");
    expected["data"]["updated_at"] = changed["data"]["updated_at"].clone();
    assert_eq!(changed, expected);
    assert_ne!(changed["data"]["updated_at"], before["data"]["updated_at"]);
    let (_, _, listed) = bare.ask("GET", "/v1/public/leads?status=qualified&limit=100", "").await;
    assert!(listed["data"].as_array().unwrap().contains(&changed["data"]), "it shows at once");
    let (_, _, cleared) = bare.ask("PATCH", &path, r#"{"notes":null}"#).await;
    assert_eq!((&cleared["data"]["notes"], &cleared["data"]["status"]), (&Value::Null, &json!("qualified")));
    assert_eq!(bare.ask("PATCH", "/v1/public/leads/01JFOREIGN", change).await.0, 404);
}

#[tokio::test]
async fn simulator_refuses_what_is_out_of_range() {
    let bare = Bare::new();
    for query in ["limit=0", "limit=101", "limit=ten", "status=won", "since=soon", "cursor=%21"] {
        let (status, _, body) = bare.ask("GET", &format!("/v1/public/leads?{query}"), "").await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!("VALIDATION_ERROR")), "{query}");
    }
    let (_, _, page) = bare.ask("GET", "/v1/public/conversations", "").await;
    assert_eq!((page["data"].as_array().unwrap().len(), &page["next_cursor"]), (15, &Value::Null));
    let key = bare.key.strip_prefix("sk_live_").unwrap();
    assert_eq!(key.len(), 43);
}
