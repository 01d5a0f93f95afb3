//! Simulated vendors send webhooks on command: in their own words, signed as they sign, and as badly as they are told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::harness::{CHATZURI, LEADSAIL, Plan, SPELO, World, elements};

const SECRET: &str = "whsec_of_this_test";

/// One request that a receiver got.
struct Got {
    headers: HeaderMap,
    raw: Bytes,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn body(&self) -> Value {
        serde_json::from_slice(&self.raw).unwrap()
    }
}

/// Vendors, and someone who listens.
struct Bench {
    world: World,
    got: Arc<Mutex<Vec<Got>>>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Bench {
    async fn start(vendor: &'static str) -> Self {
        let world = Plan::new(40, 20).only(&[vendor]).start().await;
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let store = Arc::clone(&got);
        let receive = move |headers: HeaderMap, raw: Bytes| async move {
            store.lock().unwrap().push(Got { headers, raw });
            axum::http::StatusCode::ACCEPTED
        };
        let router = axum::Router::new().route("/hooks", axum::routing::post(receive));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { world, got, address, task }
    }

    /// Gives the vendor an order; answers the desk's status and body.
    async fn order(&self, vendor: &str, event: &str, more: Value) -> (u16, String) {
        let mut order =
            json!({"url": format!("http://{}/hooks?x=1", self.address), "secret": SECRET, "event": event});
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let desk = format!("http://{}/_sim/webhooks", self.world.vendor(vendor).address);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let response = client.post(desk).json(&order).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// What the receiver got by an order that was carried out.
    async fn sent(&self, vendor: &str, event: &str, more: Value) -> Vec<Got> {
        let (status, text) = self.order(vendor, event, more).await;
        assert_eq!(status, 200, "{text}");
        let got = std::mem::take(&mut *self.got.lock().unwrap());
        let outcomes: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(outcomes.len(), got.len());
        assert!(outcomes.iter().all(|one| one["status"] == 202 && one["event"] == event), "{text}");
        got
    }

    async fn one(&self, vendor: &str, event: &str, more: Value) -> Got {
        let mut got = self.sent(vendor, event, more).await;
        assert_eq!(got.len(), 1);
        got.remove(0)
    }

    /// The vendor's leads, newest first.
    fn leads(&self, vendor: &str) -> Vec<String> {
        let mut leads = self.world.vendor(vendor).vendor.leads();
        leads.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
        leads.into_iter().map(|(id, _)| id).collect()
    }

    /// The vendor's own answer.
    async fn get(&self, vendor: &str, path: &str) -> Value {
        let simulator = self.world.vendor(vendor);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request =
            client.get(format!("http://{}{path}", simulator.address)).bearer_auth(simulator.vendor.key());
        request.send().await.unwrap().json().await.unwrap()
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn verifies<M: Mac + KeyInit>(hex: &str, signed: &[u8]) -> bool {
    let mut mac = <M as KeyInit>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(signed);
    mac.verify_slice(&bytes(hex)).is_ok()
}

fn sha256(signature: &str, signed: &[u8]) -> bool {
    verifies::<Hmac<Sha256>>(signature.strip_prefix("sha256=").unwrap(), signed)
}

/// Whether Spelo signed time and body, and whether it signed the body alone.
fn spelo_signed(got: &Got) -> (bool, bool) {
    let signature = got.header("x-spelo-signature");
    let with_time = [got.header("x-spelo-timestamp").as_bytes(), b".", &got.raw].concat();
    (sha256(signature, &with_time), sha256(signature, &got.raw))
}

fn age_secs(at: Timestamp) -> i64 {
    Timestamp::now().as_second() - at.as_second()
}

#[tokio::test]
async fn spelo_signs_time_and_body_or_the_body_alone() {
    let bench = Bench::start(SPELO).await;
    let newest = &bench.leads(SPELO)[0];
    for (variant, expected) in [
        (json!({}), (true, false)),
        (json!({"variant": "ts.body"}), (true, false)),
        (json!({"variant": "body"}), (false, true)),
    ] {
        let got = bench.one(SPELO, "lead.captured", variant.clone()).await;
        assert_eq!(spelo_signed(&got), expected, "{variant}");
        assert_eq!(got.header("x-spelo-event"), "lead.captured");
        let body = got.body();
        assert!(body["id"].as_str().unwrap().starts_with("evt_"));
        assert_eq!(body["type"], "lead.captured");
        let told = bench.get(SPELO, &format!("/v1/public/leads/{newest}")).await;
        assert!(told.to_string().contains(&body["data"]["lead"].to_string()), "{told} {body}");
        assert_eq!(body["site_id"], body["data"]["lead"]["site_id"]);
        let age = age_secs(body["created_at"].as_str().unwrap().parse().unwrap());
        assert!((0..60).contains(&age), "{age}");
    }
}

#[tokio::test]
async fn spelo_names_a_conversation_that_it_tells() {
    let bench = Bench::start(SPELO).await;
    let leads = bench.leads(SPELO);
    let got = bench.sent(SPELO, "conversation.ended", json!({"leads": leads})).await;
    for (lead, got) in leads.iter().zip(&got) {
        let body = got.body();
        let id = body["data"]["conversation_id"].as_str().unwrap();
        let told = bench.get(SPELO, &format!("/v1/public/conversations/{id}")).await.to_string();
        assert!(told.contains(id) && told.contains("started_at"), "{told}");
        let lead = bench.get(SPELO, &format!("/v1/public/leads/{lead}")).await.to_string();
        assert!(lead.contains(id) || lead.contains(r#""conversation_id":null"#), "{lead}");
    }
}

#[tokio::test]
async fn chatzuri_speaks_in_three_ways_and_names_the_conversation_of_the_lead() {
    let bench = Bench::start(CHATZURI).await;
    let lead = &bench.leads(CHATZURI)[0];
    let path = |what, size| format!("/api/v1/{what}?agentId=agt_1&size={size}");
    let told = bench.get(CHATZURI, &path("get-leads", 1)).await["data"][0].clone();
    assert_eq!(told["id"].to_string().trim_matches('"'), lead);
    let talks = bench.get(CHATZURI, &path("get-conversations", 100)).await;

    let older = bench.one(CHATZURI, "lead.submit", json!({"variant": "A"})).await;
    let body = older.body();
    assert_eq!((&body["eventType"], &body["chatbotId"]), (&json!("leads.submit"), &json!("agt_1")));
    let current = bench.one(CHATZURI, "lead.submit", json!({"variant": "B"})).await;
    assert_eq!(
        current.body(),
        json!({"eventType": "lead.submit", "agentId": "agt_1", "payload": body["payload"]})
    );
    for got in [&older, &current] {
        assert!(verifies::<Hmac<Sha1>>(got.header("x-chatzuri-signature"), &got.raw));
    }
    let payload = &body["payload"];
    assert_eq!((&payload["customerEmail"], &payload["customerName"]), (&told["email"], &told["name"]));
    let talk = elements(&talks["data"]).iter().find(|talk| talk["id"] == payload["conversationId"]).unwrap();
    let greeting = format!("I am {}.", told["name"].as_str().unwrap());
    assert!(talk["messages"].to_string().contains(&greeting), "{talk}");

    let guide = bench.one(CHATZURI, "lead.submit", json!({})).await;
    assert!(sha256(guide.header("x-chatzuri-signature"), &guide.raw));
    let body = guide.body();
    assert_eq!((&body["event"], &body["agent_id"]), (&json!("lead.submit"), &json!("agt_1")));
    assert_eq!((&body["data"]["email"], &body["data"]["name"]), (&told["email"], &told["name"]));
    assert!(body["data"]["channel"].is_string() && body["data"].get("conversationId").is_none());

    for (variant, data) in [("B", "payload"), ("C", "data")] {
        let got = bench.one(CHATZURI, "message.received", json!({"variant": variant})).await.body();
        assert_eq!(got[data]["conversationId"], payload["conversationId"]);
        assert!(got.to_string().contains(r#""channel":"whatsapp""#), "{got}");
    }
    let (status, text) = bench.order(CHATZURI, "message.received", json!({"variant": "A"})).await;
    assert_eq!(status, 400, "{text}");
}

#[tokio::test]
async fn leadsail_shows_the_secret_in_the_header_of_the_customers_choice() {
    let bench = Bench::start(LEADSAIL).await;
    let lead = &bench.leads(LEADSAIL)[0];
    let got = bench.one(LEADSAIL, "lead.delivered", json!({})).await;
    assert_eq!(got.header("x-webhook-secret"), SECRET);
    let body = got.body();
    assert_eq!((&body["event"], &body["leadId"]), (&json!("lead.delivered"), &json!(lead)));
    for field in ["submissionId", "campaignId", "status", "timestamp"] {
        assert!(body[field].is_string(), "{field}: {body}");
    }
    assert!(body["data"]["firstName"].is_string());
    let other = bench.one(LEADSAIL, "lead.failed", json!({"header": "X-Of-Ours"})).await;
    assert_eq!(other.header("x-of-ours"), SECRET);
    assert!(!other.headers.contains_key("x-webhook-secret"));
    assert_eq!(other.body()["submissionId"], body["submissionId"]);
    let wrong = bench.one(LEADSAIL, "lead.queued", json!({"wrong_signature": true})).await;
    assert_ne!(wrong.header("x-webhook-secret"), SECRET);
    assert_eq!(bench.order(LEADSAIL, "lead.failed", json!({"variant": "A"})).await.0, 400);
    assert_eq!(bench.order(LEADSAIL, "lead.failed", json!({"header": "no header"})).await.0, 400);
}

#[tokio::test]
async fn wrong_signatures_do_not_verify() {
    let wrong = json!({"wrong_signature": true});
    let bench = Bench::start(SPELO).await;
    assert_eq!(spelo_signed(&bench.one(SPELO, "lead.updated", wrong.clone()).await), (false, false));
    let bench = Bench::start(CHATZURI).await;
    let got = bench.one(CHATZURI, "lead.submit", wrong).await;
    assert!(!sha256(got.header("x-chatzuri-signature"), &got.raw));
    let older = json!({"wrong_signature": true, "variant": "A"});
    let got = bench.one(CHATZURI, "lead.submit", older).await;
    assert!(!verifies::<Hmac<Sha1>>(got.header("x-chatzuri-signature"), &got.raw));
}

#[tokio::test]
async fn stale_events_are_old_and_still_signed() {
    let stale = json!({"stale_secs": 900});
    let is_old = |at: Timestamp| assert!((900..960).contains(&age_secs(at)), "{at}");
    let bench = Bench::start(SPELO).await;
    let got = bench.one(SPELO, "lead.captured", stale.clone()).await;
    is_old(Timestamp::from_millisecond(got.header("x-spelo-timestamp").parse().unwrap()).unwrap());
    assert!(spelo_signed(&got).0);
    let bench = Bench::start(LEADSAIL).await;
    let got = bench.one(LEADSAIL, "lead.processed", stale).await;
    is_old(got.body()["timestamp"].as_str().unwrap().parse().unwrap());
}

#[tokio::test]
async fn copies_are_the_same_and_shuffled_events_are_all_there_in_another_order() {
    let bench = Bench::start(SPELO).await;
    let got = bench.sent(SPELO, "lead.captured", json!({"copies": 3})).await;
    assert_eq!(got.len(), 3);
    assert!(got.iter().all(|one| one.raw == got[0].raw && one.headers == got[0].headers));

    let leads = bench.leads(SPELO)[..12].to_vec();
    let order_of = |got: Vec<Got>| -> Vec<String> {
        got.iter().map(|one| one.body()["data"]["lead"]["id"].as_str().unwrap().to_owned()).collect()
    };
    let straight = bench.sent(SPELO, "lead.captured", json!({"leads": leads})).await;
    assert_eq!(order_of(straight), leads);
    let mut shuffled =
        order_of(bench.sent(SPELO, "lead.captured", json!({"leads": leads, "shuffle": true})).await);
    assert_ne!(shuffled, leads);
    let mut sorted = leads.clone();
    sorted.sort();
    shuffled.sort();
    assert_eq!(shuffled, sorted);
}

#[tokio::test]
async fn orders_that_leave_this_machine_or_make_no_sense_are_refused() {
    let bench = Bench::start(SPELO).await;
    let wrong = [
        (json!({"url": "http://192.0.2.1/hooks"}), "loopback"),
        (json!({"url": "http://example.com/hooks"}), "loopback"),
        (json!({"url": "http://localhost.example.com/"}), "loopback"),
        (json!({"url": "https://127.0.0.1/hooks"}), "loopback"),
        (json!({"url": "http://[::ffff:192.0.2.1]/"}), "loopback"),
        (json!({"event": "lead.exploded"}), "lead.captured"),
        (json!({"variant": "C"}), "ts.body"),
        (json!({"leads": ["no-such-lead"]}), "no-such-lead"),
        (json!({"copies": 0}), "1 to 10"),
        (json!({"copies": 11}), "1 to 10"),
        (json!({"header": "X-Mine"}), "header"),
    ];
    for (more, sentence) in wrong {
        let (status, text) = bench.order(SPELO, "lead.captured", more.clone()).await;
        assert_eq!(status, 400, "{more}: {text}");
        assert!(text.contains(sentence), "{more}: {text}");
        assert!(!text.contains(SECRET));
    }
    let (status, _) = bench.order(SPELO, "lead.captured", json!({"unheard_of": 1})).await;
    assert_eq!(status, 422);
    assert!(bench.got.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_delivery_that_nobody_takes_has_status_zero() {
    let bench = Bench::start(LEADSAIL).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (status, text) =
        bench.order(LEADSAIL, "lead.failed", json!({"url": format!("http://{closed}/")})).await;
    assert_eq!(status, 200, "{text}");
    let outcomes: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(outcomes, json!([{"event": "lead.failed", "lead": bench.leads(LEADSAIL)[0], "status": 0}]));
}
