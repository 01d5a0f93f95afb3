use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, TypeKind, TypeSystemDefinition};

use super::*;

/// What is kept of a field is given to whoever asks for it, whatever stands beside its name.
#[test]
fn plain_fields_have_no_arguments_and_nothing_below_them() {
    let schema = parse_schema(crate::graphql::sdl()).unwrap();
    let types = || {
        schema.definitions.iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some(&definition.node),
            _ => None,
        })
    };
    for (on, plain) in [
        (Lead::NAME, Lead::PLAIN),
        (Conversation::NAME, Conversation::PLAIN),
        (Interaction::NAME, Interaction::PLAIN),
    ] {
        let object = types().find(|definition| definition.name.node == on).unwrap();
        let TypeKind::Object(object) = &object.kind else { panic!("{on} is no object") };
        for name in plain {
            let field = &object.fields.iter().find(|field| field.node.name.node == *name).unwrap().node;
            assert!(field.arguments.is_empty(), "{on}.{name}");
            let BaseType::Named(of) = &field.ty.node.base else { panic!("{on}.{name} is a list") };
            let is_leaf = types()
                .find(|definition| definition.name.node == *of)
                .is_none_or(|definition| matches!(definition.kind, TypeKind::Scalar | TypeKind::Enum(_)));
            // A vendor's own JSON may be what cannot be written.
            assert!(is_leaf && of != "JSON", "{on}.{name}: {of}");
        }
    }
}
