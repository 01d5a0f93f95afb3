//! What headers say, and what they cannot make us believe.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::upstream::call::QuotaNote;
use crate::upstream::dialect::{Verdict, by_status};
use crate::upstream::failure::Kind;
use crate::upstream::hints;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(pair).collect()
}

fn wait(value: &str) -> Option<u64> {
    let date = ("date", "Wed, 11 Nov 2026 10:00:00 GMT");
    hints::retry_after(&headers(&[("retry-after", value), date])).map(|wait| wait.as_secs())
}

#[test]
fn retry_after_is_read_in_both_forms_and_capped() {
    assert_eq!(wait("7"), Some(7));
    assert_eq!(wait(" 12 "), Some(12));
    assert_eq!(wait("Wed, 11 Nov 2026 10:00:07 GMT"), Some(7));
    assert_eq!(wait("Wed, 11 Nov 2026 09:59:00 GMT"), Some(0));
    assert_eq!(wait("86400"), Some(300));
    assert_eq!(wait("Fri, 11 Nov 2033 10:00:00 GMT"), Some(300));
    let junk = format!("{}7", "0".repeat(80));
    for text in ["", "soon", "-3", "1.5", "99999999999999999999999999", &junk] {
        assert_eq!(wait(text), None, "{text}");
    }
}

#[test]
fn a_date_without_the_vendors_clock_is_measured_by_ours() {
    let soon = std::time::SystemTime::from(jiff::Timestamp::now()) + Duration::from_secs(30);
    let value = httpdate::fmt_http_date(soon);
    let wait = hints::retry_after(&headers(&[("retry-after", &value)])).unwrap();
    assert!((28..=30).contains(&wait.as_secs()), "{wait:?}");
}

#[test]
fn by_status_hands_the_wait_on() {
    let verdict = by_status(StatusCode::TOO_MANY_REQUESTS, &headers(&[("retry-after", "7")]));
    assert_eq!(
        verdict,
        Verdict::Reject { kind: Kind::RateLimited, retry_after: Some(Duration::from_secs(7)) }
    );
}

fn note(pairs: &[(&'static str, &str)]) -> Option<QuotaNote> {
    hints::quota(&headers(pairs))
}

#[test]
fn quota_headers_are_believed_where_they_make_sense() {
    let (limit, remaining, reset) = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset");
    let twelve = Some(Duration::from_secs(12));
    let whole = note(&[(limit, "60"), (remaining, "41"), (reset, "12")]);
    assert_eq!(whole, Some(QuotaNote { remaining: 41, resets_in: twelve }));
    assert_eq!(note(&[(remaining, "0")]), Some(QuotaNote { remaining: 0, resets_in: None }));
    let epoch = note(&[(remaining, "0"), (reset, "1794391200")]);
    assert_eq!(epoch, Some(QuotaNote { remaining: 0, resets_in: None }));
    assert_eq!(note(&[(limit, "60"), (remaining, "61"), (reset, "1")]), None);
    assert_eq!(note(&[(remaining, "many")]), None);
    assert_eq!(note(&[(limit, "60"), (reset, "12")]), None);
}

proptest::proptest! {
    #[test]
    fn no_header_makes_us_wait_longer_than_five_minutes(bytes in proptest::collection::vec(1u8.., 0..90)) {
        let mut map = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            map.insert("retry-after", value.clone());
            map.insert("x-ratelimit-remaining", HeaderValue::from_static("3"));
            map.insert("x-ratelimit-reset", value);
        }
        let longest = Duration::from_secs(300);
        proptest::prop_assert!(hints::retry_after(&map).is_none_or(|wait| wait <= longest));
        let reset = hints::quota(&map).and_then(|note| note.resets_in);
        proptest::prop_assert!(reset.is_none_or(|wait| wait <= longest));
    }

    #[test]
    fn numbers_and_dates_of_any_size_are_capped(seconds in 0u64.., at in 0u64..253_402_300_799) {
        let date = std::time::UNIX_EPOCH + Duration::from_secs(at);
        for value in [seconds.to_string(), httpdate::fmt_http_date(date)] {
            let wait = hints::retry_after(&headers(&[("retry-after", &value)]));
            proptest::prop_assert!(wait.is_some_and(|wait| wait <= Duration::from_secs(300)));
        }
    }
}
