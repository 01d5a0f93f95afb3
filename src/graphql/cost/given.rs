//! The values of an operation's variables, and which of them were looked at: what was made of a document without a look at a
//! variable comes out the same whatever its value is.

use std::cell::Cell;
use std::collections::HashMap;

use async_graphql::parser::types::OperationDefinition;
use async_graphql::{Name, Value, Variables};

/// What an operation's variables are.
pub(in crate::graphql) struct Given<'a> {
    values: HashMap<&'a str, Variable<'a>>,
}

struct Variable<'a> {
    name: &'a Name,
    value: Option<&'a Value>,
    looked_at: Cell<bool>,
}

impl<'a> Given<'a> {
    /// Those that the operation defines, with their defaults where nothing was given.
    pub(in crate::graphql) fn new(operation: &'a OperationDefinition, given: &'a Variables) -> Self {
        let definitions = operation.variable_definitions.iter().map(|definition| &definition.node);
        let values = definitions.map(|definition| {
            let name = &definition.name.node;
            let value = given.get(name).or_else(|| Some(&definition.default_value.as_ref()?.node));
            (name.as_str(), Variable { name, value, looked_at: Cell::new(false) })
        });
        Self { values: values.collect() }
    }

    /// The value of a variable, which was looked at from now on.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        let Variable { value, looked_at, .. } = self.values.get(name)?;
        looked_at.set(true);
        *value
    }

    /// The variables that were looked at, and what they are.
    pub(in crate::graphql) fn looked_at(&self) -> impl Iterator<Item = (&'a Name, Option<&'a Value>)> {
        let looked_at = self.values.values().filter(|variable| variable.looked_at.get());
        looked_at.map(|variable| (variable.name, variable.value))
    }
}
