//! Every request has an id: the client's, where it is harmless in a log, or one of ours. Every response echoes it,
//! and every refusal repeats it.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::header::HeaderName;
use http::{Extensions, HeaderMap, HeaderValue};

use super::failure;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, among its extensions.
#[derive(Clone, Debug)]
struct RequestId(Arc<str>);

/// The id of a request with these headers.
pub(super) fn choose(headers: &HeaderMap) -> Arc<str> {
    let given = headers.get(&HEADER).and_then(|value| value.to_str().ok()).filter(|id| harmless(id));
    match given {
        Some(id) => id.into(),
        None => format!("{:032x}", fastrand::u128(..)).into(),
    }
}

/// Has whoever is given the request know its id.
pub(super) fn tag(request: &mut Request, id: Arc<str>) {
    request.extensions_mut().insert(RequestId(id));
}

/// The id of the request that has these extensions; empty, should it have none.
pub(super) fn of(extensions: &Extensions) -> Arc<str> {
    extensions.get::<RequestId>().map_or_else(|| Arc::from(""), |id| Arc::clone(&id.0))
}

/// Has a response repeat the id of its request.
pub(super) fn echo(id: &str, response: &mut Response) {
    failure::tell(response, id);
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(HEADER, value);
    }
}

fn harmless(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=64).contains(&id.len()) && id.chars().all(allowed)
}
