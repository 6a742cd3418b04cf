//! Finding users by the beginning of their name, and some users to begin with. Bounded work, whatever the store holds.
//!
//! The index of names is sorted by length first, so a search walks through the lengths and jumps over those that have no
//! such name; the shortest names come first, an exact one before all.

use rocksdb::{DBRawIterator, IteratorMode, ReadOptions};
use user_info_core::Id;
use user_info_core::profile::folded_username;

use super::RocksStore;
use super::families::Family;
use crate::error::StoreError;
use crate::keys;
use crate::record::{UserRecord, owners};

/// Places of the index that one search looks at: some for each length that names have, microseconds each.
const SEARCH_STEPS_MAX: usize = 256;

impl RocksStore {
    /// See [`crate::Store::search`].
    pub fn search(&self, beginning: &str, limit: usize) -> Result<Vec<UserRecord>, StoreError> {
        let folded = folded_username(beginning);
        // A name may move from one user to another between reading the index and the profiles.
        let snapshot = self.0.db.snapshot();
        let mut reads = ReadOptions::default();
        reads.set_snapshot(&snapshot);
        let names = snapshot.raw_iterator_cf(self.family(Family::Usernames));
        let users = hinted(names, &folded, limit)?;
        let records = self.records(&users, &reads)?;
        Ok(owners(records.into_iter().flatten(), &folded, limit))
    }

    /// See [`crate::Store::sample`].
    pub fn sample(&self, limit: usize) -> Result<Vec<UserRecord>, StoreError> {
        let profiles = self.0.db.iterator_cf(self.family(Family::Profiles), IteratorMode::Start);
        let users: Result<Vec<Id>, StoreError> = profiles
            .take(limit)
            .map(|entry| keys::parse_user(&entry.map_err(StoreError::rocks("read some users"))?.0))
            .collect();
        let records = self.records(&users?, &self.0.reads)?;
        Ok(records.into_iter().flatten().filter(|record| record.profile.is_some()).collect())
    }
}

/// Whom the index has under the first names that begin so; hints, not answers.
fn hinted(mut names: DBRawIterator<'_>, beginning: &str, limit: usize) -> Result<Vec<Id>, StoreError> {
    let (mut users, mut found, mut last) = (Vec::new(), 0, String::new());
    let mut next = keys::username_prefix(beginning);
    if next.is_none() {
        return Ok(users);
    }
    for _ in 0..SEARCH_STEPS_MAX {
        match next.take() {
            Some(place) => names.seek(place),
            None => names.next(),
        }
        names.status().map_err(StoreError::rocks("search the usernames"))?;
        let Some(key) = names.key() else { break };
        let (folded, user) = keys::parse_username(key)?;
        if folded.starts_with(beginning) {
            if folded != last {
                found += 1;
                last = folded.to_owned();
            }
            // All users of a name are looked at: only then is its owner known.
            if found > limit {
                break;
            }
            users.push(user);
        } else {
            // Names of this length stand before the ones wanted, or there are none of those.
            let length = if folded < beginning { folded.len() } else { folded.len() + 1 };
            next = keys::username_beginning(length, beginning);
        }
    }
    Ok(users)
}
