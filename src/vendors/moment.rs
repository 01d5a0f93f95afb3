//! Moments, in whatever way a vendor writes them.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::lenient;

/// A field that is a moment in any of the ways of [`at`]. What is none becomes nothing, and never costs the row.
#[derive(Clone, Copy, Default)]
pub(super) struct Moment(pub(super) Option<Timestamp>);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(at(lenient::raw(deserializer)?)))
    }
}

/// A vendor's timestamp, in whole milliseconds: RFC 3339, also with a space for the `T`, also without a zone
/// (then UTC); a bare date (midnight UTC); an integer of milliseconds (from 10^12) or seconds (from 10^9), also as text.
pub(super) fn at(json: &str) -> Option<Timestamp> {
    let at = match lenient::string(json) {
        Some(text) => written(&text),
        None => json.parse().ok().and_then(counted),
    };
    at.and_then(whole)
}

fn whole(at: Timestamp) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.as_millisecond()).ok()
}

fn written(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    // Longer than any timestamp: not worth a parser's time.
    if text.len() > 64 {
        return None;
    }
    if let Ok(number) = text.parse::<i64>() {
        return counted(number);
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn counted(number: i64) -> Option<Timestamp> {
    if number >= 1_000_000_000_000 {
        Timestamp::from_millisecond(number).ok()
    } else if number >= 1_000_000_000 {
        Timestamp::from_second(number).ok()
    } else {
        None
    }
}
