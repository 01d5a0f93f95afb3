//! The credential gate.

use std::time::Duration;

use tokio::time::{advance, sleep};

use super::script::{Script, client, hang, kind, later, ok, read, roomy, status, write};
use crate::upstream::failure::Kind;

const REFUSED: Option<Kind> = Some(Kind::Unauthorized);

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_used_once_a_minute_until_it_is_taken() {
    let script = Script::new([], status(401));
    let client = client(&script, &roomy());
    for minute in 1..=3 {
        for _ in 0..59 {
            assert_eq!(kind(&client, &read(3_000)).await, REFUSED);
            assert_eq!(kind(&client, &write(3_000)).await, REFUSED);
            advance(Duration::from_secs(1)).await;
        }
        assert_eq!(script.calls(), minute);
        advance(Duration::from_secs(2)).await;
    }
    script.now(ok());
    assert_eq!(kind(&client, &read(3_000)).await, None);
    assert_eq!(kind(&client, &write(3_000)).await, None);
}

#[tokio::test(start_paused = true)]
async fn the_refusal_says_when_to_come_back() {
    let script = Script::new([], status(401));
    let client = client(&script, &roomy());
    let refused = client.send(&read(3_000)).await.unwrap_err();
    assert_eq!((refused.status.is_some(), refused.retry_after), (true, Some(Duration::from_secs(60))));
    advance(Duration::from_secs(20)).await;
    let unsent = client.send(&read(3_000)).await.unwrap_err();
    assert_eq!((unsent.status, unsent.retry_after), (None, Some(Duration::from_secs(40))));
}

#[tokio::test(start_paused = true)]
async fn one_call_at_a_time_tries_the_key_again() {
    let script = Script::new([status(401)], ok().slow(200));
    let client = client(&script, &roomy());
    assert_eq!(kind(&client, &read(3_000)).await, REFUSED);
    advance(Duration::from_secs(61)).await;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let client = client.clone();
        running.spawn(async move { kind(&client, &read(3_000)).await });
    }
    let outcomes = running.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_none()).count(), 1);
    assert_eq!(script.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_try_leaves_its_place_to_the_next() {
    let script = Script::new([status(401), hang()], ok());
    let client = client(&script, &roomy());
    assert_eq!(kind(&client, &read(3_000)).await, REFUSED);
    advance(Duration::from_secs(61)).await;
    let mut trying = tokio::spawn({
        let client = client.clone();
        async move { kind(&client, &read(3_000)).await }
    });
    tokio::select! {
        _ = &mut trying => panic!("it hangs"),
        () = sleep(Duration::from_millis(20)) => trying.abort(),
    }
    assert!(trying.await.is_err());
    assert_eq!(kind(&client, &read(3_000)).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_about_the_key_leaves_the_gate_as_it_is() {
    let script = Script::new([status(401), later(503, 20)], ok().slow(10));
    let client = client(&script, &roomy());
    assert_eq!(kind(&client, &read(3_000)).await, REFUSED);
    advance(Duration::from_secs(61)).await;
    assert_eq!(kind(&client, &read(3_000)).await, Some(Kind::VendorError));
    advance(Duration::from_secs(21)).await;
    let (first, second) = tokio::join!(async { kind(&client, &read(3_000)).await }, async {
        kind(&client, &read(3_000)).await
    });
    assert_eq!((first, second), (None, REFUSED), "still one at a time");
    assert_eq!(kind(&client, &read(3_000)).await, None);
}
