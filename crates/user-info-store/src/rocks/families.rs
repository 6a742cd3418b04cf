//! The column families and how each is tuned.

use rocksdb::{BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, Options};

/// Bits of bloom filter per key: about one in a hundred look-ups of an absent key reads a block in vain.
const BLOOM_BITS_PER_KEY: f64 = 10.0;

/// Size of a block in bytes before compression.
const BLOCK_BYTES: usize = 4 * 1024;

/// Share of a write buffer that filters its keys, so that an absent one costs no search.
const MEMTABLE_BLOOM_SHARE: f64 = 0.05;

/// Write buffer of a family that stays small, in bytes: hours of positions.
const SMALL_WRITE_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// Write buffers of one family before writing waits for flushes.
const WRITE_BUFFERS_MAX: i32 = 4;

/// What the store keeps, each in a column family of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Profiles,
    Counts,
    Members,
    Usernames,
    Positions,
    Outbox,
    Tainted,
    Meta,
}

impl Family {
    pub(super) const ALL: [Self; 8] = [
        Self::Profiles,
        Self::Counts,
        Self::Members,
        Self::Usernames,
        Self::Positions,
        Self::Outbox,
        Self::Tainted,
        Self::Meta,
    ];

    /// The column family's name. Persisted: never rename.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Profiles => "profiles",
            Self::Counts => "counts",
            Self::Members => "members",
            Self::Usernames => "usernames",
            Self::Positions => "positions",
            Self::Outbox => "outbox",
            Self::Tainted => "tainted",
            Self::Meta => "meta",
        }
    }

    /// How to open the column family. All share one cache; each large one may fill `write_buffer_bytes` before it is
    /// flushed.
    pub(super) fn descriptor(self, cache: &Cache, write_buffer_bytes: usize) -> ColumnFamilyDescriptor {
        let mut options = Options::default();
        options.set_block_based_table_factory(&tables(cache));
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_max_write_buffer_number(WRITE_BUFFERS_MAX);
        if self.is_large() {
            options.set_write_buffer_size(write_buffer_bytes);
            options.set_memtable_whole_key_filtering(true);
            options.set_memtable_prefix_bloom_ratio(MEMTABLE_BLOOM_SHARE);
        } else {
            options.set_write_buffer_size(SMALL_WRITE_BUFFER_BYTES);
        }
        ColumnFamilyDescriptor::new(self.name(), options)
    }

    /// Whether it grows with the users, or else with the partitions and their bad records.
    fn is_large(self) -> bool {
        match self {
            Self::Profiles | Self::Counts | Self::Members | Self::Usernames => true,
            Self::Positions | Self::Outbox | Self::Tainted | Self::Meta => false,
        }
    }
}

fn tables(cache: &Cache) -> BlockBasedOptions {
    let mut tables = BlockBasedOptions::default();
    tables.set_block_cache(cache);
    tables.set_block_size(BLOCK_BYTES);
    tables.set_bloom_filter(BLOOM_BITS_PER_KEY, false);
    tables.set_cache_index_and_filter_blocks(true);
    tables.set_pin_l0_filter_and_index_blocks_in_cache(true);
    tables
}
