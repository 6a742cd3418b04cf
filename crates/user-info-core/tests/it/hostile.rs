//! No input whatever panics, and no reason grows with the input that it is about.

use proptest::collection::vec;
use proptest::prelude::*;
use user_info_core::{BadRecord, Decoded, Topic, decode};

use crate::generate::{self, config};
use crate::samples::samples;

/// A reason becomes a header of a dead letter and a line of a log.
const MAX_MESSAGE_BYTES: usize = 512;

const MIB: usize = 1024 * 1024;

fn decode_bounded(topic: Topic, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Decoded, BadRecord> {
    let decoded = decode(topic, key, value);
    if let Err(error) = &decoded {
        let message = error.to_string();
        assert!(message.len() <= MAX_MESSAGE_BYTES, "{} bytes: {message:.600}", message.len());
        assert!(!message.contains(|it: char| it.is_control()), "{message:?} would break a line");
        let debug = format!("{error:?}");
        assert!(debug.len() <= 2 * MAX_MESSAGE_BYTES, "{} bytes: {debug:.600}", debug.len());
    }
    decoded
}

/// Values of nearly the longest length, in every place that a reason could quote.
#[test]
fn reasons_stay_short_whatever_they_are_about() {
    let long = MIB - 600;
    let texts =
        ["x", "\\u0001", "\\\"", "🦀", "\u{10ffff}", "\u{e000}", "\u{202e}"].map(|it| it.repeat(long / it.len()));
    let strings = texts.iter().map(|text| format!("\"{text}\""));
    let digits = "9".repeat(long);
    let others =
        [digits.clone(), format!("-{digits}"), format!("0.{digits}"), format!("1e{digits}"), format!("[{digits}]")];
    let values: Vec<String> = strings.chain(others).collect();
    for sample in samples() {
        let key = Some(sample.key.as_bytes());
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(sample.json).unwrap();
        for value in &values {
            for (field, old) in &object {
                let json = sample.json.replacen(&format!("\"{field}\":{old}"), &format!("\"{field}\":{value}"), 1);
                assert!(json.len() > long, "{field} is replaced");
                let decoded = decode_bounded(sample.topic, key, Some(json.as_bytes()));
                assert!(decoded.is_err() || field == "text", "{field} has a limit: {value:.20}");
            }
            assert!(decode_bounded(sample.topic, key, Some(value.as_bytes())).is_err());
            assert!(decode_bounded(sample.topic, Some(value.as_bytes()), Some(sample.json.as_bytes())).is_err());
            if value.starts_with('"') {
                let named = sample.json.replacen("\"type\"", value, 1);
                assert!(decode_bounded(sample.topic, key, Some(named.as_bytes())).is_err());
            }
        }
    }
}

/// The longest keys there are, and types of characters that take ten to write.
#[test]
fn quoted_input_is_cut() {
    let (owner, member) = ("\u{10fffd}".repeat(16), "\u{e000}".repeat(21));
    let json = format!(r#"{{"type":"unfollowed","follower_id":"{member}","followee_id":"{owner}"}}"#);
    let key = format!("{owner}/{member}");
    let error = decode_bounded(Topic::Follows, Some(key.as_bytes()), Some(json.as_bytes())).unwrap_err();
    assert_eq!(error, BadRecord::KeyMismatch { key, value: format!("{member}/{owner}") });

    let json = format!(r#"{{"type":"{}"}}"#, "\u{10fffd}".repeat(33));
    let error = decode_bounded(Topic::Follows, Some(b"1/2"), Some(json.as_bytes())).unwrap_err();
    assert_eq!(error, BadRecord::UnknownType { topic: Topic::Follows, found: "\u{10fffd}".repeat(32) });
}

/// A valid value with some of its bytes changed, left out, repeated or moved.
#[derive(Clone, Debug)]
enum Damage {
    Set(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Cut(usize),
    Repeat(usize, usize),
    Swap(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = prop_oneof![any::<u8>(), proptest::sample::select(&b"{}[]\",:\\/ nt0-9eu\0"[..])];
    let place = any::<u16>().prop_map(usize::from);
    prop_oneof![
        (place.clone(), byte.clone()).prop_map(|(place, byte)| Damage::Set(place, byte)),
        (place.clone(), byte).prop_map(|(place, byte)| Damage::Insert(place, byte)),
        place.clone().prop_map(Damage::Remove),
        place.clone().prop_map(Damage::Cut),
        (place.clone(), 0..20_usize).prop_map(|(place, length)| Damage::Repeat(place, length)),
        (place.clone(), place).prop_map(|(left, right)| Damage::Swap(left, right)),
    ]
}

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        let length = bytes.len().max(1);
        bytes.resize(length, b' ');
        match *damage {
            Damage::Set(place, byte) => bytes[place % length] = byte,
            Damage::Insert(place, byte) => bytes.insert(place % length, byte),
            Damage::Remove(place) => drop(bytes.remove(place % length)),
            Damage::Cut(place) => bytes.truncate(place % length),
            Damage::Repeat(place, count) => {
                let start = place % length;
                let copy = bytes[start..length.min(start + count)].to_vec();
                bytes.splice(start..start, copy);
            }
            Damage::Swap(left, right) => bytes.swap(left % length, right % length),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_are_answered(
        key in proptest::option::of(vec(any::<u8>(), 0..140)),
        value in vec(any::<u8>(), 0..300),
    ) {
        for topic in Topic::ALL {
            let _ = decode_bounded(topic, key.as_deref(), Some(&value));
            let _ = decode_bounded(topic, Some(b"12/20"), Some(&value));
            let _ = decode_bounded(topic, key.as_deref(), None);
        }
    }

    /// Whatever is taken for a fact is one of this key, and reads back as itself.
    #[test]
    fn any_damaged_fact_is_answered(
        fact in generate::fact(),
        damages in vec(damage(), 0..4),
        key_damages in vec(damage(), 0..2),
    ) {
        let key = damaged(fact.key().to_string().into_bytes(), &key_damages);
        let value = damaged(fact.to_json(), &damages);
        for topic in Topic::ALL {
            if let Ok(Decoded::Fact(found)) = decode_bounded(topic, Some(&key), Some(&value)) {
                prop_assert_eq!(found.topic(), topic);
                prop_assert_eq!(found.key().to_string().into_bytes(), key.clone());
                prop_assert_eq!(decode(topic, Some(&key), Some(&found.to_json())), Ok(Decoded::Fact(found)));
            }
        }
    }

    /// What is taken for a fact is a JSON object to every reader, save that an ignored number or escape may have
    /// no value there.
    #[test]
    fn what_is_taken_for_a_fact_is_json(fact in generate::fact(), damages in vec(damage(), 1..3)) {
        let (key, value) = (fact.key().to_string(), damaged(fact.to_json(), &damages));
        if decode(fact.topic(), Some(key.as_bytes()), Some(&value)).is_ok() {
            let object: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_slice(&value);
            let reason = object.err().map(|error| error.to_string()).unwrap_or_default();
            let unrepresentable = reason.starts_with("number out of range") || reason.contains("hex escape");
            prop_assert!(reason.is_empty() || unrepresentable, "{}", reason);
        }
    }
}
