//! The bulkhead: how many at once, how many waiting, how long.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::script::{Script, client, hang, kind, ok, read, roomy};
use crate::upstream::failure::Kind;
use crate::upstream::policy::Policy;

fn narrow(concurrency: u32, queue: u32) -> Policy {
    Policy { concurrency, queue, max_attempts: 1, ..roomy() }
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_once_than_the_policy_says() {
    let script = Script::new([], ok().slow(50));
    let client = client(&script, &narrow(3, 64));
    let mut running = JoinSet::new();
    for _ in 0..12 {
        let client = client.clone();
        running.spawn(async move { kind(&client, &read(3_000)).await });
    }
    assert!(running.join_all().await.iter().all(Option::is_none));
    assert_eq!(script.most(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once_and_those_in_it_have_their_turn() {
    let script = Script::new([], ok().slow(500));
    let client = client(&script, &narrow(1, 2));
    let began = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..5 {
        let client = client.clone();
        running.spawn(async move { (kind(&client, &read(3_000)).await, began.elapsed().as_millis()) });
    }
    let mut outcomes = running.join_all().await;
    outcomes.sort_by_key(|(_, elapsed)| *elapsed);
    let overloaded = Some(Kind::Overloaded);
    assert_eq!(outcomes[..2], [(overloaded, 0), (overloaded, 0)]);
    assert!(outcomes[2..].iter().all(|(kind, _)| kind.is_none()));
    assert_eq!(script.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_the_deadline() {
    let script = Script::new([], ok().slow(1_000));
    let client = client(&script, &narrow(1, 2));
    let first = tokio::spawn({
        let client = client.clone();
        async move { kind(&client, &read(3_000)).await }
    });
    sleep(Duration::from_millis(1)).await;
    let began = Instant::now();
    assert_eq!(kind(&client, &read(100)).await, Some(Kind::Overloaded));
    assert!(began.elapsed() <= Duration::from_millis(102));
    assert_eq!(first.await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn dropped_calls_give_their_permits_and_places_back() {
    let script = Script::new([], hang());
    let client = client(&script, &narrow(2, 2));
    let mut running = JoinSet::new();
    for _ in 0..4 {
        let client = client.clone();
        running.spawn(async move { kind(&client, &read(3_000)).await });
    }
    sleep(Duration::from_millis(10)).await;
    assert_eq!(script.running(), 2);
    running.shutdown().await;
    assert_eq!(script.running(), 0);
    script.now(ok().slow(100));
    let mut running = JoinSet::new();
    for _ in 0..4 {
        let client = client.clone();
        running.spawn(async move { kind(&client, &read(3_000)).await });
    }
    assert!(running.join_all().await.iter().all(Option::is_none));
}
