//! How large a document is once its fragments are unfolded.
//!
//! The library (8.0.0-rc.5) validates and executes every spread of a fragment anew, so ten fragments that spread the next one
//! ten times would keep a thread busy for hours. Here each fragment is counted once.

use std::collections::HashMap;

use async_graphql::Name;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet};

/// The most selections of an operation with its fragments unfolded.
pub(super) const MAX_SELECTIONS: u32 = 5_000;

/// Twice as deep as the library allows; it says better than we could what is wrong then.
const TOO_DEEP: usize = 2 * crate::graphql::MAX_RECURSION;

/// The selections of an operation with its fragments unfolded; `u32::MAX` where they are beyond counting. What
/// `@skip` leaves out is counted as well, since it is validated.
pub(super) fn selections(document: &ExecutableDocument, operation: &OperationDefinition) -> u32 {
    Counter { document, known: HashMap::new() }.set(&operation.selection_set.node, 0)
}

struct Counter<'a> {
    document: &'a ExecutableDocument,
    /// Of each fragment that was met. One that is being counted has 0, so a cycle ends; validation refuses it.
    known: HashMap<&'a Name, u32>,
}

impl<'a> Counter<'a> {
    fn set(&mut self, set: &'a SelectionSet, depth: usize) -> u32 {
        if depth > TOO_DEEP {
            return u32::MAX;
        }
        let items = set.items.iter().map(|selection| {
            let below = match &selection.node {
                Selection::Field(field) => self.set(&field.node.selection_set.node, depth + 1),
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node, depth + 1),
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node, depth + 1)
                }
            };
            below.saturating_add(1)
        });
        items.fold(0, u32::saturating_add)
    }

    fn fragment(&mut self, name: &'a Name, depth: usize) -> u32 {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let Some(fragment) = self.document.fragments.get(name) else { return 0 };
        self.known.insert(name, 0);
        let count = self.set(&fragment.node.selection_set.node, depth);
        self.known.insert(name, count);
        count
    }
}
