//! The cache: one read for many, no read for those who left, older data while the vendor fails. On a paused clock.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, advance, timeout};

use super::model::{Model, Nature, cx, gather, rows};
use crate::gather::Gather;
use crate::gather::answer::{Connection, GatherError, Report, ReportStatus};
use crate::gather::request::{LeadFilter, Paging};
use crate::gather::settings::Settings;
use crate::model::caps::Paging as Pages;
use crate::model::failure::SourceErrorKind;
use crate::model::lead::Lead;

fn model(name: &str) -> Arc<Model> {
    let rows = rows(name, 60, 30, &mut fastrand::Rng::with_seed(5));
    Model::new(name, Nature::calm(Pages::Cursor), rows, 1)
}

async fn ask(gather: &Gather) -> Result<Arc<Connection<Lead>>, GatherError> {
    gather.leads(&cx(), &LeadFilter::default(), &Paging::default()).await
}

async fn report(gather: &Gather) -> Report {
    ask(gather).await.unwrap().reports[0].clone()
}

/// Lets tasks run that nobody waits for.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn many_equal_requests_make_one_call() {
    let model = model("a");
    model.slow.store(50, Ordering::Relaxed);
    let gather = gather(&[Arc::clone(&model)], Settings::default());
    let answers = join_all((0..500).map(|_| ask(&gather))).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().nodes.len() == 25));
    assert_eq!(model.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_used_again_where_nothing_is_fresh_but_equal_reads_at_one_time_are_one() {
    let model = model("a");
    let never = Duration::ZERO;
    let settings = Settings {
        list_ttl: never,
        lead_ttl: never,
        stale_while_revalidate: never,
        list_stale_if_error: never,
        ..Settings::default()
    };
    let gather = gather(&[Arc::clone(&model)], settings);
    for calls in 1..=3 {
        assert_eq!(report(&gather).await.status, ReportStatus::Ok);
        assert_eq!(model.calls(), calls);
    }
    model.slow.store(50, Ordering::Relaxed);
    join_all((0..10).map(|_| ask(&gather))).await;
    assert_eq!(model.calls(), 4);
    model.down.store(true, Ordering::Relaxed);
    assert!(ask(&gather).await.is_err(), "nothing stands in");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_neither_stops_nor_repeats_a_read() {
    let model = model("a");
    model.slow.store(500, Ordering::Relaxed);
    let gather = gather(&[Arc::clone(&model)], Settings::default());
    assert!(timeout(Duration::from_millis(100), ask(&gather)).await.is_err());
    let next = report(&gather).await;
    assert_eq!((model.calls(), next.upstream_calls), (1, 0));
    assert_eq!(report(&gather).await.status, ReportStatus::Ok);
    assert_eq!(model.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_fresh_is_served_once_more_while_one_call_renews_it() {
    let model = model("a");
    let gather = gather(&[Arc::clone(&model)], Settings::default());
    assert_eq!(report(&gather).await.status, ReportStatus::Ok);
    advance(Duration::from_secs(14)).await;
    assert_eq!(report(&gather).await.status, ReportStatus::Ok);
    advance(Duration::from_secs(2)).await;
    let answers = join_all((0..20).map(|_| ask(&gather))).await;
    for answer in answers {
        let answer = answer.unwrap();
        assert_eq!(answer.reports[0].status, ReportStatus::Stale);
        assert!(!answer.incomplete && answer.reports[0].fetched_at.is_some());
    }
    settle().await;
    assert_eq!(model.calls(), 2);
    assert_eq!(report(&gather).await.status, ReportStatus::Ok);
    assert_eq!(model.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_fresh_is_served_while_there_is_no_quota_to_renew_it() {
    let model = model("a");
    let gather = gather(&[Arc::clone(&model)], Settings::default());
    assert_eq!(report(&gather).await.status, ReportStatus::Ok);
    model.thrifty.store(true, Ordering::Relaxed);
    for _ in 0..2 {
        advance(Duration::from_secs(30)).await;
        assert_eq!(report(&gather).await.status, ReportStatus::Stale);
        settle().await;
    }
    advance(Duration::from_secs(16)).await;
    assert_eq!(report(&gather).await.status, ReportStatus::Ok, "somebody waited for this one");
}

#[tokio::test(start_paused = true)]
async fn a_read_that_somebody_waits_for_does_not_fail_with_one_that_nobody_waits_for() {
    let model = model("a");
    let gather = gather(&[Arc::clone(&model)], Settings::default());
    assert_eq!(report(&gather).await.status, ReportStatus::Ok);
    advance(Duration::from_secs(74)).await;
    model.thrifty.store(true, Ordering::Relaxed);
    model.slow.store(2_000, Ordering::Relaxed);
    assert_eq!(report(&gather).await.status, ReportStatus::Stale);
    settle().await;
    advance(Duration::from_millis(1_500)).await;
    model.slow.store(0, Ordering::Relaxed);
    assert_eq!(report(&gather).await.status, ReportStatus::Ok);
    assert_eq!(model.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_panics_is_one_failure_of_all_who_wait_for_it() {
    let (fine, model) = (model("a"), model("b"));
    model.panicking.store(true, Ordering::Relaxed);
    model.slow.store(50, Ordering::Relaxed);
    let gather = gather(&[fine, Arc::clone(&model)], Settings::default());
    for answer in join_all((0..100).map(|_| ask(&gather))).await {
        let answer = answer.unwrap();
        assert_eq!(answer.nodes.len(), 25);
        assert_eq!(answer.reports[1].error.as_ref().unwrap().kind, SourceErrorKind::Internal);
    }
    assert_eq!(model.calls(), 1);
    model.panicking.store(false, Ordering::Relaxed);
    assert!(!ask(&gather).await.unwrap().incomplete, "it heals at once");
}

#[tokio::test(start_paused = true)]
async fn older_data_stands_in_for_a_vendor_that_fails_for_ten_minutes_and_no_longer() {
    let model = model("a");
    let gather = gather(&[Arc::clone(&model)], Settings::default());
    assert_eq!(report(&gather).await.status, ReportStatus::Ok);
    model.down.store(true, Ordering::Relaxed);
    advance(Duration::from_secs(9 * 60)).await;
    let stale = report(&gather).await;
    assert_eq!(stale.status, ReportStatus::Stale);
    assert_eq!(stale.error.unwrap().kind, SourceErrorKind::VendorError);
    advance(Duration::from_secs(74)).await;
    assert_eq!(report(&gather).await.status, ReportStatus::Stale);
    advance(Duration::from_secs(2)).await;
    assert!(
        matches!(ask(&gather).await, Err(GatherError::SourcesUnavailable { .. })),
        "over ten minutes old"
    );
    model.down.store(false, Ordering::Relaxed);
    assert_eq!(report(&gather).await.status, ReportStatus::Ok, "it heals at once");
}

#[tokio::test(start_paused = true)]
async fn older_data_stands_in_for_a_vendor_that_hangs_before_anyone_gives_up_on_it() {
    let (quick, model) = (model("a"), model("b"));
    let gather = gather(&[quick, Arc::clone(&model)], Settings::default());
    assert_eq!(report(&gather).await.status, ReportStatus::Ok);
    model.slow.store(60_000, Ordering::Relaxed);
    advance(Duration::from_secs(5 * 60)).await;
    let start = Instant::now();
    let answer = ask(&gather).await.unwrap();
    assert_eq!(answer.reports[1].status, ReportStatus::Stale);
    assert_eq!(answer.reports[1].upstream_calls, 1);
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

#[tokio::test]
async fn pages_that_go_in_a_circle_are_a_protocol_failure() {
    let model = model("a");
    model.circling.store(true, Ordering::Relaxed);
    let gather = gather(&[Arc::clone(&model)], Settings::default());
    let Err(GatherError::SourcesUnavailable { failures, .. }) = ask(&gather).await else {
        panic!("it answered")
    };
    assert_eq!(failures[0].kind, SourceErrorKind::Protocol);
    assert!(model.calls() <= 3, "{} calls", model.calls());
}

#[tokio::test(start_paused = true)]
async fn calls_that_fail_are_counted_too() {
    let (fine, model) = (model("a"), model("b"));
    model.down.store(true, Ordering::Relaxed);
    let gather = gather(&[fine, model], Settings::default());
    let (cx, filter) = (cx(), LeadFilter::default());
    let answer = gather.leads(&cx, &filter, &Paging::default()).await.unwrap();
    let calls: Vec<_> = answer.reports.iter().map(|report| report.upstream_calls).collect();
    assert_eq!((calls, cx.meter.calls()), (vec![1, 1], 2));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_refused_gets_nothing_from_the_cache() {
    let model = model("a");
    let settings = Settings { list_stale_if_error: Duration::from_secs(600), ..Settings::default() };
    let gather = gather(&[Arc::clone(&model)], settings);
    assert_eq!(report(&gather).await.status, ReportStatus::Ok);
    model.locked.store(true, Ordering::Relaxed);
    advance(Duration::from_secs(120)).await;
    assert!(matches!(ask(&gather).await, Err(GatherError::SourcesUnavailable { .. })));
}

#[tokio::test(start_paused = true)]
async fn stragglers_get_a_bounded_time_and_still_fill_the_cache() {
    let (quick, slow) = (model("a"), model("b"));
    slow.slow.store(2_500, Ordering::Relaxed);
    let gather = gather(&[quick, Arc::clone(&slow)], Settings::default());
    let start = Instant::now();
    let answer = ask(&gather).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(2));
    assert!(answer.incomplete && answer.has_next_page && answer.nodes.len() == 25);
    assert_eq!(answer.reports[1].error.as_ref().unwrap().kind, SourceErrorKind::Timeout);
    advance(Duration::from_secs(1)).await;
    settle().await;
    let answer = ask(&gather).await.unwrap();
    assert!(!answer.incomplete);
    assert_eq!(slow.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_costs_its_own_records_and_three_seconds() {
    let model = model("a");
    model.slow.store(60_000, Ordering::Relaxed);
    let gather = gather(&[model], Settings::default());
    let start = Instant::now();
    assert!(matches!(ask(&gather).await, Err(GatherError::SourcesUnavailable { .. })));
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}
