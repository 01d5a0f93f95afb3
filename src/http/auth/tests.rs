use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt;
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::http::{Answer, Engine, Lines, Postboxes, Readiness, Settings, Surface};

/// Knows one key, is out of order for another, and finds a third too eager.
fn identify() -> Identify {
    Arc::new(|token| {
        let found = match token {
            None => Err(Refusal::Missing),
            Some("good") => Ok(Caller::unrestricted("dashboard")),
            Some("later") => Err(Refusal::Unavailable),
            Some("eager") => Err(Refusal::TooOften { retry_after: Duration::from_millis(1_200) }),
            Some(_) => Err(Refusal::Unknown),
        };
        Either::Right(ready(found).boxed())
    })
}

/// An engine that says for whom it was asked.
fn engine() -> Engine {
    Arc::new(|cx, _| {
        let body = serde_json::json!({ "data": { "caller": &*cx.caller.name } });
        ready(vec![Answer {
            body: Bytes::from(body.to_string()),
            status: StatusCode::OK,
            fresh: None,
            lease: None,
            retry_after: None,
        }])
        .boxed()
    })
}

async fn ask(identify: Identify, headers: &[(&str, &str)], body: Body) -> (Response<()>, Value) {
    let mut request = Request::post("/graphql").header("content-type", "application/json");
    request = request.header("x-request-id", "r");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let surface = Surface::new(
        &Settings::default(),
        identify,
        engine().into(),
        Lines::new(&Settings::default()),
        Postboxes::new(),
        Readiness::default(),
    );
    let response = surface.oneshot(request.body(body).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, ()), serde_json::from_slice(&body).unwrap())
}

fn question() -> Body {
    Body::from(r#"{"query":"{a}"}"#)
}

async fn shown(headers: &[(&str, &str)]) -> (Response<()>, Value) {
    ask(identify(), headers, question()).await
}

#[tokio::test]
async fn known_token_comes_with_its_caller() {
    for value in ["Bearer good", "bearer good", "BEARER  good "] {
        let (response, body) = shown(&[("authorization", value)]).await;
        assert_eq!(
            (response.status(), &body["data"]["caller"]),
            (StatusCode::OK, &"dashboard".into()),
            "{value}"
        );
    }
}

#[tokio::test]
async fn request_without_a_token_is_told_what_to_send() {
    let (response, body) = shown(&[]).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer realm=\"leadgraph\"");
    assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert!(body["errors"][0]["message"].as_str().unwrap().contains("authorization: Bearer"));
    assert!(body.get("data").is_none());
}

#[tokio::test]
async fn whatever_is_not_a_known_token_is_refused_alike() {
    let strange: [&[(&str, &str)]; 8] = [
        &[("authorization", "Bearer bad")],
        &[("authorization", "Bearer")],
        &[("authorization", "Bearer ")],
        &[("authorization", "Basic good")],
        &[("authorization", "good")],
        &[("authorization", "")],
        &[("authorization", "Bearer good x")],
        &[("authorization", "Bearer good"), ("authorization", "Bearer good")],
    ];
    let (_, usual) = shown(strange[0]).await;
    for headers in strange {
        let (response, body) = shown(headers).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{headers:?}");
        let challenge = "Bearer realm=\"leadgraph\", error=\"invalid_token\"";
        assert_eq!(response.headers()[WWW_AUTHENTICATE], challenge, "{headers:?}");
        assert_eq!(body, usual, "{headers:?}");
    }
}

#[tokio::test]
async fn keys_elsewhere_than_in_the_header_are_not_looked_at() {
    let (response, _) = shown(&[("x-api-key", "good"), ("cookie", "authorization=good")]).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn refusals_that_end_say_when_to_come_back() {
    let (response, body) = shown(&[("authorization", "Bearer eager")]).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()[RETRY_AFTER], "2");
    assert_eq!(body["errors"][0]["extensions"]["code"], "RATE_LIMITED");

    let (response, body) = shown(&[("authorization", "Bearer later")]).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()[RETRY_AFTER], "1");
    assert_eq!(body["errors"][0]["extensions"]["code"], "AUTHENTICATION_UNAVAILABLE");
}

#[tokio::test]
async fn body_of_a_stranger_is_not_read() {
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(b" ")));
    let (response, _) = ask(identify(), &[], Body::from_stream(endless)).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn where_everyone_is_let_in_nobody_is_asked_who_they_are() {
    for headers in [&[][..], &[("authorization", "Basic x")]] {
        let (response, body) = ask(everyone(), headers, question()).await;
        assert_eq!((response.status(), &body["data"]["caller"]), (StatusCode::OK, &"anonymous".into()));
    }
}

#[tokio::test]
async fn pages_and_probes_need_no_token() {
    for path in ["/", "/livez", "/readyz"] {
        let surface = Surface::new(
            &Settings::default(),
            identify(),
            engine().into(),
            Lines::new(&Settings::default()),
            Postboxes::new(),
            Readiness::default(),
        );
        let response = surface.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
}
