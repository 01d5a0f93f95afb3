//! The media types of requests and answers.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use hyper::ext::ReasonPhrase;

/// What an answer is sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Media {
    /// `application/graphql-response+json`: who reads it knows that the answer is ours, whatever its status.
    Modern,
    /// `application/json`, for older clients: they take a status other than 200 for a failure on the way.
    Json,
}

/// The methods of the route.
pub(super) const ALLOWED: HeaderValue = HeaderValue::from_static("GET, POST, OPTIONS");

const JSON: &str = "application/json";
const MODERN: &str = "application/graphql-response+json";

impl Media {
    /// The one that a client would rather have; plain JSON where it does not care, since who does not care is old. `None`:
    /// it takes neither.
    pub(super) fn wanted(headers: &HeaderMap) -> Option<Self> {
        let mut given = headers.get_all(header::ACCEPT).iter();
        match (given.next().map(HeaderValue::as_bytes), given.next()) {
            // Nearly always one of these.
            (None | Some(b"*/*" | b"application/json"), None) => return Some(Self::Json),
            (Some(b"application/graphql-response+json"), None) => return Some(Self::Modern),
            _ => {}
        }
        let (json, modern) = (Preference::of(headers, JSON), Preference::of(headers, MODERN));
        let better = modern.weight > json.weight || (modern.weight == json.weight && modern.named);
        match (better, json.weight > 0.0 || modern.weight > 0.0) {
            (_, false) => None,
            (true, _) => Some(Self::Modern),
            (false, _) => Some(Self::Json),
        }
    }

    /// What came of a well-formed request. `status` is that of the modern media type; under plain JSON it is 200 whatever
    /// came of it, unless the request was not permitted at all.
    pub(super) fn answer(self, status: StatusCode, body: Bytes) -> Response<Body> {
        let told = match (self, status.as_u16()) {
            (Self::Json, 294 | 400 | 422) => StatusCode::OK,
            _ => status,
        };
        self.response(told, body)
    }

    /// A response in this media type.
    pub(in crate::http) fn response(self, status: StatusCode, body: Bytes) -> Response<Body> {
        let kind = match self {
            Self::Modern => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        // Room at once for what every response has, instead of growing to it.
        response.headers_mut().reserve(16);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(header::ALLOW, ALLOWED);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status.as_u16() == 294 {
            response.extensions_mut().insert(ReasonPhrase::from_static(b"Partial Success"));
        }
        response
    }
}

/// How much a client wants one media type.
struct Preference {
    weight: f32,
    /// By its own name, not by a wildcard.
    named: bool,
}

impl Preference {
    /// The most specific range of the Accept headers that holds `wanted` decides.
    fn of(headers: &HeaderMap, wanted: &str) -> Self {
        let mut found = Self { weight: 0.0, named: false };
        let mut closest = 0;
        let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        for range in values.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let closeness = match name {
                _ if name.eq_ignore_ascii_case(wanted) => 3,
                _ if name.eq_ignore_ascii_case("application/*") => 2,
                "*/*" => 1,
                _ => continue,
            };
            let mut weight = 1.0;
            let mut readable = true;
            for (name, value) in parts.filter_map(|part| part.split_once('=')) {
                match name.to_ascii_lowercase().as_str() {
                    "q" => weight = value.parse::<f32>().unwrap_or(0.0),
                    "charset" => readable = is_utf8(value),
                    _ => {}
                }
            }
            if readable && closeness > closest {
                closest = closeness;
                found = Self { weight, named: closeness == 3 };
            }
        }
        found
    }
}

/// What the body of a request is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Nothing,
    /// JSON in UTF-8, which no form can send.
    Json,
    Other,
}

impl Said {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(header::CONTENT_TYPE).iter();
        let Some(value) = values.next() else { return Self::Nothing };
        let text = value.to_str().unwrap_or_default();
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(JSON));
        let charset = parts
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.eq_ignore_ascii_case("charset"));
        // Who says two things may be understood differently by whoever stands before us.
        let only = values.next().is_none();
        if essence && only && charset.is_none_or(|(_, value)| is_utf8(value)) {
            Self::Json
        } else {
            Self::Other
        }
    }
}

fn is_utf8(charset: &str) -> bool {
    let charset = charset.trim().trim_matches('"');
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}
