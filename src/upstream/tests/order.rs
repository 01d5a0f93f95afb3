//! The order of the layers, seen from outside.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::script::{Script, client, fail, hang, kind, ok, read, roomy, status};
use crate::upstream::failure::Kind;
use crate::upstream::policy::Policy;

#[tokio::test(start_paused = true)]
async fn retries_are_paid_for_and_heard_by_the_breaker() {
    let script = Script::new([], fail(Kind::Unreachable));
    let policy = Policy { quota: 100, burst: 100, max_attempts: 5, ..roomy() };
    let client = client(&script, &policy);
    assert_eq!(kind(&client, &read(10_000)).await, Some(Kind::Unreachable));
    assert_eq!(script.calls(), 5);
    assert_eq!(client.standing().remaining, 95, "rate stands inside retry");
    assert_eq!(
        kind(&client, &read(10_000)).await,
        Some(Kind::BreakerOpen),
        "one call of five attempts trips it"
    );
    assert_eq!(client.standing().remaining, 95, "rate stands inside the breaker");
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_its_own_time() {
    let script = Script::new([hang(), ok().slow(1_900)], ok());
    let began = Instant::now();
    assert_eq!(kind(&client(&script, &roomy()), &read(10_000)).await, None);
    assert!(began.elapsed() >= Duration::from_millis(3_900), "timeout stands inside retry");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_permit_or_for_quota_does_not_eat_an_attempts_time() {
    let policy =
        Policy { attempt_timeout: Duration::from_millis(200), concurrency: 1, max_attempts: 1, ..roomy() };
    let script = Script::new([], ok().slow(150));
    let narrow = client(&script, &policy);
    let (first, second) = tokio::join!(async { kind(&narrow, &read(3_000)).await }, async {
        kind(&narrow, &read(3_000)).await
    });
    assert_eq!((first, second), (None, None), "timeout stands inside the bulkhead");

    let script = Script::new([], ok().slow(150));
    let paced = client(&script, &Policy { quota: 60, burst: 1, ..policy });
    assert_eq!(kind(&paced, &read(3_000)).await, None);
    assert_eq!(kind(&paced, &read(3_000)).await, None, "and inside rate");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_quota_holds_no_permit() {
    let policy = Policy { quota: 60, burst: 1, concurrency: 1, queue: 2, ..roomy() };
    let script = Script::new([], ok());
    let client = client(&script, &policy);
    let (first, second, third) = tokio::join!(
        async { kind(&client, &read(5_000)).await },
        async { kind(&client, &read(5_000)).await },
        async { kind(&client, &read(5_000)).await },
    );
    assert_eq!((first, second, third), (None, None, None), "the bulkhead stands inside rate");
}

#[tokio::test(start_paused = true)]
async fn what_the_bulkhead_refuses_is_not_paid_and_not_held_against_the_vendor() {
    let policy = Policy { quota: 100, burst: 100, concurrency: 1, queue: 1, max_attempts: 1, ..roomy() };
    let script = Script::new([], ok().slow(1_000));
    let client = client(&script, &policy);
    let slow = tokio::spawn({
        let client = client.clone();
        async move { kind(&client, &read(3_000)).await }
    });
    sleep(Duration::from_millis(1)).await;
    for _ in 0..3 {
        assert_eq!(kind(&client, &read(100)).await, Some(Kind::Overloaded));
    }
    assert_eq!(client.standing().remaining, 99);
    assert_eq!(slow.await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn the_gate_stands_before_the_breaker() {
    let script = Script::new([status(401)], fail(Kind::Unreachable));
    let client = client(&script, &Policy { max_attempts: 1, ..roomy() });
    for _ in 0..20 {
        assert_eq!(kind(&client, &read(3_000)).await, Some(Kind::Unauthorized));
    }
    assert_eq!(script.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_vendor_is_asked_seldom_however_many_ask_for_it() {
    let script = Script::new([], fail(Kind::Unreachable));
    let client = client(&script, &roomy());
    let began = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..3_000 {
        let client = client.clone();
        running.spawn(async move { kind(&client, &read(3_000)).await });
        sleep(Duration::from_millis(20)).await;
    }
    assert!(running.join_all().await.iter().all(Option::is_some));
    let later = script.sent().iter().filter(|at| **at > began + Duration::from_secs(10)).count();
    assert!((1..=10).contains(&later), "{later} calls after the first ten seconds");
    assert!(script.calls() <= 40, "{}", script.calls());
}
