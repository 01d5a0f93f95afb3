//! Envelopes, as documented (LEADSAIL-2).

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

pub(super) fn success(data: &Value) -> Response {
    Json(json!({"success": true, "data": data})).into_response()
}

pub(super) fn failure(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({"success": false, "error": {"code": code, "message": message}}))).into_response()
}

pub(super) fn unauthorized() -> Response {
    failure(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Authentication required")
}

pub(super) fn not_found() -> Response {
    failure(StatusCode::NOT_FOUND, "NOT_FOUND", "Resource not found")
}

pub(super) fn invalid(details: &[&str]) -> Response {
    let error =
        json!({"code": "VALIDATION_ERROR", "message": "Request validation failed", "details": details});
    (StatusCode::BAD_REQUEST, Json(json!({"success": false, "error": error}))).into_response()
}
