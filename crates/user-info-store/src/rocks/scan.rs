//! Walking over everything, for audits: as of one instant, past the cache that requests live on.

use rocksdb::{DBRawIterator, IteratorMode, ReadOptions, Snapshot};
use user_info_core::{Counts, Id, Pair, StoredProfile};

use super::RocksStore;
use super::families::Family;
use crate::error::StoreError;
use crate::keys;
use crate::record::UserRecord;

/// Bytes to read ahead: one request to the disk for hundreds of blocks.
const READAHEAD_BYTES: usize = 2 * 1024 * 1024;

impl RocksStore {
    /// See [`crate::Store::for_each_user`].
    pub fn for_each_user(&self, visit: &mut dyn FnMut(&UserRecord)) -> Result<(), StoreError> {
        let snapshot = self.0.db.snapshot();
        let mut profiles = self.cursor(Family::Profiles, &snapshot);
        let mut counts = self.cursor(Family::Counts, &snapshot);
        while let Some(user) = first_user(&profiles, &counts)? {
            let profile = profiles.take(&user)?.map(|value| StoredProfile::decode(&value)).transpose()?;
            let counts = counts.take(&user)?.map(|value| Counts::decode(&value)).transpose()?;
            UserRecord::new(&user, profile, counts.unwrap_or_default()).iter().for_each(&mut *visit);
        }
        Ok(())
    }

    /// See [`crate::Store::for_each_pair`].
    pub fn for_each_pair(&self, visit: &mut dyn FnMut(&Pair)) -> Result<(), StoreError> {
        let reads = scan_options();
        for entry in self.0.db.iterator_cf_opt(self.family(Family::Members), reads, IteratorMode::Start) {
            let (key, _) = entry.map_err(StoreError::rocks("scan the members"))?;
            visit(&keys::parse_member(&key)?);
        }
        Ok(())
    }

    fn cursor<'view>(&'view self, family: Family, snapshot: &'view Snapshot<'view>) -> Cursor<'view> {
        let mut iterator = snapshot.raw_iterator_cf_opt(self.family(family), scan_options());
        iterator.seek_to_first();
        Cursor(iterator)
    }
}

/// The least id that either cursor stands at.
fn first_user(profiles: &Cursor<'_>, counts: &Cursor<'_>) -> Result<Option<Id>, StoreError> {
    let first = match (profiles.key()?, counts.key()?) {
        (Some(profile), Some(count)) => Some(profile.min(count)),
        (profile, count) => profile.or(count),
    };
    first.map(keys::parse_user).transpose()
}

/// Walks over the users of one column family.
struct Cursor<'db>(DBRawIterator<'db>);

impl Cursor<'_> {
    fn key(&self) -> Result<Option<&[u8]>, StoreError> {
        self.0.status().map_err(StoreError::rocks("scan the users"))?;
        Ok(self.0.key())
    }

    /// The value of this user, if the cursor stands there; then it moves on.
    fn take(&mut self, user: &Id) -> Result<Option<Vec<u8>>, StoreError> {
        if self.key()? != Some(keys::user(user)) {
            return Ok(None);
        }
        let value = self.0.value().map(<[u8]>::to_vec);
        self.0.next();
        Ok(value)
    }
}

fn scan_options() -> ReadOptions {
    let mut reads = ReadOptions::default();
    reads.fill_cache(false);
    reads.set_readahead_size(READAHEAD_BYTES);
    reads
}
