//! Rebuilding: a fresh generation of the store beside the current one, swapped in when it is filled.

use crate::error::StoreError;
use crate::generations::{self, DirectoryRebuild};
use crate::options::StoreOptions;
use crate::redis_store::{self, RedisRebuild};
use crate::store::Store;
use crate::url::StoreUrl;

/// A generation that is being filled. Dropped without [`Rebuild::finish`] it is removed.
#[derive(Debug)]
pub enum Rebuild {
    /// In a directory.
    Directory(DirectoryRebuild),
    /// In Redis.
    Redis(Box<RedisRebuild>),
}

/// Begins to rebuild the store into a fresh generation, beside the current one, which goes on being served.
///
/// Removes what rebuilds that did not finish left behind. Refuses while another rebuild runs in the same directory.
pub fn begin_rebuild(url: &StoreUrl, options: &StoreOptions) -> Result<Rebuild, StoreError> {
    match url {
        StoreUrl::RocksDb { path } => generations::begin_rebuild(path, &options.rocksdb).map(Rebuild::Directory),
        StoreUrl::Redis(url) => {
            redis_store::begin_rebuild(url, &options.redis).map(|rebuild| Rebuild::Redis(Box::new(rebuild)))
        }
        StoreUrl::Memory => Err(StoreError::MemoryIsPrivate),
    }
}

impl Rebuild {
    /// The store to fill. Its clones take no writes once the rebuild ends.
    pub fn store(&self) -> &Store {
        match self {
            Self::Directory(rebuild) => rebuild.store(),
            Self::Redis(rebuild) => rebuild.store(),
        }
    }

    /// Makes the filled generation the current one. A server on a directory serves the former one until it is restarted;
    /// servers on Redis go over to the new one by themselves.
    pub fn finish(self) -> Result<(), StoreError> {
        match self {
            Self::Directory(rebuild) => rebuild.finish(),
            Self::Redis(rebuild) => rebuild.finish(),
        }
    }
}
