//! `POST /graphql`, by the GraphQL-over-HTTP draft. Our own handler: the one that comes with the library takes mutations over
//! GET, forms and batches without end.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::routing::{MethodRouter, post};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use super::failure::{self, Failure};
use super::request_id::RequestId;
use super::{Ask, Engine, Settings};
use crate::model::caller::Caller;
use crate::model::cx::{Cx, Meter};

/// How long past its deadline a request may still answer by itself before it is dropped. Longer than the engine waits for
/// itself, whose answer says more.
const GRACE: Duration = Duration::from_millis(500);

#[derive(Clone)]
struct Door {
    engine: Engine,
    request_timeout: Duration,
    max_body_bytes: usize,
}

/// The route's methods.
pub(super) fn route(settings: &Settings, engine: Engine) -> MethodRouter {
    let door =
        Door { engine, request_timeout: settings.request_timeout, max_body_bytes: settings.max_body_bytes };
    post(handle).fallback(|| async { failure::METHOD.answer() }).with_state(door)
}

async fn handle(State(door): State<Door>, request: Request) -> Response<Body> {
    let start = Instant::now();
    let deadline = start + door.request_timeout;
    let (parts, body) = request.into_parts();
    let ask = match read(&parts.headers, body, &door, deadline).await {
        Ok(ask) => ask,
        Err(failure) => return failure.answer(),
    };
    // Nobody comes here unknown; should someone, they get nothing.
    let Some(caller) = parts.extensions.get::<Caller>().cloned() else { return failure::INTERNAL.answer() };
    let cx = Cx {
        deadline,
        now: Timestamp::now(),
        request_id: parts.extensions.get::<RequestId>().map_or_else(|| Arc::from(""), |id| Arc::clone(&id.0)),
        caller,
        meter: Meter::default(),
        background: false,
    };
    let (request_id, meter) = (Arc::clone(&cx.request_id), cx.meter.clone());
    let answer = timeout_at(deadline + GRACE, (door.engine)(cx, ask)).await;
    // Neither the document nor its variables: they may hold personal data.
    tracing::debug!(
        request_id = &*request_id,
        elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        upstream.calls = meter.calls(),
        executed = answer.as_ref().is_ok_and(|answer| answer.executed),
        in_time = answer.is_ok(),
        "answered"
    );
    let Ok(answer) = answer else { return failure::TIMEOUT.answer() };
    let modern = wants_modern(&parts.headers);
    let mut response = Response::new(Body::from(answer.body));
    // Under `application/json` clients may take any other status for a failure of the transport.
    if modern && !answer.executed {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    let kind = if modern { MODERN } else { JSON };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

async fn read(headers: &HeaderMap, body: Body, door: &Door, deadline: Instant) -> Result<Ask, Failure> {
    if !is_json(headers) {
        return Err(failure::MEDIA_TYPE);
    }
    let whole = Limited::new(body, door.max_body_bytes).collect();
    let bytes = match timeout_at(deadline, whole).await {
        Err(_) => return Err(failure::SLOW_BODY),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(failure::TOO_LARGE),
        Ok(Err(_)) => return Err(failure::BROKEN_BODY),
        Ok(Ok(body)) => body.to_bytes(),
    };
    parse(&bytes)
}

fn parse(bytes: &Bytes) -> Result<Ask, Failure> {
    let mut members = match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => members,
        Ok(Value::Array(_)) => return Err(failure::BATCH),
        Ok(_) => return Err(failure::NOT_AN_OBJECT),
        Err(_) => return Err(failure::NOT_JSON),
    };
    let Some(Value::String(query)) = members.remove("query") else { return Err(failure::NO_QUERY) };
    let operation_name = match members.remove("operationName") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name),
        Some(_) => return Err(failure::OPERATION_NAME),
    };
    let variables = object(members.remove("variables")).ok_or(failure::VARIABLES)?;
    object(members.remove("extensions")).ok_or(failure::EXTENSIONS)?;
    Ok(Ask { query, operation_name, variables })
}

fn object(value: Option<Value>) -> Option<Map<String, Value>> {
    match value {
        None | Some(Value::Null) => Some(Map::new()),
        Some(Value::Object(members)) => Some(members),
        Some(_) => None,
    }
}

const JSON: &str = "application/json";
const MODERN: &str = "application/graphql-response+json";

/// Whether the body is said to be JSON in UTF-8.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(JSON));
    let charset =
        parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("charset"));
    essence && charset.is_none_or(|(_, value)| value.trim_matches('"').eq_ignore_ascii_case("utf-8"))
}

/// Whether the client would rather have the modern media type. It must name it: `*/*` gets plain JSON.
fn wants_modern(headers: &HeaderMap) -> bool {
    let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut modern, mut json) = (0.0, 0.0);
    for range in ranges.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .map_or(1.0, |weight| weight.parse::<f32>().unwrap_or(0.0));
        match essence.as_str() {
            MODERN => modern = weight,
            JSON => json = weight,
            _ => {}
        }
    }
    modern > 0.0 && modern >= json
}
