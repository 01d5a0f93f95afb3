//! Following events: over WebSocket, over event streams, and through cut lines.

mod binary;
mod expiry;
pub(crate) mod line;
mod shared;
mod socket;
mod stream;

use std::time::Duration;

use leadgraph::upstream::policy::Policy;
use leadgraph::vendors::simulation::{Fault, Rule};
use serde_json::{Value, json};

use crate::harness::{Plan, SPELO, World};

/// What happens, with all that there is to know of it.
const EVENTS: &str = "subscription Follow($after: String, $filter: EventFilter) { events(after: $after, filter: $filter) { \
     cursor type occurredAt receivedAt source { name } lead { id } conversation { id } interaction { id } } }";

fn events(after: Option<&str>) -> Value {
    json!({ "query": EVENTS, "variables": { "after": after } })
}

/// A small world that remembers no lists and gives up at once.
async fn world() -> World {
    let impatient = |policy: &mut Policy| policy.max_attempts = 1;
    Plan::new(3, 3).only(&[SPELO]).forgetful().policy(impatient).start().await
}

/// Makes the source do worse and better by turns: one event.
async fn turn(world: &World, well: bool) {
    let rules = if well { vec![] } else { vec![Rule::always(Fault::Reset)] };
    world.fault(SPELO, rules);
    let answer = world.ask("{ leads(first: 1) { nodes { id } } }").await;
    assert_eq!(answer.0.get("errors").is_none(), well, "{:#}", answer.0);
}

/// Lets so many events happen, each after the one before was noticed.
async fn turns(world: &World, count: usize) {
    for number in 0..count {
        turn(world, number % 2 == 1).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
}

/// The event of a response, which has no errors.
fn event(response: &Value) -> &Value {
    assert!(response.get("errors").is_none(), "{response:#}");
    &response["data"]["events"]
}

fn cursor(event: &Value) -> &str {
    event["cursor"].as_str().unwrap()
}
