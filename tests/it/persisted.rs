//! Documents that are named instead of sent, over the wire: what Apollo's clients rely on, and what may be used again.

use leadgraph::graphql::Manifest;
use leadgraph::vendors::simulation::{Fault, Rule};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{Plan, SPELO, World};

fn extension(text: &str) -> Value {
    let hash: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

/// The status, the header `cache-control`, the body, and how many calls to vendors it took.
async fn sent(world: &World, request: reqwest::RequestBuilder) -> (u16, String, Value, usize) {
    let before = world.calls().all();
    let response = request.send().await.unwrap();
    let kept = response.headers()["cache-control"].to_str().unwrap().to_owned();
    (response.status().as_u16(), kept, response.json().await.unwrap(), world.calls().all() - before)
}

fn by_hash(world: &World, text: &str) -> reqwest::RequestBuilder {
    let extensions = extension(text).to_string();
    world.get(&[("extensions", &extensions)]).header("graphql-require-preflight", "1")
}

fn shown(world: &World, text: &str) -> reqwest::RequestBuilder {
    world.post(&json!({ "query": text, "extensions": extension(text) }))
}

fn code(body: &Value) -> &str {
    body["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn hash_alone_is_enough_once_the_document_was_shown() {
    let world = World::of(5, 2).await;
    let text = "{ leads(first: 2) { nodes { id } } }";
    let (status, kept, body, calls) = sent(&world, by_hash(&world, text)).await;
    // The words and the code are what Apollo's clients look for.
    assert_eq!((status, calls, code(&body)), (200, 0, "PERSISTED_QUERY_NOT_FOUND"));
    assert_eq!((body["errors"][0]["message"].as_str(), &*kept), (Some("PersistedQueryNotFound"), "no-store"));
    let modern = by_hash(&world, text).header("accept", "application/graphql-response+json");
    assert_eq!(sent(&world, modern).await.0, 400);

    let (status, kept, whole, calls) = sent(&world, shown(&world, text)).await;
    assert!(status == 200 && calls > 0 && whole["data"]["leads"].is_object(), "{whole}");
    assert_eq!(kept, "no-store", "who sends by POST keeps nothing");
    let (status, kept, body, _) = sent(&world, by_hash(&world, text)).await;
    assert_eq!((status, &*kept, body), (200, "private, max-age=5", whole.clone()));
    let (_, kept, body, _) = sent(&world, world.post(&json!({ "extensions": extension(text) }))).await;
    assert_eq!((&*kept, body), ("no-store", whole));
}

#[tokio::test]
async fn nothing_is_kept_that_did_not_run_under_its_own_hash() {
    let world = World::of(5, 2).await;
    let wrong =
        json!({ "query": "{ leads { nodes { id } } }", "extensions": extension("{ sources { name } }") });
    let (_, _, body, calls) = sent(&world, world.post(&wrong)).await;
    assert_eq!((code(&body), calls), ("PERSISTED_QUERY_HASH_MISMATCH", 0));
    let (_, _, body, _) = sent(&world, by_hash(&world, "{ sources { name } }")).await;
    assert_eq!(code(&body), "PERSISTED_QUERY_NOT_FOUND");
    for invalid in ["{", "{ nothing }", "query($id: ID!) { node(id: $id) { id } }"] {
        sent(&world, shown(&world, invalid)).await;
        let (_, _, body, _) = sent(&world, by_hash(&world, invalid)).await;
        assert_eq!(code(&body), "PERSISTED_QUERY_NOT_FOUND", "{invalid}");
    }
    let mutation = "mutation { __typename }";
    sent(&world, shown(&world, mutation)).await;
    let (_, _, body, _) = sent(&world, by_hash(&world, mutation)).await;
    assert!(body.get("data").is_none(), "a name does not make a mutation safe: {body}");
}

#[tokio::test]
async fn answers_that_are_not_whole_are_not_to_be_used_again() {
    let plan = Plan::new(5, 2).forgetful();
    let world = plan.start().await;
    let (partial, errors) = ("{ leads { nodes { id } } }", "{ node(id: \"nonsense\") { id } }");
    for text in [partial, errors] {
        sent(&world, shown(&world, text)).await;
    }
    assert_eq!(sent(&world, by_hash(&world, partial)).await.1, "private, max-age=5");
    let (_, kept, body, _) = sent(&world, by_hash(&world, errors)).await;
    assert_eq!(kept, "no-store", "{body}");
    world.fault(SPELO, [Rule::always(Fault::Reset)]);
    let (status, kept, body, _) = sent(&world, by_hash(&world, partial)).await;
    // The client did not even ask whether it is whole.
    assert!(status == 200 && body["data"]["leads"].get("incomplete").is_none(), "{body}");
    assert_eq!(kept, "no-store", "{body}");
}

#[tokio::test]
async fn only_trusted_documents_run_where_the_operator_says_so() {
    let mut plan = Plan::new(5, 2);
    let trusted = json!({ "leads-1": "{ leads(first: 1) { nodes { id } } }" }).to_string();
    plan.graphql.documents.trusted = Manifest::parse(&trusted).unwrap().into();
    plan.graphql.documents.only_trusted = true;
    let world = plan.start().await;
    let by_id = world.get(&[("documentId", "leads-1")]).header("graphql-require-preflight", "1");
    let (status, kept, body, calls) = sent(&world, by_id).await;
    assert_eq!((status, &*kept), (200, "private, max-age=5"), "{body}");
    assert!(calls > 0 && body["data"]["leads"]["nodes"].is_array(), "{body}");
    for (body, expected) in [
        (json!({ "documentId": "leads-2" }), "PERSISTED_QUERY_NOT_IN_LIST"),
        (json!({ "extensions": extension("{ leads { nodes { id } } }") }), "PERSISTED_QUERY_NOT_IN_LIST"),
        (json!({ "query": "{ leads(first: 3) { nodes { id } } }" }), "PERSISTED_QUERY_ID_REQUIRED"),
        (
            json!({ "query": "{ leads { nodes { name } } }", "documentId": "leads-1" }),
            "PERSISTED_QUERY_ID_REQUIRED",
        ),
        // It is refused before anything looks whether it is GraphQL.
        (json!({ "query": "{" }), "PERSISTED_QUERY_ID_REQUIRED"),
    ] {
        let (status, _, answer, calls) = sent(&world, world.post(&body)).await;
        assert_eq!((status, code(&answer), calls), (403, expected, 0), "{body}");
    }
}
