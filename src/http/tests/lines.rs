//! What WebSockets and event streams share with all other requests.

use futures_util::{SinkExt, StreamExt, stream};
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::*;

/// Room for two requests at a time. On lines, `quiet` goes on without end and all else is as everywhere.
async fn narrow() -> Served {
    let settings = Settings { max_requests: 2, ..Settings::default() };
    let executed: Arc<AtomicUsize> = Arc::default();
    let engines = Engines::from(engine(Arc::clone(&executed)));
    let once = Arc::clone(&engines.live);
    let live: LiveEngine = Arc::new(move |cx, ask| match ask.query.as_str() {
        "quiet" => async { crate::http::Reply::Each(stream::pending().boxed()) }.boxed(),
        _ => once(cx, ask),
    });
    serve_engines(settings, Engines { live, ..engines }, executed).await
}

impl Served {
    /// An event stream, as far as its head.
    async fn stream(&self, query: &str) -> (String, TcpStream) {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "GET /graphql/stream?query={query} HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        (head.split("\r\n").next().unwrap().trim_start_matches("HTTP/1.1 ").to_owned(), socket)
    }

    async fn socket(&self) -> WebSocketStream<TcpStream> {
        let mut request = format!("ws://{}/graphql/ws", self.address).into_client_request().unwrap();
        let protocol = "graphql-transport-ws".parse().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let socket = TcpStream::connect(self.address).await.unwrap();
        let (mut socket, _) = tokio_tungstenite::client_async(request, socket).await.unwrap();
        say(&mut socket, &json!({ "type": "connection_init" })).await;
        assert_eq!(hear(&mut socket).await["type"], "connection_ack");
        socket
    }

    /// Waits until so many requests have been executed, or begun.
    async fn begun(&self, count: usize) {
        while self.executed() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: &Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

async fn subscribe(socket: &mut WebSocketStream<TcpStream>, id: &str, query: &str) {
    say(socket, &json!({ "type": "subscribe", "id": id, "payload": { "query": query } })).await;
}

async fn hear(socket: &mut WebSocketStream<TcpStream>) -> Value {
    loop {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

#[tokio::test]
async fn requests_pass_one_gate_whatever_they_come_by() {
    let served = narrow().await;
    let mut socket = served.socket().await;
    // Lines that only wait hold no place.
    let mut quiet = Vec::new();
    for id in ["a", "b", "c"] {
        let (status, line) = served.stream("quiet").await;
        assert_eq!(status, "200 OK");
        quiet.push(line);
        subscribe(&mut socket, id, "quiet").await;
    }
    subscribe(&mut socket, "once", "{a}").await;
    assert_eq!(hear(&mut socket).await["type"], "next");
    assert_eq!(hear(&mut socket).await["type"], "complete");
    assert_eq!(served.json(r#"{"query":"{a}"}"#).await.status, "200 OK");

    // What hangs by a line holds one, for all other requests.
    subscribe(&mut socket, "hang", "hang").await;
    served.begun(3).await;
    let (status, hanging) = served.stream("hang").await;
    assert_eq!(status, "200 OK");
    served.begun(4).await;
    let refused = served.json(r#"{"query":"{a}"}"#).await;
    assert_eq!((refused.status.as_str(), refused.code().as_str()), ("503 Service Unavailable", "OVERLOADED"));
    assert_eq!(served.stream("%7Ba%7D").await.0, "503 Service Unavailable");
    subscribe(&mut socket, "late", "{a}").await;
    let refused = hear(&mut socket).await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("late")), "{refused}");
    assert_eq!(refused["payload"][0]["extensions"]["code"], "OVERLOADED");
    assert_eq!(served.executed(), 4, "none of the three was executed");

    // Who hangs up gives his place back.
    drop(hanging);
    while served.json(r#"{"query":"{a}"}"#).await.status != "200 OK" {}
    subscribe(&mut socket, "again", "{a}").await;
    assert_eq!(hear(&mut socket).await["type"], "next");
}
