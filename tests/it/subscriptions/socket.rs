//! The rules of `graphql-transport-ws`, message by message, and what holds for every operation whatever it came by.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::line::{Heard, Line, PROTOCOL};
use super::{EVENTS, cursor, event, events, turn, turns, world};
use crate::harness::{Calls, SPELO};

const LEADS: &str = "{ leads(first: 1) { nodes { id } } }";

#[tokio::test]
async fn operation_before_the_beginning_closes_the_socket_and_is_not_executed() {
    let world = world().await;
    for query in [LEADS, EVENTS] {
        let mut line = Line::open(world.address(), &[PROTOCOL]).await.unwrap();
        line.subscribe("1", &json!({ "query": query })).await;
        assert_eq!(line.hear().await, Heard::Closed(Some(4401)), "{query}");
    }
    // Not even in the same breath as the beginning's refusal: what follows a closing message is not looked at.
    assert_eq!(world.calls(), Calls::default());
}

#[tokio::test]
async fn second_beginning_closes_the_socket() {
    let world = world().await;
    let mut line = Line::begun(world.address()).await;
    line.say(&json!({ "type": "connection_init" })).await;
    assert_eq!(line.hear().await, Heard::Closed(Some(4429)));
}

#[tokio::test]
async fn id_that_is_taken_closes_the_socket_and_one_that_is_free_again_does_not() {
    let world = world().await;
    let mut line = Line::begun(world.address()).await;
    line.subscribe("1", &events(None)).await;
    line.say(&json!({ "type": "complete", "id": "1" })).await;
    line.subscribe("1", &json!({ "query": LEADS })).await;
    assert!(event(&line.next("1").await).is_null(), "the id was free again");
    assert_eq!(line.hear().await, Heard::Message(json!({ "type": "complete", "id": "1" })));
    line.subscribe("2", &events(None)).await;
    line.subscribe("2", &json!({ "query": LEADS })).await;
    let before = world.calls();
    assert_eq!(line.hear().await, Heard::Closed(Some(4409)));
    assert_eq!(world.calls(), before, "the second was not executed");
}

#[tokio::test]
async fn what_is_no_message_of_the_protocol_closes_the_socket() {
    let world = world().await;
    let long = "i".repeat(257);
    let wrong = [
        json!("x"),
        json!([]),
        json!({}),
        json!({ "type": 1 }),
        json!({ "type": "start", "id": "1", "payload": { "query": LEADS } }),
        json!({ "type": "stop", "id": "1" }),
        json!({ "type": "connection_terminate" }),
        json!({ "type": "connection_ack" }),
        json!({ "type": "next", "id": "1", "payload": {} }),
        json!({ "type": "connection_init", "payload": 1 }),
        json!({ "type": "ping", "payload": [] }),
        json!({ "type": "subscribe", "id": "1" }),
        json!({ "type": "subscribe", "payload": { "query": LEADS } }),
        json!({ "type": "subscribe", "id": 1, "payload": { "query": LEADS } }),
        json!({ "type": "subscribe", "id": "", "payload": { "query": LEADS } }),
        json!({ "type": "subscribe", "id": long, "payload": { "query": LEADS } }),
        json!({ "type": "subscribe", "id": "1", "payload": LEADS }),
        json!({ "type": "complete" }),
    ];
    let texts = wrong.iter().map(Value::to_string).chain(["".to_owned(), "{".to_owned(), "[".repeat(9_000)]);
    for message in texts.map(Message::text).chain([Message::binary(b"{\"type\":\"ping\"}".to_vec())]) {
        let mut line = Line::begun(world.address()).await;
        line.send(message.clone()).await;
        assert_eq!(line.hear().await, Heard::Closed(Some(4400)), "{message:.80}");
    }
    assert_eq!(world.calls(), Calls::default());
}

#[tokio::test]
async fn message_that_is_too_long_closes_the_socket() {
    let world = world().await;
    let padded = |length: usize| {
        let message = json!({ "type": "ping", "payload": { "x": "" } }).to_string();
        message.replace("\"\"", &format!("\"{}\"", "x".repeat(length - message.len())))
    };
    let mut line = Line::begun(world.address()).await;
    line.send(Message::text(padded(64 * 1024))).await;
    assert!(matches!(line.hear().await, Heard::Message(_)), "as long as one may be");
    line.send(Message::text(padded(64 * 1024 + 1))).await;
    assert_eq!(line.hear().await, Heard::Closed(Some(1009)));
    let mut line = Line::begun(world.address()).await;
    line.send(Message::text(padded(8 << 20))).await;
    assert_eq!(line.hear().await, Heard::Closed(None), "it is not even read");
}

#[tokio::test]
async fn older_protocol_is_not_spoken() {
    let world = world().await;
    let name = "sec-websocket-protocol";
    let cases: [&[(&str, &str)]; 4] = [&[], &[(name, "graphql-ws")], &[(name, "soap")], &[(name, "")]];
    for headers in cases {
        let (status, body) = Line::open(world.address(), headers).await.err().unwrap();
        assert_eq!(
            (status, &body["errors"][0]["extensions"]["code"]),
            (400, &json!("BAD_REQUEST")),
            "{headers:?}"
        );
    }
    Line::open(world.address(), &[(name, "graphql-ws, graphql-transport-ws")]).await.unwrap();
}

#[tokio::test]
async fn pages_of_other_sites_get_no_socket() {
    let world = world().await;
    let address = world.address();
    let own = format!("http://{address}");
    Line::open(address, &[PROTOCOL, ("origin", &own)]).await.unwrap();
    Line::open(address, &[PROTOCOL, ("sec-fetch-site", "same-origin")]).await.unwrap();
    let longer = format!("{own}.evil.example");
    let port = format!("http://127.0.0.1:{}", address.port() ^ 1);
    for origin in ["https://evil.example", "null", "", "http://127.0.0.1", &longer, &port, "file://"] {
        let refused = Line::open(address, &[PROTOCOL, ("origin", origin)]).await.err().unwrap();
        assert_eq!(refused.0, 403, "{origin:?}");
    }
    for site in ["cross-site", "same-site"] {
        let refused = Line::open(address, &[PROTOCOL, ("sec-fetch-site", site)]).await.err().unwrap();
        assert_eq!(refused.0, 403, "{site:?}");
    }
}

#[tokio::test]
async fn caller_has_at_most_twenty_lines() {
    let world = world().await;
    let mut lines = Vec::new();
    for _ in 0..20 {
        lines.push(Line::begun(world.address()).await);
    }
    let (status, body) = Line::open(world.address(), &[PROTOCOL]).await.err().unwrap();
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (429, &json!("TOO_MANY_CONNECTIONS")));
    lines.pop();
    // That the line is gone is noticed soon.
    for tries in 0.. {
        match Line::open(world.address(), &[PROTOCOL]).await {
            Ok(_) => break,
            Err(refused) => assert!(tries < 100, "{refused:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn queries_over_a_socket_are_answered_and_refused_as_elsewhere() {
    let world = world().await;
    let mut line = Line::begun(world.address()).await;
    line.subscribe("1", &json!({ "query": LEADS })).await;
    assert_eq!(line.next("1").await["data"]["leads"]["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(line.hear().await, Heard::Message(json!({ "type": "complete", "id": "1" })));
    let deep = format!("{{ leads {} }}", "{ nodes { conversation { lead ".repeat(40));
    let cases = [
        (json!({ "query": "{" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "{ shoes }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": deep }), "DOCUMENT_TOO_COMPLEX"),
        (json!({ "query": "query($id: ID!) { node(id: $id) { id } }" }), "BAD_USER_INPUT"),
        (
            json!({ "query": "query A { viewer { name } } query B { viewer { name } }" }),
            "OPERATION_RESOLUTION_FAILURE",
        ),
        (json!({ "query": "mutation { x }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": 1 }), "BAD_REQUEST"),
        (json!({}), "BAD_REQUEST"),
        (json!({ "query": LEADS, "variables": [] }), "BAD_REQUEST"),
    ];
    let before = world.calls();
    for (payload, code) in cases {
        line.subscribe("2", &payload).await;
        let Heard::Message(message) = line.hear().await else { panic!("{payload}") };
        assert_eq!(
            (&message["type"], &message["id"]),
            (&json!("error"), &json!("2")),
            "{payload}: {message}"
        );
        assert_eq!(message["payload"][0]["extensions"]["code"], code, "{payload}");
    }
    assert_eq!(world.calls(), before);
}

#[tokio::test]
async fn subscription_that_cannot_be_is_refused() {
    let world = world().await;
    let mut line = Line::begun(world.address()).await;
    let one = "events { type }";
    let cases = [
        (format!("subscription {{ a: {one} b: {one} }}"), Value::Null, "GRAPHQL_VALIDATION_FAILED"),
        (
            format!("subscription {{ ...F }} fragment F on Subscription {{ {one} }}"),
            Value::Null,
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            format!("subscription {{ ... on Subscription {{ {one} }} }}"),
            Value::Null,
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("subscription { __typename }".to_owned(), Value::Null, "GRAPHQL_VALIDATION_FAILED"),
        (
            "subscription { events @skip(if: true) { type } }".to_owned(),
            Value::Null,
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("subscription { shoes }".to_owned(), Value::Null, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { events { shoes } }".to_owned(), Value::Null, "GRAPHQL_VALIDATION_FAILED"),
        (EVENTS.to_owned(), json!({ "after": "x" }), "CURSOR_INVALID"),
        (EVENTS.to_owned(), json!({ "filter": { "types": [] } }), "BAD_USER_INPUT"),
        (EVENTS.to_owned(), json!({ "filter": { "types": ["SHOE_BOUGHT"] } }), "GRAPHQL_VALIDATION_FAILED"),
        (EVENTS.to_owned(), json!({ "filter": { "vendors": [] } }), "BAD_USER_INPUT"),
        (EVENTS.to_owned(), json!({ "filter": { "sources": ["x"] } }), "BAD_ID"),
        (EVENTS.to_owned(), json!({ "filter": { "sources": ["djE6U291cmNlOm5vdGhlcmU"] } }), "BAD_ID"),
        (EVENTS.to_owned(), json!({ "filter": { "vendors": ["LEADSAIL"] } }), "BAD_USER_INPUT"),
    ];
    for (query, variables, code) in cases {
        line.subscribe("1", &json!({ "query": query, "variables": variables })).await;
        let Heard::Message(message) = line.hear().await else { panic!("{query} {variables}") };
        let errors =
            if message["type"] == "next" { &message["payload"]["errors"] } else { &message["payload"] };
        assert_eq!(errors[0]["extensions"]["code"], code, "{query} {variables}: {message}");
        if message["type"] == "next" {
            assert_eq!(line.hear().await, Heard::Message(json!({ "type": "complete", "id": "1" })));
        }
    }
}

#[tokio::test]
async fn subscription_by_plain_http_is_refused_with_where_to_go() {
    let world = world().await;
    let answer = world.ask(EVENTS).await;
    assert_eq!(answer.codes(), ["GRAPHQL_VALIDATION_FAILED"]);
    assert!(
        answer.message().contains("/graphql/ws") && answer.message().contains("/graphql/stream"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn events_are_told_as_they_happen_and_only_those_that_are_wanted() {
    let world = world().await;
    let mut line = Line::begun(world.address()).await;
    line.subscribe("all", &events(None)).await;
    let leads = json!({ "query": EVENTS, "variables": { "filter": { "types": ["LEAD_CREATED"] } } });
    line.subscribe("leads", &leads).await;
    let states = json!({ "types": ["SOURCE_STATE_CHANGED"], "vendors": ["SPELO"] });
    line.subscribe("states", &json!({ "query": EVENTS, "variables": { "filter": states } })).await;
    // Operations begin in the order of their messages, but each by itself.
    tokio::time::sleep(Duration::from_millis(300)).await;
    turn(&world, false).await;
    let before = world.calls();
    let mut told = Vec::new();
    for _ in 0..2 {
        let Heard::Message(message) = line.hear().await else { panic!() };
        told.push((message["id"].as_str().unwrap().to_owned(), event(&message["payload"]).clone()));
    }
    told.sort_by_key(|(id, _)| id.clone());
    assert_eq!((told[0].0.as_str(), told[1].0.as_str()), ("all", "states"));
    assert_eq!(told[0].1, told[1].1, "one event is the same for all, its cursor, too");
    let event = &told[0].1;
    assert_eq!((&event["type"], &event["source"]["name"]), (&json!("SOURCE_STATE_CHANGED"), &json!(SPELO)));
    assert!(event["occurredAt"].is_string() && event["receivedAt"].is_string(), "{event}");
    assert!(["lead", "conversation", "interaction"].iter().all(|record| event[record].is_null()));
    assert_eq!(world.calls(), before, "telling costs no call");
}

#[tokio::test]
async fn line_that_is_cut_is_taken_up_with_nothing_missed_and_nothing_twice() {
    let world = world().await;
    let mut line = Line::begun(world.address()).await;
    line.subscribe("1", &events(None)).await;
    // A second client, never cut, says what there was.
    let mut whole = Line::begun(world.address()).await;
    whole.subscribe("1", &events(None)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut heard = Vec::new();
    turn(&world, false).await;
    heard.push(event(&line.next("1").await).clone());
    drop(line);
    turns(&world, 4).await;
    let mut line = Line::begun(world.address()).await;
    line.subscribe("1", &events(Some(cursor(&heard[0])))).await;
    let mut all = vec![event(&whole.next("1").await).clone()];
    while all.len() < 4 {
        all.push(event(&whole.next("1").await).clone());
    }
    while heard.len() < all.len() {
        heard.push(event(&line.next("1").await).clone());
    }
    assert_eq!(heard, all);
    turn(&world, false).await;
    assert_eq!(event(&line.next("1").await), event(&whole.next("1").await), "and on it goes");
}

#[tokio::test]
async fn cursor_of_a_gateway_that_was_started_anew_says_that_events_were_missed() {
    let mut world = world().await;
    let mut line = Line::begun(world.address()).await;
    line.subscribe("1", &events(None)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    turn(&world, false).await;
    let old = event(&line.next("1").await).clone();
    world.gateway().await;
    let mut line = Line::begun(world.address()).await;
    let only =
        json!({ "after": cursor(&old), "filter": { "types": ["LEAD_CREATED", "SOURCE_STATE_CHANGED"] } });
    line.subscribe("1", &json!({ "query": EVENTS, "variables": only })).await;
    let lagged = event(&line.next("1").await).clone();
    assert_eq!((&lagged["type"], &lagged["source"]), (&json!("LAGGED"), &Value::Null));
    assert!(lagged["receivedAt"].is_string() && lagged["occurredAt"].is_null());
    turn(&world, false).await;
    assert_eq!(event(&line.next("1").await)["type"], "SOURCE_STATE_CHANGED");
}
