//! Leads, against the simulator.

use std::collections::BTreeSet;

use super::*;
use crate::model::caps::TimeFilter;
use crate::model::lead::LeadStatus;
use crate::source::Span;
use crate::vendors::leadsail::simulator::CANARY;
use crate::vendors::simulation::{Fault, Rule};

fn everything() -> LeadQuery {
    LeadQuery::default()
}

#[tokio::test]
async fn a_walk_finds_every_lead_once_and_newest_first() {
    let bench = bench(250, "").await;
    let (leads, rejected) = bench.walk(&everything()).await;
    assert_eq!((ids(&leads), rejected), (bench.ids(), 0));
    assert!(leads.is_sorted_by(|one, next| one.created_at >= next.created_at));
    assert_eq!(bench.simulator.ledger.count(), 3, "100 to a page");
    assert!(bench.simulator.ledger.entries().iter().all(|call| call.query.contains("limit=100")));
    assert!(leads.iter().all(|lead| lead.raw.is_some()));
}

#[tokio::test]
async fn a_lead_of_which_nothing_is_known_is_whole_in_the_list_and_by_id() {
    let bench = bench(40, "").await;
    let (leads, _) = bench.walk(&everything()).await;
    let nobody: Vec<_> = leads.iter().filter(|lead| lead.name.is_none() && lead.phone.is_none()).collect();
    assert_eq!(nobody.len(), 1);
    assert!(!nobody[0].sparse, "the list says that there is nothing");
    let read = bench.lead(nobody[0].key.native.as_str()).await.unwrap();
    assert!(!read.sparse && read.name.is_none() && read.status.is_some());
}

#[tokio::test]
async fn a_record_of_somebody_else_is_none_and_a_forbidden_list_is_the_key_refused() {
    let bench = bench(3, "").await;
    bench.simulator.faults.set([Rule::always(Fault::Status { status: 403, retry_after: None })]);
    let id = bench.ids()[0].clone();
    assert_eq!(bench.lead(&id).await, None);
    assert_eq!(bench.refusal().await, SourceErrorKind::Unauthorized);
    let history = bench.source.histories().unwrap().of_lead_dyn(&cx(), &native(&id)).await;
    assert_eq!(history.unwrap_err().kind, SourceErrorKind::Unauthorized, "never taken for empty");
}

#[tokio::test]
async fn a_walk_is_whole_in_any_order_and_with_any_page_size() {
    let bench = bench(60, "").await;
    for (switch, value) in
        [("order", "asc"), ("order", "random"), ("page_cap", "1"), ("page_cap", "7"), ("no_next_cursor", "1")]
    {
        bench.simulator.switches.set(switch, value);
        let (leads, _) = bench.walk(&everything()).await;
        let found: BTreeSet<String> = ids(&leads).into_iter().collect();
        assert_eq!((found.len(), leads.len()), (60, 60), "{switch} {value}");
        bench.simulator.switches.set(switch, "");
    }
}

#[tokio::test]
async fn all_status_words_occur_and_only_the_undocumented_one_is_unknown() {
    let bench = bench(100, "").await;
    let (leads, _) = bench.walk(&everything()).await;
    let words: BTreeSet<_> = leads.iter().filter_map(|lead| lead.vendor_status.clone()).collect();
    assert_eq!(words.len(), 24);
    let unknown: BTreeSet<_> = leads
        .iter()
        .filter(|lead| lead.status == Some(LeadStatus::Unknown))
        .map(|lead| lead.vendor_status.as_deref())
        .collect();
    assert_eq!(unknown, BTreeSet::from([Some("parked_by_admin")]));
}

#[tokio::test]
async fn rows_that_cannot_be_read_are_counted_and_cost_no_lead() {
    let bench = bench(150, "").await;
    bench.simulator.switches.set("bad_rows", "5");
    let (leads, rejected) = bench.walk(&everything()).await;
    assert_eq!((leads.len(), rejected), (150, 10));
}

#[tokio::test]
async fn a_sparse_list_says_so_and_the_read_by_id_has_the_rest() {
    let bench = bench(3, "").await;
    bench.simulator.switches.set("sparse", "1");
    let (leads, rejected) = bench.walk(&everything()).await;
    assert_eq!((leads.len(), rejected), (3, 0));
    assert!(leads.iter().all(|lead| lead.sparse && lead.created_at.is_none() && lead.status.is_none()));
    bench.simulator.switches.set("sparse", "");
    bench.simulator.switches.set("ids_and_times", "1");
    let (leads, _) = bench.walk(&everything()).await;
    assert!(leads.iter().all(|lead| lead.sparse && lead.created_at.is_some()));
    let whole = bench.lead(leads[0].key.native.as_str()).await.unwrap();
    assert!(!whole.sparse && whole.name.is_some() && whole.status.is_some());
    assert_eq!(whole.key, leads[0].key);
}

#[tokio::test]
async fn a_list_without_creation_falls_back_to_the_submission() {
    let bench = bench(5, "").await;
    let (with, _) = bench.walk(&everything()).await;
    bench.simulator.switches.set("no_created_at", "1");
    let (without, _) = bench.walk(&everything()).await;
    for (with, without) in with.iter().zip(&without) {
        assert!(without.created_at > with.created_at && !without.sparse);
    }
}

#[tokio::test]
async fn a_list_that_ends_in_an_empty_page_with_more_ends() {
    let bench = bench(120, "").await;
    bench.simulator.switches.set("empty_has_more", "1");
    let (leads, _) = bench.walk(&everything()).await;
    assert_eq!(leads.len(), 120);
    assert_eq!(bench.simulator.ledger.count(), 3);
}

#[tokio::test]
async fn a_cursor_whose_lead_is_gone_is_stale() {
    let bench = bench(120, "").await;
    let first = bench.page(&everything(), None).await.unwrap();
    assert!(bench.simulator.vendor.delete_lead(first.rows[99].key.native.as_str()));
    let refused = bench.page(&everything(), first.next.as_ref()).await.unwrap_err();
    assert_eq!(refused.kind, SourceErrorKind::StaleToken);
    let offset = PageToken::Offset { page: 2.try_into().unwrap(), size: 100.try_into().unwrap() };
    let refused = bench.page(&everything(), Some(&offset)).await.unwrap_err();
    assert_eq!(refused.kind, SourceErrorKind::StaleToken, "a token of another kind");
}

#[tokio::test]
async fn failures_inside_a_2xx_are_failures() {
    for (code, kind) in [
        ("UNAUTHORIZED", SourceErrorKind::Unauthorized),
        ("NOT_FOUND", SourceErrorKind::NotFound),
        ("VALIDATION_ERROR", SourceErrorKind::VendorError),
        ("RATE_LIMITED", SourceErrorKind::RateLimited),
        ("INTERNAL", SourceErrorKind::VendorError),
    ] {
        // A bench for each: after a refused key no call is made for a while.
        let bench = bench(3, "").await;
        bench.simulator.switches.set("success_false", code);
        assert_eq!(bench.refusal().await, kind, "{code}");
    }
}

#[tokio::test]
async fn what_is_not_leadsails_json_is_a_protocol_failure() {
    let bench = bench(3, "").await;
    for fault in [Fault::Html, Fault::WrongJson] {
        bench.simulator.faults.set([Rule::always(fault)]);
        assert_eq!(bench.refusal().await, SourceErrorKind::Protocol);
        let id = native(&bench.ids()[0]);
        let read = bench.source.lead_by_id().unwrap().get_dyn(&cx(), &id).await;
        assert_eq!(read.unwrap_err().kind, SourceErrorKind::Protocol, "a record is not absent for that");
    }
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_shown_nowhere() {
    let bench = bench(3, "").await;
    let account = open(&bench.simulator.base_url(&ENTRY), "vf_canary", "").ok().unwrap();
    let refused = account.sources[0].leads().unwrap().page_dyn(&cx(), &everything(), None).await.unwrap_err();
    assert_eq!(refused.kind, SourceErrorKind::Unauthorized);
    assert!(!format!("{refused:?} {refused} {:?}", refused.cause).contains("canary"));
    assert!(!bench.simulator.ledger.entries()[0].authorized);
}

#[tokio::test]
async fn a_lead_that_is_not_there_is_none() {
    let bench = bench(3, "").await;
    assert_eq!(bench.lead("lead_unknown").await, None);
    let calls = bench.simulator.ledger.count();
    assert_eq!(bench.lead("../campaigns").await, None);
    assert_eq!(bench.simulator.ledger.count(), calls, "an id that could walk is never sent");
}

#[tokio::test]
async fn a_status_of_one_word_is_asked_for_and_others_are_not() {
    let bench = bench(300, "").await;
    let caps = bench.source.leads().unwrap().caps_dyn();
    for (status, word) in [
        (LeadStatus::New, "new"),
        (LeadStatus::Contacted, "contacted"),
        (LeadStatus::Unreachable, "no_contact"),
        (LeadStatus::DoNotContact, "dnc"),
    ] {
        assert!(caps.status.contains(&status));
        let (leads, _) = bench.walk(&LeadQuery { status: Some(status), ..everything() }).await;
        assert!(bench.last_query().contains(&format!("status={word}")));
        assert!(!leads.is_empty() && leads.iter().all(|lead| lead.status == Some(status)));
    }
    assert_eq!(caps.status.len(), 4);
    bench.page(&LeadQuery { status: Some(LeadStatus::Qualified), ..everything() }, None).await.unwrap();
    assert!(!bench.last_query().contains("status="), "four words: it is left to the gateway");
}

#[tokio::test]
async fn an_email_is_searched_for() {
    let bench = bench(200, "").await;
    let (leads, _) = bench.walk(&everything()).await;
    let wanted = leads.iter().find_map(|lead| lead.email.clone()).unwrap();
    for exact in ["", "1"] {
        bench.simulator.switches.set("email_search_exact", exact);
        let query = LeadQuery { email: Some(wanted.as_str().into()), ..everything() };
        let (found, _) = bench.walk(&query).await;
        assert!(!found.is_empty() && found.len() < 10);
        assert!(found.iter().any(|lead| lead.email.as_ref() == Some(&wanted)));
    }
    assert!(bench.last_query().contains("search="));
}

fn week() -> LeadQuery {
    let span = Span {
        since: Some("2026-04-01T10:30:00Z".parse().unwrap()),
        until: Some("2026-04-08T00:00:00Z".parse().unwrap()),
    };
    LeadQuery { created: span, ..everything() }
}

#[tokio::test]
async fn dates_are_not_asked_for_unless_they_are_known_to_be_the_creation() {
    let bench = bench(100, "").await;
    let caps = bench.source.leads().unwrap().caps_dyn().list;
    assert_eq!((caps.since, caps.until), (TimeFilter::None, TimeFilter::None));
    // Were they sent, this vendor would leave out leads that were created in the week and submitted after it.
    bench.simulator.switches.set("submitted_dates", "1");
    let (leads, _) = bench.walk(&week()).await;
    assert_eq!(leads.len(), 100);
    assert!(!bench.last_query().contains("Date"));
}

#[tokio::test]
async fn known_dates_are_asked_for_a_day_wider_and_lose_nothing() {
    let bench = bench(300, "date_filter = 'created'").await;
    let caps = bench.source.leads().unwrap().caps_dyn().list;
    assert_eq!((caps.since, caps.until), (TimeFilter::Day, TimeFilter::Day));
    assert!(caps.vendor_filters.contains(&"createdAt"));
    let query = week();
    let (leads, _) = bench.walk(&query).await;
    assert!(bench.last_query().contains("startDate=2026-03-31&endDate=2026-04-09"));
    let inside = |at: Timestamp| Some(at) >= query.created.since && Some(at) < query.created.until;
    let found: BTreeSet<String> = ids(&leads).into_iter().collect();
    let missed = bench
        .simulator
        .vendor
        .leads()
        .into_iter()
        .filter(|(id, at)| inside(*at) && !found.contains(id))
        .count();
    assert_eq!(missed, 0);
    assert!(leads.len() < 30 && leads.iter().any(|lead| lead.created_at.is_some_and(inside)));
}

#[tokio::test]
async fn campaigns_clients_and_offers_of_any_format_narrow_every_list() {
    let bench =
        bench(200, "campaigns = ['cmp_abc123', 'U4D']\nclients = ['cl_9', 'cl_4']\noffers = ['of_7']").await;
    let (leads, _) = bench.walk(&everything()).await;
    assert!(!leads.is_empty());
    assert!(
        leads.iter().all(|lead| lead.campaign.as_ref().is_some_and(|campaign| campaign.id == "cmp_abc123"))
    );
    assert!(bench.last_query().contains("campaignIds=cmp_abc123%2CU4D"));
}

#[tokio::test]
async fn no_secret_of_the_vendor_reaches_a_lead() {
    let bench = bench(40, "").await;
    bench.simulator.switches.set("leaky", "1");
    let sent = bench.get("/leads").await.1.to_string();
    for secret in [CANARY, "203.0.113.7", "(canary)"] {
        assert!(sent.contains(secret), "the vendor does send {secret}");
    }
    let (mut leads, _) = bench.walk(&everything()).await;
    leads.push(Arc::new(bench.lead(&bench.ids()[0]).await.unwrap()));
    let shown = format!("{leads:?}");
    assert!(!shown.contains("canary") && !shown.contains("203.0.113.7"));
    assert!(shown.contains("utm_source") && shown.contains("captureUrl"));
}

#[tokio::test]
async fn a_lead_that_is_added_or_deleted_is_seen() {
    let bench = bench(10, "").await;
    let newest = bench.simulator.vendor.add_lead("2026-05-11T11:59:59.500Z".parse().unwrap());
    let oldest = bench.ids().pop().unwrap();
    assert!(bench.simulator.vendor.delete_lead(&oldest) && !bench.simulator.vendor.delete_lead(&oldest));
    let (leads, _) = bench.walk(&everything()).await;
    assert_eq!((leads.len(), leads[0].key.native.as_str()), (10, newest.as_str()));
    assert_eq!(leads[0].status, Some(LeadStatus::New));
    assert_eq!(bench.lead(&oldest).await, None);
}
