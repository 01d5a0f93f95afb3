//! Why a request is not executed at all.

use async_graphql::parser::Error;
use async_graphql::{Pos, Value};

use crate::graphql::Audience;
use crate::graphql::cost::{Cost, Nodes};
use crate::graphql::error::{
    DOCUMENT_TOO_COMPLEX, FORBIDDEN, INTROSPECTION_DISABLED, NODE_COST_EXCEEDED, PARSE_FAILED,
    UPSTREAM_COST_EXCEEDED, VALIDATION_FAILED,
};
use crate::graphql::guard::{self, Limits, Refused};
use crate::graphql::rules::Forbidden;
use crate::model::caller::Scope;

/// Why a request is not executed at all. Nothing of it repeats the document: that may hold personal data, and may be long.
pub(in crate::graphql) struct Refusal {
    pub(in crate::graphql) code: &'static str,
    pub(super) message: String,
    pub(super) locations: Vec<Pos>,
    /// Members of `extensions` besides the code.
    pub(super) more: Vec<(&'static str, Value)>,
}

impl Refusal {
    pub(in crate::graphql) fn new(code: &'static str, message: impl Into<String>, pos: Option<Pos>) -> Self {
        Self { code, message: message.into(), locations: pos.into_iter().collect(), more: Vec::new() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.more.push((name, value.into()));
        self
    }

    /// An operation that may cost more than one may. `before`: what the requests of the batch that come before it were
    /// reckoned at.
    pub(super) fn too_costly(cost: &Cost, before: u32, most: u32) -> Self {
        let pos = cost.most.as_ref().map(|costly| costly.pos);
        let mut message = cost.message(most);
        if before > 0 {
            message = format!("{message} The requests before it in the batch may take {before} of them.");
        }
        Self::new(UPSTREAM_COST_EXCEEDED, message, pos)
            .with("cost", before.saturating_add(cost.calls))
            .with("limit", most)
    }

    /// An operation in which one name of the answer stands for two things.
    pub(super) fn conflict(pos: Pos) -> Self {
        let message = "One name of the answer is selected with different arguments, or a mutation is selected twice. Give one \
                       of them an alias, or leave it out. Nothing was executed.";
        Self::new(VALIDATION_FAILED, message, Some(pos))
    }

    /// An operation that makes more changes than one may.
    pub(super) fn too_many_writes(most: u32) -> Self {
        let message = format!("An operation may hold at most {most} mutations. Nothing was changed.");
        Self::new(VALIDATION_FAILED, message, None)
    }

    /// An operation whose answer may have more nodes than one may. `before`: as for [`Self::too_costly`].
    pub(super) fn too_many_nodes(nodes: &Nodes, before: u32, most: u32) -> Self {
        let (field, pos) = nodes.most.as_ref().map(|(field, pos)| (field, *pos)).unzip();
        let field = field.map(|field| format!(" `{field}` has most of them.")).unwrap_or_default();
        let mut message = format!(
            "The answer may have {} nodes, of which {most} are allowed. Nothing was read.{field} Ask for fewer records at once \
             (a smaller `first`), or for less of each.",
            nodes.count
        );
        if before > 0 {
            message = format!("{message} The requests before it in the batch may have {before} of them.");
        }
        Self::new(NODE_COST_EXCEEDED, message, pos)
            .with("cost", before.saturating_add(nodes.count))
            .with("limit", most)
    }

    /// An operation that asks for the schema, which is told to others or to nobody.
    pub(super) fn introspection(pos: Pos, told: Audience) -> Self {
        let message = match told {
            Audience::Admins => {
                "This gateway tells its schema to callers with the scope admin alone. Ask whoever runs it: `leadgraph schema` \
                 prints it."
            }
            _ => "This gateway does not tell its schema. Ask whoever runs it: `leadgraph schema` prints it.",
        };
        Self::new(INTROSPECTION_DISABLED, message, Some(pos))
    }

    /// An operation that asks for the schema over and over.
    pub(super) fn introspects_too_much(pos: Pos) -> Self {
        let message = "The operation asks for more of the schema than the standard introspection query does, twice over. \
                       Ask for the types you need by `__type`.";
        Self::new(DOCUMENT_TOO_COMPLEX, message, Some(pos)).with("exceeded", "INTROSPECTION")
    }

    /// An operation that selects what its sender may not have.
    pub(super) fn forbidden(Forbidden { lacking, fields }: Forbidden) -> Self {
        let words: Vec<_> = lacking.iter().map(Scope::as_str).collect();
        let names: Vec<_> = fields.iter().map(|(field, _)| format!("`{field}`")).collect();
        let message = format!(
            "{} cannot be had without the scope {}. Nothing was read. Leave it out, or ask whoever runs this gateway.",
            names.join(", "),
            words.join(", "),
        );
        let locations = fields.into_iter().map(|(_, pos)| pos).collect();
        let scopes = words.into_iter().map(Value::from).collect();
        Self { locations, ..Self::new(FORBIDDEN, message, None).with("scopes", Value::List(scopes)) }
    }

    /// A document that the guard does not let through.
    pub(super) fn guarded(refused: Refused, document: &str, limits: &Limits) -> Self {
        let (over, at) = match refused {
            Refused::NotGraphql(at) => return Self::not_graphql(Some(guard::place(document, at))),
            Refused::Circle(at) => {
                let message = "A fragment spreads itself, by way of others or directly. Break the circle.";
                return Self::new(VALIDATION_FAILED, message, Some(guard::place(document, at)));
            }
            Refused::Over(over, at) => (over, guard::place(document, at)),
        };
        let (name, most, words) = over.told(limits);
        let message =
            format!("A document may have {most} {words} at most; this one has more. {}", over.advice());
        Self::new(DOCUMENT_TOO_COMPLEX, message, Some(at)).with("exceeded", name).with("limit", most)
    }

    /// A document that the parser does not take.
    pub(super) fn unparsable(error: &Error) -> Self {
        let what = match error {
            Error::MultipleOperations { .. } => "an operation without a name must be the only one",
            Error::OperationDuplicated { .. } => "two operations have the same name",
            Error::FragmentDuplicated { .. } => "two fragments have the same name",
            Error::MissingOperation => "it has no operation",
            _ => return Self::not_graphql(error.positions().next()),
        };
        let locations = error.positions().collect();
        Self { locations, ..Self::new(PARSE_FAILED, unparsed(what, error.positions().next()), None) }
    }

    fn not_graphql(pos: Option<Pos>) -> Self {
        Self::new(PARSE_FAILED, unparsed("it is not GraphQL", pos), pos)
    }
}

fn unparsed(what: &str, pos: Option<Pos>) -> String {
    let place = pos.map(|pos| format!(" at line {}, column {}", pos.line, pos.column)).unwrap_or_default();
    format!("The document cannot be parsed: {what}{place}.")
}
