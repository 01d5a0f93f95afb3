//! Tokens of a document, by the GraphQL specification.
//!
//! Where the parser (8.0.0-rc.5) is laxer than the specification, a text would have more tokens for it than for us: `00` in
//! a list is two numbers for it, and a block string without an end is an empty string and another one. Such texts are no
//! GraphQL, and are refused here.

/// A token, as far as counting needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Name(&'a str),
    /// One of `! $ & ( ) : = @ [ ] { | }`.
    Mark(u8),
    /// `...`
    Spread,
    /// A number or a text.
    Literal,
}

/// A token and where it stands, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed<'a> {
    pub(super) token: Token<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Where a text stops to be tokens, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoToken(pub(super) usize);

/// Reads tokens, each byte once.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Placed<'a>>, NoToken> {
        self.skip_ignored();
        let start = self.at;
        let Some(first) = self.peek(0) else { return Ok(None) };
        let token = match first {
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                self.skip_while(is_name);
                Token::Name(self.text.get(start..self.at).unwrap_or_default())
            }
            b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|' | b'}' => {
                self.at += 1;
                Token::Mark(first)
            }
            b'.' if self.rest().starts_with(b"...") => {
                self.at += 3;
                Token::Spread
            }
            b'-' | b'0'..=b'9' => {
                self.number()?;
                Token::Literal
            }
            b'"' => {
                if self.rest().starts_with(TRIPLE) {
                    self.block()?
                } else {
                    self.string()?
                }
                Token::Literal
            }
            _ => return Err(NoToken(start)),
        };
        Ok(Some(Placed { token, start, end: self.at }))
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn skip_while(&mut self, belongs: impl Fn(u8) -> bool) {
        self.at += self.rest().iter().take_while(|byte| belongs(**byte)).count();
    }

    fn skip_ignored(&mut self) {
        loop {
            match self.peek(0) {
                Some(b'#') => self.skip_while(|byte| !is_line_end(byte)),
                Some(0xef) if self.rest().starts_with(MARK_OF_ORDER) => self.at += MARK_OF_ORDER.len(),
                Some(byte) if is_blank(byte) => self.at += 1,
                _ => return,
            }
        }
    }

    fn number(&mut self) -> Result<(), NoToken> {
        self.at += usize::from(self.peek(0) == Some(b'-'));
        if self.peek(0) == Some(b'0') {
            self.at += 1
        } else {
            self.digits()?
        }
        if self.peek(0) == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(0), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(0), Some(b'+' | b'-')));
            self.digits()?;
        }
        match self.peek(0) {
            Some(byte) if is_name(byte) || byte == b'.' => Err(NoToken(self.at)),
            _ => Ok(()),
        }
    }

    fn digits(&mut self) -> Result<(), NoToken> {
        let before = self.at;
        self.skip_while(|byte| byte.is_ascii_digit());
        if self.at == before { Err(NoToken(before)) } else { Ok(()) }
    }

    /// A text on one line. What may follow a backslash is the parser's to know; here it only hides a quote.
    fn string(&mut self) -> Result<(), NoToken> {
        let start = self.at;
        self.at += 1;
        loop {
            self.skip_while(|byte| byte != b'"' && byte != b'\\' && !is_line_end(byte));
            match self.peek(0) {
                Some(b'"') => break,
                Some(b'\\') if self.peek(1).is_some_and(|byte| !is_line_end(byte)) => self.at += 2,
                _ => return Err(NoToken(start)),
            }
        }
        self.at += 1;
        Ok(())
    }

    /// A text between triple quotes.
    fn block(&mut self) -> Result<(), NoToken> {
        let start = self.at;
        self.at += TRIPLE.len();
        loop {
            self.skip_while(|byte| byte != b'"' && byte != b'\\');
            let rest = self.rest();
            if rest.starts_with(TRIPLE) {
                break;
            }
            self.at += match rest.first() {
                None => return Err(NoToken(start)),
                Some(_) if rest.starts_with(HIDDEN_TRIPLE) => HIDDEN_TRIPLE.len(),
                Some(_) => 1,
            };
        }
        self.at += TRIPLE.len();
        Ok(())
    }
}

const TRIPLE: &[u8] = b"\"\"\"";
const HIDDEN_TRIPLE: &[u8] = b"\\\"\"\"";
const MARK_OF_ORDER: &[u8] = "\u{feff}".as_bytes();

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b',') || is_line_end(byte)
}

/// Whether a text is nothing but blanks, and has one: what the parser wants between `on` and a type, where it takes no
/// comment.
pub(super) fn is_gap(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c == '\u{feff}' || u8::try_from(c).is_ok_and(is_blank))
}
