//! Every class of hostile requests, on every way in: refused or harmless, by a short answer that repeats nothing, without a call
//! to a vendor; and the next request is answered as if nothing had been.

use serde_json::{Value, json};

use crate::harness::hostile::{Class, PERSONAL, Sent, classes};
use crate::harness::{Calls, Plan, Query, World};
use crate::subscriptions::line::{Heard, Line};

/// The longest answer, in bytes.
const LONGEST: usize = 16 * 1024;
/// The longest message of a WebSocket, in bytes.
const MESSAGE: usize = 64 * 1024;
const USUAL: &str = "{ leads(first: 3) { nodes { name } incomplete } }";

/// A gateway as strict as it is by default, which has answered the usual question already.
struct Stage {
    world: World,
    usual: Value,
    calls: Calls,
    wrong: Vec<String>,
}

impl Stage {
    async fn new() -> Self {
        let mut plan = Plan::new(30, 10);
        plan.graphql = leadgraph::graphql::Settings::default();
        plan.http.max_batch = 3;
        let world = plan.start().await;
        let usual = world.ask(USUAL).await.0;
        let calls = world.calls();
        Self { world, usual, calls, wrong: Vec::new() }
    }

    fn post(&self, path: &str, body: Vec<u8>) -> reqwest::RequestBuilder {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.post(format!("http://{}{path}", self.world.address())).body(body);
        request
            .header("content-type", "application/json")
            .header("accept", "text/event-stream, application/json")
    }

    /// Whether a class was told what it should be.
    fn judge(&mut self, class: &Class, answer: &Value, text: &str) {
        let code = answer["errors"][0]["extensions"]["code"].as_str();
        if code != class.code || (code.is_none() && answer["data"].is_null()) {
            self.wrong.push(format!("{}: {code:?}, not {:?}: {text:.300}", class.name, class.code));
        }
        if text.len() > LONGEST || text.contains(PERSONAL) {
            self.wrong.push(format!("{}: {} bytes: {text:.300}", class.name, text.len()));
        }
        if self.world.calls() != self.calls {
            self.wrong.push(format!("{}: a vendor was called", class.name));
        }
    }

    fn end(self) {
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
        assert_eq!(self.world.calls(), self.calls);
    }
}

/// The classes that are GraphQL's to refuse, with what they send.
fn requests() -> Vec<(Class, Value)> {
    let request = |class: Class| match &class.sent {
        Sent::Request(request) => Some((class.clone(), request.clone())),
        Sent::Body(_) => None,
    };
    let requests: Vec<_> = classes().into_iter().filter_map(request).collect();
    assert!(requests.len() >= 40, "there are more classes than {}", requests.len());
    requests
}

#[tokio::test]
async fn hostile_requests_are_refused_shortly_and_cost_nothing() {
    let mut stage = Stage::new().await;
    let classes = classes();
    assert!(classes.len() >= 50, "there are more classes than {}", classes.len());
    for class in classes {
        let request = stage.world.request(Query::from(USUAL)).body(class.body());
        let response = request.send().await.unwrap();
        assert!(!response.status().is_server_error(), "{}: {}", class.name, response.status());
        let text = String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned();
        stage.judge(&class, &serde_json::from_str(&text).unwrap_or_default(), &text);
        assert_eq!(stage.world.ask(USUAL).await.0, stage.usual, "after {}", class.name);
    }
    stage.end();
}

#[tokio::test]
async fn hostile_request_in_a_batch_is_refused_by_itself() {
    let mut stage = Stage::new().await;
    for (class, request) in requests() {
        let usual = json!({ "query": USUAL });
        let response = stage.post("/graphql", json!([usual, request, usual]).to_string().into_bytes());
        let response = response.send().await.unwrap();
        assert_eq!(response.status(), 200, "{}", class.name);
        let answers: Value = response.json().await.unwrap();
        let [before, hostile, after] = answers.as_array().unwrap().as_slice() else { panic!("{answers}") };
        stage.judge(&class, hostile, &hostile.to_string());
        assert_eq!((before, after), (&stage.usual, &stage.usual), "beside {}", class.name);
    }
    stage.end();
}

#[tokio::test]
async fn hostile_request_by_an_event_stream_is_refused_and_the_stream_ends() {
    let mut stage = Stage::new().await;
    for (class, request) in requests() {
        let response = stage.post("/graphql/stream", request.to_string().into_bytes()).send().await.unwrap();
        assert_eq!(response.status(), 200, "{}", class.name);
        let text = response.text().await.unwrap();
        let (said, end) = text.split_once("\n\n").unwrap();
        let said =
            said.strip_prefix("event: next\ndata: ").unwrap_or_else(|| panic!("{}: {text}", class.name));
        stage.judge(&class, &serde_json::from_str(said).unwrap(), said);
        assert_eq!(end, "event: complete\ndata: \n\n", "{}", class.name);
    }
    stage.end();
}

#[tokio::test]
async fn hostile_request_by_a_socket_is_refused_and_the_socket_lives_on() {
    let mut stage = Stage::new().await;
    let mut line = Line::begun(stage.world.address()).await;
    for (class, request) in requests() {
        line.subscribe("hostile", &request).await;
        let large =
            json!({ "type": "subscribe", "id": "hostile", "payload": request }).to_string().len() > MESSAGE;
        match line.hear().await {
            // What is too large for a message is none of GraphQL's.
            Heard::Closed(Some(1009)) if large => line = Line::begun(stage.world.address()).await,
            Heard::Message(told) if !large => {
                assert_eq!(told["id"], "hostile", "{}: {told}", class.name);
                let (answer, over) = match told["type"].as_str() {
                    Some("error") => (json!({ "errors": told["payload"] }), true),
                    _ => (told["payload"].clone(), false),
                };
                stage.judge(&class, &answer, &told.to_string());
                if !over {
                    let end = line.hear().await;
                    assert_eq!(
                        end,
                        Heard::Message(json!({ "type": "complete", "id": "hostile" })),
                        "{}",
                        class.name
                    );
                }
            }
            other => stage.wrong.push(format!("{}: {other:?}", class.name)),
        }
        line.subscribe("usual", &json!({ "query": USUAL })).await;
        assert_eq!(line.next("usual").await, stage.usual, "after {}", class.name);
        assert_eq!(line.hear().await, Heard::Message(json!({ "type": "complete", "id": "usual" })));
    }
    stage.end();
}

#[tokio::test]
async fn what_is_no_request_ends_a_socket_and_nothing_else() {
    let stage = Stage::new().await;
    for class in classes() {
        let Sent::Body(body) = &class.sent else { continue };
        let Ok(body) = std::str::from_utf8(body) else { continue };
        let mut line = Line::begun(stage.world.address()).await;
        let message = format!("{{\"type\":\"subscribe\",\"id\":\"hostile\",\"payload\":{body}}}");
        line.send(tokio_tungstenite::tungstenite::Message::text(message)).await;
        match line.hear().await {
            // Read so that nothing was executed, or, of what is much too large, not read at all.
            Heard::Closed(Some(4400 | 1009) | None) => {}
            // A member of the wrong kind is told apart from what is no message, and one that is there twice is harmless.
            Heard::Message(told) => {
                let code = told["payload"][0]["extensions"]["code"].as_str();
                assert_eq!(code, class.code, "{}: {told}", class.name);
            }
            other => panic!("{}: {other:?}", class.name),
        }
    }
    assert_eq!(stage.world.ask(USUAL).await.0, stage.usual);
    stage.end();
}
