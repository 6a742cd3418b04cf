//! Reading: which partitions from where, and what a poll brings.
//!
//! A consumer belongs to one thread at a time. It reads exactly what it was assigned, from where it was assigned.
//!
//! A consumer of a group ([`crate::Log::group_consumer`]) shares the topics it subscribes to with the other members. The
//! group only says who reads a partition ([`Share`]); from where is the caller's to say, as for any other consumer, and no
//! position is stored in the log. A group is no lock: a member that was silent for too long hears of its loss after the
//! others got their gain. Who writes what it read must be able to tell that it is no longer the one to write it.

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
    ///
    /// In a group, partitions that were not gained, or were lost since, are left out without an error: the group may take
    /// a partition away at any moment, so a caller cannot know better, and it has heard or will hear of the loss.
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

    /// Stops reading all partitions of a topic: nothing of it is polled afterwards. In a group they stay this member's,
    /// and can be assigned again.
    pub fn unassign(&mut self, topic: Topic) -> Result<(), LogError> {
        match self {
            Self::Kafka(consumer) => consumer.unassign(topic),
            Self::Embedded(consumer) => {
                consumer.unassign(topic);
                Ok(())
            }
        }
    }

    /// Takes part in the group with these topics, in place of all subscribed before; with none, leaves the group. Those
    /// that do not exist yet are noticed within seconds of their creation. Only for a consumer of a group.
    ///
    /// What the member gets and loses by that shows in later [`Consumer::poll`]s, as [`Share`]s.
    pub fn subscribe(&mut self, topics: &[Topic]) -> Result<(), LogError> {
        let topics = topics.iter().copied().collect();
        match self {
            Self::Kafka(consumer) => consumer.subscribe(topics),
            Self::Embedded(consumer) => consumer.subscribe(topics),
        }
    }

    /// Waits up to `wait` for anything to happen, then takes what is already there, within the limits.
    ///
    /// The record with which a limit is reached is the last one; there may be one record however large it is.
    ///
    /// In a group it returns as soon as the group gives or takes anything. The others get what was taken only when this
    /// consumer is used again or dropped, so there is time to write what was polled before. A member that is not polled
    /// for minutes is taken for hung: it loses everything, and joins again when it is polled.
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
    /// What a group gave and took, in this order, and all of it after everything above.
    pub shares: Vec<Share>,
}

impl Polled {
    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        let Self { records, ends, problems, shares } = self;
        records.is_empty() && ends.is_empty() && problems.is_empty() && shares.is_empty()
    }
}

/// A change of what a member of a group has to read. The partitions are in order, and there is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Share {
    /// The group gave these partitions to this member. Nothing of them is polled until they are assigned.
    Gained(Vec<(Topic, i32)>),
    /// The group took these partitions away. Nothing of them is polled until they are gained and assigned again.
    Lost(Vec<(Topic, i32)>),
}

/// What an ordinary consumer says about a subscription.
pub(crate) fn no_group() -> LogError {
    let reason = "this consumer belongs to no group: make one with `Log::group_consumer`".into();
    LogError::InvalidOption { name: "subscription".into(), reason }
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
    /// The log does not answer, or a group gave this member up because it was not polled for too long. Reading goes on by
    /// itself as soon as the log answers, and when the group gave what it has to give.
    Unavailable {
        /// What the log, the network or the group said.
        reason: String,
    },
}
