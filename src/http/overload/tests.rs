//! The gate: who runs, who waits, and who is refused.

use super::turns::{BURST, FEW};
use super::*;

const PLACES: usize = 64;
const MOST_WAIT: Duration = Duration::from_millis(5);

/// How many run, and how many wait for a place.
fn counts(gate: &Gate) -> (usize, usize) {
    let state = gate.0.state();
    (state.running, state.queued)
}

async fn filled() -> (Gate, Vec<Pass>) {
    let gate = Gate::new(PLACES, MOST_WAIT);
    let mut passes = Vec::new();
    for _ in 0..PLACES {
        passes.push(gate.enter().await.unwrap());
    }
    (gate, passes)
}

#[tokio::test(start_paused = true)]
async fn those_over_the_limit_wait_a_moment_and_those_over_the_queue_not_at_all() {
    let (gate, mut passes) = filled().await;
    let waiting: Vec<_> = (0..QUEUE)
        .map(|_| {
            tokio::spawn({
                let gate = gate.clone();
                async move { gate.enter().await.err() }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(counts(&gate).1, QUEUE);
    let start = Instant::now();
    assert_eq!(gate.enter().await.err(), Some(Overloaded));
    assert_eq!(start.elapsed(), Duration::ZERO, "at once");
    passes.pop();
    let mut refused = 0;
    for one in waiting {
        refused += usize::from(one.await.unwrap().is_some());
    }
    assert_eq!(refused, 0, "each leaves its place to the next");
    assert_eq!(counts(&gate).1, 0);

    passes.push(gate.enter().await.unwrap());
    let start = Instant::now();
    assert_eq!(gate.enter().await.err(), Some(Overloaded));
    assert_eq!(start.elapsed(), PATIENCE);
    drop(passes);
    assert_eq!(counts(&gate), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_takes_no_place_in_the_queue() {
    let (gate, _passes) = filled().await;
    let left = tokio::time::timeout(Duration::from_millis(1), gate.enter()).await;
    assert!(left.is_err());
    assert_eq!(counts(&gate), (PLACES, 0));
}

/// Has so many ask at once, each of whom holds the only thread for so long in its turn. Whether each was let in.
async fn burst(gate: &Gate, many: usize, holds: Duration) -> Vec<bool> {
    let all: Vec<_> = (0..many)
        .map(|_| {
            let gate = gate.clone();
            tokio::spawn(async move {
                let pass = gate.enter().await;
                if pass.is_ok() {
                    std::thread::sleep(holds);
                }
                pass.is_ok()
            })
        })
        .collect();
    let mut let_in = Vec::new();
    for one in all {
        let_in.push(one.await.unwrap());
    }
    let_in
}

#[tokio::test]
async fn while_many_wait_long_for_their_turn_others_are_refused_without_one() {
    let (gate, many) = (Gate::new(1_000, MOST_WAIT), FEW + BURST as usize);
    let let_in = burst(&gate, many * 2, MOST_WAIT / 2).await;
    let (first, others) = let_in.split_at(many);
    assert!(first.iter().all(|let_in| *let_in));
    // Some have had their turn before the last ones came.
    assert!(others.iter().filter(|let_in| !**let_in).count() > many / 2, "{others:?}");
    gate.admit().unwrap();
    assert_eq!(gate.0.state().turns.waiting(), 0);
}

#[tokio::test]
async fn turns_come_in_the_order_in_which_they_were_waited_for() {
    let (gate, turns) = (Gate::new(1_000, MOST_WAIT), Arc::new(Mutex::new(Vec::new())));
    let all = (0..200).map(|number| {
        let (gate, turns) = (gate.clone(), Arc::clone(&turns));
        tokio::spawn(async move {
            let _pass = gate.enter().await.unwrap();
            turns.lock().unwrap().push(number);
        })
    });
    futures_util::future::join_all(all.collect::<Vec<_>>()).await;
    assert_eq!(*turns.lock().unwrap(), (0..200).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_before_its_turn_waits_for_none() {
    let gate = Gate::new(PLACES, MOST_WAIT);
    let mut entering = Box::pin(gate.enter());
    assert!(futures_util::poll!(&mut entering).is_pending());
    assert_eq!((counts(&gate), gate.0.state().turns.waiting()), ((0, 0), 1));
    drop(entering);
    assert_eq!((counts(&gate), gate.0.state().turns.waiting()), ((0, 0), 0));
}
