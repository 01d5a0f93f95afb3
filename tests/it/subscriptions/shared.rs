//! Several who follow the same: one that leaves, and one that is too slow, trouble no other.

use std::time::Duration;

use serde_json::{Value, json};

use super::line::{Heard, Line, PROTOCOL};
use super::stream::{request, told};
use super::{EVENTS, cursor, event, events, turn, world};
use crate::harness::{Plan, SPELO, World};
use crate::writes::update;
use futures_util::StreamExt;

#[tokio::test]
async fn first_of_three_leaves_and_the_others_go_on() {
    let world = world().await;
    let mut lines = Vec::new();
    for _ in 0..3 {
        let mut line = Line::begun(world.address()).await;
        line.subscribe("1", &events(None)).await;
        lines.push(line);
    }
    let mut stream = told(request(&world, &events(None)).send().await.unwrap());
    tokio::time::sleep(Duration::from_millis(300)).await;
    turn(&world, false).await;
    let mut heard = Vec::new();
    for line in &mut lines {
        heard.push(event(&line.next("1").await).clone());
    }
    assert!(heard.iter().all(|told| *told == heard[0]), "one event is the same for all");
    assert_eq!(event(&stream.next().await.unwrap().1), &heard[0]);

    // Who began it all says goodbye, or is just gone.
    lines[0].say(&json!({ "type": "complete", "id": "1" })).await;
    turn(&world, true).await;
    let second = event(&lines[1].next("1").await).clone();
    assert_eq!(event(&lines[2].next("1").await), &second);
    drop(lines.remove(1));
    turn(&world, false).await;
    let third = event(&lines[1].next("1").await).clone();
    assert_ne!(cursor(&third), cursor(&second));
    for told in [&second, &third] {
        assert_eq!(event(&stream.next().await.unwrap().1), told);
    }
}

/// Two hundred times the note: a few events fill every buffer on the way.
fn heavy(after: Option<&str>) -> Value {
    let notes: String = (0..20).map(|at| format!("n{at}: notes {{ text }} ")).collect();
    let query = format!(
        "subscription($after: String) {{ events(after: $after) {{ cursor type lead {{ {notes} }} }} }}"
    );
    json!({ "query": query, "variables": { "after": after } })
}

/// What is heard until one is told that it was too slow: the cursors, and whether that was said.
async fn heard(line: &mut Line) -> (Vec<String>, bool) {
    let mut cursors = Vec::new();
    loop {
        let Heard::Message(message) = line.hear().await else { panic!("the line was cut") };
        if message["type"] == "complete" {
            return (cursors, false);
        }
        let payload = &message["payload"];
        let errors = if message["type"] == "error" { payload } else { &payload["errors"] };
        if errors[0]["extensions"]["code"] == "SUBSCRIBER_TOO_SLOW" {
            return (cursors, true);
        }
        cursors.push(cursor(event(payload)).to_owned());
    }
}

#[tokio::test]
async fn who_takes_nothing_is_told_that_it_was_too_slow_and_holds_up_nobody() {
    const WRITES: usize = 120;
    let plan = Plan::new(3, 3).only(&[SPELO]).events(|events| events.max_waiting = 4);
    let mut plan = plan.events(|events| events.max_bytes = 64 << 20);
    plan.graphql.limits.aliases = 100;
    let world: World = plan.start().await;
    let id = world.newest(SPELO).await;
    let (mut slow, mut quick) = (Line::begun(world.address()).await, Line::begun(world.address()).await);
    slow.subscribe("1", &heavy(None)).await;
    quick.subscribe("1", &json!({ "query": EVENTS })).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut all = Vec::new();
    for number in 0..WRITES {
        // Five kilobytes that differ.
        let note = format!("{number:04}").repeat(1_250);
        assert_eq!(update(&world, json!({"id": id, "notes": note})).await["outcome"], "APPLIED");
        all.push(cursor(event(&quick.next("1").await)).to_owned());
    }
    let (mut taken, told) = heard(&mut slow).await;
    assert!(told, "{} events of {WRITES} were taken, and nothing was said", taken.len());
    assert!(!taken.is_empty() && taken.len() < WRITES, "{}", taken.len());
    // It comes back with the last that it saw, and nothing is missed.
    while taken.len() < WRITES {
        slow.subscribe("1", &heavy(taken.last().map(String::as_str))).await;
        for _ in taken.len()..WRITES {
            taken.push(cursor(event(&slow.next("1").await)).to_owned());
        }
    }
    assert_eq!(taken, all, "nothing missed, nothing twice");
}

#[tokio::test]
async fn sockets_and_streams_of_a_caller_are_counted_together() {
    let mut plan = Plan::new(3, 3).only(&[SPELO]);
    plan.http.max_lines_per_caller = 3;
    let world = plan.start().await;
    let (socket, _other) = (Line::begun(world.address()).await, Line::begun(world.address()).await);
    let stream = request(&world, &events(None)).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    assert_eq!(request(&world, &events(None)).send().await.unwrap().status(), 429);
    assert_eq!(Line::open(world.address(), &[PROTOCOL]).await.err().unwrap().0, 429);
    drop(socket);
    for tries in 0.. {
        if request(&world, &events(None)).send().await.unwrap().status() == 200 {
            break;
        }
        assert!(tries < 100, "a socket that is gone keeps the place of a stream");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn page_of_a_named_origin_gets_a_socket_and_a_stream() {
    let mut plan = Plan::new(3, 3).only(&[SPELO]);
    plan.http.cors_origins = vec!["https://app.example.com".parse().unwrap()];
    let world = plan.start().await;
    let browser = |origin: &'static str| [PROTOCOL, ("origin", origin), ("sec-fetch-site", "cross-site")];
    Line::open(world.address(), &browser("https://app.example.com")).await.unwrap();
    assert_eq!(Line::open(world.address(), &browser("https://evil.example")).await.err().unwrap().0, 403);
    for (origin, status) in [("https://app.example.com", 200), ("https://evil.example", 403)] {
        let asked =
            request(&world, &events(None)).header("origin", origin).header("sec-fetch-site", "cross-site");
        assert_eq!(asked.send().await.unwrap().status(), status, "{origin}");
    }
}
