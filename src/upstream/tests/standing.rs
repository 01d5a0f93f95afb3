//! What the account's standing says after what has happened.

use std::time::Duration;

use tokio::time::advance;

use super::script::{Script, client, fail, kind, later, ok, read, roomy, status, write};
use crate::upstream::client::{Client, State};
use crate::upstream::failure::Kind;
use crate::upstream::policy::Policy;

#[tokio::test(start_paused = true)]
async fn the_standing_follows_the_calls() {
    let script = Script::new([], ok());
    let client = client(&script, &Policy { max_attempts: 1, ..roomy() });
    let fresh = client.standing();
    assert_eq!((fresh.state, fresh.last_success_at, fresh.last_error), (State::Up, None, None));

    assert_eq!(kind(&client, &read(3_000)).await, None);
    let up = client.standing();
    assert_eq!((up.state, up.since, up.retry_at), (State::Up, fresh.since, None));
    assert!(up.last_success_at.is_some());

    script.now(fail(Kind::Unreachable));
    let _ = client.send(&read(3_000)).await;
    let degraded = client.standing();
    assert_eq!((degraded.state, degraded.last_error), (State::Degraded, Some(Kind::Unreachable)));
    assert_eq!(degraded.last_success_at, up.last_success_at);

    for _ in 0..5 {
        let _ = client.send(&read(3_000)).await;
    }
    let down = client.standing();
    assert_eq!((down.state, down.last_error), (State::Down, Some(Kind::Unreachable)));
    assert!(down.retry_at.is_some());
    assert!(down.since >= degraded.since);

    script.now(ok());
    advance(Duration::from_secs(7)).await;
    assert_eq!(
        (client.standing().state, client.standing().retry_at),
        (State::Down, None),
        "not known better yet"
    );
    assert_eq!(kind(&client, &read(3_000)).await, None);
    assert_eq!(client.standing().state, State::Up);
}

#[tokio::test(start_paused = true)]
async fn a_limit_degrades_and_a_refused_key_is_called_so() {
    let script = Script::new([later(429, 7)], ok());
    let first = client(&script, &roomy());
    let _ = first.send(&read(3_000)).await;
    let limited = first.standing();
    assert_eq!((limited.state, limited.last_error), (State::Degraded, Some(Kind::RateLimited)));
    assert!(limited.retry_at.is_some());

    let script = Script::new([status(401)], ok());
    let second = client(&script, &roomy());
    let _ = second.send(&read(3_000)).await;
    let refused = second.standing();
    assert_eq!((refused.state, refused.last_error), (State::Unauthorized, Some(Kind::Unauthorized)));
    assert!(refused.retry_at.is_some());
    advance(Duration::from_secs(61)).await;
    assert_eq!(kind(&second, &read(3_000)).await, None);
    assert_eq!(second.standing().state, State::Up);
}

#[tokio::test(start_paused = true)]
async fn account_that_nobody_comes_to_write_to_is_judged_by_its_reads() {
    let script = Script::new([], status(502));
    let client = client(&script, &roomy());
    for _ in 0..5 {
        let _ = client.write(write(3_000)).await;
    }
    script.now(ok());
    assert_eq!(kind(&client, &read(3_000)).await, None);
    let tripped = client.standing();
    assert_eq!((tripped.state, tripped.retry_at.is_some()), (State::Degraded, true), "no write passes yet");
    advance(Duration::from_secs(61)).await;
    assert_eq!((client.standing().state, client.standing().retry_at), (State::Up, None));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_not_there_is_no_trouble() {
    let script = Script::new([], status(404));
    let client = client(&script, &roomy());
    let _ = client.send(&read(3_000)).await;
    assert_eq!((client.standing().state, client.standing().last_error), (State::Up, None));
}

#[tokio::test(start_paused = true)]
async fn a_used_up_quota_says_when_there_is_more() {
    let script = Script::new([], ok());
    let client = client(&script, &Policy { quota: 1, burst: 1, ..roomy() });
    assert_eq!(kind(&client, &read(3_000)).await, None);
    assert_eq!((client.standing().state, client.standing().remaining), (State::Up, 0));
    assert_eq!(kind(&client, &read(3_000)).await, Some(Kind::QuotaExhausted));
    let standing = client.standing();
    assert_eq!((standing.state, standing.last_error), (State::Degraded, Some(Kind::QuotaExhausted)));
    assert!(standing.retry_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn client_that_takes_over_leaves_the_vendor_alone_as_long_as_the_one_before() {
    for (step, times, state, silence) in [
        (later(429, 40), 1, State::Degraded, 40),
        (status(401), 1, State::Unauthorized, 60),
        (fail(Kind::Unreachable), 5, State::Down, 7),
    ] {
        let script = Script::new([], step);
        let policy = Policy { max_attempts: 1, ..roomy() };
        let before = client(&script, &policy);
        for _ in 0..times {
            let _ = before.send(&read(3_000)).await;
        }
        let after = client(&script, &Policy { quota: 500, ..policy });
        after.inherit(&before);
        assert_eq!(after.standing().state, state);
        assert_eq!(after.standing().last_error, before.standing().last_error);
        assert_eq!(500 - after.standing().remaining, policy_used(&before));
        script.now(ok());
        let called = script.calls();
        assert!(kind(&after, &read(3_000)).await.is_some(), "{state:?}");
        assert_eq!(script.calls(), called, "{state:?}: nothing was sent");
        advance(Duration::from_secs(silence)).await;
        assert_eq!(kind(&after, &read(3_000)).await, None, "{state:?}");
    }
}

/// Calls that count against a client's quota.
fn policy_used(client: &Client) -> u32 {
    let standing = client.standing();
    standing.quota - standing.remaining
}
