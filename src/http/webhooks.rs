//! `POST /webhooks/{source}`: what vendors tell by themselves.
//!
//! Who sent a delivery, and what it means, is decided behind [`Postbox`]; here it is only received: bounded in rate, size and
//! time, before anything is looked at. It is answered before anything is done about it. A refusal tells nothing but its status.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::routing::{MethodRouter, post};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use super::Settings;

/// The most bytes of a delivery.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// When a sender may come again whose delivery found no place.
const WHEN_FULL: HeaderValue = HeaderValue::from_static("5");
/// When a sender may come again who sent too much.
const WHEN_FLOODED: HeaderValue = HeaderValue::from_static("1");

/// Takes the deliveries of one webhook: headers, the body byte for byte, and the time. Answers at once.
pub type Postbox = Arc<dyn Fn(&HeaderMap, &[u8], Timestamp) -> Receipt + Send + Sync>;

/// The webhooks there are, by the names of their sources.
pub type Postboxes = HashMap<String, Postbox>;

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It is taken, or was taken before.
    Taken,
    /// Nothing shows that the vendor sent it, and just now.
    Unproven,
    /// It cannot be read.
    Unreadable,
    /// There is no place for it now. Sent again later, it finds one.
    Full,
}

/// A webhook, and how much was sent to it.
struct Slot {
    postbox: Postbox,
    flood: Flood,
}

#[derive(Clone)]
struct Door {
    slots: Arc<HashMap<String, Slot>>,
    timeout: Duration,
}

/// The route's methods.
pub(super) fn route(settings: &Settings, postboxes: Postboxes) -> MethodRouter {
    let slot = |postbox| Slot { postbox, flood: Flood::new(settings.webhooks_per_second) };
    let slots = postboxes.into_iter().map(|(name, postbox)| (name, slot(postbox))).collect();
    let door = Door { slots: Arc::new(slots), timeout: settings.request_timeout };
    post(handle).fallback(|| async { answer(StatusCode::METHOD_NOT_ALLOWED) }).with_state(door)
}

async fn handle(State(door): State<Door>, Path(source): Path<String>, request: Request) -> Response<Body> {
    let start = Instant::now();
    // A source without a webhook is answered like one that does not exist.
    let Some(slot) = door.slots.get(&source) else { return answer(StatusCode::NOT_FOUND) };
    let status = if slot.flood.lets_in(start) {
        take(slot, request, start + door.timeout).await
    } else {
        StatusCode::TOO_MANY_REQUESTS
    };
    if status == StatusCode::TOO_MANY_REQUESTS {
        // There may be a flood of these.
        tracing::debug!(source, status = status.as_u16(), "a webhook delivery was not taken");
    } else if !status.is_success() {
        tracing::info!(source, status = status.as_u16(), "a webhook delivery was not taken");
    }
    answer(status)
}

async fn take(slot: &Slot, request: Request, deadline: Instant) -> StatusCode {
    let (parts, body) = request.into_parts();
    // What is signed is what was sent. No vendor documents that it compresses.
    let encoding = parts.headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return StatusCode::BAD_REQUEST;
    }
    let body = match timeout_at(deadline, Limited::new(body, MAX_BODY_BYTES).collect()).await {
        Err(_) => return StatusCode::REQUEST_TIMEOUT,
        Ok(Err(error)) if error.is::<LengthLimitError>() => return StatusCode::PAYLOAD_TOO_LARGE,
        Ok(Err(_)) => return StatusCode::BAD_REQUEST,
        Ok(Ok(body)) => body.to_bytes(),
    };
    match (slot.postbox)(&parts.headers, &body, Timestamp::now()) {
        Receipt::Taken => StatusCode::ACCEPTED,
        Receipt::Unproven => StatusCode::UNAUTHORIZED,
        Receipt::Unreadable => StatusCode::BAD_REQUEST,
        Receipt::Full => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn answer(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let more = match status {
        StatusCode::METHOD_NOT_ALLOWED => Some((header::ALLOW, HeaderValue::from_static("POST"))),
        StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, WHEN_FULL)),
        StatusCode::TOO_MANY_REQUESTS => Some((header::RETRY_AFTER, WHEN_FLOODED)),
        _ => None,
    };
    response.headers_mut().extend(more);
    response
}

/// Lets in so many deliveries a second, and as many at once.
struct Flood {
    per_second: u32,
    left: Mutex<(f64, Instant)>,
}

impl Flood {
    fn new(per_second: u32) -> Self {
        Self { per_second, left: Mutex::new((f64::from(per_second), Instant::now())) }
    }

    fn lets_in(&self, now: Instant) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, at) = *left;
        let most = f64::from(self.per_second);
        let count = (count + now.saturating_duration_since(at).as_secs_f64() * most).min(most);
        let lets_in = count >= 1.0;
        *left = (if lets_in { count - 1.0 } else { count }, now.max(at));
        lets_in
    }
}

#[cfg(test)]
mod tests;
