//! The directory of a RocksDB store: generations, of which one is current, so that a rebuild can be swapped in whole.
//!
//! ```text
//! DIR/CURRENT_GENERATION     a number in decimal; replaced by rename, never written in place
//! DIR/generations/<number>/  one RocksDB each
//! DIR/LOCK                   held by the process that writes to the current generation
//! DIR/REBUILD_LOCK           held by the process that fills the next one
//! ```
//!
//! `CURRENT_GENERATION` is written before the first generation exists and names a finished one at every instant after:
//! a rebuild fills a greater number and then moves the name. What is greater than the current number is an unfinished
//! rebuild, which the next one removes; what is smaller is replaced, which the next start removes. A running server
//! keeps the generation that it opened.
//!
//! Invariant: a crash at any instant leaves either the old state or the new one, and what it leaves besides is removed.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::StoreError;
use crate::options::RocksOptions;
use crate::rocks::{Durability, RocksStore};
use crate::store::Store;

const CURRENT: &str = "CURRENT_GENERATION";
const CURRENT_TEMPORARY: &str = "CURRENT_GENERATION.new";
const GENERATIONS: &str = "generations";
const WRITER_LOCK: &str = "LOCK";
const REBUILD_LOCK: &str = "REBUILD_LOCK";

/// How long a lock is waited for, and how often it is tried: a process that was just killed, and a child that another
/// thread forked and that has not started its program yet, hold it for a moment longer.
const LOCK_WAIT: Duration = Duration::from_millis(500);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The generation that a new store begins with.
pub(crate) const FIRST_GENERATION: u64 = 1;

/// Begins to rebuild the store in `path` into a fresh generation, beside the current one, which goes on being served.
///
/// Removes what rebuilds that did not finish left behind. Refuses while another rebuild runs.
pub fn begin_rebuild(path: &Path, options: &RocksOptions) -> Result<DirectoryRebuild, StoreError> {
    let directory = Directory::create(path)?;
    let lock = directory.lock_rebuild()?;
    let current = directory.current_or_first()?;
    directory.remove_generations(|number| number > current)?;
    let number = current + 1;
    let store = RocksStore::open_generation(&directory.generation(number), number, Durability::OnFlush, options)?;
    tracing::info!("rebuilding {} into generation {number}", path.display());
    Ok(DirectoryRebuild { directory, number, store: Some(Store::RocksDb(store)), _lock: lock })
}

/// A generation that is being filled. Dropped without [`DirectoryRebuild::finish`] it is removed.
///
/// It is written without a write-ahead log: a rebuild that is interrupted begins anew anyway.
#[derive(Debug)]
pub struct DirectoryRebuild {
    directory: Directory,
    number: u64,
    /// `None` once finished.
    store: Option<Store>,
    _lock: File,
}

impl DirectoryRebuild {
    /// The store to fill. Its clones take no writes once the rebuild ends.
    pub fn store(&self) -> &Store {
        self.store.as_ref().expect("only finishing takes the store away, and it consumes the rebuild")
    }

    /// Makes the filled generation the current one. A running server serves the former one until it is restarted.
    pub fn finish(mut self) -> Result<(), StoreError> {
        self.store().flush()?;
        self.seal();
        self.store = None;
        let generations = self.directory.generations();
        sync_directory(&generations).map_err(StoreError::io("sync", &generations))?;
        self.directory.set_current(self.number)?;
        tracing::info!("generation {} of {} is current", self.number, self.directory.root.display());
        Ok(())
    }

    fn seal(&self) {
        if let Store::RocksDb(store) = self.store() {
            store.poison("the rebuild that filled it has ended");
        }
    }
}

impl Drop for DirectoryRebuild {
    fn drop(&mut self) {
        if self.store.is_none() {
            return;
        }
        self.seal();
        self.store = None;
        if let Err(error) = remove(&self.directory.generation(self.number)) {
            tracing::warn!("an unfinished rebuild stays until the next one begins: {error}");
        }
    }
}

/// The directory of a store.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    root: PathBuf,
}

impl Directory {
    /// The directory, which need not exist.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    /// The directory, created when absent.
    pub(crate) fn create(root: &Path) -> Result<Self, StoreError> {
        let directory = Self::at(root);
        let generations = directory.generations();
        fs::create_dir_all(&generations).map_err(StoreError::io("create", &generations))?;
        Ok(directory)
    }

    /// Keeps other writers out until the file is dropped, also by a kill.
    pub(crate) fn lock_writer(&self) -> Result<File, StoreError> {
        self.lock(WRITER_LOCK, || StoreError::Locked { path: self.root.clone() })
    }

    fn lock_rebuild(&self) -> Result<File, StoreError> {
        self.lock(REBUILD_LOCK, || StoreError::RebuildRunning { path: self.root.clone() })
    }

    fn lock(&self, name: &str, held: impl FnOnce() -> StoreError) -> Result<File, StoreError> {
        let path = self.root.join(name);
        let file = File::options().create(true).append(true).open(&path).map_err(StoreError::io("open", &path))?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_WAIT => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::WouldBlock) => return Err(held()),
                Err(TryLockError::Error(source)) => return Err(StoreError::Io { operation: "lock", path, source }),
            }
        }
    }

    /// The current generation; `None` when there is no store.
    pub(crate) fn current(&self) -> Result<Option<u64>, StoreError> {
        let path = self.root.join(CURRENT);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::Io { operation: "read", path, source }),
        };
        let number = text.trim().parse().map_err(|_| self.incomplete(format!("{CURRENT} is not a number")))?;
        Ok(Some(number))
    }

    /// The current generation, named before it exists when the store is new.
    pub(crate) fn current_or_first(&self) -> Result<u64, StoreError> {
        if let Some(current) = self.current()? {
            return Ok(current);
        }
        if let Some(number) = self.numbers()?.into_iter().max() {
            return Err(self.incomplete(format!("{CURRENT} is missing, the newest generation is {number}")));
        }
        self.set_current(FIRST_GENERATION)?;
        Ok(FIRST_GENERATION)
    }

    fn set_current(&self, number: u64) -> Result<(), StoreError> {
        let temporary = self.root.join(CURRENT_TEMPORARY);
        let write = || {
            let mut file = File::create(&temporary)?;
            writeln!(file, "{number}")?;
            file.sync_all()?;
            fs::rename(&temporary, self.root.join(CURRENT))?;
            sync_directory(&self.root)
        };
        write().map_err(StoreError::io("replace", &self.root.join(CURRENT)))
    }

    pub(crate) fn incomplete(&self, what: String) -> StoreError {
        StoreError::Incomplete { path: self.root.clone(), what }
    }

    /// Where a generation is.
    pub(crate) fn generation(&self, number: u64) -> PathBuf {
        self.generations().join(number.to_string())
    }

    /// Removes generations that a rebuild replaced. The caller holds the writer's lock and has opened the current one, so
    /// nobody serves them and nobody will. Failing costs space, so it is no reason not to serve.
    pub(crate) fn remove_older(&self, current: u64) {
        if let Err(error) = self.remove_generations(|number| number < current) {
            tracing::warn!("a replaced generation stays until the next start: {error}");
        }
    }

    fn remove_generations(&self, unwanted: impl Fn(u64) -> bool) -> Result<(), StoreError> {
        for number in self.numbers()?.into_iter().filter(|&number| unwanted(number)) {
            remove(&self.generation(number))?;
            tracing::info!("removed generation {number} of {}", self.root.display());
        }
        Ok(())
    }

    fn numbers(&self) -> Result<Vec<u64>, StoreError> {
        let path = self.generations();
        let list = || {
            let names = fs::read_dir(&path)?.map(|entry| entry.map(|entry| entry.file_name()));
            names.collect::<Result<Vec<_>, io::Error>>()
        };
        let names = list().map_err(StoreError::io("list", &path))?;
        Ok(names.into_iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
    }

    fn generations(&self) -> PathBuf {
        self.root.join(GENERATIONS)
    }
}

fn remove(path: &Path) -> Result<(), StoreError> {
    fs::remove_dir_all(path).map_err(StoreError::io("remove", path))
}

/// Makes the names in a directory durable.
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
