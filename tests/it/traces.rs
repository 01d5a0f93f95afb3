//! What a collector of traces gets, of the binary over simulated vendors.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use tokio::time::Instant;

use crate::harness::binary::{Gateway, Simulated, raw, send};
use crate::harness::collector::{Collector, Span, attribute};

const README: &str = include_str!("../../README.md");
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn serve(simulated: &Simulated, collector: &str) -> Gateway {
    simulated.write(&format!(
        "[telemetry]\notlp_endpoint = \"http://{collector}\"\nsample_percent = 100\nservice_name = \"leads of acme\"\n"
    ));
    Gateway::start(&mut simulated.command(&["serve", "--log", "json"]))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asks with further headers.
fn ask(gateway: &Gateway, headers: &str, body: &str) -> String {
    let length = body.len();
    raw(
        &gateway.address,
        &format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}\
             content-length: {length}\r\n\r\n{body}"
        ),
    )
}

/// What a span is, by its name.
fn kind(span: &Span) -> &'static str {
    match span.name.split(' ').next() {
        Some("operation") => "operation",
        Some("read") => "read",
        Some("call") => "call",
        Some("attempt") => "attempt",
        _ => "request",
    }
}

#[test]
fn request_is_traced_down_to_each_attempt_below_the_clients_own_span() {
    let (simulated, collector) = (Simulated::start("traces"), Collector::start());
    let mut gateway = serve(&simulated, &collector.address);
    let body =
        r#"{"query":"query Confidential { leads(first: 3, filter: {text: \"Murphy\"}) { nodes { id } } }"}"#;
    let headers = format!("traceparent: 00-{TRACE}-{PARENT}-00\r\nx-request-id: t-1\r\n");
    assert!(ask(&gateway, &headers, body).starts_with("HTTP/1.1 200"));
    let (_, spelo) = simulated.desks().into_iter().find(|(name, _)| *name == "spelo").unwrap();
    send(&spelo, "PUT", "/_sim/faults", r#"[{"fault":{"kind":"status","status":503}}]"#);
    let failing = format!("traceparent: 00-{}-{PARENT}-01\r\n", TRACE.replace('0', "1"));
    let body = r#"{"query":"{ conversations(first: 3, filter: {vendors: [SPELO]}) { nodes { id } } }"}"#;
    assert!(ask(&gateway, &failing, body).contains("SOURCES_UNAVAILABLE"));
    gateway.end();

    let all = collector.spans();
    for (span, whose) in &all {
        assert_eq!(attribute(whose, "service.name"), "leads of acme", "{}", span.name);
        assert_eq!(attribute(whose, "service.version"), env!("CARGO_PKG_VERSION"));
        assert!(span.events.is_empty() && span.links.is_empty(), "{span:?}");
    }
    let of = |trace: &str, what: &str| -> Vec<Span> {
        let spans = all.iter().map(|(span, _)| span).filter(|span| hex(&span.trace_id) == trace);
        spans.filter(|span| kind(span) == what).cloned().collect()
    };
    let [request] = &of(TRACE, "request")[..] else { panic!("{all:#?}") };
    assert_eq!((request.name.as_str(), hex(&request.parent_span_id).as_str()), ("POST /graphql", PARENT));
    let told = |span: &Span, key: &str| attribute(&span.attributes, key);
    assert_eq!(told(request, "http.response.status_code"), "200");
    assert_eq!(told(request, "leadgraph.request_id"), "t-1");
    let [operation] = &of(TRACE, "operation")[..] else { panic!("{all:#?}") };
    assert_eq!(operation.parent_span_id, request.span_id);
    assert_eq!(told(operation, "graphql.operation.type"), "query");
    // The first 16 digits of the hash of `Confidential`.
    assert_eq!(told(operation, "leadgraph.operation.name_hash"), "a3e83aee8605fad9");
    assert_eq!(told(operation, "leadgraph.outcome"), "ok");
    let reads = of(TRACE, "read");
    let sources: BTreeSet<String> = reads.iter().map(|read| told(read, "leadgraph.source")).collect();
    assert!(sources.contains("spelo") && sources.contains("leadsail"), "{sources:?}");
    let calls = of(TRACE, "call");
    assert_eq!(calls.len().to_string(), told(operation, "leadgraph.calls.spent"), "{calls:#?}");
    for read in &reads {
        assert_eq!(read.parent_span_id, operation.span_id, "{read:?}");
    }
    for call in &calls {
        let read = reads.iter().find(|read| read.span_id == call.parent_span_id);
        assert!(
            read.is_some_and(|read| told(call, "leadgraph.account")
                .starts_with(told(read, "leadgraph.source").split('/').next().unwrap())),
            "{call:?}"
        );
        assert_eq!(
            (told(call, "leadgraph.outcome"), told(call, "leadgraph.attempts")),
            ("ok".into(), "1".into())
        );
    }
    let attempts = of(TRACE, "attempt");
    assert_eq!(attempts.len(), calls.len());
    assert!(attempts.iter().all(|attempt| calls.iter().any(|call| call.span_id == attempt.parent_span_id)));

    // One that fails, and is tried again.
    let failing = TRACE.replace('0', "1");
    let [call] = &of(&failing, "call")[..] else { panic!("{all:#?}") };
    assert_eq!(told(call, "leadgraph.attempts"), "2");
    assert_eq!(told(call, "leadgraph.outcome"), "vendor_error");
    let attempts = of(&failing, "attempt");
    let numbers: BTreeSet<String> =
        attempts.iter().map(|attempt| told(attempt, "leadgraph.attempt")).collect();
    assert_eq!(numbers, BTreeSet::from(["1".to_owned(), "2".to_owned()]));
    assert!(attempts.iter().all(|attempt| told(attempt, "http.response.status_code") == "503"));
    let error = 2;
    for what in ["operation", "read", "call", "attempt"] {
        let status = of(&failing, what)[0].status.as_ref().map(|status| status.code);
        assert_eq!(status, Some(error), "{what}");
    }
    // What the client said is in none of it.
    let text = collector.text();
    assert!(text.contains("leads.list"), "it is what was sent");
    for said in ["Confidential", "Murphy", "nodes"] {
        assert!(!text.contains(said), "{said}");
    }
}

#[test]
fn parent_that_is_none_is_ignored() {
    let (simulated, collector) = (Simulated::start("traces-parent"), Collector::start());
    let mut gateway = serve(&simulated, &collector.address);
    let zero = "0".repeat(32);
    let wrong = [
        String::new(),
        "traceparent: \r\n".to_owned(),
        "traceparent: nonsense\r\n".to_owned(),
        format!("traceparent: ff-{TRACE}-{PARENT}-01\r\n"),
        format!("traceparent: 00-{zero}-{PARENT}-01\r\n"),
        format!("traceparent: 00-{TRACE}-{}-01\r\n", &zero[..16]),
        format!("traceparent: 00-{}-{PARENT}-01\r\n", &TRACE[1..]),
        format!("traceparent: 00-{TRACE}-{PARENT}-01\r\ntraceparent: 00-{TRACE}-{PARENT}-01\r\n"),
    ];
    for (number, headers) in wrong.iter().enumerate() {
        let headers = format!("x-request-id: none-{number}\r\n{headers}");
        let body = r#"{"query":"{ __typename }"}"#;
        assert!(ask(&gateway, &headers, body).starts_with("HTTP/1.1 200"), "{headers}");
    }
    gateway.end();
    let spans = collector.spans();
    let id = |span: &Span| attribute(&span.attributes, "leadgraph.request_id");
    // By their ids: a span may be sent twice, and one of another gateway may come to an address that was given out again.
    let is_ours = |span: &&Span| kind(span) == "request" && id(span).starts_with("none-");
    let requests: Vec<_> = spans.iter().map(|(span, _)| span).filter(is_ours).collect();
    let ids: BTreeSet<String> = requests.iter().map(|span| id(span)).collect();
    assert_eq!(ids.len(), wrong.len(), "{ids:?}");
    for request in &requests {
        assert!(request.parent_span_id.is_empty() && hex(&request.trace_id) != TRACE, "{request:?}");
    }
}

#[test]
fn vendors_are_told_of_no_trace() {
    let (simulated, collector, vendor) =
        (Simulated::start("traces-vendors"), Collector::start(), Collector::start());
    let source = format!(
        "[[sources]]\nname = \"own\"\nvendor = \"spelo\"\napi_key_env = \"SIMULATED_SPELO_KEY\"\nbase_url = \"http://{}\"\n",
        vendor.address
    );
    simulated.overwrite(&format!(
        "{source}[server]\nlisten = \"127.0.0.1:0\"\n[telemetry]\notlp_endpoint = \"http://{}\"\nsample_percent = 100\n",
        collector.address
    ));
    let mut gateway = Gateway::start(&mut simulated.command(&["serve", "--log", "json"]));
    let headers = format!("traceparent: 00-{TRACE}-{PARENT}-01\r\ntracestate: a=b\r\nbaggage: c=d\r\n");
    ask(&gateway, &headers, r#"{"query":"{ leads { nodes { id } } }"}"#);
    gateway.end();
    let asked = vendor.taken();
    assert!(!asked.is_empty());
    for (head, _) in asked {
        let head = head.to_lowercase();
        for name in ["trace", "baggage", "b3", TRACE] {
            assert!(!head.contains(name), "{name}: {head}");
        }
    }
    assert!(collector.spans().iter().any(|(span, _)| kind(span) == "call"));
}

#[test]
fn collector_that_is_down_holds_nobody_up() {
    let simulated = Simulated::start("traces-down");
    // Whoever had it has left.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut gateway = serve(&simulated, &closed.to_string());
    for _ in 0..3 {
        assert!(gateway.ask("{ sources { name } }").starts_with("HTTP/1.1 200"));
    }
    let start = Instant::now();
    gateway.end();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    gateway.waits_for("traces cannot be delivered");
}

#[test]
fn table_of_spans_in_the_readme_is_what_is_sent() {
    let (simulated, collector) = (Simulated::start("traces-table"), Collector::start());
    let mut gateway = serve(&simulated, &collector.address);
    ask(&gateway, "", r#"{"query":"query Named { leads(first: 3) { nodes { id } } }"}"#);
    gateway.end();
    let mut sent: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (span, _) in collector.spans() {
        let keys = span.attributes.iter().map(|KeyValue { key, .. }| key.clone());
        sent.entry(kind(&span)).or_default().extend(keys);
    }
    let table = README.split_once("| Span |").unwrap().1.split_once("\n\n").unwrap().0;
    let rows = table.lines().skip(2).map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let rows: BTreeMap<&str, BTreeSet<String>> = rows
        .map(|cells| {
            let words = cells[2].split('`').skip(1).step_by(2).map(str::to_owned);
            (cells[1].trim_matches('`'), words.collect())
        })
        .collect();
    assert_eq!(rows, sent);
}
