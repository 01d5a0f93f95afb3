use std::sync::Arc;

use async_graphql::parser::parse_query;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use super::*;
use crate::gather::Gather;
use crate::gather::settings::Settings;
use crate::model::caller::Caller;
use crate::model::cx::{Cx, Meter};

/// What is answered without the library, where no source is configured.
async fn answer(text: &str) -> Option<Value> {
    let cx = Cx {
        deadline: Instant::now() + Duration::from_secs(5),
        now: Timestamp::UNIX_EPOCH,
        request_id: Arc::from("req-1"),
        caller: Caller::anonymous(),
        meter: Meter::default(),
        background: false,
        anew: false,
    };
    let state = State::new(Gather::new(Settings::default(), Vec::new()), cx);
    let document = parse_query(text).unwrap();
    let query = &document.operations.iter().next().unwrap().1.node;
    let variables = Variables::from_json(json!({ "no": false, "first": 5, "filter": { "text": "ada" } }));
    let data = straight(&document, query, &variables, &state).await?;
    Some(serde_json::from_slice(&data).unwrap())
}

#[tokio::test]
async fn lists_are_answered_with_all_that_can_be_written() {
    for (text, data) in [
        ("{ leads { incomplete } }", json!({ "leads": { "incomplete": false } })),
        (
            "{ __typename a: leads(first: 5) { nodes { id source { name } } } b: interactions { edges { cursor } } }",
            json!({ "__typename": "Query", "a": { "nodes": [] }, "b": { "edges": [] } }),
        ),
        (
            "query($first: Int, $filter: LeadFilter, $no: Boolean!) { ...F leads @include(if: $no) { incomplete } } \
             fragment F on Query { x: leads(first: $first, filter: $filter) { nodes { raw @skip(if: $no) } } }",
            json!({ "x": { "nodes": [] } }),
        ),
        ("query($no: Boolean!) { conversations @include(if: $no) { incomplete } }", json!({})),
    ] {
        assert_eq!(answer(text).await, Some(data), "{text}");
    }
}

#[tokio::test]
async fn what_is_out_of_the_ordinary_is_left_to_the_library() {
    for text in [
        "{ leads { incomplete } viewer { name } }",
        "{ leads { nodes { id interactions { incomplete } } } }",
        "{ leads { edges { node { notes { text } } } } }",
        "{ leads(onSourceFailure: FAIL) { incomplete } }",
        "{ leads(first: 0) { incomplete } }",
        "{ leads(filter: { sources: [] }) { incomplete } }",
        "{ leads(after: \"x\") { incomplete } }",
        "{ node(id: \"x\") { id } }",
        "{ __schema { description } }",
    ] {
        assert_eq!(answer(text).await, None, "{text}");
    }
}
