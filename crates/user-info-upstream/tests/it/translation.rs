//! Messages to records, as a function with a memory.

use serde_json::{Value, json};
use user_info_core::Topic;
use user_info_log::NewRecord;
use user_info_upstream::stream::message::Message;
use user_info_upstream::tweets::PublishUsers;
use user_info_upstream::tweets::translator::{DELETIONS_MAX, Translator};

use crate::support::{deletion, status};

/// The records that a message makes, in short: topic, key and type.
fn translate(translator: &mut Translator, message: &Value) -> Vec<String> {
    let message = Message::parse(message.to_string().as_bytes()).unwrap();
    let mut records = Vec::new();
    translator.translate(&message, &mut records);
    records.iter().map(short).collect()
}

fn short(record: &NewRecord) -> String {
    let key = String::from_utf8(record.key.clone().unwrap()).unwrap();
    let value = record.value.as_ref().map(|value| serde_json::from_slice::<Value>(value).unwrap());
    let kind = value.as_ref().map_or("null", |value| value["type"].as_str().unwrap());
    format!("{} {key} {kind}", record.topic)
}

#[test]
fn a_status_is_a_profile_and_a_tweet() {
    let mut translator = Translator::new(PublishUsers::EveryTime);
    let expected = ["users 12 user_changed", "tweets 12/7 tweeted"];
    assert_eq!(translate(&mut translator, &status(7, 12, "jack", 1)), expected);
    assert_eq!(translate(&mut translator, &status(7, 12, "jack", 1)), expected, "again");
}

#[test]
fn a_deletion_is_followed_by_its_tombstone() {
    let mut translator = Translator::new(PublishUsers::EveryTime);
    let expected = ["tweets 12/7 tweet_deleted", "tweets 12/7 null"];
    assert_eq!(translate(&mut translator, &deletion(7, 12)), expected, "of a tweet that nobody has seen");
    assert_eq!(translate(&mut translator, &deletion(7, 12)), expected, "again");
}

#[test]
fn a_deleted_tweet_stays_deleted() {
    let mut translator = Translator::new(PublishUsers::EveryTime);
    translate(&mut translator, &deletion(7, 12));
    assert_eq!(translate(&mut translator, &status(7, 12, "jack", 1)), ["users 12 user_changed"], "too late");
    translate(&mut translator, &status(8, 12, "jack", 2));
    translate(&mut translator, &deletion(8, 12));
    assert_eq!(translate(&mut translator, &status(8, 12, "jack", 2)), ["users 12 user_changed"], "once more");
    assert_eq!(translate(&mut translator, &status(9, 12, "jack", 3)).len(), 2, "another one");
}

#[test]
fn the_oldest_deletions_are_forgotten() {
    let mut translator = Translator::new(PublishUsers::EveryTime);
    for tweet in 0..=DELETIONS_MAX as u64 {
        translate(&mut translator, &deletion(tweet, 12));
    }
    assert_eq!(translate(&mut translator, &status(0, 12, "jack", 1)).len(), 2, "forgotten");
    assert_eq!(translate(&mut translator, &status(1, 12, "jack", 1)).len(), 1, "the oldest that is remembered");
}

#[test]
fn unchanged_profiles_can_be_left_out() {
    let mut translator = Translator::new(PublishUsers::WhenChanged);
    let (both, tweet) = (["users 12 user_changed", "tweets 12/7 tweeted"], ["tweets 12/7 tweeted"]);
    assert_eq!(translate(&mut translator, &status(7, 12, "jack", 1)), both);
    assert_eq!(translate(&mut translator, &status(7, 12, "jack", 2)), tweet);
    assert_eq!(translate(&mut translator, &status(7, 12, "jill", 3)), both);
    assert_eq!(translate(&mut translator, &status(7, 12, "jill", 4)), tweet);
    let mut counted = status(7, 12, "jill", 5);
    counted["user"]["followers_count"] = json!(-1);
    assert_eq!(translate(&mut translator, &counted), tweet, "counts are not of the profile");
    assert_eq!(translate(&mut translator, &status(7, 13, "jill", 5)).len(), 2, "another user");
}

#[test]
fn an_older_profile_does_not_come_back() {
    for publish_users in [PublishUsers::EveryTime, PublishUsers::WhenChanged] {
        let mut translator = Translator::new(publish_users);
        translate(&mut translator, &status(8, 12, "new_name", 20));
        assert_eq!(translate(&mut translator, &status(7, 12, "old_name", 10)), ["tweets 12/7 tweeted"]);
    }
}

#[test]
fn what_was_published_earlier_is_remembered() {
    let mut before = Translator::new(PublishUsers::WhenChanged);
    let mut records = Vec::new();
    for message in [status(7, 12, "jack", 1), deletion(8, 12)] {
        before.translate(&Message::parse(message.to_string().as_bytes()).unwrap(), &mut records);
    }
    let mut after = Translator::new(PublishUsers::WhenChanged);
    for NewRecord { topic, key, value, .. } in &records {
        after.learn(*topic, key.as_deref(), value.as_deref());
    }
    after.learn(Topic::Users, Some(b"13"), Some(b"nonsense"));
    assert_eq!(translate(&mut after, &status(9, 12, "jack", 0)), ["tweets 12/9 tweeted"]);
    assert_eq!(translate(&mut after, &status(8, 12, "jack", 0)), Vec::<String>::new());
    assert_eq!(translate(&mut after, &status(9, 13, "jill", 0)).len(), 2);
    after.learn(Topic::Users, Some(b"12"), None);
    assert_eq!(translate(&mut after, &status(9, 12, "jack", 0)).len(), 2, "after the user was forgotten");
}
