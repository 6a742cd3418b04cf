//! The reference model: plain sets, one change after the other, counts by counting.
//!
//! It deliberately shares nothing with the fold that [`crate::rocks`] goes through, so that comparing the two proves
//! something. It also serves where nothing need survive the process. Finding a username looks at every user.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use user_info_core::profile::folded_username;
use user_info_core::{Change, Counts, DECODER_VERSION, Id, Pair, Relation, StoredProfile, Topic};

use crate::batch::{Batch, DeadLetter, Origin, Position, Taint, TaintedKey};
use crate::error::StoreError;
use crate::record::{StoreStatus, UserRecord, WriteFlow, owners};
use crate::values::FORMAT_VERSION;

/// A store in memory. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<RwLock<State>>);

#[derive(Debug, Default)]
struct State {
    users: BTreeMap<Id, User>,
    positions: BTreeMap<(Topic, i32), Position>,
    outbox: BTreeMap<Origin, DeadLetter>,
    tainted: BTreeMap<TaintedKey, Taint>,
}

#[derive(Debug, Default)]
struct User {
    profile: Option<StoredProfile>,
    tweets: BTreeSet<Id>,
    following: BTreeSet<Id>,
    followers: BTreeSet<Id>,
    likes: BTreeSet<Id>,
    lists: BTreeSet<Id>,
}

impl MemoryStore {
    /// Applies the batch, visible at once. Never fails.
    pub fn apply(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for decision in &batch.changes {
            state.change(&decision.change);
        }
        for position in &batch.positions {
            state.positions.insert((position.topic, position.partition), position.clone());
        }
        for letter in &batch.dead_letters {
            state.outbox.insert(letter.origin, letter.clone());
        }
        for cleared in &batch.cleared {
            state.tainted.remove(&cleared.key);
        }
        for taint in &batch.tainted {
            state.tainted.insert(taint.key.clone(), taint.clone());
        }
        Ok(())
    }

    /// See [`crate::Store::get`]. Never fails.
    pub fn get(&self, user: &Id) -> Result<Option<UserRecord>, StoreError> {
        Ok(self.state().record(user))
    }

    /// See [`crate::Store::get_many`]. Never fails.
    pub fn get_many(&self, users: &[Id]) -> Result<Vec<Option<UserRecord>>, StoreError> {
        let state = self.state();
        Ok(users.iter().map(|user| state.record(user)).collect())
    }

    /// See [`crate::Store::find`]. Never fails.
    pub fn find(&self, username: &str) -> Result<Option<UserRecord>, StoreError> {
        let folded = folded_username(username);
        let mut named: Vec<UserRecord> = self.state().records().filter(|record| record.is_named(&folded)).collect();
        named.sort_by(|one, other| one.name_rank().cmp(&other.name_rank()));
        Ok(named.pop())
    }

    /// See [`crate::Store::search`]. Never fails.
    pub fn search(&self, beginning: &str, limit: usize) -> Result<Vec<UserRecord>, StoreError> {
        Ok(owners(self.state().records(), &folded_username(beginning), limit))
    }

    /// See [`crate::Store::sample`]. Never fails.
    pub fn sample(&self, limit: usize) -> Result<Vec<UserRecord>, StoreError> {
        Ok(self.state().records().filter(|record| record.profile.is_some()).take(limit).collect())
    }

    /// See [`crate::Store::positions`]. Never fails.
    pub fn positions(&self) -> Result<Vec<Position>, StoreError> {
        Ok(self.state().positions.values().cloned().collect())
    }

    /// See [`crate::Store::outbox`]. Never fails.
    pub fn outbox(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        Ok(self.state().outbox.values().take(limit).cloned().collect())
    }

    /// See [`crate::Store::outbox_len`]. Never fails.
    pub fn outbox_len(&self) -> Result<usize, StoreError> {
        Ok(self.state().outbox.len())
    }

    /// See [`crate::Store::sent`]. Never fails.
    pub fn sent(&self, origins: &[Origin]) -> Result<(), StoreError> {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for origin in origins {
            state.outbox.remove(origin);
        }
        Ok(())
    }

    /// See [`crate::Store::tainted`]. Never fails.
    pub fn tainted(&self) -> Result<Vec<Taint>, StoreError> {
        Ok(self.state().tainted.values().cloned().collect())
    }

    /// See [`crate::Store::status`]. Memory is not accounted for. Never fails.
    pub fn status(&self) -> Result<StoreStatus, StoreError> {
        let users = self.state().users.values().filter(|user| user.profile.is_some()).count();
        Ok(StoreStatus {
            format_version: FORMAT_VERSION,
            decoder_version: DECODER_VERSION,
            generation: None,
            users_estimate: users as u64,
            disk_bytes: 0,
            memory_bytes: 0,
            writes: WriteFlow::Free,
            failure: None,
        })
    }

    /// There is nothing to flush. Never fails.
    pub fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// See [`crate::Store::for_each_user`]. Writers wait meanwhile. Never fails.
    pub fn for_each_user(&self, visit: &mut dyn FnMut(&UserRecord)) -> Result<(), StoreError> {
        self.state().records().for_each(|record| visit(&record));
        Ok(())
    }

    /// See [`crate::Store::for_each_pair`]. Writers wait meanwhile. Never fails.
    pub fn for_each_pair(&self, visit: &mut dyn FnMut(&Pair)) -> Result<(), StoreError> {
        for (owner, user) in &self.state().users {
            for relation in Relation::ALL {
                for member in user.set(relation) {
                    visit(&Pair { relation, owner: owner.clone(), member: member.clone() });
                }
            }
        }
        Ok(())
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn change(&mut self, change: &Change) {
        match change {
            Change::Profile { user, profile } => self.user(user).profile = Some((**profile).clone()),
            Change::Forget { user } => self.user(user).profile = None,
            Change::Add(pair) => {
                self.user(&pair.owner).set_mut(pair.relation).insert(pair.member.clone());
                if pair.relation == Relation::Follows {
                    self.user(&pair.member).followers.insert(pair.owner.clone());
                }
            }
            Change::Remove(pair) => {
                self.user(&pair.owner).set_mut(pair.relation).remove(&pair.member);
                if pair.relation == Relation::Follows {
                    self.user(&pair.member).followers.remove(&pair.owner);
                }
            }
        }
    }

    fn user(&mut self, user: &Id) -> &mut User {
        self.users.entry(user.clone()).or_default()
    }

    fn record(&self, user: &Id) -> Option<UserRecord> {
        self.users.get(user).and_then(|found| found.record(user))
    }

    fn records(&self) -> impl Iterator<Item = UserRecord> {
        self.users.iter().filter_map(|(id, user)| user.record(id))
    }
}

impl User {
    fn set(&self, relation: Relation) -> &BTreeSet<Id> {
        match relation {
            Relation::Tweets => &self.tweets,
            Relation::Follows => &self.following,
            Relation::Likes => &self.likes,
            Relation::Lists => &self.lists,
        }
    }

    fn set_mut(&mut self, relation: Relation) -> &mut BTreeSet<Id> {
        match relation {
            Relation::Tweets => &mut self.tweets,
            Relation::Follows => &mut self.following,
            Relation::Likes => &mut self.likes,
            Relation::Lists => &mut self.lists,
        }
    }

    fn record(&self, id: &Id) -> Option<UserRecord> {
        let counts = Counts {
            tweets: self.tweets.len() as u64,
            following: self.following.len() as u64,
            followers: self.followers.len() as u64,
            likes: self.likes.len() as u64,
            lists: self.lists.len() as u64,
        };
        UserRecord::new(id, self.profile.clone(), counts)
    }
}
