//! Who gets what: each field of the schema, for each role, on each way that leads to it.
//!
//! Generated from the schema, so that a field that nobody has thought about fails here.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that panics has failed, which is what it is for"
)]

mod source;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use leadgraph::events::Log;
use leadgraph::gather::Gather;
use leadgraph::gather::settings::Settings;
use leadgraph::graphql::{self, Opened, Request, Schema, execute, open};
use leadgraph::model::caller::Scope::{
    self, Admin, EventsRead, LeadsRead, LeadsWrite, PiiRead, RawRead, RecordingsRead,
};
use leadgraph::model::caller::{Caller, Visible};
use leadgraph::model::cx::{Cx, Meter};
use leadgraph::model::id::SourceId;
use leadgraph::source::Source;
use serde_json::Value;

use self::source::{CANARIES, Full, Talking};
use self::table::{ARGUMENTS, Class, FIELDS, OPEN_WAYS, STEPS, WAYS};

/// Who asks.
const ROLES: &[&[Scope]] = &[
    &[],
    &[LeadsRead],
    &[LeadsRead, PiiRead],
    &[LeadsRead, RawRead],
    &[LeadsRead, RawRead, PiiRead],
    &[LeadsRead, RecordingsRead],
    &[PiiRead, RawRead, RecordingsRead],
    &[EventsRead, Admin],
    &[LeadsRead, LeadsWrite, EventsRead, Admin],
    &Scope::ALL,
];

/// Nothing ages while all of it is asked, and links are made for all of it.
fn settled() -> Settings {
    let long = Duration::from_secs(3_600);
    Settings {
        list_ttl: long,
        lead_ttl: long,
        conversation_ttl: long,
        interaction_ttl: long,
        links_per_second: 1_000,
        ..Settings::default()
    }
}

/// A gateway over one full source that lists conversations, and one that keeps histories.
struct Bench {
    schema: Schema,
    log: Log,
    ids: [(&'static str, String); 3],
}

impl Bench {
    async fn new() -> Self {
        let full = |name: &str| Full(SourceId::new(name).unwrap());
        let sources: Vec<Arc<dyn Source>> =
            vec![Arc::new(full("histories")), Arc::new(Talking(full("talks")))];
        let log = Log::default();
        let settings = graphql::Settings { max_upstream_calls: 10_000, ..graphql::Settings::default() };
        let schema = graphql::schema(Gather::new(settled(), sources), log.clone(), settings);
        let mut bench = Self { schema, log, ids: Default::default() };
        let (ids, _) = bench
            .ask(
                &Scope::ALL,
                "{ leads { nodes { id interactions { nodes { id } } conversation { id } } } conversations { nodes { id } } }",
            )
            .await;
        let id = |pointer: &str| ids.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        bench.ids = [
            ("LEAD", id("/data/leads/nodes/0/id")),
            ("TALK", id("/data/leads/nodes/0/conversation/id")),
            ("TOUCH", id("/data/leads/nodes/0/interactions/nodes/0/id")),
        ];
        bench
    }

    /// Asks, and tells how many calls that cost.
    async fn ask(&self, scopes: &[Scope], query: &str) -> (Value, u32) {
        let caller = Caller {
            name: "someone".into(),
            scopes: scopes.iter().copied().collect(),
            sources: Visible::All,
        };
        let cx = Cx {
            deadline: tokio::time::Instant::now() + Duration::from_secs(30),
            now: Timestamp::from_second(1_790_000_100).unwrap(),
            request_id: Arc::from("req-1"),
            caller,
            meter: Meter::default(),
            background: false,
            anew: false,
        };
        let meter = cx.meter.clone();
        let named = |query: String, (word, id): &(&str, String)| query.replace(word, id);
        let query = self.ids.iter().fold(query.to_owned(), named);
        let subscribes = query.starts_with("subscription");
        let request = Request { query, ..Request::default() };
        let answer = if subscribes {
            match open(&self.schema, cx, request).await {
                Opened::Once(answer) => answer,
                Opened::Each(mut answers) => {
                    self.log.publish(Full(SourceId::new("histories").unwrap()).event());
                    answers.next().await.unwrap()
                }
            }
        } else {
            execute(&self.schema, cx, request).await
        };
        (serde_json::to_value(answer).unwrap(), meter.calls())
    }
}

fn code(answer: &Value) -> Option<&str> {
    answer.pointer("/errors/0/extensions/code")?.as_str()
}

fn canary(answer: &Value) -> bool {
    let text = answer.to_string().to_lowercase();
    CANARIES.iter().any(|canary| text.contains(canary))
}

fn class(on: &str, field: &str) -> Option<Class> {
    let of = |(name, _, fields): &&(&str, Class, &str)| {
        *name == on && fields.split_whitespace().any(|one| one == field)
    };
    FIELDS.iter().find(of).map(|(_, class, _)| *class)
}

/// Every object type of the schema, with its fields and whether each is a leaf.
async fn schema(bench: &Bench) -> BTreeMap<String, Vec<(String, bool)>> {
    let query = "{ __schema { types { name kind fields(includeDeprecated: true) { name type { ...T } } } } } \
                 fragment T on __Type { kind ofType { kind ofType { kind ofType { kind } } } }";
    let (answer, _) = bench.ask(&Scope::ALL, query).await;
    let types = answer["data"]["__schema"]["types"].as_array().unwrap().iter();
    let objects =
        types.filter(|one| one["kind"] == "OBJECT" && !one["name"].as_str().unwrap().starts_with("__"));
    let leaf = |of: &Value| {
        let mut of = of;
        while !of["ofType"].is_null() {
            of = &of["ofType"];
        }
        of["kind"] != "OBJECT" && of["kind"] != "INTERFACE"
    };
    let fields = |one: &Value| {
        let fields = one["fields"].as_array().unwrap().iter();
        fields.map(|field| (field["name"].as_str().unwrap().to_owned(), leaf(&field["type"]))).collect()
    };
    objects.map(|one| (one["name"].as_str().unwrap().to_owned(), fields(one))).collect()
}

fn with_arguments(on: &str, field: &str) -> String {
    let arguments = ARGUMENTS.iter().find(|(name, _)| *name == format!("{on}.{field}"));
    format!("{field}{}", arguments.map_or("", |(_, arguments)| arguments))
}

/// All ways to a type, each with the scopes it takes by itself.
fn ways(on: &str) -> Vec<(String, Vec<Scope>)> {
    let mut ways: Vec<_> =
        OPEN_WAYS.iter().filter(|(to, _)| *to == on).map(|(_, way)| ((*way).to_owned(), vec![])).collect();
    for (_, direct) in WAYS.iter().filter(|(to, _)| *to == on) {
        ways.extend(direct.iter().map(|way| ((*way).to_owned(), vec![LeadsRead])));
    }
    for (_, from, field) in STEPS.iter().filter(|(to, ..)| *to == on) {
        let needs = class(from, field).unwrap().needs();
        let step = format!("{} {{ % }}", with_arguments(from, field));
        // What matters of a step is where it is taken, not all that led there.
        for (way, mut taken) in self::ways(from).into_iter().take(3) {
            taken.extend(needs);
            ways.push((way.replace('%', &step), taken));
        }
    }
    ways
}

#[tokio::test]
async fn every_field_is_expected_and_every_expectation_is_a_field() {
    let schema = schema(&Bench::new().await).await;
    for (on, fields) in &schema {
        assert!(!ways(on).is_empty(), "no way to {on} is tried");
        for (field, _) in fields {
            assert!(class(on, field).is_some(), "{on}.{field} is not in the table: who may have it?");
        }
    }
    for (on, _, fields) in FIELDS {
        for field in fields.split_whitespace() {
            assert!(schema[*on].iter().any(|(known, _)| known == field), "there is no {on}.{field}");
        }
    }
}

#[tokio::test]
async fn each_field_is_given_to_each_role_on_each_way_as_the_table_says() {
    let bench = Bench::new().await;
    let mut tried = 0;
    let mut canaries = BTreeMap::new();
    for (on, fields) in schema(&bench).await {
        for (way, taken) in ways(&on) {
            for (field, leaf) in &fields {
                let class = class(&on, field).unwrap();
                let below = if *leaf { "" } else { " { __typename }" };
                let query = way.replace('%', &format!("x: {}{below}", with_arguments(&on, field)));
                let (whole, _) = bench.ask(&Scope::ALL, &query).await;
                assert!(code(&whole).is_none(), "{query}\n{whole}");
                let personal = *leaf && matches!(class, Class::Personal | Class::Raw);
                if personal {
                    // A way may lead to a record that has nothing there; not all of them do.
                    let seen = canaries.entry(format!("{on}.{field}")).or_insert(false);
                    *seen |= canary(&whole);
                }
                for role in ROLES {
                    tried += 1;
                    let may = taken.iter().chain(class.needs()).all(|scope| role.contains(scope));
                    let (answer, calls) = bench.ask(role, &query).await;
                    assert!(role.contains(&PiiRead) || !canary(&answer), "{role:?} {query}\n{answer}");
                    if !may {
                        assert_eq!(code(&answer), Some("FORBIDDEN"), "{role:?} {query}\n{answer}");
                        assert!(answer.get("data").is_none() && calls == 0, "{role:?} {query}\n{answer}");
                        continue;
                    }
                    assert!(code(&answer).is_none(), "{role:?} {query}\n{answer}");
                    let masked = canary(&whole) && class == Class::Personal && !role.contains(&PiiRead);
                    let viewer = on == "Viewer"
                        || field == "upstreamCalls"
                        || field == "receivedAt"
                        || field.ends_with("Cursor")
                        || field == "cursor";
                    assert!(viewer || masked == (answer != whole), "{role:?} {query}\n{answer}\n{whole}");
                    // What is there is there, masked or not.
                    assert!(viewer || shape(&answer) == shape(&whole), "{role:?} {query}\n{answer}\n{whole}");
                }
            }
        }
    }
    assert!(canaries.values().all(|seen| *seen), "nothing personal was there to be masked: {canaries:?}");
    assert!(tried > 4_000, "{tried}");
}

#[tokio::test]
async fn what_a_variables_default_leaves_out_is_left_out_and_not_asked_for() {
    let bench = Bench::new().await;
    for text in [
        "query($s: Boolean = true) { leads { nodes { id raw @skip(if: $s) } } }",
        "query($s: Boolean! = false) { leads { nodes { id ... @include(if: $s) { raw } } } }",
    ] {
        let (answer, _) = bench.ask(&[LeadsRead], text).await;
        assert_eq!((code(&answer), canary(&answer)), (None, false), "{answer}");
        assert!(answer["data"]["leads"]["nodes"][0]["id"].is_string(), "{answer}");
        assert!(answer["data"]["leads"]["nodes"][0].get("raw").is_none(), "{answer}");
    }
    let shown = "query($s: Boolean = false) { leads { nodes { id raw @skip(if: $s) } } }";
    assert_eq!(code(&bench.ask(&[LeadsRead], shown).await.0), Some("FORBIDDEN"));
}

#[tokio::test]
async fn two_fields_of_one_name_hide_neither() {
    let bench = Bench::new().await;
    for text in [
        "{ leads { nodes { x: status x: raw } } }",
        "{ leads { nodes { ...A ...B } } } fragment A on Lead { x: vendorId } fragment B on Lead { x: raw }",
    ] {
        let (answer, calls) = bench.ask(&[LeadsRead], text).await;
        assert_eq!((code(&answer), calls), (Some("FORBIDDEN"), 0), "{answer}");
    }
}

#[tokio::test]
async fn filters_that_find_people_are_not_for_those_who_may_not_read_of_them() {
    let bench = Bench::new().await;
    for (list, member) in
        [("leads", "email"), ("leads", "phone"), ("leads", "text"), ("conversations", "text")]
    {
        let written = format!("{{ {list}(filter: {{ {member}: \"canary\" }}) {{ nodes {{ id }} }} }}");
        let defaulted = format!(
            "query($v: String = \"canary\") {{ {list}(filter: {{ {member}: $v }}) {{ nodes {{ id }} }} }}"
        );
        for text in [written, defaulted] {
            let (answer, calls) = bench.ask(&[LeadsRead], &text).await;
            assert_eq!((code(&answer), calls), (Some("FORBIDDEN"), 0), "{answer}");
            assert!(answer["data"][list].is_null() && !canary(&answer), "{answer}");
            let (answer, _) = bench.ask(&[LeadsRead, PiiRead], &text).await;
            assert_eq!(code(&answer), None, "{answer}");
        }
    }
}

/// An answer without its values, but for what is null.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Null => Value::Null,
        _ => Value::Bool(true),
    }
}
