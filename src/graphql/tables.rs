//! What the schema defines, read from its own text: whatever looks at documents by types, fields and values has its table here, so
//! that none of them is named twice.

use std::sync::LazyLock;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeDefinition, TypeSystemDefinition};

use super::{cost, documents, rules};

/// Made of one reading of the schema.
pub(super) struct Tables {
    pub(super) types: rules::Types,
    pub(super) inputs: documents::Inputs,
    pub(super) shapes: cost::Shapes,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    // The text is our own.
    let definitions = parse_schema(super::sdl()).map(|document| document.definitions).unwrap_or_default();
    let types = definitions.into_iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => Some(definition.node),
        _ => None,
    });
    let types: Vec<TypeDefinition> = types.collect();
    Tables {
        types: rules::Types::read(&types),
        inputs: documents::Inputs::read(&types),
        shapes: cost::Shapes::read(&types),
    }
});

/// The tables of the schema. To make them takes longer than most answers, so whoever makes a schema asks for them, and not the
/// first request.
pub(super) fn tables() -> &'static Tables {
    &TABLES
}
