//! Starting over: a new generation of keys is filled from the log beside the current one, which goes on being served, and
//! then named current. Instances notice within seconds and go on from the new generation's positions.
//!
//! An instance that was frozen may still write to a generation that was replaced. Nobody reads that; what it leaves behind
//! is removed by the next rebuild.

use std::time::Duration;

use super::keyspace::{Keyspace, all_keys_pattern, meta};
use super::standing::versions_field;
use super::{Generation, RedisStore, Versions};
use crate::error::StoreError;
use crate::options::RedisOptions;
use crate::store::Store;
use crate::url::RedisUrl;

/// How long other instances have to notice that a generation was replaced, before it is removed: several times as long as
/// they take, or they would go on filling what is being removed.
const NOTICE: Duration = Duration::from_secs(5);

/// Keys removed in one command.
const REMOVED_KEYS_MAX: usize = 512;

/// Begins to rebuild the store into a fresh generation.
pub fn begin_rebuild(url: &RedisUrl, options: &RedisOptions) -> Result<RedisRebuild, StoreError> {
    let current = RedisStore::open(url, options)?;
    let replaced = current.generation().number;
    let number: u64 =
        current.ask("begin a rebuild", redis::cmd("HINCRBY").arg(meta(&options.prefix)).arg("last").arg(1))?;
    // The first rebuild of all finds the counter at 1; generations are never used twice.
    let number = number + 1;
    let versions = Versions::ours();
    let mut note = redis::cmd("HSET");
    note.arg(meta(&options.prefix)).arg(versions_field(number)).arg(versions.text());
    let _: u64 = current.ask("begin a rebuild", &note)?;
    let fresh = Generation::new(&options.prefix, number, versions);
    let store = RedisStore::prepare(url, options, Some(fresh), false)?.looked_at()?;
    tracing::info!("rebuilding {url} into generation {number}");
    Ok(RedisRebuild { current, replaced, number, store: Store::Redis(store), finished: false })
}

/// A generation that is being filled. Dropped without [`RedisRebuild::finish`] it is removed.
#[derive(Debug)]
pub struct RedisRebuild {
    current: RedisStore,
    replaced: u64,
    number: u64,
    store: Store,
    finished: bool,
}

/// Removes every key of every generation under the prefix. Nobody should be using them.
pub fn remove_keys(url: &RedisUrl, options: &RedisOptions) -> Result<(), StoreError> {
    RedisStore::open_read_only(url, options)?.remove(&all_keys_pattern(&options.prefix))
}

impl RedisRebuild {
    /// The store to fill.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Makes the filled generation the current one and removes those before it.
    pub fn finish(mut self) -> Result<(), StoreError> {
        let current = self.current.block_on(self.current.meta_field("current"))?;
        if current != Some(self.replaced.to_string()) {
            return Err(StoreError::RebuildOvertaken);
        }
        let key = meta(&self.current.0.options.prefix);
        let _: u64 =
            self.current.ask("swap in a rebuild", redis::cmd("HSET").arg(key).arg("current").arg(self.number))?;
        self.finished = true;
        tracing::info!("generation {} of {} is current", self.number, self.current.0.url);
        std::thread::sleep(NOTICE);
        (1..self.number).try_for_each(|number| self.remove(number))
    }

    fn remove(&self, number: u64) -> Result<(), StoreError> {
        let prefix = &self.current.0.options.prefix;
        self.current.remove(&Keyspace::new(prefix, number).pattern())?;
        let mut forget = redis::cmd("HDEL");
        forget.arg(meta(prefix)).arg(versions_field(number));
        self.current.ask::<u64>("forget a generation", &forget).map(drop)
    }
}

impl RedisStore {
    fn remove(&self, pattern: &str) -> Result<(), StoreError> {
        self.for_each_key(pattern, &mut |found| {
            for some in found.chunks(REMOVED_KEYS_MAX) {
                let _: u64 = self.ask("remove keys", redis::cmd("UNLINK").arg(some))?;
            }
            Ok(())
        })
    }
}

impl Drop for RedisRebuild {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        if let Err(error) = self.remove(self.number) {
            tracing::warn!("an unfinished rebuild stays until the next one is done: {error}");
        }
    }
}
