//! What the tests audit: an embedded log, facts in it, and something that follows it into a store as the service does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use user_info_audit::{AuditOptions, AuditReport};
use user_info_core::decode::check_partition;
use user_info_core::{Change, Stamp, Topic, decode};
use user_info_log::{
    Consumer, Log, LogConfig, LogUrl, NewRecord, PollLimits, ProducerConfig, Record, Start, TopicLayout, TopicNames,
};
use user_info_store::{Batch, Decision, Position, Store};

pub(crate) const PARTITIONS: i32 = 3;

/// An embedded log with all topics, and room for a store beside it.
pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) log: Log,
}

impl World {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = open_log(directory.path().join("log"));
        log.create_topics(TopicLayout { partitions: PARTITIONS, replication: 1 }).unwrap();
        Self { directory, log }
    }

    pub(crate) fn publish(&self, records: &[NewRecord]) {
        publish(&self.log, records);
    }
}

pub(crate) fn open_log(path: std::path::PathBuf) -> Log {
    let config = LogConfig {
        url: LogUrl::Embedded { path },
        topic_names: TopicNames::default(),
        kafka_options: Vec::new(),
        client_id: "audit-tests".into(),
    };
    Log::open(&config).unwrap()
}

pub(crate) fn publish(log: &Log, records: &[NewRecord]) {
    log.producer(&ProducerConfig::default()).unwrap().publish(records).unwrap();
}

/// Options for tests in which everything settles.
pub(crate) fn patient() -> AuditOptions {
    AuditOptions { settle: Duration::from_secs(60), ..AuditOptions::default() }
}

/// Options for tests in which something never settles.
pub(crate) fn impatient() -> AuditOptions {
    AuditOptions { settle: Duration::from_millis(300), ..AuditOptions::default() }
}

/// The differences without their positions, which depend on the hash of keys.
pub(crate) fn differences(report: &AuditReport) -> Vec<String> {
    let without_positions = |line: String| line.split(" (positions ").next().unwrap_or_default().to_owned();
    report.differences.iter().map(|difference| without_positions(difference.to_string())).collect()
}

pub(crate) fn raw(topic: Topic, key: &str, value: &str) -> NewRecord {
    NewRecord::new(topic, key, Some(value.as_bytes().to_vec()))
}

pub(crate) fn fact(topic: Topic, key: &str, value: &Value) -> NewRecord {
    raw(topic, key, &value.to_string())
}

pub(crate) fn gone(topic: Topic, key: &str) -> NewRecord {
    NewRecord::new(topic, key, None)
}

pub(crate) fn profile_value(user: &str, username: &str, state: &str) -> Value {
    json!({
        "type": "user_changed", "user_id": user, "username": username, "name": "A Name", "state": state,
        "joined_at": "2020-01-02T03:04:05.678Z", "bio": null, "location": "Here", "url": null,
        "profile_image_url": "https://images.example/1.png", "background_image_url": null
    })
}

pub(crate) fn profile(user: &str, username: &str) -> NewRecord {
    fact(Topic::Users, user, &profile_value(user, username, "active"))
}

pub(crate) fn profile_in_state(user: &str, username: &str, state: &str) -> NewRecord {
    fact(Topic::Users, user, &profile_value(user, username, state))
}

pub(crate) fn at(timestamp_ms: i64, record: NewRecord) -> NewRecord {
    NewRecord { timestamp_ms: Some(timestamp_ms), ..record }
}

const CREATED_AT: &str = "2021-01-02T03:04:05.678Z";

pub(crate) fn tweeted(user: &str, tweet: &str) -> NewRecord {
    let value = json!({"type": "tweeted", "user_id": user, "tweet_id": tweet, "text": "hi", "created_at": CREATED_AT});
    fact(Topic::Tweets, &format!("{user}/{tweet}"), &value)
}

pub(crate) fn followed(follower: &str, followee: &str) -> NewRecord {
    let value = json!({"type": "followed", "follower_id": follower, "followee_id": followee, "created_at": CREATED_AT});
    fact(Topic::Follows, &format!("{follower}/{followee}"), &value)
}

pub(crate) fn unfollowed(follower: &str, followee: &str) -> NewRecord {
    let value = json!({"type": "unfollowed", "follower_id": follower, "followee_id": followee});
    fact(Topic::Follows, &format!("{follower}/{followee}"), &value)
}

pub(crate) fn liked(user: &str, tweet: &str) -> NewRecord {
    let value = json!({"type": "liked", "user_id": user, "tweet_id": tweet, "created_at": CREATED_AT});
    fact(Topic::Likes, &format!("{user}/{tweet}"), &value)
}

pub(crate) fn listed(owner: &str, list: &str) -> NewRecord {
    let value =
        json!({"type": "list_created", "owner_id": owner, "list_id": list, "name": "n", "created_at": CREATED_AT});
    fact(Topic::Lists, &format!("{owner}/{list}"), &value)
}

/// A bit of everything: renames, deletions, repetitions, bad records, users without profiles.
pub(crate) fn a_bit_of_everything() -> Vec<NewRecord> {
    vec![
        profile("1", "Ann"),
        profile("2", "bob"),
        profile_in_state("3", "Carl", "suspended"),
        profile_in_state("4", "dora", "deactivated"),
        profile("did:plc:ü", "erna"),
        profile("2", "Robert"),
        profile("5", "gone"),
        gone(Topic::Users, "5"),
        tweeted("1", "100"),
        tweeted("1", "100"),
        tweeted("1", "101"),
        tweeted("2", "102"),
        gone(Topic::Tweets, "2/102"),
        followed("1", "2"),
        followed("2", "1"),
        followed("2", "2"),
        followed("3", "2"),
        followed("6", "1"),
        unfollowed("2", "1"),
        gone(Topic::Follows, "2/1"),
        gone(Topic::Follows, "9/9"),
        liked("did:plc:ü", "100"),
        listed("4", "l1"),
        listed("4", "l1"),
        raw(Topic::Likes, "1/100", "not JSON"),
        raw(Topic::Lists, "no slash", "{}"),
        NewRecord { partition: Some(0), ..fact(Topic::Tweets, "1/1", &json!(1)) },
    ]
}

/// Follows a log into a store: the true path, decoder and all.
pub(crate) struct Follower {
    log: Log,
    consumer: Consumer,
    store: Store,
    next: BTreeMap<(Topic, i32), i64>,
}

impl Follower {
    pub(crate) fn new(log: &Log, store: Store) -> Self {
        let partitions = || Topic::FACTS.into_iter().flat_map(|topic| (0..PARTITIONS).map(move |at| (topic, at)));
        let starts: Vec<Start> = partitions().map(|(topic, partition)| Start { topic, partition, offset: 0 }).collect();
        let mut consumer = log.consumer().unwrap();
        consumer.assign(&starts).unwrap();
        let next = partitions().map(|partition| (partition, 0)).collect();
        Self { log: log.clone(), consumer, store, next }
    }

    /// Applies what is waiting.
    pub(crate) fn step(&mut self) {
        let limits = PollLimits { records: 1000, bytes: 1 << 24 };
        let polled = self.consumer.poll(limits, Duration::from_millis(20)).unwrap();
        let mut batch = Batch::default();
        for record in polled.records {
            self.next.insert((record.topic, record.partition), record.offset + 1);
            let decision = |change| Decision { offset: record.offset, change };
            batch.changes.extend(change_of(&record, PARTITIONS).map(decision));
        }
        batch.positions = self.positions();
        self.store.apply(&batch).unwrap();
    }

    /// Applies everything that is in the log now.
    pub(crate) fn catch_up(&mut self) {
        let ends: Vec<((Topic, i32), i64)> = self
            .next
            .keys()
            .map(|&(topic, partition)| ((topic, partition), self.log.offsets(topic, partition).unwrap().end))
            .collect();
        self.step();
        while ends.iter().any(|(partition, end)| self.next[partition] < *end) {
            self.step();
        }
    }

    pub(crate) fn positions(&self) -> Vec<Position> {
        let id = |topic| self.log.describe(topic).unwrap().unwrap().id.0;
        self.next.iter().map(|(&at, &next_offset)| position(at, next_offset, id(at.0))).collect()
    }

    /// Follows on a thread until the handle is dropped.
    pub(crate) fn spawn(mut self) -> Background {
        Background::spawn(move || self.step())
    }
}

pub(crate) fn position((topic, partition): (Topic, i32), next_offset: i64, topic_id: String) -> Position {
    Position {
        topic,
        partition,
        next_offset,
        topic_id,
        partitions: PARTITIONS,
        reading_since_ms: 0,
        caught_up_at_ms: Some(0),
        last_timestamp_ms: None,
    }
}

/// What the service would make of a record; `None` when it is bad.
pub(crate) fn change_of(record: &Record, partitions: i32) -> Option<Change> {
    let key = record.key.as_deref();
    if let Some(key) = key {
        check_partition(key, record.partition, partitions).ok()?;
    }
    let decoded = decode(record.topic, key, record.value.as_deref()).ok()?;
    Some(decoded.into_change(Stamp { timestamp_ms: record.timestamp_ms, offset: record.offset }))
}

/// A thread that repeats something until the handle is dropped.
pub(crate) struct Background {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    pub(crate) fn spawn(mut again: impl FnMut() + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                again();
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

/// A batch of changes decided one after the other.
pub(crate) fn decided(changes: impl IntoIterator<Item = Change>) -> Batch {
    let decision = |(offset, change)| Decision { offset, change };
    Batch { changes: (0..).zip(changes).map(decision).collect(), ..Batch::default() }
}
