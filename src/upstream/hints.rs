//! What a vendor's headers say about when to ask again: `Retry-After` and `X-RateLimit-*`. They come from outside, so they are
//! read with suspicion: at most 64 characters, at most 300 s.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

use super::call::QuotaNote;
use super::clock::wall;

/// The longest that a vendor can make us wait with one answer.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(300);

const LONGEST_TEXT: usize = 64;

/// `Retry-After` in either form, at most 300 s. A date is measured from the answer's own `Date` where it has one, so that a
/// vendor's clock need not agree with ours.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, header::RETRY_AFTER.as_str())?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds).min(LONGEST_WAIT));
    }
    let when = httpdate::parse_http_date(value).ok()?;
    let date = text(headers, header::DATE.as_str()).and_then(|date| httpdate::parse_http_date(date).ok());
    let now = date.unwrap_or_else(|| SystemTime::from(wall()));
    Some(when.duration_since(now).unwrap_or_default().min(LONGEST_WAIT))
}

/// `X-RateLimit-Remaining` with `X-RateLimit-Reset`, taken as seconds to wait. Figures that
/// contradict each other (more left than `X-RateLimit-Limit`) are not believed; a reset that looks like an epoch is left out.
pub(super) fn quota(headers: &HeaderMap) -> Option<QuotaNote> {
    const AN_EPOCH: u64 = 1_000_000_000;
    let number = |name| text(headers, name)?.parse::<u64>().ok();
    let remaining = u32::try_from(number("x-ratelimit-remaining")?).ok()?;
    if number("x-ratelimit-limit").is_some_and(|limit| u64::from(remaining) > limit) {
        return None;
    }
    let resets_in = number("x-ratelimit-reset")
        .filter(|seconds| *seconds < AN_EPOCH)
        .map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT));
    Some(QuotaNote { remaining, resets_in })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (text.len() <= LONGEST_TEXT).then_some(text)
}
