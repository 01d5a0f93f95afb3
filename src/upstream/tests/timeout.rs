//! The timeout: one attempt, and the caller's deadline.

use std::time::Duration;

use tokio::time::Instant;

use super::script::{Script, hang, read, roomy};
use crate::upstream::failure::Kind;
use crate::upstream::timeout::Timeout;
use crate::upstream::transport::Transport;

async fn cut(millis: u64) -> (Kind, bool, Duration, usize) {
    let script = Script::new([], hang());
    let layer = Timeout::new(std::sync::Arc::clone(&script), &roomy());
    let began = Instant::now();
    let error = layer.send(&read(millis)).await.unwrap_err();
    assert_eq!(script.running(), 0, "the attempt is dropped");
    (error.kind, error.is_cut_short(), began.elapsed(), script.calls())
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_after_its_time_or_at_the_deadline() {
    let (kind, short, elapsed, _) = cut(5_000).await;
    assert_eq!((kind, short, elapsed.as_millis() / 10), (Kind::Timeout, false, 200));
    let (kind, short, elapsed, _) = cut(1_500).await;
    assert_eq!((kind, short, elapsed.as_millis() / 10), (Kind::Timeout, false, 150), "it had a fair chance");
    let (kind, short, elapsed, _) = cut(500).await;
    assert_eq!((kind, short, elapsed.as_millis() / 10), (Kind::Timeout, true, 50), "it had none");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_after_the_deadline() {
    assert_eq!(cut(0).await, (Kind::Timeout, true, Duration::ZERO, 0));
}
