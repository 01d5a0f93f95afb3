//! The simulator itself: its documented habits and its switches.

use std::collections::HashSet;
use std::sync::Arc;

use http::StatusCode;
use serde_json::Value;
use tokio::time::Instant;

use super::bench::{agents, all, cx, impatient, serve, spec, team};
use crate::model::conversation::Conversation;
use crate::model::lead::Lead;
use crate::secret::Secret;
use crate::source::{ConversationQuery, LeadQuery};
use crate::upstream::call::Path;
use crate::upstream::client::Client;
use crate::vendors::chatzuri::ENTRY;
use crate::vendors::chatzuri::dialect::Bearer;
use crate::vendors::kit;
use crate::vendors::simulation::{Simulator, Stage, Switches, World, WorldSpec};

/// A call as anyone could make it.
async fn call(
    vendor: &Simulator,
    endpoint: &'static str,
    query: &[(&'static str, &str)],
) -> Result<(StatusCode, Vec<Value>), StatusCode> {
    let base = vendor.base_url(&ENTRY).parse().unwrap();
    let bearer = Bearer::new(&Secret::new(vendor.vendor.key())).unwrap();
    let client = Client::new("test", &base, bearer, impatient()).unwrap();
    let mut call = kit::read(&cx(), "test", Path::new(&[endpoint]));
    call.query = query.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let reply = client.send(&call).await.map_err(|error| error.status.unwrap())?;
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1, "no total, no flag");
    Ok((reply.status, body["data"].as_array().unwrap().clone()))
}

const AGENT: (&str, &str) = ("agentId", "agt_1");

#[tokio::test]
async fn documented_habits_are_kept() {
    let vendor = team(150).await;
    let (status, rows) = call(&vendor, "get-leads", &[AGENT]).await.unwrap();
    assert_eq!((status, rows.len()), (StatusCode::ACCEPTED, 10));
    assert!(rows.iter().all(|row| row["id"].is_u64() && row["chatbot_id"] == "agt_1"));
    let newest_first =
        rows.windows(2).all(|pair| pair[0]["created_at"].as_str() >= pair[1]["created_at"].as_str());
    assert!(newest_first);
    let (status, rows) = call(&vendor, "get-conversations", &[AGENT, ("size", "5000")]).await.unwrap();
    assert_eq!((status, rows.len()), (StatusCode::OK, 100));
    assert_eq!(call(&vendor, "get-leads", &[AGENT, ("page", "16")]).await.unwrap().1.len(), 0);

    let refused = [
        (vec![AGENT, ("startDate", "2026-5-1")], StatusCode::BAD_REQUEST),
        (vec![AGENT, ("endDate", "2026-02-30")], StatusCode::BAD_REQUEST),
        (vec![AGENT, ("endDate", "2026-05-01T00:00:00Z")], StatusCode::BAD_REQUEST),
        (vec![AGENT, ("page", "0")], StatusCode::BAD_REQUEST),
        (vec![AGENT, ("size", "many")], StatusCode::BAD_REQUEST),
        (vec![("agentId", "agt_9")], StatusCode::NOT_FOUND),
        (vec![], StatusCode::BAD_REQUEST),
    ];
    for (query, status) in refused {
        assert_eq!(call(&vendor, "get-leads", &query).await.unwrap_err(), status, "{query:?}");
    }
}

#[tokio::test]
async fn end_date_counts_unless_switched() {
    let vendor = serve(spec(300, 20, 1)).await;
    let day = [AGENT, ("startDate", "2026-05-01"), ("endDate", "2026-05-01"), ("size", "100")];
    let (_, rows) = call(&vendor, "get-leads", &day).await.unwrap();
    assert!(!rows.is_empty());
    // The day is Nairobi's: it begins at nine in the evening, UTC.
    for row in &rows {
        let at = row["created_at"].as_str().unwrap();
        assert!(("2026-04-30T21:00".."2026-05-01T21:00").contains(&at), "{at}");
    }
    vendor.switches.set("end_exclusive", "on");
    assert!(call(&vendor, "get-leads", &day).await.unwrap().1.is_empty());
}

#[tokio::test]
async fn orders_are_fixed_and_hold_the_same_rows() {
    let vendor = team(60).await;
    let agent = &agents(&vendor)[0];
    let mut orders = Vec::new();
    for order in ["", "asc", "random"] {
        vendor.switches.set("order", order);
        let ids =
            |leads: Vec<Arc<Lead>>| -> Vec<_> { leads.iter().map(|lead| lead.key.native.clone()).collect() };
        let read = ids(all::<Lead>(&**agent, &LeadQuery::default(), 7).await);
        assert_eq!(read, ids(all::<Lead>(&**agent, &LeadQuery::default(), 20).await), "{order}");
        assert_eq!(read.iter().collect::<HashSet<_>>().len(), 60, "{order}");
        orders.push(read);
    }
    let reversed: Vec<_> = orders[0].iter().rev().cloned().collect();
    assert_eq!(orders[1], reversed);
    assert!(orders[2] != orders[0] && orders[2] != orders[1]);
}

#[tokio::test]
async fn rows_come_and_go_between_calls_where_switched() {
    let vendor = team(40).await;
    let leads = || vendor.vendor.leads().len();
    vendor.switches.set("insert_while_paging", "on");
    for _ in 0..3 {
        call(&vendor, "get-leads", &[AGENT]).await.unwrap();
    }
    assert_eq!(leads(), 43);
    vendor.switches.set("insert_while_paging", "");
    vendor.switches.set("delete_while_paging", "on");
    call(&vendor, "get-leads", &[AGENT]).await.unwrap();
    assert_eq!(leads(), 42);
    vendor.switches.set("delete_while_paging", "");

    let agent = &agents(&vendor)[0];
    let talks = all::<Conversation>(&**agent, &ConversationQuery::default(), 100).await.len();
    vendor.switches.set("delete_while_paging", "on");
    call(&vendor, "get-conversations", &[AGENT]).await.unwrap();
    vendor.switches.set("delete_while_paging", "");
    assert_eq!(all::<Conversation>(&**agent, &ConversationQuery::default(), 100).await.len(), talks - 1);
}

#[tokio::test]
async fn leads_can_be_added_and_deleted() {
    let vendor = team(4).await;
    let at = "2026-05-11T12:30:00Z".parse().unwrap();
    let id = vendor.vendor.add_lead(at);
    assert!(vendor.vendor.leads().contains(&(id.clone(), at)));
    let newest = all::<Lead>(&*agents(&vendor)[0], &LeadQuery::default(), 10).await.remove(0);
    assert_eq!((newest.key.native.as_str(), newest.created_at), (&*id, Some(at)));
    assert!(vendor.vendor.delete_lead(&id));
    assert!(!vendor.vendor.delete_lead(&id));
    assert_eq!(vendor.vendor.leads().len(), 4);
}

#[test]
fn large_team_is_ready_at_once() {
    let world = Arc::new(World::new(WorldSpec::demo("2026-05-11T12:00:00Z".parse().unwrap())));
    let fastest = (0..3).map(|_| {
        let began = Instant::now();
        let stage = Stage { world: Arc::clone(&world), switches: Switches::default() };
        let office = (ENTRY.simulate)(stage);
        assert_eq!(office.leads().len(), 2_000);
        began.elapsed()
    });
    let fastest = fastest.min().unwrap();
    assert!(fastest.as_millis() < 80, "{fastest:?}");
}
