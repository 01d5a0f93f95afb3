//! What may be typed: a TOML table read key by key, with every misspelling, wrong type and absurd number reported at its line.
//!
//! A [`Section`] remembers which keys it was asked for, so the list of known keys is the code that reads them.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::problem::Problems;

/// One table of the file, while it is read.
pub(super) struct Section<'a> {
    problems: &'a Problems<'a>,
    /// As it is written in a heading; empty for the file itself.
    name: String,
    span: Range<usize>,
    table: Option<&'a DeTable<'a>>,
    known: Vec<&'static str>,
}

/// A value, and where it stands.
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

impl<'a> Section<'a> {
    /// The file itself.
    pub(super) fn root(problems: &'a Problems<'a>, table: &'a Spanned<DeTable<'a>>) -> Self {
        Self {
            problems,
            name: String::new(),
            span: table.span(),
            table: Some(table.get_ref()),
            known: Vec::new(),
        }
    }

    /// Where problems go.
    pub(super) fn problems(&self) -> &'a Problems<'a> {
        self.problems
    }

    /// The line that a span begins in.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.problems.line(span.start)
    }

    /// Adds a problem about the table as a whole.
    pub(super) fn complain(&self, what: &str, hint: &str) {
        self.problems.at(&self.span, what, hint);
    }

    /// Whether a key is written.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Whether it is written at all.
    pub(super) fn is_written(&self) -> bool {
        self.table.is_some()
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.table?.get(key)
    }

    fn below(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn mistyped(&self, key: &str, found: &Spanned<DeValue<'_>>, wanted: &str) {
        let kind = found.get_ref().type_str();
        self.problems.at(
            &found.span(),
            format!("`{}` is of type {kind}", self.below(key)),
            format!("write {wanted}"),
        );
    }

    /// A table in this table; an empty one where it is not written.
    pub(super) fn section(&mut self, key: &'static str) -> Self {
        let value = self.value(key);
        let table = value.and_then(|value| value.get_ref().as_table());
        if let (Some(value), None) = (value, table) {
            self.mistyped(key, value, &format!("a table: [{}]", self.below(key)));
        }
        let span = value.map_or(self.span.clone(), Spanned::span);
        Self { problems: self.problems, name: self.below(key), span, table, known: Vec::new() }
    }

    /// The tables of an array of tables; `None` where something else is written.
    pub(super) fn sections(&mut self, key: &'static str) -> Option<Vec<Self>> {
        let Some(value) = self.value(key) else { return Some(Vec::new()) };
        let Some(array) = value.get_ref().as_array() else {
            self.mistyped(key, value, &format!("one [[{}]] heading for each", self.below(key)));
            return None;
        };
        let mut sections = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_table() {
                Some(table) => sections.push(Self {
                    problems: self.problems,
                    name: self.below(key),
                    span: item.span(),
                    table: Some(table),
                    known: Vec::new(),
                }),
                None => self.mistyped(key, item, &format!("one [[{}]] heading for each", self.below(key))),
            }
        }
        Some(sections)
    }

    /// A table that someone else knows how to read.
    pub(super) fn table(&mut self, key: &'static str) -> toml::Table {
        let Some(value) = self.value(key) else { return toml::Table::new() };
        if !value.get_ref().is_table() {
            self.mistyped(key, value, &format!("a table: [{}]", self.below(key)));
            return toml::Table::new();
        }
        match toml::Table::deserialize(ValueDeserializer::from(value.clone())) {
            Ok(table) => table,
            Err(error) => {
                self.problems.at(&value.span(), error.message(), "");
                toml::Table::new()
            }
        }
    }

    /// A text.
    pub(super) fn text(&mut self, key: &'static str) -> Option<Placed<String>> {
        let value = self.value(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some(Placed { value: text.to_owned(), span: value.span() }),
            None => {
                self.mistyped(key, value, "a text in quotes");
                None
            }
        }
    }

    /// Texts, each where it stands; `None` where none are written or one is no text.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<Placed<String>>> {
        let value = self.value(key)?;
        let texts: Option<Vec<_>> = value.get_ref().as_array().and_then(|array| {
            let text = |item: &Spanned<DeValue<'_>>| {
                Some(Placed { value: item.get_ref().as_str()?.to_owned(), span: item.span() })
            };
            array.iter().map(text).collect()
        });
        if texts.is_none() {
            self.mistyped(key, value, "a list of texts in quotes: [\"one\", \"other\"]");
        }
        texts
    }

    /// Where a key's value stands, or the table where it is not written.
    pub(super) fn span_of(&self, key: &str) -> Range<usize> {
        self.table.and_then(|table| table.get(key)).map_or(self.span.clone(), Spanned::span)
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, key: &'static str, example: &str) -> Option<Placed<String>> {
        let missing = self.table.is_some_and(|table| !table.contains_key(key));
        if missing {
            let what = format!("`{key}` is missing in [[{}]]", self.name);
            self.problems.at(&self.span, what, format!("add: {key} = \"{example}\""));
        }
        self.text(key)
    }

    /// A text made into something by its own rules, where it is written.
    pub(super) fn parsed<T: std::str::FromStr>(&mut self, key: &'static str, example: &str) -> Option<T> {
        let text = self.text(key)?;
        let parsed = text.value.parse().ok();
        if parsed.is_none() {
            let what = format!("`{}` cannot be read: \"{}\"", self.below(key), text.value.escape_debug());
            self.problems.at(&text.span, what, format!("write it like \"{example}\""));
        }
        parsed
    }

    /// Texts in a list, each made into something by its own rules; none where nothing is written.
    pub(super) fn all_parsed<T: std::str::FromStr>(&mut self, key: &'static str, example: &str) -> Vec<T> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.mistyped(key, value, &format!("a list of texts: [\"{example}\"]"));
            return Vec::new();
        };
        let mut all = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_str().map(str::parse) {
                Some(Ok(value)) => all.push(value),
                Some(Err(_)) => {
                    let text = item.get_ref().as_str().unwrap_or_default().escape_debug();
                    let what = format!("`{}` cannot be read: \"{text}\"", self.below(key));
                    self.problems.at(&item.span(), what, format!("write it like \"{example}\""));
                }
                None => self.mistyped(key, item, "a text in quotes"),
            }
        }
        all
    }

    /// Yes or no, or `default`.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        let Some(value) = self.value(key) else { return default };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.mistyped(key, value, "true or false");
            default
        })
    }

    /// Yes, no, or a word that means something between; `default` where nothing is written.
    pub(super) fn graded<T: Copy>(
        &mut self,
        key: &'static str,
        default: T,
        yes: T,
        word: (&str, T),
        no: T,
    ) -> T {
        let Some(value) = self.value(key) else { return default };
        match value.get_ref() {
            DeValue::Boolean(true) => yes,
            DeValue::Boolean(false) => no,
            DeValue::String(text) if *text == word.0 => word.1,
            _ => {
                self.mistyped(key, value, &format!("true, false or \"{}\"", word.0));
                default
            }
        }
    }

    /// A yes or no; no if nothing is said.
    pub(super) fn boolean(&mut self, key: &'static str) -> bool {
        let Some(value) = self.value(key) else { return false };
        let yes = value.get_ref().as_bool();
        if yes.is_none() {
            self.mistyped(key, value, "true or false");
        }
        yes.unwrap_or_default()
    }

    /// A whole number within bounds, or `default`.
    pub(super) fn number<N>(&mut self, key: &'static str, default: N, bounds: &RangeInclusive<N>) -> N
    where
        N: TryFrom<i64> + PartialOrd + Display,
    {
        let Some(value) = self.value(key) else { return default };
        if !value.get_ref().is_integer() {
            self.mistyped(key, value, "a whole number");
            return default;
        }
        let number = i64::deserialize(ValueDeserializer::from(value.clone())).ok();
        match number.and_then(|number| N::try_from(number).ok()).filter(|number| bounds.contains(number)) {
            Some(number) => number,
            None => {
                let what = format!("`{}` is out of bounds", self.below(key));
                let hint = format!("write a number from {} to {}", bounds.start(), bounds.end());
                self.problems.at(&value.span(), what, hint);
                default
            }
        }
    }

    /// Milliseconds within bounds, or `default`.
    pub(super) fn millis(
        &mut self,
        key: &'static str,
        default: Duration,
        bounds: &RangeInclusive<u64>,
    ) -> Duration {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.number(key, default, bounds))
    }

    /// Seconds within bounds, or `default`.
    pub(super) fn secs(
        &mut self,
        key: &'static str,
        default: Duration,
        bounds: &RangeInclusive<u64>,
    ) -> Duration {
        Duration::from_secs(self.number(key, default.as_secs(), bounds))
    }

    /// Reports every key that nobody asked for. To be called when all that is known has been read.
    pub(super) fn refuse_others(&self) {
        for (key, value) in self.table.into_iter().flatten() {
            if self.known.contains(&&**key.get_ref()) {
                continue;
            }
            let kind = if value.get_ref().is_table() { "table" } else { "key" };
            let what = format!("unknown {kind} `{}`", self.below(key.get_ref()));
            self.problems.at(&key.span(), what, format!("known here: {}", self.known.join(", ")));
        }
    }

    /// Where the value at `path` below this table stands, or the nearest table above it that is written.
    pub(super) fn place(&self, path: &[String]) -> Range<usize> {
        let mut span = self.span.clone();
        let mut here = path.split_first().and_then(|(key, _)| self.table?.get(key.as_str()));
        let mut rest = path.iter().skip(1);
        while let Some(value) = here {
            span = value.span();
            here = match (value.get_ref(), rest.next()) {
                (DeValue::Table(table), Some(key)) => table.get(key.as_str()),
                (DeValue::Array(array), Some(key)) => key.parse().ok().and_then(|at: usize| array.get(at)),
                _ => None,
            };
        }
        span
    }
}
