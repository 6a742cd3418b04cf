//! What a test runs the program in: a log with topics of its own, and a directory for stores.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use user_info_audit::positions::Positions;
use user_info_core::Topic;
use user_info_log::{
    Consumer, Log, LogConfig, LogUrl, NewRecord, PollLimits, ProducerConfig, Published, Record, Start, TopicNames,
};
use user_info_testkit::KafkaBroker;

use crate::support::program::{Ended, Program};
use crate::support::replica::Replica;
use crate::support::waiting::until;

/// Of every topic that a test does not create itself: enough for facts about one user to come in another order.
pub(crate) const PARTITIONS: i32 = 3;

/// One poll while a topic is read.
const POLL_LIMITS: PollLimits = PollLimits { records: 10_000, bytes: 64 * 1024 * 1024 };
const POLL_WAIT: Duration = Duration::from_millis(100);

/// A log and a directory. The topics are the test's own, by their prefix or by their directory.
pub(crate) struct World {
    config: LogConfig,
    /// Options that name the log, as the command line takes them.
    log_options: Vec<String>,
    directory: TempDir,
}

impl World {
    /// With an embedded log and its topics. One process has it open at a time.
    pub(crate) fn embedded() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = LogUrl::Embedded { path: directory.path().join("log") };
        Self::new(directory, url, None).with_topics()
    }

    /// With topics on a broker.
    pub(crate) fn on(broker: &KafkaBroker, prefix: &str) -> Self {
        Self::without_topics_on(broker, prefix).with_topics()
    }

    /// With topics on a broker that do not exist yet.
    pub(crate) fn without_topics_on(broker: &KafkaBroker, prefix: &str) -> Self {
        let url = LogUrl::Kafka { bootstrap: broker.bootstrap() };
        Self::new(tempfile::tempdir().unwrap(), url, Some(&format!("{prefix}.")))
    }

    fn new(directory: TempDir, url: LogUrl, prefix: Option<&str>) -> Self {
        let mut log_options = vec!["--log".to_owned(), url.to_string()];
        let mut topic_names = TopicNames::default();
        if let Some(prefix) = prefix {
            log_options.extend(["--topic-prefix".to_owned(), prefix.to_owned()]);
            topic_names = topic_names.with_prefix(prefix);
        }
        let config = LogConfig { url, topic_names, kafka_options: Vec::new(), client_id: "tests".to_owned() };
        Self { config, log_options, directory }
    }

    #[track_caller]
    fn with_topics(self) -> Self {
        self.create_topics(PARTITIONS);
        self
    }

    /// With another name for a topic.
    pub(crate) fn with_name(mut self, topic: Topic, name: &str) -> Self {
        self.log_options.extend(["--topic-name".to_owned(), format!("{topic}={name}")]);
        self.config.topic_names = self.config.topic_names.with_name(topic, name);
        self
    }

    pub(crate) fn name(&self, topic: Topic) -> String {
        self.config.topic_names.name(topic)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Options that name the log.
    pub(crate) fn log_options(&self) -> Vec<String> {
        self.log_options.clone()
    }

    /// Options that name the log and a store in the directory.
    pub(crate) fn options(&self, store: &str) -> Vec<String> {
        let mut options = self.log_options();
        options.extend(["--store".to_owned(), self.store(store)]);
        options
    }

    /// The URL of a store in the directory.
    pub(crate) fn store(&self, name: &str) -> String {
        format!("rocksdb:{}", self.path(name).display())
    }

    /// A subcommand on the log.
    #[track_caller]
    pub(crate) fn run(&self, subcommand: &[&str], more: &[&str]) -> Ended {
        let options = self.log_options();
        let options = options.iter().map(String::as_str);
        Program::under_test().run(subcommand.iter().copied().chain(options).chain(more.iter().copied()))
    }

    #[track_caller]
    pub(crate) fn create_topics(&self, partitions: i32) -> Ended {
        self.run(&["topics", "create"], &["--partitions", &partitions.to_string()]).with_status(0)
    }

    /// A server on a store in the directory, not running yet; it looks at the topics twice a second.
    pub(crate) fn replica(&self, store: &str) -> Replica {
        Replica::new(self.options(store)).with(&["--watch-interval", "500ms", "--block-cache-mib", "16"])
    }

    #[track_caller]
    pub(crate) fn rebuild(&self, store: &str) -> Ended {
        self.run(&["rebuild"], &["--store", &self.store(store), "--json"])
    }

    #[track_caller]
    pub(crate) fn audit_store(&self, store: &str) -> Ended {
        self.run(&["audit"], &["--store", &self.store(store), "--json"])
    }

    #[track_caller]
    pub(crate) fn audit_server(&self, replica: &Replica) -> Ended {
        self.run(&["audit"], &["--server", &replica.url(), "--json"])
    }

    /// The log, for a moment: an embedded one belongs to who has it open.
    pub(crate) fn log(&self) -> Log {
        Log::open(&self.config).unwrap()
    }

    #[track_caller]
    pub(crate) fn publish(&self, records: &[NewRecord]) -> Vec<Published> {
        self.log().producer(&ProducerConfig::default()).unwrap().publish(records).unwrap()
    }

    /// Publishes, and waits until the server has read it.
    #[track_caller]
    pub(crate) fn publish_to(&self, replica: &Replica, records: &[NewRecord]) {
        self.publish(records);
        replica.until_at(&self.ends());
    }

    /// Where the topics of facts end.
    pub(crate) fn ends(&self) -> Positions {
        let log = self.log();
        let mut ends = Positions::default();
        for topic in Topic::FACTS {
            let partitions = log.describe(topic).unwrap().map_or(0, |description| description.partitions);
            for partition in 0..partitions {
                ends.set(topic, partition, log.offsets(topic, partition).unwrap().end);
            }
        }
        ends
    }

    /// Every record of a topic.
    #[track_caller]
    pub(crate) fn read(&self, topic: Topic) -> Vec<Record> {
        let log = self.log();
        let partitions = log.describe(topic).unwrap().unwrap().partitions;
        let start = |partition| Start { topic, partition, offset: log.offsets(topic, partition).unwrap().start };
        let mut consumer = log.consumer().unwrap();
        consumer.assign(&(0..partitions).map(start).collect::<Vec<_>>()).unwrap();
        read_to_ends(&mut consumer, partitions)
    }
}

#[track_caller]
fn read_to_ends(consumer: &mut Consumer, partitions: i32) -> Vec<Record> {
    let mut records = Vec::new();
    let mut open: Vec<i32> = (0..partitions).collect();
    until("the topic is read", || {
        let polled = consumer.poll(POLL_LIMITS, POLL_WAIT).map_err(|error| error.to_string())?;
        records.extend(polled.records);
        open.retain(|partition| !polled.ends.iter().any(|end| end.partition == *partition));
        if open.is_empty() { Ok(()) } else { Err(format!("partitions {open:?} are open: {:?}", polled.problems)) }
    });
    records
}
