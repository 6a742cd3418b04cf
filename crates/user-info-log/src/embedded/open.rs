//! Opening the directory of a log: who may have it, and what is in it.
//!
//! The directory holds `in-use`, which is locked while a process has the log open, and `rocksdb`.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rocksdb::WriteBatch;
use user_info_core::Topic;

use super::database::{Database, damaged};
use super::keys::Key;
use super::{Inner, TopicState, Topics, Writer};
use crate::error::LogError;
use crate::names::{TopicNames, topic_index};
use crate::topics::TopicId;

/// The format that this program reads and writes.
const FORMAT: u32 = 1;

/// How long the lock is waited for, and how often it is tried: a process that was just killed, and a child that another
/// thread forked and that has not started its program yet, hold it for a moment longer.
const LOCK_WAIT: Duration = Duration::from_millis(500);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

pub(super) fn open(path: &Path, names: &TopicNames) -> Result<Inner, LogError> {
    fs::create_dir_all(path).map_err(LogError::io("create the directory", path))?;
    let lock = lock(path)?;
    let database = Database::open(&path.join("rocksdb"))?;
    check_format(&database, path)?;
    let topics = read_topics(&database)?;
    let writer = Writer { compacted: read_compacted(&database, &topics)?, ..Writer::default() };
    Ok(Inner {
        database,
        names: names.clone(),
        path: path.to_path_buf(),
        topics: Mutex::new(topics),
        published: Condvar::new(),
        writer: Mutex::new(writer),
        _lock: lock,
    })
}

/// Refuses other processes and other parts of this one. The lock goes with the process, however it ends.
fn lock(path: &Path) -> Result<File, LogError> {
    let file_path = path.join("in-use");
    let file = File::options().create(true).truncate(false).write(true).open(&file_path);
    let file = file.map_err(LogError::io("open", &file_path))?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_WAIT => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => return Err(LogError::InUse { path: path.to_path_buf() }),
            Err(TryLockError::Error(error)) => return Err(LogError::io("lock", &file_path)(error)),
        }
    }
}

fn check_format(database: &Database, path: &Path) -> Result<(), LogError> {
    let Some(found) = database.get(Key::Format)? else {
        let mut batch = WriteBatch::default();
        batch.put(Key::Format.encode(), FORMAT.to_be_bytes());
        return database.write_durably(batch);
    };
    match found.as_slice().try_into().map(u32::from_be_bytes) {
        Ok(FORMAT) => Ok(()),
        Ok(found) => Err(LogError::NewerFormat { path: path.to_path_buf(), found, known: FORMAT }),
        Err(_) => Err(damaged(Key::Format)),
    }
}

fn read_topics(database: &Database) -> Result<Topics, LogError> {
    let mut topics = Topics::default();
    for topic in Topic::ALL {
        let Some(id) = database.get(Key::Topic(topic))? else { continue };
        let id = String::from_utf8(id).map_err(|_| damaged(Key::Topic(topic)))?;
        let mut ends = Vec::new();
        for partition in 0.. {
            let Some(end) = database.get_number(Key::End(topic, partition))? else { break };
            ends.push(end);
        }
        topics[topic_index(topic)] = Some(TopicState { id: TopicId(id), ends });
    }
    Ok(topics)
}

fn read_compacted(database: &Database, topics: &Topics) -> Result<BTreeMap<(Topic, i32), i64>, LogError> {
    let mut compacted = BTreeMap::new();
    for topic in Topic::ALL {
        let partitions = topics[topic_index(topic)].as_ref().map_or(0, TopicState::partitions);
        for partition in 0..partitions {
            if let Some(offset) = database.get_number(Key::Compacted(topic, partition))? {
                compacted.insert((topic, partition), offset);
            }
        }
    }
    Ok(compacted)
}
