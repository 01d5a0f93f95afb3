//! What an operation may cost in upstream calls, reckoned before anything is executed.
//!
//! A pure walk over the document with its variables, fragments, `@skip` and `@include`, and the prices of `gather/`. Fields
//! are merged by their response key as in execution, so what two fragments select alike counts once. The figure is the
//! usual worst with cold caches: every list is full, and all its records come from the source where they cost most.
//! What does not fit the schema counts nothing; validation refuses it.

pub(super) mod fields;
mod figures;
mod given;
mod nodes;
mod shapes;
mod walk;
mod writes;

use async_graphql::Pos;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};

use self::fields::Fields;
pub(super) use self::figures::{Figures, KeptFigures};
pub(super) use self::given::Given;
pub(super) use self::nodes::Nodes;
pub(super) use self::shapes::Shapes;
use self::walk::Walk;
use crate::gather::prices::Prices;
use crate::gather::request::SourceFilter;

/// The most selections that are looked at. A document that takes more costs more than any limit.
const MAX_STEPS: u32 = 20_000;

/// What an operation may cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Upstream calls; `u32::MAX` where they are beyond counting.
    pub(super) calls: u32,
    /// How many writes it makes.
    pub(super) writes: u32,
    /// The field that costs most.
    pub(super) most: Option<Costly>,
    /// Where one name of the answer is two things, or a mutation is selected twice.
    pub(super) conflict: Option<Pos>,
}

/// A field that costs calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Costly {
    /// Its name in the schema, as `Type.field`.
    pub(super) field: &'static str,
    /// What it costs by itself.
    pub(super) calls: u32,
    /// Where it stands.
    pub(super) pos: Pos,
    /// What may be done about it.
    advice: &'static str,
}

impl Cost {
    /// The cost of an operation of a document, where `prices` tells what reading costs at the sources of a filter.
    pub(super) fn of(
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        given: &Given<'_>,
        prices: &dyn Fn(&SourceFilter) -> Prices,
    ) -> Self {
        let mut walk = Walk::new(Fields::new(document, given, MAX_STEPS), prices);
        let set = &operation.selection_set.node;
        let (calls, writes) = match operation.ty {
            OperationType::Query => (walk.query(set), 0),
            OperationType::Mutation => walk.mutation(set),
            OperationType::Subscription => (walk.subscription(set), 0),
        };
        let calls = if walk.fields.steps == 0 { u32::MAX } else { calls };
        Self { calls, writes, most: walk.most, conflict: walk.fields.conflict }
    }

    /// What to tell a client whose operation costs more than `limit`.
    pub(super) fn message(&self, limit: u32) -> String {
        let calls = match self.calls {
            u32::MAX => "more calls to vendors than can be counted".to_owned(),
            calls => format!("up to {calls} calls to vendors"),
        };
        let hint = match &self.most {
            Some(Costly { field, calls, advice, .. }) => {
                format!(" `{field}` costs most ({calls}): {advice}.")
            }
            None => String::new(),
        };
        let nothing = if self.writes > 0 { "Nothing was changed." } else { "Nothing was read." };
        format!("This operation takes {calls}, of which {limit} are allowed. {nothing}{hint}")
    }
}

#[cfg(test)]
mod tests;
