//! Reading JSON that is known to be valid, as all that stands in an envelope is once the envelope was decoded: what was proven
//! once need not be proven each time that something is looked for in it.
//!
//! Of a text that is not valid something is read, or nothing, but no reading fails and none goes on for ever.

#[cfg(test)]
pub(in crate::vendors) mod tests;

use std::borrow::Cow;
use std::iter;

/// The name of a member.
#[derive(Clone, Copy)]
pub(super) enum Name<'a> {
    /// As it is written.
    Plain(&'a str),
    /// As it is written, in its quotes, and with something escaped in it.
    Escaped(&'a str),
}

impl<'a> Name<'a> {
    /// The name itself. `None` where an escape is broken.
    pub(super) fn read(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Plain(name) => Some(Cow::Borrowed(name)),
            Self::Escaped(name) => serde_json::from_str(name).ok().map(Cow::Owned),
        }
    }
}

/// A place in a JSON text.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    /// At the beginning of a text.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// What stands between a place and this one.
    pub(super) fn since(&self, from: usize) -> &'a str {
        self.text.get(from..self.at).unwrap_or_default()
    }

    /// What stands here, be it a blank.
    pub(super) fn here(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// What comes next behind blanks, of which there are none in most texts.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while self.here().is_some_and(|byte| byte <= b' ') {
            self.at += 1;
        }
        self.here()
    }

    /// Goes past this, where it is what comes next.
    pub(super) fn pass(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// The value that comes next, as it is written.
    pub(super) fn value(&mut self) -> &'a str {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{' | b'[') => self.nest(),
            _ => self.word(),
        }
    }

    /// The text that comes next, in its quotes.
    pub(super) fn string(&mut self) -> &'a str {
        let from = self.at;
        self.at += 1;
        // Whatever is escaped is no end.
        while self.special() == Some(b'\\') {
            self.at += 2;
        }
        self.at += 1;
        self.since(from)
    }

    /// The name that comes next.
    fn name(&mut self) -> Name<'a> {
        let from = self.at;
        self.at += 1;
        if self.special() == Some(b'\\') {
            self.at = from;
            return Name::Escaped(self.string());
        }
        let name = self.since(from + 1);
        self.at += 1;
        Name::Plain(name)
    }

    /// Goes to the next quote or backslash, eight bytes at a time: what most texts need is a step or two, which is less than it
    /// takes to call for a search.
    #[inline]
    fn special(&mut self) -> Option<u8> {
        const ONES: u64 = u64::MAX / 0xFF;
        let bytes = self.text.as_bytes();
        while let Some(chunk) = bytes.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            let chunk = u64::from_le_bytes(*chunk);
            // Of bytes below 128, what turns to zero is the first whose highest bit is set by taking one from each.
            let less = |byte: u8| (chunk ^ (ONES * u64::from(byte))).wrapping_sub(ONES);
            let found = (less(b'"') | less(b'\\')) & !chunk & (ONES << 7);
            if found != 0 {
                self.at += found.trailing_zeros() as usize / 8;
                return self.here();
            }
            self.at += 8;
        }
        let rest = bytes.get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(rest.len());
        self.here()
    }

    /// The object or the list that comes next.
    fn nest(&mut self) -> &'a str {
        let from = self.at;
        let mut open = 0_usize;
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b'"' => {
                    self.string();
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                break;
            }
        }
        self.since(from)
    }

    /// The number, `true`, `false` or `null` that comes next.
    pub(super) fn word(&mut self) -> &'a str {
        let from = self.at;
        let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']') || *byte <= b' ';
        self.at += match self.here() {
            Some(b'n' | b't') => 4,
            Some(b'f') => 5,
            _ => {
                let rest = self.text.as_bytes().get(from..).unwrap_or_default();
                rest.iter().position(ends).unwrap_or(rest.len()).max(1)
            }
        };
        self.since(from)
    }
}

/// The members of an object, in their order: their names, and their values as they are written. `None` where it is none.
pub(super) fn members(text: &str) -> Option<impl Iterator<Item = (Name<'_>, &str)>> {
    let mut reader = Reader::new(text);
    let is_object = reader.pass(b'{');
    let next = move || {
        let more = reader.peek() == Some(b'"');
        let member = more.then(|| {
            let name = reader.name();
            reader.pass(b':');
            (name, reader.value())
        });
        reader.pass(b',');
        member
    };
    is_object.then(|| iter::from_fn(next))
}

/// The elements of a list, in their order, as they are written. `None` where it is no list.
pub(super) fn elements(text: &str) -> Option<impl Iterator<Item = &str>> {
    let mut reader = Reader::new(text);
    let is_list = reader.pass(b'[');
    let next = move || {
        let more = reader.peek().is_some_and(|byte| byte != b']');
        let element = more.then(|| reader.value());
        reader.pass(b',');
        element
    };
    is_list.then(|| iter::from_fn(next))
}

/// What stands between the quotes of a text, where nothing in it is escaped.
pub(super) fn plain(string: &str) -> Option<&str> {
    let text = string.strip_prefix('"')?.strip_suffix('"')?;
    // All bytes at once, as `contains` does not.
    let escaped = text.bytes().fold(false, |escaped, byte| escaped | (byte == b'\\'));
    (!escaped).then_some(text)
}
