//! A collector of traces: takes what is sent to it by HTTP, whatever it is, and keeps it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use prost::Message;

pub(crate) use opentelemetry_proto::tonic::trace::v1::Span;

/// One request: its head and its body.
pub(crate) type Taken = (String, Vec<u8>);

pub(crate) struct Collector {
    /// Where it listens.
    pub(crate) address: String,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let taken: Arc<Mutex<Vec<Taken>>> = Arc::default();
        let kept = Arc::clone(&taken);
        // Ends with the tests.
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || {
                    let mut socket = BufReader::new(socket);
                    while let Some(taken) = take(&mut socket) {
                        kept.lock().unwrap().push(taken);
                    }
                });
            }
        });
        Self { address, taken }
    }

    /// All requests so far.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    /// All bytes of all requests so far, as far as they are text.
    pub(crate) fn text(&self) -> String {
        let text = |(head, body): &Taken| format!("{head}{}", String::from_utf8_lossy(body));
        self.taken().iter().map(text).collect()
    }

    /// All spans so far, each with the attributes of what sent it.
    pub(crate) fn spans(&self) -> Vec<(Span, Vec<KeyValue>)> {
        let requests = self.taken().into_iter().map(|(head, body)| {
            assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
            ExportTraceServiceRequest::decode(&*body).unwrap()
        });
        let mut spans = Vec::new();
        for traced in requests.flat_map(|request| request.resource_spans) {
            let whose = traced.resource.unwrap_or_default().attributes;
            let all = traced.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.extend(all.map(|span| (span, whose.clone())));
        }
        spans
    }
}

/// Takes one request and answers that all is well.
fn take(socket: &mut BufReader<TcpStream>) -> Option<Taken> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if socket.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length =
        head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    socket.read_exact(&mut body).ok()?;
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
    socket.get_mut().write_all(answer.as_bytes()).ok()?;
    Some((head, body))
}

/// An attribute as text; empty where there is none.
pub(crate) fn attribute(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.clone()) {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => text,
        Some(AnyValue { value: Some(Value::IntValue(number)) }) => number.to_string(),
        Some(AnyValue { value: Some(Value::BoolValue(flag)) }) => flag.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}
