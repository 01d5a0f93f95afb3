//! What must not leave this folder: secrets, network addresses, links to recordings.
//!
//! Redaction drops whole members by their names, at any depth, and keeps everything else as the vendor wrote it, in the
//! vendor's order (LEADSAIL-20).

use std::borrow::Cow;

use serde_json::value::RawValue;

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
    let mut shown = String::with_capacity(raw.get().len());
    Reader { rest: raw.get(), plain: String::new() }.value(DEEPEST, &mut shown);
    (shown != "null").then(|| Json::from_valid(shown))
}

/// Reads JSON that is known to be valid, once from its beginning to its end: each lead of each page comes this way.
struct Reader<'a> {
    rest: &'a str,
    /// A name as it is compared.
    plain: String,
}

impl<'a> Reader<'a> {
    /// Appends the value that comes next to `out`.
    fn value(&mut self, depth: usize, out: &mut String) {
        match self.peek() {
            Some(b'{' | b'[') if depth == 0 => {
                self.skip();
                out.push_str("null");
            }
            Some(b'{') => self.members(depth - 1, out),
            Some(b'[') => self.elements(depth - 1, out),
            Some(b'"') => out.push_str(self.string()),
            _ => out.push_str(self.word()),
        }
    }

    fn members(&mut self, depth: usize, out: &mut String) {
        out.push_str(self.take(1));
        let mut comma = "";
        while self.peek() == Some(b'"') {
            let name = self.string();
            self.peek();
            let colon = self.take(1);
            if self.is_hidden(name) {
                self.skip();
            } else {
                out.extend([comma, name, colon]);
                self.value(depth, out);
                comma = ",";
            }
            self.comma();
        }
        out.push_str(self.take(1));
    }

    fn elements(&mut self, depth: usize, out: &mut String) {
        out.push_str(self.take(1));
        let mut comma = "";
        while self.peek().is_some_and(|byte| byte != b']') {
            out.push_str(comma);
            self.value(depth, out);
            comma = ",";
            self.comma();
        }
        out.push_str(self.take(1));
    }

    /// Passes over the value that comes next.
    fn skip(&mut self) {
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => drop(self.string()),
                b'{' | b'[' => {
                    open += 1;
                    self.take(1);
                }
                b'}' | b']' => {
                    open = open.saturating_sub(1);
                    self.take(1);
                }
                b',' | b':' => drop(self.take(1)),
                _ => drop(self.word()),
            }
            if open == 0 {
                return;
            }
        }
    }

    /// What comes next behind blanks.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_start_matches([' ', '\n', '\r', '\t']);
        self.rest.as_bytes().first().copied()
    }

    fn comma(&mut self) {
        if self.peek() == Some(b',') {
            self.take(1);
        }
    }

    /// A text in its quotes.
    fn string(&mut self) -> &'a str {
        let (bytes, mut end) = (self.rest.as_bytes(), 1);
        while let Some(byte) = bytes.get(end).filter(|byte| **byte != b'"') {
            end += if *byte == b'\\' { 2 } else { 1 };
        }
        self.take(end + 1)
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> &'a str {
        let end = self.rest.find([',', '}', ']', ' ', '\n', '\r', '\t']).unwrap_or(self.rest.len());
        self.take(end.max(1))
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Whether a member of this name, in its quotes, must not be shown.
    fn is_hidden(&mut self, name: &str) -> bool {
        let name: Cow<'_, str> = if name.contains('\\') {
            serde_json::from_str(name).map_or(Cow::Borrowed(name), Cow::Owned)
        } else {
            Cow::Borrowed(name.trim_matches('"'))
        };
        self.plain.clear();
        self.plain.extend(name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()));
        let plain = self.plain.as_str();
        let mut ends = (0..plain.len()).filter_map(|at| plain.get(at..));
        NAMES.contains(&plain) || ends.any(|end| PARTS.iter().any(|part| end.starts_with(part)))
    }
}
