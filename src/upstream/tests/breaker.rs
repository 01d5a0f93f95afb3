//! The breaker: when it trips, how long it rests, who may probe.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, advance, sleep};

use super::script::{Script, client, fail, hang, kind, ok, read, roomy, status, write};
use crate::upstream::client::Client;
use crate::upstream::failure::Kind;
use crate::upstream::policy::Policy;

/// One attempt for each call, so that calls are failures.
fn single() -> Policy {
    Policy { max_attempts: 1, ..roomy() }
}

async fn ask(client: &Client) -> Option<Kind> {
    kind(client, &read(3_000)).await
}

/// A breaker that has just tripped.
async fn tripped() -> (Arc<Script>, Client) {
    let script = Script::new([], fail(Kind::Unreachable));
    let client = client(&script, &single());
    for _ in 0..5 {
        assert_eq!(ask(&client).await, Some(Kind::Unreachable));
    }
    assert_eq!(script.calls(), 5);
    (script, client)
}

/// How long no call passes, to 10 ms. The call that passes is a probe.
async fn rest(script: &Script, client: &Client) -> Duration {
    let (began, calls) = (Instant::now(), script.calls());
    while script.calls() == calls {
        advance(Duration::from_millis(10)).await;
        let _ = ask(client).await;
    }
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_trip_it_and_then_nothing_is_sent() {
    let (script, client) = tripped().await;
    for _ in 0..100 {
        let error = client.send(&read(3_000)).await.unwrap_err();
        assert_eq!(error.kind, Kind::BreakerOpen);
        let wait = error.retry_after.unwrap();
        assert!((Duration::from_secs(4)..=Duration::from_secs(6)).contains(&wait), "{wait:?}");
    }
    assert_eq!(script.calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_success_in_between_starts_the_row_anew() {
    let steps = [1, 1, 1, 1, 0, 1, 1, 1, 1].map(|bad| if bad == 1 { status(502) } else { ok() });
    let script = Script::new(steps, ok());
    let client = client(&script, &single());
    for _ in 0..10 {
        let _ = ask(&client).await;
    }
    assert_eq!(script.calls(), 10);
}

#[tokio::test(start_paused = true)]
async fn half_of_twenty_within_the_window_trip_it() {
    let steps = || (0..20).map(|at| if at % 2 == 1 { status(502) } else { ok() });
    let script = Script::new(steps(), ok());
    let near = client(&script, &single());
    for _ in 0..20 {
        let _ = ask(&near).await;
    }
    assert_eq!(ask(&near).await, Some(Kind::BreakerOpen));

    let script = Script::new(steps(), ok());
    let far = client(&script, &single());
    for _ in 0..20 {
        let _ = ask(&far).await;
        sleep(Duration::from_secs(2)).await;
    }
    assert_eq!(ask(&far).await, None, "spread over 40 s they are too few for a judgement");
}

#[tokio::test(start_paused = true)]
async fn only_failures_of_the_vendors_making_count() {
    let innocent = [400, 401, 403, 404, 405, 422, 429].map(status);
    for step in
        innocent.into_iter().chain([fail(Kind::Refused), fail(Kind::Overloaded), fail(Kind::TooLarge)])
    {
        let script = Script::new([], step.clone());
        let client = client(&script, &single());
        for _ in 0..30 {
            assert_ne!(ask(&client).await, Some(Kind::BreakerOpen), "{step:?}");
            advance(Duration::from_secs(61)).await;
        }
    }
    for step in [hang(), status(500), status(302), fail(Kind::Protocol)] {
        let script = Script::new([], step.clone());
        let client = client(&script, &single());
        for _ in 0..5 {
            let _ = ask(&client).await;
        }
        assert_eq!(ask(&client).await, Some(Kind::BreakerOpen), "{step:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn callers_with_no_time_do_not_trip_it() {
    let script = Script::new([], ok().slow(500));
    let client = client(&script, &single());
    for _ in 0..20 {
        assert_eq!(kind(&client, &read(100)).await, Some(Kind::Timeout));
    }
    assert_eq!(ask(&client).await, None);
}

#[tokio::test(start_paused = true)]
async fn rests_double_up_to_a_minute_and_a_success_ends_them() {
    let (script, client) = tripped().await;
    for expected in [5.0, 10.0, 20.0, 40.0, 60.0, 60.0] {
        let rested = rest(&script, &client).await.as_secs_f64();
        assert!((expected * 0.79..=expected * 1.21).contains(&rested), "{rested} for {expected}");
    }
    script.now(ok());
    rest(&script, &client).await;
    for _ in 0..10 {
        assert_eq!(ask(&client).await, None);
    }
    script.now(status(500));
    for _ in 0..5 {
        let _ = ask(&client).await;
    }
    let rested = rest(&script, &client).await.as_secs_f64();
    assert!((3.9..=6.1).contains(&rested), "after a success it begins at 5 s again: {rested}");
}

#[tokio::test(start_paused = true)]
async fn rests_differ() {
    let mut rests = Vec::new();
    for _ in 0..12 {
        let (script, client) = tripped().await;
        rests.push(rest(&script, &client).await);
    }
    assert!(
        *rests.iter().max().unwrap() - *rests.iter().min().unwrap() > Duration::from_millis(300),
        "{rests:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn exactly_one_call_probes_and_its_success_lets_all_pass() {
    let (script, client) = tripped().await;
    script.now(ok().slow(300));
    advance(Duration::from_secs(7)).await;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let client = client.clone();
        running.spawn(async move { ask(&client).await });
    }
    let outcomes = running.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_none()).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Some(Kind::BreakerOpen)).count(), 49);
    assert_eq!(script.calls(), 6);
    assert_eq!(ask(&client).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_probe_leaves_its_place_to_the_next_call() {
    let (script, client) = tripped().await;
    script.now(hang());
    advance(Duration::from_secs(7)).await;
    let probe = tokio::spawn({
        let client = client.clone();
        async move { ask(&client).await }
    });
    sleep(Duration::from_millis(10)).await;
    assert_eq!(script.running(), 1);
    assert_eq!(ask(&client).await, Some(Kind::BreakerOpen), "one probe at a time");
    probe.abort();
    assert!(probe.await.is_err());
    assert_eq!(script.running(), 0);
    script.now(ok());
    assert_eq!(ask(&client).await, None);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_any_sense_to_a_probe_shows_that_the_vendor_is_back() {
    for (step, back) in [(status(404), true), (status(400), true), (status(429), false), (status(500), false)]
    {
        let (script, client) = tripped().await;
        script.now(step.clone());
        advance(Duration::from_secs(7)).await;
        let _ = ask(&client).await;
        script.now(ok().slow(10));
        advance(Duration::from_secs(1)).await;
        let (first, second) = tokio::join!(ask(&client), ask(&client));
        assert_eq!(first.is_none() && second.is_none(), back, "{step:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn late_news_from_before_it_tripped_is_not_heard() {
    let script = Script::new([ok().slow(8_000)], fail(Kind::Unreachable));
    let policy = Policy { attempt_timeout: Duration::from_secs(20), ..single() };
    let client = client(&script, &policy);
    let patient = |client: Client| async move { kind(&client, &read(20_000)).await };
    let early = tokio::spawn(patient(client.clone()));
    sleep(Duration::from_millis(10)).await;
    for _ in 0..5 {
        let _ = ask(&client).await;
    }
    assert_eq!(ask(&client).await, Some(Kind::BreakerOpen));
    script.now(hang());
    sleep(Duration::from_secs(7)).await;
    let probe = tokio::spawn(patient(client.clone()));
    assert_eq!(early.await.unwrap(), None);
    assert_eq!(ask(&client).await, Some(Kind::BreakerOpen), "only the probe decides");
    assert_eq!(probe.await.unwrap(), Some(Kind::Timeout));
}

#[tokio::test(start_paused = true)]
async fn reads_and_writes_are_judged_apart() {
    let (script, client) = tripped().await;
    script.now(ok());
    assert_eq!(kind(&client, &write(3_000)).await, None);
    assert_eq!(ask(&client).await, Some(Kind::BreakerOpen));
}
