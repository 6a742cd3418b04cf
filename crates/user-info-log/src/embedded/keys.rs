//! The keys of the database: one kind per first byte, fixed for ever.
//!
//! All numbers are big-endian, so that keys sort as their numbers do. Only the last field of a key has no fixed width.
//!
//! ```text
//! 0  Format                                                     → format version, u32
//! 1  Topic      | topic u8                                      → topic id (UTF-8)
//! 2  End        | topic u8 | partition u32                      → offset of the next record, i64
//! 3  Compacted  | topic u8 | partition u32                      → offset below which it is compacted, i64
//! 4  Record     | topic u8 | partition u32 | offset u64         → record, see `values`
//! 5  Latest     | topic u8 | partition u32 | record key         → offset of its only record in the compacted part, i64
//! 6  Due        | time ms u64 | topic u8 | partition u32 | offset u64   → record key: its tombstone goes at this time
//! ```

use user_info_core::Topic;

/// A key of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key<'bytes> {
    Format,
    Topic(Topic),
    End(Topic, i32),
    Compacted(Topic, i32),
    Record(Topic, i32, i64),
    Latest(Topic, i32, &'bytes [u8]),
    Due(i64, Topic, i32, i64),
}

impl<'bytes> Key<'bytes> {
    pub(super) fn encode(self) -> Vec<u8> {
        match self {
            Self::Format => vec![0],
            Self::Topic(topic) => vec![1, topic.number()],
            Self::End(topic, partition) => partition_key(2, topic, partition),
            Self::Compacted(topic, partition) => partition_key(3, topic, partition),
            Self::Record(topic, partition, offset) => {
                let mut key = partition_key(4, topic, partition);
                key.extend(offset.to_be_bytes());
                key
            }
            Self::Latest(topic, partition, record_key) => {
                let mut key = partition_key(5, topic, partition);
                key.extend(record_key);
                key
            }
            Self::Due(time_ms, topic, partition, offset) => {
                let mut key = vec![6];
                key.extend(time_ms.to_be_bytes());
                key.push(topic.number());
                key.extend(partition.to_be_bytes());
                key.extend(offset.to_be_bytes());
                key
            }
        }
    }

    /// `None` for bytes that are no key.
    pub(super) fn decode(key: &'bytes [u8]) -> Option<Self> {
        let (kind, mut rest) = key.split_first()?;
        let rest = &mut rest;
        let decoded = match kind {
            0 => Self::Format,
            1 => Self::Topic(take_topic(rest)?),
            2 => Self::End(take_topic(rest)?, take_partition(rest)?),
            3 => Self::Compacted(take_topic(rest)?, take_partition(rest)?),
            4 => Self::Record(take_topic(rest)?, take_partition(rest)?, take_number(rest)?),
            5 => Self::Latest(take_topic(rest)?, take_partition(rest)?, std::mem::take(rest)),
            6 => Self::Due(take_number(rest)?, take_topic(rest)?, take_partition(rest)?, take_number(rest)?),
            _ => return None,
        };
        rest.is_empty().then_some(decoded)
    }
}

/// Numbers are not negative, so they sort as if they were unsigned.
fn partition_key(kind: u8, topic: Topic, partition: i32) -> Vec<u8> {
    let mut key = Vec::with_capacity(32);
    key.extend([kind, topic.number()]);
    key.extend(partition.to_be_bytes());
    key
}

fn take_topic(rest: &mut &[u8]) -> Option<Topic> {
    let (number, after) = rest.split_first()?;
    *rest = after;
    Topic::from_number(*number)
}

fn take_partition(rest: &mut &[u8]) -> Option<i32> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(i32::from_be_bytes(*number))
}

fn take_number(rest: &mut &[u8]) -> Option<i64> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(i64::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_topic() -> impl Strategy<Value = Topic> {
        prop::sample::select(Topic::ALL.to_vec())
    }

    /// Every kind, from the same ingredients.
    fn every_key(topic: Topic, partition: i32, offset: i64, record_key: &[u8]) -> [Key<'_>; 7] {
        [
            Key::Format,
            Key::Topic(topic),
            Key::End(topic, partition),
            Key::Compacted(topic, partition),
            Key::Record(topic, partition, offset),
            Key::Latest(topic, partition, record_key),
            Key::Due(offset, topic, partition, offset / 2),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            topic in any_topic(),
            partition in 0..=i32::MAX,
            offset in 0..=i64::MAX,
            record_key in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            for key in every_key(topic, partition, offset, &record_key) {
                let bytes = key.encode();
                prop_assert_eq!(Key::decode(&bytes), Some(key));
            }
        }

        #[test]
        fn records_sort_by_partition_and_offset(
            topic in any_topic(),
            a in (0..=i32::MAX, 0..=i64::MAX),
            b in (0..=i32::MAX, 0..=i64::MAX),
        ) {
            let record = |(partition, offset)| Key::Record(topic, partition, offset).encode();
            prop_assert_eq!(record(a).cmp(&record(b)), a.cmp(&b));
        }

        #[test]
        fn tombstones_sort_by_time(a in 0..=i64::MAX, b in 0..=i64::MAX) {
            let due = |time_ms| Key::Due(time_ms, Topic::Likes, 3, 7).encode();
            prop_assert_eq!(due(a).cmp(&due(b)), a.cmp(&b));
        }

        #[test]
        fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Some(key) = Key::decode(&bytes) {
                prop_assert_eq!(key.encode(), bytes);
            }
        }
    }
}
