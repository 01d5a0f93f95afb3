//! One request from its text to its answer. `http/` stays thin: it brings the text and sends the answer.
//!
//! Sees to what the GraphQL library leaves open: the guard before the parser, required variables, the cost in upstream calls,
//! codes on every error, no echo of the document, a bounded number of errors, panics, and an end of waiting.

mod answer;
mod library;
mod live;
mod refusal;
mod variables;

use std::mem;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{ObjectType, Response, SubscriptionType, Variables};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use serde_json::Value;

pub use self::answer::Answer;
pub use self::live::{Opened, open};
pub(super) use self::refusal::Refusal;
use super::cost::{Cost, Nodes};
use super::documents::{Documents, Hash};
use super::error::{NOT_A_QUERY, OPERATION_UNRESOLVED, REQUEST_TIMEOUT, VALIDATION_FAILED};
use super::mutation::MAX_WRITES;
use super::state::State;
use super::{Cx, Gather, Schema, Settings, guard, rules};
use crate::model::caller::Caller;
use crate::telemetry::metrics;

/// How long after the deadline the answer is waited for. Everything below keeps the deadline and gives a partial answer
/// then, so this only ends what does not.
const GRACE: Duration = Duration::from_millis(250);

/// How long a client may use an answer again that it got for the name of a document. Short beside what the gateway's own
/// cache holds, so that a change is seen about as soon as by anyone else.
const FRESH: Duration = Duration::from_secs(5);

/// What a client sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The document; empty where it is only named.
    pub query: String,
    /// What the document is called in a manifest or by its hash (`sha256:...`).
    pub document_id: Option<String>,
    /// What the client adds to the protocol: a JSON object, or null.
    pub extensions: Value,
    /// Which of the document's operations to run. Only needed where there are several; empty text is none.
    pub operation_name: Option<String>,
    /// The variables: a JSON object, or null.
    pub variables: Value,
    /// Whether nothing but a query may run.
    pub safe: bool,
}

/// Executes one request. Never panics, and never waits long past the deadline of `cx`.
///
/// # Cancellation
/// Dropping the future gives the request up. Calls to vendors that others wait for as well go on.
pub async fn execute(schema: &Schema, cx: Cx, request: Request) -> Answer {
    execute_with(schema, cx, request, &Spent::default()).await
}

/// Executes the requests of a batch side by side; their answers come in the same order. Limits hold for all of them
/// together: a request that goes beyond what those before it have left is refused.
///
/// # Cancellation
/// As [`execute`].
pub async fn execute_batch(schema: &Schema, cx: Cx, requests: Vec<Request>) -> Vec<Answer> {
    let spent = Spent::default();
    let answers = requests.into_iter().map(|request| {
        let cx = Cx { meter: cx.meter.part(), ..cx.clone() };
        execute_with(schema, cx, request, &spent)
    });
    // Polled in their order, and no task is waited for before a request is reckoned: the order decides who is refused.
    join_all(answers).await
}

/// What the requests of a batch have been reckoned at so far.
#[derive(Debug, Default)]
struct Spent {
    calls: AtomicU32,
    nodes: AtomicU32,
}

/// What became of the name of a document.
#[derive(Debug, Default)]
struct Document {
    /// Whether the client sent nothing but a name.
    named: bool,
    /// What is to be kept, and under which hash, if it is executed.
    keep: Option<(Hash, Arc<str>)>,
}

impl Document {
    /// Puts the document that a request names into its place.
    async fn find(schema: &Schema, request: &mut Request) -> Result<Self, Refusal> {
        let Some(documents) = schema.0.data::<Documents>() else { return Ok(Self::default()) };
        let text = mem::take(&mut request.query);
        let found = documents.find(text, request.document_id.as_deref(), &request.extensions).await?;
        let keep = found.keep.map(|hash| (hash, Arc::from(&*found.text)));
        request.query = found.text;
        Ok(Self { named: found.named, keep })
    }

    /// Keeps it, since it has been executed.
    async fn keep(self, schema: &Schema) {
        if let (Some(documents), Some((hash, text))) = (schema.0.data::<Documents>(), self.keep) {
            documents.keep(hash, text).await;
        }
    }
}

async fn execute_with(schema: &Schema, cx: Cx, mut request: Request, spent: &Spent) -> Answer {
    let document = match Document::find(schema, &mut request).await {
        Ok(document) => document,
        Err(refusal) => return Answer::refused(refusal, &cx.request_id),
    };
    let gather = schema.0.data::<Gather>();
    // Before anything is read: what changes meanwhile is not to be missed.
    let standing = gather.map(Gather::standing);
    let state = gather.map(|gather| State::new(gather.clone(), cx.clone()));
    let (meter, passing) = (cx.meter.clone(), state.as_ref().map(|state| state.passing.clone()));
    let safe = request.safe;
    let mut answer = run(&schema.0, cx, state, request, spent).await;
    metrics::operation_answered(answer.refusal().is_none(), answer.codes(), meter.calls());
    let named = document.named;
    if answer.refusal().is_none() {
        document.keep(schema).await;
    }
    let lasts =
        answer.status() == 200 && meter.older().is_empty() && passing.is_some_and(|passing| !passing.holds());
    if safe && named && lasts {
        answer.keep_for(FRESH);
    }
    if let (true, Some(lease), Some(standing)) = (lasts, meter.ground.lease(), standing) {
        answer.give_again(lease.and(standing));
    }
    answer
}

/// Executes a request on any schema.
async fn run<Q, M, S>(
    schema: &async_graphql::Schema<Q, M, S>,
    cx: Cx,
    state: Option<State>,
    request: Request,
    spent: &Spent,
) -> Answer
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    let settings = schema.data::<Settings>().cloned().unwrap_or_default();
    let work = async {
        let sources = state.as_ref().map(|state| &state.gather);
        let (mut request, cost) = prepare(request, &settings, &cx.caller, sources, spent)?;
        if live::is_subscription(&mut request) {
            return Err(Refusal::new(VALIDATION_FAILED, live::ELSEWHERE, None));
        }
        metrics::operation_reckoned(cost.calls);
        tracing::debug!(request_id = &*cx.request_id, upstream_cost = cost.calls, "operation reckoned");
        let mut prepared = request.data(cx.clone());
        if let Some(state) = state {
            prepared = prepared.data(state);
        }
        Ok(schema.execute(prepared).await)
    };
    bounded(&cx, settings.suggestions, work).await
}

/// Answers with what comes of some work, which neither goes on long past its time nor takes others down by a panic.
async fn bounded(
    cx: &Cx,
    suggestions: bool,
    work: impl Future<Output = Result<Response, Refusal>>,
) -> Answer {
    let (request_id, limit) = (&*cx.request_id, cx.deadline + GRACE);
    // No lock of ours is held across a resolver, so what unwinds leaves nothing half done.
    let work = AssertUnwindSafe(work).catch_unwind();
    let answer = match tokio::time::timeout_at(limit, work).await {
        Ok(Ok(Ok(response))) => Answer::new(response, suggestions, request_id),
        Ok(Ok(Err(refusal))) => Answer::refused(refusal, request_id),
        // The panic hook has logged where and why; that stays there.
        Ok(Err(_panic)) => {
            tracing::error!(request_id, "request panicked");
            Answer::internal(request_id)
        }
        Err(_elapsed) => Answer::failed(
            REQUEST_TIMEOUT,
            "The answer was not ready in time. Ask for less, or again.",
            request_id,
        ),
    };
    answer.of_older(cx.meter.older())
}

/// Parses a request and checks what the library does not: variables, and the cost at the sources where there are any.
fn prepare(
    request: Request,
    settings: &Settings,
    caller: &Caller,
    sources: Option<&Gather>,
    spent: &Spent,
) -> Result<(async_graphql::Request, Cost), Refusal> {
    let (limits, most) = (&settings.limits, settings.max_upstream_calls);
    let variables = variables::sized(request.variables)?;
    guard::check(&request.query, limits)
        .map_err(|refused| Refusal::guarded(refused, &request.query, limits))?;
    let document = parse_query(&request.query).map_err(|error| Refusal::unparsable(&error))?;
    let name = request.operation_name.filter(|name| !name.is_empty());
    let operation = operation(&document, name.as_deref())?;
    if request.safe && operation.ty == OperationType::Mutation {
        let message = "Only queries may be sent by GET. Send this by POST.";
        return Err(Refusal::new(NOT_A_QUERY, message, None));
    }
    variables::complete(operation, &variables)?;

    let mut variables = Variables::from_json(Value::Object(variables));
    variables::fill_in(operation, &mut variables);
    rules::check(&document, operation, &variables, caller).map_err(Refusal::forbidden)?;
    let nodes = Nodes::of(&document, operation, &variables);
    match nodes.introspection {
        Some((pos, _)) if !may_introspect(settings) => return Err(Refusal::introspection(pos)),
        Some((pos, true)) => return Err(Refusal::introspects_too_much(pos)),
        _ => {}
    }
    let before = spent.nodes.load(Ordering::Relaxed);
    if before.saturating_add(nodes.count) > settings.max_nodes {
        return Err(Refusal::too_many_nodes(nodes, before, settings.max_nodes));
    }
    spent.nodes.store(before.saturating_add(nodes.count), Ordering::Relaxed);
    let cost = match sources {
        Some(gather) => {
            let cost = Cost::of(&document, operation, &variables, &|filter| gather.prices(caller, filter));
            if let Some(pos) = cost.conflict {
                return Err(Refusal::conflict(pos));
            }
            if cost.writes > MAX_WRITES {
                return Err(Refusal::too_many_writes(MAX_WRITES));
            }
            let before = spent.calls.load(Ordering::Relaxed);
            if before.saturating_add(cost.calls) > most {
                return Err(Refusal::too_costly(&cost, before, most));
            }
            spent.calls.fetch_add(cost.calls, Ordering::Relaxed);
            cost
        }
        None => Cost::default(),
    };
    let mut prepared = async_graphql::Request::new(request.query).variables(variables);
    prepared.operation_name = name;
    prepared.set_parsed_query(document);
    Ok((prepared, cost))
}

/// Whether the schema may be asked for.
fn may_introspect(settings: &Settings) -> bool {
    settings.introspection
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

#[cfg(test)]
mod tests;
