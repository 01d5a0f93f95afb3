use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use bytes::Bytes;
use futures_util::stream;
use tower::ServiceExt;

use super::*;

/// A gateway with one webhook, which does what the body says and counts what it gets.
fn gateway(settings: &Settings) -> (Router, Arc<AtomicUsize>) {
    let count: Arc<AtomicUsize> = Arc::default();
    let counted = Arc::clone(&count);
    let postbox: Postbox = Arc::new(move |_, body, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        match body {
            b"unproven" => Receipt::Unproven,
            b"unreadable" => Receipt::Unreadable,
            b"full" => Receipt::Full,
            _ => Receipt::Taken,
        }
    });
    let postboxes = Postboxes::from([("acme/site".to_owned(), postbox)]);
    (Router::new().route("/webhooks/{*source}", route(settings, postboxes)), count)
}

async fn send(router: &Router, request: http::request::Builder, body: Body) -> Response<Body> {
    router.clone().oneshot(request.body(body).unwrap()).await.unwrap()
}

fn to(source: &str) -> http::request::Builder {
    Request::post(format!("/webhooks/{source}"))
}

#[tokio::test(start_paused = true)]
async fn each_receipt_has_its_status_and_tells_no_more() {
    let (router, count) = gateway(&Settings::default());
    for (body, status, retry_after) in
        [("{}", 202, None), ("unproven", 401, None), ("unreadable", 400, None), ("full", 503, Some("5"))]
    {
        let response = send(&router, to("acme/site"), Body::from(body)).await;
        assert_eq!(response.status(), status, "{body}");
        let told = response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap());
        assert_eq!(told, retry_after, "{body}");
        assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty(), "{body}");
    }
    assert_eq!(count.load(Ordering::Relaxed), 4);
}

#[tokio::test(start_paused = true)]
async fn other_names_and_methods_and_encodings_never_reach_a_postbox() {
    let (router, count) = gateway(&Settings::default());
    for name in ["acme", "acme/site/", "acme/sit", "ACME/site", "acme%2Fsite%00"] {
        let response = send(&router, to(name), Body::from("{}")).await;
        assert_eq!(response.status(), 404, "{name}");
    }
    for method in ["GET", "PUT", "HEAD", "OPTIONS", "DELETE"] {
        let request = Request::builder().method(method).uri("/webhooks/acme/site");
        let response = send(&router, request, Body::from("{}")).await;
        assert_eq!(response.status(), 405, "{method}");
        assert_eq!(response.headers()[header::ALLOW], "POST");
    }
    let packed = to("acme/site").header(header::CONTENT_ENCODING, "gzip");
    assert_eq!(send(&router, packed, Body::from("{}")).await.status(), 400);
    assert_eq!(count.load(Ordering::Relaxed), 0);
    let plain = to("acme/site").header(header::CONTENT_ENCODING, "identity");
    assert_eq!(send(&router, plain, Body::from("{}")).await.status(), 202);
}

#[tokio::test(start_paused = true)]
async fn bodies_are_bounded_in_size_and_time() {
    let (router, count) = gateway(&Settings::default());
    let of = |size: usize| Body::from(vec![b'x'; size]);
    assert_eq!(send(&router, to("acme/site"), of(MAX_BODY_BYTES + 1)).await.status(), 413);
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 1_000])));
    assert_eq!(send(&router, to("acme/site"), Body::from_stream(endless)).await.status(), 413);
    let dripping = Body::from_stream(stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
    }));
    let start = Instant::now();
    assert_eq!(send(&router, to("acme/site"), dripping).await.status(), 408);
    assert_eq!(start.elapsed(), Settings::default().request_timeout);
    let broken = stream::iter([Ok(Bytes::from_static(b"x")), Err(std::io::Error::other("cut"))]);
    assert_eq!(send(&router, to("acme/site"), Body::from_stream(broken)).await.status(), 400);
    assert_eq!(count.load(Ordering::Relaxed), 0);
    assert_eq!(send(&router, to("acme/site"), of(MAX_BODY_BYTES)).await.status(), 202);
}

#[tokio::test(start_paused = true)]
async fn flood_is_held_back_before_anything_is_looked_at() {
    let (router, count) = gateway(&Settings { webhooks_per_second: 3, ..Settings::default() });
    let statuses = async |times: usize| {
        let mut statuses = Vec::new();
        for _ in 0..times {
            let response = send(&router, to("acme/site"), Body::from("unproven")).await;
            statuses.push((response.status().as_u16(), response.headers().contains_key(header::RETRY_AFTER)));
        }
        statuses
    };
    let (read, held) = ((401, false), (429, true));
    assert_eq!(statuses(5).await, [read, read, read, held, held]);
    tokio::time::advance(Duration::from_millis(700)).await;
    assert_eq!(statuses(3).await, [read, read, held]);
    tokio::time::advance(Duration::from_secs(3_600)).await;
    assert_eq!(statuses(4).await, [read, read, read, held]);
    assert_eq!(count.load(Ordering::Relaxed), 8);
}
