//! A configuration that is wrong starts nothing and stops nothing; one that is right takes over without a call too many.

use serde_json::Value;

use crate::harness::binary::{Gateway, Simulated, send};

const TAKEN: &str = "configuration read anew";
const REFUSED: &str = "configuration was not taken; the one before goes on";
const SPELO: &str = "[[sources]]\nname = 'a'\nvendor = 'spelo'\napi_key_env = 'SIMULATED_SPELO_KEY'\n";

fn serve(simulated: &Simulated) -> Gateway {
    simulated.write("metrics_listen = \"127.0.0.1:0\"\n");
    Gateway::start(&mut simulated.command(&["serve", "--log", "json"]))
}

fn body(reply: &str) -> Value {
    serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// The value of a series, or 0 where there is none.
fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

/// What can be wrong: the line, a part of what is said, and the text.
fn broken() -> Vec<(usize, &'static str, String)> {
    let after = |text: &str| format!("{SPELO}{text}\n");
    let before = |text: &str| format!("{text}\n{SPELO}");
    let source = |text: &str| format!("[[sources]]\n{text}\n");
    let more = |text: &str| {
        source(&format!("name = 'b'\nvendor = 'spelo'\napi_key_env = 'SIMULATED_SPELO_KEY'\n{text}"))
    };
    vec![
        (1, "there are no [[sources]]", String::new()),
        (1, "", "\u{0}".to_owned()),
        (1, "", "[[sources]".to_owned()),
        (1, "", "= 3".to_owned()),
        (2, "", "[server]\nlisten = \"127.0.0.1".to_owned()),
        (2, "", "[server]\n[server]\n".to_owned()),
        (1, "unknown key", before("nonsense = 1")),
        (1, "unknown table", before("[nonsense]")),
        (1, "is of type", "sources = 3\n".to_owned()),
        (1, "is of type", before("server = 3")),
        (2, "cannot be read", before("[server]\nlisten = 'localhost'")),
        (2, "cannot be read", before("[server]\nlisten = '127.0.0.1:99999'")),
        (2, "is of type", before("[server]\nlisten = 8080")),
        (2, "cannot be read", before("[server]\nmetrics_listen = ':9464'")),
        (2, "out of bounds", before("[server]\nrequest_timeout_ms = 0")),
        (2, "out of bounds", before("[server]\nrequest_timeout_ms = -5")),
        (2, "is of type", before("[server]\nrequest_timeout_ms = 1.5")),
        (2, "is of type", before("[server]\nrequest_timeout_ms = '5s'")),
        (2, "out of bounds", before("[server]\nmax_body_bytes = 99999999999999")),
        (2, "out of bounds", before("[server]\nmax_connections = 0")),
        (2, "unknown key", before("[server]\nmax_conections = 3")),
        (2, "out of bounds", before("[graphql]\nmax_upstream_calls = 0")),
        (2, "out of bounds", before("[cache]\nlists_secs = 3_601")),
        (2, "out of bounds", before("[cache]\nmax_bytes = 1")),
        (2, "out of bounds", before("[paging]\nscan_pages = 0")),
        (2, "out of bounds", before("[paging]\nsource_timeout_ms = 60000")),
        (1, "`key_env` is missing", before("[cursors]")),
        (2, "is not set", before("[cursors]\nkey_env = 'NO_SUCH_KEY'")),
        (2, "32 bytes in base64", before("[cursors]\nkey_env = 'SIMULATED_SPELO_KEY'")),
        (2, "", before("[defaults.upstream]\nquota = 0")),
        (2, "is not a known key", before("[defaults.upstream]\nqouta = 5")),
        (1, "`name` is missing", source("vendor = 'spelo'\napi_key_env = 'SIMULATED_SPELO_KEY'")),
        (1, "`vendor` is missing", source("name = 'b'\napi_key_env = 'SIMULATED_SPELO_KEY'")),
        (1, "`api_key_env` is missing", source("name = 'b'\nvendor = 'spelo'")),
        (
            2,
            "cannot be the name",
            source("name = 'a b'\nvendor = 'spelo'\napi_key_env = 'SIMULATED_SPELO_KEY'"),
        ),
        (3, "is not a vendor", source("name = 'b'\nvendor = 'spello'\napi_key_env = 'SIMULATED_SPELO_KEY'")),
        (4, "is not set", source("name = 'b'\nvendor = 'spelo'\napi_key_env = 'NO_SUCH_KEY'")),
        (
            4,
            "is not the name of an environment variable",
            source("name = 'b'\nvendor = 'spelo'\napi_key_env = 'spk_live_1'"),
        ),
        (6, "is taken already", after(SPELO)),
        (6, "may be taken for each other", after(&SPELO.replace("'a'", "'a/b'"))),
        (5, "must be https", more("base_url = 'http://vendor.example'")),
        (5, "is not a URL", more("base_url = 'vendor'")),
        (5, "user name or password", more("base_url = 'https://a:b@vendor.example'")),
        (6, "burst", more("[sources.upstream]\nburst = 5\nquota = 2")),
        (6, "", more("[sources.settings]\nnonsense = true")),
        (5, "", more("settings = 3")),
        (6, "is empty", more("[sources.webhook]\nsecret_env = 'EMPTY_SECRET'")),
        (5, "`secret_env` is missing", more("[sources.webhook]")),
    ]
}

#[test]
fn broken_configuration_starts_nothing_and_stops_nothing() {
    let simulated = Simulated::start("broken");
    let gateway = serve(&simulated);
    let broken = broken();
    assert!(broken.len() >= 40);
    for (times, (line, part, text)) in broken.iter().enumerate() {
        simulated.overwrite(text);
        let output = simulated.command(&["serve"]).env("EMPTY_SECRET", "").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}\n{said}");
        assert!(said.contains(&format!(".toml:{line}: ")) && said.contains(part), "{text}\n{said}");
        assert!(!said.contains("panic"), "{text}\n{said}");
        gateway.reload(REFUSED, times + 1);
    }
    let log = gateway.log();
    let problems: Vec<Value> = log.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let problems: Vec<_> =
        problems.iter().filter(|line| line["message"] == "configuration is wrong").collect();
    assert!(problems.len() >= broken.len());
    assert!(
        problems.iter().all(|problem| problem["line"].is_u64() && problem["file"].is_string()),
        "{problems:#?}"
    );
    assert!(!log.iter().any(|line| line.contains("panic")));
    std::fs::remove_file(simulated.file()).unwrap();
    gateway.reload(REFUSED, broken.len() + 1);
    let answer = body(&gateway.ask("{ leads(first: 1) { nodes { id } incomplete } sources { name } }"));
    assert_eq!(answer["data"]["leads"]["incomplete"], false, "{answer}");
    assert_eq!(answer["data"]["sources"].as_array().unwrap().len(), 4, "{answer}");
    let refused = value(&gateway.metrics(), "leadgraph_config_reloads_total{outcome=\"refused\"}");
    assert_eq!(refused, f64::from(u32::try_from(broken.len() + 1).unwrap()));
}

#[test]
fn reload_costs_no_call_and_keeps_cache_and_cursors_of_what_stays() {
    let simulated = Simulated::start("stays");
    let gateway = serve(&simulated);
    let page = |after: &str| {
        let query = format!(
            "{{ leads(first: 3{after}) {{ nodes {{ id }} pageInfo {{ endCursor }} sources {{ source {{ name }} upstreamCalls }} }} }}"
        );
        body(&gateway.ask(&query))
    };
    let first = page("");
    let attempts = || {
        let metrics = gateway.metrics();
        let lines = metrics.lines().filter(|line| line.starts_with("leadgraph_vendor_attempts_total{"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum::<f64>()
    };
    let before = attempts();
    assert!(before > 3.0);
    // Another way to cut requests off, and LeadSail is gone.
    let others = without(&simulated.text, "leadsail");
    simulated.overwrite(&format!(
        "{others}\n[server]\nlisten = \"127.0.0.1:0\"\nrequest_timeout_ms = 4000\nmax_connections = 7\n"
    ));
    let said = gateway.reload(TAKEN, 1);
    assert_eq!(said["sources"], 2);
    let late: Vec<Value> = gateway.log().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let late: Vec<_> = late.iter().filter_map(|line| line["setting"].as_str()).collect();
    assert_eq!(late, ["server.metrics_listen", "server.max_connections"]);

    let again = page("");
    let sources: Vec<_> = again["data"]["leads"]["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| &source["source"]["name"])
        .collect();
    assert_eq!(sources, ["chatzuri/agt_1", "chatzuri/agt_2", "spelo"], "found ones are not looked for anew");
    assert_eq!(attempts(), before, "all of it was held");
    let cursor = first["data"]["leads"]["pageInfo"]["endCursor"].as_str().unwrap();
    let next = page(&format!(", after: \"{cursor}\""));
    assert!(next["errors"].is_null(), "{next}");
    assert_eq!(next["data"]["leads"]["nodes"].as_array().unwrap().len(), 3);

    simulated.write("metrics_listen = \"127.0.0.1:0\"\n");
    gateway.reload(TAKEN, 2);
    let before = attempts();
    page("");
    assert_eq!(attempts(), before + 1.0, "LeadSail is new again, and nothing of it is held");
}

/// A configuration without one of its sources.
fn without(text: &str, name: &str) -> String {
    let sources = text.split_inclusive("[[sources]]\n");
    let sources: Vec<&str> = sources.collect();
    let kept = sources[1..].iter().filter(|source| !source.starts_with(&format!("name = \"{name}\"")));
    kept.map(|source| format!("[[sources]]\n{}", source.trim_end_matches("[[sources]]\n"))).collect()
}

#[test]
fn reload_never_forgets_that_a_vendor_asked_for_silence() {
    let simulated = Simulated::start("silence");
    let gateway = serve(&simulated);
    let (_, spelo) = simulated.desks().into_iter().find(|(name, _)| *name == "spelo").unwrap();
    let put = "[{\"fault\":{\"kind\":\"status\",\"status\":429,\"retry_after\":\"120\"}}]";
    send(&spelo, "PUT", "/_sim/faults", put);
    let ask =
        || body(&gateway.ask("{ leads(first: 2) { nodes { id } sources { source { name } status } } }"));
    ask();
    send(&spelo, "PUT", "/_sim/faults", "[]");
    let attempts = "leadgraph_vendor_attempts_total{account=\"spelo\",op=\"leads.list\"}";
    assert_eq!(value(&gateway.metrics(), attempts), 1.0);
    let left = "leadgraph_account_quota_remaining_calls{account=\"spelo\"}";
    let quota = "leadgraph_account_quota_calls{account=\"spelo\"}";
    let had = value(&gateway.metrics(), quota) - value(&gateway.metrics(), left);

    // The account is treated otherwise now, which makes it another one, but with the same key.
    let text =
        simulated.text.replace("vendor = \"spelo\"\n", "vendor = \"spelo\"\nupstream = { quota = 50 }\n");
    simulated.overwrite(&text);
    gateway.reload(TAKEN, 1);
    let metrics = gateway.metrics();
    assert_eq!(value(&metrics, quota), 50.0, "{metrics}");
    assert_eq!(value(&metrics, quota) - value(&metrics, left), had, "calls that were made stay counted");
    assert!(value(&metrics, "leadgraph_account_silent_seconds{account=\"spelo\"}") > 60.0, "{metrics}");
    let answer = ask();
    let spelo = answer["data"]["leads"]["sources"].as_array().unwrap();
    let spelo = spelo.iter().find(|source| source["source"]["name"] == "spelo").unwrap();
    assert_eq!(spelo["status"], "FAILED", "{answer}");
    assert_eq!(value(&gateway.metrics(), attempts), 1.0, "it was not asked");
}

#[test]
fn request_under_way_finishes_on_the_configuration_it_began_with() {
    let simulated = Simulated::start("under-way");
    let gateway = serve(&simulated);
    let (_, leadsail) = simulated.desks().into_iter().find(|(name, _)| *name == "leadsail").unwrap();
    send(&leadsail, "PUT", "/_sim/faults", "[{\"fault\":{\"kind\":\"hang\"}}]");
    let query = "{ leads(first: 2) { nodes { id } sources { source { name } status } } }";
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| body(&gateway.ask(query)));
        let started = tokio::time::Instant::now();
        while !gateway.metrics().contains("leadgraph_vendor_calls_in_flight{account=\"leadsail\"} 1") {
            assert!(started.elapsed().as_secs() < 10);
        }
        simulated.overwrite(&without(&simulated.text, "leadsail"));
        gateway.reload(TAKEN, 1);
        let names = |answer: &Value| {
            let sources = answer["data"]["leads"]["sources"].as_array().unwrap();
            sources
                .iter()
                .map(|source| source["source"]["name"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let meanwhile = body(&gateway.ask(query));
        assert!(!names(&meanwhile).contains(&"leadsail".to_owned()), "{meanwhile}");
        let answer = asking.join().unwrap();
        assert!(names(&answer).contains(&"leadsail".to_owned()), "{answer}");
        assert_eq!(answer["data"]["leads"]["nodes"].as_array().unwrap().len(), 2, "{answer}");
    });
}
