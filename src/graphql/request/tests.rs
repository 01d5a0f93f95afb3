mod known;

use std::sync::Arc;

use async_graphql::{EmptyMutation, EmptySubscription, Object};
use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::graphql::{Audience, Settings};
use crate::model::caller::Caller;
use crate::model::cx::Meter;

fn cx() -> Cx {
    Cx {
        deadline: Instant::now() + Duration::from_secs(5),
        now: jiff::Timestamp::UNIX_EPOCH,
        request_id: Arc::from("req-1"),
        caller: Caller::anonymous(),
        meter: Meter::default(),
        background: false,
        anew: false,
    }
}

fn request(query: &str, variables: Value) -> Request {
    Request { query: query.to_owned(), variables, ..Request::default() }
}

/// The real schema without sources behind it.
async fn ask(request: Request) -> Value {
    let schema = Schema::new(Settings::default(), |builder| builder);
    serde_json::to_value(execute(&schema, cx(), request).await).unwrap()
}

/// The first error's code, message and location.
fn first(answer: &Value) -> (&str, &str, &Value) {
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["requestId"], "req-1");
    (error["extensions"]["code"].as_str().unwrap(), error["message"].as_str().unwrap(), &error["locations"])
}

#[tokio::test]
async fn a_document_that_is_no_graphql_is_told_where_and_not_repeated() {
    let answer = ask(request("{ leads(filter: {email: \"ada@example.com\"} }", Value::Null)).await;
    let (code, message, locations) = first(&answer);
    assert_eq!(code, "GRAPHQL_PARSE_FAILED");
    assert_eq!(message, "The document cannot be parsed: it is not GraphQL at line 1, column 44.");
    assert_eq!(*locations, json!([{ "line": 1, "column": 44 }]));
    assert!(answer.get("data").is_none());
}

#[tokio::test]
async fn every_parse_error_has_its_own_words() {
    for (document, words) in [
        ("{ a } query B { b }", "the only one"),
        ("query A { a } query A { b }", "two operations"),
        ("{ a } fragment F on Query { a } fragment F on Query { a }", "two fragments"),
        ("fragment F on Query { a }", "no operation"),
        ("", "not GraphQL"),
    ] {
        let answer = ask(request(document, Value::Null)).await;
        let (code, message, _) = first(&answer);
        assert_eq!(code, "GRAPHQL_PARSE_FAILED");
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn a_document_that_does_not_fit_the_schema_fails_validation_with_few_short_errors() {
    let fields: String =
        (0..100).map(|n| format!("f{n}{} ", "x".repeat(if n == 0 { 1_000 } else { 1 }))).collect();
    let answer = ask(request(&format!("{{ leads {{ {fields} }} }}"), Value::Null)).await;
    assert_eq!(first(&answer).0, "GRAPHQL_VALIDATION_FAILED");
    assert!(answer.get("data").is_none());
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 20);
    assert!(errors.iter().all(|error| error["message"].as_str().unwrap().chars().count() <= 401));
}

#[tokio::test]
async fn a_required_variable_must_be_given() {
    let query =
        "query Q($id: ID!, $n: Int! = 3) { lead(id: $id) { id interactions(first: $n) { incomplete } } }";
    for variables in [Value::Null, json!({}), json!({ "id": null })] {
        let answer = ask(request(query, variables)).await;
        let (code, message, locations) = first(&answer);
        assert_eq!(code, "BAD_USER_INPUT");
        assert_eq!(message, "Variable \"$id\" of the required type \"ID!\" was not given.");
        assert_eq!(*locations, json!([{ "line": 1, "column": 9 }]));
        assert!(answer.get("data").is_none());
    }
    let answer = ask(request(query, json!({ "id": "x", "n": null }))).await;
    assert!(first(&answer).1.contains("$n"));
    // With all that is required it is executed, and only then finds no sources behind this schema.
    let answer = ask(request(query, json!({ "id": "x" }))).await;
    assert_eq!(first(&answer).0, "INTERNAL");
    assert_eq!(answer["data"], json!({ "lead": null }));
}

#[tokio::test]
async fn variables_must_be_an_object() {
    for variables in [json!([]), json!("x"), json!(1)] {
        assert_eq!(first(&ask(request("{ __typename }", variables)).await).0, "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn the_operation_is_found_by_its_name() {
    let two = "query A { a: __typename } query B { b: __typename }";
    let named =
        |name: Option<&str>| Request { operation_name: name.map(str::to_owned), ..request(two, Value::Null) };
    assert_eq!(ask(named(Some("B"))).await, json!({ "data": { "b": "Query" } }));
    for name in [None, Some(""), Some("C")] {
        assert_eq!(first(&ask(named(name)).await).0, "OPERATION_RESOLUTION_FAILURE");
    }
    assert_eq!(ask(request("query A { a: __typename }", Value::Null)).await["data"]["a"], "Query");
}

#[tokio::test]
async fn the_standard_introspection_query_is_answered() {
    // As deep as clients ask: nine levels of wrapped types, below an argument of a field.
    let nested = (0..9).fold("kind name".to_owned(), |inner, _| format!("kind name ofType {{ {inner} }}"));
    let query = format!(
        "query IntrospectionQuery {{
            __schema {{ description queryType {{ name }} types {{ ...T }} directives {{ ...D }} }}
        }}
        fragment D on __Directive {{ name isRepeatable locations args(includeDeprecated: true) {{ ...I }} }}
        fragment T on __Type {{
            name kind specifiedByURL isOneOf interfaces {{ ...R }} possibleTypes {{ ...R }}
            fields(includeDeprecated: true) {{ name args(includeDeprecated: true) {{ ...I }} type {{ ...R }} }}
            inputFields(includeDeprecated: true) {{ ...I }} enumValues(includeDeprecated: true) {{ name }}
        }}
        fragment I on __InputValue {{ name type {{ ...R }} defaultValue isDeprecated }}
        fragment R on __Type {{ {nested} }}"
    );
    let answer = ask(request(&query, Value::Null)).await;
    assert_eq!(answer.get("errors"), None);
    let types = answer["data"]["__schema"]["types"].as_array().unwrap();
    assert!(types.iter().any(|kind| kind["name"] == "LeadConnection"));
}

#[tokio::test]
async fn a_wrong_instant_is_bad_input_and_told_the_right_form() {
    let literal = "{ leads(filter: {createdAt: {from: \"2031-01-02\"}}) { incomplete } }";
    let variable = "query($at: DateTime) { leads(filter: {createdAt: {from: $at}}) { incomplete } }";
    for request in [request(literal, Value::Null), request(variable, json!({ "at": "2031-01-02" }))] {
        let answer = ask(request).await;
        let (code, message, _) = first(&answer);
        assert_eq!(code, "BAD_USER_INPUT");
        assert!(message.contains("RFC 3339") && !message.contains("2031"), "{message}");
    }
}

#[tokio::test]
async fn a_foreign_id_in_a_filter_is_a_bad_id() {
    let answer = ask(request("{ leads(filter: {sources: [\"acme\"]}) { incomplete } }", Value::Null)).await;
    assert_eq!(first(&answer).0, "BAD_ID");
    assert_eq!(answer["errors"][0]["path"], json!(["leads"]));
    assert_eq!(answer["data"], json!({ "leads": null }));
}

#[tokio::test]
async fn the_viewer_is_the_caller() {
    let answer = ask(request("{ viewer { name scopes } }", Value::Null)).await;
    assert_eq!(answer["data"]["viewer"]["name"], "anonymous");
    assert_eq!(answer["data"]["viewer"]["scopes"].as_array().unwrap().len(), 7);
}

struct Hostile;

#[Object]
impl Hostile {
    /// Panics.
    async fn panics(&self) -> Option<i32> {
        let digits = "hunter2".parse::<i32>();
        Some(digits.expect("the secret is hunter2"))
    }

    /// Never answers.
    async fn hangs(&self) -> Option<i32> {
        std::future::pending().await
    }

    /// Answers, and reports an error beside.
    async fn reports(&self, ctx: &async_graphql::Context<'_>) -> i32 {
        crate::graphql::error::ClientError::bad_input("no").report(ctx);
        1
    }

    /// Fails with much to say, in text of several bytes a character.
    async fn shouts(&self) -> Vec<Option<Result<i32, crate::graphql::error::ClientError>>> {
        let error = |n: usize| crate::graphql::error::ClientError::bad_input("\u{1f600}".repeat(399 + n % 2));
        (0..20).map(|n| Some(Err(error(n)))).collect()
    }

    /// Fails in many ways.
    async fn fails(&self) -> Vec<Option<Result<i32, crate::graphql::error::ClientError>>> {
        let error = || crate::graphql::error::ClientError::bad_input("no");
        (0..50).map(|_| Some(Err(error()))).collect()
    }
}

async fn ask_hostile(query: &str) -> Answer {
    let schema = async_graphql::Schema::new(Hostile, EmptyMutation, EmptySubscription);
    let (cx, settings) = (cx(), Settings::default());
    let work = async {
        let read = read(request(query, Value::Null), &settings, None).await?;
        let reckoned = read.reckon(&settings, &cx.caller, None, &Spent::default())?;
        run(&schema, &cx, None, read, reckoned, &(Arc::new(Unlimited) as Purse)).await
    };
    bounded(&cx, true, std::pin::pin!(work)).await
}

/// One test, since a line of the log that another test comes by first, with no log of its own, may be left out of this one's.
#[tokio::test]
async fn a_panic_is_one_internal_error_that_tells_nothing_and_one_line_that_bears_the_request() {
    let (log, writer) = std::io::pipe().unwrap();
    let subscriber = tracing_subscriber::fmt().json().with_writer(Arc::new(writer)).finish();
    let logging = tracing::subscriber::set_default(subscriber);
    let answer = ask_hostile("{ panics }").await;
    drop(logging);
    assert_eq!(answer.refusal(), None);
    let answer = serde_json::to_value(answer).unwrap();
    assert_eq!(first(&answer).0, "INTERNAL");
    assert_eq!(answer["data"], Value::Null);
    assert!(!answer.to_string().contains("hunter2"));
    let line: Value = serde_json::from_reader(log).unwrap();
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["fields"], json!({ "message": "request panicked", "request_id": "req-1" }));
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_long_past_the_deadline() {
    let start = Instant::now();
    let answer = ask_hostile("{ hangs }").await;
    assert_eq!(answer.codes().collect::<Vec<_>>(), ["REQUEST_TIMEOUT"]);
    assert!(start.elapsed() < Duration::from_millis(5_300));
}

#[tokio::test]
async fn errors_beside_data_are_few_and_keep_their_codes() {
    let answer = ask_hostile("{ fails }").await;
    assert_eq!(answer.codes().collect::<Vec<_>>(), ["BAD_USER_INPUT"; 20]);
    assert_eq!(answer.refusal(), None);
    let answer = serde_json::to_value(answer).unwrap();
    assert_eq!(answer["data"]["fails"].as_array().unwrap().len(), 50);
    assert_eq!(answer["errors"][3]["path"], json!(["fails", 3]));
}

#[tokio::test]
async fn a_refused_request_says_so() {
    assert_eq!(ask_hostile("{").await.refusal(), Some("GRAPHQL_PARSE_FAILED"));
    assert_eq!(ask_hostile("{ nothing }").await.refusal(), Some("GRAPHQL_VALIDATION_FAILED"));
}

#[tokio::test]
async fn a_field_that_is_selected_twice_reports_its_error_once() {
    let answer = ask_hostile("{ reports ...F other: reports } fragment F on Hostile { reports }").await;
    let answer = serde_json::to_value(answer).unwrap();
    assert_eq!(answer["data"], json!({ "reports": 1, "other": 1 }));
    let paths: Vec<_> = answer["errors"].as_array().unwrap().iter().map(|error| &error["path"]).collect();
    assert_eq!(paths, [&json!(["reports"]), &json!(["other"])]);
}

#[tokio::test]
async fn variables_that_are_too_many_too_deep_or_too_long_are_refused() {
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    for (variables, exceeded, limit) in [
        (json!({ "a": "x".repeat(65_536) }), "BYTES", 65_536),
        (json!({ "x".repeat(65_536): 1 }), "BYTES", 65_536),
        (json!({ "a": deep }), "DEPTH", 32),
        (json!({ "a": vec![1; 1_000] }), "VALUES", 1_000),
    ] {
        let answer = ask(request("query($a: Int) { __typename }", variables)).await;
        let (code, message, _) = first(&answer);
        assert_eq!(
            (code, message.contains(&limit.to_string())),
            ("VARIABLES_TOO_COMPLEX", true),
            "{message}"
        );
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!((&extensions["exceeded"], &extensions["limit"]), (&json!(exceeded), &json!(limit)));
        assert!(answer.to_string().len() < 500);
    }
    let right =
        json!({ "a": vec!["x".repeat(60); 900], "b": (0..30).fold(json!(1), |inner, _| json!([inner])) });
    assert_eq!(ask(request("{ __typename }", right)).await["data"]["__typename"], "Query");
}

#[tokio::test]
async fn nobody_is_told_the_schema_where_that_is_switched_off() {
    let settings =
        Settings { introspection: Audience::Nobody, suggestions: Audience::Nobody, ..Settings::default() };
    let schema = Schema::new(settings, |builder| builder);
    let ask = async |query: &str| {
        serde_json::to_value(execute(&schema, cx(), request(query, Value::Null)).await).unwrap()
    };
    for query in [
        "{ __schema { types { name } } }",
        "{ a: __typename ...F } fragment F on Query { ... { x: __type(name: \"Lead\") { name } } }",
    ] {
        let answer = ask(query).await;
        let (code, message, locations) = first(&answer);
        assert_eq!(code, "INTROSPECTION_DISABLED");
        assert!(message.contains("leadgraph schema") && locations.is_array(), "{message}");
        assert!(answer.get("data").is_none());
    }
    assert_eq!(ask("{ __typename }").await["data"]["__typename"], "Query");
    let answer = ask("{ lead(id: \"x\") { nam } }").await;
    assert_eq!(first(&answer).1, "Unknown field \"nam\" on type \"Lead\".");
    assert!(
        first(&self::ask(request("{ lead(id: \"x\") { nam } }", Value::Null)).await)
            .1
            .contains("Did you mean")
    );
}

#[tokio::test]
async fn an_answer_that_may_have_too_many_nodes_is_refused_with_the_figure() {
    let query =
        "query($n: Int = 100) { leads(first: $n) { nodes { interactions(first: 100) { nodes { id } } } } }";
    let answer = ask(request(query, Value::Null)).await;
    let (code, message, locations) = first(&answer);
    assert_eq!(code, "NODE_COST_EXCEEDED");
    assert!(message.contains("11201 nodes") && message.contains("`leads`"), "{message}");
    assert_eq!(*locations, json!([{ "line": 1, "column": 24 }]));
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!((&extensions["cost"], &extensions["limit"]), (&json!(11_201), &json!(5_000)));
    // With fewer of them it is executed, and only then finds no sources behind this schema.
    assert_eq!(first(&ask(request(query, json!({ "n": 10 }))).await).0, "INTERNAL");
}

#[tokio::test]
async fn values_are_not_repeated() {
    for (query, variables) in [
        ("{ leads(filter: {status: [ADA_LOVELACE]}) { incomplete } }", Value::Null),
        (
            "query($f: LeadFilter) { leads(filter: $f) { incomplete } }",
            json!({ "f": { "status": ["ada lovelace"] } }),
        ),
        ("query($f: LeadFilter) { leads(filter: $f) { incomplete } }", json!({ "f": { "ada lovelace": 1 } })),
        ("query($f: LeadFilter) { leads(filter: $f) { incomplete } }", json!({ "f": "ada lovelace" })),
        ("query($n: Int) { leads(first: $n) { incomplete } }", json!({ "n": "ada lovelace" })),
        ("query($n: Int) { leads(first: $n) { incomplete } }", json!({ "n": { "ada": ["lovelace"] } })),
        ("{ leads(first: \"ada lovelace\") { incomplete } }", Value::Null),
        ("{ lead(id: {ada: \"lovelace\"}) { id } }", Value::Null),
    ] {
        let answer = ask(request(query, variables)).await;
        assert!(answer["errors"][0]["message"].is_string(), "{answer}");
        let text = answer.to_string().to_lowercase();
        assert!(!text.contains("lovelace"), "{text}");
    }
}

#[tokio::test]
async fn errors_are_few_and_short_and_the_rest_is_counted() {
    let names: String = (0..300).map(|n| format!("{}{n} ", "x".repeat(60))).collect();
    let answer = ask(request(&format!("{{ leads {{ {names} }} }}"), Value::Null)).await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 20);
    assert_eq!(answer["extensions"], json!({ "errorsLeftOut": 280 }));
    assert!(answer.to_string().len() < 16 * 1024);
    // Not even by their sum.
    let answer = ask_hostile("{ shouts }").await;
    let answer = serde_json::to_value(answer).unwrap();
    let told = answer["errors"].as_array().unwrap().len();
    assert!(told > 1 && answer["errors"].to_string().len() <= 16 * 1024, "{told}");
    assert_eq!(answer["extensions"]["errorsLeftOut"], 20 - told);
}
