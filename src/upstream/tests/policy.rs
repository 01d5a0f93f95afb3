//! A table of the configuration laid over a policy.

use std::time::Duration;

use crate::upstream::policy::Policy;

fn table(text: &str) -> toml::Table {
    text.parse().expect("test data is TOML")
}

#[test]
fn keys_that_are_there_are_laid_over_the_rest() {
    let mut policy = Policy::default();
    let text = "attempt_timeout_ms = 700\nconnect_timeout_ms = 300\nmax_body_bytes = 2048\nmax_attempts = 3\n\
                concurrency = 2\nqueue = 5\nquota = 45\nquota_window_secs = 30\nburst = 4\n\
                reserve_percent = 0";
    assert_eq!(policy.overlay(&table(text)), Ok(()));
    let expected = Policy {
        attempt_timeout: Duration::from_millis(700),
        connect_timeout: Duration::from_millis(300),
        max_body_bytes: 2048,
        max_attempts: 3,
        concurrency: 2,
        queue: 5,
        quota: 45,
        quota_window: Duration::from_secs(30),
        burst: 4,
        reserve: 0,
    };
    assert_eq!(policy, expected);
    assert_eq!(policy.overlay(&table("quota = 44")), Ok(()));
    assert_eq!(policy, Policy { quota: 44, ..expected });
}

#[test]
fn every_problem_is_listed_and_nothing_is_changed() {
    let mut policy = Policy::default();
    let text = "quota = 0\nattempts = 3\nmax_attempts = 99\nqueue = \"many\"\nconcurrency = -1\nburst = 5";
    let problems = policy.overlay(&table(text)).expect_err("all but one are wrong");
    let mut keys: Vec<_> = problems.iter().map(|(key, _)| &**key).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["attempts", "concurrency", "max_attempts", "queue", "quota"]);
    assert!(problems.iter().any(|(_, what)| what == "must be a whole number from 1 to 5"));
    assert!(problems.iter().any(|(_, what)| what.contains("known are attempt_timeout_ms,")));
    assert_eq!(policy, Policy::default());
}

#[test]
fn burst_above_the_quota_is_refused_where_it_is_said_and_bearable_where_it_is_a_default() {
    let mut policy = Policy::default();
    assert_eq!(policy.overlay(&table("quota = 5")), Ok(()));
    let problems = policy.overlay(&table("burst = 6")).expect_err("6 cannot go at once");
    assert_eq!(problems.len(), 1);
}

#[test]
fn one_request_leaves_room_for_others_where_there_is_much() {
    for (concurrency, of_one) in [(1, 1), (3, 3), (8, 8), (12, 8), (40, 20), (256, 32)] {
        assert_eq!(Policy { concurrency, ..Policy::default() }.side_by_side(), of_one, "{concurrency}");
    }
    assert_eq!(Policy { concurrency: 256, queue: 1_000, ..Policy::default() }.side_by_side(), 128);
}
