//! The audit proves something only as long as it shares no code with what it checks.

use std::fs;
use std::path::{Path, PathBuf};

/// Names of the code under audit, and of anything that goes through it.
const FORBIDDEN: [&str; 14] = [
    "decode",
    "Decoded",
    "check_partition",
    "partition_of",
    "into_change",
    "Change",
    "fold",
    "Plan",
    "Effects",
    "Fact",
    "folded_username",
    "check_username",
    "CountDelta",
    "MemoryStore",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
}

#[test]
fn the_audit_shares_no_code_with_the_decoder_or_the_fold() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(sources.len() > 10, "the sources are where the test looks: {sources:?}");
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        for forbidden in FORBIDDEN {
            assert!(!words(&text).any(|word| word == forbidden), "{} mentions {forbidden}", path.display());
        }
        for (at, name) in text.match_indices("user_info_core") {
            let used = &text[at + name.len()..];
            assert!(used.starts_with("::Topic;"), "{} uses more of the core than Topic", path.display());
        }
    }
}
