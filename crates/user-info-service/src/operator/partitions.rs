//! Where every partition stands, in groups that a person can take in: a topic may have hundreds.

use super::words::{count, moment, several};
use crate::admin::status::{PartitionStatus, TopicStatus};

/// Partitions of a group: a screen or two.
const GROUP_PARTITIONS_MAX: usize = 50;

/// A topic, and its partitions in groups.
pub(crate) struct TopicRow {
    pub(crate) name: &'static str,
    pub(crate) phase: &'static str,
    /// Offsets read, of all partitions together.
    pub(crate) position: String,
    pub(crate) behind: String,
    /// The timestamp of the newest record that was read.
    pub(crate) newest: String,
    pub(crate) summary: String,
    pub(crate) groups: Vec<Group>,
}

/// Some partitions of a topic.
pub(crate) struct Group {
    /// Unique in the page.
    pub(crate) id: String,
    pub(crate) summary: String,
    pub(crate) rows: Vec<PartitionRow>,
}

/// One partition.
pub(crate) struct PartitionRow {
    pub(crate) partition: i32,
    pub(crate) position: String,
    pub(crate) end: String,
    pub(crate) behind: String,
    pub(crate) state: &'static str,
    pub(crate) newest: String,
}

impl TopicRow {
    pub(crate) fn new(topic: &TopicStatus, now_ms: i64) -> Self {
        let partitions = &topic.partitions;
        let groups = partitions.chunks(GROUP_PARTITIONS_MAX).map(|some| Group::new(topic.topic, some, now_ms));
        let newest = partitions.iter().filter_map(|partition| partition.last_timestamp_ms).max();
        let number = several(partitions.len(), "partition", "partitions");
        Self {
            name: topic.topic,
            phase: topic.phase,
            position: count(partitions.iter().map(|partition| partition.position).sum::<i64>()),
            behind: count(lag(partitions)),
            newest: newest.map_or_else(|| "–".into(), |newest| moment(newest, now_ms)),
            summary: format!("{}: {number}, {}", topic.topic, behind(partitions)),
            groups: groups.collect(),
        }
    }
}

impl Group {
    fn new(topic: &str, partitions: &[PartitionStatus], now_ms: i64) -> Self {
        let first = partitions.first().map_or(0, |partition| partition.partition);
        let last = partitions.last().map_or(0, |partition| partition.partition);
        Self {
            id: format!("partitions-{topic}-{first}"),
            summary: format!("{topic} {first} to {last}: {}", behind(partitions)),
            rows: partitions.iter().map(|partition| PartitionRow::new(partition, now_ms)).collect(),
        }
    }
}

impl PartitionRow {
    fn new(partition: &PartitionStatus, now_ms: i64) -> Self {
        Self {
            partition: partition.partition,
            position: count(partition.position),
            end: partition.end.map_or_else(|| "–".into(), count),
            behind: count(partition.lag),
            state: state(partition),
            newest: partition.last_timestamp_ms.map_or_else(|| "–".into(), |newest| moment(newest, now_ms)),
        }
    }
}

fn state(partition: &PartitionStatus) -> &'static str {
    match (partition.owned, partition.at_end) {
        (true, true) => "at its end",
        (true, false) => "reading",
        (false, true) => "read elsewhere",
        (false, false) => "not read here",
    }
}

fn lag(partitions: &[PartitionStatus]) -> i64 {
    partitions.iter().map(|partition| partition.lag).sum()
}

fn behind(partitions: &[PartitionStatus]) -> String {
    let some = partitions.iter().filter(|partition| partition.lag > 0).count();
    match some {
        0 => "none behind".into(),
        some => format!("{} behind, by {} in all", count(some), several(lag(partitions) as usize, "record", "records")),
    }
}
