//! From polled records to one batch for the store: pure.
//!
//! Every record moves its partition's position. A good one brings a change and clears the taint of its key; a bad one
//! brings a dead letter and taints its key. When too many in a row are bad, the topic's [`Halt`] is returned and its
//! later records are left where they are.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use user_info_core::decode::{MAX_VALUE_BYTES, check_partition, decode};
use user_info_core::{BadRecord, Change, Key, Stamp, Topic};
use user_info_log::Record;
use user_info_store::{Batch, Cleared, DeadLetter, Decision, Origin, Taint, TaintedKey};

use crate::standing::Halt;

/// How much of a bad value its dead letter keeps. Enough to see what is wrong; with headers far below the default limit
/// of a Kafka record.
pub const DEAD_LETTER_VALUE_BYTES_MAX: usize = 256 * 1024;

/// How much of a bad key its dead letter keeps.
pub const DEAD_LETTER_KEY_BYTES_MAX: usize = 4 * 1024;

const _: () = assert!(DEAD_LETTER_VALUE_BYTES_MAX < MAX_VALUE_BYTES, "a dead letter fits where the record fitted");

/// What ingest remembers from one batch to the next.
#[derive(Debug, Default)]
pub struct Memory {
    /// Keys whose newest record was bad.
    pub tainted: BTreeSet<(Topic, Vec<u8>)>,
    /// Bad records in a row, by topic.
    pub bad_in_a_row: BTreeMap<Topic, u64>,
}

/// What a poll amounts to.
#[derive(Debug, Default)]
pub struct Assembled {
    /// For the store; its positions are filled in by the caller, who owns them.
    pub batch: Batch,
    /// The next offset and the newest timestamp of each partition that moved.
    pub moved: BTreeMap<(Topic, i32), Moved>,
    /// The partition and the timestamp of each record.
    pub timestamps_ms: Vec<((Topic, i32), i64)>,
    /// Topics that must halt.
    pub halts: BTreeMap<Topic, Halt>,
    /// How many records of each topic were read, the bad ones included.
    pub records: BTreeMap<Topic, u64>,
    /// The codes of the bad records.
    pub bad: Vec<(Topic, &'static str)>,
}

/// How far a partition moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The offset after the last record.
    pub next_offset: i64,
    /// The timestamp of the last record, in milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
}

/// Folds `records` into a batch. `partitions` knows the partition count of each topic that is read.
pub fn assemble(
    records: Vec<Record>,
    partitions: &BTreeMap<Topic, i32>,
    memory: &mut Memory,
    bad_in_a_row_max: u64,
) -> Assembled {
    let mut assembled = Assembled::default();
    for record in records {
        let Some(&count) = partitions.get(&record.topic) else { continue };
        if assembled.halts.contains_key(&record.topic) {
            continue;
        }
        assembled.note_position(&record);
        match read(&record, count) {
            Ok(change) => assembled.take_good(change, record, memory),
            Err(bad) => assembled.take_bad(&bad, record, memory, bad_in_a_row_max),
        }
    }
    assembled
}

fn read(record: &Record, partitions: i32) -> Result<Change, BadRecord> {
    let key = record.key.as_deref();
    if let Some(key) = key {
        check_partition(key, record.partition, partitions)?;
    }
    let decoded = decode(record.topic, key, record.value.as_deref())?;
    Ok(decoded.into_change(Stamp { timestamp_ms: record.timestamp_ms, offset: record.offset }))
}

impl Assembled {
    fn note_position(&mut self, record: &Record) {
        let moved = Moved { next_offset: record.offset + 1, timestamp_ms: record.timestamp_ms };
        let key = (record.topic, record.partition);
        self.moved.insert(key, moved);
        self.timestamps_ms.push((key, record.timestamp_ms));
        *self.records.entry(record.topic).or_default() += 1;
    }

    fn take_good(&mut self, change: Change, record: Record, memory: &mut Memory) {
        self.batch.changes.push(Decision { offset: record.offset, change });
        memory.bad_in_a_row.remove(&record.topic);
        if memory.tainted.is_empty() {
            return;
        }
        let (key, offset) = ((record.topic, record.key.unwrap_or_default()), record.offset);
        if memory.tainted.remove(&key) {
            let (topic, key) = key;
            self.batch.tainted.retain(|taint| (taint.key.topic, &taint.key.key) != (topic, &key));
            self.batch.cleared.push(Cleared { key: TaintedKey { topic, key }, offset });
        }
    }

    fn take_bad(&mut self, bad: &BadRecord, record: Record, memory: &mut Memory, bad_in_a_row_max: u64) {
        let topic = record.topic;
        self.bad.push((topic, bad.code()));
        if let Some(taint) = taint_of(&record, bad) {
            memory.tainted.insert((topic, taint.key.key.clone()));
            self.batch.tainted.push(taint);
        }
        self.batch.dead_letters.push(dead_letter(record, bad));
        let in_a_row = memory.bad_in_a_row.entry(topic).or_default();
        *in_a_row += 1;
        if *in_a_row >= bad_in_a_row_max {
            self.halts.insert(topic, Halt::BadRecords { in_a_row: *in_a_row, last: bad.to_string() });
        }
    }
}

fn origin(record: &Record) -> Origin {
    Origin { topic: record.topic, partition: record.partition, offset: record.offset }
}

/// A key that is no key decides nothing, so it cannot be tainted.
fn taint_of(record: &Record, bad: &BadRecord) -> Option<Taint> {
    let key = record.key.clone()?;
    Key::parse(record.topic, &key).ok()?;
    Some(Taint { key: TaintedKey { topic: record.topic, key }, origin: origin(record), reason: bad.to_string() })
}

fn dead_letter(record: Record, bad: &BadRecord) -> DeadLetter {
    let value = record.value.as_deref().unwrap_or_default();
    DeadLetter {
        origin: origin(&record),
        timestamp_ms: record.timestamp_ms,
        value_bytes: value.len() as u64,
        value_sha256: Sha256::digest(value).into(),
        code: bad.code().to_owned(),
        reason: bad.to_string(),
        key: record.key.map(|key| cut(key, DEAD_LETTER_KEY_BYTES_MAX)),
        value: record.value.map(|value| cut(value, DEAD_LETTER_VALUE_BYTES_MAX)),
    }
}

fn cut(mut bytes: Vec<u8>, bytes_max: usize) -> Vec<u8> {
    bytes.truncate(bytes_max);
    bytes
}
