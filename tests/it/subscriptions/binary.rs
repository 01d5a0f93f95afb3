//! The rules of lines once more, on the binary itself: who gets one, what closes it, and how it ends with its caller and with the
//! process.

use std::time::Duration;

use futures_util::StreamExt;
use leadgraph::callers::key::Digest;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::EVENTS;
use super::line::{Heard, Line, PROTOCOL};
use super::stream::told;
use crate::harness::binary::{Gateway, Simulated};

const PAGE: &str = "https://app.example.com";
const TAKEN: &str = "configuration read anew";

/// A caller whose key is its name.
fn caller(name: &str) -> String {
    let key = Digest::of(name);
    format!(
        "[[callers]]\nname = \"{name}\"\nkey_sha256 = \"{key}\"\nscopes = [\"leads:read\", \"events:read\"]\n\
         requests_per_second = 1000\n"
    )
}

fn settings(callers: &[&str]) -> String {
    let callers: String = callers.iter().map(|name| caller(name)).collect();
    format!("max_lines_per_caller = 3\ncors_origins = [\"{PAGE}\"]\n{callers}")
}

fn serve(simulated: &Simulated) -> Gateway {
    simulated.write(&settings(&["dash", "gone"]));
    Gateway::start(&mut simulated.command(&["serve", "--log", "json"]))
}

struct Door(std::net::SocketAddr);

impl Door {
    async fn open(&self, name: &str, more: &[(&str, &str)]) -> Result<Line, (u16, Value)> {
        let shown = format!("Bearer {name}");
        let headers: Vec<_> =
            [PROTOCOL, ("authorization", &shown)].into_iter().chain(more.iter().copied()).collect();
        Line::open(self.0, &headers).await
    }

    /// As soon as a line is free: that one has ended is noticed a moment later.
    async fn begun(&self, name: &str) -> Line {
        for _ in 0..500 {
            match self.open(name, &[]).await {
                Ok(mut line) => {
                    line.say(&json!({ "type": "connection_init" })).await;
                    assert_eq!(line.hear().await, Heard::Message(json!({ "type": "connection_ack" })));
                    return line;
                }
                Err((429, _)) => sleep(Duration::from_millis(20)).await,
                Err(refused) => panic!("{refused:?}"),
            }
        }
        panic!("no line is free");
    }

    /// As [`Door::begun`].
    async fn followed(&self, name: &str) -> reqwest::Response {
        for _ in 0..500 {
            let stream = self.stream(name).await;
            if stream.status() != 429 {
                return stream;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("no line is free");
    }

    async fn stream(&self, name: &str) -> reqwest::Response {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.post(format!("http://{}/graphql/stream", self.0)).bearer_auth(name);
        request.header("accept", "text/event-stream").json(&events()).send().await.unwrap()
    }
}

fn events() -> Value {
    json!({ "query": EVENTS })
}

/// What is said on a line until it is closed, and by which code.
async fn last_words(line: &mut Line) -> (Vec<Value>, Option<u16>) {
    let mut words = Vec::new();
    loop {
        match line.hear().await {
            Heard::Message(word) => words.push(word),
            Heard::Closed(code) => return (words, code),
        }
    }
}

async fn refuses_what_the_protocol_forbids(door: &Door) {
    let mut line = door.open("dash", &[]).await.unwrap();
    line.subscribe("1", &events()).await;
    assert_eq!(line.hear().await, Heard::Closed(Some(4401)), "before the beginning");
    let mut line = Line::open(door.0, &[PROTOCOL]).await.unwrap();
    line.say(&json!({ "type": "connection_init", "payload": { "authorization": "Bearer nobody" } })).await;
    assert_eq!(line.hear().await, Heard::Closed(Some(4403)), "a key that is nobody's");
    assert_eq!(door.open("nobody", &[]).await.err().unwrap().0, 401);
    let legacy = [("sec-websocket-protocol", "graphql-ws"), ("authorization", "Bearer dash")];
    assert_eq!(Line::open(door.0, &legacy).await.err().unwrap().0, 400);
    let mut line = door.begun("dash").await;
    line.say(&json!({ "type": "connection_init" })).await;
    assert_eq!(line.hear().await, Heard::Closed(Some(4429)));
    let mut line = door.begun("dash").await;
    line.subscribe("1", &events()).await;
    line.subscribe("1", &events()).await;
    assert_eq!(line.hear().await, Heard::Closed(Some(4409)));
    let mut line = door.begun("dash").await;
    line.send(Message::text("x".repeat(64 * 1024 + 1))).await;
    assert_eq!(line.hear().await, Heard::Closed(Some(1009)));
    let mut line = door.begun("dash").await;
    for id in 0..21 {
        line.subscribe(&id.to_string(), &events()).await;
    }
    let Heard::Message(refused) = line.hear().await else { panic!() };
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("20")));
    let silent = Instant::now();
    let mut line = Line::open(door.0, &[PROTOCOL]).await.unwrap();
    assert_eq!(line.hear().await, Heard::Closed(Some(4408)));
    assert!(silent.elapsed() >= Duration::from_millis(2_900), "three seconds to begin");
}

async fn knows_its_pages(door: &Door) {
    let own = format!("http://{}", door.0);
    for origin in [PAGE, &own] {
        drop(door.open("gone", &[("origin", origin), ("sec-fetch-site", "cross-site")]).await.unwrap());
    }
    let longer = format!("{PAGE}.evil.example");
    for origin in ["https://evil.example", "http://app.example.com", "null", &longer] {
        assert_eq!(door.open("gone", &[("origin", origin)]).await.err().unwrap().0, 403, "{origin}");
    }
    assert_eq!(door.open("gone", &[("sec-fetch-site", "cross-site")]).await.err().unwrap().0, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn binary_keeps_the_rules_of_lines_and_ends_them_with_their_caller_and_with_itself() {
    let simulated = Simulated::start("lines");
    let mut gateway = serve(&simulated);
    let door = Door(gateway.address.parse().unwrap());
    knows_its_pages(&door).await;
    refuses_what_the_protocol_forbids(&door).await;

    // Three lines of a caller, of whichever kind.
    let mut lines = [door.begun("dash").await, door.begun("dash").await];
    let mut stream = told(door.followed("dash").await);
    assert_eq!(door.open("dash", &[]).await.err().unwrap().0, 429);
    assert_eq!(door.stream("dash").await.status(), 429);
    let (mut theirs, theirs_too) = (door.begun("gone").await, door.followed("gone").await);
    assert_eq!(theirs_too.status(), 200, "others are not held up");

    // Its caller is gone with the next configuration: it is ended, whoever still holds the key.
    lines[0].subscribe("1", &events()).await;
    theirs.subscribe("1", &events()).await;
    sleep(Duration::from_millis(300)).await;
    simulated.write(&settings(&["dash"]));
    tokio::task::block_in_place(|| gateway.reload(TAKEN, 1));
    let complete = json!({ "type": "complete", "id": "1" });
    assert_eq!(last_words(&mut theirs).await, (vec![complete.clone()], Some(1012)));
    let ended: Vec<_> = timeout(Duration::from_secs(5), told(theirs_too).collect()).await.unwrap();
    assert_eq!(ended, [("complete".to_owned(), Value::Null)]);
    assert_eq!(door.open("gone", &[]).await.err().unwrap().0, 401);
    assert_eq!(door.stream("gone").await.status(), 401);
    // Lines of others begin anew, as whoever they are now.
    assert_eq!(last_words(&mut lines[0]).await, (vec![complete.clone()], Some(1012)));
    assert_eq!(last_words(&mut lines[1]).await, (vec![], Some(1012)));
    assert_eq!(stream.next().await.unwrap().0, "complete");

    // The process stops: what runs is completed, then the line is closed.
    let mut line = door.begun("dash").await;
    line.subscribe("1", &events()).await;
    let mut stream = told(door.followed("dash").await);
    sleep(Duration::from_millis(300)).await;
    let told = std::process::Command::new("kill").arg(gateway.child.id().to_string()).status().unwrap();
    assert!(told.success());
    assert_eq!(last_words(&mut line).await, (vec![complete], Some(1012)));
    assert_eq!(stream.next().await.unwrap(), ("complete".to_owned(), Value::Null));
    let ended = tokio::task::block_in_place(|| gateway.child.wait().unwrap());
    assert_eq!(ended.code(), Some(0));
}
