//! Webhooks: who is believed (`proof`), what comes of it (`effects`), once however often it comes (`restarts`), and too much of it
//! (`flood`).

mod effects;
mod flood;
mod proof;
mod restarts;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;

use crate::harness::{CHATZURI, LEADSAIL, Plan, SECRETS, SPELO, World};

/// A delivery, to be spoilt and sent.
#[derive(Clone)]
struct Parcel {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn hmac<M: Mac + KeyInit>(secret: &str, parts: &[&[u8]]) -> String {
    let mut mac = <M as KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(secret: &str, parts: &[&[u8]]) -> String {
    format!("sha256={}", hmac::<Hmac<Sha256>>(secret, parts))
}

fn sha1(secret: &str, body: &[u8]) -> String {
    hmac::<Hmac<Sha1>>(secret, &[body])
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

impl Parcel {
    /// As a vendor would send it: signed with this secret, at this moment.
    fn signed(vendor: &str, body: &Value, secret: &str, at_ms: i64) -> Self {
        Self::written(vendor, &body.to_string(), secret, at_ms)
    }

    /// [`signed`](Self::signed), to the letter.
    fn written(vendor: &str, body: &str, secret: &str, at_ms: i64) -> Self {
        let body = body.as_bytes().to_vec();
        let headers = match vendor {
            SPELO => {
                let time = at_ms.to_string();
                let signature = sha256(secret, &[time.as_bytes(), b".", &body]);
                vec![("x-spelo-signature", signature), ("x-spelo-timestamp", time)]
            }
            CHATZURI => vec![("x-chatzuri-signature", sha256(secret, &[&body]))],
            _ => vec![("x-webhook-secret", secret.to_owned())],
        };
        Self { method: "POST", path: vendor.to_owned(), headers, body }
    }

    fn of(vendor: &str, body: &Value) -> Self {
        Self::signed(vendor, body, SECRETS[0], now_ms())
    }

    /// Says something else in its first header, which is the one that proves it.
    fn proof(mut self, change: impl FnOnce(&str) -> String) -> Self {
        self.headers[0].1 = change(&self.headers[0].1);
        self
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    async fn send(self, world: &World) -> u16 {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        self.send_by(&client, world).await
    }

    async fn send_by(self, client: &reqwest::Client, world: &World) -> u16 {
        let mut request = client.request(self.method.parse().unwrap(), world.postbox(&self.path));
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let response = request.body(self.body).send().await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(response.text().await.unwrap(), "", "no answer tells more than its status");
        status
    }
}

/// News of a lead in the words of each vendor; of an id that is nobody's, so that it costs one call to find out.
fn body(vendor: &str, id: &str) -> Value {
    match vendor {
        SPELO => json!({
            "id": format!("evt_{id}"), "type": "lead.updated", "created_at": "2026-05-11T12:00:00Z",
            "site_id": "s_1", "data": {"lead_id": id},
        }),
        CHATZURI => json!({
            "event": "conversation.ended", "timestamp": "2026-05-11T12:00:00Z", "agent_id": "agt_1",
            "data": {"conversationId": id},
        }),
        _ => json!({
            "event": "lead.processed", "leadId": id, "submissionId": "sub_1", "campaignId": "c_1", "status": "new",
            "timestamp": "2026-05-11T12:00:00Z", "data": {"firstName": "Ada"},
        }),
    }
}

const VENDORS: [&str; 3] = [CHATZURI, LEADSAIL, SPELO];

fn plan() -> Plan {
    VENDORS.iter().fold(Plan::new(20, 10), |plan, vendor| plan.webhook(vendor, ""))
}

/// Waits for something that is about to happen.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}
