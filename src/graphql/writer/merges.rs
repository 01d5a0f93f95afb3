//! Whether an answer has lists that would have to be merged with each other.

use std::collections::HashMap;

use async_graphql::Positioned;
use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};

/// The fields that are lists of records.
const LISTS: [&str; 3] = ["leads", "conversations", "interactions"];

/// Whether a document selects a list of records, or what one is below, in several places under one name: the library resolves
/// each place and merges what comes of them, which it cannot do with what is written. Fragments count whatever they are on.
pub(in crate::graphql) fn merges_lists(document: &ExecutableDocument) -> bool {
    let merges = |set| Walk { document }.lists(&[set]).is_none();
    document.operations.iter().any(|(_, operation)| merges(&operation.node.selection_set.node))
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
}

impl<'a> Walk<'a> {
    /// Whether there are lists in these sets, or below; `None` where some would have to be merged.
    fn lists(&self, sets: &[&'a SelectionSet]) -> Option<bool> {
        let mut fields: HashMap<&str, Vec<&'a Positioned<Field>>> = HashMap::new();
        sets.iter().for_each(|set| self.unfold(set, &mut fields));
        let mut any = false;
        for places in fields.into_values() {
            let below: Vec<_> = places.iter().map(|field| &field.node.selection_set.node).collect();
            let is_list = |field: &&Positioned<Field>| {
                LISTS.contains(&field.node.name.node.as_str())
                    && !field.node.selection_set.node.items.is_empty()
            };
            let lists = self.lists(&below)? || places.iter().any(is_list);
            if lists && places.len() > 1 {
                return None;
            }
            any |= lists;
        }
        Some(any)
    }

    fn unfold(&self, set: &'a SelectionSet, fields: &mut HashMap<&'a str, Vec<&'a Positioned<Field>>>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    fields.entry(&field.node.response_key().node).or_default().push(field);
                }
                Selection::InlineFragment(fragment) => self.unfold(&fragment.node.selection_set.node, fields),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        self.unfold(&fragment.node.selection_set.node, fields);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn lists_are_merged_where_one_name_leads_to_them_twice() {
        for (text, merges) in [
            ("{ leads { nodes { id } } }", false),
            ("{ a: leads { nodes { id } } b: leads { nodes { id } } }", false),
            ("{ leads { nodes { id } } leads { incomplete } }", true),
            ("{ leads { nodes { id } } ...F } fragment F on Query { leads { incomplete } }", true),
            ("{ ...F ...F } fragment F on Query { leads { incomplete } }", true),
            ("{ leads { nodes { id source { name } } nodes { id source { id } } } }", false),
            ("{ leads { nodes { interactions { incomplete } } nodes { id } } }", true),
            ("{ lead(id: 1) { id ... { interactions { incomplete } } } lead(id: 1) { name } }", true),
            ("{ lead(id: 1) { id } lead(id: 1) { name } leads { incomplete } }", false),
            ("{ sources { capabilities { leads } } sources { capabilities { leads } } }", false),
            (
                "query A { viewer { name } } query B { leads { incomplete } ... { leads { incomplete } } }",
                true,
            ),
        ] {
            assert_eq!(merges_lists(&parse_query(text).unwrap()), merges, "{text}");
        }
    }
}
