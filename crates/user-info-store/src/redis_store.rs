//! The Redis store: one view in a server or a cluster, written and served by any number of instances.
//!
//! **Facts are applied by offset.** Whatever a fact decides (a member of a set, a profile) is kept with the mark of that
//! fact, also when it says "gone", and a script applies a fact only if it is newer. So late, repeated and concurrent writers
//! end in the same state: an instance may be frozen with a batch in its hands, lose its partitions and write a minute later.
//! Counts stand beside the profile in the user's record and move in the script that moves the members. Marks of removals
//! are never trimmed, because a pause has no bound; a rebuild, which reads the compacted log, leaves the old ones behind.
//!
//! **Positions** are kept on every master, in a hash of that master, and written after the data was acknowledged: only if
//! the master is still the one that the data went to and nobody else moved them (module `lineage`). Otherwise, and when
//! [`RedisStore::check`] notices a failover, moved slots or a rebuild, the caller hears [`StoreError::Rewound`], reads them
//! back with [`RedisStore::take_up`] and goes on from the lowest. While slots move, data goes on being written and positions
//! are not; once they lie still, everything is read again from the start of the log, which the marks make harmless. Redis
//! replicates in the order of writing, so whoever inherits a position has all that was written before it, the keys that
//! came with a slot included.
//!
//! **Reading** a user is one command on a connection that batches do not share.
//!
//! **The type of the sets** was chosen by measurement: bytes for each member with its mark, and microseconds to write it,
//! ids of 19 digits, 300,000 members in sets of 5, 50, 1,000 and 100,000 (Redis 7.0.15, 2 cores, `make bench`).
//!
//! | members in | of 5 | of 50 | of 1,000 | of 100,000 | µs |
//! |---|---|---|---|---|---|
//! | hash: member → mark | 37 | 19 | 88 | 90 | 1.8–4.1 |
//! | sorted set: mark as score | 37 | 19 | 126 | 127 | 2.2–2.8 |
//! | set, and a hash with the marks | 64 | 30 | 160 | 170 | 2.5–5.7 |
//! | set without marks, for comparison: not exact | 27 | 10 | 72 | 79 | 1.6–3.0 |
//!
//! A removed member keeps its entry, so a mark of a removal costs what a member costs. Redis packs hashes of up to
//! `hash-max-listpack-entries` (512 in Redis 7.0) tightly; what larger sets cost is its hash table.
//!
//! Not promised here: a batch that becomes visible as a whole (each user's side does), and a scan as of one instant.

mod absence;
mod access;
mod first_look;
mod keyspace;
mod lineage;
mod link;
mod publish;
mod read;
mod rebuild;
mod record;
mod sample;
mod scan;
mod scripts;
mod standing;
mod subscriber;
mod topology;
mod work;
mod write;

use std::fmt;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use redis::RedisError;
use tokio::runtime::{Handle, Runtime};

use crate::error::StoreError;
use crate::options::RedisOptions;
use crate::url::RedisUrl;
use keyspace::Keyspace;
use link::Link;
use write::Writer;

pub use rebuild::{RedisRebuild, begin_rebuild, remove_keys};
pub use subscriber::Subscriber;

/// A store in Redis. Clones share its connections.
///
/// Calls that block must not be made from asynchronous code; `fetch`, `fetch_many` and `look_up` are for that.
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

struct Inner {
    url: RedisUrl,
    options: RedisOptions,
    link: Arc<Link>,
    generation: ArcSwap<Generation>,
    /// Whether the generation is the one that was asked for, whatever the current one becomes.
    fixed: bool,
    read_only: bool,
    writer: Mutex<Writer>,
    /// Why the last batch was not written.
    failure: Mutex<Option<String>>,
    handle: Handle,
    /// Where nobody else brought a runtime.
    runtime: Option<Runtime>,
}

/// A generation and its keys.
#[derive(Clone, Debug)]
struct Generation {
    number: u64,
    keys: Keyspace,
    versions: Versions,
}

/// The versions that a generation was begun with.
#[derive(Clone, Copy, Debug)]
struct Versions {
    format: u32,
    decoder: u32,
}

/// Version of everything stored: keys, types, values and scripts. Raise it with any change that an older program would
/// misread.
const FORMAT_VERSION: u32 = 1;

impl RedisStore {
    /// Connects, and begins the first generation when there is none. Fails when Redis does not answer, refuses the account,
    /// evicts, or was written by a newer program.
    pub fn open(url: &RedisUrl, options: &RedisOptions) -> Result<Self, StoreError> {
        Self::prepare(url, options, None, false)?.looked_at()
    }

    /// The store for reading, with the generation that is current by now.
    pub fn open_read_only(url: &RedisUrl, options: &RedisOptions) -> Result<Self, StoreError> {
        Self::prepare(url, options, None, true)?.looked_at()
    }

    /// The store without a look at Redis: [`RedisStore::take_up`] is the first, and begins the first generation when there is
    /// none. Until then everything else says that Redis is not available.
    pub fn open_unseen(url: &RedisUrl, options: &RedisOptions) -> Result<Self, StoreError> {
        Self::prepare(url, options, None, false)
    }

    fn looked_at(self) -> Result<Self, StoreError> {
        self.follow_generation()?;
        self.block_on(self.observe())?;
        Ok(self)
    }

    fn prepare(
        url: &RedisUrl,
        options: &RedisOptions,
        generation: Option<Generation>,
        read_only: bool,
    ) -> Result<Self, StoreError> {
        check_prefix(&options.prefix)?;
        let runtime = if Handle::try_current().is_ok() { None } else { Some(new_runtime()?) };
        let handle = runtime.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone());
        let link = {
            let _entered = handle.enter();
            Arc::new(Link::new(url, options)?)
        };
        let (fixed, first) = (generation.is_some(), generation);
        let inner = Inner {
            url: url.clone(),
            options: options.clone(),
            link,
            generation: ArcSwap::from_pointee(first.unwrap_or_else(|| Generation::none(&options.prefix))),
            fixed,
            read_only,
            writer: Mutex::new(Writer::default()),
            failure: Mutex::new(None),
            handle,
            runtime,
        };
        let store = Self(Arc::new(inner));
        Ok(store)
    }

    /// Where Redis is.
    pub fn url(&self) -> &RedisUrl {
        &self.0.url
    }

    fn generation(&self) -> Arc<Generation> {
        self.0.generation.load_full()
    }

    /// The generation, which is known once Redis has answered.
    fn known_generation(&self) -> Result<Arc<Generation>, StoreError> {
        let generation = self.generation();
        if generation.number == 0 {
            return Err(standing::unavailable("read a user", "it has not answered yet"));
        }
        Ok(generation)
    }

    /// Runs asynchronous work to its end; where Redis could not be reached, by new connections the next time.
    fn block_on<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let result = self.0.handle.block_on(work);
        if matches!(result, Err(StoreError::Unavailable { .. } | StoreError::Refused { .. })) {
            self.0.link.renew(&self.0.handle);
        }
        result
    }
}

impl Drop for Inner {
    /// A runtime must not be waited for in asynchronous code, and nothing in it needs to be.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("RedisStore").field(&self.0.url).finish()
    }
}

/// One thread: tools wait for one thing at a time.
fn new_runtime() -> Result<Runtime, StoreError> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    built.map_err(|error| StoreError::Refused { operation: "start threads for Redis", reason: error.to_string() })
}

/// Braces would decide the hash slot, and an empty prefix would leave the keys without an owner.
fn check_prefix(prefix: &str) -> Result<(), StoreError> {
    const BYTES_MAX: usize = 64;
    let fits = (1..=BYTES_MAX).contains(&prefix.len());
    if fits && prefix.chars().all(|it| it.is_ascii_graphic() && !matches!(it, '{' | '}')) {
        return Ok(());
    }
    let reason = format!("the prefix of keys has 1 to {BYTES_MAX} visible ASCII characters and no braces");
    Err(StoreError::Refused { operation: "use this prefix", reason })
}

/// What the server's error means. What waiting or another connection can mend is [`StoreError::Unavailable`].
fn failed(operation: &'static str) -> impl Fn(RedisError) -> StoreError {
    /// Redis' words for a state that passes: loading, failing over, moving, out of memory, unable to persist, busy.
    const PASSING: [&str; 13] = [
        "LOADING",
        "READONLY",
        "CLUSTERDOWN",
        "MASTERDOWN",
        "TRYAGAIN",
        "MOVED",
        "ASK",
        "OOM",
        "MISCONF",
        "NOREPLICAS",
        "BUSY",
        "NOSCRIPT",
        "UNBLOCKED",
    ];
    move |error| {
        let reason = error.to_string();
        match error.code() {
            Some("DRIFT" | "DAMAGED") => StoreError::damaged(reason),
            Some(code) if PASSING.contains(&code) => StoreError::Unavailable { operation, reason },
            Some("NOAUTH" | "WRONGPASS") => StoreError::Refused { operation, reason: first_look::turned_away(&error) },
            Some("NOPERM") => {
                let reason = format!("{reason}: the README lists the commands that the account needs");
                StoreError::Refused { operation, reason }
            }
            Some(_) => StoreError::Refused { operation, reason },
            None => match first_look::refusal_of(&error) {
                Some(reason) => StoreError::Refused { operation, reason },
                None => StoreError::Unavailable { operation, reason },
            },
        }
    }
}

/// A reply that is none of those that the command has.
fn unexpected(what: &str) -> StoreError {
    StoreError::damaged(format!("Redis replied to {what} with something else"))
}
