//! What the decoder takes although it is not what `to_json` writes: other layouts, escapes, unknown fields.

use proptest::prelude::*;
use serde_json::Value;
use user_info_core::decode::{MAX_NESTING_DEPTH, MAX_VALUE_BYTES};
use user_info_core::profile::MAX_TEXT_BYTES;
use user_info_core::{Decoded, Fact, Id, Profile, decode};

use crate::generate::{self, config};
use crate::samples::{Sample, bare_profile, id, samples};

fn check(sample: &Sample, json: &str) {
    let decoded = decode(sample.topic, Some(sample.key.as_bytes()), Some(json.as_bytes()));
    assert_eq!(decoded, Ok(Decoded::Fact(sample.fact.clone())), "{json}");
}

/// The JSON with `field` before each of its fields in turn, and after the last.
fn with_field_anywhere(json: &str, field: &str) -> Vec<String> {
    let object: serde_json::Map<String, Value> = serde_json::from_str(json).unwrap();
    let fields: Vec<String> = object.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    (0..=fields.len())
        .map(|place| {
            let mut fields = fields.clone();
            fields.insert(place, field.to_owned());
            format!("{{{}}}", fields.join(","))
        })
        .collect()
}

#[test]
fn unknown_fields_are_ignored_wherever_they_stand() {
    let deep = format!("\"x\":{}{}", "[".repeat(MAX_NESTING_DEPTH - 1), "]".repeat(MAX_NESTING_DEPTH - 1));
    let wide = format!("\"x\":[{}[]]", "[],".repeat(500));
    let brackets = format!("\"x\":\"\\\\\\\"{}\"", "[{".repeat(500));
    let fields = [
        r#""x":null"#,
        r#""x":1e999999"#,
        r#""x":-123456789012345678901234567890.5"#,
        r#""x":"\ud800""#,
        r#""":"""#,
        r#""Type":"liked""#,
        r#""x":{"type":"liked","user_id":[1,{"tweet_id":null}]}"#,
        r#""x":1,"x":2"#,
        r#""x":"]}[{\"\\""#,
        &deep,
        &wide,
        &brackets,
    ];
    for sample in samples() {
        for json in fields.iter().flat_map(|field| with_field_anywhere(sample.json, field)) {
            check(&sample, &json);
        }
    }
}

/// A field of another kind of fact is as unknown as any.
#[test]
fn fields_of_other_facts_are_ignored() {
    for sample in samples() {
        for name in ["text", "name", "created_at", "followee_id", "list_id", "bio", "state"] {
            if !sample.json.contains(&format!("\"{name}\":")) {
                with_field_anywhere(sample.json, &format!("\"{name}\":5")).iter().for_each(|json| check(&sample, json));
            }
        }
    }
}

#[test]
fn layout_and_escapes_do_not_matter() {
    for sample in samples() {
        let value: Value = serde_json::from_str(sample.json).unwrap();
        check(&sample, &serde_json::to_string_pretty(&value).unwrap());
        check(&sample, &format!(" \t\r\n{} \t\r\n", sample.json));
        check(&sample, &sample.json.replace("\"type\":", "\"\\u0074y\\u0070e\":"));
        check(&sample, &sample.json.replace("_id\":\"12\"", "\\u005fid\":\"\\u00312\""));
        check(&sample, &sample.json.replace('🐦', "\\ud83d\\udc26").replace('Ω', "\\u03a9"));
    }
}

#[test]
fn times_are_read_with_any_offset() {
    let sample = samples().into_iter().find(|sample| sample.json.contains("followed")).unwrap();
    check(&sample, &sample.json.replace("08:30:00.000Z", "10:30:00.000999+02:00"));
}

fn check_profile(profile: Profile) {
    let fact = Fact::UserChanged { user_id: id("12"), profile };
    let decoded = decode(fact.topic(), Some(b"12"), Some(&fact.to_json()));
    assert_eq!(decoded, Ok(Decoded::Fact(fact)));
}

#[test]
fn texts_may_be_as_long_as_their_limits() {
    let long = || Some("é".repeat(MAX_TEXT_BYTES / 2));
    check_profile(Profile {
        username: "x".repeat(256),
        name: "x".repeat(MAX_TEXT_BYTES),
        bio: long(),
        location: long(),
        url: long(),
        profile_image_url: long(),
        background_image_url: long(),
        ..bare_profile()
    });
}

/// The text of a tweet is not kept, so the record's limit is the only one it has.
#[test]
fn a_record_may_be_as_long_as_its_limit() {
    let tweet = |text: String| Fact::Tweeted {
        user_id: id("12"),
        tweet_id: id("20"),
        text,
        created_at: "2026-11-23T08:30:00Z".parse().unwrap(),
    };
    let frame_bytes = tweet(String::new()).to_json().len();
    let longest = tweet("x".repeat(MAX_VALUE_BYTES - frame_bytes));
    assert_eq!(longest.to_json().len(), MAX_VALUE_BYTES);
    let decoded = decode(longest.topic(), Some(b"12/20"), Some(&longest.to_json()));
    assert_eq!(decoded, Ok(Decoded::Fact(longest)));
}

#[test]
fn ids_may_be_as_long_as_their_limit() {
    let longest = |character: &str| Id::new(&character.repeat(64)).unwrap();
    let fact = Fact::Unfollowed { follower_id: longest("a"), followee_id: longest("b") };
    let key = fact.key().to_string();
    let decoded = decode(fact.topic(), Some(key.as_bytes()), Some(&fact.to_json()));
    assert_eq!(decoded, Ok(Decoded::Fact(fact)));
}

/// Any JSON value that a common reader reads, to a small depth.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        generate::text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z_]{0,8}", inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_unknown_field_is_ignored(fact in generate::fact(), name in "x[a-z_\"\\\\é]{0,8}", value in json()) {
        let mut object: serde_json::Map<String, Value> = serde_json::from_slice(&fact.to_json()).unwrap();
        object.insert(name, value);
        let key = fact.key().to_string();
        let decoded = decode(fact.topic(), Some(key.as_bytes()), Some(Value::from(object).to_string().as_bytes()));
        prop_assert_eq!(decoded, Ok(Decoded::Fact(fact)));
    }
}
