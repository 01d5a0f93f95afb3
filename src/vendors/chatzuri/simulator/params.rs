//! What a list is asked: parameters out of a query or a body, the days and the page they mean.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::Value;

use super::data::{Order, Row};

/// Whether the day `endDate` belongs to the answer (CHATZURI-16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Included,
    Excluded,
}

/// What a list is asked.
pub(super) struct Params {
    pub(super) agent: String,
    /// Words of `filteredSources`; empty: all.
    pub(super) sources: HashSet<String>,
    start: Option<Date>,
    end: Option<Date>,
    page: usize,
    size: usize,
}

pub(super) type Fields = HashMap<String, String>;

pub(super) fn of_query(query: &str) -> Fields {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// A JSON object of text and numbers. An empty body asks for nothing in particular.
pub(super) fn of_body(body: &[u8]) -> Option<Fields> {
    if body.is_empty() {
        return Some(Fields::new());
    }
    let fields: serde_json::Map<String, Value> = serde_json::from_slice(body).ok()?;
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    fields.into_iter().map(|(name, value)| Some((name, text(value)?))).collect()
}

impl Params {
    /// Reads the parameters: page 1 of 10 rows unless said otherwise, 100 rows at most (CHATZURI-11, CHATZURI-12).
    pub(super) fn read(
        fields: &Fields,
        agent_field: &str,
        size_cap: Option<usize>,
    ) -> Result<Self, &'static str> {
        let agent = fields.get(agent_field).ok_or("the agent is missing")?.clone();
        let number = |name: &str, default: usize| match fields.get(name) {
            None => Ok(default),
            Some(text) => text.parse().ok().filter(|number| *number > 0).ok_or("not a number from 1"),
        };
        let day = |name: &str| fields.get(name).map(|text| date(text).ok_or("not a date like 2026-01-31"));
        let size = number("size", 10)?.min(100).min(size_cap.unwrap_or(100).max(1));
        let sources = fields.get("filteredSources").map(String::as_str).unwrap_or_default();
        Ok(Self {
            agent,
            sources: sources.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            start: day("startDate").transpose()?,
            end: day("endDate").transpose()?,
            page: number("page", 1)?,
            size,
        })
    }

    /// The page of the rows that are asked for, with days as the vendor counts them.
    pub(super) fn page_of<'a, T: Row>(
        &self,
        mut rows: Vec<&'a T>,
        order: Order,
        offset_hours: i8,
        end: End,
    ) -> Vec<&'a T> {
        let holds = |row: &&T| {
            let day = day_at(row.at(), offset_hours);
            self.start.is_none_or(|start| day >= start)
                && self.end.is_none_or(|last| day < last || (day == last && end == End::Included))
        };
        rows.retain(holds);
        match order {
            Order::Newest => rows.sort_unstable_by_key(|row| std::cmp::Reverse((row.at(), row.serial()))),
            Order::Oldest => rows.sort_unstable_by_key(|row| (row.at(), row.serial())),
            Order::Random => rows.sort_unstable_by_key(|row| (row.shuffle(), row.serial())),
        }
        rows.into_iter().skip((self.page - 1).saturating_mul(self.size)).take(self.size).collect()
    }
}

/// The day of an instant, so many hours east of UTC.
pub(super) fn day_at(at: Timestamp, offset_hours: i8) -> Date {
    let shifted = at.checked_add(SignedDuration::from_hours(offset_hours.into())).unwrap_or(at);
    TimeZone::UTC.to_datetime(shifted).date()
}

/// A date with zero-padded parts, as CHATZURI-14 wants it, and no other.
fn date(text: &str) -> Option<Date> {
    let shaped = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    shaped.then(|| text.parse().ok()).flatten()
}
