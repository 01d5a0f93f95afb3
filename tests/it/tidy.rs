//! The house, kept by tests: who knows whom (`rooms`), the vendors' ledgers, the size of files, what may lie where.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod rooms;
mod tree;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use leadgraph::events::Log;
use leadgraph::gather::Gather;
use leadgraph::gather::settings::Settings;
use leadgraph::graphql::{self, Opened, Request, open, schema};
use leadgraph::model::caller::Caller;
use leadgraph::model::cx::{Cx, Meter};
use leadgraph::vendors;

use self::tree::{File, names, paths, read, rust, texts};

/// The most lines of a file; more say that it does two things.
const LONGEST: usize = 500;
/// The most lines of a file of tests.
const LONGEST_OF_TESTS: usize = 700;
/// From here on a file is told of.
const LONG: usize = 400;

/// What may stand at the top.
const TOP: &[&str] = &[
    ".ci",
    ".clippy.toml",
    ".deny.toml",
    ".gitignore",
    ".rustfmt.toml",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "examples",
    "schema.graphql",
    "src",
    "tests",
];

#[test]
fn every_vendors_folder_is_in_the_list_of_all() {
    let all = names("src/vendors");
    // Beside a file of its name a folder holds the rest of that.
    let is_vendor = |name: &&String| {
        !name.ends_with(".rs") && *name != "simulation" && !all.contains(&format!("{name}.rs"))
    };
    let folders: Vec<String> = all.iter().filter(is_vendor).cloned().collect();
    let listed: Vec<_> = vendors::ALL.iter().map(|entry| entry.name).collect();
    assert_eq!(folders, listed, "folders of src/vendors, and vendors::ALL in the order of names");
    let members: BTreeSet<_> = vendors::ALL.iter().map(|entry| entry.vendor).collect();
    assert_eq!(members.len(), listed.len(), "no two are the same vendor");
}

fn rust_of(folders: &[&str]) -> Vec<File> {
    folders.iter().flat_map(|folder| rust(folder)).collect()
}

/// The numbers after `prefix` in a text.
fn cited<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = u32> + 'a {
    text.split(prefix).skip(1).filter_map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    })
}

#[test]
fn every_fact_is_cited_and_every_citation_is_a_fact() {
    let code = rust_of(&["src", "tests"]);
    for entry in vendors::ALL {
        let prefix = format!("{}-", entry.name.to_uppercase());
        let folder = format!("src/vendors/{}/", entry.name);
        let ledger = read(&format!("{folder}README.md"));
        let row = |line: &str| {
            line.strip_prefix("| ")
                .and_then(|line| line.strip_prefix(&prefix)?.split(' ').next()?.parse().ok())
        };
        let facts: Vec<u32> = ledger.lines().filter_map(row).collect();
        let all: Vec<u32> = (1..).take(facts.len()).collect();
        assert!(facts.len() > 10, "{}: the ledger is read", entry.name);
        assert_eq!(facts, all, "{}: facts are numbered from 1 without a gap", entry.name);

        let inside = code.iter().filter(|file| file.path.starts_with(&folder));
        let inside: BTreeSet<u32> = inside.flat_map(|file| cited(&file.text, &prefix)).collect();
        let silent: Vec<_> = facts.iter().filter(|fact| !inside.contains(fact)).collect();
        assert!(silent.is_empty(), "{prefix}{silent:?}: nothing in {folder} rests on these facts");
        for file in &code {
            let unknown = cited(&file.text, &prefix).find(|fact| !facts.contains(fact));
            assert_eq!(unknown, None, "{} cites a fact of {prefix} that is not in the ledger", file.path);
        }
        let unknown = cited(&ledger, &prefix).find(|fact| !facts.contains(fact));
        assert_eq!(unknown, None, "the ledger itself cites a fact of {prefix} that it does not have");
    }
}

#[test]
fn no_file_is_too_long() {
    let mut wrong = Vec::new();
    for file in rust_of(&["src", "tests", "examples"]) {
        let lines = file.text.lines().count();
        let most = if file.is_test() { LONGEST_OF_TESTS } else { LONGEST };
        if lines > most {
            wrong.push(format!("{} has {lines} lines", file.path));
        } else if lines > LONG {
            println!("{} has {lines} lines; {most} are allowed", file.path);
        }
    }
    assert!(wrong.is_empty(), "too long: {wrong:#?}");
}

#[test]
fn nothing_else_lies_at_the_top() {
    let top: BTreeSet<String> =
        paths().iter().filter_map(|path| path.split('/').next()).map(str::to_owned).collect();
    let other: Vec<_> = top.iter().filter(|name| !TOP.contains(&name.as_str())).collect();
    assert!(other.is_empty(), "{other:?}");
}

#[test]
fn every_file_of_these_tests_is_run() {
    let main = read("tests/it/main.rs");
    for file in rust("tests/it") {
        let path = file.path.trim_start_matches("tests/it/").trim_end_matches(".rs");
        let module = path.split('/').next().unwrap_or_default();
        let declared = main.lines().any(|line| line == format!("mod {module};"));
        assert!(module == "main" || declared, "{}: main.rs has no line `mod {module};`", file.path);
    }
}

#[tokio::test]
async fn every_example_query_is_valid() {
    let schema =
        schema(Gather::new(Settings::default(), Vec::new()), Log::default(), graphql::Settings::default());
    let refused = async |query: String| {
        let cx = Cx {
            deadline: tokio::time::Instant::now() + Duration::from_secs(5),
            now: "2026-05-11T12:00:00Z".parse().unwrap(),
            request_id: Arc::from("tidy"),
            caller: Caller::unrestricted("tidy"),
            meter: Meter::default(),
            background: false,
            anew: false,
        };
        match open(&schema, cx, Request { query, ..Request::default() }).await {
            Opened::Once(answer) => answer.refusal().map(|_| serde_json::to_string(&answer).unwrap()),
            Opened::Each(_) => None,
        }
    };
    let files = names("examples/queries");
    assert!(!files.is_empty());
    for file in files {
        let refused = refused(read(&format!("examples/queries/{file}"))).await;
        assert_eq!(refused, None, "examples/queries/{file}");
    }
    let wrong = refused("{ leads { nodes { shoeSize } } }".to_owned()).await;
    assert!(wrong.is_some(), "a field that there is not is noticed");
}

#[test]
fn nothing_tells_of_the_machine_it_was_written_on() {
    // Written apart, so that this file does not find itself.
    let folders = ["home", "root", "tmp", "work", "Users"].map(|name| format!("/{name}/"));
    for file in texts() {
        for folder in &folders {
            let line = file.text.lines().find(|line| line.contains(folder.as_str()));
            assert_eq!(line, None, "{} names a path below {folder}", file.path);
        }
    }
}

#[test]
fn crates_come_from_the_public_registry_and_nowhere_else() {
    const PUBLIC: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    for file in texts().iter().filter(|file| file.path == "Cargo.lock" || file.path.ends_with(".toml")) {
        for line in file.text.lines().map(str::trim_start) {
            let elsewhere = ["source = ", "registry = ", "registry-index = ", "replace-with = ", "index = "];
            let elsewhere = line != PUBLIC && elsewhere.iter().any(|key| line.starts_with(key));
            assert!(!elsewhere, "{}: {line}", file.path);
        }
    }
}
