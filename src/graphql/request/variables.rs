//! The variables of a request: not too many, not too deep, and none missing that must be there.

use async_graphql::parser::types::OperationDefinition;
use async_graphql::{Positioned, Variables};
use serde_json::{Map, Value};

use super::Refusal;
use crate::graphql::error::{BAD_USER_INPUT, VARIABLES_TOO_COMPLEX};

/// The most bytes of all variables, as JSON without blanks.
const MAX_BYTES: usize = 64 * 1024;
/// The most lists and objects inside each other.
const MAX_DEPTH: usize = 32;
/// The most values in all variables, elements of lists and members of objects; so it bounds every list, too. The longest that
/// the schema takes has 100.
const MAX_VALUES: usize = 1_000;

/// The variables of a request, where they are not too large for what reads them again and again.
pub(super) fn sized(variables: Value) -> Result<Map<String, Value>, Refusal> {
    let members = match variables {
        Value::Object(members) => members,
        Value::Null => return Ok(Map::new()),
        _ => return Err(Refusal::new(BAD_USER_INPUT, "The variables must be a JSON object.", None)),
    };
    let (mut bytes, mut values) = (2, 0);
    let mut open: Vec<(&Value, usize)> = Vec::new();
    let name = |name: &String| name.len() + 4;
    for (key, value) in &members {
        bytes += name(key);
        open.push((value, 1));
    }
    while let Some((value, depth)) = open.pop() {
        values += 1;
        if values > MAX_VALUES {
            return Err(Refusal::variables("VALUES", MAX_VALUES, "values"));
        }
        bytes += match value {
            Value::Null | Value::Bool(_) => 4,
            Value::Number(number) => number.to_string().len(),
            Value::String(text) => text.len() + 2,
            Value::Array(items) => {
                open.extend(items.iter().map(|item| (item, depth + 1)));
                2 + items.len()
            }
            Value::Object(members) => {
                open.extend(members.values().map(|member| (member, depth + 1)));
                2 + members.keys().map(name).sum::<usize>()
            }
        };
        if depth > MAX_DEPTH {
            return Err(Refusal::variables("DEPTH", MAX_DEPTH, "lists and objects inside each other"));
        }
        if bytes > MAX_BYTES {
            return Err(Refusal::variables("BYTES", MAX_BYTES, "bytes"));
        }
    }
    Ok(members)
}

/// Gives variables that were not given their default. The library (8.0.0-rc.5) does so for arguments only: what `@skip` and
/// `@include` would leave out by a default it executes, unseen by whoever looked at the operation before.
pub(super) fn fill_in(operation: &OperationDefinition, variables: &mut Variables) {
    for Positioned { node: definition, .. } in &operation.variable_definitions {
        if let Some(default) = &definition.default_value {
            variables.entry(definition.name.node.clone()).or_insert_with(|| default.node.clone());
        }
    }
}

impl Refusal {
    fn variables(name: &'static str, most: usize, words: &str) -> Self {
        let message = format!(
            "The variables may have {most} {words} at most; these have more. Ask in several requests."
        );
        Self::new(VARIABLES_TOO_COMPLEX, message, None)
            .with("exceeded", name)
            .with("limit", i64::try_from(most).unwrap_or(i64::MAX))
    }
}

/// Checks that every variable that cannot be null is given. The library (8.0.0-rc.5) runs without it.
pub(super) fn complete(operation: &OperationDefinition, given: &Variables) -> Result<(), Refusal> {
    for Positioned { pos, node: definition } in &operation.variable_definitions {
        let (name, kind) = (&definition.name.node, &definition.var_type.node);
        let missing = match given.get(name) {
            Some(value) => *value == async_graphql::Value::Null,
            None => definition.default_value.is_none(),
        };
        if missing && !kind.nullable {
            let message = format!("Variable \"${name}\" of the required type \"{kind}\" was not given.");
            return Err(Refusal::new(BAD_USER_INPUT, message, Some(*pos)));
        }
    }
    Ok(())
}
