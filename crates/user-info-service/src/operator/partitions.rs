//! Where every partition stands, as far as a person can take it in: a topic may have hundreds.

use std::cmp::Reverse;

use super::words::{count, moment, several};
use crate::admin::status::{PartitionStatus, TopicStatus};

/// Partitions of a topic that are shown: a screen, and little enough that five topics leave the page below 50 kB.
const SHOWN_MAX: usize = 24;

/// A topic, and its partitions.
pub(crate) struct TopicRow {
    pub(crate) name: &'static str,
    pub(crate) phase: &'static str,
    /// Offsets read, of all partitions together.
    pub(crate) position: String,
    pub(crate) behind: String,
    /// The timestamp of the newest record that was read.
    pub(crate) newest: String,
    pub(crate) summary: String,
    /// If there are too many, those that are farthest behind; in the order of their numbers.
    pub(crate) rows: Vec<PartitionRow>,
    /// What is not shown, in words.
    pub(crate) left_out: Option<String>,
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
        let rows =
            farthest_behind(partitions).into_iter().map(|partition| PartitionRow::new(partition, now_ms)).collect();
        let newest = partitions.iter().filter_map(|partition| partition.last_timestamp_ms).max();
        let number = several(partitions.len(), "partition", "partitions");
        Self {
            name: topic.topic,
            phase: topic.phase,
            position: count(partitions.iter().map(|partition| partition.position).sum::<i64>()),
            behind: count(lag(partitions)),
            newest: newest.map_or_else(|| "–".into(), |newest| moment(newest, now_ms)),
            summary: format!("{}: {number}, {}", topic.topic, behind(partitions)),
            rows,
            left_out: (partitions.len() > SHOWN_MAX)
                .then(|| format!("The {SHOWN_MAX} of {number} that are farthest behind; /status names all.")),
        }
    }
}

fn farthest_behind(partitions: &[PartitionStatus]) -> Vec<&PartitionStatus> {
    let mut shown: Vec<&PartitionStatus> = partitions.iter().collect();
    shown.sort_by_key(|partition| (Reverse(partition.lag), partition.partition));
    shown.truncate(SHOWN_MAX);
    shown.sort_by_key(|partition| partition.partition);
    shown
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
