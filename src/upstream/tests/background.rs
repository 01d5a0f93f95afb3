//! Calls that nobody waits for: they leave others their reserve, wait for nothing and say nothing about the account.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, advance};

use super::script::{Script, background, client, hang, kind, later, noted, ok, read, roomy, status};
use crate::upstream::client::State;
use crate::upstream::failure::Kind;
use crate::upstream::policy::Policy;

fn quota(quota: u32, burst: u32, reserve: u32) -> Policy {
    Policy { quota, burst, reserve, ..roomy() }
}

#[tokio::test(start_paused = true)]
async fn half_of_the_window_is_kept_for_calls_that_somebody_waits_for() {
    let script = Script::new([], ok());
    let client = client(&script, &quota(60, 60, 50));
    for _ in 0..30 {
        assert_eq!(kind(&client, &background(3_000)).await, None);
    }
    advance(Duration::from_secs(31)).await;
    let began = Instant::now();
    let error = client.send(&background(60_000)).await.unwrap_err();
    assert_eq!((error.kind, error.status), (Kind::QuotaExhausted, None));
    let wait = error.retry_after.unwrap();
    assert!((28_990..=29_000).contains(&wait.as_millis()), "{wait:?}");
    for _ in 0..30 {
        assert_eq!(kind(&client, &read(3_000)).await, None);
    }
    assert_eq!((began.elapsed(), script.calls()), (Duration::ZERO, 60), "somebody was kept waiting");
    advance(wait).await;
    assert_eq!(
        kind(&client, &background(3_000)).await,
        Some(Kind::QuotaExhausted),
        "others have used more since"
    );
}

#[tokio::test(start_paused = true)]
async fn half_of_the_burst_is_kept_for_calls_that_somebody_waits_for() {
    let script = Script::new([], ok());
    let client = client(&script, &quota(60, 11, 50));
    let mut sent = 0;
    while kind(&client, &background(3_000)).await.is_none() {
        sent += 1;
    }
    assert_eq!(sent, 6);
    let began = Instant::now();
    for _ in 0..5 {
        assert_eq!(kind(&client, &read(3_000)).await, None);
    }
    assert_eq!(began.elapsed(), Duration::ZERO, "somebody was kept waiting");
    assert_eq!(kind(&client, &background(3_000)).await, Some(Kind::QuotaExhausted));
}

#[tokio::test(start_paused = true)]
async fn the_reserve_is_as_large_as_the_policy_says() {
    for (reserve, expected) in [(0, 20), (25, 15), (99, 1)] {
        let script = Script::new([], ok());
        let client = client(&script, &quota(20, 20, reserve));
        while kind(&client, &background(3_000)).await.is_none() {}
        assert_eq!(script.calls(), expected, "{reserve} %");
    }
}

#[tokio::test(start_paused = true)]
async fn the_vendors_own_count_is_left_half_for_others() {
    let script = Script::new([noted(31, 20), noted(30, 20)], ok());
    let client = client(&script, &quota(60, 60, 50));
    assert_eq!(kind(&client, &read(3_000)).await, None);
    assert_eq!(kind(&client, &background(3_000)).await, None);
    assert_eq!(kind(&client, &background(3_000)).await, Some(Kind::QuotaExhausted));
    assert_eq!(kind(&client, &read(3_000)).await, None);
    advance(Duration::from_secs(20)).await;
    assert_eq!(kind(&client, &background(3_000)).await, None);
}

#[tokio::test(start_paused = true)]
async fn half_of_the_permits_are_kept_for_calls_that_somebody_waits_for() {
    let script = Script::new([], hang());
    let client = client(&script, &Policy { concurrency: 4, ..roomy() });
    let mut running = JoinSet::new();
    for _ in 0..4 {
        let client = client.clone();
        running.spawn(async move { kind(&client, &background(1_000)).await });
    }
    tokio::task::yield_now().await;
    assert_eq!(script.running(), 2);
    for _ in 0..2 {
        let client = client.clone();
        running.spawn(async move { kind(&client, &read(1_000)).await });
    }
    let outcomes = running.join_all().await;
    assert_eq!(script.most(), 4);
    assert_eq!(outcomes.iter().filter(|kind| **kind == Some(Kind::Overloaded)).count(), 2, "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn it_waits_for_nothing() {
    let script = Script::new([later(429, 2)], ok());
    let client = client(&script, &quota(60, 60, 50));
    assert_eq!(kind(&client, &read(1_000)).await, Some(Kind::RateLimited));
    let began = Instant::now();
    assert_eq!(kind(&client, &background(60_000)).await, Some(Kind::RateLimited));
    assert_eq!((began.elapsed(), script.calls()), (Duration::ZERO, 1));
    assert_eq!(kind(&client, &read(60_000)).await, None, "somebody waits for this one");
}

#[tokio::test(start_paused = true)]
async fn it_is_not_tried_again() {
    let script = Script::new([], status(503));
    let client = client(&script, &roomy());
    assert_eq!(kind(&client, &background(10_000)).await, Some(Kind::VendorError));
    assert_eq!(script.calls(), 1);
    assert_eq!(client.standing().state, State::Degraded, "what the vendor answered is heard");
}

#[tokio::test(start_paused = true)]
async fn its_refusal_says_nothing_about_the_account() {
    let script = Script::new([], ok());
    let client = client(&script, &quota(4, 4, 50));
    while kind(&client, &background(3_000)).await.is_none() {}
    let standing = client.standing();
    assert_eq!((standing.state, standing.last_error, standing.remaining), (State::Up, None, 2));
}
