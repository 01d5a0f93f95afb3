//! The plain values of a page's records as JSON, one field of all records after the other, kept with the page: who asks for the
//! page again gets them as they are, in whichever order and under whichever names they are selected. Only of whole records: what
//! is masked is written anew.

use std::marker::PhantomData;
use std::sync::OnceLock;

use super::out::Out;
use super::plan::{Shape, Write};
use crate::graphql::mask::Glimpse;

/// Those of a page that were asked for.
pub(super) struct Columns<T> {
    /// As [`Shape::PLAIN`] has them.
    by_field: Box<[OnceLock<Column>]>,
    of: PhantomData<fn(&T)>,
}

impl<T: Shape> Default for Columns<T> {
    fn default() -> Self {
        Self { by_field: T::PLAIN.iter().map(|_| OnceLock::new()).collect(), of: PhantomData }
    }
}

impl<T: Shape> Columns<T> {
    /// The values of a field, written now if they were not before.
    pub(super) fn get(&self, field: usize, seen: &[Glimpse<'_, T>], write: &Write<'_, T>) -> Option<&Column> {
        Some(self.by_field.get(field)?.get_or_init(|| Column::of(seen, write)))
    }
}

/// The values of one field.
pub(super) struct Column {
    json: Box<[u8]>,
    /// Where each of them ends.
    ends: Box<[usize]>,
}

impl Column {
    fn of<T>(seen: &[Glimpse<'_, T>], write: &Write<'_, T>) -> Self {
        let mut out = Out::with_capacity(seen.len() * 32);
        let end = |record: &Glimpse<'_, T>| {
            write(record, &mut out);
            out.len()
        };
        let ends = seen.iter().map(end).collect();
        Self { json: out.into_bytes().into(), ends }
    }

    /// The value of the record at a place of the page.
    pub(super) fn at(&self, row: usize) -> &[u8] {
        let from = row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        let to = self.ends.get(row).copied().unwrap_or(from);
        self.json.get(from..to).unwrap_or_default()
    }
}
