//! The life of a stream, on a paused clock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, ready};
use http_body_util::BodyExt;

use super::*;
use crate::http::live::{LiveEngine, Reply};
use crate::http::overload::Gate;
use crate::http::{Identify, Lines, Settings, everyone};

fn door(engine: LiveEngine, identify: Identify) -> Door {
    Door {
        engine,
        gate: Gate::new(20, Duration::from_secs(1)),
        identify,
        lines: Lines::new(&Settings::default()),
        origins: Arc::default(),
        request_timeout: Duration::from_secs(5),
        max_body_bytes: 1_024,
    }
}

/// A gateway on which nothing happens, and whose caller may be forgotten.
async fn open(identify: Identify) -> (Body, Lines) {
    let engine: LiveEngine = Arc::new(|_, _| ready(Reply::Each(stream::pending().boxed())).boxed());
    let door = door(engine, identify);
    let lines = door.lines.clone();
    let request = Request::post("/")
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, MEDIA)
        .header("authorization", "Bearer token");
    let request = request.body(Body::from(r#"{"query":"subscription { events { type } }"}"#)).unwrap();
    let response = answer(door, request, "id".into(), Caller::anonymous()).await;
    assert_eq!(response.status(), 200);
    (response.into_body(), lines)
}

/// The next part of a stream; `None` at its end.
async fn next_of(body: &mut Body) -> Option<String> {
    let part = body.frame().await?.unwrap().into_data().unwrap();
    Some(String::from_utf8(part.to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn caller_who_is_no_longer_known_is_told_so_within_a_minute_and_the_stream_ends() {
    let known = Arc::new(AtomicBool::new(true));
    let held = Arc::clone(&known);
    let identify: Identify = Arc::new(move |token| {
        assert_eq!(token, Some("token"), "who asked, not who asks");
        let known = held.load(Ordering::Relaxed);
        let found = if known { Ok(Caller::anonymous()) } else { Err(Refusal::Unknown) };
        Either::Right(ready(found).boxed())
    });
    let (mut body, lines) = open(identify).await;
    for _ in 0..8 {
        assert_eq!(next_of(&mut body).await.unwrap(), ":\n\n", "nothing happens, and it is there");
    }
    known.store(false, Ordering::Relaxed);
    let began = Instant::now();
    let told = loop {
        let part = next_of(&mut body).await.unwrap();
        if part != ":\n\n" {
            break part;
        }
    };
    assert!(began.elapsed() <= Duration::from_secs(60), "{:?}", began.elapsed());
    assert!(told.starts_with("event: next\n") && told.contains("UNAUTHENTICATED"), "{told}");
    assert_eq!(next_of(&mut body).await.unwrap(), "event: complete\ndata: \n\n");
    assert_eq!(next_of(&mut body).await, None);
    assert_eq!(lines.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_tells_who_callers_are_may_fail_for_a_while() {
    let (mut body, lines) = open(Arc::new(|_| Either::Left(ready(Err(Refusal::Unavailable))))).await;
    for _ in 0..20 {
        assert_eq!(next_of(&mut body).await.unwrap(), ":\n\n");
    }
    lines.close();
    assert_eq!(next_of(&mut body).await.unwrap(), "event: complete\ndata: \n\n");
}

#[tokio::test(start_paused = true)]
async fn client_that_takes_nothing_is_given_up() {
    let answer = || Answer {
        body: vec![b'1'].into(),
        status: StatusCode::OK,
        fresh: None,
        lease: None,
        retry_after: None,
    };
    let engine: LiveEngine = Arc::new(|_, _| ready(Reply::nothing("")).boxed());
    let door = door(engine, everyone());
    let lines = door.lines.clone();
    let (sender, receiver) = mpsc::channel(1);
    let pump = Pump { line: lines.open().unwrap(), door, request_id: Arc::from(""), token: None, sender };
    let began = Instant::now();
    assert_eq!(pump.follow(stream::repeat_with(answer).boxed()).await, None);
    assert_eq!(began.elapsed(), TAKEN);
    drop((pump, receiver));
    assert_eq!(lines.count(), 0);
}
