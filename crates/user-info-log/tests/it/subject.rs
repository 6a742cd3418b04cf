//! A log to test, and short ways to use it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use user_info_core::Topic;
use user_info_log::{
    Consumer, Log, LogConfig, LogUrl, NewRecord, PollLimits, Polled, Producer, ProducerConfig, Published, Record,
    Share, Start, TopicLayout, TopicNames,
};

/// More than any test needs on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// More than any test publishes in one go.
pub(crate) const PLENTY: PollLimits = PollLimits { records: 1_000_000, bytes: 1 << 30 };

/// Of every topic that a test does not create itself.
pub(crate) const PARTITIONS: i32 = 3;

/// A log with all topics, empty, for one test.
pub(crate) struct Subject {
    pub(crate) config: LogConfig,
    pub(crate) log: Log,
    /// Removed with the subject.
    pub(crate) directory: Option<TempDir>,
    /// Whether it is read by the only member of a group, of which nothing must be seen then.
    pub(crate) in_group: bool,
}

impl Subject {
    /// An embedded log in a directory of its own.
    pub(crate) fn embedded(_test: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = embedded_config(directory.path().join("log"));
        Self { directory: Some(directory), ..Self::open(config) }
    }

    /// Opens a log and creates its topics.
    pub(crate) fn open(config: LogConfig) -> Self {
        let log = Log::open(&config).unwrap();
        log.create_topics(TopicLayout { partitions: PARTITIONS, replication: 1 }).unwrap();
        Self { config, log, directory: None, in_group: false }
    }

    /// The same log with other topics, none of which exists.
    pub(crate) fn without_topics(&self) -> Log {
        let mut config = self.config.clone();
        config.topic_names = config.topic_names.with_prefix("missing.");
        if let LogUrl::Embedded { path } = &mut config.url {
            path.push("another");
        }
        Log::open(&config).unwrap()
    }

    /// The directory of an embedded log.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.as_ref().unwrap().path().join("log")
    }

    pub(crate) fn producer(&self) -> Producer {
        self.log.producer(&ProducerConfig::default()).unwrap()
    }

    pub(crate) fn transactional_producer(&self, id: &str) -> Producer {
        // Transactional ids belong to the cluster, not to topics.
        let id = format!("{}{id}", self.config.topic_names.name(Topic::Users));
        self.log.producer(&ProducerConfig { transactional_id: Some(id) }).unwrap()
    }

    pub(crate) fn publish(&self, records: &[NewRecord]) -> Vec<Published> {
        self.producer().publish(records).unwrap()
    }

    /// A consumer of the whole topic.
    pub(crate) fn consumer(&self, topic: Topic) -> Consumer {
        let starts: Vec<Start> = (0..PARTITIONS).map(|partition| start(topic, partition, 0)).collect();
        self.consumer_from(&starts)
    }

    /// A member of a group, which is this test's alone.
    pub(crate) fn member(&self, group: &str, topics: &[Topic]) -> Consumer {
        let group = format!("{}.{group}", self.config.topic_names.name(Topic::Users));
        let mut member = self.log.group_consumer(&group).unwrap();
        member.subscribe(topics).unwrap();
        member
    }

    /// The only member of a group, with everything gained.
    pub(crate) fn lone_member(&self, topics: &[Topic]) -> Consumer {
        static GROUPS: AtomicU32 = AtomicU32::new(0);
        let mut member = self.member(&GROUPS.fetch_add(1, Ordering::Relaxed).to_string(), topics);
        let all = topics.len() * PARTITIONS as usize;
        let polled = poll_until(&mut member, "all partitions", |polled| gained(polled).len() >= all);
        assert_eq!(polled, Polled { shares: polled.shares.clone(), ..Polled::default() });
        member
    }

    pub(crate) fn consumer_from(&self, starts: &[Start]) -> Consumer {
        let topics: BTreeSet<Topic> = starts.iter().map(|start| start.topic).collect();
        let mut consumer = match self.in_group {
            true => self.lone_member(&topics.into_iter().collect::<Vec<_>>()),
            false => self.log.consumer().unwrap(),
        };
        consumer.assign(starts).unwrap();
        consumer
    }

    /// Every record of a topic.
    pub(crate) fn read(&self, topic: Topic) -> Vec<Record> {
        read_to_ends(&mut self.consumer(topic), PARTITIONS as usize).records
    }
}

pub(crate) fn embedded_config(path: impl AsRef<Path>) -> LogConfig {
    LogConfig {
        url: LogUrl::Embedded { path: path.as_ref().to_path_buf() },
        topic_names: TopicNames::default(),
        kafka_options: Vec::new(),
        client_id: "log-tests".into(),
    }
}

pub(crate) fn start(topic: Topic, partition: i32, offset: i64) -> Start {
    Start { topic, partition, offset }
}

pub(crate) fn record(topic: Topic, key: &str, value: &str) -> NewRecord {
    NewRecord::new(topic, key, Some(value.as_bytes().to_vec()))
}

/// A record for a partition of its own choice.
pub(crate) fn record_at(topic: Topic, partition: i32, key: &str, value: &str) -> NewRecord {
    NewRecord { partition: Some(partition), ..record(topic, key, value) }
}

/// Polls until `done` says so of everything polled so far.
pub(crate) fn poll_until(consumer: &mut Consumer, what: &str, done: impl FnMut(&Polled) -> bool) -> Polled {
    poll_with(PLENTY, consumer, what, done)
}

/// The same, with limits for each poll.
pub(crate) fn poll_with(
    limits: PollLimits,
    consumer: &mut Consumer,
    what: &str,
    mut done: impl FnMut(&Polled) -> bool,
) -> Polled {
    let deadline = Instant::now() + LIMIT;
    let mut all = Polled::default();
    while !done(&all) {
        assert!(Instant::now() < deadline, "not within {LIMIT:?}: {what}; until then {all:?}");
        let polled = consumer.poll(limits, Duration::from_secs(1)).unwrap();
        all.records.extend(polled.records);
        all.ends.extend(polled.ends);
        all.problems.extend(polled.problems);
        all.shares.extend(polled.shares);
    }
    all
}

/// Polls until so many partitions were read to their ends, each once.
pub(crate) fn read_to_ends(consumer: &mut Consumer, partitions: usize) -> Polled {
    poll_until(consumer, "the ends of all partitions", |polled| polled.ends.len() >= partitions)
}

/// Polls until there are so many records, and that is all of them.
pub(crate) fn read_records(consumer: &mut Consumer, count: usize) -> Vec<Record> {
    let polled = poll_until(consumer, "all records", |polled| polled.records.len() >= count);
    assert_eq!(polled.problems, []);
    assert_eq!(polled.records.len(), count, "{polled:?}");
    polled.records
}

/// Every partition that was gained, in the order it happened.
pub(crate) fn gained(polled: &Polled) -> Vec<(Topic, i32)> {
    let of_share = |share: &Share| match share {
        Share::Gained(partitions) => partitions.clone(),
        Share::Lost(_) => Vec::new(),
    };
    polled.shares.iter().flat_map(of_share).collect()
}

/// Every partition that was lost, in the order it happened.
pub(crate) fn lost(polled: &Polled) -> Vec<(Topic, i32)> {
    let of_share = |share: &Share| match share {
        Share::Gained(_) => Vec::new(),
        Share::Lost(partitions) => partitions.clone(),
    };
    polled.shares.iter().flat_map(of_share).collect()
}

pub(crate) fn values(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8(record.value.clone().unwrap()).unwrap()).collect()
}

pub(crate) fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since_epoch.as_millis()).unwrap()
}
