//! Lists: whole, in order, page by page.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::response::Response;
use leadgraph::model::caps::Paging;
use leadgraph::model::conversation::Conversation;
use leadgraph::model::failure::SourceErrorKind;
use leadgraph::model::lead::Lead;
use leadgraph::model::page::PageToken;
use leadgraph::source::{ConversationQuery, LeadQuery, Source};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::bench::{Bench, Row, all, cx, ids, offset, page, pages};
use super::check;

#[tokio::test]
async fn largest_pages_walk_every_lead_once() {
    check(250, async |bench| {
        let source = bench.source();
        let caps = source.leads().unwrap().caps_dyn().list;
        let pages = pages::<Lead>(&*source, &LeadQuery::default(), caps.page_size.get()).await;
        let rows: Vec<_> = pages.iter().flat_map(|page| page.rows.clone()).collect();
        let rejected: u32 = pages.iter().map(|page| page.rejected).sum();
        assert_eq!((rows.len(), rejected), (250, 0), "{}", bench.name());
        assert_eq!(ids(&rows), bench.lead_ids(), "{}", bench.name());
        // By offset, only an empty page is the end.
        let proof = usize::from(caps.paging == Paging::Offset);
        let calls = 250_usize.div_ceil(caps.page_size.get().into()) + proof;
        assert_eq!((pages.len(), bench.calls()), (calls, calls), "{}: one call to a page", bench.name());
    })
    .await;
}

#[tokio::test]
async fn small_pages_walk_every_row_once() {
    check(24, async |bench| {
        let source = bench.source();
        for most in ["1", "2", "3", "7"] {
            let capped = ["page_cap", "size_cap"].iter().filter(|name| bench.switch(name, most)).count();
            assert_eq!(capped, 1, "{}: the vendor can be told to give small pages", bench.name());
            let size = most.parse().unwrap();
            // Where the reader names the size, also by a size that the vendor cuts down.
            for size in [size, 100] {
                let leads = pages::<Lead>(&*source, &LeadQuery::default(), size).await;
                let leads: Vec<_> = leads.into_iter().flat_map(|page| page.rows).collect();
                assert_eq!(leads.len(), 24, "{}: pages of {most}", bench.name());
                assert_eq!(ids(&leads), bench.lead_ids(), "{}: pages of {most}", bench.name());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn conversations_are_listed_once_each() {
    check(120, async |bench| {
        let source = bench.source();
        if source.conversations().is_some() {
            let rows = all::<Conversation>(&*source, &ConversationQuery::default()).await;
            assert!(rows.len() > 100, "{}: more than one page of them", bench.name());
            assert_eq!(ids(&rows).len(), rows.len(), "{}", bench.name());
        }
    })
    .await;
}

#[tokio::test]
async fn cursor_lists_are_newest_first() {
    async fn newest_first<T: Row>(bench: &Bench, query: &T::Query) {
        let source = bench.source();
        let Some(list) = T::list(&*source) else { return };
        if T::caps(list.caps_dyn()).paging == Paging::Cursor {
            let rows = all::<T>(&*source, query).await;
            let times: Vec<_> = rows.iter().map(|row| row.at().unwrap()).collect();
            assert!(times.len() > 100 && times.is_sorted_by(|one, next| one >= next), "{}", bench.name());
        }
    }
    check(120, async |bench| {
        newest_first::<Lead>(bench, &LeadQuery::default()).await;
        newest_first::<Conversation>(bench, &ConversationQuery::default()).await;
    })
    .await;
}

#[tokio::test]
async fn token_is_good_for_another_process_and_more_than_once() {
    async fn survives<T: Row>(bench: &Bench, query: &T::Query) {
        let source = bench.source();
        if T::list(&*source).is_none() {
            return;
        }
        let first = page::<T>(&*source, query, None).await.unwrap();
        let next = match &first.next {
            // As our cursor carries it: as text.
            Some(PageToken::Cursor(text)) => PageToken::Cursor(Arc::from(text.to_string())),
            Some(PageToken::Offset { .. }) => panic!("{}: offsets are the reader's to make", bench.name()),
            None => offset(2, 100),
        };
        let second = page::<T>(&*source, query, Some(&next)).await.unwrap();
        let other = page::<T>(&*bench.source(), query, Some(&next)).await.unwrap();
        assert!(
            !second.rows.is_empty() && ids(&second.rows).is_disjoint(&ids(&first.rows)),
            "{}",
            bench.name()
        );
        assert_eq!(ids(&second.rows), ids(&other.rows), "{}: at another account", bench.name());
        let again = page::<T>(&*source, query, Some(&next)).await.unwrap();
        assert_eq!(ids(&second.rows), ids(&again.rows), "{}: a second time", bench.name());
    }
    check(120, async |bench| {
        survives::<Lead>(bench, &LeadQuery::default()).await;
        survives::<Conversation>(bench, &ConversationQuery::default()).await;
    })
    .await;
}

#[tokio::test]
async fn foreign_token_is_stale() {
    async fn refuses<T: Row>(bench: &Bench, query: &T::Query) {
        let source = bench.source();
        let Some(list) = T::list(&*source) else { return };
        let unknown = PageToken::Cursor("no cursor of this vendor".into());
        let foreign = match T::caps(list.caps_dyn()).paging {
            Paging::Cursor => offset(2, 100),
            Paging::Offset => unknown.clone(),
        };
        let calls = bench.calls();
        let refused = page::<T>(&*source, query, Some(&foreign)).await.unwrap_err();
        assert_eq!(refused.kind, SourceErrorKind::StaleToken, "{}", bench.name());
        assert_eq!(bench.calls(), calls, "{}: a token of another kind costs no call", bench.name());
        let refused = page::<T>(&*source, query, Some(&unknown)).await.unwrap_err();
        assert_eq!(refused.kind, SourceErrorKind::StaleToken, "{}: unknown to the vendor", bench.name());
        assert!(page::<T>(&*source, query, None).await.is_ok(), "{}: and nothing else is", bench.name());
    }
    check(3, async |bench| {
        refuses::<Lead>(bench, &LeadQuery::default()).await;
        refuses::<Conversation>(bench, &ConversationQuery::default()).await;
    })
    .await;
}

#[tokio::test]
async fn empty_account_ends_with_its_first_page() {
    check(0, async |bench| {
        let source = bench.source();
        let first = page::<Lead>(&*source, &LeadQuery::default(), None).await.unwrap();
        assert_eq!((first.sent(), first.next), (0, None), "{}", bench.name());
        assert_eq!(bench.calls(), 1, "{}", bench.name());
        if source.conversations().is_some() {
            all::<Conversation>(&*source, &ConversationQuery::default()).await;
        }
    })
    .await;
}

#[tokio::test]
async fn rows_that_cannot_be_read_are_counted_and_end_nothing() {
    async fn counts<T: Row>(bench: &Bench, query: &T::Query) {
        let source = bench.source();
        if T::list(&*source).is_none() {
            return;
        }
        bench.switch("bad_rows", "");
        let good = ids(&all::<T>(&*source, query).await);
        assert!(bench.switch("bad_rows", "5"), "{}: the vendor can be told to send them", bench.name());
        let pages = pages::<T>(&*source, query, 100).await;
        for page in pages.iter().filter(|page| page.sent() > 0) {
            assert_eq!(page.rejected, 5, "{}", bench.name());
            assert!(!page.rows.is_empty() && ids(&page.rows).is_subset(&good), "{}", bench.name());
        }
        assert!(pages.len() > 1, "{}: the walk goes on", bench.name());
    }
    check(120, async |bench| {
        counts::<Lead>(bench, &LeadQuery::default()).await;
        counts::<Conversation>(bench, &ConversationQuery::default()).await;
    })
    .await;
}

/// Adds a member that nobody knows to every object.
fn enrich(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(enrich);
            let unknown = serde_json::json!({"since": 2031, "of": [null, {"x": 1}], "id": "unknown"});
            members.insert("zz_unknown".to_owned(), unknown);
        }
        Value::Array(elements) => elements.iter_mut().for_each(enrich),
        _ => {}
    }
}

async fn enriched(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let mut body: Value = serde_json::from_slice(&to_bytes(body, usize::MAX).await.unwrap()).unwrap();
    enrich(&mut body);
    parts.headers.remove("content-length");
    Response::from_parts(parts, Body::from(body.to_string()))
}

/// The vendor again, with more to say than it says it has.
async fn verbose(bench: &Bench, servers: &mut JoinSet<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = bench.simulator.vendor.router().layer(axum::middleware::map_response(enriched));
    servers.spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

#[tokio::test]
async fn unknown_members_change_nothing() {
    /// What a row says, the vendor's own object apart, which holds all there is.
    fn said(lead: &Lead) -> String {
        format!("{:?}", Lead { raw: None, custom_fields: Vec::new(), attribution: None, ..lead.clone() })
    }
    async fn leads(source: &dyn Source) -> Vec<String> {
        all::<Lead>(source, &LeadQuery::default()).await.iter().map(|lead| said(lead)).collect()
    }
    check(30, async |bench| {
        let mut servers = JoinSet::new();
        let address = verbose(bench, &mut servers).await.to_string();
        let usual = bench.simulator.base_url(bench.entry);
        let other = usual.replace(&bench.simulator.address.to_string(), &address);
        assert_ne!(usual, other);
        let (plain, verbose) = (bench.source(), bench.source_at(&other));
        assert_eq!(leads(&*plain).await, leads(&*verbose).await, "{}", bench.name());
        if let (Some(read), Some((id, _))) = (verbose.lead_by_id(), bench.leads().first()) {
            let whole = read.get_dyn(&cx(), id).await.unwrap().unwrap();
            let before = plain.lead_by_id().unwrap().get_dyn(&cx(), id).await.unwrap().unwrap();
            assert_eq!(said(&before), said(&whole), "{}", bench.name());
        }
        if verbose.conversations().is_some() {
            let query = ConversationQuery::default();
            let (one, other) =
                (all::<Conversation>(&*plain, &query).await, all::<Conversation>(&*verbose, &query).await);
            assert_eq!((one.len(), ids(&one)), (other.len(), ids(&other)), "{}", bench.name());
        }
    })
    .await;
}
