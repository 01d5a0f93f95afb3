//! The schema: arguments in, nodes out. Called by `http/` through [`execute`]; asks `gather/` for everything.
//!
//! The only room that names the GraphQL library, so that another can take its place. Every field that can fail is
//! nullable on its own (`Option<Result<T>>`): a `Result<Option<T>>` looks the same to clients but takes its parent down
//! with it. There are no schema extensions; codes, limits and panics are dealt with where a request ends (`request.rs`).

mod cost;
mod documents;
mod error;
mod guard;
mod input;
mod loaders;
mod mask;
mod memo;
mod mutation;
mod query;
mod request;
mod rules;
mod scalars;
mod state;
mod subscription;
mod tables;
mod types;
mod writer;

use std::sync::Arc;

use async_graphql::{SDLExportOptions, SchemaBuilder, ValidationMode};

use self::documents::Documents;
pub use self::documents::{DocumentSettings, Manifest};
pub use self::guard::{Limits, admits};
pub use self::request::{Answer, Budget, Opened, Request, execute, execute_batch, open};
use self::request::{Purse, Unlimited};
use crate::events::Log;
use crate::gather::Gather;
use crate::model::caller::{Caller, Scope};
use crate::model::cx::Cx;

/// The deepest selection. The standard introspection query needs 15.
const MAX_DEPTH: usize = 16;

/// The deepest nesting of selections and fragments, as the library counts it: a second line behind the guard, which has a
/// limit of its own that may be set lower.
const MAX_RECURSION: usize = 32;

type Roots = async_graphql::Schema<query::Query, mutation::Mutation, subscription::Subscription>;
type Builder = SchemaBuilder<query::Query, mutation::Mutation, subscription::Subscription>;

/// The schema, ready to execute requests. Cheap to clone; clones share everything.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "holds trait objects")]
pub struct Schema {
    /// Validates whatever it executes.
    strict: Roots,
    /// Executes what is known to be valid.
    trusting: Roots,
    settings: Arc<Settings>,
    documents: Documents,
    /// What callers may spend.
    purse: Purse,
}

impl Schema {
    fn new(settings: Settings, with: impl Fn(Builder) -> Builder) -> Self {
        tables::tables();
        Self {
            strict: with(builder()).finish(),
            trusting: with(builder().validation_mode(ValidationMode::Fast)).finish(),
            documents: Documents::new(settings.documents.clone()),
            settings: Arc::new(settings),
            purse: Arc::new(Unlimited),
        }
    }
}

/// To whom something is told that is about the gateway and not about leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everyone who is let in.
    Everyone,
    /// Callers with the scope `admin`.
    Admins,
    /// Nobody.
    Nobody,
}

impl Audience {
    /// Whether a caller is among it.
    fn holds(self, caller: &Caller) -> bool {
        match self {
            Self::Everyone => true,
            Self::Admins => caller.may(Scope::Admin),
            Self::Nobody => false,
        }
    }
}

/// What can be set about executing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The most upstream calls that an operation may take, as reckoned before it runs. 60.
    pub max_upstream_calls: u32,
    /// The most nodes that an answer may have, as reckoned before it is made: records and other objects, and each ten values
    /// for one more. 5,000.
    pub max_nodes: u32,
    /// The most that a document may have of everything, as counted before it is parsed.
    pub limits: Limits,
    /// Which documents clients may name instead of sending them.
    pub documents: DocumentSettings,
    /// Who may ask for the schema. Everyone.
    pub introspection: Audience,
    /// To whom errors suggest names of the schema that may have been meant. Everyone.
    pub suggestions: Audience,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_upstream_calls: 60,
            max_nodes: 5_000,
            limits: Limits::default(),
            introspection: Audience::Everyone,
            suggestions: Audience::Everyone,
            documents: DocumentSettings::default(),
        }
    }
}

/// The schema over these sources, and what happens there, for callers who may spend so much.
#[must_use]
pub fn schema_within(
    gather: Gather,
    events: Log,
    settings: Settings,
    budget: impl Budget + 'static,
) -> Schema {
    Schema { purse: Arc::new(budget), ..schema(gather, events, settings) }
}

/// The schema over these sources, and what happens there. Callers may spend what they like.
#[must_use]
pub fn schema(gather: Gather, events: Log, settings: Settings) -> Schema {
    Schema::new(settings, |builder| builder.data(gather.clone()).data(events.clone()))
}

/// The schema as text, sorted, the same for every build: what `schema.graphql` holds.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .include_specified_by()
        .prefer_single_line_descriptions()
        .use_space_ident();
    builder().finish().sdl_with_options(options)
}

fn builder() -> Builder {
    Roots::build(query::Query, mutation::Mutation, subscription::Subscription)
        .limit_depth(MAX_DEPTH)
        .limit_recursive_depth(MAX_RECURSION)
}

#[cfg(test)]
mod tests;
