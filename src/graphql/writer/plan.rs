//! What is selected on objects of one type, looked up once for all of them.

use std::collections::HashMap;

use async_graphql::parser::types::{Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::{ContextSelectionSet, Name, Positioned, Value as Const, Variables};
use async_graphql_value::Value;
use jiff::Timestamp;

use super::columns::{Column, Columns};
use super::out::{Label, Out};
use crate::graphql::cost::fields::is_included;
use crate::graphql::mask::Glimpse;
use crate::model::text::Json;

/// How a field of an object is written.
pub(in crate::graphql) type Write<'a, T> = Box<dyn Fn(&T, &mut Out) + Send + Sync + 'a>;

/// The members of an object, by their names in the answer.
pub(super) type Members<M> = Vec<(Label, M)>;

/// What an object type of the schema is written from.
pub(in crate::graphql) trait Shape: Sized + Send + Sync + 'static {
    /// The type's name in the schema.
    const NAME: &'static str;
    /// Its interface, if it has one.
    const INTERFACE: Option<&'static str> = None;
    /// Its fields that take no arguments, have nothing below them, and say the same to everyone who may see all of it; those of
    /// records.
    const PLAIN: &'static [&'static str] = &[];

    /// Whether so little is known of it that all of it must be resolved.
    fn is_sparse(&self) -> bool {
        false
    }

    /// How a field is written; `None` where it must be resolved, or is none.
    fn field<'a>(selected: &Selected<'a>, document: Document<'a>) -> Option<Write<'a, Self>>;
}

/// One field of the answer.
pub(in crate::graphql) struct Selected<'a> {
    /// The first place that selects it.
    pub(super) field: &'a Positioned<Field>,
    /// How many places select it. One of which `@skip` and `@include` have left nothing is a place as well.
    pub(super) places: usize,
    /// What is selected below it, in all places.
    pub(super) below: Vec<&'a SelectionSet>,
}

impl<'a> Selected<'a> {
    /// Its name in the schema.
    pub(super) fn name(&self) -> &'a str {
        &self.field.node.name.node
    }

    /// The same, as it is written.
    pub(super) fn label(&self) -> Label {
        Label::new(self.key())
    }

    /// Its name in the answer.
    pub(super) fn key(&self) -> &'a str {
        &self.field.node.response_key().node
    }

    /// The text that it is given for an argument.
    pub(super) fn text(&self, argument: &str, document: Document<'a>) -> Option<&'a str> {
        match &self.field.node.get_argument(argument)?.node {
            Value::String(text) => Some(text),
            Value::Variable(name) => match document.variables.get(name)? {
                Const::String(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }
}

/// What stands around a selection: the fragments of its document, and the values of its variables, defaults among them.
#[derive(Clone, Copy)]
pub(in crate::graphql) struct Document<'a> {
    pub(super) fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    pub(super) variables: &'a Variables,
}

impl<'a> Document<'a> {
    /// As the library has it, without what `@skip` and `@include` leave out.
    pub(super) fn of(ctx: &ContextSelectionSet<'a>) -> Self {
        Self { fragments: &ctx.query_env.fragments, variables: &ctx.query_env.variables }
    }

    /// The fields that are selected on an object of a type, each once.
    pub(super) fn select(
        self,
        sets: &[&'a SelectionSet],
        name: &str,
        interface: Option<&str>,
    ) -> Option<Vec<Selected<'a>>> {
        let mut fields = Vec::with_capacity(sets.first().map_or(0, |set| set.items.len()));
        let fits = |on: &str| on == name || interface == Some(on);
        sets.iter().try_for_each(|set| self.unfold(set, &fits, &mut fields))?;
        Some(fields)
    }

    fn unfold(
        self,
        set: &'a SelectionSet,
        fits: &dyn Fn(&str) -> bool,
        fields: &mut Vec<Selected<'a>>,
    ) -> Option<()> {
        for selection in &set.items {
            if !is_included(selection.node.directives(), &|name| self.variables.get(name)) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.as_str();
                    let below = Some(&field.node.selection_set.node).filter(|set| !set.items.is_empty());
                    match fields.iter_mut().find(|known| known.key() == key) {
                        Some(known) => {
                            known.places += 1;
                            known.below.extend(below);
                        }
                        None => {
                            fields.push(Selected { field, places: 1, below: below.into_iter().collect() });
                        }
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref();
                    if on.is_none_or(|on| fits(&on.node.on.node)) {
                        self.unfold(&fragment.node.selection_set.node, fits, fields)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = &self.fragments.get(&spread.node.fragment_name.node)?.node;
                    if fits(&fragment.type_condition.node.on.node) {
                        self.unfold(&fragment.selection_set.node, fits, fields)?;
                    }
                }
            }
        }
        Some(())
    }
}

/// How the fields of an object are answered.
pub(super) struct Plan<'a, T> {
    items: Members<Item<'a, T>>,
    /// Those that are resolved.
    pub(super) resolved: Vec<&'a Positioned<Field>>,
}

/// How a field of an object is answered.
enum Item<'a, T> {
    /// It is written; its place among the plain ones, if it is one.
    Written(Write<'a, T>, Option<usize>),
    /// It was written before, for all records of the page.
    Kept(&'a Column),
    Resolved,
}

impl<'a, T: Shape> Plan<'a, T> {
    /// The plan of what is selected in `sets`, of which some fields may have to be resolved. `None` where what is resolved would
    /// have to be merged.
    pub(super) fn of(sets: &[&'a SelectionSet], document: Document<'a>) -> Option<Self> {
        let fields = document.select(sets, T::NAME, T::INTERFACE)?;
        let mut plan = Self { items: Vec::with_capacity(fields.len()), resolved: Vec::new() };
        for selected in fields {
            let write: Option<Write<'a, T>> = match selected.name() {
                "__typename" => Some(Box::new(|_, out| out.name(T::NAME))),
                _ => T::field(&selected, document),
            };
            let item = match write {
                Some(write) => {
                    let plain = T::PLAIN.iter().position(|plain| *plain == selected.name());
                    Item::Written(write, plain)
                }
                None if selected.places > 1 => return None,
                None => {
                    plan.resolved.push(selected.field);
                    Item::Resolved
                }
            };
            plan.items.push((selected.label(), item));
        }
        Some(plan)
    }

    /// The plan of what is selected below a field, where nothing of it has to be resolved.
    pub(super) fn written(selected: &Selected<'a>, document: Document<'a>) -> Option<Self> {
        Self::of(&selected.below, document).filter(|plan| plan.resolved.is_empty())
    }

    /// Has plain values of a page's records taken from what is kept with the page.
    pub(super) fn keep(&mut self, columns: &'a Columns<T>, seen: &[Glimpse<'_, T>]) {
        for (_, item) in &mut self.items {
            if let Item::Written(write, Some(plain)) = item
                && let Some(column) = columns.get(*plain, seen, write)
            {
                *item = Item::Kept(column);
            }
        }
    }
}

impl<T> Plan<'_, T> {
    /// How many fields it has.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Writes an object, which has this place in its page. `resolved` writes the next field that was resolved.
    pub(super) fn write(&self, of: &T, row: usize, out: &mut Out, resolved: &mut dyn FnMut(&mut Out)) {
        out.members(&self.items, |out, item| match item {
            Item::Kept(column) => out.raw(column.at(row)),
            Item::Written(write, _) => write(of, out),
            Item::Resolved => resolved(out),
        });
    }

    /// Writes an object that has no place in a page, and of which nothing is resolved.
    pub(super) fn write_all(&self, of: &T, out: &mut Out) {
        self.write(of, 0, out, &mut Out::null);
    }
}

/// A text of an object.
pub(super) fn text<T: 'static>(pick: fn(&T) -> Option<&str>) -> Write<'static, T> {
    Box::new(move |of, out| out.optional(pick(of), Out::text))
}

/// An instant of an object.
pub(super) fn instant<T: 'static>(pick: fn(&T) -> Option<Timestamp>) -> Write<'static, T> {
    Box::new(move |of, out| out.optional(pick(of), Out::instant))
}

/// A flag of an object.
pub(super) fn flag<T: 'static>(pick: fn(&T) -> Option<bool>) -> Write<'static, T> {
    Box::new(move |of, out| out.optional(pick(of), Out::flag))
}

/// A number of an object.
pub(super) fn number<T: 'static>(pick: fn(&T) -> Option<i64>) -> Write<'static, T> {
    Box::new(move |of, out| out.optional(pick(of), Out::number))
}

/// A vendor's value of an object.
pub(super) fn json<T: 'static>(pick: fn(&T) -> Option<&Json>) -> Write<'static, T> {
    Box::new(move |of, out| out.optional(pick(of), Out::vendor))
}

/// Objects that an object has.
pub(super) fn list<'a, T: 'static, U: Shape>(
    selected: &Selected<'a>,
    document: Document<'a>,
    pick: fn(&T) -> &[U],
) -> Option<Write<'a, T>> {
    let plan = Plan::<U>::written(selected, document)?;
    Some(Box::new(move |of, out| out.list(pick(of), |out, one| plan.write_all(one, out))))
}

/// An object that an object may have.
pub(super) fn inner<'a, T: 'static, U: Shape>(
    selected: &Selected<'a>,
    document: Document<'a>,
    pick: fn(&T) -> Option<&U>,
) -> Option<Write<'a, T>> {
    let plan = Plan::<U>::written(selected, document)?;
    Some(Box::new(move |of, out| out.optional(pick(of), |out, inner| plan.write_all(inner, out))))
}

/// An object that is made of an object.
pub(super) fn made<'a, T: 'static, U: Shape>(
    selected: &Selected<'a>,
    document: Document<'a>,
    make: fn(&T) -> U,
) -> Option<Write<'a, T>> {
    let plan = Plan::<U>::written(selected, document)?;
    Some(Box::new(move |of, out| plan.write_all(&make(of), out)))
}
