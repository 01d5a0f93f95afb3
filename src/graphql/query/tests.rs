use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::events::Log;
use crate::gather::Gather;
use crate::gather::settings::Settings;
use crate::graphql::scalars::id::{GlobalId, of};
use crate::graphql::{self, Request, execute, schema};
use crate::model::caller::Caller;
use crate::model::cx::{Cx, Meter};
use crate::model::id::{EntityKind, Key, NativeId, SourceId};

/// Asks a gateway that has no sources.
async fn ask(query: &str, variables: Value) -> Value {
    let cx = Cx {
        deadline: tokio::time::Instant::now() + Duration::from_secs(5),
        now: jiff::Timestamp::UNIX_EPOCH,
        request_id: Arc::from("req-1"),
        caller: Caller::anonymous(),
        meter: Meter::default(),
        background: false,
        anew: false,
    };
    let schema =
        schema(Gather::new(Settings::default(), Vec::new()), Log::default(), graphql::Settings::default());
    let request = Request { query: query.to_owned(), variables, ..Request::default() };
    serde_json::to_value(execute(&schema, cx, request).await).unwrap()
}

fn acme() -> SourceId {
    SourceId::new("acme").unwrap()
}

fn lead() -> String {
    let key = Key { source: acme(), native: NativeId::new("1").unwrap(), day: None };
    of(EntityKind::Lead, &key).0
}

fn codes(answer: &Value) -> Vec<(&str, &Value)> {
    let errors = answer["errors"].as_array().unwrap().iter();
    errors.map(|error| (error["extensions"]["code"].as_str().unwrap(), &error["path"])).collect()
}

#[tokio::test]
async fn no_sources_are_an_empty_list() {
    let answer = ask("{ sources { name } }", Value::Null).await;
    assert_eq!(answer, json!({ "data": { "sources": [] } }));
}

#[tokio::test]
async fn a_malformed_id_is_null_with_an_error() {
    let answer = ask("{ node(id: \"x\") { id } viewer { name } }", Value::Null).await;
    assert_eq!(answer["data"], json!({ "node": null, "viewer": { "name": "anonymous" } }));
    assert_eq!(codes(&answer), [("BAD_ID", &json!(["node"]))]);
}

#[tokio::test]
async fn a_record_of_a_source_that_is_not_configured_is_a_bad_id() {
    let query = "query($id: ID!) { node(id: $id) { id } lead(id: $id) { id } }";
    let answer = ask(query, json!({ "id": lead() })).await;
    assert_eq!(answer["data"], json!({ "node": null, "lead": null }));
    assert_eq!(codes(&answer), [("BAD_ID", &json!(["node"])), ("BAD_ID", &json!(["lead"]))]);
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("not configured"));
}

#[tokio::test]
async fn an_id_of_another_type_is_refused() {
    let query = "query($id: ID!) { conversation(id: $id) { id } interaction(id: $id) { id } }";
    let answer = ask(query, json!({ "id": lead() })).await;
    assert_eq!(codes(&answer).len(), 2);
    assert!(answer["errors"][0]["message"].as_str().unwrap().starts_with("This is the id of a Lead"));
}

#[tokio::test]
async fn each_of_many_ids_has_its_own_error() {
    let ids = json!({ "ids": ["x", lead(), GlobalId::Source(acme()).encode().0] });
    let answer = ask("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids).await;
    assert_eq!(answer["data"], json!({ "nodes": [null, null, null] }));
    let paths = codes(&answer);
    for index in 0..3 {
        assert!(paths.contains(&("BAD_ID", &json!(["nodes", index]))), "{paths:?}");
    }
}

#[tokio::test]
async fn at_most_a_hundred_ids_are_taken() {
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let answer = ask(query, json!({ "ids": vec!["x"; 101] })).await;
    assert_eq!(codes(&answer), [("BAD_USER_INPUT", &json!(["nodes"]))]);
    let answer = ask(query, json!({ "ids": vec!["x"; 100] })).await;
    assert_eq!(answer["data"]["nodes"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn what_gather_refuses_is_refused_on_the_field_alone() {
    let answer = ask("{ leads(first: -1) { incomplete } viewer { name } }", Value::Null).await;
    assert_eq!(answer["data"], json!({ "leads": null, "viewer": { "name": "anonymous" } }));
    assert_eq!(codes(&answer), [("BAD_USER_INPUT", &json!(["leads"]))]);
    let answer = ask("{ interactions(after: \"x\") { incomplete } }", Value::Null).await;
    assert_eq!(codes(&answer), [("CURSOR_INVALID", &json!(["interactions"]))]);
}

#[tokio::test]
async fn lists_over_no_sources_are_empty_and_complete() {
    let page = "edges { cursor } nodes { id } incomplete sources { status } \
                pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";
    let answer = ask(&format!("{{ leads {{ {page} }} conversations {{ {page} }} }}"), Value::Null).await;
    let empty = json!({
        "edges": [], "nodes": [], "incomplete": false, "sources": [],
        "pageInfo": { "hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null },
    });
    assert_eq!(answer, json!({ "data": { "leads": empty, "conversations": empty } }));
}
