//! What the schema defines, read from its own text: what looks at documents by types, fields and arguments takes them from here, so
//! that none of them is named twice.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeDefinition, TypeSystemDefinition};

use super::{cost, documents, rules};

/// The types of the schema, but for those that the library brings along.
pub(super) fn types() -> Vec<TypeDefinition> {
    // The text is our own.
    let definitions = parse_schema(super::sdl()).map(|document| document.definitions).unwrap_or_default();
    let types = definitions.into_iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => Some(definition.node),
        _ => None,
    });
    types.collect()
}

/// Makes all tables that are made of these now, and of one reading: the first who asks is not to wait for them, which takes longer
/// than most answers.
pub(super) fn prepare() {
    let types = types();
    rules::prepare(&types);
    documents::prepare(&types);
    cost::prepare(&types);
}
