//! A request as it is read: its document guarded and parsed, or known; its variables; what it may cost.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_graphql::Variables;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use bytes::Bytes;
use serde_json::Value;

use super::{Reckoned, Refusal, Request, Spent, variables};
use crate::graphql::cost::{Cost, Figures, Given, Nodes};
use crate::graphql::documents::{Documents, Known, absent, takes};
use crate::graphql::error::{NOT_A_QUERY, OPERATION_UNRESOLVED};
use crate::graphql::mutation::MAX_WRITES;
use crate::graphql::state::State;
use crate::graphql::{Gather, Settings, guard, rules, writer};
use crate::model::caller::Caller;

/// A request that was read. It names an operation of its document, and has all variables that must be there.
pub(super) struct Read {
    pub(super) text: String,
    pub(super) document: Arc<Known>,
    /// It is valid: its document has run before, and its variables are what that takes.
    pub(super) known: bool,
    pub(super) name: Option<String>,
    pub(super) variables: Variables,
    /// Whether nothing but a query may run.
    pub(super) safe: bool,
}

/// Reads a request.
///
/// # Errors
/// What is refused before anything is reckoned: too much of something, what is no GraphQL, variables that are missing.
pub(super) async fn read(
    request: Request,
    settings: &Settings,
    documents: Option<&Documents>,
) -> Result<Read, Refusal> {
    let Request { query: text, operation_name, variables, safe, .. } = request;
    let name = operation_name.filter(|name| !name.is_empty());
    let mut variables = Variables::from_json(Value::Object(variables::sized(variables)?));
    let known = match documents {
        Some(documents) => documents.known(&text).await,
        None => None,
    };
    if let Some(document) = known
        && let Ok(operation) = operation(&document.document, name.as_deref())
        && takes(operation, &variables)
    {
        variables::fill_in(operation, &mut variables);
        if document.covers(&variables) {
            return Ok(Read { text, document, known: true, name, variables, safe });
        }
    }
    guard::check(&text, &settings.limits)
        .map_err(|refused| Refusal::guarded(refused, &text, &settings.limits))?;
    let document = parse_query(&text).map_err(|error| Refusal::unparsable(&error))?;
    let operation = operation(&document, name.as_deref())?;
    if safe && operation.ty == OperationType::Mutation {
        let message = "Only queries may be sent by GET. Send this by POST.";
        return Err(Refusal::new(NOT_A_QUERY, message, None));
    }
    variables::complete(operation, &variables)?;
    variables::fill_in(operation, &mut variables);
    let absent = absent(operation, &variables);
    let document = Arc::new(Known::new(document, absent));
    Ok(Read { text, document, known: false, name, variables, safe })
}

impl Read {
    /// The operation to run.
    pub(super) fn operation(&self) -> Result<&OperationDefinition, Refusal> {
        operation(&self.document.document, self.name.as_deref())
    }

    /// What it asks for, in its own word.
    pub(super) fn kind(&self) -> &'static str {
        match self.operation().map(|operation| operation.ty) {
            Ok(OperationType::Query) => "query",
            Ok(OperationType::Mutation) => "mutation",
            Ok(OperationType::Subscription) => "subscription",
            Err(_) => "",
        }
    }

    /// The name of the operation to run: the one asked for, or that of the only one.
    pub(super) fn name(&self) -> Option<&str> {
        let only = || self.document.document.operations.iter().find_map(|(name, _)| Some(name?.as_str()));
        self.name.as_deref().or_else(only)
    }

    /// Whether it asks for a query.
    pub(super) fn is_query(&self) -> bool {
        self.operation().is_ok_and(|operation| operation.ty == OperationType::Query)
    }

    /// Its document, to be known once it has run without being refused. `None` where it is known already.
    pub(super) fn to_learn(&self) -> Option<(String, Arc<Known>)> {
        (!self.known).then(|| (self.text.clone(), Arc::clone(&self.document)))
    }

    /// Whether it asks for a subscription.
    pub(super) fn is_subscription(&self) -> bool {
        self.operation().is_ok_and(|operation| operation.ty == OperationType::Subscription)
    }

    /// Checks what the library does not: what the caller may ask for, and what it may cost at the sources where there are any.
    ///
    /// # Errors
    /// Why it is not to run.
    pub(super) fn reckon(
        &self,
        settings: &Settings,
        caller: &Caller,
        sources: Option<&Gather>,
        spent: &Spent,
    ) -> Result<Reckoned, Refusal> {
        let figures = self.figures(caller, sources)?;
        let Figures { nodes, cost } = &*figures;
        match nodes.introspection {
            Some((pos, _)) if !may_introspect(settings, caller) => {
                return Err(Refusal::introspection(pos, settings.introspection));
            }
            Some((pos, true)) => return Err(Refusal::introspects_too_much(pos)),
            _ => {}
        }
        let before = spent.nodes.load(Ordering::Relaxed);
        if before.saturating_add(nodes.count) > settings.max_nodes {
            return Err(Refusal::too_many_nodes(nodes, before, settings.max_nodes));
        }
        spent.nodes.store(before.saturating_add(nodes.count), Ordering::Relaxed);
        if let Some(pos) = cost.conflict {
            return Err(Refusal::conflict(pos));
        }
        if cost.writes > MAX_WRITES {
            return Err(Refusal::too_many_writes(MAX_WRITES));
        }
        let (before, most) = (spent.calls.load(Ordering::Relaxed), settings.max_upstream_calls);
        if before.saturating_add(cost.calls) > most {
            return Err(Refusal::too_costly(cost, before, most));
        }
        spent.calls.fetch_add(cost.calls, Ordering::Relaxed);
        Ok(Reckoned { nodes: nodes.count, calls: cost.calls })
    }

    /// What it is reckoned at, where the caller may ask for all of it.
    fn figures(&self, caller: &Caller, sources: Option<&Gather>) -> Result<Arc<Figures>, Refusal> {
        let Known { document, figures: kept, .. } = &*self.document;
        // Before they are looked at: what changes meanwhile is not to be missed.
        let edition = sources.map_or(0, Gather::edition);
        // Nothing that is not valid is known, nor what has several operations.
        if self.known
            && let Some(figures) = kept.get(caller, &self.variables, edition)
        {
            return Ok(figures);
        }
        let operation = self.operation()?;
        let given = Given::new(operation, &self.variables);
        rules::check(document, operation, &given, caller).map_err(Refusal::forbidden)?;
        let nodes = Nodes::of(document, operation, &given);
        let cost = sources
            .map(|gather| Cost::of(document, operation, &given, &|filter| gather.prices(caller, filter)));
        let figures = Arc::new(Figures { nodes, cost: cost.unwrap_or_default() });
        if self.document.is_query() {
            kept.keep(caller, &given, edition, &figures);
        }
        Ok(figures)
    }

    /// Its data, where it can be had without the library. Nothing may have to be merged in it.
    pub(super) async fn straight(&self, state: &State) -> Option<Bytes> {
        if !self.known {
            return None;
        }
        let query = self.operation().ok()?;
        writer::straight(&self.document.document, query, &self.variables, state).await
    }

    /// As the library takes it.
    pub(super) fn into_request(self) -> async_graphql::Request {
        let mut request = async_graphql::Request::new(self.text).variables(self.variables);
        request.operation_name = self.name;
        request.set_parsed_query(self.document.document.clone());
        request
    }
}

/// Whether a caller may ask for the schema.
fn may_introspect(settings: &Settings, caller: &Caller) -> bool {
    settings.introspection.holds(caller)
}

/// The operation to run.
fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, Refusal> {
    // The parser puts a single operation that has a name among the multiple ones.
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(&operation.node),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            let only = operations.values().next().map(|operation| &operation.node);
            only.ok_or_else(|| Refusal::new(OPERATION_UNRESOLVED, "The document has no operation.", None))
        }
        (DocumentOperations::Multiple(_), None) => {
            let message = "The document has several operations: say by its name which to run.";
            Err(Refusal::new(OPERATION_UNRESOLVED, message, None))
        }
        (operations, Some(name)) => {
            let mut named = operations.iter().filter(|(given, _)| given.is_some_and(|given| given == name));
            named.next().map(|(_, operation)| &operation.node).ok_or_else(|| {
                Refusal::new(
                    OPERATION_UNRESOLVED,
                    "The document has no operation of the name asked for.",
                    None,
                )
            })
        }
    }
}
