//! `/graphql/stream`: GraphQL over server-sent events, by the protocol `graphql-sse` in its mode of distinct connections: one
//! operation a request, whose answers are events `next`, and whose end is an event `complete`.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::auth::{self, Refusal};
use super::failure::{self, Failure};
use super::graphql::{self, Asked, GRACE, Media};
use super::lines::{Full, Line};
use super::live::{ALIVE, Door, KNOWN, Reply, TAKEN, own_page};
use super::overload::Pass;
use super::{Answer, Ask};
use crate::model::caller::Caller;

#[cfg(test)]
mod tests;

const MEDIA: &str = "text/event-stream";
const COMPLETE: Bytes = Bytes::from_static(b"event: complete\ndata: \n\n");
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// Answers a request to the route, by whatever method.
pub(super) async fn answer(door: Door, request: Request, id: Arc<str>, caller: Caller) -> Response<Body> {
    match open(door, request, id, caller).await {
        Ok(response) => response,
        Err(failure) => failure.answer(Media::Json),
    }
}

async fn open(
    door: Door,
    request: Request,
    request_id: Arc<str>,
    caller: Caller,
) -> Result<Response<Body>, Failure> {
    let (parts, body) = request.into_parts();
    if !matches!(parts.method, Method::GET | Method::POST) {
        return Err(failure::STREAM_METHOD);
    }
    if !own_page(&parts.headers, &door.origins) {
        return Err(failure::CROSS_SITE);
    }
    if !takes_events(&parts.headers) {
        return Err(failure::NO_EVENTS);
    }
    let deadline = Instant::now() + door.request_timeout;
    let ask = match parts.method {
        Method::GET => graphql::addressed(&parts.uri)?,
        _ => match graphql::asked(
            &graphql::body(&parts.headers, body, door.max_body_bytes, deadline).await?,
            0,
        )? {
            Asked::One(ask) => *ask,
            Asked::Batch(_) => return Err(failure::BATCH),
        },
    };
    let line = door.lines.open().and_then(|mut line| {
        line.belongs_to(&caller.name)?;
        Ok(line)
    });
    let line = line.map_err(|full| match full {
        Full::Caller => failure::TOO_MANY_LINES,
        Full::Gateway => failure::NO_LINES,
    })?;
    // Only now that all of it is here, and while it can still be told by a status.
    let pass = door.gate.enter().await.map_err(|_overloaded| failure::OVERLOADED)?;
    let token = auth::token(&parts.headers).map(Arc::from);
    let (sender, receiver) = mpsc::channel(1);
    let pump = Pump { door, line, request_id, token, sender };
    tokio::spawn(pump.run(caller, ask, pass));
    let events = stream::unfold(receiver, async |mut receiver| {
        let event: Bytes = receiver.recv().await?;
        Some((Ok::<_, Infallible>(event), receiver))
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    // What stands between us and the client is not to wait for more.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// Whether the client asks for events by name. No image, script or link of another site's page does.
fn takes_events(headers: &HeaderMap) -> bool {
    let ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    ranges.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(MEDIA));
        named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// Brings answers to one client, until it hangs up. A task of its own, so that a client that takes nothing does not keep its
/// line for ever.
struct Pump {
    door: Door,
    line: Line,
    request_id: Arc<str>,
    token: Option<Arc<str>>,
    sender: mpsc::Sender<Bytes>,
}

impl Pump {
    async fn run(self, caller: Caller, ask: Ask, pass: Pass) {
        let cx = self.door.circumstances(Arc::clone(&self.request_id), caller);
        let limit = cx.deadline + GRACE;
        let reply = tokio::select! {
            reply = timeout_at(limit, (self.door.engine)(cx, ask)) => reply,
            () = self.sender.closed() => return,
        };
        drop(pass);
        let done = match reply {
            // What is answered is sent, also by a gateway that stops.
            Ok(Reply::Once(answer)) => self.send(next(&answer)).await,
            Ok(Reply::Each(answers)) => self.follow(answers).await,
            Err(_) => self.send(failed(&failure::TIMEOUT.errors(&self.request_id))).await,
        };
        if done.is_some() {
            let _ = self.send(COMPLETE).await;
        }
    }

    /// Sends answer by answer. `None`: the client is gone.
    async fn follow(&self, mut answers: stream::BoxStream<'static, Answer>) -> Option<()> {
        let mut alive = interval(ALIVE);
        let mut known = interval(KNOWN);
        for ticks in [&mut alive, &mut known] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks.reset();
        }
        loop {
            tokio::select! {
                () = self.line.closing() => return Some(()),
                () = self.sender.closed() => return None,
                answer = answers.next() => match answer {
                    Some(answer) => self.send(next(&answer)).await?,
                    None => return Some(()),
                },
                _ = alive.tick() => self.send(COMMENT).await?,
                _ = known.tick() => if let Err(refusal @ (Refusal::Missing | Refusal::Unknown)) =
                    self.door.caller(self.token.as_deref()).await
                {
                    return self.send(failed(&refusal.errors(&self.request_id))).await;
                },
            }
        }
    }

    async fn send(&self, event: Bytes) -> Option<()> {
        self.sender.send_timeout(event, TAKEN).await.ok()
    }
}

/// An answer as an event. JSON as we write it has no line breaks.
fn next(answer: &Answer) -> Bytes {
    Bytes::from([b"event: next\ndata: ", &answer.body[..], b"\n\n"].concat())
}

fn failed(errors: &Value) -> Bytes {
    let body = json!({ "errors": errors }).to_string();
    next(&Answer { body: body.into(), status: StatusCode::OK, fresh: None, lease: None, retry_after: None })
}
