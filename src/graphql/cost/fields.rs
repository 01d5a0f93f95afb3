//! The document as execution would see it: fragments unfolded, equal response keys merged, arguments with their variables.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, FragmentDefinition, Selection, SelectionSet,
};
use async_graphql::{InputType, Name, Pos, Positioned, Value};
use async_graphql_value::Value as Literal;

use super::given::Given;
use crate::graphql::MAX_RECURSION;

/// One field of an answer, and every place that selects it.
pub(in crate::graphql) struct Selected<'a> {
    /// The first place.
    pub(in crate::graphql) field: &'a Positioned<Field>,
    /// What is selected below it, in all places.
    pub(in crate::graphql) below: Vec<&'a SelectionSet>,
}

/// Reads fields from a document.
pub(in crate::graphql) struct Fields<'a, 'g> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    given: &'g Given<'a>,
    /// How many more selections are looked at; at 0 there are none any more.
    pub(in crate::graphql) steps: u32,
    /// Where one name of an answer is selected as two things. The library executes both, and looks for it by the types that are
    /// written, not by those that are meant.
    pub(in crate::graphql) conflict: Option<Pos>,
}

impl<'a, 'g> Fields<'a, 'g> {
    pub(in crate::graphql) fn new(
        document: &'a ExecutableDocument,
        given: &'g Given<'a>,
        steps: u32,
    ) -> Self {
        Self { fragments: &document.fragments, given, steps, conflict: None }
    }

    /// The fields that are selected on an object of a type.
    pub(in crate::graphql) fn on(
        &mut self,
        sets: &[&'a SelectionSet],
        is: &dyn Fn(&str) -> bool,
    ) -> Vec<Selected<'a>> {
        self.found(sets, Found::new(is, Some(HashSet::new())))
    }

    /// As [`Fields::on`], with a place for every time that a field is executed: the library executes one that is selected twice
    /// twice.
    pub(in crate::graphql) fn executed_on(
        &mut self,
        set: &'a SelectionSet,
        is: &dyn Fn(&str) -> bool,
    ) -> Vec<Selected<'a>> {
        self.found(&[set], Found::new(is, None))
    }

    fn found(&mut self, sets: &[&'a SelectionSet], mut found: Found<'a, '_>) -> Vec<Selected<'a>> {
        sets.iter().for_each(|set| self.unfold(set, &mut found, 0));
        self.conflict = self.conflict.or(found.conflict);
        found.fields
    }

    fn unfold(&mut self, set: &'a SelectionSet, found: &mut Found<'a, '_>, depth: usize) {
        if depth > MAX_RECURSION {
            return;
        }
        for selection in &set.items {
            self.steps = self.steps.saturating_sub(1);
            if self.steps == 0 {
                return;
            }
            if !self.is_included(selection.node.directives()) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => found.add(field),
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref();
                    if on.is_none_or(|on| (found.is)(&on.node.on.node)) {
                        self.unfold(&fragment.node.selection_set.node, found, depth + 1);
                    }
                }
                // Unfolding a fragment once is enough: a second time adds the same fields.
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.fragments.get(name) else { continue };
                    let fits = (found.is)(&fragment.node.type_condition.node.on.node);
                    if fits && found.seen.as_mut().is_none_or(|seen| seen.insert(name)) {
                        self.unfold(&fragment.node.selection_set.node, found, depth + 1);
                    }
                }
            }
        }
    }

    /// The selections of a set, without those that `@skip` and `@include` leave out.
    pub(super) fn included(&self, set: &'a SelectionSet) -> Vec<&'a Positioned<Selection>> {
        set.items.iter().filter(|selection| self.is_included(selection.node.directives())).collect()
    }

    /// What a fragment selects, and on which type where it says so. `None` for a field, and where there is no such fragment.
    pub(super) fn fragment(&self, selection: &'a Selection) -> Option<(&'a SelectionSet, Option<&'a Name>)> {
        match selection {
            Selection::Field(_) => None,
            Selection::InlineFragment(fragment) => {
                let on = fragment.node.type_condition.as_ref();
                Some((&fragment.node.selection_set.node, on.map(|on| &on.node.on.node)))
            }
            Selection::FragmentSpread(spread) => {
                let fragment = &self.fragments.get(&spread.node.fragment_name.node)?.node;
                Some((&fragment.selection_set.node, Some(&fragment.type_condition.node.on.node)))
            }
        }
    }

    fn is_included(&self, directives: &[Positioned<Directive>]) -> bool {
        is_included(directives, &|name| self.given.get(name))
    }

    /// An argument as the resolver will get it; `None` where it will not get that far.
    pub(in crate::graphql) fn argument<T: InputType>(&self, field: &Field, name: &str) -> Option<T> {
        let value = field.get_argument(name).map(|value| value.node.clone());
        T::parse(value.and_then(|value| value.into_const_with(|name| self.variable(&name)).ok())).ok()
    }

    fn variable(&self, name: &str) -> Result<Value, Infallible> {
        Ok(self.given.get(name).cloned().unwrap_or_default())
    }
}

/// Whether `@skip` and `@include` leave something in. A condition that is not true is false, as the library has it.
pub(in crate::graphql) fn is_included<'a>(
    directives: &[Positioned<Directive>],
    variable: &dyn Fn(&str) -> Option<&'a Value>,
) -> bool {
    directives.iter().map(|directive| &directive.node).all(|directive| {
        let Some(condition) = directive.get_argument("if") else { return true };
        let condition = match &condition.node {
            Literal::Variable(name) => matches!(variable(name), Some(Value::Boolean(true))),
            condition => matches!(condition, Literal::Boolean(true)),
        };
        match directive.name.node.as_str() {
            "skip" => !condition,
            "include" => condition,
            _ => true,
        }
    })
}

/// So many fields are looked through one by one: nearly no set has more, and to hash them would take longer.
const FEW: usize = 16;

/// Fields, while they are collected.
struct Found<'a, 'f> {
    is: &'f dyn Fn(&str) -> bool,
    fields: Vec<Selected<'a>>,
    /// Where they stand, once they are many: by response key and name, since two fields of one key are for validation to refuse, and not
    /// to be overlooked here.
    places: HashMap<(&'a str, &'a str), usize>,
    /// The first field of each response key, once they are many.
    names: HashMap<&'a str, &'a Field>,
    /// Fragments that were unfolded; `None` where each is to be as often as it is spread.
    seen: Option<HashSet<&'a Name>>,
    conflict: Option<Pos>,
}

impl<'a, 'f> Found<'a, 'f> {
    fn new(is: &'f dyn Fn(&str) -> bool, seen: Option<HashSet<&'a Name>>) -> Self {
        let (places, names) = (HashMap::new(), HashMap::new());
        Self { is, fields: Vec::new(), places, names, seen, conflict: None }
    }

    fn add(&mut self, field: &'a Positioned<Field>) {
        let key = (field.node.response_key().node.as_str(), field.node.name.node.as_str());
        let (first, place) = self.known(key);
        if first.is_some_and(|first| !is_same(first, &field.node)) {
            self.conflict.get_or_insert(field.pos);
        }
        let place = place.unwrap_or_else(|| {
            self.fields.push(Selected { field, below: Vec::new() });
            self.fields.len() - 1
        });
        if let Some(selected) = self.fields.get_mut(place) {
            selected.below.push(&field.node.selection_set.node);
        }
    }

    /// The first field of the same response key, and where one of the same name as well stands.
    fn known(&mut self, (key, name): (&'a str, &'a str)) -> (Option<&'a Field>, Option<usize>) {
        let parts = |selected: &Selected<'a>| {
            let field = &selected.field.node;
            (field.response_key().node.as_str(), field.name.node.as_str())
        };
        if self.fields.len() <= FEW {
            let first = self.fields.iter().find(|selected| parts(selected).0 == key);
            let place = self.fields.iter().position(|selected| parts(selected) == (key, name));
            return (first.map(|selected| &selected.field.node), place);
        }
        for (place, selected) in self.fields.iter().enumerate().skip(self.places.len()) {
            let (key, name) = parts(selected);
            self.places.insert((key, name), place);
            self.names.entry(key).or_insert(&selected.field.node);
        }
        (self.names.get(key).copied(), self.places.get(&(key, name)).copied())
    }
}

/// Whether two selections of one response key ask for the same: the same field with the same arguments, in any order.
fn is_same(one: &Field, other: &Field) -> bool {
    one.name.node == other.name.node
        && one.arguments.len() == other.arguments.len()
        && one.arguments.iter().all(|(name, value)| {
            other.get_argument(name.node.as_str()).is_some_and(|given| given.node == value.node)
        })
}
