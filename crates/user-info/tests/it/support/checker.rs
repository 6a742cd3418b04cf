//! Reads the topics and says what contradicts itself on them, with a naive model that shares nothing with the program.
//!
//! What may be said again without anything having changed: a user, a tweet (streams repeat statuses), a follow (the follow
//! service does that on purpose), a list (that is how it is renamed). A like, a deletion and its tombstone may not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use user_info_core::Topic;
use user_info_log::Record;

use crate::support::world::World;

/// What was said about each key, in its order: types, `null` for tombstones, of users the states.
pub(crate) struct Topics(BTreeMap<(Topic, String), Vec<String>>);

impl Topics {
    pub(crate) fn read(world: &World) -> Self {
        let mut histories: BTreeMap<(Topic, String), Vec<String>> = BTreeMap::new();
        for topic in Topic::FACTS {
            for record in world.read(topic) {
                let key = String::from_utf8(record.key.clone().unwrap()).unwrap();
                histories.entry((topic, key)).or_default().push(word(&record));
            }
        }
        Self(histories)
    }

    /// How many records of a topic have this word.
    pub(crate) fn count(&self, topic: Topic, word: &str) -> usize {
        let histories = self.0.iter().filter(|((of, _), _)| *of == topic);
        histories.map(|(_, history)| history.iter().filter(|it| *it == word).count()).sum()
    }

    /// Facts that contradict what was said about their key before.
    pub(crate) fn contradictions(&self) -> Vec<String> {
        let contradiction = |((topic, key), history): (&(Topic, String), &Vec<String>)| {
            let before = std::iter::once("").chain(history.iter().map(String::as_str));
            let found = before.zip(history).position(|(before, word)| !may_follow(*topic, before, word));
            let unfinished = is_deletion(history.last().map_or("", String::as_str)).then_some(history.len());
            found.or(unfinished).map(|index| format!("{topic} {key}: number {index} of {history:?}"))
        };
        self.0.iter().filter_map(contradiction).collect()
    }

    /// Accounts that will be gone for good when their time is up.
    pub(crate) fn leaving(&self) -> Vec<String> {
        let deactivated = |history: &[String]| history.last().is_some_and(|last| last == "deactivated");
        let leaving = self.0.iter().filter(|((topic, _), history)| *topic == Topic::Users && deactivated(history));
        leaving.map(|((_, user), history)| format!("user {user}: {history:?}")).collect()
    }

    /// What is alive although its owner, or the other one of a follow, is gone for good.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let is = |history: &[String], word: &str| history.last().is_some_and(|last| last == word);
        let users = self.0.iter().filter(|((topic, _), history)| *topic == Topic::Users && is(history, "null"));
        let gone: BTreeSet<&str> = users.map(|((_, user), _)| user.as_str()).collect();
        let is_of_gone = |topic: Topic, key: &str| {
            let (owner, member) = key.split_once('/').unwrap_or(("", ""));
            gone.contains(owner) || (topic == Topic::Follows && gone.contains(member))
        };
        let left = self.0.iter().filter(|((topic, key), history)| is_of_gone(*topic, key) && !is(history, "null"));
        left.map(|((topic, key), history)| format!("{topic} {key}: {history:?}")).collect()
    }
}

fn word(record: &Record) -> String {
    let Some(value) = &record.value else { return "null".to_owned() };
    let value: Value = serde_json::from_slice(value).unwrap();
    value.get("state").unwrap_or(&value["type"]).as_str().unwrap().to_owned()
}

fn is_deletion(word: &str) -> bool {
    ["tweet_deleted", "unfollowed", "unliked", "list_deleted"].contains(&word)
}

/// Whether a word may stand behind another one, or behind nothing.
fn may_follow(topic: Topic, before: &str, word: &str) -> bool {
    match (topic, word) {
        // Gone for good is gone for good, whatever of the account's life was missed.
        (Topic::Users, _) => before != "null",
        (_, "null") => is_deletion(before),
        (Topic::Tweets, "tweeted") => ["", "tweeted"].contains(&before),
        (Topic::Tweets, _) => ["", "tweeted"].contains(&before),
        (Topic::Likes, "liked") => ["", "null"].contains(&before),
        (Topic::Follows, "followed") | (Topic::Lists, "list_created") => !is_deletion(before),
        (Topic::Follows, "unfollowed") => before == "followed",
        (Topic::Likes, "unliked") => before == "liked",
        (Topic::Lists, "list_deleted") => before == "list_created",
        _ => false,
    }
}

#[test]
fn the_checker_finds_what_contradicts_itself() {
    let topics = |topic: Topic, key: &str, history: &[&str]| {
        Topics(BTreeMap::from([((topic, key.to_owned()), history.iter().map(|word| (*word).to_owned()).collect())]))
    };
    let contradictory: [(Topic, &[&str]); 9] = [
        (Topic::Follows, &["unfollowed", "null"]),
        (Topic::Follows, &["followed", "unfollowed"]),
        (Topic::Follows, &["followed", "unfollowed", "followed"]),
        (Topic::Follows, &["followed", "null"]),
        (Topic::Likes, &["liked", "liked"]),
        (Topic::Lists, &["list_created", "list_deleted", "null", "list_deleted", "null"]),
        (Topic::Tweets, &["tweet_deleted", "null", "tweeted"]),
        (Topic::Users, &["deactivated", "null", "null"]),
        (Topic::Users, &["deactivated", "null", "active"]),
    ];
    for (topic, history) in contradictory {
        assert_eq!(topics(topic, "1/2", history).contradictions().len(), 1, "{topic} {history:?}");
    }
    let consistent: [(Topic, &[&str]); 5] = [
        (Topic::Follows, &["followed", "followed", "unfollowed", "null", "followed"]),
        (Topic::Likes, &["liked", "unliked", "null", "liked"]),
        (Topic::Lists, &["list_created", "list_created", "list_deleted", "null"]),
        (Topic::Tweets, &["tweet_deleted", "null"]),
        (Topic::Users, &["active", "suspended", "active", "deactivated", "null"]),
    ];
    for (topic, history) in consistent {
        assert_eq!(topics(topic, "1/2", history).contradictions(), Vec::<String>::new());
    }
    let mut gone = topics(Topic::Users, "2", &["deactivated", "null"]);
    gone.0.insert((Topic::Follows, "1/2".to_owned()), vec!["followed".to_owned()]);
    gone.0.insert((Topic::Likes, "1/2".to_owned()), vec!["liked".to_owned()]);
    gone.0.insert((Topic::Lists, "2/2".to_owned()), vec!["list_created".to_owned()]);
    assert_eq!(gone.left_behind().len(), 2);
}
