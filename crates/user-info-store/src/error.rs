//! What can go wrong with a store, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use user_info_core::{Drift, InvalidStored};

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The text does not name a store.
    #[error("{url:?} names no store: {reason}")]
    InvalidUrl {
        /// The text.
        url: String,
        /// What is wrong with it and what is right.
        reason: &'static str,
    },
    /// Another process, or another part of this one, has the store open for writing.
    #[error("the store {} is in use: stop the process that serves it, or open it read-only", path.display())]
    Locked {
        /// The store's directory.
        path: PathBuf,
    },
    /// Another rebuild of this store is running.
    #[error("another rebuild of {} is running: wait for it or stop it", path.display())]
    RebuildRunning {
        /// The store's directory.
        path: PathBuf,
    },
    /// There is no store to read.
    #[error("there is no store in {}: check the path, or let `user-info serve` create it", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is no store in Redis to read.
    #[error(
        "there is no store in {url}: check the address and the prefix of its keys, or let `user-info serve` create it"
    )]
    MissingRedis {
        /// Where it was looked for.
        url: String,
    },
    /// A certificate or its key cannot be used.
    #[error("cannot use the certificate or key in {}: {reason}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Redis would drop records by itself.
    #[error(
        "Redis has the policy maxmemory-policy {policy}, under which it may drop records: set it to noeviction, on replicas as \
         well, and give it memory enough"
    )]
    Evicts {
        /// The policy.
        policy: String,
    },
    /// Redis is away, or in a state that passes. What was asked for can be tried again.
    #[error("cannot {operation}: Redis is not available ({reason})")]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// What Redis, or the network, said.
        reason: String,
    },
    /// Redis, or its client, refused.
    #[error("cannot {operation}: {reason}")]
    Refused {
        /// What was tried.
        operation: &'static str,
        /// Why.
        reason: String,
    },
    /// Stored positions may be others than before: read on from those that [`crate::Store::take_up`] returns.
    #[error("the stored positions have to be read again: {reason}")]
    Rewound {
        /// What happened.
        reason: String,
    },
    /// Another rebuild was swapped in first.
    #[error(
        "another rebuild was swapped in while this one ran: nothing was changed, begin again if it is still needed"
    )]
    RebuildOvertaken,
    /// A memory store belongs to the process that made it.
    #[error("a memory store cannot be opened read-only: nobody else can have filled it")]
    MemoryIsPrivate,
    /// A newer program wrote the store.
    #[error(
        "the store has format {found}, this program knows {known}: use the version of user-info that wrote it or a newer \
         one, or rebuild into another directory"
    )]
    NewerFormat {
        /// The format of the store.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// What is stored cannot be what was written.
    #[error("the store is damaged, {what}: run `user-info rebuild`")]
    Damaged {
        /// What does not hold.
        what: String,
        /// What found it.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// Files of the directory are gone or changed by somebody else.
    #[error("the store in {} lost a part: {what}; restore it, or remove the directory and rebuild", path.display())]
    Incomplete {
        /// The store's directory.
        path: PathBuf,
        /// Which part.
        what: String,
    },
    /// The stored counts and the stored members disagree.
    #[error(transparent)]
    Drift(#[from] Drift),
    /// The store was opened for reading.
    #[error("the store was opened read-only")]
    ReadOnly,
    /// An earlier write failed, so nobody knows how much of it is stored.
    #[error("the store takes no writes since one failed ({reason}): mend the cause and restart, nothing is lost")]
    Poisoned {
        /// The earlier failure.
        reason: String,
    },
    /// The operating system refused.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// RocksDB failed.
    #[error("cannot {operation}")]
    RocksDb {
        /// What was tried.
        operation: &'static str,
        /// Why it failed.
        source: rocksdb::Error,
    },
}

impl StoreError {
    /// Whether waiting and trying again can help.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Refused { .. } | Self::Evicts { .. })
    }

    /// Whether the data itself is in doubt, so that trying again cannot help.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Drift(_))
    }

    /// Whether a server turns us away until somebody changes something there, or here.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Evicts { .. })
    }

    pub(crate) fn certificate(path: &Path, reason: String) -> Self {
        Self::Certificate { path: path.to_owned(), reason }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into(), source: None }
    }

    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { operation, path, source }
    }

    pub(crate) fn rocks(operation: &'static str) -> impl Fn(rocksdb::Error) -> Self {
        move |source| {
            if source.kind() == rocksdb::ErrorKind::Corruption {
                let what = format!("could not {operation}");
                return Self::Damaged { what, source: Some(Box::new(source)) };
            }
            Self::RocksDb { operation, source }
        }
    }
}

impl From<InvalidStored> for StoreError {
    fn from(source: InvalidStored) -> Self {
        Self::Damaged { what: "a value cannot be read".into(), source: Some(Box::new(source)) }
    }
}
