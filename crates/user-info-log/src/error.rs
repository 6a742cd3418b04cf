//! What can go wrong with a log, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use user_info_core::Topic;

/// What can go wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The text does not name a log.
    #[error("{url:?} names no log: {reason}")]
    InvalidUrl {
        /// The text.
        url: String,
        /// What is wrong with it and what is right.
        reason: &'static str,
    },
    /// A setting cannot be what it was set to.
    #[error("invalid {name}: {reason}")]
    InvalidOption {
        /// The setting.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Brokers are away or too slow.
    #[error(
        "cannot {operation}: the log does not answer ({reason}): check that it runs and that this is its address, then try again"
    )]
    Unavailable {
        /// What was tried.
        operation: String,
        /// What the client heard last.
        reason: String,
    },
    /// Another producer took over.
    #[error("another producer with the transactional id {transactional_id:?} has taken over: run only one")]
    Fenced {
        /// The id that both use.
        transactional_id: String,
    },
    /// The topic does not exist.
    #[error("topic {name} does not exist: run `user-info topics create`")]
    TopicMissing {
        /// The topic.
        topic: Topic,
        /// Its name in the log.
        name: String,
    },
    /// The topic has fewer partitions.
    #[error("topic {topic} has no partition {partition}")]
    PartitionMissing {
        /// The topic.
        topic: Topic,
        /// The partition asked for.
        partition: i32,
    },
    /// Offsets are not negative.
    #[error("cannot read {topic}/{partition} from offset {offset}: offsets start at 0")]
    NegativeOffset {
        /// The topic.
        topic: Topic,
        /// The partition of the topic.
        partition: i32,
        /// The offset asked for.
        offset: i64,
    },
    /// The log takes no record as large as this one.
    #[error("a record of {bytes} bytes for topic {topic} is too large for the log (`max.message.bytes` of the topic)")]
    RecordTooLarge {
        /// The topic.
        topic: Topic,
        /// Length of key, value and headers in bytes.
        bytes: usize,
    },
    /// The log does not take the record as it is.
    #[error("the log refuses a record for topic {topic}: {reason}")]
    RecordRefused {
        /// The topic.
        topic: Topic,
        /// Why.
        reason: String,
    },
    /// A transaction failed in a way that leaves its producer unusable.
    #[error("this transactional producer is done for ({reason}): make a new one, which settles what is pending")]
    ProducerBroken {
        /// What happened to it.
        reason: String,
    },
    /// Kafka, or its client, failed otherwise.
    #[error("cannot {operation}: {reason}")]
    Kafka {
        /// What was tried.
        operation: String,
        /// What Kafka said.
        reason: String,
    },
    /// Another process, or another part of this one, has the embedded log open.
    #[error("the embedded log {} is in use: stop the process that has it open", path.display())]
    InUse {
        /// The log's directory.
        path: PathBuf,
    },
    /// A newer program wrote the embedded log.
    #[error(
        "the embedded log {} has format {found}, this program knows {known}: use the version of user-info that wrote it, \
         or a newer one", path.display()
    )]
    NewerFormat {
        /// The log's directory.
        path: PathBuf,
        /// The format of the log.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// What the embedded log holds cannot be what was written.
    #[error("the embedded log is damaged: {what}")]
    Damaged {
        /// What does not hold.
        what: String,
    },
    /// An earlier write failed, so nobody knows how much of it is stored.
    #[error("the embedded log takes no records since a write failed ({reason}): mend the cause and open it again")]
    Poisoned {
        /// The earlier failure.
        reason: String,
    },
    /// The operating system refused.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// RocksDB, which holds the embedded log, failed.
    #[error("cannot {operation}")]
    Storage {
        /// What was tried.
        operation: &'static str,
        /// Why it failed.
        source: rocksdb::Error,
    },
}

impl LogError {
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { operation, path, source }
    }

    pub(crate) fn storage(operation: &'static str) -> impl Fn(rocksdb::Error) -> Self {
        move |source| Self::Storage { operation, source }
    }
}
