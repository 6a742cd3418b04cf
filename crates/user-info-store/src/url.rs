//! How a store is named on the command line: `rocksdb:./data` or `memory:`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::StoreError;

const ROCKSDB_SCHEME: &str = "rocksdb:";
const MEMORY: &str = "memory:";

/// Which store, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// RocksDB inside the process: `rocksdb:DIR`.
    RocksDb {
        /// The directory of the store.
        path: PathBuf,
    },
    /// Inside the process and gone with it: `memory:`.
    Memory,
}

impl FromStr for StoreUrl {
    type Err = StoreError;

    fn from_str(url: &str) -> Result<Self, StoreError> {
        let invalid = |reason| Err(StoreError::InvalidUrl { url: url.into(), reason });
        if url == MEMORY {
            return Ok(Self::Memory);
        }
        match url.strip_prefix(ROCKSDB_SCHEME) {
            Some("") => invalid("a directory must follow, as in rocksdb:./data"),
            Some(path) if path.starts_with("//") => {
                invalid("a directory follows without slashes, as in rocksdb:./data")
            }
            Some(path) => Ok(Self::RocksDb { path: path.into() }),
            None => invalid("expected rocksdb:DIR or memory:"),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RocksDb { path } => write!(formatter, "{ROCKSDB_SCHEME}{}", path.display()),
            Self::Memory => formatter.write_str(MEMORY),
        }
    }
}
