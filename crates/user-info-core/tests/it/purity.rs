//! The core is pure: its manifest has no crate that could do IO, and its sources reach for nothing outside.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const ALLOWED: [&str; 4] = ["jiff", "serde", "serde_json", "thiserror"];
const ALLOWED_IN_TESTS: [&str; 1] = ["proptest"];

const FORBIDDEN: [&str; 16] = [
    "std::time",
    "core::time",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::env",
    "std::process",
    "std::thread",
    "std::sync",
    "tokio",
    "async ",
    "rand::",
    "getrandom",
    "RandomState",
    "::now(",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names under `[section]` of the manifest.
fn names_in(manifest: &str, section: &str) -> BTreeSet<String> {
    let header = format!("[{section}]");
    let body = manifest.lines().skip_while(|line| *line != header).skip(1).take_while(|line| !line.starts_with('['));
    let name = |line: &str| line.split(['.', '=', ' ']).next().unwrap_or_default().to_owned();
    body.filter(|line| !line.is_empty() && !line.starts_with('#')).map(name).collect()
}

#[test]
fn the_manifest_has_no_crate_that_could_do_more() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert_eq!(names_in(&manifest, "dependencies"), ALLOWED.map(str::to_owned).into());
    assert_eq!(names_in(&manifest, "dev-dependencies"), ALLOWED_IN_TESTS.map(str::to_owned).into());
    let sections: BTreeSet<&str> = manifest.lines().filter(|line| line.contains("dependencies")).collect();
    assert_eq!(sections, ["[dependencies]", "[dev-dependencies]"].into());
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn the_sources_reach_for_nothing_outside() {
    let sources = sources(&root().join("src"));
    assert!(sources.len() >= 12, "{sources:?}");
    for path in sources {
        let text = std::fs::read_to_string(&path).unwrap();
        for word in FORBIDDEN {
            assert!(!text.contains(word), "{} mentions {word}", path.display());
        }
        assert!(!text.contains("std::{"), "{}: one import to a line, so that this test sees them", path.display());
        assert!(text.starts_with("//! "), "{} does not say what it is for", path.display());
    }
}
