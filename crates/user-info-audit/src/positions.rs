//! How far something was read: the next offset of each partition. Whatever is not mentioned was not read at all.

use std::collections::BTreeMap;
use std::fmt;

use user_info_core::Topic;

/// The next offset to read, by topic and partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions(BTreeMap<(Topic, i32), i64>);

/// A `user-info-positions` header that does not read `topic=offset,offset;topic=…`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not of the form users=12,7;tweets=3,9")]
pub struct InvalidPositions {
    text: String,
}

impl Positions {
    /// The next offset of a partition: 0 when nothing of it was read.
    pub fn next(&self, topic: Topic, partition: i32) -> i64 {
        self.0.get(&(topic, partition)).copied().unwrap_or_default()
    }

    /// States the next offset of a partition.
    pub fn set(&mut self, topic: Topic, partition: i32, next_offset: i64) {
        self.0.insert((topic, partition), next_offset);
    }

    /// States the next offset of a partition, unless a later one is known.
    pub fn raise(&mut self, topic: Topic, partition: i32, next_offset: i64) {
        let known = self.0.entry((topic, partition)).or_default();
        *known = next_offset.max(*known);
    }

    /// Each partition with its next offset, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Topic, i32, i64)> {
        self.0.iter().map(|(&(topic, partition), &next_offset)| (topic, partition, next_offset))
    }
}

impl fmt::Display for Positions {
    /// The form of the header. A partition that is not mentioned although a later one is, stands at 0.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topics = Topic::FACTS.into_iter().filter_map(|topic| Some((topic, self.partitions(topic)?)));
        for (index, (topic, partitions)) in topics.enumerate() {
            let offsets: Vec<String> =
                (0..partitions).map(|partition| self.next(topic, partition).to_string()).collect();
            let separator = if index == 0 { "" } else { ";" };
            write!(formatter, "{separator}{topic}={}", offsets.join(","))?;
        }
        Ok(())
    }
}

impl Positions {
    /// How many partitions of a topic have to be written down, if any.
    fn partitions(&self, topic: Topic) -> Option<i32> {
        self.0.keys().filter(|key| key.0 == topic).map(|key| key.1 + 1).max()
    }
}

impl std::str::FromStr for Positions {
    type Err = InvalidPositions;

    fn from_str(text: &str) -> Result<Self, InvalidPositions> {
        let mut positions = Self::default();
        for part in text.split(';').filter(|part| !part.is_empty()) {
            read_topic(&mut positions, part).ok_or_else(|| InvalidPositions { text: text.to_owned() })?;
        }
        Ok(positions)
    }
}

fn read_topic(positions: &mut Positions, part: &str) -> Option<()> {
    let (name, offsets) = part.split_once('=')?;
    let topic = Topic::FACTS.into_iter().find(|topic| topic.name() == name)?;
    for (partition, offset) in (0..).zip(offsets.split(',')) {
        positions.set(topic, partition, offset.parse().ok()?);
    }
    Some(())
}
