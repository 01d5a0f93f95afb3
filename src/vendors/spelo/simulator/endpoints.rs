//! The site's HTTP: S1 to S6, and the signed links that S6 mints.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Shared;
use super::site::{Ask, Order, Place, place};
use super::story::{STATUS, token, written};

type Site = State<Arc<Shared>>;
type Params = HashMap<String, String>;

/// Turns of a transcript that a list item has at most, while it is cut short.
const LIST_TURNS: usize = 6;
/// How long a signed link opens its recording (SPELO-23).
const LINK_LIFE: Duration = Duration::from_secs(300);
const STORAGE: &str = "/storage/v1/object/sign/conversation-recordings";

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let public = Router::new()
        .route("/leads", get(leads))
        .route("/leads/{id}", get(lead).patch(update))
        .route("/conversations", get(conversations))
        .route("/conversations/{id}", get(conversation))
        .route("/conversations/{id}/recording", get(recording))
        .layer(from_fn_with_state(Arc::clone(&shared), admit));
    Router::new()
        .nest("/v1/public", public)
        .route(&format!("{STORAGE}/{{*path}}"), get(download))
        .with_state(shared)
}

/// A refusal in the shape that the simulator has chosen; the vendor's own is unknown (SPELO-13).
fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({"success": false, "error": {"code": code, "message": message}}))).into_response()
}

fn invalid(message: &str) -> Response {
    refuse(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message)
}

/// Checks the key, then the site's quota.
async fn admit(State(shared): Site, request: Request, next: Next) -> Response {
    let sent = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if sent.and_then(|text| text.strip_prefix("Bearer ")) != Some(&shared.key) {
        return refuse(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", "Missing, invalid or revoked API key");
    }
    let limit = match shared.switches.get("quota") {
        Some(word) if word == "off" => return next.run(request).await,
        Some(number) => number.parse().unwrap_or(60),
        None => 60,
    };
    let entered = shared.state().window.enter(limit);
    match entered {
        Ok(()) => next.run(request).await,
        Err(wait) => limited(limit, wait),
    }
}

/// SPELO-15: four headers, of which the last says seconds.
fn limited(limit: usize, wait: u64) -> Response {
    let mut response =
        refuse(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", "Too many requests for this site");
    let headers = [
        (header::RETRY_AFTER, wait),
        (HeaderName::from_static("x-ratelimit-limit"), limit as u64),
        (HeaderName::from_static("x-ratelimit-remaining"), 0),
        (HeaderName::from_static("x-ratelimit-reset"), wait),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from(value));
    }
    response
}

fn absent(shared: &Shared, code: &str) -> Response {
    if shared.switches.on("forbidden") {
        return refuse(StatusCode::FORBIDDEN, "FORBIDDEN", "This resource belongs to another site");
    }
    refuse(StatusCode::NOT_FOUND, code, "No such resource on this site")
}

async fn leads(State(shared): Site, Query(params): Query<Params>) -> Response {
    let ask = match ask(&shared, &params) {
        Ok(ask) => ask,
        Err(message) => return invalid(message),
    };
    let status = params.get("status").map(String::as_str);
    if status.is_some_and(|word| !STATUS.contains(&word)) {
        return invalid("status must be one of new, contacted, qualified, disqualified");
    }
    let (rows, last, more) = shared.state().site.lead_page(&ask, status);
    // The vendor's sample has a cursor on the last page of leads and none on that of conversations (SPELO-6).
    listing(&shared, &params, &rows, last, more)
}

async fn conversations(State(shared): Site, Query(params): Query<Params>) -> Response {
    let ask = match ask(&shared, &params) {
        Ok(ask) => ask,
        Err(message) => return invalid(message),
    };
    let recorded = params.get("has_recording").is_some_and(|value| value == "1" || value == "true");
    let now = shared.now();
    let (mut rows, last, more) = shared.state().site.conversation_page(&ask, recorded, now);
    let transcripts = shared.switches.get("list_transcripts");
    for row in &mut rows {
        match transcripts.as_deref() {
            Some("full") => {}
            Some("missing") => (row.transcript, row.tool_calls) = (None, None),
            _ => row.transcript.iter_mut().for_each(|turns| turns.truncate(LIST_TURNS)),
        }
    }
    listing(&shared, &params, &rows, last.filter(|_| more), more)
}

fn ask(shared: &Shared, params: &Params) -> Result<Ask, &'static str> {
    // SPELO-4: what the vendor does with other numbers is unknown; it is not asked.
    let limit = params.get("limit").map_or(Ok(25), |text| text.parse::<usize>());
    let limit = limit.ok().filter(|limit| (1..=100).contains(limit)).ok_or("limit must be 1 to 100")?;
    let since = params.get("since").map(|text| text.parse::<Timestamp>()).transpose();
    let after: Option<Option<Place>> = params.get("cursor").map(|text| place(text));
    Ok(Ask {
        order: match shared.switches.get("order").as_deref() {
            Some("asc") => Order::Oldest,
            Some("random") => Order::Random,
            _ => Order::Newest,
        },
        since: since.map_err(|_| "since must be an ISO 8601 date-time")?,
        after: after.map_or(Ok(None), |place| place.map(Some).ok_or("cursor is not valid"))?,
        limit: shared.number("page_cap").map_or(limit, |cap| limit.min(cap.max(1))),
    })
}

fn listing(
    shared: &Shared,
    params: &Params,
    rows: &[impl Serialize],
    next: Option<String>,
    more: bool,
) -> Response {
    // Raw, so that the members keep the order in which the vendor documents them.
    let bad = (0..shared.number("bad_rows").unwrap_or(0)).map(|number| match number % 3 {
        0 => to_raw_value(&json!({"name": "has no id", "created_at": "2026-01-01T00:00:00.000Z"})),
        1 => to_raw_value(&json!({"id": null, "started_at": 12})),
        _ => to_raw_value("not even an object"),
    });
    let data: Vec<Box<RawValue>> = rows.iter().map(to_raw_value).chain(bad).filter_map(Result::ok).collect();
    let next = match shared.switches.get("cursor").as_deref() {
        Some("missing") if more => None,
        Some("stuck") => params.get("cursor").cloned().or(next),
        _ => next,
    };
    Json(Listing { data, next_cursor: next, has_more: more }).into_response()
}

#[derive(Serialize)]
struct Listing {
    data: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
    has_more: bool,
}

/// An envelope around one record.
#[derive(Serialize)]
struct One<T> {
    data: T,
}

async fn lead(State(shared): Site, Path(id): Path<String>) -> Response {
    let found = shared.state().site.lead(&id);
    found.map_or_else(|| absent(&shared, "LEAD_NOT_FOUND"), |lead| Json(One { data: lead }).into_response())
}

/// SPELO-29: status and notes can be changed, nothing else; `null` clears the notes.
async fn update(State(shared): Site, Path(id): Path<String>, body: Bytes) -> Response {
    let Ok(Value::Object(change)) = serde_json::from_slice::<Value>(&body) else {
        return invalid("the body must be a JSON object");
    };
    if change.is_empty() {
        return invalid("nothing to change");
    }
    let (mut status, mut notes) = (None, None);
    for (field, value) in change {
        match (&*field, value) {
            ("status", Value::String(word)) if STATUS.contains(&&*word) => status = Some(word),
            ("status", _) => return invalid("status must be one of new, contacted, qualified, disqualified"),
            ("notes", Value::String(text)) => notes = Some(Some(text)),
            ("notes", Value::Null) => notes = Some(None),
            ("notes", _) => return invalid("notes must be text"),
            _ => return invalid("only status and notes can be changed"),
        }
    }
    let now = shared.now();
    let changed = shared.state().site.edit(&id, status, notes, now);
    let Some(lead) = changed else { return absent(&shared, "LEAD_NOT_FOUND") };
    match shared.switches.get("update").as_deref() {
        Some("bare") => Json(lead).into_response(),
        Some("empty") => StatusCode::NO_CONTENT.into_response(),
        _ => Json(One { data: lead }).into_response(),
    }
}

async fn conversation(State(shared): Site, Path(id): Path<String>) -> Response {
    let now = shared.now();
    let found = shared.state().site.conversation(&id, now);
    found.map_or_else(
        || absent(&shared, "CONVERSATION_NOT_FOUND"),
        |conversation| Json(One { data: conversation }).into_response(),
    )
}

async fn recording(State(shared): Site, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let now = shared.now();
    let host =
        headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost").to_owned();
    let mut state = shared.state();
    let Some(conversation) = state.site.conversation(&id, now) else {
        drop(state);
        return absent(&shared, "CONVERSATION_NOT_FOUND");
    };
    let Some(path) = conversation.recording_path else {
        return refuse(StatusCode::NOT_FOUND, "RECORDING_NOT_FOUND", "This conversation has no recording");
    };
    let token = token("", &mut state.dice, 40);
    state.links.retain(|(_, _, until)| *until > Instant::now());
    state.links.push((token.clone(), path.clone(), Instant::now() + LINK_LIFE));
    drop(state);
    let expires =
        now.checked_add(SignedDuration::from_secs(LINK_LIFE.as_secs().cast_signed())).unwrap_or(now);
    let url = format!("http://{host}{STORAGE}/{path}?token={token}");
    Json(json!({"data": {"url": url, "expires_at": written(expires)}})).into_response()
}

/// The storage behind the links: what they open is the head of a `WebM` file, not a voice.
async fn download(State(shared): Site, Path(path): Path<String>, Query(params): Query<Params>) -> Response {
    let now = Instant::now();
    let token = params.get("token").map_or("", String::as_str);
    let open = |(known, of, until): &(String, String, Instant)| known == token && *of == path && *until > now;
    if !shared.state().links.iter().any(open) {
        return refuse(StatusCode::BAD_REQUEST, "INVALID_SIGNATURE", "The link has expired");
    }
    ([(header::CONTENT_TYPE, "audio/webm")], Bytes::from_static(b"\x1a\x45\xdf\xa3")).into_response()
}
