//! A client of `graphql-transport-ws` that does what it is told, the forbidden, too.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

pub(crate) const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");

pub(crate) struct Line(pub(crate) WebSocketStream<TcpStream>);

/// What is heard on a line.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    Message(Value),
    Closed(Option<u16>),
}

impl Line {
    /// Opens a line with these headers; the status and body of the answer where it is refused.
    pub(crate) async fn open(address: SocketAddr, headers: &[(&str, &str)]) -> Result<Self, (u16, Value)> {
        let mut request = format!("ws://{address}/graphql/ws").into_client_request().unwrap();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        }
        let socket = TcpStream::connect(address).await.unwrap();
        match client_async(request, socket).await {
            Ok((line, response)) => {
                assert_eq!(response.headers()["sec-websocket-protocol"], "graphql-transport-ws");
                Ok(Self(line))
            }
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                Err((response.status().as_u16(), serde_json::from_slice(body).unwrap_or_default()))
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// Opens a line and begins.
    pub(crate) async fn begun(address: SocketAddr) -> Self {
        let mut line = Self::open(address, &[PROTOCOL]).await.unwrap();
        line.say(&json!({ "type": "connection_init" })).await;
        assert_eq!(line.hear().await, Heard::Message(json!({ "type": "connection_ack" })));
        line
    }

    pub(crate) async fn say(&mut self, message: &Value) {
        self.send(Message::text(message.to_string())).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        // Where the other end has closed already, what it said is still to be heard.
        let _ = self.0.send(message).await;
    }

    pub(crate) async fn subscribe(&mut self, id: &str, payload: &Value) {
        self.say(&json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        loop {
            let message = timeout(Duration::from_secs(30), self.0.next()).await.expect("nothing is said");
            return match message {
                Some(Ok(Message::Text(text))) => Heard::Message(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => Heard::Closed(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Heard::Closed(None),
            };
        }
    }

    /// The payload of the next message, which must be this one's `next`.
    pub(crate) async fn next(&mut self, id: &str) -> Value {
        match self.hear().await {
            Heard::Message(message) if message["type"] == "next" && message["id"] == id => {
                message["payload"].clone()
            }
            other => panic!("{other:?}"),
        }
    }
}
