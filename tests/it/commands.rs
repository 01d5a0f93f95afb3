//! The binary as a person or a script meets it: what it prints, and with which code it ends.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that panics has failed, which is what it is for"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use crate::harness::binary::{Running, Simulated, address, leadgraph, post};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/gateway.toml");
const QUERIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/queries");

fn output(command: &mut Command) -> (Output, String) {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    (output, said)
}

#[test]
fn check_tells_every_problem_with_its_line_and_ends_with_two() {
    let (output, said) = output(&mut leadgraph(&["check", "--config", EXAMPLE]));
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let unset = "is not set";
    assert_eq!(said.matches(unset).count(), 7, "{said}");
    let line = 1 + std::fs::read_to_string(EXAMPLE)
        .unwrap()
        .lines()
        .position(|l| l.contains("ACME_SPELO_KEY"))
        .unwrap();
    assert!(
        said.contains(&format!("{EXAMPLE}:{line}: environment variable ACME_SPELO_KEY {unset}")),
        "{said}"
    );
    assert!(said.ends_with("7 problems; nothing was started\n"), "{said}");
}

#[test]
fn check_of_a_right_file_names_its_sources() {
    let mut command = leadgraph(&["check", "--config", EXAMPLE]);
    command.env("LEADGRAPH_CURSOR_KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    for name in ["SPELO", "CHATZURI", "LEADSAIL"] {
        command.env(format!("ACME_{name}_KEY"), "spk_live_0123456789abcdef");
        command.env(format!("ACME_{name}_WEBHOOK_SECRET"), "whsec_0123456789abcdef");
    }
    let (output, said) = output(&mut command);
    assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
    assert_eq!(output.stdout, b"OK: acme-site, acme-chat, acme-leads\n");
}

#[test]
fn key_is_made_anew_with_the_line_that_the_configuration_needs() {
    let keys: Vec<String> = (0..2)
        .map(|_| {
            let (output, said) = output(&mut leadgraph(&["key"]));
            assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
            String::from_utf8(output.stdout).unwrap()
        })
        .collect();
    assert_ne!(keys[0], keys[1]);
    let key = keys[0].lines().find_map(|line| line.strip_prefix("#   ")).unwrap();
    let digest = leadgraph::callers::key::Digest::of(key);
    assert!(keys[0].lines().any(|line| line == format!("key_sha256 = \"{digest}\"")), "{}", keys[0]);
}

#[test]
fn file_that_is_missing_is_told_so() {
    let (output, said) = output(&mut leadgraph(&["serve", "--config", "/nowhere.toml"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("/nowhere.toml:1: the file cannot be read"), "{said}");
}

#[test]
fn address_in_use_is_told_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (output, said) = output(&mut leadgraph(&["demo", "--listen", &address]));
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
    assert!(said.contains("leadgraph demo --listen"), "{said}");
}

#[test]
fn schema_is_printed() {
    let (output, _) = output(&mut leadgraph(&["schema"]));
    assert_eq!(output.status.code(), Some(0));
    let schema = String::from_utf8(output.stdout).unwrap();
    for part in ["type Query", "leads(", "conversations(", "interactions(", "enum Vendor"] {
        assert!(schema.contains(part), "{part} is not in the schema");
    }
}

#[test]
fn demo_answers_every_example_over_all_vendors_and_ends_cleanly_on_sigterm() {
    let mut demo = Running::start(&["demo", "--listen", "127.0.0.1:0"]);
    let said = demo.until("Ctrl-C");
    for part in ["GraphiQL", "spelo", "chatzuri", "leadsail", "/_sim/faults", "'[]'", "writes = true"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let reply = post(
        address(&said, "GraphQL"),
        r#"{"query":"{ leads(first: 50) { nodes { vendor } incomplete } }"}"#,
    );
    assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
    for vendor in ["SPELO", "CHATZURI", "LEADSAIL", "\"incomplete\":false"] {
        assert!(reply.contains(vendor), "{vendor} is not in {reply}");
    }
    let mut following = Vec::new();
    for entry in std::fs::read_dir(QUERIES).unwrap() {
        let file = entry.unwrap().path();
        let query = std::fs::read_to_string(&file).unwrap();
        if query.contains("subscription ") {
            // It goes on until the gateway ends, and does not keep it from ending.
            following.push(follow(address(&said, "GraphQL"), &query));
            continue;
        }
        let reply = post(address(&said, "GraphQL"), &serde_json::json!({ "query": query }).to_string());
        let body = reply.split_once("\r\n\r\n").unwrap().1;
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert!(body.get("errors").is_none() && body["data"].is_object(), "{}: {body}", file.display());
    }
    demo.terminate();
    let start = Instant::now();
    let status = demo.child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(2), "nothing was under way");
    assert!(!following.is_empty());
    for mut stream in following {
        let mut told = String::new();
        stream.read_to_string(&mut told).unwrap();
        assert!(told.starts_with("HTTP/1.1 200 OK"), "{told}");
        assert!(told.ends_with("event: complete\ndata: \n\n\r\n0\r\n\r\n"), "{told:?}");
    }
}

/// Subscribes by an event stream, which stays open.
fn follow(address: &str, query: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    let body = serde_json::json!({ "query": query }).to_string();
    let length = body.len();
    write!(
        socket,
        "POST /graphql/stream HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    socket
}

#[test]
fn simulated_vendors_come_with_a_configuration_that_is_right() {
    let simulated = Simulated::start("check");
    let (output, problems) = output(&mut simulated.command(&["check"]));
    assert_eq!(output.status.code(), Some(0), "{problems}{}", simulated.text);
}

#[test]
fn served_configuration_answers_and_logs_json() {
    let simulated = Simulated::start("serve");
    let mut command = simulated.command(&["serve", "--log", "json"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut lines = Vec::new();
    let address = loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "it ended: {lines:?}");
        let entry: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = entry["address"].as_str().map(str::to_owned);
        lines.push(entry);
        if let Some(address) = address {
            break address;
        }
    };
    assert!(lines[0]["message"].as_str().unwrap().contains("[cursors]"), "a random cursor key is warned of");
    let reply = post(&address, r#"{"query":"{ sources { name } }"}"#);
    let status = Command::new("kill").arg(child.id().to_string()).status();
    let ended = child.wait().unwrap();
    assert!(status.unwrap().success());
    assert_eq!(ended.code(), Some(0));
    for name in ["chatzuri/", "leadsail", "spelo"] {
        assert!(reply.contains(name), "{name} is not in {reply}");
    }
}

#[test]
fn simulated_vendors_refuse_addresses_that_others_reach() {
    let (output, said) = output(&mut leadgraph(&["simulate", "--listen-base", "0.0.0.0:0"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("on loopback only"), "{said}");
}

/// The first page of leads of each simulated vendor of a world, as it comes over the wire, without the header `date`.
fn first_pages(seed: &str) -> Vec<String> {
    let now = "2026-05-11T12:00:00Z";
    let mut stand =
        Running::start(&["simulate", "--listen-base", "127.0.0.1:0", "--seed", seed, "--now", now]);
    let said = stand.until("api_key_env = \"SIMULATED_SPELO_KEY\"");
    let lists = [
        ("spelo", "/v1/public/leads", "authorization: Bearer "),
        ("chatzuri", "/api/v1/get-leads?agentId=agt_1", "authorization: Bearer "),
        ("leadsail", "/api/v1/leads", "x-api-key: "),
    ];
    let page = |(vendor, path, header): (&str, &str, &str)| {
        let label = format!("SIMULATED_{}_KEY=", vendor.to_uppercase());
        let key = said.split_once(&label).unwrap().1.lines().next().unwrap();
        let address = address(&said, &format!("#   {vendor} "));
        let mut socket = TcpStream::connect(address).unwrap();
        let head =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{header}{key}\r\n\r\n");
        socket.write_all(head.as_bytes()).unwrap();
        let mut reply = String::new();
        socket.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 20"), "{reply}");
        reply.split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    lists.into_iter().map(page).collect()
}

#[test]
fn same_seed_and_moment_show_the_same_first_pages() {
    let pages = first_pages("5");
    assert_eq!(pages, first_pages("5"));
    let others = first_pages("6");
    assert!(pages.iter().zip(&others).all(|(page, other)| page != other), "another seed is another world");
}
