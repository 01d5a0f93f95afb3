//! What has run before is answered as what has not.

use super::*;
use crate::graphql::documents::Documents;

fn schema() -> Schema {
    Schema::new(Settings::default(), |builder| builder)
}

async fn told(schema: &Schema, query: &str, variables: &Value) -> Value {
    serde_json::to_value(execute(schema, cx(), request(query, variables.clone())).await).unwrap()
}

async fn is_known(schema: &Schema, query: &str, variables: Value) -> bool {
    let read = read(request(query, variables), &schema.settings, Some(&schema.documents)).await;
    read.is_ok_and(|read| read.known)
}

/// A query of one variable of each type, and a value with which it runs.
const QUERIES: &[(&str, &str)] = &[
    ("query($v: Int) { leads(first: $v) { incomplete } }", "1"),
    ("query($v: Int! = 3) { leads(first: $v) { incomplete } }", "1"),
    ("query($v: String) { leads(after: $v) { incomplete } }", "\"x\""),
    ("query($v: ID!) { lead(id: $v) { id } }", "\"x\""),
    ("query($v: [ID!]!) { nodes(ids: $v) { id } }", "[\"x\"]"),
    ("query($v: Boolean!) { viewer { name @include(if: $v) scopes @skip(if: $v) } }", "true"),
    ("query($v: Boolean = true) { leads(filter: {hasConversation: $v}) { incomplete } }", "false"),
    ("query($v: Boolean = true) { viewer { name @include(if: $v) scopes } }", "true"),
    (
        "query($v: OnSourceFailure = PARTIAL) { leads(onSourceFailure: $v) { incomplete } viewer { name } }",
        "\"FAIL\"",
    ),
    ("query($v: LeadStatus!) { leads(filter: {status: [$v]}) { incomplete } }", "\"NEW\""),
    ("query($v: [Vendor!]) { leads(filter: {vendors: $v}) { incomplete } }", "[\"SPELO\"]"),
    (
        "query($v: DateTime) { leads(filter: {createdAt: {from: $v}}) { incomplete } }",
        "\"2026-01-01T00:00:00Z\"",
    ),
    ("query($v: TimeRange) { leads(filter: {createdAt: $v}) { incomplete } }", "{}"),
    ("query($v: LeadFilter) { leads(filter: $v) { incomplete } }", "{\"status\": [\"NEW\"]}"),
    ("query($v: OnSourceFailure!) { leads(onSourceFailure: $v) { incomplete } viewer { name } }", "\"FAIL\""),
];

/// Values of every kind, most of them wrong for most types.
fn values() -> Vec<Value> {
    let texts = [
        "null",
        "1",
        "0",
        "-1",
        "101",
        "2147483648",
        "-2147483649",
        "1e3",
        "1.5",
        "18446744073709551615",
        "true",
        "\"\"",
        "\"1\"",
        "\"x\"",
        "\"NEW\"",
        "\"new\"",
        "\"FAIL\"",
        "\"SPELO\"",
        "\"2026-01-01\"",
        "\"2026-01-01T00:00:00Z\"",
        "[]",
        "[null]",
        "[1]",
        "[\"x\", null]",
        "[\"x\"]",
        "[[\"x\"]]",
        "[\"SPELO\"]",
        "{}",
        "{\"a\": 1}",
        "{\"from\": \"2026-01-01T00:00:00Z\"}",
        "{\"from\": 1}",
        "{\"from\": null, \"b\": 2}",
        "{\"status\": [\"NEW\", \"new\"]}",
        "{\"status\": \"NEW\"}",
        "{\"status\": [null]}",
        "{\"text\": \"a\"}",
        "{\"createdAt\": {\"to\": \"x\"}}",
        "{\"createdAt\": {\"until\": \"x\"}}",
        "{\"hasConversation\": \"true\"}",
    ];
    texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

#[tokio::test]
async fn variables_are_judged_alike_whether_or_not_the_document_is_known() {
    for (query, right) in QUERIES {
        let warm = schema();
        let right = json!({ "v": serde_json::from_str::<Value>(right).unwrap() });
        assert!(!is_known(&warm, query, right.clone()).await);
        let first = told(&warm, query, &right).await;
        assert!(is_known(&warm, query, right.clone()).await, "{query}: {first}");
        assert_eq!(told(&warm, query, &right).await, first);
        let wrong = values().into_iter().map(|value| json!({ "v": value }));
        for variables in wrong.chain([json!({}), json!({ "w": 1 }), json!({ "v": 1, "not a name": 1 })]) {
            let told = told(&warm, query, &variables).await;
            assert_eq!(told, self::told(&schema(), query, &variables).await, "{query} with {variables}");
        }
    }
}

#[tokio::test]
async fn what_was_refused_is_not_known() {
    let warm = schema();
    for query in ["{ nothing }", "{", "query($v: Int!) { leads(first: $v) { incomplete } }"] {
        told(&warm, query, &Value::Null).await;
        assert!(!is_known(&warm, query, json!({ "v": 1 })).await, "{query}");
    }
    let query = "query($v: Int!) { leads(first: $v) { incomplete } }";
    told(&warm, query, &json!({ "v": "x" })).await;
    assert!(!is_known(&warm, query, json!({ "v": 1 })).await);
}

#[tokio::test]
async fn only_lone_queries_are_known() {
    let warm = schema();
    for query in [
        "mutation { updateLead(input: {id: \"x\"}) { outcome } }",
        "query A { viewer { name } } query B($v: Int) { leads(first: $v) { incomplete } }",
    ] {
        let named = || Request {
            operation_name: query.contains("A {").then(|| "A".to_owned()),
            ..request(query, Value::Null)
        };
        assert_eq!(execute(&warm, cx(), named()).await.refusal(), None);
        let read = read(named(), &warm.settings, Some(&warm.documents)).await;
        assert!(!read.is_ok_and(|read| read.known), "{query}");
    }
    let query = "query A { viewer { name } }";
    told(&warm, query, &Value::Null).await;
    assert!(is_known(&warm, query, Value::Null).await);
    let misnamed = Request { operation_name: Some("B".to_owned()), ..request(query, Value::Null) };
    assert_eq!(execute(&warm, cx(), misnamed).await.refusal(), Some("OPERATION_RESOLUTION_FAILURE"));
}

#[tokio::test]
async fn what_may_be_asked_for_is_checked_of_known_documents_too() {
    let warm = schema();
    let query = "query($n: Int) { leads(first: $n) { nodes { interactions(first: 100) { nodes { id } } } } }";
    told(&warm, query, &json!({ "n": 1 })).await;
    assert!(is_known(&warm, query, json!({ "n": 100 })).await);
    assert_eq!(
        told(&warm, query, &json!({ "n": 100 })).await["errors"][0]["extensions"]["code"],
        "NODE_COST_EXCEEDED"
    );
    let nobody = Cx {
        caller: Caller { scopes: crate::model::caller::Scopes::default(), ..Caller::anonymous() },
        ..cx()
    };
    let answer = execute(&warm, nobody, request(query, json!({ "n": 1 }))).await;
    assert_eq!(answer.refusal(), Some("FORBIDDEN"));
}

#[tokio::test]
async fn documents_are_known_within_bounds() {
    let documents = Documents::new(crate::graphql::DocumentSettings::default());
    let (schema, filler) = (schema(), "x".repeat(30_000));
    for n in 0..64 {
        let text = format!("{{ a{n}: __typename }} # {filler}");
        let read = read(request(&text, Value::Null), &schema.settings, Some(&documents)).await.ok().unwrap();
        documents.learn(&text, read.document).await;
    }
    assert!(documents.known_bytes().await <= 32 << 20);
}

#[tokio::test]
async fn what_stood_beside_a_missing_variable_is_looked_at_once_that_is_there() {
    let query =
        "query($v: String) { viewer { name } leads(filter: {text: $v, sourcez: [\"x\"]}) { incomplete } }";
    let schema = schema();
    told(&schema, query, &json!({})).await;
    assert!(is_known(&schema, query, json!({})).await);
    assert!(
        !is_known(&schema, query, json!({"v": "a"})).await
            && !is_known(&schema, query, json!({"v": null})).await
    );
    let answer = told(&schema, query, &json!({"v": "a"})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{answer}");
    assert!(answer.get("data").is_none());
}

#[tokio::test]
async fn what_is_valid_with_a_variable_is_valid_without_it() {
    let query = "query($v: String, $n: Int = 3) { leads(first: $n, after: $v) { incomplete } }";
    let schema = schema();
    told(&schema, query, &json!({})).await;
    assert!(is_known(&schema, query, json!({})).await && is_known(&schema, query, json!({"n": 5})).await);
    assert!(!is_known(&schema, query, json!({"v": "x"})).await);
    told(&schema, query, &json!({"v": "x"})).await;
    for variables in [json!({"v": "x"}), json!({"v": "x", "n": 2}), json!({"v": null}), json!({})] {
        assert!(is_known(&schema, query, variables.clone()).await, "{variables}");
    }
}

#[tokio::test]
async fn a_document_that_is_known_whole_stays_so() {
    let query = "query($v: String, $id: ID!) { lead(id: $id) { id } leads(after: $v) { incomplete } }";
    let (schema, whole) = (schema(), json!({"v": "x", "id": "x"}));
    told(&schema, query, &whole).await;
    // Nobody is certain of a number, so it is validated anew, without the other variable.
    told(&schema, query, &json!({"id": 1})).await;
    assert!(is_known(&schema, query, whole).await);
}

/// What is known does not come to the library where it asks for lists alone: here the library would refuse it.
#[tokio::test]
async fn lists_of_known_documents_do_without_the_library() {
    let gather = Gather::new(crate::gather::settings::Settings::default(), Vec::new());
    let schema = Schema::new(Settings::default(), |builder| builder.data(gather.clone()));
    let refusing = crate::graphql::builder().data(gather.clone()).limit_depth(0).finish();
    let schema = Schema { trusting: refusing, ..schema };
    for (text, does_without) in [
        ("{ leads { incomplete } }", true),
        ("{ __typename a: leads(first: 5) { nodes { id } } interactions { edges { cursor } } }", true),
        ("{ leads { nodes { id interactions { incomplete } } } }", false),
        ("{ leads { incomplete } leads { nodes { id } } }", false),
        ("{ leads { incomplete } viewer { name } }", false),
    ] {
        let ask =
            async || serde_json::to_value(execute(&schema, cx(), request(text, Value::Null)).await).unwrap();
        let (unknown, known) = (ask().await, ask().await);
        assert!(unknown.get("errors").is_none(), "{unknown}");
        assert_eq!(known == unknown, does_without, "{known}");
    }
}

/// A default that is null is a value that a condition does not take: the library says so each time.
#[tokio::test]
async fn a_condition_that_is_null_by_default_is_refused_whether_or_not_the_document_is_known() {
    let text = "query($x: Boolean = null) { leads { incomplete @include(if: $x) } }";
    let gather = Gather::new(crate::gather::settings::Settings::default(), Vec::new());
    let new = || Schema::new(Settings::default(), |builder| builder.data(gather.clone()));
    let (known, unknown) = (new(), new());
    let ask = async |schema: &Schema, variables| {
        serde_json::to_value(execute(schema, cx(), request(text, variables)).await).unwrap()
    };
    let shown = ask(&known, json!({ "x": true })).await;
    assert_eq!(shown, json!({ "data": { "leads": { "incomplete": false } } }));
    assert_eq!(ask(&known, json!({ "x": true })).await, shown);
    for variables in [json!({}), json!({ "x": null })] {
        let refused = ask(&unknown, variables.clone()).await;
        assert!(refused.get("data").is_none(), "{refused}");
        assert_eq!(ask(&known, variables).await, refused);
    }
}
