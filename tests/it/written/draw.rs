//! Draws selections over the schema.

use std::collections::BTreeMap;
use std::vec;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, Type, TypeKind, TypeSystemDefinition};

/// What differs from one answer to the next: what is left of a quota, how a source is doing, links that are made anew.
const PASSING: [&str; 3] = ["quota", "health", "link"];
/// The arguments with which fields are selected that have some. Elsewhere they have none.
const ARGUMENTS: &[(&str, &str, &str)] = &[
    ("Lead", "interactions", "(first: 2)"),
    ("Lead", "customField", "(key: \"k\")"),
    ("Conversation", "transcript", "(last: 1)"),
    ("Interaction", "transcript", "(last: 0)"),
];
/// How many fragments there may be.
const MOST: usize = 6;

/// Fields of each object type and interface: their names, their types, whether they are objects.
type Types = BTreeMap<String, Vec<(String, String)>>;

/// Takes choices one by one; when there are no more, always the first.
pub(super) struct Draw {
    types: Types,
    choices: vec::IntoIter<u8>,
    /// Without what the caller may not select.
    masked: bool,
    fragments: Vec<(String, String)>,
}

fn named(of: &Type) -> &str {
    match &of.base {
        BaseType::Named(name) => name,
        BaseType::List(of) => named(of),
    }
}

impl Draw {
    pub(super) fn new(choices: Vec<u8>, masked: bool) -> Self {
        let schema = parse_schema(leadgraph::graphql::sdl()).unwrap();
        let types = schema.definitions.into_iter().filter_map(|definition| {
            let TypeSystemDefinition::Type(definition) = definition else { return None };
            let fields = match definition.node.kind {
                TypeKind::Object(object) => object.fields,
                TypeKind::Interface(interface) => interface.fields,
                _ => return None,
            };
            let fields = fields.iter().map(|field| &field.node);
            let fields = fields.map(|field| (field.name.node.to_string(), named(&field.ty.node).to_owned()));
            Some((definition.node.name.node.to_string(), fields.collect()))
        });
        Self { types: types.collect(), choices: choices.into_iter(), masked, fragments: Vec::new() }
    }

    /// The fragments that were drawn.
    pub(super) fn fragments(&self) -> String {
        self.fragments.iter().map(|(head, set)| format!("{head} {set} ")).collect()
    }

    fn choose(&mut self, most: usize) -> usize {
        usize::from(self.choices.next().unwrap_or_default()) % most
    }

    /// A selection on objects of a type.
    pub(super) fn selection(&mut self, on: &str, depth: usize) -> String {
        let count = 1 + self.choose(4);
        let items: Vec<_> = (0..count).map(|_| self.item(on, depth)).collect();
        format!("{{ {} }}", items.join(" "))
    }

    fn item(&mut self, on: &str, depth: usize) -> String {
        let is_node = matches!(on, "Lead" | "Conversation" | "Interaction" | "Source");
        match self.choose(16) {
            12 if depth > 1 => format!("... {} {}", self.directive(), self.selection(on, depth - 1)),
            13 if depth > 1 => format!("... on {on} {} {}", self.directive(), self.selection(on, depth - 1)),
            14 if is_node => "... on Node { __typename id }".to_owned(),
            15 if depth > 1 && self.fragments.len() < MOST => {
                let name = format!("F{}", self.fragments.len());
                // Its place is taken before those inside it are drawn.
                self.fragments.push((format!("fragment {name} on {on}"), String::new()));
                let place = self.fragments.len() - 1;
                let set = self.selection(on, depth - 1);
                self.fragments[place].1 = set;
                let again = if self.choose(4) == 1 { format!(" ...{name}") } else { String::new() };
                format!("...{name} {}{again}", self.directive())
            }
            11 => format!("{}__typename {}", if self.choose(2) == 1 { "t: " } else { "" }, self.directive()),
            _ => self.field(on, depth),
        }
    }

    fn field(&mut self, on: &str, depth: usize) -> String {
        let fields: Vec<_> = self.types[on]
            .iter()
            .filter(|(name, kind)| {
                let fits = depth > 1 || !self.types.contains_key(kind);
                fits && !PASSING.contains(&name.as_str()) && !(self.masked && name == "raw")
            })
            .cloned()
            .collect();
        if fields.is_empty() {
            return "__typename".to_owned();
        }
        let (name, kind) = fields[self.choose(fields.len())].clone();
        // One alias for each field, so that what has the same name is the same.
        let alias = if self.choose(5) == 1 { format!("a_{name}: ") } else { String::new() };
        let arguments = ARGUMENTS.iter().find(|(of, field, _)| *of == on && *field == name);
        let arguments = arguments.map_or("", |(.., arguments)| arguments);
        let below =
            if self.types.contains_key(&kind) { self.selection(&kind, depth - 1) } else { String::new() };
        format!("{alias}{name}{arguments} {} {below}", self.directive())
    }

    fn directive(&mut self) -> &'static str {
        match self.choose(12) {
            1 => "@include(if: $yes)",
            2 => "@include(if: $no)",
            3 => "@skip(if: $no)",
            4 => "@skip(if: $yes) @include(if: $yes)",
            5 => "@include(if: true)",
            _ => "",
        }
    }
}
