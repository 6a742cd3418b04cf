//! The database: typed keys in, and errors that say what was tried.

use std::path::Path;

use rocksdb::{BlockBasedOptions, Cache, DB, DBCompressionType, Options, ReadOptions, WriteBatch, WriteOptions};
use user_info_core::Topic;

use super::keys::Key;
use crate::error::LogError;

/// For blocks that are read; a log is read in order and little of it twice.
const BLOCK_CACHE_BYTES: usize = 32 * 1024 * 1024;

/// Records that are not in files yet; also what a start after a kill has to go through.
const WRITE_BUFFER_BYTES: usize = 32 * 1024 * 1024;

/// Far below the usual limit of a process, most of which is the store's.
const OPEN_FILES_MAX: i32 = 128;

/// RocksDB's own log goes to files of this size, of which two are kept.
const INFO_LOG_BYTES: usize = 1024 * 1024;

/// Bits of the filter per key: one look-up in a hundred goes to a block in vain.
const BLOOM_BITS: f64 = 10.0;

/// What holds the log.
pub(super) struct Database(DB);

impl Database {
    pub(super) fn open(path: &Path) -> Result<Self, LogError> {
        DB::open(&options(), path).map(Self).map_err(LogError::storage("open the embedded log"))
    }

    pub(super) fn get(&self, key: Key<'_>) -> Result<Option<Vec<u8>>, LogError> {
        self.0.get(key.encode()).map_err(LogError::storage("read the embedded log"))
    }

    /// The value of a key whose values are numbers.
    pub(super) fn get_number(&self, key: Key<'_>) -> Result<Option<i64>, LogError> {
        let Some(bytes) = self.get(key)? else { return Ok(None) };
        let bytes = bytes.as_slice().try_into().map_err(|_| damaged(key))?;
        Ok(Some(i64::from_be_bytes(bytes)))
    }

    /// Writes all or nothing, and returns when it is on disk.
    pub(super) fn write_durably(&self, batch: WriteBatch) -> Result<(), LogError> {
        let mut options = WriteOptions::new();
        options.set_sync(true);
        self.0.write_opt(batch, &options).map_err(LogError::storage("write to the embedded log"))
    }

    /// Writes all or nothing; a power cut may undo it together with everything written later.
    pub(super) fn write(&self, batch: WriteBatch) -> Result<(), LogError> {
        self.0.write(batch).map_err(LogError::storage("compact the embedded log"))
    }

    /// Goes through the keys from `from` on and calls `visit` with each, until that returns false or `to` is reached.
    pub(super) fn scan(
        &self,
        from: Key<'_>,
        to: Key<'_>,
        mut visit: impl FnMut(Key<'_>, &[u8]) -> Result<bool, LogError>,
    ) -> Result<(), LogError> {
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(to.encode());
        let mut cursor = self.0.raw_iterator_opt(options);
        cursor.seek(from.encode());
        while let Some((key, value)) = cursor.item() {
            let key = Key::decode(key).ok_or_else(|| damaged(from))?;
            if !visit(key, value)? {
                return Ok(());
            }
            cursor.next();
        }
        cursor.status().map_err(LogError::storage("read the embedded log"))
    }

    /// The records of a partition from one offset up to another, until `visit` returns false.
    pub(super) fn scan_records(
        &self,
        (topic, partition): (Topic, i32),
        offsets: std::ops::Range<i64>,
        mut visit: impl FnMut(i64, &[u8]) -> Result<bool, LogError>,
    ) -> Result<(), LogError> {
        let record = |offset| Key::Record(topic, partition, offset);
        self.scan(record(offsets.start), record(offsets.end), |key, value| match key {
            Key::Record(_, _, offset) => visit(offset, value),
            Key::Format | Key::Topic(_) | Key::End(..) | Key::Compacted(..) | Key::Latest(..) | Key::Due(..) => {
                Err(damaged(key))
            }
        })
    }
}

/// What is stored under the key cannot be what was written.
pub(super) fn damaged(key: Key<'_>) -> LogError {
    LogError::Damaged { what: format!("cannot read what is stored for {key:?}") }
}

fn options() -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(&Cache::new_lru_cache(BLOCK_CACHE_BYTES));
    // Compaction asks for keys that are not there as often as for others.
    blocks.set_bloom_filter(BLOOM_BITS, false);
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_block_based_table_factory(&blocks);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_max_open_files(OPEN_FILES_MAX);
    options.set_max_log_file_size(INFO_LOG_BYTES);
    options.set_keep_log_file_num(2);
    options
}
