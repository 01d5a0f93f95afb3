//! Clients that send too much, too slowly or too often, and those who must not notice.

use futures_util::future::join_all;

use super::*;

/// How long until the gateway closes a connection on which `said` was sent and nothing more.
async fn cut_after(said: &str) -> Duration {
    let served = served().await;
    let start = tokio::time::Instant::now();
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    socket.write_all(said.as_bytes()).await.unwrap();
    let _ = socket.read_to_end(&mut Vec::new()).await;
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn connection_that_sends_no_whole_header_is_cut() {
    for said in ["", "P", "GET /livez HTTP/1.1\r\nhost: x\r\n", "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let after = cut_after(said).await;
        assert!((9_000..=11_000).contains(&after.as_millis()), "{said:?}: {after:?}");
    }
}

#[tokio::test]
async fn other_protocol_than_http_1_is_refused_at_once() {
    for said in ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\u{16}\u{3}\u{1}", "GET / HTTP/3.0\r\n\r\n"] {
        let after = cut_after(said).await;
        assert!(after < Duration::from_secs(5), "{said:?}: {after:?}");
    }
}

// On the real clock: a paused one leaps whenever a socket is waited for.
#[tokio::test]
async fn thousand_slow_sockets_are_all_closed_and_others_do_not_notice() {
    let served = serve_with(Settings::default()).await;
    let start = tokio::time::Instant::now();
    let slow = async |n: usize| {
        let mut socket = TcpStream::connect(served.address).await.unwrap();
        let said = match n % 3 {
            0 => "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-ty",
            1 => {
                "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"
            }
            _ => "",
        };
        socket.write_all(said.as_bytes()).await.unwrap();
        socket
    };
    let mut sockets = Vec::new();
    // A few at a time: the kernel keeps only so many that are not accepted yet.
    for few in 0..20 {
        sockets.extend(join_all((few * 50..few * 50 + 50).map(&slow)).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(served.json(r#"{"query":"{a}"}"#).await.status, "200 OK");
    let closed = sockets.into_iter().map(|mut socket| async move {
        let _ = socket.read_to_end(&mut Vec::new()).await;
    });
    join_all(closed).await;
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(served.executed(), 1);
}

#[tokio::test(start_paused = true)]
async fn client_that_takes_nothing_of_its_answer_is_cut() {
    let served = serve_with(Settings { max_connections: 1, ..Settings::default() }).await;
    let mut deaf = TcpStream::connect(served.address).await.unwrap();
    let body = r#"{"query":"large"}"#;
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    deaf.write_all(request.as_bytes()).await.unwrap();
    let start = tokio::time::Instant::now();
    assert_eq!(served.get("/livez", "").await.status, "200 OK", "its place is free again");
    let after = start.elapsed().as_secs();
    assert!((29..=32).contains(&after), "{after} s");
    drop(deaf);
}

#[tokio::test]
async fn large_head_is_refused() {
    let served = served().await;
    let long = format!("/graphql?query={}", "a".repeat(8 * 1024));
    let reply = served.get(&long, "graphql-require-preflight: 1\r\n").await;
    assert_eq!((reply.status.as_str(), reply.code().as_str()), ("414 URI Too Long", "URI_TOO_LONG"));
    let fits = format!("/graphql?query={}", "a".repeat(8 * 1024 - 15));
    assert_eq!(served.get(&fits, "graphql-require-preflight: 1\r\n").await.status, "200 OK");
    let large = format!("x-a: {}\r\n", "a".repeat(16 * 1024));
    let reply = served.get("/livez", &large).await;
    assert_eq!(
        (reply.status.as_str(), reply.code().as_str()),
        ("431 Request Header Fields Too Large", "HEADERS_TOO_LARGE")
    );
    let reply = served.get("/livez", &"x-a: a\r\n".repeat(63)).await;
    assert_eq!(reply.code(), "HEADERS_TOO_LARGE", "with host and connection they are 65");
    assert_eq!(served.get("/livez", &"x-a: a\r\n".repeat(62)).await.status, "200 OK");
    for huge in [format!("x-a: {}\r\n", "a".repeat(64 * 1024)), "x-a: a\r\n".repeat(120)] {
        assert_eq!(served.get("/livez", &huge).await.status, "431 Request Header Fields Too Large");
    }
    assert_eq!(served.executed(), 1);
}

#[tokio::test(start_paused = true)]
async fn overload_is_told_at_once_and_ends_with_its_cause() {
    let settings = Settings { max_requests: 64, ..Settings::default() };
    let (engines, lines) = (engine(Arc::default()).into(), Lines::new(&settings));
    let surface = Surface::new(&settings, everyone(), engines, lines, Postboxes::new(), Readiness::default());
    // No two alike: those would wait for each other instead of taking a place each.
    let ask = |query: &str, number: usize| {
        let body = serde_json::json!({ "query": query, "variables": { "number": number } });
        let request = http::Request::post("/graphql").header("content-type", "application/json");
        let request = request.body(axum::body::Body::from(body.to_string())).unwrap();
        tower::ServiceExt::oneshot(surface.clone(), request)
    };
    let hanging: Vec<_> = (0..70).map(|number| tokio::spawn(ask("hang", number))).collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let start = tokio::time::Instant::now();
    let refused = ask("{a}", 0).await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert!(start.elapsed() <= Duration::from_millis(100), "{:?}", start.elapsed());
    let statuses = join_all(hanging).await.into_iter().map(|one| one.unwrap().unwrap().status().as_u16());
    let statuses: Vec<_> = statuses.collect();
    assert!(statuses.iter().filter(|status| **status == 504).count() >= 64, "{statuses:?}");
    assert!(statuses.contains(&503), "{statuses:?}");
    assert_eq!(ask("{a}", 0).await.unwrap().status(), 200);
}

#[tokio::test]
async fn answers_worth_it_are_compressed_for_who_can_unpack_them() {
    let served = served().await;
    let headers = |accept: &str| format!("content-type: application/json\r\naccept-encoding: {accept}\r\n");
    let large = r#"{"query":"long"}"#;
    let plain = served.post(&headers("identity"), large).await;
    assert!(plain.header("content-encoding").is_none() && plain.body.len() > 100_000);
    for (accept, coding) in [("gzip", "gzip"), ("gzip, br", "br"), ("br;q=0, gzip", "gzip")] {
        let reply = served.post(&headers(accept), large).await;
        assert_eq!(reply.header("content-encoding"), Some(coding), "{accept}");
        assert!(reply.body.len() < plain.body.len() / 10, "{accept}: {}", reply.body.len());
        let vary: Vec<_> = reply.head.lines().filter(|line| line.starts_with("vary:")).collect();
        assert!(vary.iter().any(|line| line.contains("accept-encoding")), "{vary:?}");
    }
    let small = served.post(&headers("gzip, br"), r#"{"query":"{a}"}"#).await;
    assert_eq!(small.header("content-encoding"), None, "a small one grows by it");
}
