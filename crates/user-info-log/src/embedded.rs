//! The log inside the process: partitions in RocksDB, for the demo, for tests, and for one machine without a broker.
//!
//! It keeps Kafka's promises. Offsets are given once and never reused, because the next one is stored with the records.
//! A record can be read only after it is on disk. Compaction keeps the last record of each key, and a tombstone for a
//! week. One process has it open at a time.
//!
//! **Locks.** `writer` belongs to who publishes or compacts; `topics` says how far readers may read and is held for
//! moments only. A reader takes no part in writing and reads below the ends it saw, so a record is never half there.
//!
//! A write that fails poisons the log: it is unknown how much of it is on disk, so later ones are refused until the log is
//! opened again and finds out.

mod compaction;
mod consumer;
mod database;
mod group;
mod keys;
mod open;
mod producer;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rocksdb::WriteBatch;
use user_info_core::Topic;

use crate::error::LogError;
use crate::log::{Offsets, ProducerConfig};
use crate::names::{TopicNames, topic_index};
use crate::topics::{
    COMPACT, CREATE_TIME, Created, DELETE_RETENTION_MS, TopicDescription, TopicId, TopicLayout, TopicSettings,
};

use database::Database;
use group::Group;
use keys::Key;

pub use consumer::EmbeddedConsumer;
pub use producer::EmbeddedProducer;

/// The largest record that is taken: key, value and headers, in bytes.
pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Kafka has seen topics with more, but here each partition costs a look at every start.
const PARTITIONS_MAX: i32 = 1024;

/// A log inside the process. Clones share one database, which is closed with the last of them, their consumers and their
/// producers.
#[derive(Clone)]
pub struct EmbeddedLog(Arc<Inner>);

struct Inner {
    database: Database,
    names: TopicNames,
    path: PathBuf,
    topics: Mutex<Topics>,
    published: Condvar,
    writer: Mutex<Writer>,
    /// Released after the database is closed: fields are dropped in order.
    _lock: File,
}

/// What readers may see.
type Topics = [Option<TopicState>; Topic::ALL.len()];

#[derive(Clone, Debug)]
struct TopicState {
    id: TopicId,
    /// Of each partition the offset that the next record gets.
    ends: Vec<i64>,
}

impl TopicState {
    fn partitions(&self) -> i32 {
        i32::try_from(self.ends.len()).expect("partitions are counted in i32")
    }

    /// `None` if there is no such partition.
    fn end(&self, partition: i32) -> Option<i64> {
        self.ends.get(usize::try_from(partition).ok()?).copied()
    }
}

/// What only who publishes or compacts needs.
#[derive(Debug, Default)]
struct Writer {
    /// Why the log takes no more records.
    poisoned: Option<String>,
    /// Of each partition the offset below which it is compacted.
    compacted: BTreeMap<(Topic, i32), i64>,
    /// The newest producer of each transactional id.
    epochs: BTreeMap<String, u64>,
}

impl Writer {
    fn check(&self) -> Result<(), LogError> {
        match &self.poisoned {
            Some(reason) => Err(LogError::Poisoned { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    /// Remembers the failure of a write.
    fn poison(&mut self, error: LogError) -> LogError {
        self.poisoned = Some(match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        });
        error
    }
}

impl EmbeddedLog {
    pub(crate) fn open(path: &Path, names: &TopicNames) -> Result<Self, LogError> {
        open::open(path, names).map(|inner| Self(Arc::new(inner)))
    }

    pub(crate) fn names(&self) -> &TopicNames {
        &self.0.names
    }

    pub(crate) fn describe(&self, topic: Topic) -> Option<TopicDescription> {
        let topics = self.0.topics();
        let state = topics[topic_index(topic)].as_ref()?;
        let settings = TopicSettings {
            replication: 1,
            cleanup_policy: COMPACT.into(),
            delete_retention_ms: DELETE_RETENTION_MS,
            max_message_bytes: RECORD_BYTES_MAX as i64,
            timestamp_type: CREATE_TIME.into(),
        };
        Some(TopicDescription { id: state.id.clone(), partitions: state.partitions(), settings })
    }

    pub(crate) fn offsets(&self, topic: Topic, partition: i32) -> Result<Offsets, LogError> {
        let topics = self.0.topics();
        let state = topics[topic_index(topic)].as_ref().ok_or_else(|| self.0.missing(topic))?;
        let end = state.end(partition).ok_or(LogError::PartitionMissing { topic, partition })?;
        // Compaction leaves gaps and does not move the start, as in Kafka.
        Ok(Offsets { start: 0, end })
    }

    pub(crate) fn create_topics(&self, layout: TopicLayout) -> Result<Vec<Created>, LogError> {
        if layout.partitions > PARTITIONS_MAX {
            let reason = format!("an embedded log has at most {PARTITIONS_MAX} of a topic");
            return Err(LogError::InvalidOption { name: "partitions".into(), reason });
        }
        let mut writer = self.0.writer();
        writer.check()?;
        let mut topics = self.0.topics().clone();
        let mut batch = WriteBatch::default();
        let created = Topic::ALL.map(|topic| {
            let state = &mut topics[topic_index(topic)];
            let existed = state.is_some();
            if !existed {
                *state = Some(new_topic(topic, layout, &mut batch));
            }
            Created { topic, name: self.0.names.name(topic), existed }
        });
        self.0.database.write_durably(batch).map_err(|error| writer.poison(error))?;
        *self.0.topics() = topics;
        self.0.published.notify_all();
        Ok(created.to_vec())
    }

    pub(crate) fn consumer(&self) -> EmbeddedConsumer {
        EmbeddedConsumer::new(Arc::clone(&self.0), None)
    }

    pub(crate) fn group_consumer(&self) -> EmbeddedConsumer {
        EmbeddedConsumer::new(Arc::clone(&self.0), Some(Group::default()))
    }

    pub(crate) fn producer(&self, config: &ProducerConfig) -> EmbeddedProducer {
        EmbeddedProducer::new(Arc::clone(&self.0), config.transactional_id.as_deref())
    }

    /// Compacts everything there is, as of `now_ms` (milliseconds since the Unix epoch): of each key only the last record
    /// stays, and no tombstone that was first compacted longer than the retention ago. Publishing does the same bit by
    /// bit, some way behind the ends.
    pub fn compact(&self, now_ms: i64) -> Result<(), LogError> {
        self.0.compact_all(now_ms)
    }
}

impl fmt::Debug for EmbeddedLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("EmbeddedLog").field(&self.0.path).finish()
    }
}

impl Inner {
    /// A panic while a lock is held leaves what it guards as it was: both are changed only after what can fail.
    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn missing(&self, topic: Topic) -> LogError {
        LogError::TopicMissing { topic, name: self.names.name(topic) }
    }
}

fn new_topic(topic: Topic, layout: TopicLayout, batch: &mut WriteBatch) -> TopicState {
    // From the operating system's randomness, by way of the keys that hash maps get.
    let random = || RandomState::new().hash_one(topic.number());
    let id = TopicId(format!("{:016x}{:016x}", random(), random()));
    let state = TopicState { id, ends: (0..layout.partitions).map(|_| 0).collect() };
    batch.put(Key::Topic(topic).encode(), &state.id.0);
    for (partition, end) in (0..).zip(&state.ends) {
        batch.put(Key::End(topic, partition).encode(), end.to_be_bytes());
    }
    state
}
