//! Everything that departs from the contract makes a bad record, with a reason that names what departs.

use serde_json::{Map, Value};
use user_info_core::decode::{MAX_NESTING_DEPTH, MAX_VALUE_BYTES};
use user_info_core::profile::MAX_TEXT_BYTES;
use user_info_core::{BadRecord, InvalidId, InvalidKey, Topic, decode};

use crate::samples::{Sample, samples};

/// `code` and `words` are what dead letters carry and operators read.
fn check(topic: Topic, key: Option<&[u8]>, value: impl AsRef<[u8]>, code: &str, words: &str) {
    let value = value.as_ref();
    let shown = String::from_utf8_lossy(&value[..value.len().min(500)]);
    let Err(error) = decode(topic, key, Some(value)) else { panic!("{topic}: taken for a fact: {shown}") };
    assert_eq!(error.code(), code, "{topic}: {shown}: {error}");
    assert!(error.to_string().contains(words), "{topic}: {shown}: {error:?} says nothing of {words:?}");
}

fn check_value(sample: &Sample, value: impl AsRef<[u8]>, code: &str, words: &str) {
    check(sample.topic, Some(sample.key.as_bytes()), value, code, words);
}

/// The fields of a sample with the JSON of their values.
fn fields(sample: &Sample) -> Vec<(String, String)> {
    let object: Map<String, Value> = serde_json::from_str(sample.json).unwrap();
    object.into_iter().map(|(name, value)| (name, value.to_string())).collect()
}

fn object(fields: impl IntoIterator<Item = (String, String)>) -> String {
    let fields: Vec<String> = fields.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

/// The sample with another JSON value in one of its fields.
fn with(sample: &Sample, field: &str, value: &str) -> String {
    assert!(sample.json.contains(&format!("\"{field}\":")), "{} has no {field}", sample.json);
    let replace = |(name, old)| if name == field { (name, value.to_owned()) } else { (name, old) };
    object(fields(sample).into_iter().map(replace))
}

fn sample(kind: &str) -> Sample {
    samples().into_iter().find(|sample| sample.json.contains(&format!("\"type\":\"{kind}\""))).unwrap()
}

fn is_nullable(field: &str) -> bool {
    ["bio", "location", "url", "profile_image_url", "background_image_url"].contains(&field)
}

#[test]
fn every_missing_field_is_named() {
    for sample in samples() {
        for (missing, _) in fields(&sample) {
            let rest = object(fields(&sample).into_iter().filter(|(name, _)| *name != missing));
            check_value(&sample, rest, "malformed", &format!("missing field `{missing}`"));
        }
        check_value(&sample, "{}", "malformed", "missing field `type`");
        check_value(&sample, with(&sample, "type", "null"), "malformed", "invalid type: null");
    }
}

/// A name in another case, or with a space, is another name.
#[test]
fn names_are_exact() {
    let followed = sample("followed");
    for name in ["Created_at", "createdAt", "created_at ", "created-at"] {
        check_value(&followed, followed.json.replace("created_at", name), "malformed", "missing field `created_at`");
    }
}

#[test]
fn every_wrong_type_is_refused() {
    let wrong = [
        ("12", "invalid type: integer `12`"),
        ("-1.5", "invalid type: floating point `-1.5`"),
        ("1e999999", "number out of range"),
        ("true", "invalid type: boolean `true`"),
        ("[]", "invalid type: sequence"),
        ("[\"12\"]", "invalid type: sequence"),
        ("{}", "invalid type: map"),
        ("{\"12\":\"12\"}", "invalid type: map"),
        ("nul", "expected ident"),
        ("'12'", "expected value"),
        ("", "expected value"),
    ];
    for sample in samples() {
        for (field, _) in fields(&sample) {
            for (value, words) in wrong {
                check_value(&sample, with(&sample, &field, value), "malformed", words);
            }
        }
    }
}

#[test]
fn only_what_users_may_lack_is_nullable() {
    for sample in samples() {
        for (field, _) in fields(&sample) {
            let json = with(&sample, &field, "null");
            if is_nullable(&field) {
                assert!(decode(sample.topic, Some(sample.key.as_bytes()), Some(json.as_bytes())).is_ok(), "{json}");
            } else {
                check_value(&sample, json, "malformed", "invalid type: null");
            }
        }
    }
}

/// Readers of JSON differ in which of two values they take, so neither is taken.
#[test]
fn a_field_that_stands_there_twice_is_refused() {
    for sample in samples() {
        for repeated in fields(&sample) {
            let words = format!("duplicate field `{}`", repeated.0);
            let json = object(fields(&sample).into_iter().chain([repeated]));
            check_value(&sample, json, "malformed", &words);
        }
    }
}

fn id_fields(sample: &Sample) -> impl Iterator<Item = String> {
    fields(sample).into_iter().map(|(name, _)| name).filter(|name| name.ends_with("_id"))
}

#[test]
fn ids_must_be_those_of_the_key() {
    for sample in samples() {
        for field in id_fields(&sample) {
            check_value(&sample, with(&sample, &field, "\"99\""), "key-mismatch", "99");
        }
        let other = if sample.topic == Topic::Users { "13" } else { "12/99" };
        let words = format!("are not those of the key ({other})");
        check(sample.topic, Some(other.as_bytes()), sample.json, "key-mismatch", &words);
    }
    let followed = sample("followed");
    let turned = "did:plc:ewvi7nxzyoun6zhxrhs64oiz/12";
    check(followed.topic, Some(turned.as_bytes()), followed.json, "key-mismatch", turned);
}

#[test]
fn ids_in_the_value_must_be_ids() {
    let long = format!("\"{}\"", "1".repeat(65));
    let invalid = [
        (r#""""#, "an id must not be empty"),
        (r#""1/2""#, "an id has no '/'"),
        (r#""1 2""#, "an id has no ' '"),
        (r#""{12}""#, "an id has no '{'"),
        (r#""1,2""#, "an id has no ','"),
        (r#""12\u0000""#, "an id has no '\\0'"),
        (r#""12\u00a0""#, "an id has no '\\u{a0}'"),
        (r#""12\n""#, "an id has no '\\n'"),
        (&long, "an id has at most 64 bytes, this one has 65"),
    ];
    for sample in samples() {
        for field in id_fields(&sample) {
            for (value, words) in invalid {
                check_value(&sample, with(&sample, &field, value), "invalid-id", &format!("field {field}: {words}"));
            }
        }
    }
}

#[test]
fn types_of_no_fact_and_of_other_topics_are_unknown() {
    for sample in samples() {
        for kind in ["", "like", "Liked", "liked ", "user_deleted", "UserChanged"] {
            let words = format!("unknown type {kind:?} on topic {}", sample.topic);
            check_value(&sample, with(&sample, "type", &format!("\"{kind}\"")), "unknown-type", &words);
        }
        for other in samples().iter().filter(|other| other.topic != sample.topic) {
            let key = if sample.topic == Topic::Users { "12" } else { "12/20" };
            check(sample.topic, Some(key.as_bytes()), other.json, "unknown-type", sample.topic.name());
        }
    }
}

#[test]
fn profiles_keep_their_limits() {
    let user = sample("user_changed");
    let long = |bytes: usize| format!("\"{}\"", "x".repeat(bytes));
    for username in ["\"\"", "\"a b\"", "\"a\\n\"", "\"\\u3000\"", "\"a\\u0000\"", &long(257)] {
        check_value(&user, with(&user, "username", username), "invalid-field", "field username: 1 to 256 bytes");
    }
    for state in ["\"\"", "\"Active\"", "\"active \"", "\"deleted\""] {
        let words = "field state: must be active, suspended or deactivated";
        check_value(&user, with(&user, "state", state), "invalid-field", words);
    }
    let texts = ["name", "bio", "location", "url", "profile_image_url", "background_image_url"];
    let list = sample("list_created");
    let user_texts = texts.into_iter().map(|field| (&user, field));
    for (sample, field) in user_texts.chain([(&list, "name")]) {
        let words = format!("field {field}: longer than {MAX_TEXT_BYTES} bytes");
        check_value(sample, with(sample, field, &long(MAX_TEXT_BYTES + 1)), "invalid-field", &words);
    }
}

#[test]
fn times_must_be_rfc_3339() {
    for sample in samples() {
        for (field, _) in fields(&sample).into_iter().filter(|(name, _)| name.ends_with("_at")) {
            for time in
                ["", "now", "2026-11-23", "2026-11-23T08:30:00", "2026-11-23 08:30:00Z", "-000001-01-01T00:00:00Z"]
            {
                let words = format!("field {field}: expected an RFC 3339 time");
                check_value(&sample, with(&sample, &field, &format!("\"{time}\"")), "invalid-field", &words);
            }
        }
    }
}

#[test]
fn keys_come_first() {
    let json = sample("liked").json;
    let refused = [
        (Topic::Likes, None, "missing-key", "must be user_id or owner/member"),
        (Topic::Likes, Some(&b"12"[..]), "invalid-key", "the key must be owner/member"),
        (Topic::Likes, Some(b""), "invalid-key", "the key must be owner/member"),
        (Topic::Likes, Some(b"12/20/1"), "invalid-key", "no '/'"),
        (Topic::Likes, Some(b"/20"), "invalid-key", "must not be empty"),
        (Topic::Likes, Some(b"12/\xff"), "invalid-key", "the key is not UTF-8"),
        (Topic::Users, Some(b"12/20"), "invalid-key", "no '/'"),
        (Topic::Users, Some(b""), "invalid-key", "must not be empty"),
        (Topic::DeadLetters, Some(b"likes/0/17"), "invalid-key", "the topic carries no facts"),
    ];
    for (topic, key, code, words) in refused {
        check(topic, key, json, code, words);
        check(topic, key, "no JSON", code, words);
        assert_eq!(decode(topic, key, None).unwrap_err().code(), code, "a tombstone needs a key as well");
    }
}

#[test]
fn a_fact_cut_short_anywhere_is_malformed() {
    for sample in samples() {
        for end in 0..sample.json.len() {
            check_value(&sample, &sample.json.as_bytes()[..end], "malformed", "the value is not a fact: ");
        }
    }
}

#[test]
fn what_is_no_json_is_malformed() {
    for sample in samples() {
        let json = sample.json;
        check_value(&sample, "", "malformed", "EOF");
        check_value(&sample, " \n", "malformed", "EOF");
        check_value(&sample, format!("\u{feff}{json}"), "malformed", "line 1 column 1");
        check_value(&sample, format!("{json}{json}"), "malformed", "trailing characters");
        check_value(&sample, format!("{json}\0"), "malformed", "trailing characters");
        check_value(&sample, json.replace('}', ",}"), "malformed", "trailing comma");
        check_value(&sample, json.replace(r#"{"type""#, "{type"), "malformed", "key must be a string");
        check_value(&sample, json.replace(':', " "), "malformed", "expected `:`");
        check_value(&sample, json.replace("{", "{/**/"), "malformed", "key must be a string");
        check_value(&sample, json.replace("\"12\"", "\"12\n\""), "malformed", "control character");
        check_value(&sample, json.replace("\"12\"", "\"\\ud800\""), "malformed", "hex escape");
        check_value(&sample, json.replace("\"12\"", "\"\\x12\""), "malformed", "invalid escape");
    }
}

/// Also where nobody looks: JSON is UTF-8, and a consumer that converts the whole value first sees the same.
#[test]
fn what_is_no_utf_8_is_malformed() {
    for sample in samples() {
        let place = sample.json.len() - 1;
        for bytes in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80"] {
            let field = [b",\"x\":\"", bytes, b"\""].concat();
            let value = [&sample.json.as_bytes()[..place], &field, b"}"].concat();
            check_value(&sample, value, "malformed", "utf-8");
        }
        let utf16: Vec<u8> = sample.json.encode_utf16().flat_map(u16::to_le_bytes).collect();
        check_value(&sample, utf16, "malformed", "the value is not a fact: ");
    }
}

#[test]
fn what_is_no_object_is_refused() {
    for sample in samples() {
        let values: Vec<String> = fields(&sample).into_iter().map(|(_, value)| value).collect();
        check_value(&sample, format!("[{}]", values.join(",")), "not-an-object", "not a JSON object");
        check_value(&sample, format!("[{}]", sample.json), "not-an-object", "not a JSON object");
        check_value(&sample, Value::from(sample.json).to_string(), "not-an-object", "not a JSON object");
        for value in ["null", " true", "false\n", "0", "-1.5e3", "1e999999", "\"\"", "\"liked\"", "[]", "\r[[]]"] {
            check_value(&sample, value, "not-an-object", "not a JSON object");
        }
        for value in ["nil", "0x1", "[1", "\"liked", "-", "tru", "[1,]", "[]{}", "01", "NaN", "\u{c}{}"] {
            check_value(&sample, value, "malformed", "the value is not a fact: ");
        }
    }
}

/// The sample with an unknown field that opens and closes so many times.
fn nested(sample: &Sample, open: &str, close: &str, times: usize) -> String {
    let fields = sample.json.strip_suffix('}').unwrap();
    format!("{fields},\"x\":{}null{}}}", open.repeat(times), close.repeat(times))
}

/// The limit is the one of a reader that does look at every field.
#[test]
fn nesting_has_a_limit_in_ignored_fields_too() {
    for sample in samples() {
        for (open, close, levels) in [("[", "]", 1), ("{\"type\":", "}", 1), ("[{\"\":", "}]", 2)] {
            let times_max = (MAX_NESTING_DEPTH - 1) / levels;
            let deepest = nested(&sample, open, close, times_max);
            assert!(serde_json::from_str::<Value>(&deepest).is_ok());
            assert!(decode(sample.topic, Some(sample.key.as_bytes()), Some(deepest.as_bytes())).is_ok(), "{deepest}");
            for times in [times_max + 1, 1000, 100_000] {
                let json = nested(&sample, open, close, times);
                assert!(serde_json::from_str::<Value>(&json).is_err());
                check_value(&sample, json, "malformed", "nested more than 127 deep");
            }
        }
    }
}

#[test]
fn nesting_where_it_matters_is_refused_too() {
    for sample in samples() {
        for (field, _) in fields(&sample) {
            for depth in [MAX_NESTING_DEPTH, 1000, 100_000] {
                let closed = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
                check_value(&sample, with(&sample, &field, &closed), "malformed", "the value is not a fact: ");
                check_value(&sample, "{\"type\":".repeat(depth), "malformed", "the value is not a fact: ");
                check_value(&sample, closed, "not-an-object", "not a JSON object");
            }
        }
        check_value(&sample, "[".repeat(MAX_VALUE_BYTES), "malformed", "EOF");
    }
}

#[test]
fn values_have_a_limit() {
    for sample in samples() {
        let padding = " ".repeat(MAX_VALUE_BYTES - sample.json.len());
        let longest = format!("{}{padding}", sample.json);
        assert!(decode(sample.topic, Some(sample.key.as_bytes()), Some(longest.as_bytes())).is_ok());
        let words = "the value has 1048577 bytes, at most 1048576 are read";
        check_value(&sample, format!("{longest} "), "value-too-long", words);
        check_value(&sample, vec![0xff; MAX_VALUE_BYTES + 1], "value-too-long", words);
    }
}

/// Consumers match on these, metrics and dead letters carry the codes.
#[test]
fn every_reason_has_its_code() {
    let invalid_id = InvalidId::Empty;
    let reasons = [
        (BadRecord::MissingKey, "missing-key"),
        (BadRecord::InvalidKey(InvalidKey::Id(invalid_id)), "invalid-key"),
        (BadRecord::WrongPartition { expected: 1, found: 2 }, "wrong-partition"),
        (BadRecord::ValueTooLong { bytes: 1 }, "value-too-long"),
        (BadRecord::Malformed { reason: String::new() }, "malformed"),
        (BadRecord::NotAnObject, "not-an-object"),
        (BadRecord::UnknownType { topic: Topic::Likes, found: String::new() }, "unknown-type"),
        (BadRecord::InvalidId { field: "user_id", reason: invalid_id }, "invalid-id"),
        (BadRecord::InvalidField { field: "state", reason: "" }, "invalid-field"),
        (BadRecord::KeyMismatch { key: String::new(), value: String::new() }, "key-mismatch"),
    ];
    for (reason, code) in reasons {
        assert_eq!(reason.code(), code);
        assert!(std::error::Error::source(&reason).is_none(), "{code}: what the message says has no second telling");
    }
}
