//! The tree as the tests of the house read it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the repository is.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A file of text.
pub(super) struct File {
    /// From the repository's root, with `/` between its parts.
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    /// The room of a file of `src/`: the first part of its path there. `None` for `lib.rs`, which only declares them.
    pub(super) fn room(&self) -> Option<&str> {
        let path = self.path.strip_prefix("src/")?.trim_end_matches(".rs");
        let room = path.split('/').next()?;
        (room != "lib").then_some(room)
    }

    pub(super) fn is_test(&self) -> bool {
        self.path.trim_end_matches(".rs").split('/').any(|part| part == "tests")
    }
}

/// All files that belong to the repository: what git tracks, or what lies there, where it is no checkout.
pub(super) fn paths() -> Vec<String> {
    let tracked = Command::new("git").args(["ls-files", "-z"]).current_dir(ROOT).output();
    let tracked = tracked.ok().filter(|output| output.status.success() && !output.stdout.is_empty());
    let mut paths: Vec<String> = match tracked {
        Some(output) => {
            let names = String::from_utf8(output.stdout).unwrap();
            names.split_terminator('\0').map(str::to_owned).collect()
        }
        None => below(Path::new(ROOT)).iter().map(|path| relative(path)).collect(),
    };
    paths.sort();
    paths
}

/// All files of text that belong to the repository.
pub(super) fn texts() -> Vec<File> {
    let read = |path: String| {
        let text = fs::read_to_string(Path::new(ROOT).join(&path)).ok()?;
        Some(File { path, text })
    };
    paths().into_iter().filter_map(read).collect()
}

/// All Rust below a folder, tracked or not yet.
pub(super) fn rust(folder: &str) -> Vec<File> {
    let read = |path: PathBuf| File { text: fs::read_to_string(&path).unwrap(), path: relative(&path) };
    let files = below(&Path::new(ROOT).join(folder));
    let mut files: Vec<File> =
        files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs")).map(read).collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

/// The names of what is in a folder.
pub(super) fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(ROOT).join(folder)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(super) fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            if name != "target" && name != ".git" {
                files.extend(below(&path));
            }
        } else {
            files.push(path);
        }
    }
    files
}

fn relative(path: &Path) -> String {
    path.strip_prefix(ROOT).unwrap().to_str().unwrap().replace('\\', "/")
}
