//! What an operator may choose about a store. Everything else is in [`crate::rocks`] and [`crate::redis_store`], chosen by
//! measurement.

use std::path::PathBuf;
use std::time::Duration;

const MIB: usize = 1024 * 1024;

/// What an operator may choose about a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreOptions {
    /// Of a store in RocksDB.
    pub rocksdb: RocksOptions,
    /// Of a store in Redis.
    pub redis: RedisOptions,
}

/// Sizes and limits of a RocksDB store. The default suits millions of users on a machine with a few GiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RocksOptions {
    /// Memory for cached blocks, indexes, filters and write buffers together, in bytes. Default 512 MiB. Reads of what
    /// does not fit go to the operating system's page cache, then to disk.
    pub block_cache_bytes: usize,
    /// The part of it that write buffers may take before they are written to disk, in bytes. Default 48 MiB. More made
    /// ingest no faster (`cargo bench -p user-info-store`) and makes the start after a kill slower, because what was not
    /// written is replayed: 0.5 s with this default, 2 s with 128 MiB.
    pub write_buffer_bytes: usize,
    /// How many files RocksDB may keep open. Default 512, half of the usual limit of a process; the store needs one per
    /// 64 MiB of data and a few more, so this is 30 GiB before files are closed and opened again.
    pub max_open_files: u16,
}

impl Default for RocksOptions {
    fn default() -> Self {
        Self { block_cache_bytes: 512 * MIB, write_buffer_bytes: 48 * MIB, max_open_files: 512 }
    }
}

/// How to reach Redis, and what the keys begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisOptions {
    /// What every key begins with: `ui`, unless several views share a Redis. Not empty, no braces.
    pub prefix: String,
    /// How long a read may take before it is given up: what a request waits at most when Redis is away. Default 250 ms, a
    /// hundred times the usual and soon enough for whoever asked to ask elsewhere.
    pub read_timeout: Duration,
    /// How long a command that writes may take before it is tried again. Default 5 s: a slow disk or a fork that copies
    /// much memory makes Redis wait for seconds.
    pub write_timeout: Duration,
    /// File with the certificates of the authorities to trust, in PEM; without it those of the system.
    pub ca_file: Option<PathBuf>,
    /// Files with a certificate of our own and its key, in PEM, for a Redis that asks for one.
    pub certificate: Option<ClientCertificate>,
}

/// A certificate that a client shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// File with the certificate, in PEM.
    pub certificate_file: PathBuf,
    /// File with its key, in PEM.
    pub key_file: PathBuf,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            prefix: "ui".to_owned(),
            read_timeout: Duration::from_millis(250),
            write_timeout: Duration::from_secs(5),
            ca_file: None,
            certificate: None,
        }
    }
}
