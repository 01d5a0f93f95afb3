//! What must never get out: keys, into anything at all; people's data, into what the operator sees. The binary runs at its most
//! talkative over a broad set of requests, good, bad and failing, and everything it says is searched.

use std::collections::BTreeSet;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use serde_json::Value;

use crate::harness::binary::{Gateway, Simulated, get, post, send};
use crate::harness::collector::Collector;

/// Everything about people that can be asked for.
const PEOPLE: &str = "{
    leads(first: 30) { nodes {
        id name firstName lastName email phone phoneE164 pageUrl attribution raw notes { text author }
        customFields { key label value }
        interactions(first: 3) { nodes { summary transcript(last: 5) { text } call { recording { link { url } } } raw } }
    } }
    conversations(first: 30) { nodes { id customer preview summary transcript(last: 20) { text } recording { link { url } } raw } }
}";

/// Texts of an answer that are about somebody: all but ids, names of sources and words of ours.
fn personal(answer: &Value, found: &mut BTreeSet<String>) {
    match answer {
        Value::Object(members) => {
            for (name, value) in members {
                if !matches!(name.as_str(), "id" | "key" | "label" | "requestId") {
                    personal(value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| personal(item, found)),
        // Shorter ones are words like "web" that logs may well hold.
        Value::String(text)
            if text.len() >= 9 && (text.contains([' ', '@', '+']) || text.contains("://")) =>
        {
            found.insert(text.clone());
        }
        _ => {}
    }
}

/// A text as it may have been written down: as it is, as JSON writes it, as a URL or a form does, in base64, in hex.
fn spellings(text: &str) -> Vec<String> {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let url: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let json = serde_json::to_string(text).unwrap();
    let base64 = |encoded: String| encoded.trim_end_matches('=').to_owned();
    vec![
        text.to_owned(),
        json.trim_matches('"').to_owned(),
        url.replace('+', "%20"),
        url,
        base64(BASE64_STANDARD.encode(text)),
        base64(BASE64_URL_SAFE.encode(text)),
        hex.to_uppercase(),
        hex,
    ]
}

/// A key's spellings, and its ends, by which it could be guessed.
fn traces(key: &str) -> Vec<String> {
    let mut traces = spellings(key);
    traces.push(key[..8].to_owned());
    traces.push(key[key.len() - 8..].to_owned());
    traces
}

/// Keys that no simulated vendor takes, and by which nothing else begins or ends.
const KEYS: [(&str, &str); 5] = [
    ("CANARY_CURSOR_KEY", "Q0FOQVJZLUNVUlNPUi1LRVktMDEyMzQ1Njc4OS1hYmM="),
    ("CANARY_SPELO_KEY", "spk_wq7rZk5XvN3Mt8Rb2Lp"),
    ("CANARY_CHATZURI_KEY", "Hd4Yc9Js6WfT1GvK8Pn3Qx"),
    ("CANARY_WEBHOOK_SECRET", "Yn4Rk8Xs1LdP6JwB9Fz3Gq"),
    ("CANARY_LEADSAIL_KEY", "Ub2Em7Ao5ZiR9SkC4Vt6Lw"),
];

/// A configuration of every account twice, the second time with a key of [`KEYS`].
fn twice(text: &str, collector: &str) -> String {
    let sources = &text[text.find("[[sources]]").unwrap()..];
    let canaries = sources.replace("name = \"", "name = \"canary-").replace("SIMULATED_", "CANARY_");
    format!(
        "{text}\n{canaries}\n[server]\nlisten = \"127.0.0.1:0\"\nmetrics_listen = \"127.0.0.1:0\"\n\
             [graphql]\nmax_upstream_calls = 10000\n[cursors]\nkey_env = \"CANARY_CURSOR_KEY\"\n\
             [telemetry]\notlp_endpoint = \"http://{collector}\"\nsample_percent = 100\n"
    )
}

fn found_in<'a>(text: &str, what: &'a [String]) -> Vec<&'a String> {
    what.iter().filter(|what| text.contains(what.as_str())).collect()
}

/// Asks for what is there, for what is not, and wrongly; with vendors that work, and that fail in every way.
fn provoke(gateway: &Gateway, simulated: &Simulated, people: &Value) -> Vec<String> {
    let mut answers = Vec::new();
    let lead = &people["data"]["leads"]["nodes"][0];
    let (id, email) = (lead["id"].as_str().unwrap(), lead["email"].as_str().unwrap_or("eve@example.com"));
    let name = lead["name"].as_str().unwrap();
    let queries = [
        format!("{{ node(id: \"{id}\") {{ ... on Lead {{ name email }} }} }}"),
        format!("{{ leads(first: 3, filter: {{ email: \"{email}\" }}) {{ nodes {{ name }} }} }}"),
        format!("{{ leads(first: 3, filter: {{ text: \"{name}\" }}) {{ nodes {{ name }} }} }}"),
        format!("{{ leads(first: 3, filter: {{ phone: \"{name}\" }}) {{ nodes {{ name }} }} }}"),
        format!("{{ leads(first: 3, after: \"{name}\") {{ nodes {{ name }} }} }}"),
        format!("{{ node(id: \"{email}\") {{ id }} }}"),
        format!("{{ {} }}", email.replace('@', " ")),
        format!("query Q($x: {}) {{ leads {{ nodes {{ id }} }} }}", name.replace(' ', "")),
        format!("{{ leads(first: \"{email}\") {{ nodes {{ id }} }} }}"),
        format!("{{ leads {{ nodes {{ id }} }} }} # {name} <{email}>"),
        "{ sources { name health { state lastError { code message } } quota { remaining } } }".to_owned(),
        "{ __schema { types { name fields { name } } } }".to_owned(),
    ];
    answers.extend(queries.iter().map(|query| gateway.ask(query)));
    for body in [
        format!("{{\"query\": \"{email}"),
        format!("\"{name}\""),
        format!("{{\"query\": 3, \"x\": \"{email}\"}}"),
    ] {
        answers.push(post(&gateway.address, &body));
    }
    let paths = [
        format!("/{email}"),
        format!("/graphql?query={email}"),
        "/".to_owned(),
        "/livez".to_owned(),
        "/metrics".to_owned(),
    ];
    answers.extend(paths.iter().map(|path| get(&gateway.address, path)));
    answers.push(send(&gateway.address, "DELETE", "/graphql", email));
    for account in ["spelo", "canary-spelo", "chatzuri", "leadsail", "nobody"] {
        let body =
            format!("{{\"event\":\"lead.created\",\"data\":{{\"name\":\"{name}\",\"email\":\"{email}\"}}}}");
        answers.push(send(&gateway.address, "POST", &format!("/webhooks/{account}"), &body));
    }
    let kinds = [
        "{\"kind\":\"html\"}",
        "{\"kind\":\"wrong_json\"}",
        "{\"kind\":\"truncate\"}",
        "{\"kind\":\"reset\"}",
        "{\"kind\":\"status\",\"status\":500}",
        "{\"kind\":\"status\",\"status\":404}",
        "{\"kind\":\"redirect\",\"location\":\"https://elsewhere.example/\"}",
        "{\"kind\":\"status\",\"status\":429,\"retry_after\":\"1\"}",
        "{\"kind\":\"status\",\"status\":401}",
    ];
    for (turn, kind) in kinds.iter().enumerate() {
        for (_, desk) in simulated.desks() {
            send(&desk, "PUT", "/_sim/faults", &format!("[{{\"fault\":{kind}}}]"));
        }
        // Each turn another page, so that the vendors are asked.
        let first = 40 + turn;
        answers.push(gateway.ask(&format!(
            "{{ leads(first: {first}, filter: {{ text: \"{name} {turn}\" }}) {{ nodes {{ email }} sources {{ error {{ message }} }} }} }}"
        )));
        answers.push(gateway.ask(&format!(
            "{{ leads(first: 2, filter: {{ email: \"{turn}{email}\" }}, onSourceFailure: FAIL) {{ nodes {{ email }} }} }}"
        )));
    }
    answers
}

#[test]
fn no_key_gets_out_and_no_personal_data_is_logged_counted_or_traced() {
    let simulated = Simulated::start("canary");
    let collector = Collector::start();
    simulated.overwrite(&twice(&simulated.text, &collector.address));
    let mut command = simulated.command(&["serve", "--log", "json"]);
    command.env("RUST_LOG", "trace").envs(KEYS);
    let mut gateway = Gateway::start(&mut command);

    let first = gateway.ask(PEOPLE);
    let people: Value = serde_json::from_str(first.split_once("\r\n\r\n").unwrap().1).unwrap();
    // Links to all recordings are more than the quota has; what came is enough.
    assert!(
        people["data"]["leads"].is_object() && people["data"]["conversations"].is_object(),
        "{}",
        people["errors"]
    );
    let mut answers = provoke(&gateway, &simulated, &people);
    answers.push(first);
    let metrics = gateway.metrics();
    // A configuration that is refused is told of; its values are not.
    simulated.write("[cursors]\nkey_env = \"SIMULATED_SPELO_KEY\"\n");
    gateway.reload("configuration was not taken; the one before goes on", 1);
    let log = gateway.log().join("\n");
    gateway.end();
    let sent = collector.text();
    assert!(collector.spans().len() > 100, "what happened was traced");
    assert!(log.contains("vendor call ended") && log.contains("answered"), "it was talkative");

    let simulated_keys = simulated.variables().into_iter().flat_map(|(_, key)| spellings(key));
    let canaries = KEYS.iter().flat_map(|(_, key)| traces(key));
    let decoded = traces("CANARY-CURSOR-KEY-0123456789-abc");
    let traces: Vec<String> = simulated_keys.chain(canaries).chain(decoded).collect();
    for (place, text) in [("the log", &log), ("metrics", &metrics), ("traces", &sent)] {
        assert_eq!(found_in(text, &traces), [""; 0], "in {place}");
    }
    for answer in &answers {
        assert_eq!(found_in(answer, &traces), [""; 0], "in {answer}");
    }
    assert!(log.contains("Unauthorized"), "keys were refused");

    let mut found = BTreeSet::new();
    personal(&people, &mut found);
    assert!(found.len() > 100, "{found:?}");
    for kind in ["@", "+1", "http"] {
        assert!(found.iter().any(|text| text.contains(kind)), "{kind} is among what is searched for");
    }
    for text in &found {
        for spelling in spellings(text) {
            assert!(!log.contains(&spelling), "{text} is in the log");
            assert!(!metrics.contains(&spelling), "{text} is in metrics");
            assert!(!sent.contains(&spelling), "{text} is in traces");
        }
    }
}

#[test]
fn every_line_about_a_request_bears_its_id() {
    let simulated = Simulated::start("ids");
    let mut command = simulated.command(&["serve", "--log", "json"]);
    let gateway = Gateway::start(command.env("RUST_LOG", "leadgraph=debug"));
    let body = "{\"query\":\"{ leads(first: 3) { nodes { id interactions(first: 1) { nodes { id } } } } }\"}";
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-request-id: canary-7\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = crate::harness::binary::raw(&gateway.address, &head);
    assert!(answer.to_lowercase().contains("x-request-id: canary-7"), "{answer}");
    gateway.waits_for("answered");
    let lines: Vec<Value> = gateway.log().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let calls: Vec<_> = lines.iter().filter(|line| line["message"] == "vendor call ended").collect();
    assert!(calls.len() > 3, "{calls:#?}");
    let id = |line: &Value| line["spans"][0]["request_id"].as_str().unwrap_or("none").to_owned();
    let ids: BTreeSet<String> = calls.iter().map(|line| id(line)).collect();
    assert_eq!(ids, BTreeSet::from(["canary-7".to_owned()]));
}
