//! What is wrong with a configuration, said so that the person who wrote it can put it right.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was named on the command line.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong. Never a value that may be a secret.
    pub what: String,
    /// What to do.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)?;
        if !self.hint.is_empty() {
            write!(f, "\n    {}", self.hint)?;
        }
        Ok(())
    }
}

/// Collects problems of one file while it is read.
pub(super) struct Problems<'a> {
    file: &'a str,
    text: &'a str,
    found: RefCell<Vec<Problem>>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, found: RefCell::default() }
    }

    /// Adds a problem about the text at `span`.
    pub(super) fn at(&self, span: &Range<usize>, what: impl Into<String>, hint: impl Into<String>) {
        let problem = Problem {
            file: self.file.to_owned(),
            line: self.line(span.start),
            what: what.into(),
            hint: hint.into(),
        };
        self.found.borrow_mut().push(problem);
    }

    /// The line of a byte, counted from 1.
    pub(super) fn line(&self, byte: usize) -> usize {
        1 + self.text.bytes().take(byte).filter(|byte| *byte == b'\n').count()
    }

    /// All of them, in the order of their lines.
    pub(super) fn sorted(self) -> Vec<Problem> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|problem| problem.line);
        found
    }
}
