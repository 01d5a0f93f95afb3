//! What time and slowness do to a socket, on a clock that is paused. What messages do is in `tests/it/subscriptions/`.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ws::Message;
use bytes::Bytes;
use futures_util::future::{Either, pending, ready};
use futures_util::{FutureExt, Sink, Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::*;
use crate::http::live::{LiveEngine, Reply};
use crate::http::overload::Gate;
use crate::http::{Answer, Identify, Lines, Settings, everyone};
use crate::model::caller::Caller;

/// A socket without a network.
struct Wire {
    from: mpsc::UnboundedReceiver<Message>,
    to: mpsc::UnboundedSender<Message>,
    /// Nothing is taken any more.
    stuck: Arc<AtomicBool>,
}

impl Stream for Wire {
    type Item = Result<Message, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.from.poll_recv(cx).map(|message| message.map(Ok))
    }
}

impl Sink<Message> for Wire {
    type Error = Infallible;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.stuck.load(Ordering::Relaxed) { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Infallible> {
        let _ = self.to.send(message);
        Ok(())
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

/// A client on its socket.
struct Client {
    to: mpsc::UnboundedSender<Message>,
    from: mpsc::UnboundedReceiver<Message>,
    stuck: Arc<AtomicBool>,
    lines: Lines,
    /// How many subscriptions are open.
    open: Arc<AtomicUsize>,
    /// What lets twenty requests run at a time.
    gate: Gate,
    session: JoinHandle<()>,
}

/// An engine that does what the query says.
fn engine(open: &Arc<AtomicUsize>) -> LiveEngine {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let open = Arc::clone(open);
    Arc::new(move |cx, ask| {
        let body = json!({ "data": { "request": &*cx.request_id } }).to_string();
        let answer = Answer {
            body: Bytes::from(body),
            status: http::StatusCode::OK,
            fresh: None,
            lease: None,
            retry_after: None,
        };
        match ask.query.as_str() {
            "hang" => pending().boxed(),
            "open" => {
                let body = json!({ "data": { "open": open.load(Ordering::Relaxed) } }).to_string();
                ready(Reply::Once(Answer { body: Bytes::from(body), ..answer })).boxed()
            }
            "quiet" | "burst" => {
                open.fetch_add(1, Ordering::Relaxed);
                let counted = Counted(Arc::clone(&open));
                let answers = stream::unfold((counted, ask.query == "burst"), move |(counted, burst)| {
                    let answer = answer.clone();
                    async move {
                        if !burst {
                            pending::<()>().await;
                        }
                        Some((answer, (counted, burst)))
                    }
                });
                ready(Reply::Each(answers.boxed())).boxed()
            }
            "soon" => async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Reply::Once(answer)
            }
            .boxed(),
            _ => ready(Reply::Once(answer)).boxed(),
        }
    })
}

fn connect(identify: Identify) -> Client {
    connect_as(identify, Some(Caller::anonymous()))
}

/// Of nobody as yet, where there is no caller.
fn connect_as(identify: Identify, caller: Option<Caller>) -> Client {
    let lines = Lines::new(&Settings::default());
    let open = Arc::default();
    let gate = Gate::new(20, Duration::from_secs(1));
    let door = Door {
        engine: engine(&open),
        gate: gate.clone(),
        identify,
        lines: lines.clone(),
        origins: Arc::from([]),
        request_timeout: Duration::from_secs(5),
        max_body_bytes: 1,
    };
    let line = lines.open().unwrap();
    let session = Session::new(door, line, Arc::from("r"), None, caller);
    let (to, from) = mpsc::unbounded_channel();
    let (answers, answered) = mpsc::unbounded_channel();
    let stuck = Arc::default();
    let wire = Wire { from, to: answers, stuck: Arc::clone(&stuck) };
    let session = tokio::spawn(session.run(wire));
    Client { to, from: answered, stuck, lines, open, gate, session }
}

impl Client {
    fn say(&self, message: &Value) {
        self.to.send(Message::Text(message.to_string().into())).unwrap();
    }

    fn subscribe(&self, id: &str, query: &str) {
        self.say(&json!({ "type": "subscribe", "id": id, "payload": { "query": query } }));
    }

    async fn hear(&mut self) -> Option<Message> {
        timeout(Duration::from_secs(300), self.from.recv()).await.expect("nothing is said")
    }

    /// The next message that is no ping.
    async fn told(&mut self) -> Value {
        loop {
            match self.hear().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Some(Message::Ping(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The code by which the socket was closed; `None` where it was just left.
    async fn closed(&mut self) -> Option<u16> {
        loop {
            match self.hear().await {
                Some(Message::Close(frame)) => return frame.map(|frame| frame.code),
                None => return None,
                Some(_) => {}
            }
        }
    }

    async fn initialized(identify: Identify) -> Self {
        let mut client = connect(identify);
        client.say(&json!({ "type": "connection_init" }));
        assert_eq!(client.told().await, json!({ "type": "connection_ack" }));
        client
    }
}

#[tokio::test(start_paused = true)]
async fn client_that_does_not_begin_is_closed_after_three_seconds() {
    let began = Instant::now();
    let mut client = connect(everyone());
    client.say(&json!({ "type": "ping" }));
    assert_eq!(client.told().await, json!({ "type": "pong" }), "pings are answered at any time");
    assert_eq!(client.closed().await, Some(4408));
    assert_eq!(began.elapsed().as_secs(), 3);
    client.session.await.unwrap();
    assert_eq!(client.lines.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn peer_that_answers_no_ping_is_given_up() {
    let mut client = Client::initialized(everyone()).await;
    let began = Instant::now();
    client.subscribe("1", "quiet");
    assert_eq!(client.closed().await, None, "nobody is there to be told");
    assert_eq!(began.elapsed().as_secs(), 45, "the first look after 30 s of silence");
    client.session.await.unwrap();
    assert_eq!(client.open.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn peer_that_answers_pings_stays_however_quiet_it_is() {
    let mut client = Client::initialized(everyone()).await;
    for _ in 0..40 {
        assert!(matches!(client.hear().await, Some(Message::Ping(_))));
        client.to.send(Message::Pong(Bytes::new())).unwrap();
    }
    client.subscribe("1", "once");
    assert_eq!(client.told().await["type"], "next");
}

#[tokio::test(start_paused = true)]
async fn peer_that_takes_nothing_is_given_up_and_holds_nothing() {
    let mut client = Client::initialized(everyone()).await;
    client.subscribe("1", "burst");
    assert_eq!(client.told().await["type"], "next");
    client.stuck.store(true, Ordering::Relaxed);
    let began = Instant::now();
    assert_eq!(client.closed().await, None);
    assert!(began.elapsed() <= Duration::from_secs(11), "{:?}", began.elapsed());
    client.session.await.unwrap();
    assert_eq!(client.open.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn caller_who_is_no_longer_known_is_closed_within_a_minute() {
    let known = Arc::new(AtomicBool::new(true));
    let held = Arc::clone(&known);
    let identify: Identify = Arc::new(move |_| {
        let known = held.load(Ordering::Relaxed);
        Either::Left(ready(if known { Ok(Caller::anonymous()) } else { Err(Refusal::Unknown) }))
    });
    let mut client = Client::initialized(identify).await;
    client.subscribe("1", "quiet");
    for _ in 0..6 {
        assert!(matches!(client.hear().await, Some(Message::Ping(_))));
        client.to.send(Message::Pong(Bytes::new())).unwrap();
    }
    known.store(false, Ordering::Relaxed);
    let began = Instant::now();
    assert_eq!(client.closed().await, Some(4403));
    assert!(began.elapsed() <= Duration::from_secs(60), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_tells_who_callers_are_may_fail_for_a_while() {
    let known = Arc::new(AtomicBool::new(true));
    let held = Arc::clone(&known);
    let identify: Identify = Arc::new(move |_| {
        let known = held.load(Ordering::Relaxed);
        Either::Left(ready(if known { Ok(Caller::anonymous()) } else { Err(Refusal::Unavailable) }))
    });
    let mut client = Client::initialized(identify).await;
    known.store(false, Ordering::Relaxed);
    client.subscribe("1", "once");
    let refused = client.told().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("1")), "{refused}");
    assert_eq!(
        refused["payload"][0]["extensions"],
        json!({ "code": "AUTHENTICATION_UNAVAILABLE", "requestId": "r.1" })
    );
    for _ in 0..9 {
        assert!(matches!(client.hear().await, Some(Message::Ping(_))));
        client.to.send(Message::Pong(Bytes::new())).unwrap();
    }
    known.store(true, Ordering::Relaxed);
    client.subscribe("1", "once");
    assert_eq!(client.told().await["type"], "next");
}

#[tokio::test(start_paused = true)]
async fn twenty_operations_run_and_one_more_is_refused_until_one_ends() {
    let mut client = Client::initialized(everyone()).await;
    (0..21).for_each(|id| client.subscribe(&id.to_string(), "quiet"));
    let refused = client.told().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("20")), "{refused}");
    assert_eq!(
        refused["payload"][0]["extensions"],
        json!({ "code": "TOO_MANY_OPERATIONS", "requestId": "r.21" })
    );
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(client.open.load(Ordering::Relaxed), 20);
    client.say(&json!({ "type": "complete", "id": "7" }));
    client.subscribe("20", "once");
    assert_eq!(client.told().await["type"], "next");
    assert_eq!(client.told().await, json!({ "type": "complete", "id": "20" }));
    assert_eq!(client.open.load(Ordering::Relaxed), 19, "what the client ended has ended");
}

#[tokio::test(start_paused = true)]
async fn operations_that_the_client_ends_at_once_do_not_pile_up() {
    let mut client = Client::initialized(everyone()).await;
    for id in 0..30 {
        client.subscribe(&id.to_string(), "quiet");
        client.say(&json!({ "type": "complete", "id": id.to_string() }));
    }
    client.subscribe("last", "open");
    assert_eq!(client.told().await["payload"]["data"]["open"], 0);
}

#[tokio::test(start_paused = true)]
async fn operation_that_is_not_ready_in_time_fails_alone() {
    let mut client = Client::initialized(everyone()).await;
    client.subscribe("slow", "hang");
    client.subscribe("fast", "once");
    assert_eq!(client.told().await["id"], "fast");
    assert_eq!(client.told().await, json!({ "type": "complete", "id": "fast" }));
    let failed = client.told().await;
    assert_eq!((&failed["type"], &failed["id"]), (&json!("error"), &json!("slow")), "{failed}");
    assert_eq!(failed["payload"][0]["extensions"], json!({ "code": "TIMEOUT", "requestId": "r.1" }));
}

#[tokio::test(start_paused = true)]
async fn operation_holds_a_pass_while_it_is_opened_and_none_while_it_goes_on() {
    let mut client = Client::initialized(everyone()).await;
    (0..15).for_each(|id| client.subscribe(&format!("quiet {id}"), "quiet"));
    (0..5).for_each(|id| client.subscribe(&format!("hang {id}"), "hang"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(client.open.load(Ordering::Relaxed), 15, "fifteen are open");
    let mut others = Vec::new();
    for _ in 0..15 {
        others.push(client.gate.enter().await.expect("five of twenty are taken"));
    }
    client.say(&json!({ "type": "complete", "id": "quiet 0" }));
    client.subscribe("late", "once");
    let refused = client.told().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("late")), "{refused}");
    assert_eq!(
        refused["payload"][0]["extensions"],
        json!({ "code": "OVERLOADED", "requestId": "r.21" }),
        "{refused}"
    );
    // Who ends what hangs frees its place.
    client.say(&json!({ "type": "complete", "id": "hang 0" }));
    client.subscribe("late", "once");
    assert_eq!(client.told().await["type"], "next");
}

#[tokio::test(start_paused = true)]
async fn gateway_that_stops_completes_what_runs_and_says_goodbye() {
    let mut client = Client::initialized(everyone()).await;
    client.subscribe("1", "quiet");
    client.subscribe("2", "quiet");
    client.subscribe("3", "once");
    assert_eq!(client.told().await["id"], "3");
    assert_eq!(client.told().await, json!({ "type": "complete", "id": "3" }));
    client.subscribe("4", "soon");
    tokio::time::sleep(Duration::from_millis(1)).await;
    client.lines.close();
    let mut ended = [client.told().await, client.told().await];
    ended.sort_by_key(|message| message["id"].to_string());
    assert_eq!(ended, ["1", "2"].map(|id| json!({ "type": "complete", "id": id })));
    client.subscribe("5", "once");
    let told = client.told().await;
    assert_eq!((&told["type"], &told["id"]), (&json!("next"), &json!("4")), "what is answered once still is");
    assert_eq!(client.told().await, json!({ "type": "complete", "id": "4" }));
    assert_eq!(client.closed().await, Some(1012));
    drop(client.to);
    timeout(Duration::from_secs(1), client.lines.ended()).await.unwrap();
    assert!(client.lines.open().is_err(), "no line begins after the end");
}

#[tokio::test(start_paused = true)]
async fn first_message_shows_who_the_caller_is() {
    let identify: Identify = Arc::new(|token| {
        let found = match token {
            None => Err(Refusal::Missing),
            Some("good") => Ok(Caller::unrestricted("dashboard")),
            Some("eager") => Err(Refusal::TooOften { retry_after: Duration::from_secs(1) }),
            Some(_) => Err(Refusal::Unknown),
        };
        Either::Right(ready(found).boxed())
    });
    let cases = [
        (json!({}), 4403),
        (json!({ "authorization": "Bearer bad" }), 4403),
        (json!({ "authorization": "good" }), 4403),
        (json!({ "authorization": ["Bearer good"] }), 4403),
        (json!({ "authorization": "Bearer eager" }), 1013),
    ];
    for (payload, code) in cases {
        let mut client = connect_as(Arc::clone(&identify), None);
        client.say(&json!({ "type": "connection_init", "payload": payload }));
        client.subscribe("1", "quiet");
        assert_eq!(client.closed().await, Some(code), "{payload}");
        assert_eq!(client.open.load(Ordering::Relaxed), 0, "{payload}");
    }
    let mut client = connect_as(identify, None);
    client.say(&json!({ "type": "connection_init", "payload": { "Authorization": "Bearer good" } }));
    assert_eq!(client.told().await, json!({ "type": "connection_ack" }));
    client.subscribe("1", "once");
    assert_eq!(client.told().await["type"], "next");
}
