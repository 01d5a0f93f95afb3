//! What must not leave this folder: secrets, network addresses, links to recordings.
//!
//! Redaction drops whole members by their names, at any depth, and keeps everything else as the vendor wrote it, in the
//! vendor's order (LEADSAIL-20).

use serde_json::value::RawValue;

use super::lenient::Entries;
use crate::model::text::Json;

/// Members of exactly these names are dropped. Names are compared in lower case, without `_` and `-`.
const NAMES: &[&str] = &[
    "ipaddress",
    "useragent",
    "webhook",
    "webhooks",
    "header",
    "headers",
    "delivery",
    "deliveryinfo",
    "authorization",
    "password",
];

/// Members whose names contain one of these are dropped.
const PARTS: &[&str] = &["token", "secret", "apikey", "credential", "recordingurl", "postingurl"];

/// Deeper than any object that LeadSail documents. What lies below is dropped: our reading is recursive.
const DEEPEST: usize = 24;

/// The object without what must not be shown; `None` for null.
pub(super) fn redacted(raw: &RawValue) -> Option<Json> {
    let mut text = String::with_capacity(raw.get().len());
    write(raw.get(), DEEPEST, &mut text);
    (text != "null").then(|| Json::from_valid(text))
}

fn write(raw: &str, depth: usize, out: &mut String) {
    let kind = raw.as_bytes().first().copied();
    if !matches!(kind, Some(b'{' | b'[')) {
        out.push_str(raw);
    } else if depth == 0 {
        out.push_str("null");
    } else if let Ok(Entries(entries)) = serde_json::from_str(raw) {
        let shown = entries.iter().filter(|(name, _)| !hidden(name));
        list(out, ['{', '}'], shown, |out, (name, value)| {
            out.push_str(&serde_json::Value::from(name.as_str()).to_string());
            out.push(':');
            write(value.get(), depth - 1, out);
        });
    } else {
        let rows: Vec<&RawValue> = serde_json::from_str(raw).unwrap_or_default();
        list(out, ['[', ']'], rows.into_iter(), |out, row| write(row.get(), depth - 1, out));
    }
}

fn list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    mut item: impl FnMut(&mut String, T),
) {
    out.push(open);
    for (index, value) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        item(out, value);
    }
    out.push(close);
}

fn hidden(name: &str) -> bool {
    let plain: String =
        name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect();
    NAMES.contains(&plain.as_str()) || PARTS.iter().any(|part| plain.contains(part))
}
