//! All ways in, and that what is checked on one is checked on each.

use futures_util::StreamExt;
use leadgraph::graphql::Audience;
use leadgraph::model::caller::Scope;
use serde_json::{Value, json};

use super::known;
use crate::harness::{CHATZURI, Plan, SPELO, World, elements};
use crate::subscriptions::line::{Heard, Line, PROTOCOL};

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Post,
    Get,
    Batch,
    Socket,
    Stream,
}

pub(super) const WAYS: [Way; 5] = [Way::Post, Way::Get, Way::Batch, Way::Socket, Way::Stream];

/// A request's answer, whichever way it went. Not let in at all, it has errors, too.
pub(super) async fn sent(world: &World, way: Way, key: &str, query: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let bearer = format!("Bearer {key}");
    let parse = |text: String| serde_json::from_str::<Value>(&text).unwrap_or_else(|_| panic!("{text}"));
    match way {
        Way::Post => parse(world.request(query).bearer_auth(key).send().await.unwrap().text().await.unwrap()),
        Way::Get => {
            let request = world.get(&[("query", query)]).header("graphql-require-preflight", "1");
            parse(request.bearer_auth(key).send().await.unwrap().text().await.unwrap())
        }
        Way::Batch => {
            let request = world.post(&json!([{ "query": query }])).bearer_auth(key);
            let all = parse(request.send().await.unwrap().text().await.unwrap());
            elements(&all).first().cloned().unwrap_or(all)
        }
        Way::Stream => {
            let request = client.post(format!("http://{}/graphql/stream", world.address())).bearer_auth(key);
            let request = request.header("accept", "text/event-stream").json(&json!({ "query": query }));
            let response = request.send().await.unwrap();
            if response.status() != 200 {
                return parse(response.text().await.unwrap());
            }
            let (mut told, mut parts) = (String::new(), response.bytes_stream());
            while !told.contains("\n\n") {
                told.push_str(std::str::from_utf8(&parts.next().await.unwrap().unwrap()).unwrap());
            }
            let (_, data) = told.split_once("data: ").unwrap();
            parse(data.split_once('\n').unwrap().0.to_owned())
        }
        Way::Socket => {
            let headers = [PROTOCOL, ("authorization", bearer.as_str())];
            let mut line = match Line::open(world.address(), &headers).await {
                Ok(line) => line,
                Err((_, body)) => return body,
            };
            line.say(&json!({ "type": "connection_init" })).await;
            assert_eq!(line.hear().await, Heard::Message(json!({ "type": "connection_ack" })));
            line.subscribe("1", &json!({ "query": query })).await;
            match line.hear().await {
                Heard::Message(message) if message["type"] == "error" => {
                    json!({ "errors": message["payload"] })
                }
                Heard::Message(message) => message["payload"].clone(),
                Heard::Closed(code) => panic!("{code:?}"),
            }
        }
    }
}

pub(super) fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

fn message(answer: &Value) -> &str {
    answer["errors"][0]["message"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn whichever_way_is_taken_the_same_is_refused_and_the_same_is_given() {
    let reader = [Scope::LeadsRead];
    let callers = vec![known("staff", &Scope::ALL, &[]), known("reader", &reader, &[CHATZURI])];
    let mut plan = Plan::new(20, 3).only(&[CHATZURI, SPELO]).callers(callers);
    plan.http.max_batch = 5;
    plan.graphql.max_upstream_calls = 20;
    plan.graphql.max_nodes = 500;
    let world = plan.start().await;
    let listed =
        sent(&world, Way::Post, "staff", "{ leads(first: 40) { nodes { id source { name } } } }").await;
    let nodes = elements(&listed["data"]["leads"]["nodes"]);
    let hidden = nodes.iter().find(|lead| lead["source"]["name"] == SPELO).unwrap()["id"].as_str().unwrap();

    let deep = "{ leads { nodes { ".to_owned() + &"... { ".repeat(40) + "id" + &" }".repeat(43);
    let wide = "{ leads(first: 100) { nodes { interactions(first: 100) { nodes { id } } } } }";
    let dear = "{ a: interactions(last: 100) { nodes { id } } }";
    let cases = [
        ("nobody", "{ viewer { name } }".to_owned(), "UNAUTHENTICATED"),
        ("reader", "{ leads(first: 1) { nodes { raw } } }".to_owned(), "FORBIDDEN"),
        (
            "reader",
            "mutation { updateLead(input: { id: \"x\", notes: \"x\" }) { outcome } }".to_owned(),
            "FORBIDDEN",
        ),
        ("reader", "subscription { events { type } }".to_owned(), "FORBIDDEN"),
        ("reader", "{ leads(filter: { email: \"a@b.example\" }) { nodes { id } } }".to_owned(), "FORBIDDEN"),
        ("reader", format!("{{ lead(id: \"{hidden}\") {{ id }} }}"), "BAD_ID"),
        ("staff", "{ leads { nodes { shoeSize } } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("staff", deep, "DOCUMENT_TOO_COMPLEX"),
        ("staff", wide.to_owned(), "NODE_COST_EXCEEDED"),
        ("staff", dear.to_owned(), "UPSTREAM_COST_EXCEEDED"),
        ("staff", "{ leads(first: 1) { nodes { id }".to_owned(), "GRAPHQL_PARSE_FAILED"),
    ];
    let before = world.calls();
    for (key, query, expected) in &cases {
        for way in WAYS {
            let answer = sent(&world, way, key, query).await;
            let mutates = query.starts_with("mutation") && way == Way::Get;
            let expected = if mutates { "METHOD_NOT_ALLOWED" } else { expected };
            assert_eq!(code(&answer), expected, "{way:?} {key} {query}\n{answer}");
            assert!(elements(&answer["data"]["leads"]["nodes"]).is_empty(), "{way:?} {query}\n{answer}");
        }
    }
    assert_eq!(world.calls(), before, "nothing of it was asked for");
    let expected = json!({"viewer": {"name": "reader"}, "sources": [{"name": "chatzuri/agt_1"}]});
    for way in WAYS {
        let answer = sent(&world, way, "reader", "{ viewer { name } sources { name } }").await;
        assert_eq!(answer["data"], expected, "{way:?}");
    }
}

#[tokio::test]
async fn schema_for_admins_is_told_to_them_and_to_nobody_else_on_any_way() {
    let callers = vec![
        known("admin", &[Scope::LeadsRead, Scope::Admin], &[]),
        known("staff", &[Scope::LeadsRead], &[]),
    ];
    let mut plan = Plan::new(3, 2).only(&[SPELO]).callers(callers);
    plan.http.max_batch = 5;
    (plan.graphql.introspection, plan.graphql.suggestions) = (Audience::Admins, Audience::Admins);
    let world = plan.start().await;
    let (schema, typo) = (
        "{ __schema { queryType { name } } x: __type(name: \"Lead\") { name } }",
        "{ leads { nods { id } } }",
    );
    for way in WAYS {
        let told = sent(&world, way, "admin", schema).await;
        assert_eq!(told["data"]["x"]["name"], "Lead", "{way:?} {told}");
        let refused = sent(&world, way, "staff", schema).await;
        assert_eq!(code(&refused), "INTROSPECTION_DISABLED", "{way:?}");
        assert!(message(&refused).contains("scope admin") && refused.get("data").is_none(), "{refused}");
        assert!(message(&sent(&world, way, "admin", typo).await).contains("Did you mean"), "{way:?}");
        let refused = sent(&world, way, "staff", typo).await;
        assert_eq!(code(&refused), "GRAPHQL_VALIDATION_FAILED", "{way:?}");
        assert!(!refused.to_string().contains("nodes"), "{way:?} {refused}");
    }
    // A name of the introspection that is selected as part of something else tells no more.
    let named =
        sent(&world, Way::Post, "staff", "{ leads(first: 1) { __typename nodes { __typename } } }").await;
    assert_eq!(named["data"]["leads"]["__typename"], "LeadConnection");
}
