//! What the guard counts, counted again as plainly as possible: over what the parser made of the document, every spread walked
//! anew. The tokens are counted by another hand's lexer.

use apollo_parser::{Lexer, TokenKind};
use async_graphql::Positioned;
use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};

use super::super::Counts;

/// The tokens of a document, and how deep their brackets go; `None` where it has none by the specification.
pub(super) fn tokens(document: &str) -> Option<(u32, u32)> {
    let (tokens, errors) = Lexer::new(document).lex();
    let (mut count, mut open, mut nesting) = (0, 0_u32, 0);
    for token in tokens {
        match token.kind() {
            TokenKind::Whitespace | TokenKind::Comment | TokenKind::Comma | TokenKind::Eof => continue,
            TokenKind::LCurly | TokenKind::LBracket | TokenKind::LParen => open += 1,
            TokenKind::RCurly | TokenKind::RBracket | TokenKind::RParen => open = open.saturating_sub(1),
            _ => {}
        }
        (count, nesting) = (count + 1, nesting.max(open));
    }
    errors.is_empty().then_some((count, nesting))
}

/// Whether another hand's parser takes a document.
pub(super) fn is_graphql(document: &str) -> bool {
    // It takes no mark of order but at the beginning, where the specification does.
    apollo_parser::Parser::new(&document.replace('\u{feff}', " ")).parse().errors().len() == 0
}

/// All that is seen in what the parser made of it; `None` where a fragment spreads itself.
pub(super) fn counts(document: &ExecutableDocument) -> Option<Counts> {
    let mut counts = Counts::default();
    let mut spread = Vec::new();
    let every_set = document.operations.iter().map(|(_, operation)| &operation.node.selection_set);
    for set in every_set.chain(document.fragments.values().map(|fragment| &fragment.node.selection_set)) {
        spreads(&set.node, &mut spread);
        written(&set.node, &mut counts);
    }
    for (_, operation) in document.operations.iter() {
        counts.operations += 1;
        directives(&operation.node.directives, &mut counts);
        for definition in &operation.node.variable_definitions {
            counts.variables += 1;
            directives(&definition.node.directives, &mut counts);
        }
        let set = &operation.node.selection_set.node;
        counts.selections = counts.selections.saturating_add(selections(document, set, 0)?);
        counts.root_fields = counts.root_fields.max(roots(document, set));
        counts.depth = counts.depth.max(depth(document, set));
    }
    for (name, fragment) in &document.fragments {
        counts.fragments += 1;
        directives(&fragment.node.directives, &mut counts);
        let (set, used) = (&fragment.node.selection_set.node, spread.contains(&name.as_str()));
        let below = selections(document, set, 0)?;
        counts.selections = counts.selections.saturating_add(if used { 0 } else { below });
        counts.depth = counts.depth.max(depth(document, set));
    }
    Some(counts)
}

/// What is counted as it is written.
fn written(set: &SelectionSet, counts: &mut Counts) {
    for selection in &set.items {
        directives(selection.node.directives(), counts);
        match &selection.node {
            Selection::Field(field) => {
                counts.aliases += u32::from(field.node.alias.is_some());
                written(&field.node.selection_set.node, counts);
            }
            Selection::FragmentSpread(_) => {}
            Selection::InlineFragment(fragment) => written(&fragment.node.selection_set.node, counts),
        }
    }
}

fn directives(directives: &[Positioned<Directive>], counts: &mut Counts) {
    counts.directives += u32::try_from(directives.len()).unwrap();
}

/// The fragments that are spread somewhere.
fn spreads<'a>(set: &'a SelectionSet, names: &mut Vec<&'a str>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => spreads(&field.node.selection_set.node, names),
            Selection::FragmentSpread(spread) => names.push(&spread.node.fragment_name.node),
            Selection::InlineFragment(fragment) => spreads(&fragment.node.selection_set.node, names),
        }
    }
}

/// `None` where it goes round in a circle. Deeper than anything that is drawn, so that only a circle gets there.
fn selections(document: &ExecutableDocument, set: &SelectionSet, deep: u32) -> Option<u32> {
    if deep > 200 {
        return None;
    }
    set.items.iter().try_fold(0_u32, |sum, selection| {
        let below = match &selection.node {
            Selection::Field(field) => selections(document, &field.node.selection_set.node, deep + 1),
            Selection::InlineFragment(fragment) => {
                selections(document, &fragment.node.selection_set.node, deep + 1)
            }
            Selection::FragmentSpread(spread) => {
                match document.fragments.get(&spread.node.fragment_name.node) {
                    Some(fragment) => selections(document, &fragment.node.selection_set.node, deep + 1),
                    None => Some(0),
                }
            }
        };
        Some(sum.saturating_add(1).saturating_add(below?))
    })
}

fn roots(document: &ExecutableDocument, set: &SelectionSet) -> u32 {
    let of = |selection: &Positioned<Selection>| match &selection.node {
        Selection::Field(_) => 1,
        Selection::InlineFragment(fragment) => roots(document, &fragment.node.selection_set.node),
        Selection::FragmentSpread(spread) => document
            .fragments
            .get(&spread.node.fragment_name.node)
            .map_or(0, |fragment| roots(document, &fragment.node.selection_set.node)),
    };
    set.items.iter().map(of).fold(0, u32::saturating_add)
}

/// The deepest selection set as the library reckons it, for its own limit.
fn depth(document: &ExecutableDocument, set: &SelectionSet) -> u32 {
    let below = |set: &SelectionSet| 1 + depth(document, set);
    let of = |selection: &Positioned<Selection>| match &selection.node {
        Selection::Field(field) if field.node.selection_set.node.items.is_empty() => 0,
        Selection::Field(field) => below(&field.node.selection_set.node),
        Selection::InlineFragment(fragment) => below(&fragment.node.selection_set.node),
        Selection::FragmentSpread(spread) => document
            .fragments
            .get(&spread.node.fragment_name.node)
            .map_or(0, |fragment| below(&fragment.node.selection_set.node)),
    };
    set.items.iter().map(of).max().unwrap_or(0)
}
