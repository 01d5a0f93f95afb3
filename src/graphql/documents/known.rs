//! Documents that have run before: parsed and found valid once, they need not be again.
//!
//! What is kept depends on the text, and on which variables had no value as it was validated. Of validation one rule depends on
//! more: whether the variables' values are of their types. That is asked here, of values that are certainly right; whoever is not
//! certain goes the whole way once more, so that every refusal is the library's own.

use std::collections::{HashMap, HashSet};
use std::mem;

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, OperationDefinition, OperationType, Type, TypeDefinition, TypeKind,
};
use async_graphql::{Name, Positioned, Value, Variables};

use crate::graphql::cost;
use crate::graphql::tables::tables;
use crate::graphql::writer::merges_lists;

/// About how many bytes the parser makes of one byte of a document.
const PARSED: usize = 48;

/// A document that was parsed.
#[derive(Debug)]
pub(in crate::graphql) struct Known {
    pub(in crate::graphql) document: ExecutableDocument,
    /// Whether its answers have lists that are merged with each other.
    pub(in crate::graphql) merges_lists: bool,
    /// What it was reckoned at lately.
    pub(in crate::graphql) figures: cost::KeptFigures,
    /// Variables that had no value as it was found valid. What stands beside them was not looked at.
    absent: Vec<Name>,
}

impl Known {
    /// A document that is validated while these variables have no value (see [`absent`]).
    pub(in crate::graphql) fn new(document: ExecutableDocument, absent: Vec<Name>) -> Self {
        Self {
            merges_lists: merges_lists(&document),
            document,
            figures: cost::KeptFigures::default(),
            absent,
        }
    }

    /// Whether all was looked at that these variables have a part in, defaults among them.
    pub(in crate::graphql) fn covers(&self, variables: &Variables) -> bool {
        self.absent.iter().all(|name| !variables.contains_key(name))
    }

    /// Whether it was looked at as closely as another of the same text.
    pub(super) fn covers_all_of(&self, other: &Self) -> bool {
        self.absent.iter().all(|name| other.absent.contains(name))
    }

    /// Whether it is worth to be kept once it has run: it is one query. Validation looks at values for the operation alone that
    /// runs, so a document with several is not valid once for all.
    pub(in crate::graphql) fn is_query(&self) -> bool {
        let mut operations = self.document.operations.iter();
        let first = operations.next();
        first.is_some_and(|(_, only)| only.node.ty == OperationType::Query) && operations.next().is_none()
    }

    /// About how many bytes it takes, its text among them.
    pub(super) fn weight(text: &str) -> usize {
        mem::size_of::<Self>() + cost::KeptFigures::WEIGHT + text.len() * (PARSED + 1)
    }
}

/// The variables of an operation that have no value, once defaults are among those that are given.
pub(in crate::graphql) fn absent(operation: &OperationDefinition, given: &Variables) -> Vec<Name> {
    let names = operation.variable_definitions.iter().map(|defined| &defined.node.name.node);
    names.filter(|name| !given.contains_key(*name)).cloned().collect()
}

/// Whether the variables are certainly what an operation of a valid document takes.
pub(in crate::graphql) fn takes(operation: &OperationDefinition, given: &Variables) -> bool {
    operation.variable_definitions.iter().all(|Positioned { node: definition, .. }| {
        let kind = &definition.var_type.node;
        match given.get(&definition.name.node) {
            // Null for a variable with a default may stand where null may not, which the library finds out.
            Some(Value::Null) => kind.nullable && definition.default_value.is_none(),
            Some(value) => is_of(kind, value),
            // So may null that is the default.
            None => {
                let default = definition.default_value.as_ref();
                default.map_or(kind.nullable, |default| default.node != Value::Null)
            }
        }
    })
}

/// Whether a value is certainly of a type. What the library would have to make into it is not.
fn is_of(kind: &Type, value: &Value) -> bool {
    match (&kind.base, value) {
        (_, Value::Null) => kind.nullable,
        (BaseType::List(of), Value::List(values)) => values.iter().all(|value| is_of(of, value)),
        (BaseType::List(_), _) => false,
        (BaseType::Named(name), value) => {
            tables().inputs.0.get(name.as_str()).is_some_and(|input| input.is_value(value))
        }
    }
}

/// A type of values.
enum Input {
    Int,
    Boolean,
    Text,
    Word(HashSet<String>),
    /// Its members, each with its type and whether it has a default.
    Object(HashMap<String, (Type, bool)>),
}

impl Input {
    fn is_value(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Int, Value::Number(number)) => {
                number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
            }
            (Self::Boolean, Value::Boolean(_)) | (Self::Text, Value::String(_)) => true,
            (Self::Word(words), Value::String(word)) => words.contains(word.as_str()),
            (Self::Object(members), Value::Object(given)) => {
                let right = |name: &str, value| members.get(name).is_some_and(|(kind, _)| is_of(kind, value));
                let needed = members.iter().filter(|(_, (kind, default))| !kind.nullable && !default);
                given.iter().all(|(name, value)| right(name, value))
                    && needed.into_iter().all(|(name, _)| given.contains_key(name.as_str()))
            }
            _ => false,
        }
    }
}

/// The types of values, as the schema says; one that is not here has no value that is certain. What scalars of our own ask of
/// a text, the argument that it is given to asks as well.
pub(in crate::graphql) struct Inputs(HashMap<String, Input>);

impl Inputs {
    pub(in crate::graphql) fn read(definitions: &[TypeDefinition]) -> Self {
        let built_in =
            [("Int", Input::Int), ("Boolean", Input::Boolean), ("String", Input::Text), ("ID", Input::Text)];
        let mut inputs: HashMap<_, _> =
            built_in.into_iter().map(|(name, input)| (name.to_owned(), input)).collect();
        for definition in definitions {
            let input = match &definition.kind {
                TypeKind::Scalar if definition.name.node == "DateTime" => Input::Text,
                TypeKind::Enum(kind) => {
                    Input::Word(kind.values.iter().map(|value| value.node.value.node.to_string()).collect())
                }
                TypeKind::InputObject(object) => {
                    let members = object.fields.iter().map(|Positioned { node: member, .. }| {
                        (
                            member.name.node.to_string(),
                            (member.ty.node.clone(), member.default_value.is_some()),
                        )
                    });
                    Input::Object(members.collect())
                }
                _ => continue,
            };
            inputs.insert(definition.name.node.to_string(), input);
        }
        Self(inputs)
    }
}
