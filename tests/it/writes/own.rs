//! Our own writes are visible at once and stay visible: in lists, by id and below other records, whatever was under way and
//! however far the vendor's reads lag behind.

use std::time::Duration;

use leadgraph::vendors::simulation::{Fault, Rule};
use serde_json::{Value, json};

use super::update;
use crate::harness::{LEADSAIL, Plan, Query, SPELO, World};

const LIST: &str = "{ leads(first: 1) { nodes { id status } } }";
const NODE: &str = "query($id: ID!) { node(id: $id) { ... on Lead { status conversation { id } } } }";
const NESTED: &str = "query($id: ID!) { conversation(id: $id) { lead { status } } }";
const HISTORY: &str =
    "query($id: ID!) { lead(id: $id) { interactions(first: 1) { nodes { lead { status } } } } }";

/// The lead's status in every place where it is shown.
async fn everywhere(world: &World, id: &str) -> Vec<Value> {
    let list = world.ask(LIST).await.data()["leads"]["nodes"][0]["status"].clone();
    let node = world.ask(Query::new(NODE).with("id", id)).await;
    let mut found = vec![list, node.data()["node"]["status"].clone()];
    if let Some(talk) = node.data()["node"]["conversation"]["id"].as_str() {
        let nested = world.ask(Query::new(NESTED).with("id", talk)).await;
        found.extend(nested.data()["conversation"]["lead"].get("status").cloned());
    }
    let history = world.ask(Query::new(HISTORY).with("id", id)).await;
    let nodes = history.data()["lead"]["interactions"]["nodes"].as_array().cloned().unwrap_or_default();
    found.extend(nodes.iter().filter_map(|node| node["lead"].get("status").cloned()));
    found
}

/// A thousand reads after a write, while what was asked before it is still under way and the vendor lags.
async fn stays_visible(vendor: &'static str, lag: &str, from: &str, to: &str) {
    // What is read is read anew again and again.
    let plan = Plan::new(20, 10).only(&[vendor]).forgetful();
    let world = plan.settings(|settings| settings.lead_ttl = Duration::from_millis(1)).start().await;
    let id = world.newest(vendor).await;
    assert_eq!(update(&world, json!({"id": id, "status": from})).await["outcome"], "APPLIED");
    world.switch(vendor, "stale_reads", lag);
    tokio::time::sleep(Duration::from_millis(lag.parse::<u64>().unwrap() + 20)).await;
    assert!(everywhere(&world, &id).await.iter().all(|status| status == from));
    // A list that is asked for before the write and comes long after it.
    world.fault(vendor, [Rule::always(Fault::Delay { ms: 300 }).method("GET").after().times(1)]);
    let early = world.request(LIST).send();
    let write = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        update(&world, json!({"id": id, "status": to})).await
    };
    let (_, payload) = tokio::join!(early, write);
    assert_eq!((&payload["outcome"], &payload["lead"]["status"]), (&json!("APPLIED"), &json!(to)));
    let (mut reads, mut rounds) = (0, 0);
    while reads < 1_000 {
        let seen = everywhere(&world, &id).await;
        assert!(seen.iter().all(|status| status == to), "after {reads} reads: {seen:?}");
        reads += seen.len();
        rounds += 1;
        // Some of the reads come after the lag, and after the lives of what was read within it.
        if rounds % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    }
}

#[tokio::test]
async fn a_write_is_seen_by_every_read_after_it_at_a_vendor_that_answers_with_the_lead() {
    stays_visible(SPELO, "2000", "NEW", "QUALIFIED").await;
}

#[tokio::test]
async fn a_write_is_seen_by_every_read_after_it_at_a_vendor_that_answers_nothing() {
    stays_visible(LEADSAIL, "2000", "NEW", "CONTACTED").await;
}

#[tokio::test]
async fn a_newer_change_at_the_vendor_is_shown_in_place_of_ours() {
    let plan = Plan::new(20, 10).only(&[SPELO]).forgetful();
    let mut world = plan.settings(|settings| settings.lead_ttl = Duration::from_millis(1)).start().await;
    let id = world.newest(SPELO).await;
    assert_eq!(update(&world, json!({"id": id, "status": "QUALIFIED"})).await["outcome"], "APPLIED");
    let ours = world.put_aside().await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    // Somebody else, past this gateway.
    assert_eq!(update(&world, json!({"id": id, "status": "DISQUALIFIED"})).await["outcome"], "APPLIED");
    world.take_back(ours);
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(everywhere(&world, &id).await.iter().all(|status| status == "DISQUALIFIED"));
}
