//! Reading single records, positions, the outbox and taints.

use std::sync::atomic::Ordering;

use rocksdb::properties;
use rocksdb::{ColumnFamily, IteratorMode, ReadOptions};
use user_info_core::profile::folded_username;
use user_info_core::{Counts, Id, StoredProfile};

use super::RocksStore;
use super::families::Family;
use crate::batch::{DeadLetter, Position, Taint};
use crate::error::StoreError;
use crate::record::{StoreStatus, UserRecord, WriteFlow};
use crate::{keys, values};

impl RocksStore {
    /// See [`crate::Store::get`].
    pub fn get(&self, user: &Id) -> Result<Option<UserRecord>, StoreError> {
        let records = self.records(std::slice::from_ref(user), &self.0.reads)?;
        Ok(records.into_iter().next().flatten())
    }

    /// See [`crate::Store::get_many`].
    pub fn get_many(&self, users: &[Id]) -> Result<Vec<Option<UserRecord>>, StoreError> {
        self.records(users, &self.0.reads)
    }

    /// See [`crate::Store::find`].
    pub fn find(&self, username: &str) -> Result<Option<UserRecord>, StoreError> {
        let folded = folded_username(username);
        let Some(prefix) = keys::username_prefix(&folded) else { return Ok(None) };
        // The name may move from one user to another between reading the index and the profiles.
        let snapshot = self.0.db.snapshot();
        let mut reads = ReadOptions::default();
        reads.set_snapshot(&snapshot);
        let users = self.users_by_name(prefix)?;
        let records = self.records(&users, &reads)?;
        let named = records.into_iter().flatten().filter(|record| record.is_named(&folded));
        Ok(named.max_by(|one, other| one.name_rank().cmp(&other.name_rank())))
    }

    /// Everyone whom the index has under the name; hints, not answers.
    fn users_by_name(&self, prefix: Vec<u8>) -> Result<Vec<Id>, StoreError> {
        let mut reads = ReadOptions::default();
        reads.set_iterate_range(rocksdb::PrefixRange(prefix));
        let entries = self.0.db.iterator_cf_opt(self.family(Family::Usernames), reads, IteratorMode::Start);
        entries
            .map(|entry| {
                let (key, _) = entry.map_err(StoreError::rocks("read a username"))?;
                keys::parse_username_user(&key)
            })
            .collect()
    }

    /// One call for both column families: RocksDB answers it as of one instant.
    pub(super) fn records(&self, users: &[Id], reads: &ReadOptions) -> Result<Vec<Option<UserRecord>>, StoreError> {
        let (profiles, counts) = (self.family(Family::Profiles), self.family(Family::Counts));
        let keys = users.iter().flat_map(|user| [(profiles, keys::user(user)), (counts, keys::user(user))]);
        let mut values = self.0.db.multi_get_cf_opt::<_, _, ColumnFamily>(keys, reads).into_iter();
        let mut next = || values.next().expect("one value for each key").map_err(StoreError::rocks("read a user"));
        users
            .iter()
            .map(|user| {
                let profile = next()?.map(|value| StoredProfile::decode(&value)).transpose()?;
                let counts = next()?.map(|value| Counts::decode(&value)).transpose()?;
                Ok(UserRecord::new(user, profile, counts.unwrap_or_default()))
            })
            .collect()
    }

    /// See [`crate::Store::positions`].
    pub fn positions(&self) -> Result<Vec<Position>, StoreError> {
        self.entries(Family::Positions, usize::MAX, |key, value| {
            let (topic, partition) = keys::parse_position(key)?;
            Ok(values::decode_position(topic, partition, value)?)
        })
    }

    /// See [`crate::Store::outbox`].
    pub fn outbox(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        self.entries(Family::Outbox, limit.min(self.outbox_len()?), |key, value| {
            Ok(values::decode_letter(keys::parse_letter(key)?, value)?)
        })
    }

    /// See [`crate::Store::outbox_len`]. Known without reading.
    pub fn outbox_len(&self) -> Result<usize, StoreError> {
        Ok(self.0.outbox_len.load(Ordering::Acquire))
    }

    /// Counts the outbox once, when the store is opened.
    pub(super) fn count_outbox(&self) -> Result<(), StoreError> {
        let waiting = self.entries(Family::Outbox, usize::MAX, |_, _| Ok(()))?.len();
        self.0.outbox_len.store(waiting, Ordering::Release);
        Ok(())
    }

    /// See [`crate::Store::tainted`].
    pub fn tainted(&self) -> Result<Vec<Taint>, StoreError> {
        self.entries(Family::Tainted, usize::MAX, |key, value| {
            Ok(values::decode_taint(keys::parse_tainted(key)?, value)?)
        })
    }

    fn entries<T>(
        &self,
        family: Family,
        limit: usize,
        read: impl Fn(&[u8], &[u8]) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let entries = self.0.db.iterator_cf(self.family(family), IteratorMode::Start);
        entries
            .take(limit)
            .map(|entry| {
                let (key, value) = entry.map_err(StoreError::rocks("read the store"))?;
                read(&key, &value)
            })
            .collect()
    }

    /// See [`crate::Store::status`].
    pub fn status(&self) -> Result<StoreStatus, StoreError> {
        let users = self.0.db.property_int_value_cf(self.family(Family::Profiles), properties::ESTIMATE_NUM_KEYS);
        Ok(StoreStatus {
            format_version: self.0.versions.format,
            decoder_version: self.0.versions.decoder,
            generation: Some(self.0.generation),
            users_estimate: users.map_err(StoreError::rocks("estimate the users"))?.unwrap_or(0),
            disk_bytes: self.disk_bytes()?,
            memory_bytes: self.0.cache.get_usage() as u64,
            writes: self.write_flow()?,
            failure: self.0.failure.get().cloned(),
        })
    }

    fn write_flow(&self) -> Result<WriteFlow, StoreError> {
        let property = |name| self.0.db.property_int_value(name).map_err(StoreError::rocks("ask for write stalls"));
        if property(properties::IS_WRITE_STOPPED)?.unwrap_or(0) > 0 {
            return Ok(WriteFlow::Stopped);
        }
        match property(properties::ACTUAL_DELAYED_WRITE_RATE)?.unwrap_or(0) {
            0 => Ok(WriteFlow::Free),
            bytes_per_second => Ok(WriteFlow::Slowed { bytes_per_second }),
        }
    }

    fn disk_bytes(&self) -> Result<u64, StoreError> {
        let entries = std::fs::read_dir(&self.0.path).map_err(StoreError::io("list", &self.0.path))?;
        // Compaction deletes files meanwhile: those count nothing.
        Ok(entries.filter_map(|entry| entry.ok()?.metadata().ok()).map(|metadata| metadata.len()).sum())
    }
}
