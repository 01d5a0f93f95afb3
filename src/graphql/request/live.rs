//! A request on a transport on which answers may go on: a subscription is answered once for each event.
//!
//! Each event is executed as a request of its own: it has its own deadline, and loaders that have read nothing yet. The
//! library would give the first moment's to all of them, for hours.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::{OperationDefinition, Selection};
use async_graphql::{Response, Variables};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use jiff::SignedDuration;
use tokio::time::Instant;

use super::{Answer, Document, Reckoned, Refusal, Request, Spent, bounded, execute_read, read};
use crate::events::Overrun;
use crate::graphql::documents::Known;
use crate::graphql::error::{SUBSCRIBER_TOO_SLOW, VALIDATION_FAILED};
use crate::graphql::state::State;
use crate::graphql::subscription::{Stage, Subscriber};
use crate::graphql::{Cx, Gather, Schema};
use crate::model::cx::Meter;
use crate::telemetry::{metrics, traces};

/// What is told where a subscription is asked for and there can be one answer only.
pub(super) const ELSEWHERE: &str = "Subscriptions are not answered here: send them over WebSocket to /graphql/ws \
    (graphql-transport-ws), or as an event stream to /graphql/stream (graphql-sse).";

/// How a request is answered where answers may go on.
#[expect(missing_debug_implementations, reason = "holds a stream")]
pub enum Opened {
    /// Once: it is a query or a mutation, or it was refused.
    Once(Answer),
    /// Once for each event, until it is dropped. The last answer, if there is one, says why there are no more.
    Each(BoxStream<'static, Answer>),
}

/// Executes a query or mutation, or opens a subscription. Never panics, and never waits long past the deadline of `cx`; each
/// event of a subscription has as much time as `cx` gives now.
///
/// # Cancellation
/// As of [`super::execute`]. Dropping the stream ends the subscription.
pub async fn open(schema: &Schema, cx: Cx, mut request: Request) -> Opened {
    let began = Instant::now();
    let document = match Document::find(schema, &mut request).await {
        Ok(document) => document,
        Err(refusal) => return Opened::Once(Answer::refused(refusal, &cx.request_id)),
    };
    let suggestions = schema.settings.suggestions.holds(&cx.caller);
    let (mut opened, mut once) = (None, None);
    let work = async {
        let read = read(request, &schema.settings, Some(&schema.documents)).await?;
        if !read.is_subscription() {
            once = Some(read);
            return Ok(Response::default());
        }
        let gather = schema.strict.data::<Gather>();
        let reckoned = read.reckon(&schema.settings, &cx.caller, gather, &Spent::default())?;
        check_root(read.operation()?)?;
        let again = Again { document: read.document, name: read.name, variables: read.variables };
        metrics::operation_reckoned(reckoned.calls);
        traces::operation_reckoned("subscription", again.name.as_deref(), reckoned.calls);
        tracing::debug!(
            request_id = &*cx.request_id,
            upstream_cost = reckoned.calls,
            "subscription reckoned"
        );
        reckoned.pay(&schema.purse, &cx.caller)?;
        let stage = Arc::new(Stage::opening());
        let first = again.run(schema, &cx, &stage).await;
        reckoned.settle(&schema.purse, &cx);
        opened = stage.subscriber().map(|subscriber| (again, reckoned, subscriber));
        Ok(first.unwrap_or_default())
    };
    let answer = bounded(&cx, suggestions, pin!(work)).await;
    match (opened, once) {
        (Some((again, reckoned, subscriber)), _) => {
            document.keep(schema).await;
            let told = Told { schema: schema.clone(), suggestions, cx, began, again, reckoned, subscriber };
            Opened::Each(stream::unfold(Some(told), Told::next).boxed())
        }
        // What is no subscription goes the way of all others.
        (None, Some(read)) => {
            let read = std::future::ready(Ok(read));
            Opened::Once(execute_read(schema, cx, document, read, &Spent::default()).await)
        }
        (None, None) => {
            metrics::operation_answered(answer.refusal().is_none(), answer.codes(), cx.meter.calls());
            Opened::Once(answer)
        }
    }
}

/// A subscription, to be executed again for each event.
struct Again {
    document: Arc<Known>,
    name: Option<String>,
    variables: Variables,
}

impl Again {
    /// Executes it. `None`: it went well, and there was nothing to tell.
    async fn run(&self, schema: &Schema, cx: &Cx, stage: &Arc<Stage>) -> Option<Response> {
        let gather = schema.strict.data::<Gather>()?;
        let mut request = async_graphql::Request::new("").variables(self.variables.clone());
        request.operation_name = self.name.clone();
        request.set_parsed_query(self.document.document.clone());
        let state = State::new(gather.clone(), cx.clone());
        let request = request.data(cx.clone()).data(state).data(Arc::clone(stage));
        schema.strict.execute_stream(request).next().await
    }
}

/// Checks that exactly one field is selected, and that always. The library (8.0.0-rc.5) runs several, and passes over
/// fragments and directives here.
fn check_root(operation: &OperationDefinition) -> Result<(), Refusal> {
    let [only] = operation.selection_set.node.items.as_slice() else {
        return Err(not_one(operation));
    };
    match &only.node {
        Selection::Field(field)
            if only.node.directives().is_empty() && field.node.name.node != "__typename" =>
        {
            Ok(())
        }
        _ => Err(not_one(operation)),
    }
}

fn not_one(operation: &OperationDefinition) -> Refusal {
    let message = "A subscription selects exactly one field, itself and without directives: \
                   `subscription { events { … } }`. To follow several things, subscribe several times.";
    Refusal::new(VALIDATION_FAILED, message, Some(operation.selection_set.pos))
}

/// A subscription that is open.
struct Told {
    schema: Schema,
    suggestions: bool,
    /// The circumstances in which it was opened, and when that was.
    cx: Cx,
    began: Instant,
    again: Again,
    reckoned: Reckoned,
    subscriber: Subscriber,
}

impl Told {
    async fn next(told: Option<Self>) -> Option<(Answer, Option<Self>)> {
        let mut told = told?;
        match told.subscriber.hear().await {
            Ok(heard) => {
                let cx = told.circumstances();
                let stage = Arc::new(Stage::Telling(heard));
                let work = async {
                    traces::operation_reckoned("subscription", told.again.name.as_deref(), 0);
                    Ok(told.again.run(&told.schema, &cx, &stage).await.unwrap_or_default())
                };
                let answer = bounded(&cx, told.suggestions, pin!(work)).await;
                told.reckoned.told(&told.schema.purse, &cx);
                metrics::operation_answered(true, answer.codes(), cx.meter.calls());
                tracing::debug!(
                    request_id = &*cx.request_id,
                    upstream.calls = cx.meter.calls(),
                    "event told"
                );
                Some((answer, Some(told)))
            }
            Err(Overrun) => {
                let message = "Events came faster than they were taken. Subscribe again with `after` set to the last \
                               cursor you have; nothing is missed then.";
                let refusal = Refusal::new(SUBSCRIBER_TOO_SLOW, message, None);
                Some((Answer::refused(refusal, &told.cx.request_id), None))
            }
        }
    }

    /// Of a request that begins now.
    fn circumstances(&self) -> Cx {
        let time = self.cx.deadline.saturating_duration_since(self.began);
        let passed = SignedDuration::try_from(self.began.elapsed()).unwrap_or(SignedDuration::ZERO);
        Cx {
            deadline: Instant::now() + time.max(Duration::from_millis(1)),
            now: self.cx.now.checked_add(passed).unwrap_or(self.cx.now),
            meter: Meter::default(),
            ..self.cx.clone()
        }
    }
}
