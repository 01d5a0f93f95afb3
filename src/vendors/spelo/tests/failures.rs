//! What goes wrong between the adapter and the simulator, over real sockets.

use super::stage::{NOW, at, cx, id, open, site};
use crate::model::failure::SourceErrorKind;
use crate::model::page::PageToken;
use crate::source::{ConversationQuery, LeadQuery, Span};
use crate::vendors::simulation::{Fault, Rule};

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
async fn forbidden_list_is_a_refused_key() {
    // C-S1
    let fault = Fault::Status { status: 403, retry_after: None };
    assert_eq!(site(3).await.failing(fault).await, SourceErrorKind::Unauthorized);
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
    let query = LeadQuery { created: Span { since: Some(at(NOW)), until: None }, ..LeadQuery::default() };
    for _ in 0..2 {
        assert_eq!(site.leads(&query, None).await.unwrap().rows, []);
    }
    let error = site.leads(&query, None).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::RateLimited);
    assert!((55..=60).contains(&error.retry_after.unwrap().as_secs()), "{:?}", error.retry_after);
}
