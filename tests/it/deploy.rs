//! What stands in `examples/deploy/` fits together, and what is documented of settings is what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use leadgraph::app;

const GATEWAY: &str = include_str!("../../examples/deploy/gateway.toml");
const COMPOSE: &str = include_str!("../../examples/deploy/compose.yaml");
const KUBERNETES: &str = include_str!("../../examples/deploy/kubernetes.yaml");
const DOCKERFILE: &str = include_str!("../../examples/deploy/Dockerfile");
const MANIFEST: &str = include_str!("../../Cargo.toml");
const COMPLETE: &str = include_str!("../../examples/gateway.toml");
const README: &str = include_str!("../../README.md");

/// A value for whatever variable is named.
fn variable(name: &str) -> Option<String> {
    let cursor = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    Some(if name.contains("CURSOR") { cursor } else { "spk_live_0123456789abcdef" }.to_owned())
}

/// What stands behind `key` in the first line that has it.
fn after<'a>(text: &'a str, key: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.split_once(key)).unwrap_or_else(|| panic!("no {key}"));
    line.1.trim()
}

#[test]
fn deployed_configuration_is_right_and_its_keys_come_from_the_environment() {
    let Ok((config, _)) = app::parse("gateway.toml", GATEWAY, &variable) else { panic!("it is wrong") };
    assert_eq!(config.listen.port(), 8080);
    assert_eq!(config.metrics_listen.unwrap().port(), 9464);
    let named = GATEWAY
        .lines()
        .filter_map(|line| line.split_once("key_env = "))
        .map(|(_, name)| name.trim_matches('"'));
    for name in named {
        assert!(COMPOSE.contains(&format!("{name}: ${{{name}:?}}")), "{name}");
        assert!(KUBERNETES.contains(&format!("key: {name} }}")), "{name}");
    }
    let drain = config.http.shutdown_delay + config.http.request_timeout + Duration::from_secs(5);
    let seconds = |text: &str| Duration::from_secs(text.trim_end_matches('s').parse().unwrap());
    assert!(seconds(after(KUBERNETES, "terminationGracePeriodSeconds:")) > drain);
    assert!(seconds(after(COMPOSE, "stop_grace_period:")) > drain);
    // While a version follows another there is one more; together they keep below what the vendor allows.
    let processes: u32 = after(KUBERNETES, "replicas:").parse::<u32>().unwrap() + 1;
    assert!(processes * config.sources[0].policy.quota <= 45);
}

#[test]
fn image_is_built_by_the_toolchain_that_the_manifest_asks_for() {
    let version = after(MANIFEST, "rust-version = ").trim_matches('"');
    assert!(DOCKERFILE.contains(&format!("FROM rust:{version}-")), "{version}");
}

/// What is known at a place of the configuration: told by the refusal of what is not. `None` where the place is no table.
fn known(place: &[&str]) -> Option<Vec<String>> {
    let mut text = String::new();
    for (depth, name) in (1..).zip(place) {
        let list = matches!((depth, *name), (1, "sources" | "callers" | "issuers"));
        let path = place[..depth].join(".");
        text.push_str(&if list { format!("[[{path}]]\n") } else { format!("[{path}]\n") });
    }
    text.push_str("nonsense = 1\n");
    if place.len() > 1 {
        // What stands below a source is looked at once its vendor is known.
        text = text.replace("[[sources]]", "[[sources]]\nname = 'a'\nvendor = 'spelo'\napi_key_env = 'A'");
    }
    let Err(problems) = app::parse("x", &text, &variable) else { panic!("{text} was taken") };
    let list = |said: &str| said.split(", ").map(str::to_owned).collect();
    problems.iter().find_map(|problem| {
        let about = problem.what.contains(".nonsense`") || problem.what.contains("`nonsense`");
        let hint = problem.hint.strip_prefix("known here: ").map(list);
        hint.or_else(|| problem.what.split_once("known are ").map(|(_, known)| list(known))).filter(|_| about)
    })
}

/// All settings: the keys of each table.
fn settings() -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(place) = open.pop() {
        let path: Vec<&str> = place.iter().map(String::as_str).collect();
        let Some(keys) = known(&path) else { continue };
        let (tables, keys): (Vec<String>, Vec<String>) = keys.into_iter().partition(|key| {
            let below: Vec<&str> = path.iter().copied().chain([key.as_str()]).collect();
            key == "settings" || known(&below).is_some()
        });
        // A vendor's own settings are its own: examples/gateway.toml has them.
        open.extend(
            tables
                .into_iter()
                .filter(|table| table != "settings")
                .map(|table| place.iter().cloned().chain([table]).collect()),
        );
        if !keys.is_empty() {
            found.insert(path.join("."), keys);
        }
    }
    found
}

#[test]
fn every_setting_stands_in_the_example_and_in_the_readmes_table() {
    let settings = settings();
    assert!(settings.len() > 8 && settings.contains_key("sources.upstream"), "{settings:#?}");
    let row = |table: &str, keys: &[String]| {
        let list = matches!(table, "sources" | "callers" | "issuers");
        let heading = if list { format!("[[{table}]]") } else { format!("[{table}]") };
        let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
        format!("| `{heading}` | {} |", keys.join(", "))
    };
    let rows: BTreeSet<String> = settings.iter().map(|(table, keys)| row(table, keys)).collect();
    let written = README.lines().filter(|line| line.starts_with("| `["));
    let written: BTreeSet<String> = written.map(str::to_owned).collect();
    let missing: Vec<&String> = rows.difference(&written).collect();
    let beyond: Vec<&String> = written.difference(&rows).collect();
    assert!(
        missing.is_empty() && beyond.is_empty(),
        "README lacks {missing:#?}, and has no reason for {beyond:#?}"
    );

    let explained = |key: &str| {
        let names = COMPLETE.lines().filter_map(|line| line.trim_start_matches("# ").split_once('='));
        names.into_iter().any(|(name, _)| name.trim() == key) || COMPLETE.contains(&format!(".{key}]"))
    };
    let silent: Vec<_> = settings.values().flatten().filter(|key| !explained(key)).collect();
    assert!(silent.is_empty(), "examples/gateway.toml does not explain {silent:?}");
}
