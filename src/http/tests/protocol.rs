//! GraphQL over HTTP, to the letter.

use super::*;

#[tokio::test]
async fn request_reaches_the_engine_whole() {
    let served = served().await;
    let reply = served
        .json(r#"{"query":"{a}","operationName":"A","variables":{"x":[1]},"extensions":{"of":"mine"}}"#)
        .await;
    assert_eq!(reply.status, "200 OK");
    assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["data"]["operation"], "A");
    assert_eq!(body["data"]["variables"], serde_json::json!({"x": [1]}));
    assert_eq!(body["data"]["extensions"], serde_json::json!({"of": "mine"}));
    assert_eq!(body["data"]["safe"], false);
    assert_eq!(body["data"]["request"].as_str(), reply.header("x-request-id"));
    let left = body["data"]["left_ms"].as_u64().unwrap();
    assert!((1..=300).contains(&left), "{left} ms are left of 300");
}

#[tokio::test]
async fn malformed_requests_are_refused_in_words() {
    let served = served().await;
    let (broken, malformed) = ("400 Bad Request", "422 Unprocessable Entity");
    for (body, status, said) in [
        ("{", broken, "not JSON"),
        ("", broken, "not JSON"),
        ("7", malformed, "must be a JSON object"),
        ("{}", malformed, "`query` is missing"),
        (r#"{"query":7}"#, malformed, "`query` is missing, or is not a text"),
        (r#"{"query":"{a}","operationName":7}"#, malformed, "`operationName`"),
        (r#"{"query":"{a}","variables":[]}"#, malformed, "`variables`"),
        (r#"{"query":"{a}","variables":"{}"}"#, malformed, "`variables`"),
        (r#"{"query":"{a}","extensions":1}"#, malformed, "`extensions`"),
    ] {
        let reply = served.json(body).await;
        assert_eq!(reply.status, status, "{body}");
        assert_eq!(reply.code(), "BAD_REQUEST");
        assert!(reply.text().contains(said), "{body} -> {}", reply.text());
        assert!(!reply.text().contains("Error("), "{}", reply.text());
    }
}

#[tokio::test]
async fn only_json_bodies_are_taken() {
    let served = served().await;
    let body = r#"{"query":"{a}"}"#;
    for kind in [
        "",
        "content-type: text/plain\r\n",
        "content-type: application/x-www-form-urlencoded\r\n",
        "content-type: multipart/form-data; boundary=x\r\n",
        "content-type: application/json; charset=latin1\r\n",
    ] {
        let reply = served.post(kind, body).await;
        assert_eq!(
            (reply.status.as_str(), reply.code().as_str()),
            ("415 Unsupported Media Type", "UNSUPPORTED_MEDIA_TYPE")
        );
    }
    let reply = served.post("content-type: Application/JSON; charset=\"UTF-8\"\r\n", body).await;
    assert_eq!(reply.status, "200 OK");
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    let served = served().await;
    for method in ["PUT", "DELETE", "PATCH", "HEAD", "QUERY"] {
        let reply = served
            .send(&format!(
                "{method} /graphql?query=%7Ba%7D HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                 graphql-require-preflight: 1\r\n\r\n"
            ))
            .await;
        assert_eq!(reply.status, "405 Method Not Allowed", "{method}");
        assert_eq!(reply.header("allow"), Some("GET, POST, OPTIONS"));
    }
    let reply = served.send("OPTIONS /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert_eq!(
        (reply.status.as_str(), reply.header("allow")),
        ("204 No Content", Some("GET, POST, OPTIONS"))
    );
    assert_eq!(reply.header("access-control-allow-origin"), None);
    assert_eq!(served.executed(), 0);
}

#[tokio::test]
async fn large_body_is_refused_whether_it_says_its_length_or_not() {
    let served = served().await;
    let body = format!("{{\"query\":\"{}\"}}", "x".repeat(100 * 1024));
    let reply = served.json(&body).await;
    assert_eq!(
        (reply.status.as_str(), reply.code().as_str()),
        ("413 Payload Too Large", "PAYLOAD_TOO_LARGE")
    );
    let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let reply = served
        .send(&format!(
            "POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
             transfer-encoding: chunked\r\n\r\n{chunk}"
        ))
        .await;
    assert_eq!(reply.status, "413 Payload Too Large");
    let reply = served.json(&format!("{{\"query\":\"{}\"}}", "x".repeat(100 * 1024 - 12))).await;
    assert_eq!(reply.status, "200 OK", "exactly as much as is allowed");
}

#[tokio::test]
async fn media_type_follows_the_accept_header() {
    let served = served().await;
    let (modern, json) =
        ("application/graphql-response+json; charset=utf-8", "application/json; charset=utf-8");
    for (accept, kind) in [
        ("*/*", Some(json)),
        ("application/*", Some(json)),
        ("application/json", Some(json)),
        ("text/html, */*;q=0.1", Some(json)),
        ("application/graphql-response+json", Some(modern)),
        ("Application/GraphQL-Response+JSON; charset=utf-8, application/json; charset=utf-8", Some(modern)),
        ("application/graphql-response+json, application/json;q=0.9", Some(modern)),
        ("application/graphql-response+json;q=0.5, application/json", Some(json)),
        ("application/graphql-response+json;q=0.5, application/json;q=0", Some(modern)),
        ("application/graphql-response+json;q=0, */*", Some(json)),
        ("application/json;q=0, */*", Some(modern)),
        ("application/graphql-response+json;charset=latin1, application/json", Some(json)),
        ("application/graphql-response+json;q=0", None),
        ("application/json;charset=utf-16", None),
        ("text/html, application/xml;q=0.9", None),
        ("", None),
    ] {
        let headers = format!("content-type: application/json\r\naccept: {accept}\r\n");
        let before = served.executed();
        let reply = served.post(&headers, r#"{"query":"{a}"}"#).await;
        match kind {
            Some(_) => assert_eq!(
                (reply.status.as_str(), reply.header("content-type")),
                ("200 OK", kind),
                "{accept}"
            ),
            None => assert_eq!(
                (reply.status.as_str(), reply.code().as_str()),
                ("406 Not Acceptable", "NOT_ACCEPTABLE")
            ),
        }
        assert_eq!(served.executed() - before, usize::from(kind.is_some()), "{accept}");
        assert!(reply.header("vary").is_none_or(|vary| vary.contains("accept")));
    }
}

#[tokio::test]
async fn status_is_what_the_media_type_lets_it_be() {
    let served = served().await;
    for (status, modern, json) in [
        ("200", "200 OK", "200 OK"),
        ("294", "294 Partial Success", "200 OK"),
        ("400", "400 Bad Request", "200 OK"),
        ("422", "422 Unprocessable Entity", "200 OK"),
        ("405", "405 Method Not Allowed", "405 Method Not Allowed"),
        ("429", "429 Too Many Requests", "429 Too Many Requests"),
    ] {
        let body = format!(r#"{{"query":"status {status}"}}"#);
        for (accept, expected) in [("application/graphql-response+json", modern), ("application/json", json)]
        {
            let headers = format!("content-type: application/json\r\naccept: {accept}\r\n");
            let reply = served.post(&headers, &body).await;
            assert_eq!(reply.status, expected, "{accept}");
            assert_eq!(reply.header("allow").is_some(), status == "405");
        }
    }
}

#[tokio::test]
async fn query_by_get_reaches_the_engine_whole_and_as_safe() {
    let served = served().await;
    let parameters =
        "query=%7Ba%7D&operationName=A&variables=%7B%22x%22%3A%22%C3%A4+b%22%7D&extensions=null&more=1";
    let reply = served.get(&format!("/graphql?{parameters}"), "graphql-require-preflight: 1\r\n").await;
    assert_eq!(reply.status, "200 OK", "{}", reply.text());
    let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["data"]["operation"], "A");
    assert_eq!(body["data"]["variables"], serde_json::json!({"x": "ä b"}));
    assert_eq!(body["data"]["safe"], true);
    let reply =
        served.get("/graphql?query=a&operationName=&variables=null", "x-apollo-operation-name: A\r\n").await;
    let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["data"]["operation"], serde_json::Value::Null, "an empty name is none");
}

#[tokio::test]
async fn malformed_parameters_are_refused_in_words() {
    let served = served().await;
    let (broken, malformed) = ("400 Bad Request", "422 Unprocessable Entity");
    for (parameters, status, said) in [
        ("", malformed, "`query` is missing"),
        ("variables=%7B%7D", malformed, "`query` is missing"),
        ("query=a&query=b", malformed, "twice"),
        ("query=a&variables=%7B", broken, "JSON"),
        ("query=a&variables=", broken, "JSON"),
        ("query=a&variables=%5B%5D", malformed, "`variables`"),
        ("query=a&extensions=7", malformed, "`extensions`"),
        ("query=a", broken, "graphql-require-preflight"),
    ] {
        let mark = if parameters == "query=a" { "" } else { "graphql-require-preflight: 1\r\n" };
        let reply = served.get(&format!("/graphql?{parameters}"), mark).await;
        assert_eq!((reply.status.as_str(), reply.code().as_str()), (status, "BAD_REQUEST"), "{parameters}");
        assert!(reply.text().contains(said), "{parameters} -> {}", reply.text());
    }
    assert_eq!(served.executed(), 0);
}

#[tokio::test]
async fn refusals_come_in_the_media_type_asked_for() {
    let served = served().await;
    let modern = "application/graphql-response+json";
    let reply = served.post(&format!("content-type: application/json\r\naccept: {modern}\r\n"), "{").await;
    assert_eq!(reply.status, "400 Bad Request");
    assert_eq!(reply.header("content-type"), Some("application/graphql-response+json; charset=utf-8"));
    assert_eq!(reply.code(), "BAD_REQUEST");
}

#[tokio::test]
async fn body_that_is_coded_is_refused() {
    let served = served().await;
    let headers = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
    let reply = served.post(headers, r#"{"query":"{a}"}"#).await;
    assert_eq!(reply.status, "415 Unsupported Media Type");
    assert!(reply.text().contains("content-encoding"), "{}", reply.text());
}

#[tokio::test]
async fn batches_are_refused_unless_they_are_allowed() {
    let served = served().await;
    let reply = served.json(r#"[{"query":"{a}"}]"#).await;
    assert_eq!((reply.status.as_str(), reply.code().as_str()), ("400 Bad Request", "BAD_REQUEST"));
    assert!(reply.text().contains("batches are not taken"), "{}", reply.text());
    assert_eq!(served.executed(), 0);
}

#[tokio::test]
async fn batch_is_answered_in_its_order() {
    let served = serve_with(Settings { max_batch: 3, ..Settings::default() }).await;
    let reply = served
        .json(r#"[{"query":"slow","operationName":"A"},{"query":"b","operationName":"B"},{"query":"status 400"}]"#)
        .await;
    assert_eq!(reply.status, "200 OK");
    let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    let operations: Vec<_> = body.as_array().unwrap().iter().map(|one| &one["data"]["operation"]).collect();
    assert_eq!(operations, [&serde_json::json!("A"), &serde_json::json!("B"), &serde_json::Value::Null]);
    assert_eq!(served.executed(), 3);
    for (batch, status, said) in [
        ("[]", "400 Bad Request", "empty"),
        (r#"[{"query":"a"},{"query":"a"},{"query":"a"},{"query":"a"}]"#, "400 Bad Request", "more requests"),
        (r#"[{"query":"a"},7]"#, "422 Unprocessable Entity", "must be a JSON object"),
        (r#"[{"query":"a"},{"query":7}]"#, "422 Unprocessable Entity", "`query`"),
        (r#"[[{"query":"a"}]]"#, "422 Unprocessable Entity", "must be a JSON object"),
    ] {
        let reply = served.json(batch).await;
        assert_eq!(reply.status, status, "{batch}");
        assert!(reply.text().contains(said), "{batch} -> {}", reply.text());
    }
    assert_eq!(served.executed(), 3, "one that is malformed takes the others with it");
}
