use std::sync::Arc;
use std::time::Duration;

use super::*;

/// The series of a metric whose labels hold `own`, as lines.
fn series(name: &str, own: &str) -> Vec<String> {
    let text = text();
    let lines =
        text.lines().filter(|line| line.starts_with(&format!("leadgraph_{name}")) && line.contains(own));
    lines.map(str::to_owned).collect()
}

#[test]
fn text_is_whole_and_every_metric_has_a_name_and_a_meaning() {
    // What nothing was counted of is not told.
    drop(vendor_call("t-whole", "leads.list"));
    let text = text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(text.contains("# TYPE leadgraph_vendor_calls counter"), "{text}");
    for line in text.lines().filter(|line| line.starts_with("# HELP")) {
        assert!(line.split(' ').count() > 4, "{line}");
    }
}

#[test]
fn call_counts_once_however_it_ends() {
    vendor_call("t-ends", "leads.list").ended("ok", 2);
    drop(vendor_call("t-ends", "leads.list"));
    let calls = series("vendor_calls_total", "t-ends");
    let line = |outcome| {
        format!(
            "leadgraph_vendor_calls_total{{account=\"t-ends\",op=\"leads.list\",outcome=\"{outcome}\"}} 1"
        )
    };
    assert!(calls.contains(&line("ok")) && calls.contains(&line("dropped")), "{calls:?}");
    let attempts = series("vendor_attempts_total", "t-ends");
    assert_eq!(attempts, ["leadgraph_vendor_attempts_total{account=\"t-ends\",op=\"leads.list\"} 2"]);
    let flying = series("vendor_calls_in_flight", "t-ends");
    assert_eq!(flying, ["leadgraph_vendor_calls_in_flight{account=\"t-ends\"} 0"]);
}

#[test]
fn request_that_nobody_waited_for_counts_as_gone() {
    http_request("GET", "/t-gone".into()).answered(204);
    drop(http_request("GET", "/t-gone".into()));
    let counted = series("http_requests_total", "/t-gone");
    let line = |status| {
        format!("leadgraph_http_requests_total{{route=\"/t-gone\",method=\"GET\",status=\"{status}\"}} 1")
    };
    assert!(counted.contains(&line("204")) && counted.contains(&line("gone")), "{counted:?}");
}

#[test]
fn labels_cannot_break_out_of_their_line() {
    cache_read("t-evil\"}\n# EOF", "lead", CacheRead::Hit);
    let counted = series("cache_reads_total", "t-evil");
    assert_eq!(
        counted,
        [r##"leadgraph_cache_reads_total{source="t-evil\"}\n# EOF",what="lead",result="hit"} 1"##]
    );
}

#[test]
fn account_is_told_of_while_it_is_there_and_the_later_of_a_name() {
    let account = Account {
        state: "degraded",
        reads: Circuit::Open,
        writes: Circuit::Closed,
        shut: false,
        silent: Duration::from_millis(1_500),
        quota: 60,
        remaining: 7,
    };
    let tell = |account: Account| {
        let there = Arc::new(account);
        let weak = Arc::downgrade(&there);
        watch_account("t-told", move || weak.upgrade().map(|account| *account));
        there
    };
    let first = tell(account);
    let second = tell(Account { remaining: 8, ..account });
    let left = || series("account_quota_remaining_calls", "t-told");
    assert_eq!(left(), ["leadgraph_account_quota_remaining_calls{account=\"t-told\"} 8"]);
    assert_eq!(
        series("account_silent_seconds", "t-told"),
        ["leadgraph_account_silent_seconds{account=\"t-told\"} 1.5"]
    );
    let breaker = series("account_breaker", "t-told");
    assert!(breaker.iter().any(|line| line.ends_with("calls=\"reads\"} 2")), "{breaker:?}");
    let state = series("account_state", "t-told");
    assert_eq!(state.iter().filter(|line| line.ends_with(" 1")).count(), 1, "{state:?}");
    drop(second);
    assert_eq!(left(), ["leadgraph_account_quota_remaining_calls{account=\"t-told\"} 7"]);
    drop(first);
    assert_eq!(left(), [""; 0]);
}

#[tokio::test]
async fn task_is_told_of_until_it_ends() {
    let tasks = || series("tasks", "leadgraph_tasks ");
    assert_eq!(tasks(), ["leadgraph_tasks 0"]);
    let task = tokio::spawn(std::future::pending::<()>());
    assert_eq!(tasks(), ["leadgraph_tasks 1"]);
    task.abort();
    assert!(task.await.is_err());
    assert_eq!(tasks(), ["leadgraph_tasks 0"]);
}
