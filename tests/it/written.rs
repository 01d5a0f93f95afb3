//! Lists that are written come to the same as lists that are resolved, byte for byte.
//!
//! Selections are drawn over the schema itself, with aliases, fragments, directives, repeated fields and lists inside records. A
//! list that is selected twice under one name is merged, and so resolved: asked so, it must say what it says when asked once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod draw;
mod source;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use leadgraph::events::Log;
use leadgraph::gather::Gather;
use leadgraph::gather::settings::Settings;
use leadgraph::graphql::{self, Limits, Request, Schema, execute, schema};
use leadgraph::model::caller::{Caller, Scope, Visible};
use leadgraph::model::cx::{Cx, Meter};
use leadgraph::source::Source;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use self::draw::Draw;
use self::source::Told;

/// The lists of the root.
const LISTS: [(&str, &str); 3] = [
    ("leads", "LeadConnection"),
    ("conversations", "ConversationConnection"),
    ("interactions", "InteractionConnection"),
];

fn bench() -> Schema {
    let sources: Vec<Arc<dyn Source>> = vec![
        Arc::new(Told::whole("whole")),
        Arc::new(Told { sparse: true, ..Told::whole("sparse") }),
        Arc::new(Told { histories: false, ..Told::whole("talks") }),
        Arc::new(Told { sparse: true, reads_fail: true, ..Told::whole("failing") }),
        Arc::new(Told { lists_fail: true, ..Told::whole("broken") }),
    ];
    over(sources)
}

/// Where nothing fails: pages are whole, and so kept.
fn healthy() -> Schema {
    let whole = |name| Told { rejected: 0, ..Told::whole(name) };
    over(vec![Arc::new(whole("whole")), Arc::new(Told { histories: false, ..whole("talks") })])
}

fn over(sources: Vec<Arc<dyn Source>>) -> Schema {
    let limits = Limits {
        bytes: 1 << 20,
        tokens: 60_000,
        aliases: 9_000,
        directives: 9_000,
        fragments: 900,
        selections: 90_000,
        ..Limits::default()
    };
    let settings = graphql::Settings {
        max_upstream_calls: 1_000_000,
        max_nodes: 10_000_000,
        limits,
        ..graphql::Settings::default()
    };
    schema(Gather::new(Settings::default(), sources), Log::default(), settings)
}

fn callers() -> [Caller; 2] {
    let stranger = Caller {
        name: "stranger".into(),
        scopes: [Scope::LeadsRead].into_iter().collect(),
        sources: Visible::All,
    };
    [Caller::anonymous(), stranger]
}

async fn ask(schema: &Schema, caller: &Caller, query: String) -> String {
    let variables = if query.contains("$no") { json!({ "yes": true, "no": false }) } else { Value::Null };
    ask_with(schema, caller, query, variables).await
}

async fn ask_with(schema: &Schema, caller: &Caller, query: String, variables: Value) -> String {
    let cx = Cx {
        deadline: tokio::time::Instant::now() + Duration::from_secs(50),
        // Always the same, so that the same place has the same cursor.
        now: Timestamp::from_second(1_790_000_100).unwrap(),
        request_id: Arc::from("req-1"),
        caller: caller.clone(),
        meter: Meter::default(),
        background: false,
        anew: false,
    };
    let request = Request { query, variables, ..Request::default() };
    String::from_utf8(execute(schema, cx, request).await.to_bytes()).unwrap()
}

/// Data as it is written, and errors in any order: what fails side by side is told as it comes, of what is selected twice
/// one place or the other. Where there are more errors than are told, they are not compared.
fn parts(answer: &str) -> (Option<String>, Vec<String>) {
    let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(answer).unwrap();
    let data = members.remove("data").map(|data| data.get().to_owned());
    let mut all: Vec<Map<String, Value>> =
        members.remove("errors").map_or_else(Vec::new, |errors| serde_json::from_str(errors.get()).unwrap());
    let told = |error: &mut Map<String, Value>| {
        assert!(error.remove("locations").is_some_and(|places| !places[0].is_null()));
        Value::Object(mem::take(error)).to_string()
    };
    let mut errors: Vec<_> = all.iter_mut().map(told).collect();
    errors.sort();
    if members.contains_key("extensions") { (data, Vec::new()) } else { (data, errors) }
}

/// A list as the only one of an operation, in which every variable is used.
fn straight(field: &str, set: &str) -> String {
    format!("x: {field}(first: 20) @include(if: $yes) @skip(if: $no) {set}")
}

/// The list of an answer, as it is written, and the errors.
fn list_of(answer: &str) -> (Option<String>, Vec<String>) {
    let (data, errors) = parts(answer);
    let mut data: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&data.unwrap()).unwrap();
    (data.remove("x").map(|list| list.get().to_owned()), errors)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "only this test looks at it")]
fn written_lists_say_what_resolved_lists_say() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let schemas = [bench(), healthy()];
    let cases = std::env::var("LEADGRAPH_SELECTIONS").ok().and_then(|cases| cases.parse().ok()).unwrap_or(80);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let choices = (0..LISTS.len(), 0..2_usize, 0..2_usize, proptest::collection::vec(any::<u8>(), 0..160));
    let records = Cell::new(0);
    let outcome = runner.run(&choices, |(list, schema, caller, choices)| {
        let (schema, (field, kind)) = (&schemas[schema], LISTS[list]);
        let mut draw = Draw::new(choices, caller == 1);
        let set = draw.selection(kind, 5);
        let list = format!("x: {field}(first: 20) {set}");
        let (head, fragments) = ("query($yes: Boolean!, $no: Boolean!)", draw.fragments());
        // Every variable must be used.
        let used = "viewer { name @include(if: $yes) @skip(if: $no) }";
        let once = format!("{head} {{ {list} {used} }} {fragments}");
        let twice =
            format!("{head} {{ {list} {used} ...Again }} fragment Again on Query {{ {list} }} {fragments}");
        // A list alone is answered without the library once its document is known.
        let alone = format!("{head} {{ __typename {} }} {fragments}", straight(field, &set));
        let caller = &callers()[caller];
        let (written, resolved, unknown, alone) = runtime.block_on(async {
            // What is read for the first time is read by the first of them alone.
            ask(schema, caller, twice.clone()).await;
            let (written, resolved) =
                (ask(schema, caller, once.clone()).await, ask(schema, caller, twice).await);
            let unknown = ask(schema, caller, alone.clone()).await;
            (written, resolved, unknown, ask(schema, caller, alone).await)
        });
        assert!(
            !written.contains("VALIDATION_FAILED") && !written.contains("FORBIDDEN"),
            "{written}\n{once}"
        );
        records.set(records.get() + u32::from(written.contains("\"x\":{")));
        prop_assert_eq!(parts(&written), parts(&resolved), "{}", once);
        prop_assert_eq!(list_of(&alone), list_of(&resolved), "{}", once);
        prop_assert_eq!(parts(&alone), parts(&unknown), "{}", once);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(records.get() * 2 > cases, "{} answers had lists", records.get());
}

#[tokio::test]
async fn a_place_of_which_nothing_is_left_is_merged_like_any_other() {
    let (schema, [anyone, _]) = (bench(), callers());
    for (twice, once) in [
        (
            "nodes { conversation { id @include(if: $no) } conversation { channel @skip(if: $no) } }",
            "nodes { conversation { channel } }",
        ),
        ("nodes { id @include(if: $no) } nodes { name phone }", "nodes { name phone }"),
        ("edges { node { id @include(if: $no) } node { name } }", "edges { node { name } }"),
        ("edges { cursor @include(if: $no) } edges { node { email } }", "edges { node { email } }"),
        ("nodes { source { id @include(if: $no) } source { name } }", "nodes { source { name } }"),
        (
            "nodes { notes { id @include(if: $no) } notes { text @include(if: $no) } }",
            "nodes { notes { id @include(if: $no) } }",
        ),
    ] {
        let ask = async |fields: &str| {
            let used = "viewer { name @include(if: $no) }";
            let query = format!("query($no: Boolean!) {{ leads(first: 20) {{ {fields} }} {used} }}");
            let answer: Value = serde_json::from_str(&ask(&schema, &anyone, query).await).unwrap();
            answer["data"]["leads"].clone()
        };
        let (merged, alone) = (ask(twice).await, ask(once).await);
        assert!(alone.is_object());
        assert_eq!(merged, alone, "{twice}");
    }
}

#[tokio::test]
async fn what_most_clients_ask_is_written_whole() {
    let schema = bench();
    let query = "{ leads(first: 2, filter: {vendors: [SPELO]}) { edges { cursor node { id name status source { name } } } \
                 pageInfo { hasNextPage endCursor } incomplete sources { status error { code } source { name } } } }";
    let [anyone, _] = callers();
    let answer: Value = serde_json::from_str(&ask(&schema, &anyone, query.to_owned()).await).unwrap();
    let page = &answer["data"]["leads"];
    assert_eq!(page["edges"].as_array().unwrap().len(), 2, "{answer}");
    assert_eq!((&page["incomplete"], &page["pageInfo"]["hasNextPage"]), (&json!(true), &json!(true)));
    assert_eq!(page["edges"][1]["cursor"], page["pageInfo"]["endCursor"]);
    let broken = &page["sources"].as_array().unwrap()[0];
    assert_eq!(broken["source"]["name"], "broken");
    assert_eq!(broken["error"]["code"], "UNREACHABLE");
}

#[tokio::test]
async fn arguments_come_to_the_same_without_the_library() {
    let row =
        "{ edges { cursor node { id name createdAt } } pageInfo { hasNextPage hasPreviousPage endCursor } }";
    let (schema, [anyone, _]) = (healthy(), &callers());
    let ends = format!("{{ leads(first: 5) {row} }}");
    let ends: Value = serde_json::from_str(&ask(&schema, anyone, ends).await).unwrap();
    let cursor = &ends["data"]["leads"]["pageInfo"]["endCursor"];
    assert!(cursor.is_string(), "{ends}");
    let paging = "query($f: Int, $a: String, $l: Int, $b: String, $w: LeadFilter)";
    let all = format!("{paging} {{ leads(first: $f, after: $a, last: $l, before: $b, filter: $w) {row} }}");
    let inside = format!(
        "query($s: [LeadStatus!], $v: Vendor = SPELO, $t: DateTime, $n: Int = 3) \
         {{ leads(first: $n, filter: {{ status: $s, vendors: [$v], createdAt: {{ from: $t }} }}) {row} }}"
    );
    let several = format!(
        "query($n: Int) {{ ...A z: conversations(first: $n) {{ nodes {{ id channel startedAt }} }} __typename }} \
         fragment A on Query {{ y: interactions(first: $n) {{ nodes {{ id kind }} }} a: leads(first: 2) {row} }}"
    );
    let mut lists = 0;
    let cases = [
        (&all, json!({ "f": 7 })),
        (&all, json!({ "f": null, "a": null, "l": null, "b": null, "w": null })),
        (&all, json!({})),
        (&all, json!({ "f": 3, "a": cursor })),
        (&all, json!({ "l": 3 })),
        (&all, json!({ "l": 2, "b": cursor })),
        (&all, json!({ "f": 3, "w": {} })),
        (&all, json!({ "f": 3, "w": { "vendors": ["SPELO"], "text": null, "createdAt": {} } })),
        (&all, json!({ "f": 3, "l": 3 })),
        (&all, json!({ "f": 0 })),
        (&all, json!({ "f": 3, "a": "x" })),
        (&all, json!({ "f": 3, "w": { "status": [] } })),
        (&inside, json!({})),
        (&inside, json!({ "s": null, "t": null, "n": 4 })),
        (&inside, json!({ "s": ["NEW", "UNKNOWN"], "v": "SPELO" })),
        (&inside, json!({ "s": ["NEW"], "v": "CHATZURI" })),
        (&several, json!({ "n": 4 })),
        (&several, json!({ "n": -1 })),
    ];
    for (number, (query, variables)) in cases.into_iter().enumerate() {
        // By a name of its own each is unknown at first. What it costs to read is read before.
        let named = |name: String| query.replacen("query", &format!("query {name}"), 1);
        ask_with(&schema, anyone, named(format!("Before{number}")), variables.clone()).await;
        let query = named(format!("Case{number}"));
        let unknown = ask_with(&schema, anyone, query.clone(), variables.clone()).await;
        let known = ask_with(&schema, anyone, query.clone(), variables.clone()).await;
        assert_eq!(known, unknown, "{query} {variables}");
        lists += u32::from(!known.contains("\"errors\""));
    }
    assert!(lists >= 10, "{lists} of them were lists");
}

#[tokio::test]
async fn what_is_kept_with_a_page_is_for_those_who_may_see_it() {
    let query = "{ leads(first: 20) { nodes { id name email phone status } } }";
    let raw = "{ leads(first: 20) { nodes { raw } } }";
    let [anyone, stranger] = callers();
    // Pages are kept by the caller's name.
    let namesake = Caller { name: anyone.name.clone(), ..stranger.clone() };
    let alone = ask(&healthy(), &namesake, query.to_owned()).await;
    let schema = healthy();
    let mut whole = Vec::new();
    for _ in 0..4 {
        whole.push(ask(&schema, &anyone, query.to_owned()).await);
        ask(&schema, &anyone, raw.to_owned()).await;
    }
    whole.dedup();
    assert_eq!(whole.len(), 1);
    assert_ne!(alone, whole[0]);
    assert!(alone.contains("***"), "{alone}");
    assert_eq!(ask(&schema, &namesake, query.to_owned()).await, alone);
    assert!(ask(&schema, &stranger, raw.to_owned()).await.contains("FORBIDDEN"));
    assert_eq!(ask(&schema, &anyone, query.to_owned()).await, whole[0]);
}
