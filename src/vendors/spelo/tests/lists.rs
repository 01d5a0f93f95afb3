//! Lists, read from the simulator over real sockets: walks, order, filters.

use std::collections::BTreeSet;

use super::stage::{NOW, Site, at, site};
use crate::model::lead::{Lead, LeadStatus};
use crate::source::{ConversationQuery, LeadQuery, Span};

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
