//! What the topics of the contract must be like, and what is wrong with those that exist.
//!
//! Compacted and only compacted, so that the last fact of each key stays for ever; tombstones kept for days, so that a
//! replica that was away hears of every deletion; the publisher's timestamps, because age is measured from them.

use std::fmt;

use user_info_core::Topic;

use crate::error::LogError;

/// How long tombstones stay at least. A replica that was away for longer must be rebuilt.
pub const DELETE_RETENTION_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// Kafka's name for "the last record of each key stays".
pub(crate) const COMPACT: &str = "compact";

/// Kafka's name for "a record's timestamp is its publisher's".
pub(crate) const CREATE_TIME: &str = "CreateTime";

/// What a topic is known by besides its name: another one if the topic was deleted and created anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TopicId(pub String);

/// A topic that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDescription {
    /// Its identity.
    pub id: TopicId,
    /// How many partitions it has.
    pub partitions: i32,
    /// What it was told to do with its records.
    pub settings: TopicSettings,
}

/// The settings of a topic that exactness rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSettings {
    /// On how many brokers each partition is kept.
    pub replication: i32,
    /// Kafka's `cleanup.policy`: what happens to old records.
    pub cleanup_policy: String,
    /// Kafka's `delete.retention.ms`: how long tombstones stay, in milliseconds.
    pub delete_retention_ms: i64,
    /// Kafka's `max.message.bytes`: the largest batch of records that is taken, in bytes.
    pub max_message_bytes: i64,
    /// Kafka's `message.timestamp.type`: whose clock timestamps come from.
    pub timestamp_type: String,
}

/// What to create topics like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicLayout {
    /// How many partitions, for the life of the topic.
    pub partitions: i32,
    /// On how many brokers each partition is kept; an embedded log keeps one copy whatever this says.
    pub replication: i32,
}

impl TopicLayout {
    pub(crate) fn check(self) -> Result<(), LogError> {
        let positive = |name: &str, number: i32| match number {
            1.. => Ok(()),
            _ => {
                Err(LogError::InvalidOption { name: name.into(), reason: format!("must be at least 1, not {number}") })
            }
        };
        positive("partitions", self.partitions)?;
        positive("replication", self.replication)
    }
}

/// A topic that exists after [`crate::Log::create_topics`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The topic.
    pub topic: Topic,
    /// Its name in the log.
    pub name: String,
    /// Whether it was there before, and was left as it was.
    pub existed: bool,
}

impl fmt::Display for Created {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.existed { "exists already" } else { "created" };
        write!(formatter, "topic {}: {what}", self.name)
    }
}

/// Something that is wrong with a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicProblem {
    /// The topic.
    pub topic: Topic,
    /// Its name in the log.
    pub name: String,
    /// What is wrong and how to mend it.
    pub problem: String,
}

impl fmt::Display for TopicProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "topic {}: {}", self.name, self.problem)
    }
}

/// Everything wrong with a topic, given what it is like; `None` when it does not exist.
pub fn problems(topic: Topic, name: &str, description: Option<&TopicDescription>) -> Vec<TopicProblem> {
    let found = match description {
        None => vec!["does not exist: run `user-info topics create`".to_owned()],
        Some(description) => setting_problems(name, description),
    };
    found.into_iter().map(|problem| TopicProblem { topic, name: name.to_owned(), problem }).collect()
}

fn setting_problems(name: &str, description: &TopicDescription) -> Vec<String> {
    let TopicSettings { cleanup_policy, delete_retention_ms, timestamp_type, .. } = &description.settings;
    let mut found = Vec::new();
    if description.partitions < 1 {
        found.push("has no partitions: delete it and run `user-info topics create`".to_owned());
    }
    if cleanup_policy != COMPACT {
        found.push(format!(
            "cleanup.policy is {cleanup_policy}, so facts may be deleted that are still true: set it to {COMPACT} and \
             nothing else ({})",
            alter(name, &format!("cleanup.policy={COMPACT}"))
        ));
    }
    if *delete_retention_ms < DELETE_RETENTION_MS {
        found.push(format!(
            "delete.retention.ms is {delete_retention_ms}, so a replica that was away misses deletions: set it to \
             {DELETE_RETENTION_MS} (7 days) or more ({})",
            alter(name, &format!("delete.retention.ms={DELETE_RETENTION_MS}"))
        ));
    }
    if timestamp_type != CREATE_TIME {
        found.push(format!(
            "message.timestamp.type is {timestamp_type}, so the age of facts is not measured from their publishing: set \
             it to {CREATE_TIME} ({})",
            alter(name, &format!("message.timestamp.type={CREATE_TIME}"))
        ));
    }
    found
}

/// The command of Kafka's own tools that mends a setting.
fn alter(name: &str, setting: &str) -> String {
    format!(
        "kafka-configs.sh --bootstrap-server … --alter --entity-type topics --entity-name {name} --add-config {setting}"
    )
}
