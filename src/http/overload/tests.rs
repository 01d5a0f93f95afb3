//! The gate: who runs, who waits, and what is measured.

use super::load::FEW;
use super::*;

const PLACES: usize = 64;
const FINE: Duration = Duration::from_millis(5);

/// How many run, and how many wait.
fn counts(gate: &Gate) -> (usize, usize) {
    let state = gate.0.state();
    (state.running, state.waiting)
}

async fn filled() -> (Gate, Vec<Pass>) {
    let gate = Gate::new(PLACES, FINE);
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

#[tokio::test]
async fn lag_is_what_a_task_waits_that_comes_from_outside() {
    let gate = Gate::new(PLACES, FINE);
    for _ in 0..=FEW {
        gate.admit().unwrap();
    }
    // Whoever runs holds the only thread.
    std::thread::sleep(Duration::from_millis(50));
    while gate.0.state().load.is_measuring() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(gate.0.state().load.lag() >= Duration::from_millis(40));
}
