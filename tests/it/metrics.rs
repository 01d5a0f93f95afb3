//! What the operator reads at `/metrics`, of the binary over simulated vendors.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::harness::binary::{Gateway, Simulated, get, post, raw};

const README: &str = include_str!("../../README.md");

fn serve(simulated: &Simulated) -> Gateway {
    simulated.write("metrics_listen = \"127.0.0.1:0\"\n");
    Gateway::start(&mut simulated.command(&["serve", "--log", "json"]))
}

/// The value of a series, or 0 where there is none.
fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

/// The sum of all series of a metric with labels.
fn sum(metrics: &str, name: &str, labels: &[&str]) -> f64 {
    let lines = metrics.lines().filter(|line| line.starts_with(&format!("{name}{{")));
    let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

#[test]
fn requests_calls_and_reads_are_counted_where_they_happen() {
    let simulated = Simulated::start("metrics");
    let gateway = serve(&simulated);
    let leads = "{ leads(first: 5) { nodes { id } sources { upstreamCalls } } }";
    let reply = gateway.ask(leads);
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    let reply: serde_json::Value = serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap();
    let sources = reply["data"]["leads"]["sources"].as_array().unwrap();
    let calls: f64 = sources.iter().map(|source| source["upstreamCalls"].as_f64().unwrap()).sum();
    // The page is given again, and another one is merged of what was read.
    gateway.ask(leads);
    gateway.ask("{ leads(first: 4) { nodes { id } } }");
    gateway.ask("{ leads { nodes { shoeSize } } }");
    get(&gateway.address, "/no/such/4711");

    let metrics = gateway.metrics();
    let served = |route: &str, method: &str, status: &str| {
        value(
            &metrics,
            &format!(
                "leadgraph_http_requests_total{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}}"
            ),
        )
    };
    assert_eq!(sum(&metrics, "leadgraph_http_requests_total", &["route=\"/graphql\""]), 4.0, "{metrics}");
    assert_eq!(served("other", "GET", "404"), 1.0, "{metrics}");
    assert!(!metrics.contains("4711"), "a path is no label");
    assert_eq!(value(&metrics, "leadgraph_graphql_requests_total{outcome=\"executed\"}"), 3.0);
    assert_eq!(value(&metrics, "leadgraph_graphql_requests_total{outcome=\"refused\"}"), 1.0);
    assert_eq!(value(&metrics, "leadgraph_graphql_errors_total{code=\"GRAPHQL_VALIDATION_FAILED\"}"), 1.0);
    assert_eq!(value(&metrics, "leadgraph_graphql_spent_calls_sum"), calls);
    assert!(value(&metrics, "leadgraph_graphql_reckoned_calls_sum") >= calls);

    // Finding Chatzuri's agents is a call of the gateway's own.
    let own = sum(&metrics, "leadgraph_vendor_attempts_total", &["op=\"agents.list\""]);
    assert_eq!(sum(&metrics, "leadgraph_vendor_attempts_total", &[]), calls + own, "{metrics}");
    assert_eq!(sum(&metrics, "leadgraph_vendor_calls_total", &["outcome=\"ok\""]), calls + own);
    assert_eq!(sum(&metrics, "leadgraph_vendor_calls_in_flight", &[]), 0.0);
    let spelo = "leadgraph_vendor_call_duration_seconds_count{account=\"spelo\",op=\"leads.list\"}";
    assert_eq!(value(&metrics, spelo), 1.0);
    for account in ["spelo", "chatzuri", "leadsail"] {
        let label = format!("account=\"{account}\"");
        let gauge = |name: &str| sum(&metrics, &format!("leadgraph_account_{name}"), &[&label]);
        assert!(gauge("quota_remaining_calls") < gauge("quota_calls"), "{account}: {metrics}");
        assert_eq!((gauge("breaker"), gauge("key_refused"), gauge("silent_seconds")), (0.0, 0.0, 0.0));
        let state = format!("leadgraph_account_state{{account=\"{account}\",state=\"up\"}}");
        assert_eq!(value(&metrics, &state), 1.0);
    }

    let read = |result: &str| {
        sum(
            &metrics,
            "leadgraph_cache_reads_total",
            &["source=\"spelo\"", "what=\"leads\"", &format!("result=\"{result}\"")],
        )
    };
    assert_eq!((read("miss"), read("hit")), (1.0, 1.0), "{metrics}");
    assert_eq!(sum(&metrics, "leadgraph_merge_records_total", &["list=\"leads\""]), 9.0);
    assert_eq!(sum(&metrics, "leadgraph_merge_kept_pages_total", &["list=\"leads\""]), 1.0);
    assert_eq!(sum(&metrics, "leadgraph_merge_reports_total", &["source=\"spelo\"", "status=\"ok\""]), 2.0);
}

#[test]
fn vendor_that_fails_is_seen_by_kind_and_by_state() {
    let simulated = Simulated::start("metrics-failing");
    let gateway = serve(&simulated);
    let (_, spelo) = simulated.desks().into_iter().find(|(name, _)| *name == "spelo").unwrap();
    let put = "[{\"fault\":{\"kind\":\"status\",\"status\":429,\"retry_after\":\"120\"}}]";
    let reply = crate::harness::binary::send(&spelo, "PUT", "/_sim/faults", put);
    assert!(reply.starts_with("HTTP/1.1 2"), "{reply}");
    gateway.ask("{ leads(first: 2) { nodes { id } } }");
    let metrics = gateway.metrics();
    let limited =
        "leadgraph_vendor_calls_total{account=\"spelo\",op=\"leads.list\",outcome=\"rate_limited\"}";
    assert_eq!(value(&metrics, limited), 1.0, "{metrics}");
    assert_eq!(value(&metrics, "leadgraph_account_state{account=\"spelo\",state=\"degraded\"}"), 1.0);
    let silent = value(&metrics, "leadgraph_account_silent_seconds{account=\"spelo\"}");
    assert!((60.0..=120.0).contains(&silent), "{silent}");
    assert_eq!(
        sum(&metrics, "leadgraph_merge_reports_total", &["source=\"spelo\"", "status=\"failed\""]),
        1.0
    );
}

#[test]
fn who_is_not_let_in_is_counted_by_the_reason() {
    let simulated = Simulated::start("metrics-refused");
    simulated.write(&format!(
        "metrics_listen = \"127.0.0.1:0\"\n[[callers]]\nname = \"dash\"\nkey_sha256 = \"{}\"\nscopes = []\n\
         requests_per_second = 1\n",
        leadgraph::callers::key::Digest::of("dash")
    ));
    let gateway = Gateway::start(&mut simulated.command(&["serve", "--log", "json"]));
    let address = &gateway.address;
    let ask = |shown: &str| {
        let body = "{\"query\":\"{ viewer { name } }\"}";
        let length = body.len();
        raw(
            address,
            &format!(
                "POST /graphql HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{shown}\
                 content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            ),
        )
    };
    assert!(ask("").starts_with("HTTP/1.1 401"));
    let strange = "authorization: Bearer 4711-strange\r\n";
    assert!(ask(strange).starts_with("HTTP/1.1 401") && ask(strange).starts_with("HTTP/1.1 401"));
    let refused =
        (0..10).filter(|_| ask("authorization: Bearer dash\r\n").starts_with("HTTP/1.1 429")).count();
    assert!(refused > 0, "ten at once are more than one a second");
    // A page in a browser shows its key in the first message: until then nobody was refused.
    let open = |said: &[u8]| {
        let mut socket = TcpStream::connect(address).unwrap();
        let head = format!(
            "GET /graphql/ws HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: c2l4dGVlbiBieXRlcyE=\r\n\
             sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
        );
        socket.write_all(&[head.as_bytes(), said].concat()).unwrap();
        let mut heard = Vec::new();
        socket.read_to_end(&mut heard).unwrap();
        assert!(heard.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&heard));
    };
    open(b"");
    let begin = b"{\"type\":\"connection_init\"}";
    // Under a mask that changes nothing.
    open(&[&[0x81, 0x80 | u8::try_from(begin.len()).unwrap(), 0, 0, 0, 0], &begin[..]].concat());
    let metrics = gateway.metrics();
    let counted =
        |reason| value(&metrics, &format!("leadgraph_callers_refused_total{{reason=\"{reason}\"}}"));
    assert_eq!((counted("missing"), counted("unknown")), (2.0, 2.0), "{metrics}");
    assert_eq!(counted("too_often"), refused as f64, "{metrics}");
    assert!(!metrics.contains("4711"), "what was shown is no label");
}

#[test]
fn metrics_are_not_told_where_clients_ask() {
    let simulated = Simulated::start("metrics-apart");
    let gateway = serve(&simulated);
    assert!(get(&gateway.address, "/metrics").starts_with("HTTP/1.1 404"));
    let told = gateway.metrics();
    assert!(told.contains("application/openmetrics-text"), "{told}");
    assert!(told.ends_with("# EOF\n"), "{told}");
    let metrics = gateway.waits_for("serving metrics")["address"].as_str().unwrap().to_owned();
    assert!(post(&metrics, "{}").starts_with("HTTP/1.1 404"), "it serves nothing else");
}

#[test]
fn table_of_metrics_in_the_readme_is_what_is_told() {
    let rows = README.lines().filter_map(|line| line.strip_prefix("| `leadgraph_")?.split_once('`'));
    let table: BTreeSet<String> = rows.map(|(name, _)| format!("leadgraph_{name}")).collect();
    assert_eq!(table, leadgraph::telemetry::metrics::names());
}
