//! `[documents]`, whose manifest is a file beside the configuration.

use std::fs;
use std::path::PathBuf;

use super::*;

/// A folder with a configuration's neighbours in it, until dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("leadgraph-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    /// Reads a configuration that lies in this folder.
    fn load(&self, documents: &str) -> Result<Config, Vec<Problem>> {
        let file = self.0.join("gateway.toml");
        let text = format!("[documents]\n{documents}\n{GOOD}");
        read(file.to_str().unwrap(), &text, &variables, &VENDORS, &mut complain)
    }

    /// The only problem with it, which must be in the second line.
    fn problem(&self, documents: &str) -> Problem {
        let Err(mut problems) = self.load(documents) else { panic!("taken: {documents}") };
        assert_eq!((problems.len(), problems[0].line), (1, 2), "{documents}: {problems:?}");
        problems.remove(0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn manifest_is_found_beside_the_configuration_and_anywhere_else_by_its_whole_path() {
    let folder = Folder::new("found");
    folder.write("queries.json", r#"{"one": "{ __typename }", "two": "query B { __typename }"}"#);
    let whole = folder.0.join("queries.json");
    for path in ["queries.json", "./queries.json", whole.to_str().unwrap()] {
        let documents = format!("manifest = '{path}'\nautomatic = false\nonly_trusted = true");
        let config = folder.load(&documents).unwrap_or_else(|problems| panic!("{problems:?}"));
        let documents = config.graphql.documents;
        assert_eq!((documents.automatic, documents.only_trusted, documents.trusted.len()), (false, true, 2));
    }
}

#[test]
fn manifest_that_cannot_be_used_is_told_why_and_what_it_should_be() {
    let folder = Folder::new("unusable");
    folder.write("broken.json", "{\n  \"one\":\n}");
    folder.write("empty.json", "{}");
    folder.write("other.json", "[1]");
    folder.write("no_query.json", r#"{"one": "no query", "two": "{ __typename }"}"#);
    folder.write("twice.json", r#"{"one": "{ __typename }", "sha256:one": "{ __typename }"}"#);
    folder.write(
        "later.json",
        r#"{"format": "apollo-persisted-query-manifest", "version": 2, "operations": []}"#,
    );
    fs::create_dir_all(folder.0.join("folder.json")).unwrap();
    let large = fs::File::create(folder.0.join("large.json")).unwrap();
    large.set_len((16 << 20) + 1).unwrap();
    for (name, said) in [
        ("nowhere.json", "it cannot be read: entity not found"),
        ("folder.json", "it cannot be read"),
        ("large.json", "it is larger than 16 MiB"),
        ("broken.json", "it is not JSON at line 3, column 1"),
        ("empty.json", "it has no documents"),
        ("other.json", "it is neither Relay's"),
        ("no_query.json", "the document \"one\" is not GraphQL"),
        ("twice.json", "one\" is there twice"),
        ("later.json", "version 1"),
    ] {
        let problem = folder.problem(&format!("manifest = '{name}'"));
        assert!(problem.what.contains(&format!("the manifest \"{name}\"")), "{problem}");
        assert!(problem.what.contains(said), "{said:?} is not in {problem}");
        assert!(problem.hint.contains("Relay") && problem.hint.contains("begins at this file"), "{problem}");
    }
}

#[test]
fn what_cannot_be_meant_is_a_problem() {
    let folder = Folder::new("meant");
    for (documents, said) in [
        ("automtic = true", "unknown key `documents.automtic`"),
        ("automatic = 1", "`documents.automatic` is of type integer"),
        ("manifest = ['a.json']", "`documents.manifest` is of type array"),
        ("only_trusted = 'yes'", "`documents.only_trusted` is of type string"),
    ] {
        let problem = folder.problem(documents);
        assert!(problem.what.contains(said), "{problem}");
    }
    let Err(problems) = folder.load("only_trusted = true") else { panic!("nothing could ever run") };
    assert_eq!((problems.len(), problems[0].line), (1, 1), "{problems:?}");
    assert!(problems[0].what.contains("no document is trusted"), "{}", problems[0]);
    assert!(problems[0].hint.contains("manifest ="), "{}", problems[0]);
}

#[test]
fn path_of_a_manifest_cannot_play_with_the_terminal() {
    let folder = Folder::new("terminal");
    let problem = folder.problem("manifest = \"\\u001b[2Jx\\n.json\"");
    assert!(!problem.what.contains(['\u{1b}', '\n']), "{:?}", problem.what);
}
