//! Days for vendors that filter by nothing finer.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::source::Span;

/// The days that hold a span, whatever the vendor's time zone is and whether `endDate` itself counts, as `startDate` and
/// `endDate`. At the beginning one day more is enough for zones west of us. At the end it is one day for zones east of us and
/// one more where `endDate` does not count. The gateway trims to the instant.
pub(super) fn days(span: Span) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    if let Some(since) = span.since {
        let first = utc_day(since);
        fields.push(("startDate", written(first.yesterday().unwrap_or(first))));
    }
    if let Some(until) = span.until {
        let last = utc_day(until.checked_sub(SignedDuration::from_millis(1)).unwrap_or(until));
        let later = last.tomorrow().and_then(Date::tomorrow).unwrap_or(last);
        fields.push(("endDate", written(later)));
    }
    fields
}

/// The UTC day of an instant.
pub(super) fn utc_day(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// Zero-padded, so the years before 1 cannot be written; nothing was created then either.
fn written(day: Date) -> String {
    day.max(date(1, 1, 1)).to_string()
}
