//! GraphQL over HTTP as the whole gateway speaks it: what a status says of what happened, and what was paid for it.

use serde_json::{Value, json};

use crate::harness::{Plan, World};

const MODERN: &str = "application/graphql-response+json";

/// The status and the body, and how many calls to vendors it took.
async fn sent(world: &World, request: reqwest::RequestBuilder) -> (u16, Value, usize) {
    let before = world.calls().all();
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.json().await.unwrap();
    (status, body, world.calls().all() - before)
}

#[tokio::test]
async fn status_tells_what_came_of_a_request() {
    let world = World::of(5, 2).await;
    let two = "query A { __typename } query B { __typename }";
    let partial = "{ sources { name } node(id: \"nonsense\") { id } }";
    for (query, status) in [
        ("{ sources { name } }", 200),
        (partial, 294),
        ("{", 400),
        ("{ nothing }", 400),
        ("query($id: ID!) { node(id: $id) { id } }", 400),
        (two, 422),
    ] {
        let (found, body, calls) = sent(&world, world.request(query).header("accept", MODERN)).await;
        assert_eq!((found, calls), (status, 0), "{query}: {body}");
        assert_eq!(body.get("data").is_some(), status < 300, "{query}: {body}");
        let (found, _, _) = sent(&world, world.request(query).header("accept", "application/json")).await;
        assert_eq!(found, 200, "{query}");
    }
}

#[tokio::test]
async fn query_by_get_is_answered_and_anything_else_never_runs() {
    let world = World::of(5, 2).await;
    let ask = |query: &str, accept: &str| {
        let asked = world.get(&[("query", query)]).header("accept", accept);
        asked.header("graphql-require-preflight", "1")
    };
    let (status, body, calls) = sent(&world, ask("{ leads { nodes { id } } }", MODERN)).await;
    assert_eq!(status, 200);
    assert!(calls > 0 && body["data"]["leads"]["nodes"].is_array(), "{body}");
    for accept in [MODERN, "application/json"] {
        let (status, body, calls) = sent(&world, ask("mutation { __typename }", accept)).await;
        assert_eq!((status, calls), (405, 0), "{body}");
        assert_eq!(body["errors"][0]["extensions"]["code"], "METHOD_NOT_ALLOWED");
        assert!(body.get("data").is_none(), "{body}");
    }
}

#[tokio::test]
async fn batch_is_limited_as_a_whole_and_answered_in_order() {
    let mut plan = Plan::new(40, 3);
    plan.http.max_batch = 4;
    plan.graphql.max_upstream_calls = 12;
    let mut world = plan.start().await;
    let dear = "query Dear { leads(first: 2) { nodes { id } incomplete } }";
    let (_, alone) = world.cost(dear).await;
    world.gateway().await;
    let free = "query Free { __typename }";
    let body = json!([{ "query": free }, { "query": dear }, { "query": "{" }, { "query": dear }]);
    let (status, body, calls) = sent(&world, world.post(&body)).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body[0], json!({ "data": { "__typename": "Query" } }));
    assert_eq!(body[1]["data"]["leads"]["incomplete"], false, "{body}");
    assert_eq!(body[2]["errors"][0]["extensions"]["code"], "GRAPHQL_PARSE_FAILED");
    assert_eq!(body[3]["data"]["leads"], body[1]["data"]["leads"]);
    assert_eq!(calls, alone.all(), "equal reads of a batch are paid for once");

    // Each is allowed alone, and so are the first two together.
    let (_, body, _) =
        sent(&world, world.post(&json!([dear, dear, dear].map(|query| json!({ "query": query }))))).await;
    assert!(body[0]["errors"].is_null() && body[1]["errors"].is_null(), "{body}");
    let error = &body[2]["errors"][0];
    assert_eq!(error["extensions"]["code"], "UPSTREAM_COST_EXCEEDED", "{body}");
    let (cost, limit) = (&error["extensions"]["cost"], &error["extensions"]["limit"]);
    assert!(cost.as_u64() > Some(12) && limit == 12, "{error}");
    assert!(error["message"].as_str().unwrap().contains("before it in the batch"), "{error}");
}

#[tokio::test]
async fn nodes_of_a_batch_are_added_up() {
    let dear = json!({ "query": "query Dear { leads(first: 20) { nodes { id } } }" });
    let mut plan = Plan::new(40, 3);
    plan.http.max_batch = 4;
    plan.graphql.max_nodes = 1;
    let world = plan.clone().start().await;
    let (_, body, calls) = sent(&world, world.post(&dear)).await;
    assert_eq!(
        (&body["errors"][0]["extensions"]["code"], calls),
        (&json!("NODE_COST_EXCEEDED"), 0),
        "{body}"
    );
    let one = u32::try_from(body["errors"][0]["extensions"]["cost"].as_u64().unwrap()).unwrap();

    // Room for two of them.
    plan.graphql.max_nodes = 2 * one;
    let world = plan.start().await;
    let (status, body, _) = sent(&world, world.post(&json!([dear, dear, dear]))).await;
    assert_eq!(status, 200, "{body}");
    for place in 0..2 {
        assert_eq!(body[place]["data"]["leads"]["nodes"].as_array().map(Vec::len), Some(20), "{body}");
    }
    let error = &body[2]["errors"][0];
    let told = &error["extensions"];
    assert_eq!(told["code"], "NODE_COST_EXCEEDED", "{body}");
    assert_eq!((&told["cost"], &told["limit"]), (&json!(3 * one), &json!(2 * one)), "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&format!("before it in the batch may have {} of them", 2 * one)), "{message}");
    assert!(body[2].get("data").is_none(), "{body}");
    // Nothing is left over for the next batch to pay.
    let (_, body, _) = sent(&world, world.post(&json!([dear, dear]))).await;
    assert!(body[0]["errors"].is_null() && body[1]["errors"].is_null(), "{body}");
}
