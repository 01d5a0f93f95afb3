//! Writes: sent once, and never said to be undone where they may have been done.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use url::Url;

use super::script::{Script, client, fail, hang, later, ok, read, roomy, status, write};
use crate::upstream::client::Client;
use crate::upstream::dialect::Dialect;
use crate::upstream::failure::Kind;
use crate::upstream::policy::Policy;
use crate::upstream::write::Fate;

async fn fate(client: &Client) -> Fate {
    client.write(write(5_000)).await.unwrap_err().fate
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_a_write_is_sent_once() {
    let failures = [
        (fail(Kind::Unreachable), Fate::Unknown),
        (fail(Kind::Timeout), Fate::Unknown),
        (fail(Kind::Protocol), Fate::Unknown),
        (fail(Kind::TooLarge), Fate::Unknown),
        (status(500), Fate::Unknown),
        (status(502), Fate::Unknown),
        (later(503, 1), Fate::Unknown),
        (status(307), Fate::Unknown),
        (status(408), Fate::Unknown),
        (status(400), Fate::Refused),
        (status(401), Fate::Refused),
        (status(404), Fate::Refused),
        (status(405), Fate::Refused),
        (status(409), Fate::Refused),
        (later(429, 1), Fate::Refused),
        (hang(), Fate::Unknown),
    ];
    for (step, expected) in failures {
        let script = Script::new([step.clone()], ok());
        // Even a call that says it may be repeated is not, once it is a write.
        let call = crate::upstream::call::Call { idempotent: true, ..write(5_000) };
        let policy = Policy { max_attempts: 5, ..roomy() };
        let unwritten = client(&script, &policy).write(call).await.unwrap_err();
        assert_eq!((unwritten.fate, script.calls()), (expected, 1), "{step:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_here_was_not_sent() {
    let script = Script::new([], status(500));
    let acme = client(&script, &Policy { quota: 7, ..roomy() });
    for _ in 0..5 {
        assert_eq!(fate(&acme).await, Fate::Unknown);
    }
    let unwritten = acme.write(write(3_000)).await.unwrap_err();
    assert_eq!((unwritten.error.kind, unwritten.fate), (Kind::BreakerOpen, Fate::Unsent));
    // Reads are judged apart, and are what the fate is found out by.
    script.now(ok());
    assert!(acme.send(&read(3_000)).await.is_ok());

    let silent = client(&Script::new([later(429, 60)], ok()), &roomy());
    assert_eq!(fate(&silent).await, Fate::Refused);
    let unwritten = silent.write(write(3_000)).await.unwrap_err();
    assert_eq!((unwritten.error.kind, unwritten.fate), (Kind::RateLimited, Fate::Unsent));

    let locked = client(&Script::new([status(401)], ok()), &roomy());
    assert_eq!(fate(&locked).await, Fate::Refused);
    assert_eq!(fate(&locked).await, Fate::Unsent);

    let poor = client(&Script::new([], ok()), &Policy { quota: 1, burst: 1, ..roomy() });
    assert!(poor.write(write(3_000)).await.is_ok());
    let unwritten = poor.write(write(3_000)).await.unwrap_err();
    assert_eq!((unwritten.error.kind, unwritten.fate), (Kind::QuotaExhausted, Fate::Unsent));

    let late = client(&Script::new([], ok()), &roomy());
    assert_eq!(late.write(write(0)).await.unwrap_err().fate, Fate::Unsent);
}

#[derive(Debug)]
struct Keyless;

impl Dialect for Keyless {
    fn authorize(&self, _: &mut axum::http::HeaderMap) {}
}

fn open(base: &str) -> Client {
    let policy = Policy {
        connect_timeout: Duration::from_millis(300),
        attempt_timeout: Duration::from_millis(900),
        ..roomy()
    };
    Client::new("acme", &base.parse::<Url>().unwrap(), Keyless, policy).unwrap()
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Someone who does not speak TLS.
    let task = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            drop(socket);
        }
    });
    for base in [
        // Nobody listens there.
        "http://127.0.0.1:9".to_owned(),
        format!("https://{address}"),
        "https://no-such-host.invalid".to_owned(),
    ] {
        let unwritten = open(&base).write(write(5_000)).await.unwrap_err();
        assert_eq!((unwritten.error.kind, unwritten.fate), (Kind::Unreachable, Fate::Unsent), "{base}");
    }
    task.abort();
}

#[tokio::test]
async fn once_it_is_connected_it_may_have_been_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let mut asked = 0_u32;
        let mut kept = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            asked += 1;
            let _ = socket.read(&mut [0; 4096]).await;
            // The first is cut after it was read, the second is never answered.
            if asked > 1 {
                kept.push(socket);
            }
        }
    });
    let acme = open(&base);
    for kind in [Kind::Unreachable, Kind::Timeout] {
        let unwritten = acme.write(write(5_000)).await.unwrap_err();
        assert_eq!((unwritten.error.kind, unwritten.fate), (kind, Fate::Unknown));
    }
    task.abort();
}
