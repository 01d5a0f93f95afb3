use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

async fn make(runs: &AtomicU32) -> u32 {
    let run = runs.fetch_add(1, Ordering::Relaxed);
    tokio::task::yield_now().await;
    run
}

#[tokio::test]
async fn equal_arguments_are_answered_once_even_at_the_same_time() {
    let (memo, runs) = (Memo::default(), AtomicU32::new(0));
    let both = tokio::join!(memo.get("a", make(&runs)), memo.get("a", make(&runs)));
    assert_eq!(both, (0, 0));
    assert_eq!(memo.get("a", make(&runs)).await, 0);
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn other_arguments_are_answered_apart() {
    let (memo, runs) = (Memo::default(), AtomicU32::new(0));
    assert_eq!(memo.get("a", make(&runs)).await, 0);
    assert_eq!(memo.get("b", make(&runs)).await, 1);
}

#[tokio::test]
async fn who_gives_up_leaves_the_answer_to_the_next() {
    let (memo, runs) = (Memo::default(), AtomicU32::new(0));
    let mut first = Box::pin(memo.get("a", std::future::pending()));
    assert!(futures_util::poll!(&mut first).is_pending());
    drop(first);
    assert_eq!(memo.get("a", make(&runs)).await, 0);
}
