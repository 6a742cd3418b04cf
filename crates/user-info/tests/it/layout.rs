//! The dependency rule, read from the manifests: what a crate may know is decided by a table, not by review.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// What each crate may depend on. A crate that is not here has no place yet.
const MAY_DEPEND_ON: [(&str, &[&str]); 10] = [
    ("user-info-core", &[]),
    ("user-info-testkit", &[]),
    ("user-info-log", &["user-info-core"]),
    ("user-info-store", &["user-info-core"]),
    ("user-info-service", &["user-info-core", "user-info-log", "user-info-store"]),
    ("user-info-upstream", &["user-info-core", "user-info-log"]),
    ("user-info-audit", &["user-info-core", "user-info-log", "user-info-store"]),
    ("user-info-bench", &["user-info-core", "user-info-log", "user-info-service"]),
    (
        MEASURE,
        &[
            "user-info-audit",
            "user-info-bench",
            "user-info-core",
            "user-info-log",
            "user-info-service",
            "user-info-testkit",
        ],
    ),
    (
        "user-info",
        &[
            "user-info-audit",
            "user-info-bench",
            "user-info-core",
            "user-info-log",
            "user-info-service",
            "user-info-store",
            "user-info-upstream",
        ],
    ),
];

/// Starts real servers to measure with, as tests do. The table keeps it out of the program.
const MEASURE: &str = "user-info-measure";

/// Those that meet in the topics alone, in tests as well.
const STRANGERS: [&str; 2] = ["user-info-service", "user-info-upstream"];

/// What the pure core must never know, directly: clocks, IO, waiting, chance.
const NOT_PURE: [&str; 6] = ["tokio", "rdkafka", "rocksdb", "rand", "tracing", "hyper"];

/// The names of what a crate depends on.
#[derive(Debug, Default)]
struct Dependencies {
    /// For the crate itself, or to build it, on any platform.
    normal: BTreeSet<String>,
    /// For its tests alone.
    test: BTreeSet<String>,
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn dependencies(name: &str) -> Dependencies {
    let manifest = fs::read_to_string(crates().join(name).join("Cargo.toml")).unwrap();
    let manifest: Table = manifest.parse().unwrap();
    assert_eq!(manifest["package"]["name"].as_str(), Some(name), "a crate is called like its folder");
    let mut found = Dependencies::default();
    collect(&manifest, &mut found);
    for platform in manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values) {
        collect(platform.as_table().unwrap(), &mut found);
    }
    found
}

fn collect(manifest: &Table, found: &mut Dependencies) {
    let names = |section: &str| {
        let entries = manifest.get(section).and_then(Value::as_table).into_iter().flatten();
        entries.map(|(name, entry)| entry.get("package").and_then(Value::as_str).unwrap_or(name).to_owned())
    };
    found.normal.extend(names("dependencies").chain(names("build-dependencies")));
    found.test.extend(names("dev-dependencies"));
}

fn ours(names: &BTreeSet<String>) -> Vec<&str> {
    names.iter().map(String::as_str).filter(|name| name.starts_with("user-info")).collect()
}

#[test]
fn every_crate_is_in_the_table_and_nothing_else_is() {
    let entries = fs::read_dir(crates()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let folders: BTreeSet<String> = entries.collect();
    let table: BTreeSet<String> = MAY_DEPEND_ON.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(folders, table, "a new crate needs a line in this test and in the design");
}

#[test]
fn crates_depend_on_what_the_table_allows() {
    for (name, allowed) in MAY_DEPEND_ON {
        let found = dependencies(name);
        let forbidden: Vec<&str> = ours(&found.normal).into_iter().filter(|it| !allowed.contains(it)).collect();
        assert_eq!(forbidden, Vec::<&str>::new(), "{name} must not depend on these");
    }
}

#[test]
fn the_testkit_is_for_tests_and_measurements_alone() {
    for (name, _) in MAY_DEPEND_ON.into_iter().filter(|(name, _)| *name != MEASURE) {
        assert!(!dependencies(name).normal.contains("user-info-testkit"), "{name} takes the testkit into the program");
    }
}

#[test]
fn the_service_and_its_upstream_meet_in_the_topics_alone() {
    for name in STRANGERS {
        let Dependencies { normal, test } = dependencies(name);
        let met =
            STRANGERS.iter().find(|other| **other != name && (normal.contains(**other) || test.contains(**other)));
        assert_eq!(met, None, "{name} knows the other side");
    }
}

#[test]
fn the_core_cannot_do_io() {
    let Dependencies { normal, .. } = dependencies("user-info-core");
    let found: Vec<&str> = NOT_PURE.into_iter().filter(|name| normal.contains(*name)).collect();
    assert_eq!(found, Vec::<&str>::new(), "the core would not be pure");
}
