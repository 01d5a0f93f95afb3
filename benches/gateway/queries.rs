//! What is asked: fifty leads by ten fields each, in one text or in ten.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::load::Asker;

/// How many leads.
pub(crate) const LEADS: usize = 50;

/// Ten fields of a lead.
const FIELDS: &str = "id vendor vendorId name email phone status vendorStatus createdAt updatedAt";
/// The same but for one, which is asked for by a variable's value.
const FIELDS_AND_KEY: &str =
    "id vendor vendorId name email phone status createdAt updatedAt customField(key: $key) { value }";

/// The same request again and again.
#[derive(Clone)]
pub(crate) struct Same {
    body: Vec<u8>,
    is_right: fn(&Value) -> bool,
}

impl Same {
    /// A list of leads.
    pub(crate) fn list() -> Self {
        let query = format!(
            "query List($first: Int!) {{ leads(first: $first) {{ edges {{ node {{ {FIELDS} }} }} \
             pageInfo {{ hasNextPage endCursor }} incomplete }} }}"
        );
        Self::new(&query, |answer| is_whole(answer, LEADS))
    }

    /// A list of leads, each with its newest interactions and its conversation, of the vendors whose leads have them.
    pub(crate) fn nested() -> Self {
        let query = format!(
            "query Nested($first: Int!) {{ leads(first: $first, filter: {{ vendors: [SPELO, LEADSAIL] }}) {{ edges {{ node {{ {FIELDS} \
             interactions(first: 5) {{ nodes {{ id kind occurredAt summary }} incomplete }} \
             conversation {{ id channel startedAt summary }} }} }} pageInfo {{ hasNextPage endCursor }} incomplete }} }}"
        );
        Self::new(&query, |answer| {
            let rows = answer["data"]["leads"]["edges"].as_array();
            let is_full = |row: &Value| row["node"]["interactions"]["incomplete"] == false;
            let talks = |row: &&Value| row["node"]["conversation"]["id"].is_string();
            is_whole(answer, LEADS)
                && rows.is_some_and(|rows| rows.iter().all(is_full) && rows.iter().filter(talks).count() > 0)
        })
    }

    /// The newest conversation: for a connection to its vendor, before something else is measured.
    pub(crate) fn greeting() -> Self {
        let query = "query Greeting($first: Int!) { conversations(first: $first) { nodes { id } } }";
        Self::new(query, |answer| answer["data"]["conversations"]["nodes"].is_array())
    }

    fn new(query: &str, is_right: fn(&Value) -> bool) -> Self {
        let body = json!({ "query": query, "variables": { "first": LEADS } });
        Self { body: serde_json::to_vec(&body).unwrap(), is_right }
    }

    /// The same, asked of *pass-through*, which answers with what vendors said.
    pub(crate) fn unseen(&self) -> Self {
        let is_right = |answer: &Value| answer.as_array().is_some_and(|bodies| !bodies.is_empty());
        Self { body: self.body.clone(), is_right }
    }
}

impl Asker for Same {
    fn body(&self, _: u64, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.body);
    }

    fn is_right(&self, answer: &Value) -> bool {
        (self.is_right)(answer)
    }
}

/// Ten texts in turn, and never the same variables: no answer as a whole is one that was given before.
#[derive(Clone)]
pub(crate) struct EverNew {
    /// Each as JSON up to where the variable's value goes on.
    bodies: Vec<Vec<u8>>,
}

impl EverNew {
    pub(crate) fn lists() -> Self {
        let bodies = texts().into_iter().map(|query| {
            let body = json!({ "query": query, "variables": { "first": LEADS, "yes": true, "key": "" } });
            // Members are in the order of their names, so the variables come last, and in them this one once it is renamed.
            let text = body.to_string();
            let (before, after) = text.split_once("\"key\":\"\"").unwrap();
            format!("{}{},\"key\":\"k", before.trim_end_matches(','), after.trim_end_matches('}'))
                .into_bytes()
        });
        Self { bodies: bodies.collect() }
    }

    /// How many texts.
    pub(crate) fn texts(&self) -> u64 {
        self.bodies.len() as u64
    }
}

impl Asker for EverNew {
    fn body(&self, number: u64, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.bodies[number as usize % self.bodies.len()]);
        write!(into, "{number}\"}}}}").unwrap();
    }

    fn is_right(&self, answer: &Value) -> bool {
        is_whole(answer, LEADS)
    }
}

/// Ten ways to say it: bare, by edges or nodes, by fragments of either kind, nested ones, other names, directives.
fn texts() -> Vec<String> {
    let page = "pageInfo { hasNextPage endCursor } incomplete";
    let head = |name: &str| format!("query {name}($first: Int!, $key: String!)");
    let asking = |name: &str| format!("query {name}($first: Int!, $key: String!, $yes: Boolean!)");
    let f = FIELDS_AND_KEY;
    vec![
        format!("{} {{ leads(first: $first) {{ edges {{ node {{ {f} }} }} {page} }} }}", head("Edges")),
        format!("{} {{ leads(first: $first) {{ nodes {{ {f} }} {page} }} }}", head("Nodes")),
        format!(
            "{} {{ leads(first: $first) {{ edges {{ node {{ ...Row }} }} {page} }} }} fragment Row on Lead {{ {f} }}",
            head("Fragment")
        ),
        format!(
            "{} {{ leads(first: $first) {{ nodes {{ ... on Lead {{ {f} }} }} {page} }} }}",
            head("Inline")
        ),
        format!(
            "{} {{ leads(first: $first) {{ nodes {{ ...Row }} {page} }} }} \
             fragment Row on Lead {{ id vendor vendorId status createdAt updatedAt ...Person }} \
             fragment Person on Lead {{ name email phone customField(key: $key) {{ value }} }}",
            head("Nested")
        ),
        format!(
            "{} {{ list: leads(first: $first) {{ edges {{ node {{ key: id who: name mail: email tel: phone \
             vendor vendorId status at: createdAt changed: updatedAt field: customField(key: $key) {{ value }} }} }} {page} }} }}",
            head("Aliases")
        ),
        format!(
            "{} {{ leads(first: $first) {{ nodes {{ id vendor vendorId name email @include(if: $yes) phone status \
             createdAt @skip(if: false) updatedAt customField(key: $key) {{ value }} }} {page} }} }}",
            asking("Directives")
        ),
        format!(
            "{} {{ leads(first: $first) {{ edges {{ node {{ id }} node {{ {f} }} }} {page} }} }}",
            head("Twice")
        ),
        format!(
            "{} {{ leads(first: $first) {{ edges {{ node {{ {f} }} }} {page} sources {{ source {{ name }} status }} }} }}",
            head("Reports")
        ),
        format!(
            "{} {{ __typename leads(first: $first) {{ __typename nodes {{ __typename {f} }} {page} }} }}",
            head("Typed")
        ),
    ]
}

/// Whether an answer has all the leads it should, by whichever names it was asked for them, and nothing is missing.
fn is_whole(answer: &Value, leads: usize) -> bool {
    let data = &answer["data"];
    let list = if data["list"].is_null() { &data["leads"] } else { &data["list"] };
    let rows = if list["nodes"].is_null() { &list["edges"] } else { &list["nodes"] };
    let row = |row: &Value| if row["node"].is_null() { row.clone() } else { row["node"].clone() };
    let is_full = |row: Value| row.as_object().is_some_and(|row| row.len() >= 10 && !row["vendor"].is_null());
    answer.get("errors").is_none()
        && list["incomplete"] == false
        && list["pageInfo"]["endCursor"].is_string()
        && rows.as_array().is_some_and(|rows| rows.len() == leads && rows.iter().map(row).all(is_full))
}
