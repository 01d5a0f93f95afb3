//! What must not leave this folder: secrets, network addresses, links to recordings.
//!
//! Redaction drops whole members by their names, at any depth, and keeps everything else as the vendor wrote it, in the
//! vendor's order (LEADSAIL-20).

use std::borrow::Cow;
use std::ops::Range;
use std::ptr;

use serde_json::value::RawValue;

use crate::model::text::Json;
use crate::vendors::reader::{Name, Reader};

/// Members of these names are dropped. Names are compared in lower case, without `_` and `-`.
const NAMES: [&str; 8] =
    ["webhook", "webhooks", "header", "headers", "delivery", "deliveryinfo", "authorization", "password"];

/// And those whose names contain one of these.
const PARTS: [&str; 8] =
    ["token", "secret", "apikey", "credential", "recordingurl", "postingurl", "ipaddress", "useragent"];

/// Deeper than any object that LeadSail documents. What lies below is dropped: our reading is recursive.
const DEEPEST: usize = 24;

/// A value without what must not be shown; `None` for null.
pub(super) fn redacted(raw: &RawValue) -> Option<Json> {
    let mut redaction = Redaction::of(raw);
    redaction.value(DEEPEST);
    (raw.get() != "null").then(|| Json::from_valid(redaction.shown()))
}

/// An object of which one reading tells all: its members, and what of it may be shown. Each lead of each page comes this way.
pub(super) struct Row<'a> {
    members: Vec<Member<'a>>,
    shown: Cow<'a, str>,
}

struct Member<'a> {
    name: Name<'a>,
    value: &'a str,
    /// Where the value stands in what is shown: nowhere, if the member is dropped.
    shown: Range<usize>,
}

impl<'a> Row<'a> {
    /// `None` where it is no object.
    pub(super) fn of(raw: &'a RawValue) -> Option<Self> {
        let mut redaction = Redaction::of(raw);
        // As many as are documented.
        let mut members = Vec::with_capacity(32);
        let is_object = redaction.peek() == Some(b'{');
        is_object.then(|| redaction.members(DEEPEST - 1, &mut |member| members.push(member)))?;
        Some(Self { members, shown: redaction.shown() })
    }

    /// The names of all its members, and their values.
    pub(super) fn members(&self) -> impl Iterator<Item = (Name<'a>, &'a str)> {
        self.members.iter().map(|member| (member.name, member.value))
    }

    /// The value of one of its members, without what must not be shown; `None` for null, and where the member is dropped.
    pub(super) fn redacted(&self, value: &RawValue) -> Option<Json> {
        let member = self.members.iter().find(|member| ptr::eq(member.value, value.get()))?;
        let shown = self.shown.get(member.shown.clone())?;
        (!matches!(shown, "" | "null")).then(|| Json::from_valid(shown))
    }

    /// All of it, without what must not be shown.
    pub(super) fn shown(self) -> Json {
        Json::from_valid(self.shown)
    }
}

/// Reads JSON that is known to be valid, once from its beginning to its end, and cuts out what is hidden.
struct Redaction<'a> {
    reader: Reader<'a>,
    /// What is shown of the text up to `done`, if anything was cut.
    shown: String,
    done: usize,
}

impl<'a> Redaction<'a> {
    fn of(raw: &'a RawValue) -> Self {
        Self { reader: Reader::new(raw.get()), shown: String::new(), done: 0 }
    }

    fn shown(mut self) -> Cow<'a, str> {
        if self.done == 0 {
            return Cow::Borrowed(self.reader.text);
        }
        self.shown.push_str(self.reader.text.get(self.done..).unwrap_or_default());
        Cow::Owned(self.shown)
    }

    /// Where in what is shown this place is.
    fn place(&self) -> usize {
        self.shown.len() + self.reader.at - self.done
    }

    /// Leaves out what stands between two places. What stands before them is shown, unless it was left out already.
    fn cut(&mut self, from: usize, to: usize) {
        let text = self.reader.text;
        self.shown.reserve(text.len().saturating_sub(self.shown.len()));
        self.shown.push_str(text.get(self.done..from).unwrap_or_default());
        self.done = to;
    }

    fn cut_blanks(&mut self, from: usize, to: usize) {
        if from < to {
            self.cut(from, to);
        }
    }

    /// What comes next behind blanks, which are not shown.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let here = self.reader.here();
        if here.is_some_and(|byte| byte <= b' ') { self.peek_behind() } else { here }
    }

    #[cold]
    fn peek_behind(&mut self) -> Option<u8> {
        let from = self.reader.at;
        let next = self.reader.peek();
        self.cut_blanks(from, self.reader.at);
        next
    }

    /// Goes past this, where it is what comes next behind blanks, which are not shown.
    #[inline]
    fn pass(&mut self, byte: u8) {
        if self.peek() == Some(byte) {
            self.reader.at += 1;
        }
    }

    /// Reads the value that comes next.
    fn value(&mut self, depth: usize) {
        match self.peek() {
            Some(b'{' | b'[') if depth == 0 => {
                let from = self.reader.at;
                self.reader.value();
                self.cut(from, self.reader.at);
                self.shown.push_str("null");
            }
            Some(b'{') => self.members(depth - 1, &mut |_| {}),
            Some(b'[') => self.elements(depth - 1),
            Some(b'"') => drop(self.reader.string()),
            _ => drop(self.reader.word()),
        }
    }

    /// Reads the members of the object that comes next, and tells them all, shown or not.
    fn members(&mut self, depth: usize, tell: &mut impl FnMut(Member<'a>)) {
        self.pass(b'{');
        // The end of the last member that is shown.
        let mut shown = None;
        loop {
            let gap = self.reader.at;
            if self.reader.peek() != Some(b'"') {
                self.cut_blanks(gap, self.reader.at);
                break;
            }
            let from = self.reader.at;
            let (name, letters) = self.name();
            if is_hidden(name, letters) {
                self.reader.pass(b':');
                tell(Member { name, value: self.reader.value(), shown: 0..0 });
                // With the comma before it; with the one behind it, where there is none.
                if shown.is_none() {
                    self.reader.pass(b',');
                }
                self.cut(shown.unwrap_or(gap), self.reader.at);
            } else {
                self.cut_blanks(gap, from);
                self.pass(b':');
                self.peek();
                let (from, place) = (self.reader.at, self.place());
                self.value(depth);
                shown = Some(self.reader.at);
                tell(Member { name, value: self.reader.since(from), shown: place..self.place() });
            }
            self.pass(b',');
        }
        self.pass(b'}');
    }

    /// The name that comes next, and its letters.
    fn name(&mut self) -> (Name<'a>, u32) {
        let from = self.reader.at + 1;
        let rest = self.reader.text.as_bytes().get(from..).unwrap_or_default();
        let mut set = 0;
        let ends = |byte: &u8| {
            set |= 1 << (byte & 31);
            *byte == b'"'
        };
        let len = rest.iter().position(ends).unwrap_or(rest.len());
        let plain = rest.get(..len).unwrap_or_default();
        if set & letters(b"\\") != 0 && plain.contains(&b'\\') {
            return (Name::Escaped(self.reader.string()), u32::MAX);
        }
        self.reader.at = from + len;
        let name = self.reader.since(from);
        self.reader.at += 1;
        (Name::Plain(name), set)
    }

    /// Reads the list that comes next.
    fn elements(&mut self, depth: usize) {
        self.pass(b'[');
        while self.peek().is_some_and(|byte| byte != b']') {
            self.value(depth);
            self.pass(b',');
        }
        self.pass(b']');
    }
}

/// Whether a member of this name is dropped.
pub(super) fn hides(name: &str) -> bool {
    is_hidden(Name::Plain(name), letters(name.as_bytes()))
}

/// Whether a member of this name, which has these letters, is dropped. Most names have not all the letters of any that is.
fn is_hidden(name: Name<'_>, letters: u32) -> bool {
    let has_all = |may_be, needed: &u32| may_be | (letters & needed == *needed);
    let may_be = LETTERS.iter().fold(false, has_all);
    may_be && is_one_of_hidden(name)
}

#[cold]
fn is_one_of_hidden(name: Name<'_>) -> bool {
    // What cannot be read could be anything.
    let Some(name) = name.read() else { return true };
    let letters = name.bytes().filter(|byte| !matches!(byte, b'_' | b'-'));
    let plain: Vec<u8> = letters.map(|byte| byte.to_ascii_lowercase()).collect();
    NAMES.iter().any(|hidden| plain == hidden.as_bytes())
        || PARTS.iter().any(|hidden| plain.windows(hidden.len()).any(|part| part == hidden.as_bytes()))
}

/// The letters of each of what is hidden.
#[expect(clippy::indexing_slicing, reason = "checked as it is compiled")]
const LETTERS: [u32; NAMES.len() + PARTS.len()] = {
    let mut all = [0; NAMES.len() + PARTS.len()];
    let mut at = 0;
    while at < all.len() {
        let hidden = if at < NAMES.len() { NAMES[at] } else { PARTS[at - NAMES.len()] };
        all[at] = letters(hidden.as_bytes());
        at += 1;
    }
    all
};

/// A bit for each letter, small or large, and for whatever else ends in the same five bits.
const fn letters(mut name: &[u8]) -> u32 {
    let mut set = 0;
    while let [letter, rest @ ..] = name {
        set |= 1 << (*letter & 31);
        name = rest;
    }
    set
}
