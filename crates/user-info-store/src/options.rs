//! What an operator may choose about a RocksDB store. Everything else is in [`crate::rocks`], chosen by measurement.

const MIB: usize = 1024 * 1024;

/// Sizes and limits of a RocksDB store. The default suits millions of users on a machine with a few GiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
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

impl Default for StoreOptions {
    fn default() -> Self {
        Self { block_cache_bytes: 512 * MIB, write_buffer_bytes: 48 * MIB, max_open_files: 512 }
    }
}
