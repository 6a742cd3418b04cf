//! Messages to records, as a function with a memory.

use std::time::Duration;

use serde_json::{Value, json};
use user_info_core::{Decoded, Fact, Profile, Timestamp, Topic, decode};
use user_info_log::{NewRecord, Published, Record};
use user_info_upstream::stream::message::Message;
use user_info_upstream::tweets::translator::{DELETIONS_MAX, GRACE, Translator, TranslatorConfig, UserCounts};
use user_info_upstream::tweets::{PublishUsers, Role};

use crate::support::{account, deletion, status, time};

const EVERY_TIME: TranslatorConfig =
    TranslatorConfig { role: Role::Both, publish_users: PublishUsers::EveryTime, users_max: 1_000, grace: GRACE };
const WHEN_CHANGED: TranslatorConfig = TranslatorConfig { publish_users: PublishUsers::WhenChanged, ..EVERY_TIME };

/// A translator with the topics that its records go to: what it asks for is found there.
struct Scene {
    translator: Translator,
    topics: Vec<Record>,
}

impl Scene {
    fn new(config: TranslatorConfig) -> Self {
        Self { translator: Translator::new(config), topics: Vec::new() }
    }

    /// What another translator makes of the topics as they are.
    fn after_a_restart(self, config: TranslatorConfig) -> Self {
        let mut translator = Translator::new(config);
        self.topics.iter().for_each(|record| translator.learn(record));
        Self { translator, topics: self.topics }
    }

    /// The records that a message makes, in short: topic, key and type, of a user the state as well.
    fn say(&mut self, message: &Value) -> Vec<String> {
        let message = Message::parse(message.to_string().as_bytes()).unwrap();
        let wanted = self.translator.wants(&message);
        let profile = wanted.and_then(|wanted| self.find(wanted.user_id.as_str(), wanted.offset));
        let mut records = Vec::new();
        self.translator.translate(&message, profile, time(), &mut records);
        self.publish(records)
    }

    fn publish(&mut self, records: Vec<NewRecord>) -> Vec<String> {
        let mut places = Vec::new();
        for NewRecord { topic, key, value, .. } in records.clone() {
            let (partition, offset, timestamp_ms) = (0, self.topics.len() as i64, time().as_millis());
            self.topics.push(Record { topic, partition, offset, timestamp_ms, key, value, headers: Vec::new() });
            places.push(Published { partition, offset, timestamp_ms });
        }
        self.translator.note_places(&records, &places);
        records.iter().map(short).collect()
    }

    fn find(&self, user: &str, offset: Option<i64>) -> Option<Profile> {
        let is_of = |record: &&Record| record.topic == Topic::Users && record.key.as_deref() == Some(user.as_bytes());
        let record = match offset {
            Some(offset) => self.topics.get(usize::try_from(offset).unwrap()).filter(is_of).unwrap(),
            None => self.topics.iter().rfind(is_of)?,
        };
        let decoded = decode(record.topic, record.key.as_deref(), record.value.as_deref()).unwrap();
        let Decoded::Fact(Fact::UserChanged { profile, .. }) = decoded else { panic!("{decoded:?}") };
        Some(profile)
    }

    fn end_accounts(&mut self, now: Timestamp) -> Vec<String> {
        let records = std::iter::from_fn(|| self.translator.end_account(now)).collect();
        self.publish(records)
    }
}

fn short(record: &NewRecord) -> String {
    let key = String::from_utf8(record.key.clone().unwrap()).unwrap();
    let value = record.value.as_ref().map(|value| serde_json::from_slice::<Value>(value).unwrap());
    let Some(value) = value else { return format!("{} {key} null", record.topic) };
    let state = value["state"].as_str().filter(|state| *state != "active");
    let kind = value["type"].as_str().unwrap();
    state.map_or_else(|| format!("{} {key} {kind}", record.topic), |state| format!("{} {key} {state}", record.topic))
}

fn after(duration: Duration) -> Timestamp {
    Timestamp::from_millis(time().as_millis() + i64::try_from(duration.as_millis()).unwrap()).unwrap()
}

#[test]
fn a_status_is_a_profile_and_a_tweet() {
    let mut scene = Scene::new(EVERY_TIME);
    let expected = ["users 12 user_changed", "tweets 12/7 tweeted"];
    assert_eq!(scene.say(&status(7, 12, "jack", 1)), expected);
    assert_eq!(scene.say(&status(7, 12, "jack", 1)), expected, "again");
}

#[test]
fn each_service_publishes_its_own() {
    let mut users = Scene::new(TranslatorConfig { role: Role::Users, ..EVERY_TIME });
    assert_eq!(users.say(&status(7, 12, "jack", 1)), ["users 12 user_changed"]);
    assert_eq!(users.say(&deletion(7, 12)), Vec::<String>::new());
    assert_eq!(users.say(&account("user_suspend", 12, 2)), ["users 12 suspended"]);
    let mut tweets = Scene::new(TranslatorConfig { role: Role::Tweets, ..EVERY_TIME });
    assert_eq!(tweets.say(&status(7, 12, "jack", 1)), ["tweets 12/7 tweeted"]);
    assert_eq!(tweets.say(&deletion(7, 12)), ["tweets 12/7 tweet_deleted", "tweets 12/7 null"]);
    assert_eq!(tweets.say(&account("user_suspend", 12, 2)), Vec::<String>::new());
}

#[test]
fn everybody_in_a_status_counts() {
    let mut retweet = status(7, 12, "jack", 1);
    retweet["retweeted_status"] = status(5, 6, "jill", 0);
    retweet["retweeted_status"]["quoted_status"] = status(3, 4, "joan", 0);
    retweet["quoted_status"] = status(2, 12, "jack", 0);
    let expected = ["users 12 user_changed", "users 6 user_changed", "users 4 user_changed", "tweets 12/7 tweeted"];
    assert_eq!(Scene::new(WHEN_CHANGED).say(&retweet), expected);
}

#[test]
fn a_deletion_is_followed_by_its_tombstone_and_said_once() {
    let mut scene = Scene::new(EVERY_TIME);
    let expected = ["tweets 12/7 tweet_deleted", "tweets 12/7 null"];
    assert_eq!(scene.say(&deletion(7, 12)), expected, "of a tweet that nobody has seen");
    assert_eq!(scene.say(&deletion(7, 12)), Vec::<String>::new(), "again");
}

#[test]
fn a_deleted_tweet_stays_deleted() {
    let mut scene = Scene::new(EVERY_TIME);
    scene.say(&deletion(7, 12));
    assert_eq!(scene.say(&status(7, 12, "jack", 1)), ["users 12 user_changed"], "too late");
    scene.say(&status(8, 12, "jack", 2));
    scene.say(&deletion(8, 12));
    assert_eq!(scene.say(&status(8, 12, "jack", 2)), ["users 12 user_changed"], "once more");
    assert_eq!(scene.say(&status(9, 12, "jack", 3)).len(), 2, "another one");
}

#[test]
fn the_oldest_deletions_are_forgotten() {
    let mut scene = Scene::new(EVERY_TIME);
    for tweet in 0..=DELETIONS_MAX as u64 {
        scene.say(&deletion(tweet, 12));
    }
    assert_eq!(scene.say(&status(0, 12, "jack", 1)).len(), 2, "forgotten");
    assert_eq!(scene.say(&status(1, 12, "jack", 1)).len(), 1, "the oldest that is remembered");
}

#[test]
fn unchanged_profiles_can_be_left_out() {
    let mut scene = Scene::new(WHEN_CHANGED);
    let (both, tweet) = (["users 12 user_changed", "tweets 12/7 tweeted"], ["tweets 12/7 tweeted"]);
    assert_eq!(scene.say(&status(7, 12, "jack", 1)), both);
    assert_eq!(scene.say(&status(7, 12, "jack", 2)), tweet);
    assert_eq!(scene.say(&status(7, 12, "jill", 3)), both);
    assert_eq!(scene.say(&status(7, 12, "jill", 4)), tweet);
    let mut counted = status(7, 12, "jill", 5);
    counted["user"]["followers_count"] = json!(123);
    assert_eq!(scene.say(&counted), tweet, "counts are not of the profile");
    assert_eq!(scene.say(&status(7, 13, "jill", 5)).len(), 2, "another user");
    let expected = UserCounts { published: 3, unchanged: 3, passed_over: 0 };
    assert_eq!(scene.translator.take_counts(), expected);
}

#[test]
fn whoever_was_forgotten_is_published_once_more_and_nothing_else_happens() {
    let mut scene = Scene::new(TranslatorConfig { users_max: 10, ..WHEN_CHANGED });
    let mut published = 0;
    for round in 0..3 {
        for user in 0..20 {
            published += scene.say(&status(7, user, "jack", round)).len() - 1;
            assert!(scene.translator.remembered() <= 10);
        }
    }
    assert_eq!(published, 60);
    assert_eq!(scene.say(&status(7, 19, "jack", 4)).len(), 1, "the newest one is remembered");
}

#[test]
fn what_the_sender_did_not_know_replaces_nothing() {
    for config in [EVERY_TIME, WHEN_CHANGED] {
        let (tweet, mut scene) = (["tweets 12/7 tweeted"], Scene::new(config));
        let mut known = status(7, 12, "jack", 1);
        known["user"]["description"] = json!("a bio");
        scene.say(&known);
        for (key, value) in [("followers_count", json!(-1)), ("statuses_count", Value::Null)] {
            let mut unknown = status(7, 12, "jack", 2);
            unknown["user"][key] = value;
            assert_eq!(scene.say(&unknown), tweet, "{key}");
        }
        for key in ["description", "name", "created_at", "profile_image_url_https"] {
            let mut unknown = status(7, 12, "jack", 2);
            unknown["user"].as_object_mut().unwrap().remove(key);
            assert_eq!(scene.say(&unknown), tweet, "{key}");
        }
        assert_eq!(scene.find("12", None).unwrap().bio.as_deref(), Some("a bio"));
        assert_eq!(scene.say(&status(7, 12, "jack", 3)).len(), 2, "null is known, and the bio is gone");
    }
}

#[test]
fn an_incomplete_profile_is_better_than_none() {
    let mut unknown = status(7, 12, "jack", 2);
    unknown["user"]["followers_count"] = json!(-1);
    assert_eq!(Scene::new(WHEN_CHANGED).say(&unknown).len(), 2);
    let mut forgetful = Scene::new(TranslatorConfig { users_max: 2, ..WHEN_CHANGED });
    (0..10).for_each(|user| drop(forgetful.say(&status(7, 100 + user, "jill", 1))));
    assert_eq!(forgetful.say(&unknown).len(), 1, "this user may have been known");
}

#[test]
fn an_older_profile_does_not_come_back() {
    for config in [EVERY_TIME, WHEN_CHANGED] {
        let mut scene = Scene::new(config);
        scene.say(&status(8, 12, "new_name", 20));
        assert_eq!(scene.say(&status(7, 12, "old_name", 10)), ["tweets 12/7 tweeted"]);
    }
}

#[test]
fn accounts_are_hidden_and_shown_again() {
    for (hide, state, show) in
        [("user_suspend", "suspended", "user_unsuspend"), ("user_delete", "deactivated", "user_undelete")]
    {
        let mut scene = Scene::new(WHEN_CHANGED);
        let mut known = status(7, 12, "jack", 1);
        known["user"]["description"] = json!("a bio");
        scene.say(&known);
        assert_eq!(scene.say(&account(hide, 12, 10)), [format!("users 12 {state}")]);
        assert_eq!(scene.say(&account(hide, 12, 11)), Vec::<String>::new(), "again");
        let mut retweet = status(8, 13, "jill", 12);
        retweet["retweeted_status"] = status(7, 12, "jack", 1);
        assert_eq!(scene.say(&retweet), ["users 13 user_changed", "tweets 13/8 tweeted"], "only repeated");
        assert_eq!(scene.say(&status(9, 12, "jack", 9)), ["tweets 12/9 tweeted"], "written before, came late");
        assert_eq!(scene.say(&account(show, 12, 20)), ["users 12 user_changed"]);
        assert_eq!(scene.find("12", None).unwrap().bio.as_deref(), Some("a bio"), "the rest of it is as it was");
        assert_eq!(scene.say(&account(hide, 12, 15)), Vec::<String>::new(), "older than what is known");
    }
}

#[test]
fn whoever_writes_is_there() {
    let mut scene = Scene::new(WHEN_CHANGED);
    scene.say(&status(7, 12, "jack", 1));
    scene.say(&account("user_suspend", 12, 10));
    let expected = ["users 12 user_changed", "tweets 12/8 tweeted"];
    assert_eq!(scene.say(&status(8, 12, "jack", 11)), expected, "the change back was missed");
}

#[test]
fn a_state_that_comes_before_the_profile_is_kept() {
    let mut scene = Scene::new(WHEN_CHANGED);
    assert_eq!(scene.say(&account("user_suspend", 12, 10)), Vec::<String>::new(), "there is no profile to publish");
    assert_eq!(scene.say(&status(7, 12, "jack", 10)), ["users 12 suspended", "tweets 12/7 tweeted"]);
}

#[test]
fn what_the_owner_deleted_the_operator_does_not_change() {
    let mut scene = Scene::new(WHEN_CHANGED);
    scene.say(&status(7, 12, "jack", 1));
    scene.say(&account("user_delete", 12, 10));
    assert_eq!(scene.say(&account("user_suspend", 12, 11)), Vec::<String>::new());
    assert_eq!(scene.say(&account("user_unsuspend", 12, 12)), Vec::<String>::new());
    assert_eq!(scene.end_accounts(after(GRACE)), ["users 12 null"]);
}

#[test]
fn an_account_whose_grace_is_over_is_gone_for_good() {
    let mut scene = Scene::new(WHEN_CHANGED);
    for user in [12, 13] {
        scene.say(&status(7, user, "jack", 1));
        scene.say(&account("user_delete", user, 10));
    }
    scene.say(&account("user_undelete", 13, 11));
    assert_eq!(scene.end_accounts(after(GRACE - Duration::from_secs(1))), Vec::<String>::new());
    assert_eq!(scene.end_accounts(after(GRACE)), ["users 12 null"], "13 came back");
    assert_eq!(scene.end_accounts(after(GRACE)), Vec::<String>::new());
    assert_eq!(scene.say(&status(8, 12, "jack", 20)), Vec::<String>::new(), "nothing more of it");
    assert_eq!(scene.say(&account("user_undelete", 12, 21)), Vec::<String>::new());
    let mut scene = scene.after_a_restart(WHEN_CHANGED);
    assert_eq!(scene.say(&status(8, 12, "jack", 20)), Vec::<String>::new(), "also later");
}

#[test]
fn a_stream_may_say_that_an_account_is_gone_for_good() {
    let mut scene = Scene::new(WHEN_CHANGED);
    scene.say(&status(7, 12, "jack", 1));
    let mut gone = account("user_delete", 12, 0);
    gone["user_delete"]["permanent"] = json!(true);
    assert_eq!(scene.say(&gone), ["users 12 null"], "whatever was missed before");
    assert_eq!(scene.say(&gone), Vec::<String>::new());
    assert_eq!(scene.say(&account("user_undelete", 12, 21)), Vec::<String>::new());
    assert_eq!(scene.say(&status(8, 12, "jack", 20)), Vec::<String>::new());
    assert_eq!(scene.end_accounts(after(GRACE)), Vec::<String>::new());
}

#[test]
fn the_grace_goes_on_over_restarts() {
    let mut scene = Scene::new(WHEN_CHANGED);
    scene.say(&status(7, 12, "jack", 1));
    scene.say(&account("user_delete", 12, 10));
    let mut scene = scene.after_a_restart(EVERY_TIME);
    assert_eq!(scene.say(&status(8, 12, "jack", 9)), ["tweets 12/8 tweeted"], "still hidden");
    assert_eq!(scene.end_accounts(after(GRACE)), ["users 12 null"]);
}

#[test]
fn a_forgotten_account_is_searched_for() {
    let mut scene = Scene::new(TranslatorConfig { users_max: 2, ..WHEN_CHANGED });
    (0..10).for_each(|user| drop(scene.say(&status(7, user, "jack", 1))));
    assert_eq!(scene.say(&account("user_suspend", 0, 10)), ["users 0 suspended"]);
}

#[test]
fn what_was_published_earlier_is_remembered() {
    let mut before = Scene::new(WHEN_CHANGED);
    before.say(&status(7, 12, "jack", 1));
    before.say(&deletion(8, 12));
    let mut after = before.after_a_restart(WHEN_CHANGED);
    assert_eq!(after.say(&status(9, 12, "jack", 0)), ["tweets 12/9 tweeted"]);
    assert_eq!(after.say(&status(8, 12, "jack", 0)), Vec::<String>::new());
    assert_eq!(after.say(&deletion(8, 12)), Vec::<String>::new());
    assert_eq!(after.say(&account("user_suspend", 12, 5)), ["users 12 suspended"], "its profile is found");
}

#[test]
fn a_deletion_that_was_cut_off_is_completed() {
    let mut scene = Scene::new(WHEN_CHANGED);
    scene.say(&deletion(7, 12));
    scene.say(&deletion(8, 12));
    scene.topics.pop();
    let mut scene = scene.after_a_restart(WHEN_CHANGED);
    let mut missing = Vec::new();
    scene.translator.mend(&mut missing);
    assert_eq!(scene.publish(missing), ["tweets 12/8 null"]);
}
