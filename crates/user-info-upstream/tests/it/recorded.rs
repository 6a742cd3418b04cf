//! Statuses that Twitter really sent, from the samples of the package `egg-mode`, go all the way to facts.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use user_info_core::{Decoded, Fact, decode};
use user_info_upstream::stream::message::Message;
use user_info_upstream::tweets::translator::{Translator, TranslatorConfig};

use crate::support::time;

/// Every recorded status, byte by byte where it has a file of its own: line feeds inside and all.
pub(crate) fn statuses() -> Vec<Vec<u8>> {
    let mut files: Vec<_> = std::fs::read_dir(samples()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|file| statuses_in(&std::fs::read(file).unwrap())).collect()
}

fn statuses_in(file: &[u8]) -> Vec<Vec<u8>> {
    let is_status = |value: &Value| value.get("in_reply_to_status_id").is_some();
    let value: Value = serde_json::from_slice(file).unwrap();
    if is_status(&value) {
        return vec![file.trim_ascii().to_vec()];
    }
    let elements = value.as_array().map(Vec::as_slice).unwrap_or_default();
    elements.iter().filter(|element| is_status(element)).map(|element| element.to_string().into()).collect()
}

/// Where cargo keeps the package's samples; it fetches the package if it is not there yet.
fn samples() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(["metadata", "--format-version", "1", "--locked"]).output().unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let package =
        metadata["packages"].as_array().unwrap().iter().find(|package| package["name"] == "egg-mode").unwrap();
    PathBuf::from(package["manifest_path"].as_str().unwrap()).with_file_name("sample_payloads")
}

#[test]
fn recorded_statuses_become_facts_that_decode() {
    let statuses = statuses();
    assert!(statuses.len() >= 30, "{} statuses", statuses.len());
    for bytes in statuses {
        let message = Message::parse(&bytes).unwrap();
        let mut records = Vec::new();
        Translator::new(TranslatorConfig::default()).translate(&message, None, time(), &mut records);
        let decoded: Vec<_> = records
            .iter()
            .map(|record| decode(record.topic, record.key.as_deref(), record.value.as_deref()).unwrap())
            .collect();
        let original: Value = serde_json::from_slice(&bytes).unwrap();
        let [
            Decoded::Fact(Fact::UserChanged { user_id, profile }),
            others @ ..,
            Decoded::Fact(Fact::Tweeted { tweet_id, text, .. }),
        ] = &decoded[..]
        else {
            panic!("{decoded:?}");
        };
        assert_eq!(original["user"]["id_str"], user_id.as_str());
        assert_eq!(original["user"]["screen_name"], profile.username.as_str());
        assert_eq!(original["id_str"], tweet_id.as_str());
        let embedded = |pointer: &str| original.pointer(pointer).is_some_and(|id| *id != original["user"]["id_str"]);
        let places = ["/retweeted_status/user/id_str", "/quoted_status/user/id_str"];
        let nested = "/retweeted_status/quoted_status/user/id_str";
        let expected = places.into_iter().chain([nested]).filter(|pointer| embedded(pointer)).count();
        assert_eq!(others.len(), expected, "users who are embedded: {decoded:?}");
        let beginning = original.get("full_text").or(original.get("text")).unwrap().as_str().unwrap();
        assert!(text.starts_with(&beginning[..10]), "{text:?} is not {beginning:?}");
    }
}
