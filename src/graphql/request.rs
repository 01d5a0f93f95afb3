//! One request from its text to its answer. `http/` stays thin: it brings the text and sends the answer.
//!
//! Sees to what the GraphQL library leaves open: the guard before the parser, required variables, the cost in upstream calls,
//! codes on every error, no echo of the document, a bounded number of errors, panics, and an end of waiting.

mod answer;
mod budget;
mod library;
mod live;
mod read;
mod refusal;
mod variables;

use std::mem;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use async_graphql::{ObjectType, Response, SubscriptionType};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use serde_json::Value;
use tracing::Instrument;

pub use self::answer::Answer;
pub use self::budget::Budget;
pub(super) use self::budget::{Purse, Unlimited};
use self::budget::{Reckoned, paying};
pub use self::live::{Opened, open};
use self::read::{Read, read};
pub(super) use self::refusal::Refusal;
use super::documents::Hash;
use super::error::{REQUEST_TIMEOUT, VALIDATION_FAILED};
use super::state::State;
use super::{Cx, Gather, Schema};
use crate::telemetry::{metrics, traces};

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
        let text = mem::take(&mut request.query);
        let found = schema.documents.find(text, request.document_id.as_deref(), &request.extensions).await?;
        let keep = found.keep.map(|hash| (hash, Arc::from(&*found.text)));
        request.query = found.text;
        Ok(Self { named: found.named, keep })
    }

    /// Keeps it, since it has been executed.
    async fn keep(self, schema: &Schema) {
        if let Some((hash, text)) = self.keep {
            schema.documents.keep(hash, text).await;
        }
    }
}

async fn execute_with(schema: &Schema, cx: Cx, mut request: Request, spent: &Spent) -> Answer {
    match Document::find(schema, &mut request).await {
        Ok(document) => {
            let read = read(request, &schema.settings, Some(&schema.documents));
            execute_read(schema, cx, document, read, spent).await
        }
        Err(refusal) => Answer::refused(refusal, &cx.request_id),
    }
}

/// Executes what is read to be executed.
async fn execute_read(
    schema: &Schema,
    cx: Cx,
    document: Document,
    read: impl Future<Output = Result<Read, Refusal>>,
    spent: &Spent,
) -> Answer {
    let cx = paying(cx, &schema.purse);
    let gather = schema.strict.data::<Gather>();
    // Before anything is read: what changes meanwhile is not to be missed.
    let standing = gather.map(Gather::standing);
    let state = gather.map(|gather| Box::new(State::new(gather.clone(), cx.clone())));
    let passing = state.as_ref().map(|state| state.passing.clone());
    let (mut safe, mut query, mut unknown) = (false, false, None);
    let work = async {
        let read = read.await?;
        safe = read.safe;
        let (is_query, learned) = (read.is_query(), read.to_learn());
        let roots = if read.known { &schema.trusting } else { &schema.strict };
        let reckoned = read.reckon(&schema.settings, &cx.caller, gather, spent)?;
        let response = run(roots, &cx, state, read, reckoned, &schema.purse).await?;
        // Only now: nothing is known of what did not come to its end.
        (query, unknown) = (is_query, learned);
        Ok(response)
    };
    let mut answer = bounded(&cx, schema.settings.suggestions.holds(&cx.caller), pin!(work)).await;
    metrics::operation_answered(answer.refusal().is_none(), answer.codes(), cx.meter.calls());
    let named = document.named;
    if answer.refusal().is_none() {
        document.keep(schema).await;
        if let Some((text, parsed)) = unknown {
            schema.documents.learn(&text, parsed).await;
        }
    }
    let lasts = answer.status() == 200
        && cx.meter.older().is_empty()
        && passing.is_some_and(|passing| !passing.holds());
    if safe && named && lasts {
        answer.keep_for(FRESH);
    }
    // What changes something is to change it each time it is asked.
    if let (true, Some(lease), Some(standing)) = (lasts && query, cx.meter.ground.lease(), standing) {
        answer.give_again(lease.and(standing));
    }
    answer
}

/// Executes what was read on any schema.
async fn run<Q, M, S>(
    schema: &async_graphql::Schema<Q, M, S>,
    cx: &Cx,
    state: Option<Box<State>>,
    read: Read,
    reckoned: Reckoned,
    purse: &Purse,
) -> Result<Response, Refusal>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    if read.is_subscription() {
        return Err(Refusal::new(VALIDATION_FAILED, live::ELSEWHERE, None));
    }
    metrics::operation_reckoned(reckoned.calls);
    traces::operation_reckoned(read.kind(), read.name(), reckoned.calls);
    tracing::debug!(request_id = &*cx.request_id, upstream_cost = reckoned.calls, "operation reckoned");
    reckoned.pay(purse, &cx.caller)?;
    let writes_lists = !read.document.merges_lists;
    if let Some(state) = &state
        && writes_lists
        && let Some(data) = read.straight(state).await
    {
        reckoned.settle(purse, cx);
        return Ok(Response::new(async_graphql::Value::Binary(data)));
    }
    let mut request = read.into_request().data(cx.clone());
    if let Some(mut state) = state {
        state.writes_lists = writes_lists;
        request = request.data(*state);
    }
    // In a box: whoever does not come here is not to carry the room for it.
    let response = Box::pin(schema.execute(request)).await;
    reckoned.settle(purse, cx);
    Ok(response)
}

/// Answers with what comes of some work, which neither goes on long past its time nor takes others down by a panic. The work stays
/// where it is: it is large, and would be moved with each thing that is put around it.
async fn bounded(
    cx: &Cx,
    suggestions: bool,
    work: Pin<&mut impl Future<Output = Result<Response, Refusal>>>,
) -> Answer {
    let (request_id, limit) = (&*cx.request_id, cx.deadline + GRACE);
    // No lock of ours is held across a resolver, so what unwinds leaves nothing half done.
    let span = traces::operation();
    let work = AssertUnwindSafe(work).catch_unwind().instrument(span.clone());
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
    traces::operation_answered(&span, cx.meter.calls(), answer.codes().next());
    answer.of_older(cx.meter.older())
}

#[cfg(test)]
mod tests;
