//! Callers over real sockets: who is let in, what exists for whom, and how often they may ask.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that panics has failed, which is what it is for"
)]

mod cost;
mod hosts;
mod reload;
pub(crate) mod tokens;
mod ways;

use leadgraph::model::caller::Scope;
use serde_json::{Value, json};

use crate::harness::{Answer, CHATZURI, Plan, Query, World, known};

async fn ask(world: &World, key: &str, query: impl Into<Query>) -> Answer {
    let response = world.request(query).bearer_auth(key).send().await.unwrap();
    assert_eq!(response.status(), 200);
    Answer(response.json().await.unwrap())
}

fn names(of: &Value) -> Vec<&str> {
    of.as_array().unwrap().iter().map(|source| source["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn caller_without_a_known_key_costs_nothing_and_gets_nothing() {
    let world = Plan::new(20, 3).callers(vec![known("staff", &Scope::ALL, &[])]).start().await;
    let before = world.calls();
    for key in [None, Some("nobody"), Some("")] {
        let request = world.request("{ leads(first: 5) { nodes { id } } }");
        let request = key.map_or(world.request("{ viewer { name } }"), |key| request.bearer_auth(key));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert!(response.headers().contains_key("www-authenticate"));
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        assert!(body.get("data").is_none());
    }
    assert_eq!((world.calls() - before).all(), 0);
}

#[tokio::test]
async fn viewer_is_who_asks_with_what_they_may() {
    let scopes = [Scope::LeadsRead, Scope::EventsRead];
    let world = Plan::new(5, 2).callers(vec![known("staff", &Scope::ALL, &[]), known("wall", &scopes, &[])]);
    let world = world.start().await;
    let viewer = ask(&world, "wall", "{ viewer { name scopes } }").await;
    assert_eq!(viewer.data()["viewer"], json!({"name": "wall", "scopes": ["leads:read", "events:read"]}));
    let viewer = ask(&world, "staff", "{ viewer { name scopes } }").await;
    assert_eq!(viewer.data()["viewer"]["scopes"].as_array().unwrap().len(), Scope::ALL.len());
}

#[tokio::test]
async fn source_that_is_not_the_callers_does_not_exist_on_any_way_to_it() {
    let callers = vec![known("staff", &Scope::ALL, &[]), known("partner", &Scope::ALL, &[CHATZURI])];
    let world = Plan::new(30, 5).callers(callers).start().await;
    let all =
        ask(&world, "staff", "{ sources { id name } leads(first: 60) { nodes { id source { name } } } }")
            .await;
    let hidden = |name: &str| {
        let leads = all.data()["leads"]["nodes"].as_array().unwrap();
        leads.iter().find(|lead| lead["source"]["name"] == name).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let source =
        all.data()["sources"].as_array().unwrap().iter().find(|source| source["name"] == "spelo").unwrap();
    let source = source["id"].as_str().unwrap();

    let own = ask(
        &world,
        "partner",
        "{ sources { name } leads(first: 60) { nodes { source { name } } sources { source { name } } } }",
    )
    .await;
    assert_eq!(names(&own.data()["sources"]), ["chatzuri/agt_1"]);
    let nodes = own.data()["leads"]["nodes"].as_array().unwrap();
    assert!(!nodes.is_empty() && nodes.iter().all(|lead| lead["source"]["name"] == "chatzuri/agt_1"));
    assert_eq!(own.data()["leads"]["sources"].as_array().unwrap().len(), 1);

    // What is hidden is refused in the words in which what never was is refused.
    let before = world.calls();
    let never = format!("{}x", hidden("spelo"));
    for (field, args) in [("lead", "id: $id"), ("node", "id: $id"), ("nodes", "ids: [$id]")] {
        let query = |id: &str| {
            let text = format!("query($id: ID!) {{ {field}({args}) {{ id }} }}");
            Query::new(text).with("id", id)
        };
        let refused = ask(&world, "partner", query(&hidden("spelo"))).await;
        assert_eq!(refused.codes(), ["BAD_ID"], "{field}");
        let message = refused.message().to_owned();
        let other = ask(&world, "partner", query(&hidden("leadsail"))).await;
        assert_eq!(other.message(), message, "{field}");
        assert!(
            !message.contains("spelo")
                && !ask(&world, "staff", query(&never)).await.message().contains("spelo")
        );
    }
    for filter in [format!("sources: [\"{source}\"]"), "vendors: [SPELO]".to_owned()] {
        for list in ["leads", "conversations", "interactions"] {
            let answer =
                ask(&world, "partner", format!("{{ {list}(filter: {{ {filter} }}) {{ nodes {{ id }} }} }}"))
                    .await;
            assert!(["BAD_ID", "BAD_USER_INPUT"].contains(&answer.codes()[0]), "{list} {filter}");
        }
    }
    let of_lead = Query::new("query($id: ID!) { interactions(filter: { leads: [$id] }) { nodes { id } } }");
    let answer = ask(&world, "partner", of_lead.with("id", hidden("leadsail"))).await;
    assert_eq!(answer.codes(), ["BAD_ID"]);
    let asked = world.calls() - before;
    assert_eq!(
        (asked.leadsail, asked.spelo),
        (0, 1),
        "only the lead that never was is asked for, for those who may"
    );
}

#[tokio::test]
async fn cursor_is_good_for_its_caller_alone() {
    let callers = vec![known("one", &Scope::ALL, &[]), known("other", &Scope::ALL, &[])];
    let world = Plan::new(30, 5).callers(callers).start().await;
    let query =
        "query($after: String) { leads(first: 5, after: $after) { nodes { id } pageInfo { endCursor } } }";
    let first = ask(&world, "one", query).await;
    let cursor = first.data()["leads"]["pageInfo"]["endCursor"].as_str().unwrap();
    let before = world.calls();
    let stolen = ask(&world, "other", Query::new(query).with("after", cursor)).await;
    assert_eq!(stolen.codes(), ["CURSOR_INVALID"]);
    assert_eq!((world.calls() - before).all(), 0);
    assert_eq!(ask(&world, "one", Query::new(query).with("after", cursor)).await.codes(), Vec::<&str>::new());
}

#[tokio::test]
async fn caller_over_its_rate_is_told_when_to_come_back_and_others_are_not_held_up() {
    let mut eager = known("eager", &Scope::ALL, &[]);
    eager.rates.requests_per_second = 1;
    let world = Plan::new(5, 2).callers(vec![eager, known("calm", &Scope::ALL, &[])]).start().await;
    let asks = (0..20).map(|_| world.request("{ viewer { name } }").bearer_auth("eager").send());
    let responses: Vec<_> =
        futures_util::future::join_all(asks).await.into_iter().map(Result::unwrap).collect();
    let refused: Vec<_> = responses.iter().filter(|response| response.status() == 429).collect();
    assert!(refused.len() >= 15, "{}", refused.len());
    let waits =
        refused.iter().map(|response| response.headers()["retry-after"].to_str().unwrap().parse::<u64>());
    assert!(waits.into_iter().all(|wait| (1..=2).contains(&wait.unwrap())));
    for _ in 0..20 {
        assert_eq!(ask(&world, "calm", "{ viewer { name } }").await.data()["viewer"]["name"], "calm");
    }
}
