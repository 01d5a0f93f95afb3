use async_graphql::parser::parse_query;
use serde_json::{Value, json};

use super::*;

fn nodes_with(query: &str, variables: Value) -> Nodes {
    let document = parse_query(query).unwrap();
    let operation = document.operations.iter().next().unwrap().1;
    let variables = Variables::from_json(variables);
    Nodes::of(&document, &operation.node, &Given::new(&operation.node, &variables))
}

fn count(query: &str) -> u32 {
    nodes_with(query, Value::Null).count
}

#[test]
fn lists_count_as_long_as_they_are_asked_for() {
    // The connection, its records, and ten values of each.
    let ten = "id name email phone status createdAt updatedAt vendorId vendorStatus phoneE164";
    assert_eq!(count(&format!("{{ leads(first: 50) {{ nodes {{ {ten} }} }} }}")), 1 + 50 + 50);
    assert_eq!(count(&format!("{{ leads(last: 7) {{ edges {{ node {{ {ten} }} }} }} }}")), 1 + 7 + 7 + 7);
    assert_eq!(count(&format!("{{ leads {{ nodes {{ {ten} }} }} }}")), 1 + 25 + 25);
    assert_eq!(count(&format!("{{ leads(first: 1000000) {{ nodes {{ {ten} }} }} }}")), 1 + 100 + 100);
    assert_eq!(count("{ nodes(ids: [\"a\", \"b\", \"c\"]) { id ... on Lead { name } } }"), 4);
}

#[test]
fn lists_multiply_what_is_below_them() {
    let query = "{ leads(first: 100) { nodes { interactions(first: 100) { nodes { id } } } } }";
    // Leads, their connections, their interactions, and a tenth of the ids.
    assert_eq!(count(query), 1 + 100 + 100 + 10_000 + 1_000);
    let most = nodes_with(query, Value::Null).most;
    assert_eq!(most, Some(("leads".to_owned(), Pos { line: 1, column: 3 })));
}

#[test]
fn variables_and_their_defaults_count() {
    let query = "query($n: Int = 100, $with: Boolean! = true) { leads(first: $n) { nodes { source @include(if: $with) { id } } } }";
    assert_eq!(count(query), 1 + 100 + 100 + 10);
    assert_eq!(nodes_with(query, json!({ "n": 10 })).count, 1 + 10 + 10 + 1);
    assert_eq!(nodes_with(query, json!({ "n": 10, "with": false })).count, 1 + 10);
}

#[test]
fn fragments_count_at_every_spread() {
    let query = "{ leads(first: 10) { nodes { ...F ... on Lead { ...F } ...F } } } fragment F on Lead { source { id } }";
    assert_eq!(count(query), 1 + 10 + 30 + 3);
}

#[test]
fn a_field_that_there_is_not_counts_as_a_value() {
    assert_eq!(count("{ leads(first: 100) { nodes { shoes { left { lace } } } } }"), 1 + 100 + 10);
}

#[test]
fn the_standard_introspection_passes_and_two_and_a_half_do_not() {
    let once = nodes_with(STANDARD, Value::Null);
    assert!(matches!(once.introspection, Some((_, false))), "{once:?}");
    assert_eq!(once.count, 0, "it is reckoned apart");
    let times = |times: usize| {
        let more: String =
            (0..times).map(|n| format!("a{n}: __schema {{ types {{ ...FullType }} }} ")).collect();
        nodes_with(&STANDARD.replace("  __schema {", &format!("{more} __schema {{")), Value::Null)
    };
    assert!(matches!(times(2).introspection, Some((_, true))));
}

#[test]
fn introspection_in_circles_is_too_much() {
    let nested = (0..6).fold("name".to_owned(), |inner, _| format!("fields {{ type {{ {inner} }} }}"));
    let circle = format!("{{ __schema {{ types {{ {nested} }} }} }}");
    assert!(matches!(nodes_with(&circle, Value::Null).introspection, Some((_, true))));
    let one = format!("{{ ...F }} fragment F on Query {{ __type(name: \"Lead\") {{ {nested} }} }}");
    assert!(nodes_with(&one, Value::Null).introspection.is_some(), "fragments are looked into");
    let plain = nodes_with("{ __type(name: \"Lead\") { fields { name type { name } } } }", Value::Null);
    assert!(matches!(plain.introspection, Some((_, false))));
    assert_eq!(nodes_with("{ __typename }", Value::Null).introspection, None);
}
