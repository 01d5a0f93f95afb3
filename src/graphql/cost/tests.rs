use std::time::Duration;

use async_graphql::Variables;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::DocumentOperations;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::gather::prices::{History, Lookup, Price};
use crate::graphql::scalars::id::{GlobalId, of};
use crate::model::id::{EntityKind, Key, NativeId, SourceId, Vendor};

/// Leads name their conversations, which a list cuts short; everything can be read by id.
const TALKS: Price = Price {
    leads: 1,
    conversations: 1,
    interactions: 1,
    lead: Lookup::Id,
    conversation: Lookup::Id,
    interaction: Lookup::Id,
    history: History::Linked,
    links: true,
    told: false,
    scouts: true,
    cuts: true,
    recordings: true,
    update: 3,
    review: 0,
};
/// Lists by page number, nothing by id.
const PAGES: Price = Price {
    leads: 3,
    conversations: 3,
    interactions: 3,
    lead: Lookup::Day,
    conversation: Lookup::Day,
    interaction: Lookup::Day,
    history: History::None,
    links: false,
    told: false,
    scouts: false,
    cuts: false,
    recordings: false,
    update: 0,
    review: 0,
};
/// Interactions lead by lead, and no conversations.
const CALLS: Price = Price {
    leads: 1,
    conversations: 0,
    interactions: 26,
    lead: Lookup::Id,
    conversation: Lookup::Id,
    interaction: Lookup::Id,
    history: History::PerLead,
    links: false,
    told: false,
    scouts: false,
    cuts: false,
    recordings: true,
    update: 3,
    review: 3,
};

const SOURCES: [(&str, Vendor, Price); 3] =
    [("talks", Vendor::Spelo, TALKS), ("pages", Vendor::Chatzuri, PAGES), ("calls", Vendor::LeadSail, CALLS)];

fn prices(of: &SourceFilter) -> Prices {
    let allowed = SOURCES.iter().filter(|(name, vendor, _)| {
        of.sources.as_ref().is_none_or(|ids| ids.iter().any(|id| id.as_str() == *name))
            && of.vendors.as_ref().is_none_or(|vendors| vendors.contains(vendor))
    });
    Prices { each: allowed.map(|(.., price)| price.clone()).collect(), backward: 20 }
}

fn cost_with(query: &str, variables: Value) -> Cost {
    let document = parse_query(query).unwrap_or_else(|error| panic!("{error}: {query}"));
    let operation = match &document.operations {
        DocumentOperations::Single(operation) => operation,
        DocumentOperations::Multiple(operations) => operations.values().next().unwrap(),
    };
    let variables = Variables::from_json(variables);
    let started = Instant::now();
    let given = Given::new(&operation.node, &variables);
    let cost = Cost::of(&document, &operation.node, &given, &prices);
    // A few milliseconds at most, in a debug build; the rest is for machines that are busy.
    assert!(started.elapsed() < Duration::from_millis(250), "{:?}: {query}", started.elapsed());
    cost
}

fn calls(query: &str) -> u32 {
    cost_with(query, Value::Null).calls
}

fn id(kind: EntityKind, source: &str, native: &str) -> String {
    let source = SourceId::new(source).unwrap();
    of(kind, &Key { source, native: NativeId::new(native).unwrap(), day: None }).0
}

#[test]
fn lists_cost_a_page_of_each_source_that_the_filter_allows() {
    let talks = GlobalId::Source(SourceId::new("talks").unwrap()).encode().0;
    let table = [
        ("leads { nodes { name source { name } } }", 5),
        ("leads(first: 100) { edges { node { name } } sources { status } pageInfo { endCursor } }", 5),
        ("leads(filter: { vendors: [SPELO, CHATZURI] }) { nodes { id } }", 4),
        ("leads(filter: { vendors: LEADSAIL }) { nodes { id } }", 1),
        (&format!("leads(filter: {{ sources: [\"{talks}\"] }}) {{ incomplete }}"), 1),
        ("leads(filter: { vendors: [NOBODY] }) { incomplete }", 0),
        ("conversations { nodes { preview } }", 4),
        ("conversations(filter: { vendors: [LEADSAIL] }) { nodes { preview } }", 0),
        ("interactions { nodes { kind } }", 30),
        ("leads(last: 10) { nodes { id } }", 25),
        ("leads(last: 10, before: \"x\") { nodes { id } }", 5),
        ("sources { name health { state } } viewer { name } __typename", 0),
        ("__schema { types { name fields { name } } }", 0),
    ];
    for (fields, expected) in table {
        assert_eq!(calls(&format!("{{ {fields} }}")), expected, "{fields}");
    }
}

#[test]
fn what_is_below_a_list_costs_as_much_as_at_the_dearest_source() {
    let table = [
        // Of each lead: one call for its history.
        ("leads(first: 50, filter: { vendors: [LEADSAIL] }) { nodes { interactions { nodes { id } } } }", 51),
        (
            "leads(first: 100, filter: { vendors: [LEADSAIL] }) { nodes { interactions { nodes { id } } } }",
            101,
        ),
        ("leads(first: 50) { edges { node { interactions { nodes { id } } } } }", 55),
        ("leads { nodes { interactions { incomplete } } }", 30),
        // The vendors whose leads are asked are not those that answer by the lead.
        ("leads { nodes { interactions(filter: { vendors: [SPELO] }) { incomplete } } }", 8),
        ("leads(first: 100, filter: { vendors: [CHATZURI] }) { nodes { interactions { nodes { id } } } }", 3),
        // A look through a list finds the conversations; most of the transcripts are cut.
        ("leads(first: 50) { nodes { conversation { preview } } }", 11),
        ("leads(first: 50) { nodes { conversation { transcript { text } } } }", 51),
        (
            "leads(first: 2, filter: { vendors: [SPELO] }) { nodes { conversation { transcript { text } } } }",
            3,
        ),
        ("leads(first: 50, filter: { vendors: [SPELO] }) { nodes { interactions { nodes { id } } } }", 7),
        (
            "leads(first: 50, filter: { vendors: [SPELO] }) { nodes { conversation { id } \
             interactions { nodes { id } } } }",
            7,
        ),
        ("conversations(first: 10) { nodes { transcript(last: 3) { text } } }", 12),
        (
            "conversations(first: 10) { nodes { a: transcript { text } b: transcript { text } toolCalls { name } } }",
            12,
        ),
        (
            "conversations(first: 30, filter: { vendors: [CHATZURI] }) { nodes { transcript { text } lead { id } } }",
            3,
        ),
        ("conversations(first: 30, filter: { vendors: [SPELO] }) { nodes { lead { name } } }", 31),
        ("conversations(first: 5) { nodes { recording { mimeType } } }", 4),
        ("conversations(first: 5) { nodes { recording { link { url } } } }", 9),
        // A lead's interactions belong to that lead.
        (
            "leads(first: 3, filter: { vendors: [LEADSAIL] }) { nodes { interactions(first: 100) { nodes { \
             lead { name } transcript { text } conversation { transcript { text } } } } } }",
            7,
        ),
        (
            "leads(first: 2, filter: { vendors: [LEADSAIL] }) { nodes { interactions(first: 10) { nodes { \
             call { recording { link { url } } } } } } }",
            23,
        ),
        (
            "leads(first: 1) { nodes { interactions(first: 10) { nodes { lead { interactions { incomplete } } } } } }",
            8,
        ),
    ];
    for (fields, expected) in table {
        assert_eq!(calls(&format!("{{ {fields} }}")), expected, "{fields}");
    }
}

#[test]
fn records_by_id_cost_a_read_each_once() {
    let [talk, page] = ["talks", "pages"].map(|source| id(EntityKind::Lead, source, "1"));
    let conversation = id(EntityKind::Conversation, "talks", "c");
    let call = id(EntityKind::Lead, "calls", "1");
    let nodes = |ids: &[&str]| {
        let ids = json!({ "ids": ids });
        cost_with(
            "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Lead { interactions { incomplete } } \
             ... on Conversation { transcript { text } } } }",
            ids,
        )
        .calls
    };
    assert_eq!(
        calls(&format!("{{ lead(id: \"{talk}\") {{ name conversation {{ transcript {{ text }} }} }} }}")),
        2
    );
    assert_eq!(calls(&format!("{{ lead(id: \"{page}\") {{ name }} }}")), 3);
    assert_eq!(calls(&format!("{{ lead(id: \"{conversation}\") {{ name }} node(id: \"x\") {{ id }} }}")), 0);
    assert_eq!(
        calls(&format!("{{ node(id: \"{call}\") {{ ... on Lead {{ interactions {{ incomplete }} }} }} }}")),
        2
    );
    assert_eq!(nodes(&[&conversation]), 1, "whole, so its transcript is there");
    assert_eq!(nodes(&[&call, &call, "x", &conversation]), 3);
    let many: Vec<String> = (0..100).map(|n| id(EntityKind::Lead, "pages", &n.to_string())).collect();
    assert_eq!(nodes(&many.iter().map(String::as_str).collect::<Vec<_>>()), 300);
}

#[test]
fn interactions_of_given_leads_cost_what_each_lead_costs() {
    let leads = ["talks", "pages", "calls", "calls"].map(|source| id(EntityKind::Lead, source, "1"));
    let other = id(EntityKind::Lead, "calls", "2");
    let query = "query($of: [ID!]) { interactions(filter: { leads: $of }) { nodes { id } } }";
    assert_eq!(cost_with(query, json!({ "of": leads })).calls, 3);
    assert_eq!(cost_with(query, json!({ "of": [leads[2], other] })).calls, 2);
    assert_eq!(cost_with(query, Value::Null).calls, 30);
}

#[test]
fn variables_defaults_and_directives_count_as_in_execution() {
    let query = "query($n: Int = 40, $all: Boolean! = false, $filter: LeadFilter) { leads(first: $n, filter: $filter) \
                 { nodes { interactions @skip(if: $all) { incomplete } } } sources @include(if: false) { id } }";
    let table = [
        (Value::Null, 45),
        (json!({ "n": 7 }), 12),
        (json!({ "n": null }), 30),
        (json!({ "n": 5000 }), 105),
        (json!({ "n": -3 }), 6),
        (json!({ "n": "many" }), 30),
        (json!({ "all": true }), 5),
        (json!({ "filter": { "vendors": ["LEADSAIL"] } }), 41),
        (json!({ "filter": { "vendors": "SPELO" }, "n": 2 }), 3),
        (json!({ "filter": { "vendors": "SPELO", "typo": 1 }, "n": 2 }), 3),
        (json!({ "filter": 3 }), 0),
    ];
    for (variables, expected) in table {
        assert_eq!(cost_with(query, variables.clone()).calls, expected, "{variables}");
    }
    let query = "query($no: Boolean!) { ... @include(if: $no) { leads { incomplete } } ...F @skip(if: $no) } \
                 fragment F on Query { conversations { incomplete } }";
    assert_eq!(cost_with(query, json!({ "no": true })).calls, 5);
    assert_eq!(cost_with(query, json!({ "no": false })).calls, 4);
}

#[test]
fn what_fragments_select_alike_counts_once_and_aliases_add_up() {
    let query = "{ leads(first: 30) { nodes { ...A ...B ... on Lead { ...A } ... on Conversation { ...C } } } ...D } \
                 fragment A on Lead { interactions { incomplete } } \
                 fragment B on Node { ... on Lead { interactions { nodes { id } } } } \
                 fragment C on Conversation { recording { link { url } } } \
                 fragment D on Query { leads(first: 30) { nodes { name } } }";
    assert_eq!(calls(query), 35);
    let query = "{ a: leads { incomplete } b: leads(first: 9) { nodes { x: interactions { incomplete } \
                 y: interactions(first: 3) { incomplete } } } }";
    assert_eq!(calls(query), 5 + 5 + 18);
}

#[test]
fn the_dearest_field_is_named_with_its_place_and_what_to_do() {
    let cost = cost_with("{\n leads(first: 100) { nodes {\n  interactions { incomplete } } } }", Value::Null);
    let most = cost.most.clone().unwrap();
    assert_eq!((most.field, most.calls, most.pos.line, most.pos.column), ("Lead.interactions", 100, 3, 3));
    assert_eq!(
        cost.message(60),
        "This operation takes up to 105 calls to vendors, of which 60 are allowed. Nothing was read. \
         `Lead.interactions` costs most (100): ask for fewer records at once (a smaller `first`) and page through them."
    );
    let backward = cost_with("{ leads(last: 3) { incomplete } }", Value::Null);
    assert!(backward.message(9).contains("`first` and `after`"), "{}", backward.message(9));
}

/// Fragments that each select the next one twice.
fn bomb(levels: usize, twice: impl Fn(usize) -> String) -> String {
    let fragments: String =
        (0..levels).map(|n| format!("fragment F{n} on Lead {{ id {} }} ", twice(n + 1))).collect();
    format!("{{ leads(first: 1) {{ nodes {{ ...F0 }} }} }} {fragments} fragment F{levels} on Lead {{ name }}")
}

#[test]
fn hostile_documents_are_reckoned_quickly() {
    assert_eq!(calls(&bomb(30, |n| format!("...F{n} ... on Lead {{ ...F{n} }}"))), 5);
    // Each level is one more call, as far as the schema lets documents be deep.
    let deep = "conversation { lead { ";
    let twice = |n: usize| format!("a: {deep} ...F{n} }} }} b: {deep} ...F{n} }} }}");
    assert!(calls(&bomb(30, twice)) > 500);
    let wide = |n: usize| {
        format!("interactions(first: 100) {{ nodes {{ lead {{ conversation {{ id }} ...F{n} }} }} }}")
    };
    assert!(calls(&bomb(40, wide)) < u32::MAX);
    let cycle = "{ leads { nodes { ...A } } } fragment A on Lead { conversation { lead { ...B } } } \
                 fragment B on Lead { ...A ...B x: conversation { lead { ...A } } }";
    assert!(calls(cycle) > 0);
    let aliases: String =
        (0..3_000).map(|n| format!("a{n}: leads {{ nodes {{ interactions {{ incomplete }} }} }} ")).collect();
    assert_eq!(calls(&format!("{{ {aliases} }}")), u32::MAX);
    let chain: String = (0..2_000).map(|n| format!("fragment F{n} on Query {{ ...F{} }} ", n + 1)).collect();
    assert_eq!(calls(&format!("{{ ...F0 }} {chain}")), 0);
}

#[test]
fn what_does_not_fit_the_schema_costs_nothing() {
    for query in [
        "{ lead { name } nope { leads } nodes }",
        "{ leads: sources { id } ...Missing }",
        "mutation { leads { id } }",
    ] {
        assert_eq!(calls(query), 0, "{query}");
    }
}

#[test]
fn a_change_costs_its_write_the_looks_around_it_and_what_is_selected_of_the_lead() {
    let lead = |source: &str| {
        let key =
            Key { source: SourceId::new(source).unwrap(), native: NativeId::new("l1").unwrap(), day: None };
        of(EntityKind::Lead, &key).to_string()
    };
    let update = |source: &str, below: &str| {
        let id = lead(source);
        let text = format!(
            "mutation($id: ID!) {{ updateLead(input: {{id: $id, status: NEW}}) {{ outcome {below} }} }}"
        );
        cost_with(&text, json!({ "id": id }))
    };
    assert_eq!(update("talks", "").calls, 3);
    assert_eq!(update("talks", "lead { conversation { id } }").calls, 4);
    assert_eq!(update("calls", "lead { interactions(first: 5) { nodes { id } } }").calls, 4);
    assert_eq!(update("pages", "").calls, 0, "it has no such write");
    let (one, other) = (lead("talks"), lead("calls"));
    let text = format!(
        "mutation {{ a: updateLead(input: {{id: \"{one}\", notes: \"n\"}}) {{ outcome }} \
           b: reviewLead(input: {{id: \"{other}\", decision: APPROVE}}) {{ outcome }} \
           c: reviewLead(input: {{id: \"{one}\", decision: APPROVE}}) {{ outcome }} }}"
    );
    let cost = cost_with(&text, Value::Null);
    assert_eq!((cost.calls, cost.writes), (6, 3));
    assert_eq!(cost.most.map(|most| most.field), Some("Mutation.updateLead"));
}

#[test]
fn event_is_reckoned_by_the_record_it_may_hold_where_that_costs_most() {
    let check = |query: &str, calls: u32| assert_eq!(cost_with(query, Value::Null).calls, calls, "{query}");
    check("subscription { events { cursor type source { name } lead { name } } }", 0);
    check("subscription { events { lead { interactions(first: 5) { nodes { id } } } } }", 1);
    check("subscription { events { lead { conversation { preview } } } }", 1);
    check("subscription { events { conversation { transcript { text } } } }", 1);
    check(
        "subscription { events(filter: { vendors: [CHATZURI] }) { lead { interactions { nodes { id } } } } }",
        0,
    );
    check("subscription { events { interaction { lead { interactions { nodes { lead { name } } } } } } }", 3);
}
