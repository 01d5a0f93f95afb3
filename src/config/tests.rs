mod callers;
mod documents;

use std::time::Duration;

use super::*;
use crate::upstream::policy::Policy;

const VENDORS: [KnownVendor; 2] = [
    KnownVendor { name: "acme", base_url: "https://api.acme.example/v1", policy: Policy::default },
    KnownVendor { name: "zenith", base_url: "https://zenith.example", policy: Policy::default },
];

/// A vendor that knows the setting `color` only.
fn complain(source: &SourceConfig) -> Vec<Flaw> {
    let others = source.settings.keys().filter(|key| *key != "color");
    others
        .map(|key| Flaw {
            path: vec!["settings".to_owned(), key.clone()],
            what: format!("no setting {key}"),
            hint: "use color".to_owned(),
        })
        .collect()
}

fn variables(name: &str) -> Option<String> {
    match name {
        "ACME_KEY" => Some("k-1".to_owned()),
        "NEXT_KEY" => Some("k-2".to_owned()),
        "EMPTY" => Some(String::new()),
        "SPACED" => Some("k 1".to_owned()),
        "CURSOR_KEY" => Some("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".to_owned()),
        "SHORT_KEY" => Some("BwcHBwc=".to_owned()),
        _ => None,
    }
}

fn load(text: &str) -> Result<Config, Vec<Problem>> {
    read("gateway.toml", text, &variables, &VENDORS, &mut complain)
}

const GOOD: &str = "[[sources]]\nname = 'a'\nvendor = 'acme'\napi_key_env = 'ACME_KEY'\n";

/// Each expectation is a line, and a part of what is said about it.
fn refused(text: &str, expected: &[(usize, &str)]) {
    let Err(problems) = load(text) else { panic!("taken: {text}") };
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), expected.len(), "{text}\n{said:#?}");
    for (problem, (line, part)) in problems.iter().zip(expected) {
        assert_eq!(problem.line, *line, "{text}\n{said:#?}");
        assert!(problem.what.contains(part), "{part:?} is not in {said:#?}");
        assert!(!problem.hint.is_empty(), "nothing to do is said: {problem}");
    }
}

#[test]
fn smallest_file_gets_every_default() {
    let config = load(GOOD).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(config.listen, LISTEN);
    assert_eq!(config.http, http::Settings { hosts: Some(Vec::new()), ..http::Settings::default() });
    assert_eq!(config.gather, gather::settings::Settings::default());
    assert_eq!(config.graphql, graphql::Settings::default());
    assert_eq!(config.events, events::Settings::default());
    let source = &config.sources[0];
    assert_eq!((source.name.as_str(), source.vendor), ("a", "acme"));
    assert_eq!(source.base_url.as_str(), "https://api.acme.example/v1");
    assert_eq!(source.key.expose(), "k-1");
    assert_eq!(source.policy, Policy::default());
}

#[test]
fn written_values_arrive_where_they_belong() {
    let text = format!(
        "[server]\nlisten = '[::1]:9'\nrequest_timeout_ms = 2_000\nmax_body_bytes = 0x1000\n\
         [graphql]\nmax_upstream_calls = 90\n[events]\nmax_age_secs = 61\n[cache]\nlists_secs = 0\nleads_secs = 7\nmax_bytes = 2097152\n[paging]\nscan_pages = 3\nsource_timeout_ms = 1500\n\
         [cursors]\nkey_env = 'CURSOR_KEY'\nprevious_key_env = 'CURSOR_KEY'\n\
         [defaults.upstream]\nattempt_timeout_ms = 900\nconcurrency = 3\n{GOOD}\
         base_url = 'http://127.0.0.1:7/v2'\n[sources.upstream]\nconcurrency = 5\n[sources.settings]\ncolor = 'red'\n"
    );
    let config = load(&text).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(config.listen.to_string(), "[::1]:9");
    assert_eq!(config.http.request_timeout, Duration::from_secs(2));
    assert_eq!(config.http.max_body_bytes, 4096);
    assert_eq!((config.gather.list_ttl, config.gather.lead_ttl), (Duration::ZERO, Duration::from_secs(7)));
    assert_eq!(config.gather.cache_bytes, 2_097_152);
    assert_eq!(config.gather.scan_pages, 3);
    assert_eq!(config.graphql.max_upstream_calls, 90);
    assert_eq!(config.events.max_age, Duration::from_secs(61));
    assert_eq!(config.gather.source_timeout, Duration::from_millis(1500));
    assert_eq!(config.gather.cursor_keys.len(), 2);
    assert!(config.gather.cursor_keys[0].0 == [7; 32]);
    let source = &config.sources[0];
    assert_eq!(source.base_url.as_str(), "http://127.0.0.1:7/v2");
    assert_eq!(source.policy.attempt_timeout, Duration::from_millis(900));
    assert_eq!(source.policy.concurrency, 5, "the account's own word comes last");
    assert_eq!(source.settings["color"].as_str(), Some("red"));
}

#[test]
fn shorter_request_shortens_the_time_of_a_source() {
    let config = load(&format!("[server]\nrequest_timeout_ms = 1000\n{GOOD}"));
    let config = config.unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(config.gather.source_timeout, Duration::from_secs(1));
}

#[test]
fn every_mistake_is_reported_at_its_line() {
    let table: &[(&str, &[(usize, &str)])] = &[
        ("", &[(1, "no [[sources]]")]),
        ("[server\n", &[(1, "unclosed table")]),
        ("a = 1\na = 2\nb = \n", &[(2, "duplicate key"), (3, "string values must be quoted")]),
        ("sources = []\n", &[(1, "no [[sources]]")]),
        ("sources = 3\n", &[(1, "`sources` is of type integer")]),
        ("[sources]\nname = 'a'\n", &[(1, "`sources` is of type table")]),
        (
            "[[sources]]\n",
            &[(1, "`name` is missing"), (1, "`vendor` is missing"), (1, "`api_key_env` is missing")],
        ),
    ];
    for (text, expected) in table {
        refused(text, expected);
    }
    // Each of these stands before an account that is right.
    let before: &[(&str, &[(usize, &str)])] = &[
        ("[sever]\nx = 1\n", &[(1, "unknown table `sever`")]),
        ("[server]\nlistn = 'x'\n", &[(2, "unknown key `server.listn`")]),
        ("[graphql]\nmax_upstream_calls = 0\n", &[(2, "`graphql.max_upstream_calls`")]),
        ("[graphql]\nmax_calls = 9\n", &[(2, "unknown key `graphql.max_calls`")]),
        ("[events]\nmax_events = 10\nmax_age = 1\n", &[(2, "`events.max_events`"), (3, "`events.max_age`")]),
        ("[server]\nlisten = 'localhost'\n", &[(2, "`server.listen` cannot be read")]),
        ("[server]\nlisten = 8080\n", &[(2, "`server.listen` is of type integer")]),
        ("server = 1\n", &[(1, "`server` is of type integer")]),
        ("[server]\nrequest_timeout_ms = 0\n", &[(2, "`server.request_timeout_ms` is out of bounds")]),
        ("[server]\nrequest_timeout_ms = '5s'\n", &[(2, "`server.request_timeout_ms` is of type string")]),
        ("[server]\nmax_body_bytes = -1\n", &[(2, "`server.max_body_bytes` is out of bounds")]),
        (
            "[server]\nmax_body_bytes = 99999999999999999999\n",
            &[(2, "`server.max_body_bytes` is out of bounds")],
        ),
        ("[cache]\nleads_secs = 3_601\nmax_bytes = 1\n", &[(2, "out of bounds"), (3, "out of bounds")]),
        ("[paging]\nscan_pages = 70000\n", &[(2, "out of bounds")]),
        ("[paging]\nsource_timeout_ms = 6000\n", &[(2, "`paging.source_timeout_ms` is out of bounds")]),
        ("[cursors]\n", &[(1, "`key_env` is missing")]),
        ("[cursors]\nkey_env = 'SHORT_KEY'\n", &[(2, "SHORT_KEY does not hold 32 bytes")]),
        ("[cursors]\nkey_env = 'NOT_THERE'\n", &[(2, "NOT_THERE is not set")]),
        (
            "[telemetry]\notlp_endpoint = 'collector:4318'\n",
            &[(2, "`telemetry.otlp_endpoint` cannot be read")],
        ),
        ("[telemetry]\notlp_endpoint = 'http://me:pw@127.0.0.1'\n", &[(2, "`telemetry.otlp_endpoint`")]),
        ("[telemetry]\nsample_percent = 101\nservice_name = ' '\n", &[(2, "out of bounds"), (3, "is empty")]),
        ("[telemetry]\notlp = 1\n", &[(2, "unknown key `telemetry.otlp`")]),
        ("[defaults]\nupstram = 1\n", &[(2, "unknown key `defaults.upstram`")]),
        ("[defaults.upstream]\nburst = 1\nconcurrency = 0\n", &[(3, "`upstream.concurrency`")]),
    ];
    for (text, expected) in before {
        refused(&format!("{text}{GOOD}"), expected);
    }
    // Each of these goes on with an account whose first four lines are right.
    let after: &[(&str, &[(usize, &str)])] = &[
        ("api_key = 'x'\n", &[(5, "unknown key `sources.api_key`")]),
        ("base_url = 'acme'\n", &[(5, "is not a URL")]),
        ("base_url = 'http://acme.example'\n", &[(5, "must be https")]),
        ("base_url = 'ftp://127.0.0.1'\n", &[(5, "must be https")]),
        ("base_url = 'https://me:pw@acme.example'\n", &[(5, "user name or password")]),
        ("base_url = 'https://acme.example?key=1'\n", &[(5, "a query or a fragment")]),
        ("[sources.upstream]\nburst = 2\nconcurency = 3\n", &[(7, "`upstream.concurency`")]),
        ("[sources.settings]\ncolor = 'red'\nsize = 3\n", &[(7, "no setting size")]),
        ("webhook = 3\n", &[(5, "`sources.webhook` is of type integer")]),
        ("[sources.webhook]\nsize = 3\n", &[(5, "`secret_env` is missing in [[sources.webhook]]")]),
        ("[sources.webhook]\nsecret_env = 'EMPTY'\n", &[(6, "EMPTY is empty")]),
        ("[sources.webhook]\nsecret_env = 'ACME_KEY'\nnext_secret_env = 'GONE'\n", &[(7, "GONE is not set")]),
        ("[webhooks]\nqueue = 0\nlinger = 3\n", &[(6, "`webhooks.queue` is out"), (7, "`webhooks.linger`")]),
        (GOOD, &[(6, "\"a\" is taken already, in line 2")]),
        (&GOOD.replace("'a'", "'a/b'"), &[(6, "\"a/b\" and \"a\" (line 2)")]),
        (&GOOD.replace("'a'", "'a b'"), &[(6, "\"a b\" cannot be the name")]),
        (&GOOD.replace("'a'", "7"), &[(6, "`sources.name` is of type integer")]),
        (&GOOD.replace("'a'", "'c'").replace("acme", "akme"), &[(7, "\"akme\" is not a vendor")]),
        (&GOOD.replace("'a'", "'c'").replace("ACME_KEY", "GONE"), &[(8, "GONE is not set")]),
        (&GOOD.replace("'a'", "'c'").replace("ACME_KEY", "EMPTY"), &[(8, "EMPTY is empty")]),
        (&GOOD.replace("'a'", "'c'").replace("ACME_KEY", "SPACED"), &[(8, "SPACED holds spaces")]),
    ];
    for (text, expected) in after {
        refused(&format!("{GOOD}{text}"), expected);
    }
}

#[test]
fn all_mistakes_of_a_file_come_at_once_in_order() {
    refused(
        "[server]\nlisten = 'x'\n[[sources]]\nname = 'a'\nvendor = 'zenith'\napi_key_env = 'GONE'\n\
         [sources.settings]\nsize = 1\n[paging]\nscan_pages = 0\n",
        &[(2, "server.listen"), (6, "GONE"), (8, "no setting size"), (10, "scan_pages")],
    );
}

#[test]
fn webhook_has_its_secrets_by_name_and_hands_the_rest_to_the_vendor() {
    let text = format!(
        "{GOOD}[sources.webhook]\nsecret_env = 'ACME_KEY'\nnext_secret_env = 'NEXT_KEY'\nheader = 'X-Acme'\n"
    );
    let config = load(&text).unwrap_or_else(|problems| panic!("{problems:?}"));
    let webhook = config.sources[0].webhook.as_ref().unwrap();
    let secrets: Vec<_> = webhook.secrets.iter().map(|secret| secret.expose().to_owned()).collect();
    assert_eq!(secrets, ["k-1", "k-2"]);
    assert_eq!(webhook.settings.to_string(), "header = \"X-Acme\"\n");
    assert!(load(GOOD).is_ok_and(|config| config.sources[0].webhook.is_none()));
}

#[test]
fn key_written_into_the_file_is_not_repeated() {
    let secret = "sk_live_0123456789";
    let Err(problems) = load(&GOOD.replace("ACME_KEY", secret)) else { panic!("taken") };
    assert_eq!(problems.len(), 1);
    assert!(!problems[0].to_string().contains(secret), "{}", problems[0]);
}

#[test]
fn unknown_vendor_is_told_the_known_ones() {
    let Err(problems) = load(&GOOD.replace("acme", "akme")) else { panic!("taken") };
    assert_eq!(problems[0].hint, "known: acme, zenith");
}
