//! The quota ledger and the vendor's wish for silence.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, advance, sleep};

use super::script::{Script, client, hang, kind, later, noted, ok, read, roomy, status, write};
use crate::upstream::failure::Kind;
use crate::upstream::policy::Policy;

fn quota(quota: u32, burst: u32) -> Policy {
    Policy { quota, burst, quota_window: Duration::from_secs(60), max_attempts: 1, ..roomy() }
}

#[tokio::test(start_paused = true)]
async fn a_burst_goes_at_once_and_then_the_pace_holds() {
    let script = Script::new([], ok());
    let client = client(&script, &quota(60, 3));
    let began = Instant::now();
    for _ in 0..6 {
        assert_eq!(kind(&client, &read(5_000)).await, None);
    }
    let gaps: Vec<_> = script.sent().iter().map(|at| (*at - began).as_millis()).collect();
    for (gap, expected) in gaps.iter().zip([0, 0, 0, 1_000, 2_000, 3_000]) {
        assert!((expected..=expected + 3).contains(gap), "{gaps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_window_ever_holds_more_than_the_quota() {
    let script = Script::new([], ok());
    let client = client(&script, &quota(30, 10));
    for _ in 0..2_000 {
        let _ = kind(&client, &read(1)).await;
        advance(Duration::from_millis(137)).await;
    }
    let sent = script.sent();
    for (at, first) in sent.iter().enumerate() {
        let within = sent[at..].iter().take_while(|other| **other < *first + Duration::from_secs(60)).count();
        assert!(within <= 30, "{within} calls within a minute");
    }
    assert!(sent.len() >= 120, "and it is used: {}", sent.len());
}

#[tokio::test(start_paused = true)]
async fn what_would_wait_past_its_deadline_is_refused_at_once_with_the_time() {
    let script = Script::new([], ok());
    let client = client(&script, &quota(6, 1));
    assert_eq!(kind(&client, &read(3_000)).await, None);
    let began = Instant::now();
    let error = client.send(&write(3_000)).await.unwrap_err();
    assert_eq!((error.kind, error.status), (Kind::QuotaExhausted, None));
    let wait = error.retry_after.unwrap();
    assert!((9_990..=10_000).contains(&wait.as_millis()), "{wait:?}");
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(script.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_gives_its_place_back_and_a_sent_call_does_not() {
    let script = Script::new([], ok());
    let client = client(&script, &quota(60, 1));
    assert_eq!(kind(&client, &read(3_000)).await, None);
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { kind(&client, &read(3_000)).await }
    });
    sleep(Duration::from_millis(10)).await;
    assert_eq!(client.standing().remaining, 58);
    waiting.abort();
    assert!(waiting.await.is_err());
    assert_eq!(client.standing().remaining, 59);
    let began = Instant::now();
    assert_eq!(kind(&client, &read(3_000)).await, None);
    assert!(began.elapsed() < Duration::from_millis(995), "the place of the dropped one is free");

    script.now(hang());
    sleep(Duration::from_secs(1)).await;
    let sent = tokio::spawn({
        let client = client.clone();
        async move { kind(&client, &read(3_000)).await }
    });
    sleep(Duration::from_millis(10)).await;
    sent.abort();
    assert!(sent.await.is_err());
    assert_eq!(client.standing().remaining, 57);
}

#[tokio::test(start_paused = true)]
async fn the_vendors_own_count_goes_over_ours() {
    let script = Script::new([noted(2, 8)], ok());
    let client = client(&script, &quota(60, 60));
    assert_eq!(kind(&client, &read(3_000)).await, None);
    let standing = client.standing();
    assert_eq!((standing.quota, standing.remaining), (60, 2));
    assert!(standing.reset_at.is_some());
    assert_eq!(kind(&client, &read(3_000)).await, None);
    assert_eq!(kind(&client, &read(3_000)).await, None);
    let error = client.send(&read(3_000)).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after), (Kind::QuotaExhausted, Some(Duration::from_secs(8))));
    assert_eq!(script.calls(), 3);
    advance(Duration::from_secs(6)).await;
    assert_eq!(kind(&client, &read(3_000)).await, None, "two seconds fit the deadline");
    assert_eq!(script.calls(), 4);
    assert_eq!((client.standing().remaining, client.standing().reset_at), (56, None));
}

#[tokio::test(start_paused = true)]
async fn calls_under_way_may_be_missing_in_the_vendors_count() {
    let script = Script::new([noted(3, 8).slow(100), ok().slow(500)], ok());
    let client = client(&script, &quota(60, 60));
    let mut running = JoinSet::new();
    for _ in 0..2 {
        let client = client.clone();
        running.spawn(async move { kind(&client, &read(3_000)).await });
    }
    sleep(Duration::from_millis(200)).await;
    assert_eq!(client.standing().remaining, 2);
    assert_eq!(running.join_all().await, [None, None]);
}

#[tokio::test(start_paused = true)]
async fn after_a_429_the_whole_account_is_silent_for_as_long_as_it_says() {
    let script = Script::new([later(429, 7)], ok());
    let client = client(&script, &quota(600, 600));
    let error = client.send(&read(3_000)).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after), (Kind::RateLimited, Some(Duration::from_secs(7))));
    for passed in 0..3 {
        let error = client.send(&write(3_000)).await.unwrap_err();
        let left = Duration::from_secs(7 - passed);
        assert_eq!((error.kind, error.status, error.retry_after), (Kind::RateLimited, None, Some(left)));
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(script.calls(), 1);
    advance(Duration::from_secs(2)).await;
    assert_eq!(kind(&client, &read(3_000)).await, None, "two seconds fit the deadline");
    let gap = script.sent()[1] - script.sent()[0];
    assert!((7_000..=7_005).contains(&gap.as_millis()), "{gap:?}");
}

#[tokio::test(start_paused = true)]
async fn a_503_with_retry_after_silences_too_and_one_without_does_not() {
    let script = Script::new([later(503, 9)], ok());
    let first = client(&script, &quota(600, 600));
    assert_eq!(kind(&first, &read(3_000)).await, Some(Kind::VendorError));
    assert_eq!(kind(&first, &read(3_000)).await, Some(Kind::RateLimited));

    let script = Script::new([status(503)], ok());
    let second = client(&script, &quota(600, 600));
    assert_eq!(kind(&second, &read(3_000)).await, Some(Kind::VendorError));
    assert_eq!(kind(&second, &read(3_000)).await, None);
}

#[tokio::test(start_paused = true)]
async fn silences_of_our_own_double_to_a_minute_and_end_with_a_success() {
    let script = Script::new([], status(429));
    let client = client(&script, &quota(600, 600));
    for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
        let error = client.send(&read(10)).await.unwrap_err();
        assert_eq!(error.retry_after, Some(Duration::from_secs(expected)));
        advance(Duration::from_secs(expected)).await;
    }
    script.now(ok());
    assert_eq!(kind(&client, &read(10)).await, None);
    script.now(status(429));
    let error = client.send(&read(10)).await.unwrap_err();
    assert_eq!(error.retry_after, Some(Duration::from_secs(1)));
}

#[tokio::test(start_paused = true)]
async fn many_429s_of_one_moment_are_one_strike() {
    let script = Script::new([], status(429).slow(20));
    let client = client(&script, &quota(600, 600));
    let mut running = JoinSet::new();
    for _ in 0..8 {
        let client = client.clone();
        running.spawn(async move { client.send(&read(500)).await.unwrap_err().retry_after });
    }
    let waits = running.join_all().await;
    assert!(waits.iter().all(|wait| *wait == Some(Duration::from_secs(1))), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_turn_hears_of_a_silence() {
    let script = Script::new([later(429, 30).slow(500)], ok());
    let client = client(&script, &quota(60, 1));
    let (first, second) = tokio::join!(async { kind(&client, &read(3_000)).await }, async {
        kind(&client, &read(3_000)).await
    });
    assert_eq!((first, second), (Some(Kind::RateLimited), Some(Kind::RateLimited)));
    assert_eq!(script.calls(), 1);
    assert_eq!(client.standing().remaining, 59, "what was not sent is not paid");
}

#[tokio::test(start_paused = true)]
async fn the_quota_holds_through_waits_and_hang_ups() {
    let script = Script::new([], ok().slow(30));
    let client = client(&script, &quota(40, 8));
    let mut dice = fastrand::Rng::with_seed(7);
    let mut running = JoinSet::new();
    for _ in 0..1_500 {
        let (client, patience, deadline) = (client.clone(), dice.u64(1..4_000), dice.u64(100..5_000));
        running.spawn(async move {
            let call = read(deadline);
            let _ = tokio::time::timeout(Duration::from_millis(patience), client.send(&call)).await;
        });
        sleep(Duration::from_millis(dice.u64(1..400))).await;
    }
    running.join_all().await;
    let sent = script.sent();
    for (at, first) in sent.iter().enumerate() {
        let within = sent[at..].iter().take_while(|other| **other < *first + Duration::from_secs(60)).count();
        assert!(within <= 40, "{within} calls within a minute");
    }
    assert!(sent.len() >= 170, "five minutes of demand use the quota: {}", sent.len());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_comes_too_late_costs_nothing() {
    let script = Script::new([], ok());
    let client = client(&script, &quota(60, 60));
    assert_eq!(kind(&client, &read(0)).await, Some(Kind::Timeout));
    assert_eq!((script.calls(), client.standing().remaining), (0, 60));
}

#[tokio::test(start_paused = true)]
async fn no_more_wait_for_quota_or_for_the_end_of_a_silence_than_the_queue_holds() {
    let script = Script::new([], ok());
    let policy = Policy { queue: 2, ..quota(600, 1) };
    let client = client(&script, &policy);
    let ask = async |at_once: usize| {
        let mut running = JoinSet::new();
        for _ in 0..at_once {
            let client = client.clone();
            running.spawn(async move { kind(&client, &read(3_000)).await });
        }
        let outcomes = running.join_all().await;
        let refused = outcomes.iter().filter(|outcome| **outcome == Some(Kind::Overloaded)).count();
        (outcomes.iter().filter(|outcome| outcome.is_none()).count(), refused)
    };
    assert_eq!(ask(5).await, (3, 2));
    assert_eq!(client.standing().remaining, 597, "who found no place gives the quota back");

    sleep(Duration::from_secs(1)).await;
    script.now(later(429, 1));
    assert_eq!(kind(&client, &read(100)).await, Some(Kind::RateLimited));
    script.now(ok());
    assert_eq!(ask(5).await, (2, 3));
    assert_eq!(ask(3).await, (2, 1), "the places are free again");
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_a_permit_hear_of_a_silence_too() {
    let script = Script::new([later(429, 2).slow(100)], ok());
    let policy = Policy { concurrency: 1, ..quota(600, 600) };
    let client = client(&script, &policy);
    let ask = async |millis: u64| kind(&client, &read(millis)).await;
    let (first, hasty, patient) = tokio::join!(ask(1_000), ask(1_000), ask(4_000));
    assert_eq!((first, hasty, patient), (Some(Kind::RateLimited), Some(Kind::RateLimited), None));
    let sent = script.sent();
    assert_eq!(sent.len(), 2);
    assert!(sent[1] - sent[0] >= Duration::from_millis(2_100), "silence begins with the answer");
    assert_eq!(client.standing().remaining, 598);
}
