//! Retry: what is worth another attempt, how soon, how often.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::script::{Script, Step, client, fail, hang, kind, later, ok, read, roomy, status, write};
use crate::upstream::call::CallMeter;
use crate::upstream::failure::Kind;
use crate::upstream::policy::Policy;
use crate::upstream::retry::Retry;
use crate::upstream::transport::Transport;

async fn attempts(step: Step, policy: &Policy) -> usize {
    let script = Script::new([], step);
    let _ = client(&script, policy).send(&read(5_000)).await;
    script.calls()
}

#[tokio::test(start_paused = true)]
async fn only_what_a_second_attempt_may_cure_is_tried_again() {
    for step in [fail(Kind::Unreachable), hang(), status(500), status(502), status(503), status(504)] {
        assert_eq!(attempts(step.clone(), &roomy()).await, 2, "{step:?}");
    }
    for code in [302, 400, 401, 403, 404, 405, 410, 422, 429, 501] {
        assert_eq!(attempts(status(code), &roomy()).await, 1, "{code}");
    }
    for kind in [Kind::Protocol, Kind::TooLarge, Kind::Refused] {
        assert_eq!(attempts(fail(kind), &roomy()).await, 1, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_end_at_the_policy_and_a_500_at_two() {
    let policy = Policy { max_attempts: 4, ..roomy() };
    assert_eq!(attempts(status(502), &policy).await, 4);
    assert_eq!(attempts(status(500), &policy).await, 2);
    assert_eq!(attempts(status(502), &Policy { max_attempts: 1, ..roomy() }).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_is_sent_once_whatever_comes_of_it() {
    for step in [fail(Kind::Unreachable), hang(), status(503)] {
        let script = Script::new([], step);
        let _ = client(&script, &roomy()).send(&write(5_000)).await;
        assert_eq!(script.calls(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cured_failure_is_not_seen_and_each_attempt_is_counted() {
    let script = Script::new([status(502)], ok());
    let count = Arc::new(AtomicU32::new(0));
    let mut call = read(5_000);
    let counter = Arc::clone(&count);
    call.meter = CallMeter::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    assert!(client(&script, &roomy()).send(&call).await.is_ok());
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn pauses_are_spread_between_50_and_250_ms() {
    let mut pauses = Vec::new();
    for _ in 0..40 {
        let script = Script::new([status(502)], ok());
        let _ = client(&script, &roomy()).send(&read(5_000)).await;
        pauses.push((script.sent()[1] - script.sent()[0]).as_millis());
    }
    assert!(pauses.iter().all(|pause| (50..=252).contains(pause)), "{pauses:?}");
    let (least, most) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
    assert!(most - least > 60, "no jitter: {pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_happens_past_the_deadline() {
    let script = Script::new([], hang());
    let client = client(&script, &roomy());
    let began = Instant::now();
    assert_eq!(kind(&client, &read(3_000)).await, Some(Kind::Timeout));
    assert!(began.elapsed() <= Duration::from_millis(3_001), "{:?}", began.elapsed());
    assert_eq!(script.calls(), 2);

    script.now(status(502));
    let began = Instant::now();
    assert_eq!(kind(&client, &read(90)).await, Some(Kind::VendorError));
    assert!(began.elapsed() <= Duration::from_millis(40), "no room for a pause: it is not begun");
    assert_eq!(script.calls(), 3);

    let mut late = read(0);
    late.deadline = Instant::now();
    assert_eq!(kind(&client, &late).await, Some(Kind::Timeout));
    assert_eq!(script.calls(), 3, "a call whose deadline has passed is not sent");
}

#[tokio::test(start_paused = true)]
async fn a_503_with_retry_after_is_tried_again_only_if_that_fits() {
    let script = Script::new([later(503, 1)], ok());
    assert_eq!(kind(&client(&script, &roomy()), &read(3_000)).await, None);
    assert!(script.sent()[1] - script.sent()[0] >= Duration::from_secs(1));

    let script = Script::new([later(503, 0)], ok());
    assert_eq!(kind(&client(&script, &roomy()), &read(3_000)).await, None);
    assert!(script.sent()[1] - script.sent()[0] < Duration::from_secs(1), "at once is no silence");

    let script = Script::new([later(503, 7)], ok());
    let began = Instant::now();
    let error = client(&script, &roomy()).send(&read(3_000)).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after), (Kind::VendorError, Some(Duration::from_secs(7))));
    assert!(began.elapsed() < Duration::from_millis(5));
    assert_eq!(script.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_always_fails_is_asked_hardly_more_than_once_a_call() {
    // 50 calls a second for a minute, over the retry layer alone: the breaker would hide the budget.
    let script = Script::new([], fail(Kind::Unreachable));
    let retry = Arc::new(Retry::new(Arc::clone(&script), &roomy()));
    let calls = 3_000;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..calls {
        let retry = Arc::clone(&retry);
        running.spawn(async move {
            let _ = retry.send(&read(3_000)).await;
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while running.join_next().await.is_some() {}
    // The floor may be used once more at the start, when there are few calls.
    let most = calls * 12 / 10 + 10;
    assert!(script.calls() <= most, "{} calls for {calls}", script.calls());
    assert!(script.calls() > calls * 11 / 10, "the budget lets some through: {}", script.calls());
    // Calls begin every 20 ms and fail at once; whatever is sent at another moment is a retry.
    let began = script.sent()[0];
    let retries = script.sent().into_iter().map(|at| (at - began).as_millis()).filter(|at| at % 20 > 1);
    let mut bins = std::collections::HashMap::new();
    retries.for_each(|at| *bins.entry(at / 10).or_insert(0_usize) += 1);
    let (all, fullest) = (bins.values().sum::<usize>(), bins.values().max().unwrap());
    assert!(fullest * 20 <= all, "{fullest} of {all} retries within 10 ms");
}

#[tokio::test(start_paused = true)]
async fn calls_that_fail_at_one_moment_are_not_tried_again_at_one_moment() {
    let script = Script::new([], fail(Kind::Unreachable));
    let retry = Arc::new(Retry::new(Arc::clone(&script), &roomy()));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..2_000 {
        let retry = Arc::clone(&retry);
        running.spawn(async move {
            let _ = retry.send(&read(3_000)).await;
        });
    }
    while running.join_next().await.is_some() {}
    let sent = script.sent();
    let mut bins = [0_usize; 21];
    sent.iter()
        .filter(|at| **at > sent[0])
        .for_each(|at| bins[(*at - sent[0]).as_millis() as usize / 10 - 5] += 1);
    let all: usize = bins.iter().sum();
    // 200 ms have 20 bins: a twentieth each, but for chance.
    assert!(all >= 100 && bins.iter().all(|bin| bin * 10 <= all), "{bins:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_our_own_does_not_hide_what_the_vendor_did() {
    let policy = Policy { quota: 1, quota_window: Duration::from_secs(60), burst: 1, ..roomy() };
    let script = Script::new([], status(502));
    let error = client(&script, &policy).send(&read(3_000)).await.unwrap_err();
    assert_eq!((error.kind, error.status.map(|status| status.as_u16())), (Kind::VendorError, Some(502)));
    assert_eq!(script.calls(), 1);
}
