//! What must not leave this folder: secrets, network addresses, links to recordings.
//!
//! Redaction drops whole members by their names, at any depth, and keeps everything else as the vendor wrote it, in the
//! vendor's order (LEADSAIL-20).

use std::borrow::Cow;

use memchr::memchr2;
use serde_json::value::RawValue;

use crate::model::text::Json;

/// Whether a member of this name is dropped. Names are compared in lower case, without `_` and `-`. Each name of each lead of a
/// page comes here, so what most of them are not is found out by one look at each letter.
fn is_dropped(plain: &[u8]) -> bool {
    match plain {
        b"ipaddress" | b"useragent" | b"webhook" | b"webhooks" | b"header" | b"headers" | b"delivery"
        | b"deliveryinfo" | b"authorization" | b"password" => true,
        // Whatever contains one of these.
        _ => (0..plain.len()).filter_map(|at| plain.get(at..)).any(|end| match end.first() {
            Some(b't') => end.starts_with(b"token"),
            Some(b's') => end.starts_with(b"secret"),
            Some(b'a') => end.starts_with(b"apikey"),
            Some(b'c') => end.starts_with(b"credential"),
            Some(b'r') => end.starts_with(b"recordingurl"),
            Some(b'p') => end.starts_with(b"postingurl"),
            _ => false,
        }),
    }
}

/// Deeper than any object that LeadSail documents. What lies below is dropped: our reading is recursive.
const DEEPEST: usize = 24;

/// The object without what must not be shown; `None` for null.
pub(super) fn redacted(raw: &RawValue) -> Option<Json> {
    let text = raw.get();
    // Longer than any name that is documented.
    let plain = Vec::with_capacity(32);
    let mut reader = Reader { text, at: 0, shown: String::new(), done: 0, plain };
    reader.value(DEEPEST);
    reader.peek();
    (text != "null").then(|| reader.finish())
}

/// Reads JSON that is known to be valid, once from its beginning to its end, and cuts out what is hidden: each lead of each page
/// comes this way, and most have nothing to hide.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// What is shown of the text up to `done`, if anything was cut.
    shown: String,
    done: usize,
    /// A name as it is compared.
    plain: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn finish(mut self) -> Json {
        if self.done == 0 {
            return Json::from_valid(self.text);
        }
        self.shown.push_str(self.text.get(self.done..).unwrap_or_default());
        Json::from_valid(self.shown)
    }

    /// Leaves out what stands between two places. What stands before them is shown, unless it was left out already.
    fn cut(&mut self, from: usize, to: usize) {
        self.shown.reserve(self.text.len().saturating_sub(self.shown.len()));
        self.shown.push_str(self.text.get(self.done..from).unwrap_or_default());
        self.done = to;
    }

    /// Reads the value that comes next.
    fn value(&mut self, depth: usize) {
        match self.peek() {
            Some(b'{' | b'[') if depth == 0 => {
                let from = self.at;
                self.skip();
                self.cut(from, self.at);
                self.shown.push_str("null");
            }
            Some(b'{') => self.members(depth - 1),
            Some(b'[') => self.elements(depth - 1),
            Some(b'"') => drop(self.string()),
            _ => self.word(),
        }
    }

    fn members(&mut self, depth: usize) {
        self.at += 1;
        // The end of the last member that is shown.
        let mut shown = None;
        loop {
            let gap = self.at;
            if self.blanks() != Some(b'"') {
                self.at = gap;
                break;
            }
            let from = self.at;
            let name = self.string();
            if self.is_hidden(name) {
                self.blanks();
                self.at += 1;
                self.skip();
                // With the comma before it; with the one behind it, where there is none.
                if shown.is_none() && self.blanks() == Some(b',') {
                    self.at += 1;
                }
                self.cut(shown.unwrap_or(gap), self.at);
            } else {
                self.cut_blanks(gap, from);
                self.peek();
                self.at += 1;
                self.value(depth);
                shown = Some(self.at);
            }
            self.comma();
        }
        self.peek();
        self.at += 1;
    }

    fn elements(&mut self, depth: usize) {
        self.at += 1;
        while self.peek().is_some_and(|byte| byte != b']') {
            self.value(depth);
            self.comma();
        }
        self.at += 1;
    }

    /// Passes over the value that comes next.
    fn skip(&mut self) {
        let mut open = 0_usize;
        while let Some(byte) = self.blanks() {
            match byte {
                b'"' => drop(self.string()),
                b'{' | b'[' => {
                    open += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    open = open.saturating_sub(1);
                    self.at += 1;
                }
                b',' | b':' => self.at += 1,
                _ => self.word(),
            }
            if open == 0 {
                return;
            }
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// What comes next behind blanks, of which there are none in most texts.
    fn blanks(&mut self) -> Option<u8> {
        if let Some(next) = self.text.as_bytes().get(self.at).filter(|byte| **byte > b' ') {
            return Some(*next);
        }
        let next = self.rest().iter().position(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
        self.at = next.map_or(self.text.len(), |next| self.at + next);
        self.text.as_bytes().get(self.at).copied()
    }

    /// The same. The blanks are not shown.
    fn peek(&mut self) -> Option<u8> {
        let from = self.at;
        let next = self.blanks();
        self.cut_blanks(from, self.at);
        next
    }

    fn cut_blanks(&mut self, from: usize, to: usize) {
        if from < to {
            self.cut(from, to);
        }
    }

    fn comma(&mut self) {
        if self.peek() == Some(b',') {
            self.at += 1;
        }
    }

    /// A text in its quotes.
    fn string(&mut self) -> &'a str {
        let from = self.at;
        self.at += 1;
        while let Some(found) = memchr2(b'"', b'\\', self.rest()) {
            self.at += found + 1;
            if self.text.as_bytes().get(self.at - 1) == Some(&b'"') {
                break;
            }
            // Whatever is escaped is no end.
            self.at += 1;
        }
        self.text.get(from..self.at).unwrap_or_default()
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) {
        let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
        self.at += self.rest().iter().position(ends).unwrap_or(self.rest().len()).max(1);
    }

    /// Whether a member of this name, in its quotes, must not be shown.
    fn is_hidden(&mut self, name: &str) -> bool {
        let name: Cow<'_, str> = if name.contains('\\') {
            // What cannot be read could be anything.
            let Ok(name) = serde_json::from_str(name) else { return true };
            Cow::Owned(name)
        } else {
            Cow::Borrowed(name.trim_matches('"'))
        };
        self.plain.clear();
        let bytes = name.bytes().filter(|byte| !matches!(byte, b'_' | b'-'));
        self.plain.extend(bytes.map(|byte| byte.to_ascii_lowercase()));
        is_dropped(&self.plain)
    }
}
