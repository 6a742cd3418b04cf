//! The RocksDB store: one database, one column family per kind of data, one write batch per step of ingest.
//!
//! **Durability.** A batch goes through the write-ahead log without waiting for the disk. So a killed process has lost
//! nothing, and a machine that lost power has lost a suffix of the batches, never one from their middle: data, indexes,
//! outbox and positions are in one batch, so what is left is an earlier state together with the positions to go on from.
//!
//! **Writing.** One writer; a second one waits. A write that fails poisons the store: it is unknown how much of it is in
//! the log, so every later write is refused, reads go on, and a restart finds out. So does a count that would fall below
//! zero.
//!
//! **Reading** takes no lock that writing holds. A record is read from two column families in one call, which RocksDB
//! answers as of one instant, so a batch is seen whole or not at all.

mod families;
mod open;
mod read;
mod scan;
mod search;
mod write;

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock};

use rocksdb::{Cache, ColumnFamily, DB, ReadOptions, WriteOptions};

use crate::error::StoreError;
use families::Family;

pub(crate) use open::Durability;

/// A store in RocksDB. Clones share one database, which is closed with the last of them.
#[derive(Clone)]
pub struct RocksStore(Arc<Inner>);

struct Inner {
    db: DB,
    cache: Cache,
    reads: ReadOptions,
    /// `None` when opened read-only.
    writes: Option<WriteOptions>,
    writer: Mutex<()>,
    failure: OnceLock<String>,
    /// Exact, because everything that changes the outbox holds `writer`.
    outbox_len: AtomicUsize,
    generation: u64,
    path: PathBuf,
    versions: Versions,
    /// Released after the database is closed: fields are dropped in order.
    _lock: Option<std::fs::File>,
}

/// The versions that a store was created with.
#[derive(Clone, Copy, Debug)]
struct Versions {
    format: u32,
    decoder: u32,
}

impl RocksStore {
    /// Refuses every write from here on; reads go on.
    pub(crate) fn poison(&self, reason: impl Into<String>) {
        // Losing the race means that the store is poisoned already: the first reason is the one that matters.
        let _ = self.0.failure.set(reason.into());
    }

    fn family(&self, family: Family) -> &ColumnFamily {
        self.0.db.cf_handle(family.name()).expect("every column family was opened")
    }

    /// The options to write with, if the store takes writes.
    fn writable(&self) -> Result<&WriteOptions, StoreError> {
        if let Some(reason) = self.0.failure.get() {
            return Err(StoreError::Poisoned { reason: reason.clone() });
        }
        self.0.writes.as_ref().ok_or(StoreError::ReadOnly)
    }
}

impl fmt::Debug for RocksStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("RocksStore").field(&self.0.path).finish()
    }
}
