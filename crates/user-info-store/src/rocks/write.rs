//! Writing: the fold's two steps around sorted, batched reads, and one write batch.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use rocksdb::{DBPinnableSlice, FlushOptions, WriteBatch, WriteOptions};
use user_info_core::fold::{Effects, Plan};
use user_info_core::profile::folded_username;
use user_info_core::{Counts, Drift, Id, StoredProfile};

use super::RocksStore;
use super::families::Family;
use crate::batch::{Batch, DeadLetter, Origin};
use crate::error::StoreError;
use crate::{keys, values};

impl RocksStore {
    /// See [`crate::Store::apply`].
    pub fn apply(&self, batch: &Batch) -> Result<(), StoreError> {
        let _writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let options = self.writable()?;
        let mut writes = WriteBatch::default();
        let plan = Plan::of(batch.changes.iter().map(|decision| &decision.change));
        self.write_profiles(&plan, &mut writes)?;
        let effects = plan.effects(&self.present(&plan)?);
        self.write_members(&effects, &mut writes);
        self.write_counts(&effects, &mut writes)?;
        self.write_positions_and_taints(batch, &mut writes);
        let new_letters = self.write_letters(&batch.dead_letters, &mut writes)?;
        self.write("apply a batch", writes, options)?;
        self.0.outbox_len.fetch_add(new_letters, Ordering::AcqRel);
        Ok(())
    }

    /// See [`crate::Store::sent`].
    pub fn sent(&self, origins: &[Origin]) -> Result<(), StoreError> {
        let _writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let options = self.writable()?;
        let waiting = self.waiting(origins.iter().copied())?;
        let mut writes = WriteBatch::default();
        for origin in &waiting {
            writes.delete_cf(self.family(Family::Outbox), keys::letter(origin));
        }
        self.write("forget sent dead letters", writes, options)?;
        self.0.outbox_len.fetch_sub(waiting.len(), Ordering::AcqRel);
        Ok(())
    }

    /// See [`crate::Store::flush`]. A store opened read-only has nothing to flush.
    pub fn flush(&self) -> Result<(), StoreError> {
        if self.0.writes.is_none() {
            return Ok(());
        }
        let families = Family::ALL.map(|family| self.family(family));
        self.0.db.flush_cfs_opt(&families, &FlushOptions::default()).map_err(StoreError::rocks("flush the store"))
    }

    fn write(&self, operation: &'static str, writes: WriteBatch, options: &WriteOptions) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        self.0.db.write_opt(writes, options).map_err(|error| {
            self.poison(error.to_string());
            StoreError::rocks(operation)(error)
        })
    }

    /// Whether the store holds each pair of the plan, in the plan's order.
    fn present(&self, plan: &Plan<'_>) -> Result<Vec<bool>, StoreError> {
        let mut keys: Vec<(Vec<u8>, usize)> =
            plan.pairs.iter().enumerate().map(|(index, (pair, _))| (keys::member(pair), index)).collect();
        keys.sort_unstable();
        let mut present = vec![false; keys.len()];
        let found = self.read_sorted(Family::Members, keys.iter().map(|(key, _)| key.as_slice()))?;
        for ((_, index), value) in keys.iter().zip(found) {
            present[*index] = value.is_some();
        }
        Ok(present)
    }

    fn write_members(&self, effects: &Effects<'_>, writes: &mut WriteBatch) {
        let members = self.family(Family::Members);
        effects.added.iter().for_each(|pair| writes.put_cf(members, keys::member(pair), []));
        effects.removed.iter().for_each(|pair| writes.delete_cf(members, keys::member(pair)));
    }

    fn write_counts(&self, effects: &Effects<'_>, writes: &mut WriteBatch) -> Result<(), StoreError> {
        let counts = self.family(Family::Counts);
        let stored = self.read_sorted(Family::Counts, effects.deltas.keys().map(|user| keys::user(user)))?;
        for ((user, &delta), value) in effects.deltas.iter().zip(stored) {
            let before = value.map(|value| Counts::decode(&value)).transpose()?.unwrap_or_default();
            let after = before.moved_by(delta).map_err(|drift| self.drifted(user, drift))?;
            if after.is_empty() {
                writes.delete_cf(counts, keys::user(user));
            } else {
                writes.put_cf(counts, keys::user(user), after.encode());
            }
        }
        Ok(())
    }

    fn drifted(&self, user: &Id, drift: Drift) -> StoreError {
        self.poison(format!("user {user}: {drift}"));
        StoreError::Drift(drift)
    }

    fn write_profiles(&self, plan: &Plan<'_>, writes: &mut WriteBatch) -> Result<(), StoreError> {
        let profiles = self.family(Family::Profiles);
        let stored = self.read_sorted(Family::Profiles, plan.profiles.iter().map(|(user, _)| keys::user(user)))?;
        for ((user, after), value) in plan.profiles.iter().zip(stored) {
            let before = value.as_ref().map(|value| StoredProfile::decode(value)).transpose()?;
            if before.as_ref() == *after {
                continue;
            }
            match after {
                Some(after) => writes.put_cf(profiles, keys::user(user), after.encode()),
                None => writes.delete_cf(profiles, keys::user(user)),
            }
            self.write_username(user, before.as_ref(), *after, writes);
        }
        Ok(())
    }

    /// The index entry moves in the same batch as the profile.
    fn write_username(
        &self,
        user: &Id,
        before: Option<&StoredProfile>,
        after: Option<&StoredProfile>,
        writes: &mut WriteBatch,
    ) {
        let usernames = self.family(Family::Usernames);
        let folded = |stored: Option<&StoredProfile>| stored.map(|stored| folded_username(&stored.profile.username));
        let (before, after) = (folded(before), folded(after));
        if before == after {
            return;
        }
        before.iter().for_each(|folded| writes.delete_cf(usernames, keys::username(folded, user)));
        after.iter().for_each(|folded| writes.put_cf(usernames, keys::username(folded, user), []));
    }

    fn write_positions_and_taints(&self, batch: &Batch, writes: &mut WriteBatch) {
        let (positions, tainted) = (self.family(Family::Positions), self.family(Family::Tainted));
        for position in &batch.positions {
            let key = keys::position(position.topic, position.partition);
            writes.put_cf(positions, key, values::encode_position(position));
        }
        batch.cleared.iter().for_each(|cleared| writes.delete_cf(tainted, keys::tainted(&cleared.key)));
        for taint in &batch.tainted {
            writes.put_cf(tainted, keys::tainted(&taint.key), values::encode_taint(taint));
        }
    }

    /// Returns how many of the letters do not wait yet.
    fn write_letters(&self, letters: &[DeadLetter], writes: &mut WriteBatch) -> Result<usize, StoreError> {
        let outbox = self.family(Family::Outbox);
        for letter in letters {
            writes.put_cf(outbox, keys::letter(&letter.origin), values::encode_letter(letter));
        }
        let origins: BTreeSet<Origin> = letters.iter().map(|letter| letter.origin).collect();
        Ok(origins.len() - self.waiting(origins.iter().copied())?.len())
    }

    /// Those of the origins whose dead letter waits.
    fn waiting(&self, origins: impl Iterator<Item = Origin>) -> Result<BTreeSet<Origin>, StoreError> {
        let origins: BTreeSet<Origin> = origins.collect();
        let keys: Vec<_> = origins.iter().map(keys::letter).collect();
        let found = self.read_sorted(Family::Outbox, keys.iter().map(|key| key.as_slice()))?;
        Ok(origins.into_iter().zip(found).filter(|(_, value)| value.is_some()).map(|(origin, _)| origin).collect())
    }

    /// The values of `keys`, which must be in the order of their bytes.
    fn read_sorted<'key>(
        &self,
        family: Family,
        keys: impl Iterator<Item = &'key [u8]>,
    ) -> Result<Vec<Option<DBPinnableSlice<'_>>>, StoreError> {
        let values = self.0.db.batched_multi_get_cf_opt(self.family(family), keys, true, &self.0.reads);
        values.into_iter().map(|value| value.map_err(StoreError::rocks("read what a batch touches"))).collect()
    }
}
