//! Requests that never reach the engine: what they are told, as a GraphQL response with one error.

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;

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

pub(super) const METHOD: Failure = Failure {
    status: StatusCode::METHOD_NOT_ALLOWED,
    code: "METHOD_NOT_ALLOWED",
    message: "GraphQL requests are sent by POST; to explore the schema in a browser, open /",
};
pub(super) const MEDIA_TYPE: Failure = Failure {
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    code: "UNSUPPORTED_MEDIA_TYPE",
    message: "send the request as JSON with the header content-type: application/json",
};
pub(super) const TOO_LARGE: Failure = Failure {
    status: StatusCode::PAYLOAD_TOO_LARGE,
    code: "PAYLOAD_TOO_LARGE",
    message: "the request's body is larger than this server allows",
};
pub(super) const SLOW_BODY: Failure = Failure {
    status: StatusCode::REQUEST_TIMEOUT,
    code: "REQUEST_TIMEOUT",
    message: "the request's body did not arrive in time",
};
pub(super) const BROKEN_BODY: Failure = bad("the request's body did not arrive whole");
pub(super) const NOT_JSON: Failure = bad("the request's body is not JSON");
pub(super) const NOT_AN_OBJECT: Failure = bad("the request's body must be a JSON object");
pub(super) const BATCH: Failure = bad("batches are not taken: send one request at a time");
pub(super) const NO_QUERY: Failure = bad("`query` is missing, or is not a text");
pub(super) const OPERATION_NAME: Failure = bad("`operationName` must be a text or null");
pub(super) const VARIABLES: Failure = bad("`variables` must be an object or null");
pub(super) const EXTENSIONS: Failure = bad("`extensions` must be an object or null");
pub(super) const CROSS_SITE: Failure = Failure {
    status: StatusCode::FORBIDDEN,
    code: "FORBIDDEN",
    message: "requests from pages of other sites are not taken",
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
    pub(super) fn answer(self) -> Response<Body> {
        let body = json!({"errors": [{"message": self.message, "extensions": {"code": self.code}}]});
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}
