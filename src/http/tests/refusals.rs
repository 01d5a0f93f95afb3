//! Every refusal bears the id of its request: in a header for whoever stands between, and in its words for who asked.

use std::collections::BTreeSet;

use axum::body::Body;
use futures_util::future::{Either, ready};
use futures_util::stream;
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;

use super::*;
use crate::model::caller::Caller;

/// One way to be refused, by the name of its constant.
struct Case {
    name: &'static str,
    settings: Settings,
    request: http::request::Builder,
    body: Body,
}

fn case(name: &'static str, method: &str, path: &str) -> Case {
    let request = Request::builder().method(method).uri(path).header("authorization", "Bearer good");
    Case { name, settings: Settings::default(), request, body: Body::empty() }
}

fn posted(name: &'static str, body: impl Into<Body>) -> Case {
    let case = case(name, "POST", "/graphql").with("content-type", "application/json");
    Case { body: body.into(), ..case }
}

fn streamed(name: &'static str) -> Case {
    case(name, "GET", "/graphql/stream?query=%7Ba%7D").with("accept", "text/event-stream")
}

impl Case {
    fn with(mut self, header: &str, value: &str) -> Self {
        self.request = self.request.header(header, value);
        self
    }

    fn shown(mut self, token: Option<&str>) -> Self {
        let headers = self.request.headers_mut().unwrap();
        match token {
            Some(token) => headers.insert("authorization", token.parse().unwrap()),
            None => headers.remove("authorization"),
        };
        self
    }

    fn under(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.settings;
        change(&mut settings);
        Self { settings, ..self }
    }
}

fn cases() -> Vec<Case> {
    let query = r#"{"query":"{a}"}"#;
    let socket = |name| {
        let case =
            case(name, "GET", "/graphql/ws").with("connection", "upgrade").with("upgrade", "websocket");
        case.with("sec-websocket-version", "13").with("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    let broken = stream::once(ready(Err::<Bytes, _>(std::io::Error::other("cut"))));
    vec![
        case("METHOD", "PUT", "/graphql"),
        posted("NOT_ACCEPTABLE", query).with("accept", "text/html"),
        case("MEDIA_TYPE", "POST", "/graphql"),
        posted("ENCODING", query).with("content-encoding", "gzip"),
        posted("TOO_LARGE", query).under(|settings| settings.max_body_bytes = 1),
        case("LONG_ADDRESS", "GET", &format!("/graphql?{}", "a".repeat(8 * 1024))),
        case("LARGE_HEADERS", "GET", "/graphql").with("x-a", &"a".repeat(16 * 1024)),
        posted("OVERLOADED", query).under(|settings| settings.max_requests = 0),
        posted("SLOW_BODY", Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>())),
        posted("BROKEN_BODY", Body::from_stream(broken)),
        posted("NOT_JSON", "{"),
        case("PARAMETER_NOT_JSON", "GET", "/graphql?query=a&variables=%7B"),
        posted("BATCH", "[{}]"),
        posted("EMPTY_BATCH", "[]").under(|settings| settings.max_batch = 1),
        posted("LONG_BATCH", "[{},{}]").under(|settings| settings.max_batch = 1),
        case("PREFLIGHT", "GET", "/graphql?query=a"),
        posted("NOT_AN_OBJECT", "7"),
        posted("NO_QUERY", "{}"),
        posted("DOCUMENT_ID", r#"{"query":"a","documentId":7}"#),
        posted("OPERATION_NAME", r#"{"query":"a","operationName":7}"#),
        posted("VARIABLES", r#"{"query":"a","variables":7}"#),
        posted("EXTENSIONS", r#"{"query":"a","extensions":7}"#),
        case("TWICE", "GET", "/graphql?query=a&query=b"),
        posted("CROSS_SITE", query).with("sec-fetch-site", "cross-site"),
        case("NOT_A_SOCKET", "GET", "/graphql/ws"),
        socket("SUBPROTOCOL"),
        case("STREAM_METHOD", "PUT", "/graphql/stream"),
        case("NO_EVENTS", "GET", "/graphql/stream?query=a"),
        streamed("TOO_MANY_LINES").under(|settings| settings.max_lines_per_caller = 0),
        streamed("NO_LINES").under(|settings| settings.max_connections = 0),
        posted("TIMEOUT", r#"{"query":"hang"}"#),
        posted("INTERNAL", r#"{"query":"panic"}"#),
        posted("HOST", query).under(|settings| settings.hosts = Some(Vec::new())),
        posted("MISSING", query).shown(None),
        posted("UNKNOWN", query).shown(Some("Bearer bad")),
        posted("UNAVAILABLE", query).shown(Some("Bearer later")),
        posted("TOO_OFTEN", query).shown(Some("Bearer eager")),
    ]
}

/// Knows one token, is out of order for another, and finds a third too eager.
fn identify() -> Identify {
    Arc::new(|token| {
        let found = match token {
            None => Err(Refusal::Missing),
            Some("good") => Ok(Caller::anonymous()),
            Some("later") => Err(Refusal::Unavailable),
            Some("eager") => Err(Refusal::TooOften { retry_after: Duration::from_secs(1) }),
            Some(_) => Err(Refusal::Unknown),
        };
        Either::Left(ready(found))
    })
}

/// The names of all refusals there are, out of the sources.
fn written() -> BTreeSet<&'static str> {
    let sources = [include_str!("../failure.rs"), include_str!("../auth.rs")];
    let lines = sources.into_iter().flat_map(str::lines);
    let names = lines.filter_map(|line| line.split_once("const ")?.1.split_once(": Failure ="));
    names.map(|(name, _)| name).collect()
}

#[tokio::test(start_paused = true)]
async fn every_refusal_repeats_the_id_of_its_response() {
    let (mut names, mut messages) = (BTreeSet::new(), BTreeSet::new());
    for Case { name, settings, request, body } in cases() {
        let (engines, lines) = (engine(Arc::default()).into(), Lines::new(&settings));
        let surface =
            Surface::new(&settings, identify(), engines, lines, Postboxes::new(), Readiness::default());
        let mut request = request.header("x-request-id", format!("id-of-{name}")).body(body).unwrap();
        // As of a connection that can be made a socket.
        let upgrade = hyper::upgrade::on(&mut request);
        request.extensions_mut().insert(upgrade);
        let response = tower::ServiceExt::oneshot(surface, request).await.unwrap();
        let (parts, body) = response.into_parts();
        assert!(!parts.status.is_success(), "{name}");
        let body = body.collect().await.unwrap().to_bytes();
        let length = parts.headers.get("content-length");
        assert!(length.is_none_or(|length| *length == body.len().to_string()), "{name}: {length:?}");
        let body: Value = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{name}: {body:?}"));
        let error = &body["errors"][0];
        assert_eq!(parts.headers["x-request-id"], format!("id-of-{name}"), "{name}");
        assert_eq!(error["extensions"]["requestId"], format!("id-of-{name}"), "{name}: {body}");
        names.insert(name);
        messages.insert(error["message"].to_string());
    }
    assert_eq!(names, written(), "each refusal has its case");
    assert_eq!(messages.len(), names.len(), "each case was refused in words of its own: {messages:?}");
}
