//! How many nodes an answer may have, reckoned before anything is executed.
//!
//! A node is an object of the answer, or ten of its plain values. Lists count as long as they are asked for, or as long as
//! lists of their kind usually are. A field that is selected twice counts twice, since the library (8.0.0-rc.5) executes it
//! twice. What tells of the schema itself is reckoned apart: the standard introspection query of clients must pass, however
//! large the schema grows, so what is asked may cost as much as two of them.

use std::sync::LazyLock;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Pos, Positioned, Variables};

use super::fields::Fields;
use super::given::Given;
use super::shapes::{Many, Shape, Shapes};
use crate::graphql::query::MAX_NODES;
use crate::graphql::tables::tables;

/// How many to a page if nothing is said, and at most.
const PAGE: (i32, i32) = (25, 100);
/// How many plain values count as much as an object.
const VALUES: f64 = 10.0;

/// What clients ask to know the schema.
const STANDARD: &str = include_str!("standard.graphql");

/// How many nodes an answer may have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::graphql) struct Nodes {
    /// What clients are told of: rounded up, `u32::MAX` where it is more.
    pub(in crate::graphql) count: u32,
    /// The field with most of them below it on the root.
    pub(in crate::graphql) most: Option<(String, Pos)>,
    /// Where the schema itself is asked for, and whether for more of it than anyone needs.
    pub(in crate::graphql) introspection: Option<(Pos, bool)>,
}

impl Nodes {
    /// Those of an operation of a document that has passed the guard.
    pub(in crate::graphql) fn of(
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        given: &Given<'_>,
    ) -> Self {
        static BUDGET: LazyLock<f64> = LazyLock::new(|| 2.0 * standard());
        let walk = Walk::over(document, operation, given);
        let introspection = walk.introspection.map(|pos| (pos, walk.told > *BUDGET));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "is positive, and saturates"
        )]
        let count = walk.count.ceil() as u32;
        Self { count, most: walk.most.map(|(_, name, pos)| (name.to_string(), pos)), introspection }
    }
}

/// What the standard introspection query is reckoned at.
fn standard() -> f64 {
    let Ok(document) = async_graphql::parser::parse_query(STANDARD) else { return 0.0 };
    let mut all = document.operations.iter();
    let Some((_, operation)) = all.next() else { return 0.0 };
    let variables = Variables::default();
    let given = Given::new(&operation.node, &variables);
    Walk::over(&document, &operation.node, &given).told
}

struct Walk<'a> {
    fields: Fields<'a, 'a>,
    shapes: &'static Shapes,
    count: f64,
    most: Option<(f64, &'a Name, Pos)>,
    /// Nodes that tell of the schema.
    told: f64,
    introspection: Option<Pos>,
}

/// Objects of one type.
#[derive(Clone, Copy)]
struct On<'s> {
    kind: &'s str,
    count: f64,
    /// The length of lists that their parent was asked for.
    page: f64,
}

impl<'a> Walk<'a> {
    fn over(
        document: &'a ExecutableDocument,
        operation: &'a OperationDefinition,
        given: &'a Given<'a>,
    ) -> Self {
        let kind = match operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        let mut walk = Self {
            fields: Fields::new(document, given, u32::MAX),
            shapes: &tables().shapes,
            count: 0.0,
            most: None,
            told: 0.0,
            introspection: None,
        };
        walk.root(&operation.selection_set.node, On { kind, count: 1.0, page: f64::from(PAGE.0) });
        walk
    }

    /// The root's fields, each by itself.
    fn root(&mut self, set: &'a SelectionSet, on: On<'_>) {
        for selection in self.fields.included(set) {
            match &selection.node {
                Selection::Field(Positioned { pos, node: field }) => {
                    let nodes = self.field(field, on);
                    if matches!(field.name.node.as_str(), "__schema" | "__type") {
                        self.told += nodes;
                        self.introspection.get_or_insert(*pos);
                        continue;
                    }
                    self.count += nodes;
                    if self.most.as_ref().is_none_or(|(most, ..)| nodes > *most) {
                        self.most = Some((nodes, &field.name.node, *pos));
                    }
                }
                other => {
                    if let Some((set, _)) = self.fields.fragment(other) {
                        self.root(set, on);
                    }
                }
            }
        }
    }

    fn set(&self, set: &'a SelectionSet, on: On<'_>) -> f64 {
        let each = self.fields.included(set).into_iter().map(|selection| match &selection.node {
            Selection::Field(field) => self.field(&field.node, on),
            other => match self.fields.fragment(other) {
                Some((set, Some(kind))) if self.shapes.is_object(kind) => self.set(set, On { kind, ..on }),
                Some((set, _)) => self.set(set, on),
                None => 0.0,
            },
        });
        each.sum()
    }

    fn field(&self, field: &'a Field, on: On<'_>) -> f64 {
        let shape = self.shapes.field(on.kind, field.name.node.as_str());
        let Some(Shape { of, many }) = shape.filter(|shape| self.shapes.is_object(&shape.of)) else {
            // A plain value, or a field that there is not.
            return on.count / VALUES;
        };
        let asked = self.asked(field);
        let each = match many {
            Many::One => 1.0,
            Many::Page => asked.unwrap_or(on.page),
            Many::Ids => self.ids(field),
            Many::About(about) => *about,
        };
        let page = asked.unwrap_or(f64::from(PAGE.0));
        let count = on.count * each;
        count + self.set(&field.selection_set.node, On { kind: of, count, page })
    }

    /// How many records a field is asked for. What cannot be is refused before anything is made.
    fn asked(&self, field: &Field) -> Option<f64> {
        let given = |name| self.fields.argument::<Option<i32>>(field, name).flatten();
        let given = given("first").or_else(|| given("last"));
        given.map(|count| f64::from(count.clamp(1, PAGE.1)))
    }

    fn ids(&self, field: &Field) -> f64 {
        let ids = self.fields.argument::<Vec<async_graphql::ID>>(field, "ids").unwrap_or_default();
        f64::from(u32::try_from(ids.len().min(MAX_NODES)).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests;
