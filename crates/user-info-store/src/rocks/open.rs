//! Opening: locks, limits, versions, and how a reader gets a view beside a running writer.
//!
//! A reader replays the write-ahead logs that the writer has not flushed yet. Between reading the manifest and reading
//! the logs the writer may flush and delete one of them, which would leave a hole; so a reader that finds one gone that
//! was there when it began, or any file missing, begins again.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rocksdb::{
    Cache, DB, DBRecoveryMode, Env, InfoLogger, LogLevel, Options, ReadOptions, WriteBufferManager, WriteOptions,
};
use user_info_core::DECODER_VERSION;

use super::families::Family;
use super::{Inner, RocksStore, Versions};
use crate::error::StoreError;
use crate::generations::{Directory, FIRST_GENERATION};
use crate::keys;
use crate::options::RocksOptions;
use crate::values::{self, FORMAT_VERSION};

/// Write-ahead logs to replay at most after a kill, as a multiple of the write buffers. Without a limit one small family
/// that is never flushed keeps every log alive.
const WAL_PER_WRITE_BUFFER: u64 = 1;

/// A flush and a compaction at a time: the rest of the machine is for ingest and for answering.
const BACKGROUND_JOBS_MAX: i32 = 2;

/// Threads that open files at the start.
const OPENING_THREADS: i32 = 4;

/// Dirty bytes after which the system is asked to begin writing them, so that a flush does not write all at once.
const BYTES_PER_SYNC: u64 = 1024 * 1024;

/// Size after which the list of files is written anew, in bytes; it is read at every start.
const MANIFEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How often a reader tries to get a view beside a writer, and how long it waits in between. A writer with the default
/// sizes deletes files seconds apart, a view takes a fraction of one; what is really damaged is reported soon enough.
const VIEW_ATTEMPTS: u32 = 100;
const VIEW_PAUSE: Duration = Duration::from_millis(20);

/// Cache of a reader in bytes: tools read once.
const READER_CACHE_BYTES: usize = 64 * 1024 * 1024;

/// When what was applied survives the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// At once: it is in the write-ahead log.
    AtOnce,
    /// Once it is flushed: there is no write-ahead log.
    OnFlush,
}

impl RocksStore {
    /// Opens the store in `path` for writing and creates it when absent. See [`crate::generations`].
    pub fn open(path: &Path, options: &RocksOptions) -> Result<Self, StoreError> {
        let directory = Directory::create(path)?;
        let lock = directory.lock_writer()?;
        let current = directory.current_or_first()?;
        let generation = directory.generation(current);
        // The first generation is named before it exists, any other one after it was filled.
        if current != FIRST_GENERATION && !generation.exists() {
            return Err(directory.incomplete(format!("generation {current} is missing")));
        }
        let store = Self::open_generation(&generation, current, Durability::AtOnce, options)?;
        directory.remove_older(current);
        Ok(store.holding(lock))
    }

    /// Opens one generation for writing, and creates it when absent.
    pub(crate) fn open_generation(
        path: &Path,
        generation: u64,
        durability: Durability,
        options: &RocksOptions,
    ) -> Result<Self, StoreError> {
        let cache = Cache::new_lru_cache(options.block_cache_bytes);
        let mut db_options = database_options();
        db_options.create_if_missing(true);
        db_options.create_missing_column_families(true);
        db_options.set_max_open_files(i32::from(options.max_open_files));
        db_options.set_max_total_wal_size(WAL_PER_WRITE_BUFFER * options.write_buffer_bytes as u64);
        let manager =
            WriteBufferManager::new_write_buffer_manager_with_cache(options.write_buffer_bytes, false, cache.clone());
        db_options.set_write_buffer_manager(&manager);
        let families = Family::ALL.map(|family| family.descriptor(&cache, options.write_buffer_bytes / 2));
        let db = DB::open_cf_descriptors(&db_options, path, families).map_err(|error| why_not_opened(path, error))?;
        let mut writes = WriteOptions::default();
        writes.disable_wal(durability == Durability::OnFlush);
        let versions = match read_versions(&db)? {
            Some(versions) => versions,
            None => write_versions(&db)?,
        };
        lower_compaction_priority();
        Self::new(db, cache, path, generation, versions, Some(writes))
    }

    /// Opens the store in `path` for reading, also beside a process that writes to it: a view of what is written by now.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let mut attempt = 1;
        loop {
            match Self::view(path) {
                Err(StoreError::RocksDb { .. } | StoreError::Damaged { .. } | StoreError::Io { .. })
                    if attempt < VIEW_ATTEMPTS =>
                {
                    attempt += 1;
                    std::thread::sleep(VIEW_PAUSE);
                }
                result => return result,
            }
        }
    }

    fn view(path: &Path) -> Result<Self, StoreError> {
        let directory = Directory::at(path);
        let missing = || StoreError::Missing { path: path.to_path_buf() };
        let number = directory.current()?.ok_or_else(missing)?;
        let generation = directory.generation(number);
        if !generation.join("CURRENT").exists() && directory.current()? == Some(number) {
            return Err(missing());
        }
        let logs = write_ahead_logs(&generation)?;
        let cache = Cache::new_lru_cache(READER_CACHE_BYTES);
        let mut db_options = database_options();
        // Every file is held open, so that the view survives the writer deleting them.
        db_options.set_max_open_files(-1);
        let families = Family::ALL.map(|family| family.descriptor(&cache, READER_CACHE_BYTES));
        let db = DB::open_cf_descriptors_read_only(&db_options, &generation, families, false)
            .map_err(|error| why_not_opened(&generation, error))?;
        if !logs.is_subset(&write_ahead_logs(&generation)?) {
            return Err(StoreError::damaged("the writer deleted a log while the reader opened"));
        }
        let versions = read_versions(&db)?.ok_or_else(missing)?;
        Self::new(db, cache, &generation, number, versions, None)
    }

    fn new(
        db: DB,
        cache: Cache,
        path: &Path,
        generation: u64,
        versions: Versions,
        writes: Option<WriteOptions>,
    ) -> Result<Self, StoreError> {
        let inner = Inner {
            db,
            cache,
            reads: ReadOptions::default(),
            writes,
            writer: Mutex::new(()),
            failure: OnceLock::new(),
            outbox_len: AtomicUsize::new(0),
            generation,
            path: path.to_path_buf(),
            versions,
            _lock: None,
        };
        let store = Self(Arc::new(inner));
        store.count_outbox()?;
        Ok(store)
    }

    fn holding(mut self, lock: fs::File) -> Self {
        let inner = Arc::get_mut(&mut self.0).expect("a store that was just opened has no clones");
        inner._lock = Some(lock);
        self
    }
}

fn database_options() -> Options {
    let mut options = Options::default();
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_max_background_jobs(BACKGROUND_JOBS_MAX);
    options.set_max_file_opening_threads(OPENING_THREADS);
    options.set_skip_stats_update_on_db_open(true);
    options.set_bytes_per_sync(BYTES_PER_SYNC);
    options.set_wal_bytes_per_sync(BYTES_PER_SYNC);
    options.set_max_manifest_file_size(MANIFEST_BYTES_MAX);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Warn, log));
    options
}

/// RocksDB's messages go where ours go, and leave no files in the directory.
fn log(level: LogLevel, message: &str) {
    let message = message.trim_end();
    match level {
        LogLevel::Error | LogLevel::Fatal => tracing::error!("RocksDB: {message}"),
        LogLevel::Warn => tracing::warn!("RocksDB: {message}"),
        LogLevel::Debug | LogLevel::Info | LogLevel::Header => tracing::trace!("RocksDB: {message}"),
    }
}

/// Compaction yields to whatever answers requests. Failing to lower it costs latency only.
fn lower_compaction_priority() {
    if let Ok(mut env) = Env::new() {
        env.lower_thread_pool_cpu_priority();
    }
}

fn read_versions(db: &DB) -> Result<Option<Versions>, StoreError> {
    let meta = db.cf_handle(Family::Meta.name()).expect("every column family was opened");
    let read = |key| match db.get_pinned_cf(meta, key).map_err(StoreError::rocks("read the store's version"))? {
        Some(value) => values::decode_version(&value).map(Some).map_err(StoreError::from),
        None => Ok(None),
    };
    let versions = match (read(keys::META_FORMAT_VERSION)?, read(keys::META_DECODER_VERSION)?) {
        (Some(format), Some(decoder)) => Versions { format, decoder },
        (None, None) if db.latest_sequence_number() == 0 => return Ok(None),
        (_, _) => return Err(StoreError::damaged("its version is missing")),
    };
    if versions.format > FORMAT_VERSION {
        return Err(StoreError::NewerFormat { found: versions.format, known: FORMAT_VERSION });
    }
    Ok(Some(versions))
}

/// Before anything else, so a store with data has a version.
fn write_versions(db: &DB) -> Result<Versions, StoreError> {
    let meta = db.cf_handle(Family::Meta.name()).expect("every column family was opened");
    let mut batch = rocksdb::WriteBatch::default();
    batch.put_cf(meta, keys::META_FORMAT_VERSION, FORMAT_VERSION.to_le_bytes());
    batch.put_cf(meta, keys::META_DECODER_VERSION, DECODER_VERSION.to_le_bytes());
    let mut options = WriteOptions::default();
    options.set_sync(true);
    db.write_opt(batch, &options).map_err(StoreError::rocks("write the store's version"))?;
    Ok(Versions { format: FORMAT_VERSION, decoder: DECODER_VERSION })
}

/// A newer format may have column families that this program does not know, which RocksDB refuses before the version
/// can be read.
fn why_not_opened(path: &Path, error: rocksdb::Error) -> StoreError {
    if error.as_ref().contains("/LOCK:") {
        return StoreError::Locked { path: path.to_path_buf() };
    }
    newer_format(path).unwrap_or_else(|| StoreError::rocks("open the store")(error))
}

fn newer_format(path: &Path) -> Option<StoreError> {
    let families = DB::list_cf(&Options::default(), path).ok()?;
    let known = |name: &String| name == "default" || Family::ALL.iter().any(|family| family.name() == name);
    if families.iter().all(known) {
        return None;
    }
    let db = DB::open_cf_for_read_only(&database_options(), path, [Family::Meta.name()], false).ok()?;
    read_versions(&db).err()
}

/// The names of the write-ahead logs in a generation.
fn write_ahead_logs(path: &Path) -> Result<BTreeSet<std::ffi::OsString>, StoreError> {
    let entries = fs::read_dir(path).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let entries = entries.map_err(StoreError::io("list", path))?;
    let is_log = |name: &std::ffi::OsString| Path::new(name).extension().is_some_and(|extension| extension == "log");
    Ok(entries.into_iter().map(|entry| entry.file_name()).filter(is_log).collect())
}
