//! A token that ends, ends what goes on in its name.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::line::{Heard, Line, PROTOCOL};
use super::{EVENTS, events};
use crate::callers::tokens::{claims, issuer};
use crate::harness::issuer::{Keyhouse, Signer, in_secs};
use crate::harness::{Plan, SPELO};

/// What is said within a moment.
async fn said(line: &mut Line) -> Option<Heard> {
    timeout(Duration::from_millis(100), line.hear()).await.ok()
}

#[tokio::test]
async fn token_that_is_over_ends_sockets_and_streams_within_half_a_minute() {
    let house = Keyhouse::start();
    let key = Signer::new("key", "ES256");
    house.tells_keys("/keys", &[&key]);
    let mut corp = issuer(&house, "corp", "/keys");
    corp.leeway = Duration::ZERO;
    let world = Plan::new(3, 3).only(&[SPELO]).issuers(vec![corp]).start().await;
    let token = |secs: i64| {
        let mut claims = claims("ann");
        (claims["scope"], claims["exp"]) = (json!("events:read leads:read"), json!(in_secs(secs)));
        format!("Bearer {}", key.token(&claims))
    };
    let (short, long) = (token(4), token(600));
    let open = async |headers: &[(&str, &str)], payload: Value| {
        let mut line = Line::open(world.address(), headers).await.unwrap();
        line.say(&json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(line.hear().await, Heard::Message(json!({ "type": "connection_ack" })));
        line.subscribe("1", &events(None)).await;
        line
    };
    let mut ending = [
        open(&[PROTOCOL, ("authorization", &short)], Value::Null).await,
        open(&[PROTOCOL], json!({ "authorization": short })).await,
    ];
    let mut going_on = open(&[PROTOCOL, ("authorization", &long)], Value::Null).await;
    let stream = async |token: &str| {
        let request = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = request.post(format!("http://{}/graphql/stream", world.address()));
        let request = request.header("accept", "text/event-stream").header("authorization", token);
        let response = request.json(&json!({ "query": EVENTS })).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response
    };
    let (ending_stream, mut stream_going_on) = (stream(&short).await, stream(&long).await);

    // The token is over by the clock on the wall; what is waited for then passes at once, bit by bit, so that pings are answered.
    tokio::time::sleep(Duration::from_millis(4_100)).await;
    let mut heard = [None, None];
    for _ in 0..4 {
        tokio::time::pause();
        tokio::time::advance(Duration::from_millis(6_500)).await;
        tokio::time::resume();
        for (line, heard) in ending.iter_mut().zip(&mut heard).filter(|(_, heard)| heard.is_none()) {
            *heard = said(line).await;
        }
        assert_eq!(said(&mut going_on).await, None);
    }
    assert_eq!(heard, [Some(Heard::Closed(Some(4403))), Some(Heard::Closed(Some(4403)))]);
    let told = timeout(Duration::from_secs(5), ending_stream.text()).await.expect("it goes on").unwrap();
    assert!(told.contains("\"UNAUTHENTICATED\"") && told.ends_with("event: complete\ndata: \n\n"), "{told}");
    going_on.subscribe("2", &json!({ "query": "{ viewer { name } }" })).await;
    assert_eq!(going_on.next("2").await["data"]["viewer"]["name"], "corp:ann");
    while let Ok(part) = timeout(Duration::from_millis(100), stream_going_on.chunk()).await {
        let part = part.unwrap().expect("it has ended");
        assert!(part.starts_with(b":"), "{part:?}");
    }
}
