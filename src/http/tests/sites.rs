//! Pages of other sites: what a browser can be made to send in its user's place.

use super::*;

/// What a POST or GET says its body is, with whether it is JSON.
const KINDS: [(&str, bool); 7] = [
    ("", false),
    ("content-type: text/plain\r\n", false),
    ("content-type: application/x-www-form-urlencoded\r\n", false),
    ("content-type: multipart/form-data; boundary=x\r\n", false),
    ("content-type: application/json\r\n", true),
    ("content-type: application/json; charset=utf-8\r\n", true),
    ("content-type: application/jsonp\r\n", false),
];

const ORIGINS: [(&str, bool); 4] = [
    ("", false),
    ("origin: http://x\r\n", false),
    ("origin: https://evil.example\r\n", true),
    ("origin: https://evil.example\r\nsec-fetch-site: cross-site\r\n", true),
];

#[tokio::test]
async fn nothing_runs_that_a_page_of_another_site_could_have_sent() {
    let served = served().await;
    let body = r#"{"query":"{a}"}"#;
    let mut table = String::new();
    for (kind, json) in KINDS {
        for (origin, foreign) in ORIGINS {
            let before = served.executed();
            let reply = served.post(&format!("{kind}{origin}"), body).await;
            let ran = served.executed() - before;
            table.push_str(&format!("POST {kind:?} {origin:?}: {}\n", reply.status));
            // What a form can send is refused before anything is read, JSON only from where it may come.
            let expected = match (foreign, json) {
                (true, _) => "403 Forbidden",
                (false, true) => "200 OK",
                (false, false) => "415 Unsupported Media Type",
            };
            assert_eq!(
                (reply.status.as_str(), ran),
                (expected, usize::from(expected == "200 OK")),
                "{table}"
            );
            for (mark, marked) in [("", false), ("graphql-require-preflight: 1\r\n", true)] {
                let before = served.executed();
                let reply = served.get("/graphql?query=%7Ba%7D", &format!("{kind}{origin}{mark}")).await;
                let ran = served.executed() - before;
                table.push_str(&format!("GET {kind:?} {origin:?} {mark:?}: {}\n", reply.status));
                let expected = match (kind, json, marked) {
                    (_, true, _) | ("", _, true) => "200 OK",
                    ("", _, false) => "400 Bad Request",
                    _ => "415 Unsupported Media Type",
                };
                assert_eq!(
                    (reply.status.as_str(), ran),
                    (expected, usize::from(expected == "200 OK")),
                    "{table}"
                );
            }
            for name in ["access-control-allow-origin", "access-control-allow-credentials"] {
                assert_eq!(reply.header(name), None, "no page may read what came back");
            }
        }
    }
}

#[tokio::test]
async fn page_of_another_site_cannot_ask() {
    let served = served().await;
    let body = r#"{"query":"{a}"}"#;
    for headers in ["sec-fetch-site: cross-site\r\n", "origin: https://evil.example\r\n"] {
        let reply = served.post(&format!("content-type: application/json\r\n{headers}"), body).await;
        assert_eq!((reply.status.as_str(), reply.code().as_str()), ("403 Forbidden", "FORBIDDEN"));
    }
    let own = "content-type: application/json\r\nsec-fetch-site: same-origin\r\norigin: http://x\r\n";
    assert_eq!(served.post(own, body).await.status, "200 OK");
}

async fn open_to(origins: &[&str]) -> Served {
    let cors_origins = origins.iter().map(|origin| origin.parse().unwrap()).collect();
    serve_with(Settings { cors_origins, ..Settings::default() }).await
}

async fn preflight(served: &Served, origin: &str) -> Reply {
    served
        .send(&format!(
            "OPTIONS /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\norigin: {origin}\r\n\
             access-control-request-method: POST\r\naccess-control-request-headers: content-type\r\n\r\n"
        ))
        .await
}

#[tokio::test]
async fn page_of_a_named_origin_may_ask_and_read_without_cookies() {
    let served = open_to(&["https://app.example.com", "http://localhost:3000"]).await;
    let reply = preflight(&served, "https://app.example.com").await;
    assert_eq!(reply.status, "200 OK");
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example.com"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    for header in ["content-type", "authorization", "graphql-require-preflight"] {
        assert!(reply.header("access-control-allow-headers").unwrap().contains(header), "{header}");
    }
    assert!(reply.header("access-control-max-age").is_some());
    let headers =
        "content-type: application/json\r\norigin: https://app.example.com\r\nsec-fetch-site: cross-site\r\n";
    for (body, status) in [
        (r#"{"query":"{a}"}"#, "200 OK"),
        ("{", "400 Bad Request"),
        (r#"{"query":"panic"}"#, "500 Internal Server Error"),
    ] {
        let reply = served.post(headers, body).await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example.com"), "{body}");
        let exposed = reply.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("x-request-id") && exposed.contains("retry-after"), "{exposed}");
        let vary: Vec<_> = reply.head.lines().filter(|line| line.starts_with("vary:")).collect();
        assert!(vary.iter().any(|line| line.contains("origin")), "{vary:?}");
    }
}

#[tokio::test]
async fn browser_that_asks_whether_a_page_may_is_not_asked_who_it_is() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let identify: Identify = Arc::new(move |token| {
        counted.fetch_add(1, Ordering::Relaxed);
        everyone()(token)
    });
    let settings =
        Settings { cors_origins: vec!["https://app.example.com".parse().unwrap()], ..Settings::default() };
    let (engines, lines) = (engine(Arc::default()).into(), Lines::new(&settings));
    let surface = Surface::new(&settings, identify, engines, lines, Postboxes::new(), Readiness::default());
    for (method, times) in [("OPTIONS", 0), ("POST", 1)] {
        let request = http::Request::builder().method(method).uri("/graphql");
        let request = request.header("origin", "https://app.example.com");
        let request = request.header("access-control-request-method", "POST").body(axum::body::Body::empty());
        let response = surface.clone().answer(request.unwrap()).await;
        assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example.com");
        assert_eq!(asked.load(Ordering::Relaxed), times, "{method}");
    }
}

#[tokio::test]
async fn page_of_an_origin_that_is_not_named_may_not() {
    let served = open_to(&["https://app.example.com"]).await;
    for origin in [
        "https://evil.example",
        "https://app.example.com.evil.example",
        "http://app.example.com",
        "https://app.example.com:8443",
        "null",
    ] {
        let reply = preflight(&served, origin).await;
        assert_eq!(reply.header("access-control-allow-origin"), None, "{origin}");
        let headers = format!("content-type: application/json\r\norigin: {origin}\r\n");
        let reply = served.post(&headers, r#"{"query":"{a}"}"#).await;
        assert_eq!(reply.status, "403 Forbidden", "{origin}");
    }
    assert_eq!(served.executed(), 0);
}

#[test]
fn origins_are_read_as_browsers_write_them() {
    for right in ["https://app.example.com", "http://localhost:3000", "https://[::1]:8443"] {
        let origin: Origin = right.parse().unwrap();
        assert!(tower_http::csrf::CsrfLayer::new().add_trusted_origin(right).is_ok(), "{origin:?}");
    }
    for wrong in [
        "",
        "*",
        "null",
        "app.example.com",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://App.example.com",
        "https://app.example.com:443",
        "https://user@app.example.com",
        "ftp://app.example.com",
    ] {
        assert_eq!(wrong.parse::<Origin>(), Err(cors::NoOrigin), "{wrong}");
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_careful() {
    let served = served().await;
    for reply in [
        served.json(r#"{"query":"{a}"}"#).await,
        served.json("{").await,
        served.get("/livez", "").await,
        served.get("/nothing", "").await,
        served.get("/", "").await,
    ] {
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(reply.header("x-frame-options"), Some("DENY"));
        assert_eq!(reply.header("cross-origin-resource-policy"), Some("same-origin"));
        let policy = reply.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe-eval"), "{policy}");
    }
}

#[tokio::test]
async fn graphiql_is_not_there_where_it_is_switched_off() {
    let served = serve_with(Settings { graphiql: false, ..Settings::default() }).await;
    for path in ["/", "/graphiql/boot.js", "/graphiql/graphiql-4.1.2.js"] {
        assert_eq!(served.get(path, "").await.status, "404 Not Found", "{path}");
    }
    assert_eq!(served.json(r#"{"query":"{a}"}"#).await.status, "200 OK");
}
