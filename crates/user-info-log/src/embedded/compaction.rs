//! Compaction: of each key only the last record stays.
//!
//! Each partition is compacted up to an offset. Below it there is one record per key, and `Latest` says at which offset.
//! A step takes the next records behind that offset: each replaces the one that `Latest` names. So a step costs as much
//! as the records it takes, however long the log is, and no step is ever repeated over old records. One batch carries it
//! all, so a crash leaves it done or not begun.
//!
//! A tombstone that is compacted goes on a list of what is due after the retention. That counts from its compaction, not
//! from its timestamp, which is whatever its publisher said.

use std::collections::BTreeMap;

use rocksdb::WriteBatch;
use user_info_core::Topic;

use super::database::damaged;
use super::keys::Key;
use super::{Inner, Writer, values};
use crate::clock::now_ms;
use crate::error::LogError;
use crate::names::topic_index;
use crate::topics::DELETE_RETENTION_MS;

/// Publishing compacts only what is this far behind the end of its partition, so that a reader who is a little behind
/// still sees every record, as with Kafka's active segment.
const TAIL_RECORDS: i64 = 100_000;

/// How many records publishing compacts for each one it publishes: more than one, so that it catches up.
const RECORDS_PER_PUBLISHED: usize = 2;

/// How much one step takes, so that a publisher who waits for the lock does not wait long.
const STEP_RECORDS: usize = 10_000;

impl Inner {
    /// Compacts everything there is.
    pub(super) fn compact_all(&self, now_ms: i64) -> Result<(), LogError> {
        let topics = self.topics().clone();
        for topic in Topic::ALL {
            let Some(state) = &topics[topic_index(topic)] else { continue };
            for (partition, &end) in (0..).zip(&state.ends) {
                while self.compact_step(&mut self.writer(), (topic, partition), end, STEP_RECORDS, now_ms)? {}
            }
        }
        while self.drop_due(&mut self.writer(), STEP_RECORDS, now_ms)? {}
        Ok(())
    }

    /// Compacts a little of what lies far behind the ends, after `published` records were added to these partitions.
    /// What fails here fails again later, and nothing depends on it: it is only logged.
    pub(super) fn compact_behind(
        &self,
        writer: &mut Writer,
        partitions: impl Iterator<Item = (Topic, i32)>,
        published: usize,
    ) {
        let budget = (published * RECORDS_PER_PUBLISHED).min(STEP_RECORDS);
        let now_ms = now_ms();
        let compact = || {
            for key in partitions {
                let end = self.end(key).unwrap_or(0);
                self.compact_step(writer, key, end - TAIL_RECORDS, budget, now_ms)?;
            }
            self.drop_due(writer, budget, now_ms).map(drop)
        };
        if let Err(error) = compact() {
            tracing::warn!(%error, "the embedded log could not be compacted: {error}");
        }
    }

    fn end(&self, (topic, partition): (Topic, i32)) -> Option<i64> {
        self.topics()[topic_index(topic)].as_ref()?.end(partition)
    }

    /// Compacts up to `budget` records of a partition below `limit`. Returns whether there may be more.
    fn compact_step(
        &self,
        writer: &mut Writer,
        key: (Topic, i32),
        limit: i64,
        budget: usize,
        now_ms: i64,
    ) -> Result<bool, LogError> {
        writer.check()?;
        let (topic, partition) = key;
        let from = writer.compacted.get(&key).copied().unwrap_or(0);
        let to = limit.min(from.saturating_add_unsigned(budget as u64));
        if from >= to {
            return Ok(false);
        }
        let mut batch = WriteBatch::default();
        let mut latest: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
        self.database.scan_records(key, from..to, |offset, bytes| {
            let place = Key::Record(topic, partition, offset);
            let (record_key, is_tombstone) = values::decode_key(bytes).ok_or_else(|| damaged(place))?;
            let record_key = record_key.ok_or_else(|| damaged(place))?;
            let index = Key::Latest(topic, partition, record_key);
            let before = match latest.insert(record_key.to_vec(), offset) {
                Some(before) => Some(before),
                None => self.database.get_number(index)?,
            };
            if let Some(before) = before {
                batch.delete(Key::Record(topic, partition, before).encode());
            }
            batch.put(index.encode(), offset.to_be_bytes());
            if is_tombstone {
                let due = Key::Due(now_ms.saturating_add(DELETE_RETENTION_MS), topic, partition, offset);
                batch.put(due.encode(), record_key);
            }
            Ok(true)
        })?;
        batch.put(Key::Compacted(topic, partition).encode(), to.to_be_bytes());
        self.database.write(batch).map_err(|error| writer.poison(error))?;
        writer.compacted.insert(key, to);
        Ok(to < limit)
    }

    /// Drops up to `budget` tombstones whose time has come, unless a newer record of their key has replaced them.
    /// Returns whether there may be more.
    fn drop_due(&self, writer: &mut Writer, budget: usize, now_ms: i64) -> Result<bool, LogError> {
        writer.check()?;
        let mut batch = WriteBatch::default();
        let mut taken = 0;
        let first = Key::Due(0, Topic::Users, 0, 0);
        let not_yet = Key::Due(now_ms.max(0), Topic::Users, 0, 0);
        self.database.scan(first, not_yet, |due, record_key| {
            let Key::Due(_, topic, partition, offset) = due else { return Err(damaged(due)) };
            let index = Key::Latest(topic, partition, record_key);
            if self.database.get_number(index)? == Some(offset) {
                batch.delete(Key::Record(topic, partition, offset).encode());
                batch.delete(index.encode());
            }
            batch.delete(due.encode());
            taken += 1;
            Ok(taken < budget)
        })?;
        if taken > 0 {
            self.database.write(batch).map_err(|error| writer.poison(error))?;
        }
        Ok(taken == budget)
    }
}
