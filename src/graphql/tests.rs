use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};

use super::*;

/// Every name in the schema with whether it is described, as `Type.field(argument)`.
fn described(sdl: &str) -> Vec<(String, bool)> {
    let mut all = Vec::new();
    for definition in parse_schema(sdl).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let definition = definition.node;
        let name = definition.name.node;
        all.push((name.to_string(), definition.description.is_some()));
        match definition.kind {
            TypeKind::Object(async_graphql::parser::types::ObjectType { fields, .. })
            | TypeKind::Interface(async_graphql::parser::types::InterfaceType { fields, .. }) => {
                for field in fields {
                    let field = field.node;
                    all.push((format!("{name}.{}", field.name.node), field.description.is_some()));
                    all.extend(field.arguments.into_iter().map(|argument| {
                        let argument = argument.node;
                        let path = format!("{name}.{}({})", field.name.node, argument.name.node);
                        (path, argument.description.is_some())
                    }));
                }
            }
            TypeKind::InputObject(input) => {
                all.extend(input.fields.into_iter().map(|field| {
                    (format!("{name}.{}", field.node.name.node), field.node.description.is_some())
                }))
            }
            TypeKind::Enum(kind) => all.extend(kind.values.into_iter().map(|value| {
                (format!("{name}.{}", value.node.value.node), value.node.description.is_some())
            })),
            TypeKind::Scalar | TypeKind::Union(_) => {}
        }
    }
    all
}

#[test]
fn everything_in_the_schema_is_described() {
    let all = described(&sdl());
    assert!(all.len() > 250, "{} names", all.len());
    let silent: Vec<_> = all.iter().filter(|(_, described)| !described).map(|(name, _)| name).collect();
    assert!(silent.is_empty(), "without a description: {silent:?}");
}

#[test]
fn the_schema_prints_the_same_every_time_and_sorted() {
    let text = sdl();
    assert_eq!(text, sdl());
    let names: Vec<_> = described(&text).into_iter().map(|(name, _)| name).collect();
    let types: Vec<_> = names.iter().filter(|name| !name.contains('.')).collect();
    assert!(types.is_sorted(), "{types:?}");
    let of_lead: Vec<_> = names.iter().filter(|name| name.starts_with("Lead.")).collect();
    assert!(of_lead.len() > 25 && of_lead.iter().map(|name| name.split('(').next()).is_sorted());
}

/// `UPDATE_SCHEMA=1` writes the file anew; a plain run never does.
#[test]
fn the_file_in_the_repository_is_this_schema() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, sdl()).unwrap();
    }
    let same = std::fs::read_to_string(path).unwrap_or_default() == sdl();
    assert!(
        same,
        "schema.graphql is not what this build prints: run with UPDATE_SCHEMA=1, review the difference"
    );
}

#[test]
fn descriptions_name_no_rust_and_no_room() {
    let text = sdl();
    for word in ["crate::", "Option<", "`gather", "async", "moka"] {
        assert!(!text.contains(word), "{word}");
    }
}
