//! What ingest writes at once: changes, the positions they lead to, and what became of bad records.

use std::fmt;

use user_info_core::{Change, Topic};

/// Everything that one step of ingest writes. All of it becomes visible together, or none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Changes in log order.
    pub changes: Vec<Decision>,
    /// Where ingest stands after these changes; partitions that did not move may be left out.
    pub positions: Vec<Position>,
    /// Bad records to keep until they are sent. One with an origin that waits already overwrites it.
    pub dead_letters: Vec<DeadLetter>,
    /// Keys that lost their newest fact to a bad record. Applied after `cleared`.
    pub tainted: Vec<Taint>,
    /// Keys whose newest record is good again.
    pub cleared: Vec<Cleared>,
}

/// A change and the place of the record that decided it: a store that several instances write to applies only what is
/// newer than what it holds. Records about one key share a partition, so their offsets compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The record's offset in the partition of its key.
    pub offset: i64,
    /// What it changes.
    pub change: Change,
}

/// How far a partition has been applied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: i32,
    /// The offset to read next: everything before it is in the store.
    pub next_offset: i64,
    /// The id of the topic that the offset counts in; a topic deleted and created anew has another.
    pub topic_id: String,
    /// How many partitions the topic had.
    pub partitions: i32,
    /// When the reading of the partition began, in milliseconds since the Unix epoch. Until it is read to its end for the
    /// first time, tombstones can have vanished unseen since then.
    pub reading_since_ms: i64,
    /// When the partition was last read to its end, in milliseconds since the Unix epoch.
    pub caught_up_at_ms: Option<i64>,
    /// The timestamp of the last applied record, in milliseconds since the Unix epoch.
    pub last_timestamp_ms: Option<i64>,
}

/// Whether these positions of one topic are those of all its partitions, and each was read to its end at least once: only
/// then is what is not in the store nowhere.
pub fn is_complete<'positions>(of_topic: impl Iterator<Item = &'positions Position>) -> bool {
    let mut of_topic = of_topic.peekable();
    let expected = of_topic.peek().map_or(i32::MAX, |first| first.partitions);
    of_topic.filter(|position| position.caught_up_at_ms.is_some()).count() as i64 == i64::from(expected)
}

/// Where a record stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The topic.
    pub topic: Topic,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

impl fmt::Display for Origin {
    /// `topic/partition/offset`: the key of the dead letter.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.topic, self.partition, self.offset)
    }
}

/// A record that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where the record stands.
    pub origin: Origin,
    /// The record's timestamp in milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// The record's value, cut to a limit by the caller.
    pub value: Option<Vec<u8>>,
    /// Length of the whole value in bytes.
    pub value_bytes: u64,
    /// SHA-256 of the whole value.
    pub value_sha256: [u8; 32],
    /// The kind of fault, for machines.
    pub code: String,
    /// The fault, for people.
    pub reason: String,
}

/// The key of a bad record, as it stands in the log: it need not be a valid key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaintedKey {
    /// The topic.
    pub topic: Topic,
    /// The key's bytes.
    pub key: Vec<u8>,
}

/// A key whose newest record is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// The key.
    pub key: TaintedKey,
    /// The offset of the good record.
    pub offset: i64,
}

/// A key whose newest record is bad: its last good fact is in force, and compaction may drop that fact from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    /// The key.
    pub key: TaintedKey,
    /// The bad record.
    pub origin: Origin,
    /// What was wrong with it.
    pub reason: String,
}
