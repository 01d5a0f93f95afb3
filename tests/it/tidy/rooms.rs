//! Who may import whom, and who may name what.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{File, rust};

/// The rooms from the floor up, each with the rooms it imports. A room imports only what stands above it in this list, so
/// there is no cycle. Tests of a room keep to its row.
///
/// What the rows mean: a noun knows nothing; a verb knows nouns; `upstream` knows no entity and no vendor; `vendors` is imported
/// by the builder alone; `gather` and `graphql` never see a vendor or a verb's maker; `http` is handed a function that answers, so
/// it knows neither entities nor the schema.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("secret", &[]),
    ("telemetry", &[]),
    ("source", &["model"]),
    ("upstream", &["telemetry"]),
    ("callers", &["model"]),
    ("vendors", &["model", "secret", "source", "upstream"]),
    ("gather", &["model", "source", "telemetry"]),
    ("events", &["gather", "model", "source"]),
    ("graphql", &["events", "gather", "model", "telemetry"]),
    ("http", &["model", "telemetry"]),
    (
        "config",
        &["callers", "events", "gather", "graphql", "http", "model", "secret", "telemetry", "upstream"],
    ),
    (
        "app",
        &[
            "callers", "config", "events", "gather", "graphql", "http", "model", "secret", "source",
            "upstream", "vendors",
        ],
    ),
    ("main", &["app", "callers", "config", "graphql", "telemetry"]),
];

/// Words that only some files may hold, tests apart. Each file named here does hold one.
const WORDS: &[(&[&str], &[&str], &str)] = &[
    (
        &["async_graphql"],
        &["src/graphql/", "src/http/socket.rs"],
        "another GraphQL library could take its place; a socket asks its glue which protocols are offered",
    ),
    (
        &["reqwest"],
        &["src/telemetry/export.rs", "src/upstream/http.rs"],
        "redirects, proxies and bodies are bounded there",
    ),
    (&["opentelemetry"], &["src/telemetry/export.rs"], "what a span may say is decided in traces.rs"),
    (&["axum"], &["src/app.rs", "src/http/", "src/vendors/"], "and vendors only in their simulators"),
    (
        &["moka"],
        &["src/gather/cache.rs", "src/gather/pages.rs", "src/graphql/documents.rs", "src/http/answers.rs"],
        "what may be cached, and for how long, is decided once for data, once for pages made of it, once for documents and once for answers",
    ),
    (&["jsonwebtoken"], &["src/callers/"], "who is known is found out in one place"),
    (&["prometheus_client"], &["src/telemetry/"], "a metric has one name, and that is a function there"),
    (&["secrecy"], &["src/secret.rs"], "a secret has no other way out than expose()"),
    (&[".expose("], &["src/vendors/"], "only the vendor's dialect puts a key into a header"),
    (&["env::var", "env::vars"], &["src/config/environment.rs"], "everyone else is handed a function"),
    (
        &["Timestamp::now(", "SystemTime::now(", "Zoned::now("],
        &[
            "src/app/circumstances.rs",
            "src/events/states.rs",
            "src/http/graphql.rs",
            "src/http/live.rs",
            "src/http/webhooks.rs",
            "src/upstream/clock.rs",
            "src/vendors/simulation/control.rs",
            "src/vendors/simulation/webhooks.rs",
        ],
        "the wall clock comes in Cx",
    ),
];

/// Files outside `vendors/` that name vendors, tests apart: the enum, and what the schema makes of it.
const NAMES_VENDORS: &[&str] = &["src/graphql/types/vendor.rs", "src/model/id.rs"];

/// The rooms that `text`, the code of a file, imports, its own apart.
fn imports(file: &File) -> BTreeSet<String> {
    let path = file.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let depth = if matches!(path, "main" | "lib") { 0 } else { path.split('/').count() };
    let up = format!("{}::", vec!["super"; depth].join("::"));
    let mut roots = vec!["crate::", "leadgraph::"];
    if depth > 0 {
        roots.push(&up);
    }
    let code: Vec<&str> = file.text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut found = BTreeSet::new();
    for root in roots {
        for (at, _) in code.match_indices(root) {
            // `super::` is a part of `super::super::`, and `crate::` of another crate's name; after a quote it is text.
            let longer = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '"');
            if !code[..at].ends_with(longer) {
                found.extend(heads(&code[at + root.len()..]));
            }
        }
    }
    // Nothing is imported by a `crate::` in a text.
    found.remove("");
    found.remove(file.room().unwrap_or_default());
    found
}

/// The first parts of the paths that `rest` begins with: one, or those of a group in braces.
fn heads(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else { return vec![head(rest)] };
    let (mut heads, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                heads.push(head(group[start..at].trim_start()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    heads
}

fn head(path: &str) -> String {
    path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn imports_keep_to_the_plan() {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for file in rust("src") {
        let Some(room) = file.room() else { continue };
        let row = ROOMS.iter().find(|(name, _)| *name == room);
        let (_, may) = row.unwrap_or_else(|| panic!("{}: {room} is no room of the plan", file.path));
        let imports = imports(&file);
        let beyond = imports.iter().filter(|other| !may.contains(&other.as_str()));
        wrong.extend(beyond.map(|other| format!("{}: {room} -> {other}", file.path)));
        found.entry(room.to_owned()).or_default().extend(imports);
    }
    assert!(wrong.is_empty(), "not in the plan: {wrong:#?}");
    for (room, may) in ROOMS {
        let imports = found.get(*room).unwrap_or_else(|| panic!("there is no room {room}"));
        let unused: Vec<_> = may.iter().filter(|other| !imports.contains(**other)).collect();
        assert!(unused.is_empty(), "the plan lets {room} import {unused:?}, which it does not");
    }
}

#[test]
fn plan_has_no_cycle() {
    for (place, (room, may)) in ROOMS.iter().enumerate() {
        let below: Vec<_> = ROOMS[..place].iter().map(|(name, _)| *name).collect();
        assert!(may.iter().all(|other| below.contains(other)), "{room} imports what stands after it");
    }
}

#[test]
fn imports_are_read_in_every_form() {
    let check = |path: &str, text: &str, expected: &[&str]| {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        assert_eq!(imports(&file).iter().map(String::as_str).collect::<Vec<_>>(), expected, "{text}");
    };
    check("src/gather/feed.rs", "use crate::vendors::ALL;", &["vendors"]);
    check("src/gather/feed.rs", "use crate::{gather::x, model::{id, cx}, http};", &["http", "model"]);
    check("src/gather/feed.rs", "use super::super::vendors;\nuse super::plan;", &["vendors"]);
    check("src/gather/mod.rs", "use super::{http, model};", &["http", "model"]);
    check("src/gather/feed.rs", "let x: crate::app::App;\n// crate::config\nother_crate::y", &["app"]);
    check("src/gather/feed.rs", "target: \"leadgraph::audit\"", &[]);
    check("src/main.rs", "use leadgraph::{graphql, telemetry};", &["graphql", "telemetry"]);
}

#[test]
fn words_stay_where_they_belong() {
    let files: Vec<_> = rust("src").into_iter().filter(|file| !file.is_test()).collect();
    for (words, places, why) in WORDS {
        let holders: Vec<_> =
            files.iter().filter(|file| words.iter().any(|word| file.text.contains(word))).collect();
        for file in &holders {
            let allowed = places.iter().any(|place| file.path.starts_with(place));
            assert!(allowed, "{} holds one of {words:?}: {why}", file.path);
        }
        for place in *places {
            let used = holders.iter().any(|file| file.path.starts_with(place));
            assert!(used, "{place} may hold {words:?}, and does not");
        }
    }
}

#[test]
fn axum_is_in_vendors_only_for_their_simulators() {
    for file in rust("src/vendors") {
        let simulated = file.path.contains("/simulator") || file.path.contains("/simulation");
        assert!(simulated || file.is_test() || !file.text.contains("axum"), "{}", file.path);
    }
}

#[test]
fn nouns_are_not_serialized() {
    for file in rust("src/model") {
        assert!(!file.text.contains("serde"), "{}: wire and schema have shapes of their own", file.path);
    }
}

#[test]
fn vendors_are_named_by_nobody_else() {
    let vendors: Vec<_> = leadgraph::vendors::ALL.iter().map(|entry| entry.name).collect();
    let mut naming = BTreeSet::new();
    for file in rust("src") {
        let text = file.text.to_lowercase();
        let elsewhere = !file.is_test() && !file.path.starts_with("src/vendors/");
        if elsewhere && vendors.iter().any(|name| text.contains(name)) {
            naming.insert(file.path);
        }
    }
    let allowed: BTreeSet<_> = NAMES_VENDORS.iter().map(|path| (*path).to_owned()).collect();
    assert_eq!(naming, allowed, "files outside vendors/ that name a vendor");
}
