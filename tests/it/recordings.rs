//! Links to recordings: each is made by a call, at most one a second for a caller, and kept nowhere.

use std::time::Duration;

use leadgraph::model::caller::Scope;
use serde_json::{Value, json};

use crate::harness::{Answer, Plan, Query, SPELO, World, known};

const LINK: &str =
    "query($id: ID!) { conversation(id: $id) { id recording { mimeType link { url expiresAt } } } }";

async fn world() -> World {
    let reader = Scope::ALL.into_iter().filter(|scope| *scope != Scope::RecordingsRead).collect::<Vec<_>>();
    let callers =
        vec![known("one", &Scope::ALL, &[]), known("other", &Scope::ALL, &[]), known("reader", &reader, &[])];
    let plan = Plan::new(30, 10).only(&[SPELO]).callers(callers);
    plan.settings(|settings| settings.links_per_second = 1).start().await
}

async fn ask(world: &World, key: &str, query: impl Into<Query>) -> (u16, String, Answer) {
    let response = world.request(query).bearer_auth(key).send().await.unwrap();
    let kept = response.headers()["cache-control"].to_str().unwrap().to_owned();
    (response.status().as_u16(), kept, Answer(response.json().await.unwrap()))
}

/// A conversation with a recording.
async fn recorded(world: &World) -> Query {
    let query = "{ conversations(first: 1, filter: { hasRecording: true }) { nodes { id } } }";
    let (_, _, answer) = ask(world, "one", query).await;
    Query::new(LINK).with("id", answer.data()["conversations"]["nodes"][0]["id"].clone())
}

fn minted(world: &World) -> usize {
    world.ledger(SPELO).iter().filter(|call| call.path.ends_with("/recording")).count()
}

fn url(answer: &Answer) -> String {
    let link = &answer.data()["conversation"]["recording"]["link"];
    assert!(link["expiresAt"].is_string(), "{link}");
    link["url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn caller_has_one_link_made_in_a_second_and_is_told_when_the_next_one() {
    let world = world().await;
    let query = recorded(&world).await;
    let (_, kept, first) = ask(&world, "one", query.clone()).await;
    assert_eq!(kept, "no-store");
    let (status, kept, refused) = ask(&world, "one", query.clone()).await;
    assert_eq!((status, kept.as_str()), (200, "no-store"));
    let recording = &refused.0["data"]["conversation"]["recording"];
    assert!(recording["link"].is_null() && recording["mimeType"].is_string(), "only the link is missing");
    let error = &refused.0["errors"][0];
    assert_eq!(error["path"], json!(["conversation", "recording", "link"]));
    let wait = error["extensions"]["retryAfterMs"].as_u64().unwrap();
    assert!((1..=1_000).contains(&wait), "{error}");
    let expected = json!({"code": "RATE_LIMITED", "retryable": true, "retryAfterMs": wait});
    let mut told = error["extensions"].clone();
    told.as_object_mut().unwrap().remove("requestId");
    assert_eq!(told, expected);
    assert_eq!(minted(&world), 1, "the vendor was not asked");

    let (_, _, others) = ask(&world, "other", query.clone()).await;
    tokio::time::sleep(Duration::from_millis(wait)).await;
    let (_, _, again) = ask(&world, "one", query).await;
    let urls = [url(&first), url(&others), url(&again)];
    assert_eq!(minted(&world), 3, "each is made anew");
    assert!(urls[0] != urls[1] && urls[1] != urls[2] && urls[0] != urls[2], "{urls:?}");
}

#[tokio::test]
async fn list_of_links_has_as_many_as_one_may() {
    let world = world().await;
    let query = "{ conversations(first: 3, filter: { hasRecording: true }) { nodes { recording { link { url } } } } }";
    let (_, _, answer) = ask(&world, "one", query).await;
    let made = |node: &&Value| node["recording"]["link"]["url"].is_string();
    let nodes = answer.0["data"]["conversations"]["nodes"].as_array().unwrap();
    assert_eq!((nodes.len(), nodes.iter().filter(made).count(), minted(&world)), (3, 1, 1));
    assert_eq!(answer.codes(), ["RATE_LIMITED", "RATE_LIMITED"]);
}

#[tokio::test]
async fn link_takes_a_scope_of_its_own() {
    let world = world().await;
    let (status, _, refused) = ask(&world, "reader", recorded(&world).await).await;
    assert_eq!((status, refused.codes()), (403, vec!["FORBIDDEN"]));
    assert_eq!(refused.0["errors"][0]["extensions"]["scopes"], json!(["recordings:read"]));
    assert_eq!(minted(&world), 0);
}
