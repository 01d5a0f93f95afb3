//! What is written into a call: days, channels, headers; and what an answer means.

use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::model::conversation::Channel;
use crate::secret::Secret;
use crate::source::Span;
use crate::upstream::call::{Call, CallMeter, Path};
use crate::upstream::dialect::{Dialect, Verdict};
use crate::upstream::failure::Kind;
use crate::vendors::chatzuri::dialect::Bearer;
use crate::vendors::chatzuri::normalize::{FILTERED_CHANNELS, channel, filtered_sources};
use crate::vendors::days::days;

fn written(since: Option<&str>, until: Option<&str>) -> Vec<(&'static str, String)> {
    days(Span { since: since.map(|at| at.parse().unwrap()), until: until.map(|at| at.parse().unwrap()) })
}

fn field(name: &'static str, value: &str) -> (&'static str, String) {
    (name, value.to_owned())
}

#[test]
fn days_are_widened_and_padded() {
    assert_eq!(written(None, None), []);
    assert_eq!(written(Some("2026-03-01T00:00:00Z"), None), [field("startDate", "2026-02-28")]);
    // An end at midnight does not touch the day that begins there.
    assert_eq!(written(None, Some("2026-02-01T00:00:00Z")), [field("endDate", "2026-02-02")]);
    assert_eq!(written(None, Some("2026-02-01T00:00:00.001Z")), [field("endDate", "2026-02-03")]);
    assert_eq!(
        written(Some("0987-01-02T03:04:05Z"), Some("2026-07-08T09:10:11Z")),
        [field("startDate", "0987-01-01"), field("endDate", "2026-07-10")]
    );
}

#[test]
fn days_at_the_ends_of_time_are_still_dates() {
    let all = days(Span { since: Some(Timestamp::MIN), until: Some(Timestamp::MAX) });
    assert_eq!(all[0], field("startDate", "0001-01-01"));
    assert_eq!((all[1].0, &all[1].1[..4], all[1].1.len()), ("endDate", "9999", 10));
}

proptest! {
    /// Whatever zone the vendor's days are of, and whether or not `endDate` counts.
    #[test]
    fn days_hold_every_moment_of_the_span(
        since in 0i64..4_000_000_000_000,
        width in 1i64..5_000_000_000,
        part in 0.0f64..1.0,
        zone in -12i64..=14,
    ) {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let fields = days(Span { since: Some(at(since)), until: Some(at(since + width)) });
        let moment = at(since + ((width - 1) as f64 * part) as i64);
        let day = (moment + SignedDuration::from_hours(zone)).to_string()[..10].to_owned();
        prop_assert!(fields[0].1 <= day, "{} starts after {day}", fields[0].1);
        prop_assert!(day < fields[1].1, "{} ends with or before {day}", fields[1].1);
    }
}

#[test]
fn channel_filter_is_the_inverse_of_the_channels() {
    for &wanted in FILTERED_CHANNELS {
        let words = filtered_sources(&[wanted]).unwrap();
        assert!(words.split(',').all(|word| channel(Some(word)) == wanted), "{words}");
    }
    assert_eq!(filtered_sources(&[Channel::WebChat]).as_deref(), Some("Chatzuri site,Widget or Iframe"));
    assert_eq!(filtered_sources(&[Channel::WhatsApp, Channel::Api]).as_deref(), Some("API,WhatsApp"));
    // Nothing is filtered where a channel has no word that the vendor is known to filter by.
    for wanted in [Channel::Telegram, Channel::Email, Channel::Sms, Channel::Voice, Channel::Other] {
        assert_eq!(filtered_sources(&[Channel::WhatsApp, wanted]), None);
    }
    assert_eq!(filtered_sources(&[]), None);
}

#[test]
fn channels_are_known_only_by_their_exact_words() {
    assert_eq!(channel(Some("Telegram")), Channel::Telegram);
    assert_eq!(channel(Some("Email")), Channel::Email);
    for word in [None, Some("Unspecified"), Some("whatsapp"), Some("Twilio SMS"), Some("")] {
        assert_eq!(channel(word), Channel::Other, "{word:?}");
    }
}

#[test]
fn every_call_carries_key_and_content_type() {
    let mut headers = HeaderMap::new();
    Bearer::new(&Secret::new(" canary-key\n")).unwrap().authorize(&mut headers);
    assert_eq!(headers["authorization"], "Bearer canary-key");
    assert!(headers["authorization"].is_sensitive());
    assert_eq!(headers["content-type"], "application/json");
    assert!(!format!("{headers:?}").contains("canary"));
    for key in ["", "  ", "two\nlines"] {
        assert!(Bearer::new(&Secret::new(key)).is_none(), "{key:?}");
    }
}

#[test]
fn any_object_with_any_2xx_is_an_answer() {
    let bearer = Bearer::new(&Secret::new("k")).unwrap();
    let call = Call {
        op: "leads.list",
        method: http::Method::GET,
        path: Path::default(),
        query: Vec::new(),
        body: None,
        idempotent: true,
        background: false,
        deadline: tokio::time::Instant::now(),
        meter: CallMeter::default(),
    };
    let verdict = |status: u16, body: &str| {
        let status = StatusCode::from_u16(status).unwrap();
        match bearer.classify(&call, status, &HeaderMap::new(), body.as_bytes()) {
            Verdict::Accept => None,
            Verdict::Reject { kind, .. } => Some(kind),
        }
    };
    for status in [200, 201, 202, 206] {
        assert_eq!(verdict(status, " \n{\"data\":[]}"), None);
    }
    for page in ["<!doctype html>", "", "null", "\"later\""] {
        assert_eq!(verdict(202, page), Some(Kind::Protocol), "{page}");
    }
    let refusals = [
        (302, Kind::Protocol),
        (400, Kind::Invalid),
        (401, Kind::Unauthorized),
        (404, Kind::NotFound),
        (405, Kind::MethodRefused),
        (429, Kind::RateLimited),
        (500, Kind::VendorError),
    ];
    for (status, kind) in refusals {
        assert_eq!(verdict(status, "{}"), Some(kind));
        assert_eq!(verdict(status, "<html>"), Some(kind));
    }
}
