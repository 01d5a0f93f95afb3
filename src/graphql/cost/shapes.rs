//! What fields have below them, read from the schema itself, so that a field that is added is counted without being named here.

use std::collections::HashMap;

use async_graphql::Positioned;
use async_graphql::parser::types::{BaseType, FieldDefinition, Type, TypeDefinition, TypeKind};

/// Object and interface types by name, with their fields by name.
pub(in crate::graphql) struct Shapes {
    types: HashMap<String, HashMap<String, Shape>>,
}

/// What a field has below it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    /// The name of its type, without lists.
    pub(super) of: String,
    pub(super) many: Many,
}

/// How many objects a field gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Many {
    One,
    /// As many as asked for by the field's `first` or `last`, or its parent's.
    Page,
    /// As many as the field's `ids`.
    Ids,
    /// About so many. Only of what tells of the schema there are fractions.
    About(f64),
}

/// The length of a list that tells none.
const SOME: f64 = 10.0;
/// Built-in scalars, enums and introspection's own types, which the schema's text does not show.
const BUILT_IN: usize = 13;

impl Shapes {
    pub(in crate::graphql) fn read(definitions: &[TypeDefinition]) -> Self {
        let (mut types, mut all, mut values, mut inputs, mut arguments) = (HashMap::new(), BUILT_IN, 0, 0, 0);
        for definition in definitions {
            all += 1;
            let fields = match &definition.kind {
                TypeKind::Object(object) => &object.fields,
                TypeKind::Interface(interface) => &interface.fields,
                TypeKind::Enum(kind) => {
                    values += kind.values.len();
                    continue;
                }
                TypeKind::InputObject(input) => {
                    inputs += input.fields.len();
                    continue;
                }
                _ => continue,
            };
            arguments += fields.iter().map(|field| field.node.arguments.len()).sum::<usize>();
            let fields =
                fields.iter().map(|Positioned { node, .. }| (node.name.node.to_string(), shape(node)));
            types.insert(definition.name.node.to_string(), fields.collect());
        }
        let fields = types.values().map(HashMap::len).sum();
        introspection(&mut types, all, [fields, values, inputs, arguments]);
        Self { types }
    }

    pub(super) fn field(&self, on: &str, name: &str) -> Option<&Shape> {
        self.types.get(on)?.get(name)
    }

    /// Whether a type has fields.
    pub(super) fn is_object(&self, name: &str) -> bool {
        self.types.contains_key(name)
    }
}

fn shape(field: &FieldDefinition) -> Shape {
    let has = |name: &str| field.arguments.iter().any(|argument| argument.node.name.node == name);
    let (of, list) = named(&field.ty.node);
    let paged = matches!(field.name.node.as_str(), "nodes" | "edges") || has("first") || has("last");
    let many = match (list, paged, has("ids")) {
        (false, ..) => Many::One,
        (true, _, true) => Many::Ids,
        (true, true, false) => Many::Page,
        (true, false, false) => Many::About(SOME),
    };
    Shape { of, many }
}

fn named(kind: &Type) -> (String, bool) {
    match &kind.base {
        BaseType::Named(name) => (name.to_string(), false),
        BaseType::List(inner) => (named(inner).0, true),
    }
}

/// Introspection's own types. Their lists count as long as they are in this schema, on the average.
fn introspection(
    types: &mut HashMap<String, HashMap<String, Shape>>,
    all: usize,
    [fields, values, inputs, arguments]: [usize; 4],
) {
    #[expect(clippy::cast_precision_loss, reason = "of a few thousand at most")]
    let each = |count: usize, of: usize| Many::About(count as f64 / of.max(1) as f64);
    let (schema, kind, value) = ("__Schema", "__Type", "__InputValue");
    for (on, name, of, many) in [
        ("Query", "__schema", schema, Many::One),
        ("Query", "__type", kind, Many::One),
        (schema, "types", kind, each(all, 1)),
        (schema, "queryType", kind, Many::One),
        (schema, "mutationType", kind, Many::One),
        (schema, "subscriptionType", kind, Many::One),
        (schema, "directives", "__Directive", Many::About(SOME / 2.0)),
        (kind, "fields", "__Field", each(fields, all)),
        (kind, "enumValues", "__EnumValue", each(values, all)),
        (kind, "inputFields", value, each(inputs, all)),
        (kind, "interfaces", kind, Many::One),
        (kind, "possibleTypes", kind, Many::One),
        (kind, "ofType", kind, Many::One),
        ("__Field", "type", kind, Many::One),
        ("__Field", "args", value, each(arguments, fields)),
        (value, "type", kind, Many::One),
        ("__Directive", "args", value, Many::One),
    ] {
        let shape = Shape { of: of.to_owned(), many };
        types.entry(of.to_owned()).or_default();
        types.entry(on.to_owned()).or_default().insert(name.to_owned(), shape);
    }
}
