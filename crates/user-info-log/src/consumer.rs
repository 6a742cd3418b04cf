//! Reading: which partitions from where, and what a poll brings.
//!
//! A consumer belongs to one thread at a time. It reads exactly what it was assigned: no group, no rebalance, no stored
//! positions.

use std::time::Duration;

use user_info_core::Topic;

use crate::embedded::EmbeddedConsumer;
use crate::error::LogError;
use crate::kafka::KafkaConsumer;
use crate::record::Record;

/// A reader of partitions.
#[derive(Debug)]
pub enum Consumer {
    /// Of a Kafka cluster.
    Kafka(Box<KafkaConsumer>),
    /// Of a log inside the process.
    Embedded(EmbeddedConsumer),
}

impl Consumer {
    /// Reads these partitions too, from these offsets on. A partition that is read already goes on at the new offset.
    ///
    /// Whether an offset or a topic exists shows in a later [`Consumer::poll`], as a [`Problem`].
    pub fn assign(&mut self, starts: &[Start]) -> Result<(), LogError> {
        if let Some(&Start { topic, partition, offset }) = starts.iter().find(|start| start.offset < 0) {
            return Err(LogError::NegativeOffset { topic, partition, offset });
        }
        match self {
            Self::Kafka(consumer) => consumer.assign(starts),
            Self::Embedded(consumer) => {
                consumer.assign(starts);
                Ok(())
            }
        }
    }

    /// Stops reading all partitions of a topic: nothing of it is polled afterwards.
    pub fn unassign(&mut self, topic: Topic) -> Result<(), LogError> {
        match self {
            Self::Kafka(consumer) => consumer.unassign(topic),
            Self::Embedded(consumer) => {
                consumer.unassign(topic);
                Ok(())
            }
        }
    }

    /// Waits up to `wait` for anything to happen, then takes what is already there, within the limits.
    ///
    /// The record with which a limit is reached is the last one; there may be one record however large it is.
    pub fn poll(&mut self, limits: PollLimits, wait: Duration) -> Result<Polled, LogError> {
        match self {
            Self::Kafka(consumer) => consumer.poll(limits, wait),
            Self::Embedded(consumer) => consumer.poll(limits, wait),
        }
    }
}

/// Where to start reading a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The topic.
    pub topic: Topic,
    /// The partition of the topic.
    pub partition: i32,
    /// The offset of the first record wanted. If it is gone to compaction, the next one that is there comes first.
    pub offset: i64,
}

/// How much one poll may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollLimits {
    /// Records.
    pub records: usize,
    /// Bytes of keys, values and headers.
    pub bytes: usize,
}

/// What one poll brought; nothing, if the wait was over first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// Records; those of one partition in the order of their offsets.
    pub records: Vec<Record>,
    /// Partitions that were read to the end they had. Reported once for each end reached.
    pub ends: Vec<PartitionEnd>,
    /// What keeps partitions from being read.
    pub problems: Vec<Problem>,
}

impl Polled {
    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.ends.is_empty() && self.problems.is_empty()
    }
}

/// A partition was read to its end, as it was when the end was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionEnd {
    /// The topic.
    pub topic: Topic,
    /// The partition of the topic.
    pub partition: i32,
    /// The offset that comes next. Records before it may have been passed over: what compaction dropped, what an aborted
    /// transaction left, the marks of transactions.
    pub offset: i64,
}

/// What keeps partitions from being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The position is not in the log: records were deleted, the log was truncated, or it is another log. The partition
    /// is not read until it is assigned anew.
    OutOfRange {
        /// The topic.
        topic: Topic,
        /// The partition of the topic.
        partition: i32,
        /// What the log said.
        reason: String,
    },
    /// The topic or the partition does not exist.
    TopicGone {
        /// The topic.
        topic: Topic,
        /// What the log said.
        reason: String,
    },
    /// The log does not answer. Reading goes on by itself as soon as it does.
    Unavailable {
        /// What the log, or the network, said.
        reason: String,
    },
}
