//! `/graphql`, by the GraphQL-over-HTTP specification. Our own handler: the one that comes with the library takes mutations
//! over GET, forms and batches without end.

mod media;
mod read;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::{BufMut, Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

pub(super) use self::media::Media;
pub(super) use self::read::{Asked, PREFLIGHTED, addressed, ask, asked, body};
use super::answers::{Answers, Given, Question};
use super::auth::whole_seconds;
use super::etag;
use super::failure::{self, Failure};
use super::overload::Gate;
use super::{Answer, Ask, Engine, Settings};
use crate::model::caller::Caller;
use crate::model::cx::{Cx, Meter};
use crate::telemetry::{self, metrics};

/// How long past its deadline a request may still answer by itself before it is dropped. Longer than the engine waits for
/// itself, whose answer says more.
pub(super) const GRACE: Duration = Duration::from_millis(500);

/// What serves the route, for every method.
pub(super) struct Door {
    engine: Engine,
    request_timeout: Duration,
    max_body_bytes: usize,
    max_batch: usize,
    gate: Gate,
    answers: Answers,
}

impl Door {
    pub(super) fn new(settings: &Settings, engine: Engine, gate: Gate) -> Self {
        Self {
            engine,
            request_timeout: settings.request_timeout,
            max_body_bytes: settings.max_body_bytes,
            max_batch: settings.max_batch,
            gate,
            answers: Answers::new(settings.answers_max_bytes),
        }
    }

    /// Answers a request of this id and caller.
    pub(super) async fn answer(&self, request: Request, id: Arc<str>, caller: Caller) -> Response<Body> {
        let start = Instant::now();
        let (parts, body) = request.into_parts();
        match parts.method {
            Method::GET | Method::POST => {}
            Method::OPTIONS => return methods(),
            // HEAD, too: what it would tell costs as many upstream calls as the answer itself.
            _ => return failure::METHOD.answer(Media::Json),
        }
        // Before anything is read: who can make nothing of an answer is not to cost one.
        let Some(media) = Media::wanted(&parts.headers) else {
            return failure::NOT_ACCEPTABLE.answer(Media::Json);
        };
        let answered = self.answered(start, &parts, body, id, caller).await;
        let mut response = match answered {
            Ok(Answered::One(Given::New(answer))) => {
                let lasts = answer.lease.is_some() || answer.fresh.is_some();
                let etag = (parts.method == Method::GET && lasts).then(|| etag::of(&answer.body));
                one(media, &parts.headers, &answer, etag)
            }
            Ok(Answered::One(Given::Again(kept))) => {
                metrics::answered_again();
                let etag = (parts.method == Method::GET).then(|| kept.etag().clone());
                let mut response = one(media, &parts.headers, &kept.answer, etag);
                // As a cache says it (RFC 9111), which this is.
                response.headers_mut().insert(header::AGE, HeaderValue::from(kept.age().as_secs()));
                response
            }
            Ok(Answered::Batch(answers)) => media.answer(StatusCode::OK, listed(answers)),
            Err(failure) => failure.answer(media),
        };
        response
            .headers_mut()
            .append(header::VARY, HeaderValue::from_static("accept, accept-encoding, authorization"));
        response
    }
}

/// The response to one request, or none of its body where the client has that already.
fn one(media: Media, headers: &HeaderMap, answer: &Answer, etag: Option<HeaderValue>) -> Response<Body> {
    let held = etag.as_ref().is_some_and(|etag| etag::is_held(headers, etag));
    let mut response = if held { not_modified() } else { media.answer(answer.status, answer.body.clone()) };
    if let Some(etag) = etag {
        response.headers_mut().insert(header::ETAG, etag);
    }
    if let Some(fresh) = answer.fresh {
        response.headers_mut().insert(header::CACHE_CONTROL, private(fresh));
    }
    if let Some(wait) = answer.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, whole_seconds(wait));
    }
    response
}

fn not_modified() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response
}

/// Whatever is not said to last is `no-store` (see `front`).
fn private(fresh: Duration) -> HeaderValue {
    HeaderValue::try_from(format!("private, max-age={}", fresh.as_secs()))
        .unwrap_or(HeaderValue::from_static("no-store"))
}

/// What is sent back.
enum Answered {
    One(Given),
    Batch(Vec<Answer>),
}

impl Door {
    async fn answered(
        &self,
        start: Instant,
        parts: &Parts,
        body: Body,
        id: Arc<str>,
        caller: Caller,
    ) -> Result<Answered, Failure> {
        let deadline = start + self.request_timeout;
        let safe = parts.method == Method::GET;
        let marked = !safe || read::is_marked(&parts.headers)?;
        let bytes = match parts.uri.query() {
            query if safe => Bytes::copy_from_slice(query.unwrap_or_default().as_bytes()),
            _ => read::body(&parts.headers, body, self.max_body_bytes, deadline).await?,
        };
        let question = Question { caller, safe, bytes };
        if let Some(kept) = self.answers.get(&question).await.filter(|_| marked) {
            return Ok(Answered::One(Given::Again(kept)));
        }
        // Before anything is done for it, and after what costs no more than to refuse it.
        self.gate.admit().map_err(|_overloaded| failure::OVERLOADED)?;
        let logged = telemetry::request(&id);
        // In a box: whoever is given an answer again is not to carry the room for making one.
        Box::pin(self.make(start, parts, id, question, marked).instrument(logged)).await
    }

    /// Answers what was not answered before.
    async fn make(
        &self,
        start: Instant,
        parts: &Parts,
        request_id: Arc<str>,
        question: Question,
        marked: bool,
    ) -> Result<Answered, Failure> {
        let deadline = start + self.request_timeout;
        let asked = if question.safe {
            read::parameters(parts, marked)?
        } else {
            read::asked(&question.bytes, self.max_batch)?
        };
        let cx = Cx {
            deadline,
            now: Timestamp::now(),
            request_id,
            caller: question.caller.clone(),
            meter: Meter::default(),
            background: false,
            anew: false,
        };
        match asked {
            Asked::Batch(asks) => Ok(Answered::Batch(self.run(start, cx, asks).await?)),
            Asked::One(ask) => {
                let make = async {
                    let mut answers = self.run(start, cx, vec![*ask]).await?;
                    answers.pop().ok_or(failure::INTERNAL)
                };
                Ok(Answered::One(self.answers.make(&question, deadline, make).await?))
            }
        }
    }

    /// Answers what was asked, in a place among those that run.
    async fn run(&self, start: Instant, cx: Cx, asks: Vec<Ask>) -> Result<Vec<Answer>, Failure> {
        let (request_id, meter) = (Arc::clone(&cx.request_id), cx.meter.clone());
        let (deadline, operations) = (cx.deadline, asks.len());
        // Only now that all of it is here: who sends slowly is to take nobody's place.
        let _pass = self.gate.enter().await.map_err(|_overloaded| failure::OVERLOADED)?;
        let answers = timeout_at(deadline + GRACE, (self.engine)(cx, asks)).await;
        // Neither the document nor its variables: they may hold personal data.
        tracing::debug!(
            request_id = &*request_id,
            elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            upstream.calls = meter.calls(),
            operations,
            status = answers.as_ref().ok().and_then(|answers| Some(answers.first()?.status.as_u16())),
            in_time = answers.is_ok(),
            "answered"
        );
        answers.map_err(|_late| failure::TIMEOUT)
    }
}

/// The answers of a batch, in the order of what was asked.
fn listed(answers: Vec<Answer>) -> Bytes {
    let mut list = BytesMut::from(&b"["[..]);
    for (place, answer) in answers.into_iter().enumerate() {
        if place > 0 {
            list.put_u8(b',');
        }
        list.put(answer.body);
    }
    list.put_u8(b']');
    list.freeze()
}

/// The answer to OPTIONS where no other origin may ask.
fn methods() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::ALLOW, media::ALLOWED);
    response
}
