//! Requests that never reach the engine: what they are told, as a GraphQL response with one error.
//!
//! Some are refused where the request is not at hand any more (a panic, a page of another site), so a refusal is written down
//! by [`Failure::answer`] and becomes a body where every response gets its id: by [`tell`], called in `request_id.rs`.

use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use super::graphql::Media;

/// One way to be refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

const fn bad(message: &'static str) -> Failure {
    Failure { status: StatusCode::BAD_REQUEST, code: "BAD_REQUEST", message }
}

/// JSON, but not a GraphQL request.
const fn malformed(message: &'static str) -> Failure {
    Failure { status: StatusCode::UNPROCESSABLE_ENTITY, code: "BAD_REQUEST", message }
}

pub(super) const METHOD: Failure = Failure {
    status: StatusCode::METHOD_NOT_ALLOWED,
    code: "METHOD_NOT_ALLOWED",
    message: "send GraphQL requests by POST, or queries by GET; to explore the schema in a browser, open /",
};
pub(super) const NOT_ACCEPTABLE: Failure = Failure {
    status: StatusCode::NOT_ACCEPTABLE,
    code: "NOT_ACCEPTABLE",
    message: "answers are application/graphql-response+json or application/json in UTF-8; accept one of them",
};
pub(super) const MEDIA_TYPE: Failure = Failure {
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    code: "UNSUPPORTED_MEDIA_TYPE",
    message: "send the request as JSON with the header content-type: application/json",
};
pub(super) const ENCODING: Failure = Failure {
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    code: "UNSUPPORTED_MEDIA_TYPE",
    message: "send the request's body without a content-encoding",
};
pub(super) const TOO_LARGE: Failure = Failure {
    status: StatusCode::PAYLOAD_TOO_LARGE,
    code: "PAYLOAD_TOO_LARGE",
    message: "the request's body is larger than this server allows",
};
pub(super) const LONG_ADDRESS: Failure = Failure {
    status: StatusCode::URI_TOO_LONG,
    code: "URI_TOO_LONG",
    message: "the request's address is longer than this server allows: send the query by POST",
};
pub(super) const LARGE_HEADERS: Failure = Failure {
    status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    code: "HEADERS_TOO_LARGE",
    message: "the request has more headers, or larger ones, than this server allows",
};
pub(super) const OVERLOADED: Failure = Failure {
    status: StatusCode::SERVICE_UNAVAILABLE,
    code: "OVERLOADED",
    message: "this server has more to do than it keeps up with: send the request again in a second",
};
pub(super) const SLOW_BODY: Failure = Failure {
    status: StatusCode::REQUEST_TIMEOUT,
    code: "REQUEST_TIMEOUT",
    message: "the request's body did not arrive in time",
};
pub(super) const BROKEN_BODY: Failure = bad("the request's body did not arrive whole");
pub(super) const NOT_JSON: Failure = bad("the request's body is not JSON in UTF-8");
pub(super) const PARAMETER_NOT_JSON: Failure =
    bad("the parameters `variables` and `extensions` must be objects written as JSON");
pub(super) const BATCH: Failure = bad("batches are not taken: send one request at a time");
pub(super) const EMPTY_BATCH: Failure = bad("the batch is empty");
pub(super) const LONG_BATCH: Failure = bad("the batch has more requests than this server takes at once");
pub(super) const PREFLIGHT: Failure = bad(
    "a query by GET must bear the header graphql-require-preflight: 1, so that no page of another site can send it",
);
pub(super) const NOT_AN_OBJECT: Failure = malformed("the request must be a JSON object");
pub(super) const NO_QUERY: Failure = malformed("`query` is missing, or is not a text");
pub(super) const DOCUMENT_ID: Failure = malformed("`documentId` must be a text or null");
pub(super) const OPERATION_NAME: Failure = malformed("`operationName` must be a text or null");
pub(super) const VARIABLES: Failure = malformed("`variables` must be an object or null");
pub(super) const EXTENSIONS: Failure = malformed("`extensions` must be an object or null");
pub(super) const TWICE: Failure = malformed("a parameter is given twice");
pub(super) const CROSS_SITE: Failure = Failure {
    status: StatusCode::FORBIDDEN,
    code: "FORBIDDEN",
    message: "requests from pages of other sites are not taken",
};
pub(super) const HOST: Failure = Failure {
    status: StatusCode::MISDIRECTED_REQUEST,
    code: "MISDIRECTED_REQUEST",
    message: "this gateway is not asked under this name: use its address or localhost, or have whoever runs it write the name \
              into server.hosts",
};
pub(super) const NOT_A_SOCKET: Failure =
    bad("this address takes WebSockets only; queries are sent by POST to /graphql");
pub(super) const SUBPROTOCOL: Failure =
    bad("offer the subprotocol graphql-transport-ws; the older graphql-ws is not spoken");
pub(super) const STREAM_METHOD: Failure = Failure {
    status: StatusCode::METHOD_NOT_ALLOWED,
    code: "METHOD_NOT_ALLOWED",
    message: "streams are opened by GET or POST, one for each operation (graphql-sse, distinct connections)",
};
pub(super) const NO_EVENTS: Failure = Failure {
    status: StatusCode::NOT_ACCEPTABLE,
    code: "NOT_ACCEPTABLE",
    message: "answers here are a stream of events: send the header accept: text/event-stream",
};
pub(super) const TOO_MANY_LINES: Failure = Failure {
    status: StatusCode::TOO_MANY_REQUESTS,
    code: "TOO_MANY_CONNECTIONS",
    message: "this caller has as many WebSockets and streams open as it may: close one first",
};
pub(super) const NO_LINES: Failure = Failure {
    status: StatusCode::SERVICE_UNAVAILABLE,
    code: "OVERLOADED",
    message: "no more WebSockets and streams are taken just now: try again in a while",
};
pub(super) const TIMEOUT: Failure = Failure {
    status: StatusCode::GATEWAY_TIMEOUT,
    code: "TIMEOUT",
    message: "the answer was not ready in time",
};
pub(super) const INTERNAL: Failure = Failure {
    status: StatusCode::INTERNAL_SERVER_ERROR,
    code: "INTERNAL",
    message: "something went wrong in the gateway; the log has more under the x-request-id of this response",
};

impl Failure {
    /// What is told to the request of this id, as the list of errors of a GraphQL response.
    pub(super) fn errors(self, request_id: &str) -> Value {
        json!([self.error(request_id)])
    }

    fn error(self, request_id: &str) -> Error<'_> {
        Error { message: self.message, extensions: Extensions { code: self.code, request_id } }
    }

    /// The response that says so, whose body is still to be told.
    pub(super) fn answer(self, media: Media) -> Response<Body> {
        let mut response = media.response(self.status, Bytes::new());
        response.extensions_mut().insert(self);
        response
    }
}

/// An error as GraphQL writes it.
#[derive(Serialize)]
struct Error<'a> {
    message: &'static str,
    extensions: Extensions<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extensions<'a> {
    code: &'static str,
    request_id: &'a str,
}

#[derive(Serialize)]
struct Told<'a> {
    errors: [Error<'a>; 1],
}

/// Gives a refusal its body; leaves every other response as it is.
pub(super) fn tell(response: &mut Response<Body>, request_id: &str) {
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        if failure.code == INTERNAL.code {
            // Whoever panicked may not have known for whom.
            tracing::error!(request_id, "request failed in the gateway");
        }
        // Nothing in it can fail to be written.
        let body = serde_json::to_string(&Told { errors: [failure.error(request_id)] }).unwrap_or_default();
        // Whoever saw the response on its way took it for an empty one.
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::from(body);
    }
}
