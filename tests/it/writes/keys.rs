//! Writes by callers with keys, on the binary: who may, at which sources, and what is said to those who may not.

use leadgraph::callers::key::Digest;
use serde_json::{Value, json};

use super::UPDATE;
use crate::harness::binary::{Gateway, Simulated, raw, send};

/// A caller whose key is its name.
fn caller(name: &str, scopes: &str, more: &str) -> String {
    let key = Digest::of(name);
    format!("[[callers]]\nname = \"{name}\"\nkey_sha256 = \"{key}\"\nscopes = [{scopes}]\n{more}")
}

/// The status and the body of what a caller is answered.
fn ask(gateway: &Gateway, key: &str, query: &str, variables: &Value) -> (u16, Value) {
    let (address, body) = (&gateway.address, json!({"query": query, "variables": variables}).to_string());
    let length = body.len();
    let reply = raw(
        address,
        &format!(
            "POST /graphql HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
    );
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

fn newest(gateway: &Gateway, vendor: &str) -> String {
    let query = "query($of: [Vendor!]) { leads(first: 1, filter: { vendors: $of }) { nodes { id } } }";
    let (_, answer) = ask(gateway, "writer", query, &json!({"of": [vendor]}));
    answer["data"]["leads"]["nodes"][0]["id"].as_str().unwrap().to_owned()
}

/// How often a simulated vendor was sent a write.
fn writes(simulated: &Simulated, vendor: &str) -> usize {
    let (_, desk) = simulated.desks().into_iter().find(|(name, _)| *name == vendor).unwrap();
    send(&desk, "GET", "/_sim/calls", "").matches("\"PATCH\"").count()
}

#[test]
fn binary_lets_those_write_who_may_where_they_may() {
    let simulated = Simulated::start("keys");
    let callers = [
        caller("reader", "\"leads:read\", \"pii:read\"", ""),
        caller("writer", "\"leads:read\", \"leads:write\"", ""),
        caller("partner", "\"leads:read\", \"leads:write\"", "sources = [\"leadsail\"]\n"),
    ]
    .concat();
    // Spelo, whose table is the last, is open to writes; LeadSail is not.
    let (before, leadsail) = simulated.text.split_once("name = \"leadsail\"").unwrap();
    let closed = format!("{before}name = \"leadsail\"{}", leadsail.replacen("writes = true\n", "", 1));
    simulated.overwrite(&format!("{closed}\nwrites = true\n[server]\nlisten = \"127.0.0.1:0\"\n{callers}"));
    let gateway = Gateway::start(&mut simulated.command(&["serve", "--log", "json"]));
    let (spelo, leadsail) = (newest(&gateway, "SPELO"), newest(&gateway, "LEADSAIL"));
    let order = |key: &str, lead: &str| {
        let (status, answer) = ask(&gateway, key, UPDATE, &json!({"input": {"id": lead, "notes": "by key"}}));
        (status, answer)
    };

    let (status, refused) = order("reader", &spelo);
    assert_eq!(
        (status, &refused["errors"][0]["extensions"]["code"]),
        (403, &json!("FORBIDDEN")),
        "{refused}"
    );
    assert_eq!(refused["errors"][0]["extensions"]["scopes"], json!(["leads:write"]));
    assert_eq!(order("nobody", &spelo).0, 401);
    let error = |answer: &Value| answer["data"]["updateLead"]["userErrors"][0]["code"].clone();
    assert_eq!(error(&order("writer", &leadsail).1), "FORBIDDEN", "the source is not open to writes");
    // What is not theirs to see is not there.
    assert!(["NOT_FOUND", "INVALID"].map(Value::from).contains(&error(&order("partner", &spelo).1)));
    assert_eq!((writes(&simulated, "spelo"), writes(&simulated, "leadsail")), (0, 0));

    let (status, answer) = order("writer", &spelo);
    let payload = &answer["data"]["updateLead"];
    assert_eq!((status, &payload["outcome"]), (200, &json!("APPLIED")), "{answer}");
    assert_eq!(payload["lead"]["notes"][0]["text"], "***", "who may write need not be who may read");
    assert_eq!((writes(&simulated, "spelo"), writes(&simulated, "leadsail")), (1, 0));
    let audits = gateway.log().into_iter().filter(|line| line.contains("leadgraph::audit"));
    let audits: Vec<Value> = audits.map(|line| serde_json::from_str(&line).unwrap()).collect();
    let told: Vec<_> = audits.iter().map(|line| (&line["caller"], &line["outcome"])).collect();
    let expected = [("writer", "NotApplied"), ("partner", "NotApplied"), ("writer", "Applied")];
    assert_eq!(json!(told), json!(expected));
}
