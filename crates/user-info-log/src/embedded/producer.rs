//! Publishing to the log inside the process: a slice is one batch on disk, so it is in the log whole or not at all.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use rocksdb::WriteBatch;
use user_info_core::Topic;
use user_info_core::topic::partition_of;

use super::keys::Key;
use super::{Inner, RECORD_BYTES_MAX, Topics, values};
use crate::clock::now_ms;
use crate::error::LogError;
use crate::log::Published;
use crate::names::topic_index;
use crate::record::NewRecord;

/// A publisher to the log inside the process.
pub struct EmbeddedProducer {
    log: Arc<Inner>,
    transactional: Option<Transactional>,
}

/// The number of producers with an id so far, this one included: the newest is the only one that may publish.
struct Transactional {
    id: String,
    epoch: u64,
}

impl EmbeddedProducer {
    pub(super) fn new(log: Arc<Inner>, transactional_id: Option<&str>) -> Self {
        let transactional = transactional_id.map(|id| {
            let mut writer = log.writer();
            let epoch = writer.epochs.entry(id.to_owned()).or_default();
            *epoch += 1;
            Transactional { id: id.to_owned(), epoch: *epoch }
        });
        Self { log, transactional }
    }

    pub(crate) fn publish(&mut self, records: &[NewRecord]) -> Result<Vec<Published>, LogError> {
        let mut writer = self.log.writer();
        writer.check()?;
        if let Some(Transactional { id, epoch }) = &self.transactional
            && writer.epochs[id] != *epoch
        {
            return Err(LogError::Fenced { transactional_id: id.clone() });
        }
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let slice = Slice::place(&self.log, records)?;
        self.log.database.write_durably(slice.batch).map_err(|error| writer.poison(error))?;
        self.log.show(&slice.ends);
        self.log.compact_behind(&mut writer, slice.ends.keys().copied(), records.len());
        Ok(slice.published)
    }
}

impl fmt::Debug for EmbeddedProducer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EmbeddedProducer").finish_non_exhaustive()
    }
}

impl Inner {
    /// Lets readers see what is on disk.
    fn show(&self, ends: &BTreeMap<(Topic, i32), i64>) {
        let mut topics = self.topics();
        for (&(topic, partition), &end) in ends {
            let state = topics[topic_index(topic)].as_mut().expect("records were placed in this topic");
            let partition = usize::try_from(partition).expect("records were placed in this partition");
            state.ends[partition] = end;
        }
        self.published.notify_all();
    }
}

/// Records with their places, ready to be written.
struct Slice {
    batch: WriteBatch,
    /// Of each partition that gets records, the offset after them.
    ends: BTreeMap<(Topic, i32), i64>,
    published: Vec<Published>,
}

impl Slice {
    fn place(log: &Inner, records: &[NewRecord]) -> Result<Self, LogError> {
        let topics = log.topics().clone();
        let now_ms = now_ms();
        let published = Vec::with_capacity(records.len());
        let mut slice = Self { batch: WriteBatch::default(), ends: BTreeMap::new(), published };
        for record in records {
            slice.add(log, &topics, record, now_ms)?;
        }
        for (&(topic, partition), end) in &slice.ends {
            slice.batch.put(Key::End(topic, partition).encode(), end.to_be_bytes());
        }
        Ok(slice)
    }

    fn add(&mut self, log: &Inner, topics: &Topics, record: &NewRecord, now_ms: i64) -> Result<(), LogError> {
        let (topic, bytes) = (record.topic, record.bytes());
        if bytes > RECORD_BYTES_MAX {
            return Err(LogError::RecordTooLarge { topic, bytes });
        }
        let Some(key) = &record.key else {
            return Err(LogError::RecordRefused { topic, reason: "it has no key, and the topic is compacted".into() });
        };
        let state = topics[topic_index(topic)].as_ref().ok_or_else(|| log.missing(topic))?;
        let partition = record.partition.unwrap_or_else(|| partition_of(key, state.partitions()));
        let end = state.end(partition).ok_or(LogError::PartitionMissing { topic, partition })?;
        let next = self.ends.entry((topic, partition)).or_insert(end);
        let offset = *next;
        *next += 1;
        let timestamp_ms = record.timestamp_ms.filter(|&timestamp_ms| timestamp_ms != 0).unwrap_or(now_ms);
        self.batch.put(Key::Record(topic, partition, offset).encode(), values::encode(record, timestamp_ms));
        self.published.push(Published { partition, offset, timestamp_ms });
        Ok(())
    }
}
