//! The store: one of a closed set of backends.
//!
//! Contract, the same for all: one writer, any number of readers, no lock shared between them. Clones are the same
//! store. Every method may block for as long as its disk does.

use user_info_core::{Id, Pair};

use crate::batch::{Batch, DeadLetter, Origin, Position, Taint};
use crate::error::StoreError;
use crate::memory::MemoryStore;
use crate::options::StoreOptions;
use crate::record::{StoreStatus, UserRecord};
use crate::redis_store::{RedisStore, Subscriber};
use crate::rocks::RocksStore;
use crate::url::StoreUrl;

/// A store.
#[derive(Clone, Debug)]
pub enum Store {
    /// On disk, inside this process.
    RocksDb(RocksStore),
    /// In a Redis server or cluster, shared with other processes.
    Redis(RedisStore),
    /// In memory: the reference model.
    Memory(MemoryStore),
}

/// Calls the same method of whichever backend this is.
macro_rules! dispatch {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Self::RocksDb($store) => $call,
            Self::Redis($store) => $call,
            Self::Memory($store) => $call,
        }
    };
}

impl Store {
    /// Opens the store for writing and creates it when absent.
    pub fn open(url: &StoreUrl, options: &StoreOptions) -> Result<Self, StoreError> {
        match url {
            StoreUrl::RocksDb { path } => RocksStore::open(path, &options.rocksdb).map(Self::RocksDb),
            StoreUrl::Redis(url) => RedisStore::open(url, &options.redis).map(Self::Redis),
            StoreUrl::Memory => Ok(Self::Memory(MemoryStore::default())),
        }
    }

    /// [`Store::open`] without waiting for a server: one in Redis is first looked at by [`Store::take_up`], and is
    /// [`StoreError::Unavailable`] until then.
    pub fn open_unseen(url: &StoreUrl, options: &StoreOptions) -> Result<Self, StoreError> {
        match url {
            StoreUrl::Redis(url) => RedisStore::open_unseen(url, &options.redis).map(Self::Redis),
            StoreUrl::RocksDb { .. } | StoreUrl::Memory => Self::open(url, options),
        }
    }

    /// Opens the store for reading, also while a process writes to it: a fixed view of what was written by now, except in
    /// Redis, where writing goes on to be seen.
    pub fn open_read_only(url: &StoreUrl, options: &StoreOptions) -> Result<Self, StoreError> {
        match url {
            StoreUrl::RocksDb { path } => RocksStore::open_read_only(path).map(Self::RocksDb),
            StoreUrl::Redis(url) => RedisStore::open_read_only(url, &options.redis).map(Self::Redis),
            StoreUrl::Memory => Err(StoreError::MemoryIsPrivate),
        }
    }

    /// Where the servers of the store are, without passwords; `None` if it is inside this process.
    pub fn servers(&self) -> Option<String> {
        match self {
            Self::Redis(store) => Some(store.url().to_string()),
            Self::RocksDb(_) | Self::Memory(_) => None,
        }
    }

    /// Whether other processes write to this store too, so that they share the partitions.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Redis(_))
    }

    /// Hears of changes that other processes write too, and of those of this one: `changed` is called for each user subscribed to
    /// whose record may be another one by now, and must be quick and not block. `None` for a store that only this process
    /// writes to.
    pub fn subscriber(&self, changed: impl Fn(&Id) + Send + Sync + 'static) -> Option<Subscriber> {
        match self {
            Self::Redis(store) => Some(store.subscriber(changed)),
            Self::RocksDb(_) | Self::Memory(_) => None,
        }
    }

    /// Applies the batch: all of it or nothing, and readers see either. In Redis readers see each user's side as a whole,
    /// and positions move when all of it is there.
    ///
    /// The caller bounds the batch; a few thousand changes are best. After [`StoreError::Drift`] or a failed write the
    /// store takes no more writes and goes on being read; but after [`StoreError::Unavailable`] the same batch can be
    /// applied again, and after [`StoreError::Rewound`] reading must begin anew where [`Store::take_up`] says.
    pub fn apply(&self, batch: &Batch) -> Result<(), StoreError> {
        dispatch!(self, store => store.apply(batch))
    }

    /// The positions to read from, which the batches applied from here on build on. Needed before the first batch and after
    /// [`StoreError::Rewound`]. A partition that is not named was never read.
    pub fn take_up(&self) -> Result<Vec<Position>, StoreError> {
        match self {
            Self::Redis(store) => store.take_up(),
            Self::RocksDb(_) | Self::Memory(_) => self.positions(),
        }
    }

    /// How far each partition has been applied by now, if the positions taken up still hold; [`StoreError::Rewound`] if not.
    /// To be asked about every second where others write too.
    pub fn check(&self) -> Result<Vec<Position>, StoreError> {
        match self {
            Self::Redis(store) => store.check(),
            Self::RocksDb(_) | Self::Memory(_) => self.positions(),
        }
    }

    /// Whether the servers answer and could be written to, asked as a reader asks: within the time of a read.
    pub async fn answers(&self) -> Result<(), StoreError> {
        match self {
            Self::Redis(store) => store.answers().await,
            Self::RocksDb(_) | Self::Memory(_) => Ok(()),
        }
    }

    /// [`Store::get`] for asynchronous code that tells others what it found. A user without a profile is certainly unknown:
    /// a server that may have lost the user is [`StoreError::Unavailable`]. So it is until every partition was complete once.
    pub async fn fetch(&self, user: &Id) -> Result<Option<UserRecord>, StoreError> {
        match self {
            Self::RocksDb(store) => store.get(user),
            Self::Redis(store) => store.fetch(user).await,
            Self::Memory(store) => store.get(user),
        }
    }

    /// [`Store::get_many`] for asynchronous code, as certain as [`Store::fetch`].
    pub async fn fetch_many(&self, users: &[Id]) -> Result<Vec<Option<UserRecord>>, StoreError> {
        match self {
            Self::RocksDb(store) => store.get_many(users),
            Self::Redis(store) => store.fetch_many(users).await,
            Self::Memory(store) => store.get_many(users),
        }
    }

    /// [`Store::find`] for asynchronous code, as certain as [`Store::fetch`].
    pub async fn look_up(&self, username: &str) -> Result<Option<UserRecord>, StoreError> {
        match self {
            Self::RocksDb(store) => store.find(username),
            Self::Redis(store) => store.look_up(username).await,
            Self::Memory(store) => store.find(username),
        }
    }

    /// Whether [`Store::search`] knows names by their beginning. Redis keeps each name in a key of its own, anywhere in the
    /// cluster, so there it finds whole names alone.
    pub fn searches_by_beginning(&self) -> bool {
        matches!(self, Self::RocksDb(_) | Self::Memory(_))
    }

    /// The owners of at most `limit` names that begin so, compared without regard to case, the shortest names first. Looks at
    /// a bounded part of the store, so it may miss some where thousands of lengths or users of one name lie in between.
    pub async fn search(&self, beginning: &str, limit: usize) -> Result<Vec<UserRecord>, StoreError> {
        match self {
            Self::RocksDb(store) => store.search(beginning, limit),
            Self::Redis(store) => Ok(store.look_up(beginning).await?.into_iter().take(limit).collect()),
            Self::Memory(store) => store.search(beginning, limit),
        }
    }

    /// At most `limit` users that have a profile, no matter which: whom to show to somebody who knows nobody. Looks at a
    /// bounded part of the store, so there may be fewer although there are more.
    pub async fn sample(&self, limit: usize) -> Result<Vec<UserRecord>, StoreError> {
        match self {
            Self::RocksDb(store) => store.sample(limit),
            Self::Redis(store) => store.sample(limit).await,
            Self::Memory(store) => store.sample(limit),
        }
    }

    /// The user's record; `None` when there is neither a profile nor a member.
    pub fn get(&self, user: &Id) -> Result<Option<UserRecord>, StoreError> {
        dispatch!(self, store => store.get(user))
    }

    /// The records of these users in this order, all as of one instant; in Redis each as of one.
    pub fn get_many(&self, users: &[Id]) -> Result<Vec<Option<UserRecord>>, StoreError> {
        dispatch!(self, store => store.get_many(users))
    }

    /// The user that carries this name now, compared without regard to case. Of several, the one whose profile record
    /// is newest; of equally new ones, the one with the greater id.
    pub fn find(&self, username: &str) -> Result<Option<UserRecord>, StoreError> {
        dispatch!(self, store => store.find(username))
    }

    /// How far each partition has been applied, by topic and partition.
    pub fn positions(&self) -> Result<Vec<Position>, StoreError> {
        dispatch!(self, store => store.positions())
    }

    /// The first dead letters that wait to be sent, by origin.
    pub fn outbox(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        dispatch!(self, store => store.outbox(limit))
    }

    /// How many dead letters wait.
    pub fn outbox_len(&self) -> Result<usize, StoreError> {
        dispatch!(self, store => store.outbox_len())
    }

    /// Forgets dead letters that were sent; origins that do not wait are ignored.
    pub fn sent(&self, origins: &[Origin]) -> Result<(), StoreError> {
        dispatch!(self, store => store.sent(origins))
    }

    /// The tainted keys, by topic and key.
    pub fn tainted(&self) -> Result<Vec<Taint>, StoreError> {
        dispatch!(self, store => store.tainted())
    }

    /// How the store is doing.
    pub fn status(&self) -> Result<StoreStatus, StoreError> {
        dispatch!(self, store => store.status())
    }

    /// Writes what only memory and the write-ahead log hold into the files, so that the next start is short.
    pub fn flush(&self) -> Result<(), StoreError> {
        dispatch!(self, store => store.flush())
    }

    /// Visits every user that has a profile or a member, in the order of ids, all as of one instant; in Redis
    /// while writing goes on.
    pub fn for_each_user(&self, visit: &mut dyn FnMut(&UserRecord)) -> Result<(), StoreError> {
        dispatch!(self, store => store.for_each_user(visit))
    }

    /// Visits every pair whose member belongs to its set, in no particular order, all as of one
    /// instant; in Redis while writing goes on.
    pub fn for_each_pair(&self, visit: &mut dyn FnMut(&Pair)) -> Result<(), StoreError> {
        dispatch!(self, store => store.for_each_pair(visit))
    }
}
