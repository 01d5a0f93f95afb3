//! Failures: each of a vendor's bad days is told by its right name, in time, and without the key.

use std::error::Error;
use std::time::Duration;

use futures_util::future::join_all;
use leadgraph::model::failure::{SourceError, SourceErrorKind as Kind};
use leadgraph::vendors::simulation::{Fault, Rule};
use tokio::time::Instant;

use super::bench::{Bench, LARGEST_BODY, cx, cx_of};
use super::check;
use super::verbs::{Ids, VERBS, Verb, ask};

/// A failure in all the words that it has, with its causes.
fn words(error: &SourceError) -> String {
    let mut words = format!("{error:?} {error} {:?}", error.cause);
    let mut next = error.source();
    while let Some(cause) = next {
        words.push_str(&format!(" {cause:?} {cause}"));
        next = cause.source();
    }
    words
}

/// Lets a fault strike each verb of the vendor, each on an account of its own. No failure shows the key.
async fn strike(bench: &Bench, fault: &Fault) -> Vec<(Verb, Result<usize, SourceError>)> {
    bench.simulator.faults.clear();
    let ids = Ids::known(&*bench.source()).await;
    bench.simulator.faults.set([Rule::always(fault.clone())]);
    let mut outcomes = Vec::new();
    for verb in VERBS {
        let Some(outcome) = ask(&*bench.source(), *verb, &ids, &cx()).await else { continue };
        if let Err(error) = &outcome {
            let key = bench.simulator.vendor.key();
            assert!(!words(error).contains(&key), "{}: {verb:?} shows the key", bench.name());
        }
        outcomes.push((*verb, outcome));
    }
    assert!(!outcomes.is_empty());
    outcomes
}

/// Sees to it that a fault is of this kind whatever was asked.
async fn is(bench: &Bench, fault: Fault, kind: Kind) {
    for (verb, outcome) in strike(bench, &fault).await {
        let found = outcome.map_err(|error| error.kind);
        assert_eq!(found, Err(kind), "{}: {verb:?} at {fault:?}", bench.name());
    }
}

fn status(status: u16) -> Fault {
    Fault::Status { status, retry_after: None }
}

fn wait(code: u16, value: &str) -> Fault {
    Fault::Status { status: code, retry_after: Some(value.to_owned()) }
}

#[tokio::test]
async fn statuses_are_told_by_their_kinds() {
    check(25, async |bench| {
        is(bench, status(401), Kind::Unauthorized).await;
        is(bench, status(429), Kind::RateLimited).await;
        is(bench, status(500), Kind::VendorError).await;
        is(bench, status(502), Kind::VendorError).await;
        is(bench, status(503), Kind::VendorError).await;
        is(bench, wait(429, "7"), Kind::RateLimited).await;
        is(bench, wait(503, "7"), Kind::VendorError).await;
    })
    .await;
}

#[tokio::test]
async fn statuses_of_a_list_are_about_the_account() {
    check(25, async |bench| {
        for (code, kind) in [
            (400, Kind::VendorError),
            (403, Kind::Unauthorized),
            (404, Kind::NotFound),
            (405, Kind::MethodRefused),
        ] {
            let outcomes = strike(bench, &status(code)).await;
            for (verb, outcome) in outcomes.into_iter().filter(|(verb, _)| verb.is_list()) {
                let found = outcome.map_err(|error| error.kind);
                assert_eq!(found, Err(kind), "{}: {verb:?} at {code}", bench.name());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn missing_page_of_a_record_is_no_such_record() {
    check(25, async |bench| {
        let outcomes = strike(bench, &status(404)).await;
        for (verb, outcome) in outcomes.into_iter().filter(|(verb, _)| !verb.is_list()) {
            assert_eq!(outcome.unwrap(), 0, "{}: {verb:?}", bench.name());
        }
    })
    .await;
}

#[tokio::test]
async fn vendors_wish_to_be_left_alone_is_heard() {
    let soon = std::time::SystemTime::from(jiff::Timestamp::now()) + Duration::from_secs(30);
    let soon = httpdate::fmt_http_date(soon);
    check(25, async |bench| {
        for (fault, least, most) in [
            (wait(429, "7"), 6, 7),
            (wait(503, "7"), 6, 7),
            (wait(429, &soon), 20, 31),
            (wait(429, "999999"), 290, 300),
            // Not said: a moment at least.
            (status(429), 0, 60),
        ] {
            for (verb, outcome) in strike(bench, &fault).await {
                let wait = outcome.unwrap_err().retry_after;
                let wait = wait.unwrap_or_else(|| panic!("{}: {verb:?} at {fault:?}", bench.name()));
                let heard = wait > Duration::ZERO && (least..=most).contains(&wait.as_secs());
                assert!(heard, "{}: {verb:?} at {fault:?}: {wait:?}", bench.name());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn broken_connections_are_unreachable() {
    check(25, async |bench| {
        is(bench, Fault::Reset, Kind::Unreachable).await;
        is(bench, Fault::Truncate, Kind::Unreachable).await;
    })
    .await;
}

#[tokio::test]
async fn answers_that_are_not_the_vendors_are_protocol_failures() {
    check(25, async |bench| {
        is(bench, Fault::Html, Kind::Protocol).await;
        is(bench, Fault::WrongJson, Kind::Protocol).await;
    })
    .await;
}

#[tokio::test]
async fn redirect_is_not_followed() {
    check(3, async |bench| {
        let other = Bench::start(bench.entry, 3).await;
        let location = format!("{}/leads", other.simulator.base_url(other.entry));
        is(bench, Fault::Redirect { location }, Kind::Protocol).await;
        assert_eq!(other.calls(), 0, "{}: the key stays here", bench.name());
    })
    .await;
}

#[tokio::test]
async fn answer_without_end_is_too_large() {
    check(3, async |bench| {
        let bytes = LARGEST_BODY as u64 + 1_000_000;
        // Of the lists alone: it is one client that counts bytes, and such answers take their time.
        for fault in [Fault::Huge { bytes }, Fault::GzipBomb { bytes }] {
            bench.simulator.faults.set([Rule::always(fault.clone())]);
            let read = ask(&*bench.source(), Verb::Leads, &Ids::unknown(), &cx()).await.unwrap();
            let kind = read.map_err(|error| error.kind);
            assert_eq!(kind, Err(Kind::TooLarge), "{}: {fault:?}", bench.name());
        }
    })
    .await;
}

#[tokio::test]
async fn deadline_holds_whatever_the_vendor_does() {
    const TIME: Duration = Duration::from_millis(300);
    // What a loaded machine may be late by.
    const SLACK: Duration = Duration::from_millis(150);
    async fn holds(bench: &Bench, fault: Fault) {
        let ids = Ids::known(&*bench.source()).await;
        bench.simulator.faults.set([Rule::always(fault)]);
        let asked = VERBS.iter().map(async |verb| {
            let (source, start) = (bench.source(), Instant::now());
            let outcome = ask(&*source, *verb, &ids, &cx_of(TIME)).await?;
            let took = start.elapsed();
            assert_eq!(outcome.map_err(|error| error.kind), Err(Kind::Timeout), "{}: {verb:?}", bench.name());
            assert!(took <= TIME + SLACK, "{}: {verb:?} took {took:?}", bench.name());
            Some(())
        });
        assert!(join_all(asked).await.iter().any(Option::is_some));
    }
    check(3, async |bench| holds(bench, Fault::Hang).await).await;
    check(3, async |bench| holds(bench, Fault::Drip { ms: 40 }).await).await;
}

#[tokio::test]
async fn wrong_key_is_refused_and_shown_nowhere() {
    const KEY: &str = "canary-0123456789-canary";
    check(3, async |bench| {
        let account = bench.open(&bench.simulator.base_url(bench.entry), KEY).ok().unwrap();
        let source = &account.sources[0];
        let error = ask(&**source, Verb::Leads, &Ids::unknown(), &cx()).await.unwrap().unwrap_err();
        assert_eq!(error.kind, Kind::Unauthorized, "{}", bench.name());
        assert!(!words(&error).contains("canary"), "{}: {}", bench.name(), words(&error));
        assert!(
            !format!("{:?} {:?}", source.health(), source.quota()).contains("canary"),
            "{}",
            bench.name()
        );
        let calls = bench.simulator.ledger.entries();
        assert_eq!((calls.len(), calls[0].authorized), (1, false), "{}", bench.name());
        let url = format!("{} {}", calls[0].path, calls[0].query);
        assert!(!url.contains("canary"), "{}: the key stands in a header", bench.name());
    })
    .await;
}

#[tokio::test]
async fn key_that_cannot_be_sent_is_a_problem_of_the_configuration() {
    check(0, async |bench| {
        for key in ["", "canary\nkey"] {
            let opened = bench.open(&bench.simulator.base_url(bench.entry), key);
            let problems = opened.err().unwrap_or_else(|| panic!("{}: {key:?} opens", bench.name()));
            assert_eq!(problems[0].path, ["api_key_env"], "{}", bench.name());
            assert!(!format!("{problems:?}").contains("canary"), "{}: {problems:?}", bench.name());
        }
        assert_eq!(bench.calls(), 0, "{}: opening calls nobody", bench.name());
    })
    .await;
}

#[tokio::test]
async fn address_without_tls_is_a_problem_of_the_configuration() {
    check(0, async |bench| {
        let opened = bench.open("http://192.0.2.1/api", &bench.simulator.vendor.key());
        let problems = opened.err().unwrap_or_else(|| panic!("{}: it opens", bench.name()));
        assert_eq!(problems[0].path, ["base_url"], "{}", bench.name());
    })
    .await;
}
