//! Event streams (`graphql-sse`, distinct connections).

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{EVENTS, cursor, event, events, turn, world};
use crate::harness::{Calls, World};

const LEADS: &str = "{ leads(first: 1) { nodes { id } } }";

/// A request for a stream, not sent yet.
pub(super) fn request(world: &World, payload: &Value) -> reqwest::RequestBuilder {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client
        .post(format!("http://{}/graphql/stream", world.address()))
        .header("accept", "text/event-stream")
        .json(payload)
}

/// The events of a response as (name, data), as they come.
pub(super) fn told(response: reqwest::Response) -> impl Stream<Item = (String, Value)> + Unpin {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let bytes = Box::pin(response.bytes_stream());
    let read = async |(mut bytes, mut text): (
        std::pin::Pin<Box<dyn Stream<Item = reqwest::Result<bytes::Bytes>>>>,
        String,
    )| {
        loop {
            if let Some((event, rest)) = text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                if event.starts_with(':') {
                    text = rest;
                    continue;
                }
                let (name, data) = event.split_once('\n').unwrap();
                let data = data.strip_prefix("data: ").unwrap();
                let data = if data.is_empty() { Value::Null } else { serde_json::from_str(data).unwrap() };
                let name = name.strip_prefix("event: ").unwrap().to_owned();
                return Some(((name, data), (bytes, rest)));
            }
            let part =
                timeout(Duration::from_secs(30), bytes.next()).await.expect("nothing is said")?.unwrap();
            text.push_str(std::str::from_utf8(&part).unwrap());
        }
    };
    let bytes: std::pin::Pin<Box<dyn Stream<Item = reqwest::Result<bytes::Bytes>>>> = bytes;
    Box::pin(futures_util::stream::unfold((bytes, String::new()), read))
}

#[tokio::test]
async fn query_is_answered_once_and_completed() {
    let world = world().await;
    let all: Vec<_> = told(request(&world, &json!({ "query": LEADS })).send().await.unwrap()).collect().await;
    let [(next, data), (complete, Value::Null)] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((next.as_str(), complete.as_str()), ("next", "complete"));
    assert_eq!(data["data"]["leads"]["nodes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn query_in_the_address_is_answered() {
    let world = world().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let query = "query Q($n: Int) { leads(first: $n) { nodes { id } } } query Other { viewer { name } }";
    let response = client
        .get(format!("http://{}/graphql/stream", world.address()))
        .query(&[("query", query), ("operationName", "Q"), ("variables", "{\"n\":2}")])
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    let (_, data) = told(response).next().await.unwrap();
    assert_eq!(data["data"]["leads"]["nodes"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn document_that_is_refused_is_told_in_the_stream() {
    let world = world().await;
    let cases = [
        (json!({ "query": "{" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "subscription { events { shoes } }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": EVENTS, "variables": { "after": "x" } }), "CURSOR_INVALID"),
    ];
    for (payload, code) in cases {
        let all: Vec<_> = told(request(&world, &payload).send().await.unwrap()).collect().await;
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!((all[0].0.as_str(), all[1].0.as_str()), ("next", "complete"));
        assert_eq!(all[0].1["errors"][0]["extensions"]["code"], code, "{payload}");
    }
    assert_eq!(world.calls(), Calls::default());
}

#[tokio::test]
async fn what_is_no_request_for_a_stream_is_refused_and_not_executed() {
    let world = world().await;
    let address = format!("http://{}/graphql/stream", world.address());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = json!({ "query": LEADS }).to_string();
    let json = ("content-type", "application/json");
    let stream = ("accept", "text/event-stream");
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, Headers<'_>, &str, u16); 11] = [
        ("POST", &[json], &body, 406),
        ("POST", &[json, ("accept", "*/*")], &body, 406),
        ("POST", &[json, ("accept", "application/json")], &body, 406),
        ("POST", &[json, ("accept", "text/event-stream;q=0")], &body, 406),
        ("PUT", &[json, stream], &body, 405),
        ("DELETE", &[json, stream], &body, 405),
        ("POST", &[("content-type", "text/plain"), stream], &body, 415),
        ("POST", &[json, stream], "{", 400),
        ("POST", &[json, stream], "[]", 400),
        ("POST", &[json, stream, ("origin", "https://evil.example")], &body, 403),
        ("POST", &[json, stream, ("sec-fetch-site", "cross-site")], &body, 403),
    ];
    for (method, headers, body, status) in cases {
        let mut request = client.request(method.parse().unwrap(), &address).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{method} {headers:?} {body}");
        let error: Value = response.json().await.unwrap();
        assert!(error["errors"][0]["message"].as_str().is_some_and(|message| message.len() > 20), "{error}");
    }
    // A page of another site can make a browser ask like this.
    let foreign = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    for header in foreign {
        let url = format!("{address}?query=%7B%20leads%20%7B%20nodes%20%7B%20id%20%7D%20%7D%20%7D");
        let request = client.get(url).header(stream.0, stream.1).header(header.0, header.1);
        assert_eq!(request.send().await.unwrap().status(), 403, "{header:?}");
    }
    assert_eq!(world.calls(), Calls::default());
}

#[tokio::test]
async fn events_come_as_they_happen_and_go_on_after_a_cut() {
    let world = world().await;
    let mut stream = told(request(&world, &events(None)).send().await.unwrap());
    tokio::time::sleep(Duration::from_millis(300)).await;
    turn(&world, false).await;
    let (name, first) = stream.next().await.unwrap();
    assert_eq!((name.as_str(), &event(&first)["type"]), ("next", &json!("SOURCE_STATE_CHANGED")));
    drop(stream);
    turn(&world, true).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let mut stream = told(request(&world, &events(Some(cursor(event(&first))))).send().await.unwrap());
    let (_, second) = stream.next().await.unwrap();
    assert_ne!(cursor(event(&second)), cursor(event(&first)));
    turn(&world, false).await;
    let (_, third) = stream.next().await.unwrap();
    assert_ne!(cursor(event(&third)), cursor(event(&second)));
}

#[tokio::test]
async fn streams_are_bounded_and_end_with_their_clients() {
    let world = world().await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(request(&world, &events(None)).send().await.unwrap());
    }
    let refused = request(&world, &events(None)).send().await.unwrap();
    assert_eq!(refused.status(), 429);
    streams.pop();
    for tries in 0.. {
        if request(&world, &events(None)).send().await.unwrap().status() == 200 {
            break;
        }
        assert!(tries < 100, "a client that hangs up keeps its line");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
