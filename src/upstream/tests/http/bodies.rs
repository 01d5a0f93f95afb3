//! Bodies: too long, packed, cut short, slow, or none that was asked for.

use std::time::Instant;

use futures_util::{StreamExt, stream};

use super::*;

#[tokio::test]
async fn a_body_ends_at_the_cap() {
    let announced = Server::answering(|| json(vec![b' '; 64 * 1024 + 1])).await;
    assert_eq!(announced.kind().await, (Kind::TooLarge, Some(200)));

    let endless = Server::answering(|| {
        let chunk = Bytes::from(vec![b' '; 8 * 1024]);
        json(Body::from_stream(stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()))))
    })
    .await;
    assert_eq!(endless.kind().await, (Kind::TooLarge, Some(200)));

    let just = Server::answering(|| json(vec![b' '; 64 * 1024])).await;
    assert_eq!(just.ask(&read(5_000)).await.unwrap().body.len(), 64 * 1024);
}

#[tokio::test]
async fn of_a_hundred_megabytes_hardly_more_than_the_cap_is_read() {
    let sent = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&sent);
    let server = Server::answering(move || {
        let (chunk, counter) = (Bytes::from(vec![b' '; 64 * 1024]), Arc::clone(&counter));
        let chunks = stream::repeat_with(move || {
            counter.fetch_add(64, Ordering::Relaxed);
            Ok::<_, std::io::Error>(chunk.clone())
        });
        json(Body::from_stream(chunks.take(1_600)))
    })
    .await;
    let policy = Policy { max_attempts: 1, attempt_timeout: Duration::from_secs(20), ..Policy::default() };
    let client = Client::new("acme", &server.base, Keyed, policy).unwrap();
    let error = client.send(&read(20_000)).await.unwrap_err();
    assert_eq!(error.kind, Kind::TooLarge);
    // What sockets hold comes on top.
    let sent = sent.load(Ordering::Relaxed);
    assert!((8 * 1024..=24 * 1024).contains(&sent), "{sent} KiB were sent");
}

/// A megabyte of gzip that becomes a gigabyte: one block a thousand times. It has no right end, which nobody comes to.
#[cfg(feature = "simulator")]
fn bomb() -> Vec<u8> {
    use flate2::{Compress, Compression, FlushCompress};
    let mut block = Vec::with_capacity(64 * 1024);
    let mut deflate = Compress::new(Compression::best(), false);
    deflate.compress_vec(&vec![b' '; 1024 * 1024], &mut block, FlushCompress::Full).unwrap();
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    (0..1024).for_each(|_| bomb.extend_from_slice(&block));
    bomb
}

#[cfg(feature = "simulator")]
#[tokio::test]
async fn a_megabyte_that_becomes_a_gigabyte_ends_at_the_cap() {
    let bomb = bomb();
    assert!((900 * 1024..1_500 * 1024).contains(&bomb.len()), "{}", bomb.len());
    let server = Server::answering(move || gzipped(bomb.clone())).await;
    assert_eq!(server.kind().await, (Kind::TooLarge, Some(200)));
}

#[cfg(feature = "simulator")]
fn gzip(body: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[cfg(feature = "simulator")]
fn gzipped(body: Vec<u8>) -> Response<Body> {
    let mut response = json(body);
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

#[cfg(feature = "simulator")]
#[tokio::test]
async fn a_bomb_is_capped_by_what_it_becomes() {
    let bomb = gzip(&vec![b' '; 1024 * 1024]);
    assert!(bomb.len() < 2 * 1024);
    let server = Server::answering(move || gzipped(bomb.clone())).await;
    assert_eq!(server.kind().await, (Kind::TooLarge, Some(200)));

    let small = gzip(b"{\"data\":[]}");
    let server = Server::answering(move || gzipped(small.clone())).await;
    assert_eq!(server.ask(&read(5_000)).await.unwrap().body, "{\"data\":[]}");
}

#[cfg(feature = "simulator")]
#[tokio::test]
async fn what_does_not_decompress_is_the_vendors_fault_and_what_breaks_off_is_not() {
    let server = Server::answering(|| gzipped(b"this is not gzip, whatever it says".to_vec())).await;
    assert_eq!(server.kind().await, (Kind::Protocol, Some(200)));

    let mut half = gzip(&(0..20_000u32).flat_map(u32::to_le_bytes).map(|byte| byte | 1).collect::<Vec<_>>());
    half.truncate(half.len() / 4);
    let server = Server::answering(move || gzipped(half.clone())).await;
    assert_eq!(server.kind().await, (Kind::Unreachable, Some(200)));
}

#[tokio::test]
async fn a_truncated_body_is_no_answer() {
    let announced =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 40\r\n\r\n{\"data\":[";
    assert_eq!(Server::raw(announced).await.kind().await, (Kind::Unreachable, Some(200)));
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{\"data\":[\r\n";
    assert_eq!(Server::raw(chunked).await.kind().await, (Kind::Unreachable, Some(200)));
    assert_eq!(Server::raw(b"").await.kind().await, (Kind::Unreachable, None));
    assert_eq!(Server::raw(b"SSH-2.0-OpenSSH_9.6\r\n").await.kind().await.0, Kind::Unreachable);
}

#[tokio::test]
async fn html_where_data_should_be_is_not_an_answer() {
    let labelled = Server::answering(|| answer(200, "text/html; charset=utf-8", "hello")).await;
    assert_eq!(labelled.kind().await, (Kind::Protocol, Some(200)));
    let disguised = Server::answering(|| json("\n <!doctype html><title>Sign in</title>")).await;
    assert_eq!(disguised.kind().await, (Kind::Protocol, Some(200)));
    let failing = Server::answering(|| answer(502, "text/html", "<h1>Bad gateway</h1>")).await;
    assert_eq!(failing.kind().await, (Kind::VendorError, Some(502)));
    let empty = Server::answering(|| answer(204, "application/json", Body::empty())).await;
    assert!(empty.ask(&read(5_000)).await.unwrap().body.is_empty());
}

#[tokio::test]
async fn a_drip_is_cut_at_the_attempt_timeout() {
    let server = Server::answering(|| {
        let drops = stream::repeat(Bytes::from_static(b" ")).then(|drop| async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok::<_, std::io::Error>(drop)
        });
        json(Body::from_stream(drops))
    })
    .await;
    #[expect(clippy::disallowed_methods, reason = "real sockets, real time")]
    let began = Instant::now();
    let hasty = Policy { attempt_timeout: Duration::from_millis(150), ..policy() };
    let client = Client::new("acme", &server.base, Keyed, hasty).unwrap();
    assert_eq!(client.send(&read(5_000)).await.unwrap_err().kind, Kind::Timeout);
    // The upper bound leaves room for a busy machine; a drip that is not cut would go on for the deadline's 5 s.
    assert!((145..2_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}
