//! The naive model: each rule of the contract with hand-made records.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use user_info_audit::model::Model;
use user_info_audit::positions::Positions;
use user_info_core::Topic;
use user_info_log::{NewRecord, Record};

use crate::world::{fact, followed, gone, liked, listed, profile, profile_value, raw, tweeted, unfollowed};

/// A model that reads records of topics with one partition each, one after the other.
struct Told {
    model: Model,
    next: BTreeMap<Topic, i64>,
}

impl Told {
    fn new() -> Self {
        Self { model: Model::new(Topic::FACTS.map(|topic| (topic, 1)).into()), next: BTreeMap::new() }
    }

    fn that(records: &[NewRecord]) -> Self {
        let mut told = Self::new();
        for record in records {
            told.tell(record).unwrap();
        }
        told
    }

    fn tell(&mut self, record: &NewRecord) -> Result<(), String> {
        let next = self.next.entry(record.topic).or_default();
        let record = Record {
            topic: record.topic,
            partition: record.partition.unwrap_or(0),
            offset: *next,
            timestamp_ms: record.timestamp_ms.unwrap_or(1_000),
            key: record.key.clone(),
            value: record.value.clone(),
            headers: Vec::new(),
        };
        *next += 1;
        self.model.apply(&record).map_err(|bad| bad.to_string())
    }

    fn members(&self, topic: Topic, owner: &str) -> Vec<&str> {
        self.model.members(topic, owner).collect()
    }

    fn followers(&self, user: &str) -> Vec<&str> {
        self.model.followers(user).collect()
    }
}

#[track_caller]
fn good(record: &NewRecord) {
    assert_eq!(Told::new().tell(record), Ok(()), "{record:?}");
}

/// The record is bad for that reason, and changes nothing.
#[track_caller]
fn bad(record: &NewRecord, reason: &str) {
    let mut told =
        Told::that(&[profile("1", "ann"), tweeted("1", "2"), followed("1", "2"), liked("1", "2"), listed("1", "2")]);
    let found = told.tell(record).expect_err("the record is bad");
    assert!(found.contains(reason), "{record:?}: {found:?} does not say {reason:?}");
    assert_eq!(told.model.profile("1").map(|profile| profile.username.as_str()), Some("ann"));
    for topic in [Topic::Tweets, Topic::Follows, Topic::Likes, Topic::Lists] {
        assert_eq!(told.members(topic, "1"), ["2"]);
    }
    assert_eq!((told.model.records(), told.model.bad_records()), (6, 1));
}

fn with(mut value: Value, field: &str, new: impl Into<Value>) -> Value {
    value[field] = new.into();
    value
}

fn without(mut value: Value, field: &str) -> Value {
    value.as_object_mut().unwrap().remove(field).unwrap();
    value
}

fn user(value: &Value) -> NewRecord {
    fact(Topic::Users, "1", value)
}

fn ann() -> Value {
    profile_value("1", "ann", "active")
}

fn json_of(record: &NewRecord) -> Value {
    serde_json::from_slice(record.value.as_deref().unwrap()).unwrap()
}

#[test]
fn a_set_holds_what_the_last_good_fact_says() {
    let told = Told::that(&[
        tweeted("1", "100"),
        tweeted("1", "100"),
        tweeted("1", "101"),
        gone(Topic::Tweets, "1/101"),
        gone(Topic::Tweets, "1/102"),
        followed("1", "2"),
        followed("3", "2"),
        followed("2", "2"),
        unfollowed("1", "2"),
        unfollowed("9", "2"),
        liked("1", "100"),
        fact(Topic::Likes, "1/100", &json!({"type": "unliked", "user_id": "1", "tweet_id": "100"})),
        liked("1", "100"),
        listed("1", "a"),
        listed("1", "b"),
        fact(Topic::Lists, "1/a", &json!({"type": "list_deleted", "owner_id": "1", "list_id": "a"})),
        fact(Topic::Tweets, "2/1", &json!({"type": "tweet_deleted", "user_id": "2", "tweet_id": "1"})),
    ]);
    assert_eq!(told.members(Topic::Tweets, "1"), ["100"]);
    assert_eq!(told.members(Topic::Follows, "1"), [""; 0]);
    assert_eq!(told.members(Topic::Follows, "2"), ["2"]);
    assert_eq!(told.followers("2"), ["2", "3"]);
    assert_eq!(told.members(Topic::Likes, "1"), ["100"]);
    assert_eq!(told.members(Topic::Lists, "1"), ["b"]);
    assert_eq!(told.model.users().collect::<Vec<_>>(), ["1", "2", "3", "9"]);
}

#[test]
fn a_profile_is_replaced_as_a_whole_and_forgotten_by_a_tombstone() {
    let mut told = Told::that(&[user(&with(ann(), "bio", "hello")), user(&with(ann(), "username", "Anna"))]);
    let profile = told.model.profile("1").unwrap();
    assert_eq!((profile.username.as_str(), profile.bio.as_deref()), ("Anna", None));
    assert_eq!(profile.joined_at_ms, 1_577_934_245_678);
    assert_eq!(told.model.last_profile("1").unwrap().at.offset, 1);
    told.tell(&gone(Topic::Users, "1")).unwrap();
    assert_eq!(told.model.profile("1"), None);
}

#[test]
fn a_name_belongs_to_the_newest_profile_record_that_carries_it() {
    let at = |timestamp_ms, record| NewRecord { timestamp_ms: Some(timestamp_ms), ..record };
    let mut told = Told::that(&[at(5, profile("1", "ÄNN")), at(3, profile("2", "änn")), at(5, profile("10", "Änn"))]);
    assert_eq!(told.model.named("änn"), Some("10"), "of equally new ones the greater id, compared as text");
    told.tell(&at(6, profile("2", "änn"))).unwrap();
    assert_eq!(told.model.named("Änn"), Some("2"));
    told.tell(&at(7, profile("2", "berta"))).unwrap();
    assert_eq!(told.model.named("änn"), Some("10"), "a rename gives the name back");
    told.tell(&gone(Topic::Users, "10")).unwrap();
    assert_eq!(told.model.named("änn"), Some("1"));
    assert_eq!(told.model.named("nobody"), None);
    assert_eq!(told.model.names().collect::<Vec<_>>(), ["berta", "änn"]);
}

#[test]
fn every_type_is_bad_when_any_of_its_fields_is_missing_repeated_or_no_text() {
    let deleted = |topic, kind: &str, owner: &str, member: &str| {
        fact(topic, "1/2", &json!({"type": kind, owner: "1", member: "2"}))
    };
    let kinds = [
        profile("1", "ann"),
        tweeted("1", "2"),
        deleted(Topic::Tweets, "tweet_deleted", "user_id", "tweet_id"),
        followed("1", "2"),
        deleted(Topic::Follows, "unfollowed", "follower_id", "followee_id"),
        liked("1", "2"),
        deleted(Topic::Likes, "unliked", "user_id", "tweet_id"),
        listed("1", "2"),
        deleted(Topic::Lists, "list_deleted", "owner_id", "list_id"),
    ];
    for record in kinds {
        good(&record);
        let value = json_of(&record);
        let key = String::from_utf8(record.key.clone().unwrap()).unwrap();
        for (field, content) in value.as_object().unwrap() {
            let changed = |value: &Value| fact(record.topic, &key, value);
            bad(&changed(&without(value.clone(), field)), &format!("field {field} is missing"));
            bad(&changed(&with(value.clone(), field, 7)), "invalid type");
            bad(&changed(&with(value.clone(), field, json!(["x"]))), "invalid type");
            let text = value.to_string();
            let repeated = format!("{},\"{field}\":{content}}}", text.strip_suffix('}').unwrap());
            bad(&raw(record.topic, &key, &repeated), &format!("field {field} stands there twice"));
        }
        let more = with(value.clone(), "a_later_field", json!({"x": [1, 2.5e3, null, {"y": "z"}]}));
        good(&fact(record.topic, &key, &more));
        let text = value.to_string();
        let unread = format!("{},\"later\":1,\"later\":2}}", text.strip_suffix('}').unwrap());
        good(&raw(record.topic, &key, &unread));
    }
}

#[test]
fn only_the_nullable_fields_may_be_null() {
    for field in ["bio", "location", "url", "profile_image_url", "background_image_url"] {
        good(&user(&with(ann(), field, Value::Null)));
        good(&user(&with(ann(), field, "")));
    }
    for field in ["type", "user_id", "username", "name", "state", "joined_at"] {
        bad(&user(&with(ann(), field, Value::Null)), "invalid type: null");
    }
}

#[test]
fn texts_are_limited_in_bytes() {
    for field in ["name", "bio", "location", "url", "profile_image_url", "background_image_url"] {
        good(&user(&with(ann(), field, "é".repeat(8192))));
        bad(&user(&with(ann(), field, "é".repeat(8192) + "x")), "has 16385 bytes");
    }
    let list = json_of(&listed("1", "2"));
    good(&fact(Topic::Lists, "1/2", &with(list.clone(), "name", "x".repeat(16_384))));
    bad(&fact(Topic::Lists, "1/2", &with(list, "name", "x".repeat(16_385))), "has 16385 bytes");
    good(&fact(Topic::Tweets, "1/2", &with(json_of(&tweeted("1", "2")), "text", "x".repeat(100_000))));
}

#[test]
fn usernames_are_1_to_256_bytes_without_blanks() {
    for name in ["a", "Ä.b-c_d/é,{}", &"é".repeat(128)] {
        good(&user(&with(ann(), "username", name)));
    }
    for name in ["", "a b", "a\tb", "a\u{a0}b", "a\u{7}b", &("é".repeat(128) + "x")] {
        bad(&user(&with(ann(), "username", name)), "username must be");
    }
}

#[test]
fn states_are_three() {
    for state in ["active", "suspended", "deactivated"] {
        good(&user(&with(ann(), "state", state)));
    }
    for state in ["", "Active", "active ", "deleted"] {
        bad(&user(&with(ann(), "state", state)), "state must be");
    }
}

#[test]
fn times_are_rfc_3339() {
    for time in [
        "2026-11-23T08:30:00Z",
        "2026-11-23T08:30:00.123456789+05:30",
        "1969-12-31t23:59:59.999z",
        "0000-01-01T00:00:00.000000000Z",
    ] {
        good(&user(&with(ann(), "joined_at", time)));
        good(&fact(Topic::Likes, "1/2", &with(json_of(&liked("1", "2")), "created_at", time)));
    }
    for time in [
        "",
        "yesterday",
        "2026-11-23",
        "2026-11-23T08:30:00",
        "2026-13-23T08:30:00Z",
        "1700000000",
        "2026-11-23 08:30:00Z",
        "2026-11-23T08:30Z",
        "-000001-01-01T00:00:00Z",
        "2026-11-23T08:30:00.Z",
        "2026-11-23T08:30:00,5Z",
        "2026-11-23T08:30:00+0530",
        "2026-11-23T08:30:00+24:00",
        "2026-11-23T08:30:00Z[UTC]",
        "2026-11-23T08:30:00.1234567891Z",
        "9999-12-31T00:00:00Z",
        "0000-01-01T00:00:00+00:01",
    ] {
        bad(&user(&with(ann(), "joined_at", time)), "joined_at is not");
        bad(&fact(Topic::Likes, "1/2", &with(json_of(&liked("1", "2")), "created_at", time)), "created_at is not");
    }
}

#[test]
fn what_is_finer_than_a_millisecond_is_cut_off() {
    let told = Told::that(&[user(&with(ann(), "joined_at", "1970-01-01T00:00:01.2349Z"))]);
    assert_eq!(told.model.profile("1").unwrap().joined_at_ms, 1_234);
    let told = Told::that(&[user(&with(ann(), "joined_at", "1969-12-31T23:59:59.99999Z"))]);
    assert_eq!(told.model.profile("1").unwrap().joined_at_ms, -1, "also before 1970 it is the digits that are cut");
}

#[test]
fn the_ids_of_the_value_are_those_of_the_key() {
    bad(&fact(Topic::Users, "2", &ann()), "user_id is not the one of its key");
    for (record, owner, member) in [
        (tweeted("1", "2"), "user_id", "tweet_id"),
        (followed("1", "2"), "follower_id", "followee_id"),
        (liked("1", "2"), "user_id", "tweet_id"),
        (listed("1", "2"), "owner_id", "list_id"),
    ] {
        let value = json_of(&record);
        bad(&fact(record.topic, "3/2", &value), &format!("{owner} is not the one of its key"));
        bad(&fact(record.topic, "1/3", &value), &format!("{member} is not the one of its key"));
    }
}

#[test]
fn keys_are_ids_with_a_slash_between() {
    let longest = "é".repeat(32);
    good(&gone(Topic::Users, &longest));
    good(&gone(Topic::Likes, &format!("{longest}/{longest}")));
    good(&gone(Topic::Likes, "did:plc:a-b_c.d/12"));
    let reason = "its key is not";
    for key in ["", "a b", "a,b", "a{b", "a}b", "a/b", "a\u{2028}b", "a\u{0}", &(longest.clone() + "x")] {
        bad(&gone(Topic::Users, key), reason);
    }
    for key in ["", "a", "/", "a/", "/b", "a/b/c", "a//b", "a/b ", &format!("{longest}x/b"), &format!("a/{longest}x")] {
        bad(&gone(Topic::Follows, key), reason);
    }
    bad(&gone(Topic::Likes, &format!("{longest}/{longest}x")), "its key has 130 bytes");
    bad(&NewRecord::new(Topic::Users, [b'a', 0xff], None), "its key is not UTF-8");
    bad(&NewRecord { key: None, ..gone(Topic::Users, "1") }, "it has no key");
}

#[test]
fn types_are_those_of_the_topic() {
    for (topic, key) in [(Topic::Users, "1"), (Topic::Tweets, "1/2"), (Topic::Follows, "1/2"), (Topic::Lists, "1/2")] {
        bad(&fact(topic, key, &with(json_of(&liked("1", "2")), "type", "liked")), "its type \"liked\" is none");
    }
    bad(&fact(Topic::Likes, "1/2", &json!({"type": "user_changed"})), "its type \"user_changed\" is none");
    bad(&fact(Topic::Likes, "1/2", &json!({"type": ""})), "its type \"\" is none");
}

#[test]
fn values_are_json_objects() {
    for value in ["null", "[]", "\"text\"", "12", "true", "[{\"type\":\"liked\"}]"] {
        bad(&raw(Topic::Likes, "1/2", value), "the value is no such object: invalid type");
    }
    let text = json_of(&liked("1", "2")).to_string();
    good(&raw(Topic::Likes, "1/2", &format!(" \n\t{text}\r ")));
    for value in ["", " ", "{", "{}x", &format!("{text},"), &text[1..], "\u{feff}{}", "{'type':1}"] {
        bad(&raw(Topic::Likes, "1/2", value), "the value is no such object");
    }
    let not_utf8 =
        [br#"{"type":"liked","user_id":"1","tweet_id":"2","created_at":"2020-01-01T00:00:00Z","x":""#, &b"\xff\"}"[..]];
    bad(&NewRecord::new(Topic::Likes, "1/2", Some(not_utf8.concat())), "its value is not UTF-8");
}

#[test]
fn a_value_of_one_mebibyte_is_the_largest() {
    let padded = |bytes: usize| {
        let text = json_of(&liked("1", "2")).to_string();
        raw(Topic::Likes, "1/2", &(text.clone() + &" ".repeat(bytes - text.len())))
    };
    good(&padded(1_048_576));
    bad(&padded(1_048_577), "its value has 1048577 bytes");
}

#[test]
fn nesting_has_a_limit() {
    let nested = |levels: usize| {
        let mut text = json_of(&liked("1", "2")).to_string();
        text.truncate(text.len() - 1);
        let open: String = (0..levels).map(|level| if level % 2 == 0 { "[" } else { "{\"]\\\"}\":" }).collect();
        let close: String = (0..levels).rev().map(|level| if level % 2 == 0 { "]" } else { "}" }).collect();
        let inner = if levels % 2 == 1 { "" } else { "0" };
        raw(Topic::Likes, "1/2", &format!("{text},\"later\":{open}{inner}{close}}}"))
    };
    good(&nested(126));
    bad(&nested(127), "nested 128 deep");
    let brackets_in_text = with(json_of(&liked("1", "2")), "later", "[\"{".repeat(1000));
    good(&fact(Topic::Likes, "1/2", &brackets_in_text));
}

#[test]
fn a_record_in_another_partition_than_its_key_belongs_to_is_bad() {
    let mut model = Model::new([(Topic::Users, 12)].into());
    let mut homes = Vec::new();
    for partition in 0..12 {
        let record = Record {
            topic: Topic::Users,
            partition,
            offset: 0,
            timestamp_ms: 0,
            key: Some(b"21".to_vec()),
            value: None,
            headers: Vec::new(),
        };
        match model.apply(&record) {
            Ok(()) => homes.push(partition),
            Err(bad) => assert_eq!(bad.to_string(), "its key belongs to partition 0"),
        }
    }
    // Kafka's hash of "21" is -973932308, which is 1173551340 without its sign bit.
    assert_eq!(homes, [1_173_551_340 % 12]);
}

#[test]
fn a_bad_record_taints_its_key_until_the_next_good_one() {
    let mut told = Told::that(&[liked("1", "2")]);
    told.tell(&raw(Topic::Likes, "1/2", "{}")).unwrap_err();
    told.tell(&raw(Topic::Follows, "1/2", "{}")).unwrap_err();
    told.tell(&raw(Topic::Users, "not a key", "{}")).unwrap_err();
    let tainted: Vec<String> = told.model.tainted().map(ToString::to_string).collect();
    assert_eq!(
        tainted,
        [
            "key 1/2 is tainted: the record at follows/0/0 is bad: field type is missing",
            "key 1/2 is tainted: the record at likes/0/1 is bad: field type is missing",
        ]
    );
    assert_eq!(told.members(Topic::Likes, "1"), ["2"], "the last good fact stays in force");
    told.tell(&gone(Topic::Likes, "1/2")).unwrap();
    told.tell(&followed("1", "2")).unwrap();
    assert_eq!(told.model.tainted().count(), 0);
}

#[test]
fn records_about_a_user_touch_the_user_good_or_bad() {
    let mut told = Told::that(&[profile("1", "ann"), followed("1", "2"), tweeted("3", "2")]);
    let at = |text: &str| -> Positions { text.parse().unwrap() };
    let touched = |told: &Told, user: &str, positions: &str| {
        told.model.touched_after(user, &at(positions)).map(|at| at.to_string())
    };
    assert_eq!(touched(&told, "1", "users=1;follows=1"), None);
    assert_eq!(touched(&told, "1", "users=1;follows=0").as_deref(), Some("follows/0/0"));
    assert_eq!(touched(&told, "1", "follows=1").as_deref(), Some("users/0/0"));
    assert_eq!(touched(&told, "2", "users=9").as_deref(), Some("follows/0/0"), "a follow touches both");
    assert_eq!(touched(&told, "2", "follows=1"), None, "a tweet's id is no user's");
    told.tell(&raw(Topic::Likes, "1/7", "{}")).unwrap_err();
    assert_eq!(touched(&told, "1", "users=1;follows=1").as_deref(), Some("likes/0/0"));
    assert_eq!(told.model.positions().to_string(), "users=1;tweets=1;follows=1;likes=1");
}
