//! What the user service remembers of each user: a digest of the profile published last, and where it stands.
//!
//! Invariant: at most as many entries as it was given room for, each of the same size. Which users are forgotten is
//! decided by age alone, but a hidden account is kept as long as there is room for any: forgetting one that is shown
//! costs a superfluous publish, nothing else.

use std::collections::HashMap;

use user_info_core::{AccountState, Id};
use xxhash_rust::xxh3::xxh3_128;

/// What is known of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// The fact published last; `None` for an account whose state came before any profile.
    pub(super) published: Option<Published>,
    /// The state of the account.
    pub(super) state: AccountState,
    /// In milliseconds since the Unix epoch: what is older says nothing new about the user.
    pub(super) as_of_ms: i64,
}

/// A fact about a user that is in the topic, or on its way there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Published {
    /// Of the record's value.
    pub(super) digest: u64,
    /// Of the record; `None` while it is on its way.
    pub(super) offset: Option<i64>,
}

/// Of the id. With 128 bits, ten million users collide with a probability of 10^-25.
type Fingerprint = [u8; 16];

/// Entries of the users seen last. Two generations: when the young one is full, it becomes the old one, and the old one is
/// forgotten. Whoever is seen moves to the young one.
#[derive(Debug)]
pub(super) struct Memory {
    generation_max: usize,
    young: HashMap<Fingerprint, Known>,
    old: HashMap<Fingerprint, Known>,
    forgot: bool,
}

impl Memory {
    /// Room for `max` users, at least 2.
    pub(super) fn new(max: usize) -> Self {
        Self { generation_max: (max / 2).max(1), young: HashMap::new(), old: HashMap::new(), forgot: false }
    }

    pub(super) fn get(&self, user: &Id) -> Option<Known> {
        let fingerprint = fingerprint(user);
        self.young.get(&fingerprint).or_else(|| self.old.get(&fingerprint)).copied()
    }

    pub(super) fn put(&mut self, user: &Id, known: Known) {
        let fingerprint = fingerprint(user);
        if let Some(there) = self.young.get_mut(&fingerprint) {
            *there = known;
            return;
        }
        if self.young.len() >= self.generation_max {
            self.age();
        }
        self.young.insert(fingerprint, known);
    }

    pub(super) fn remove(&mut self, user: &Id) {
        let fingerprint = fingerprint(user);
        self.young.remove(&fingerprint);
        self.old.remove(&fingerprint);
    }

    /// Whether every user who was ever put in is still there.
    pub(super) fn is_complete(&self) -> bool {
        !self.forgot
    }

    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Hidden accounts of the old generation stay, up to half of the room, so that the young one can fill up again.
    fn age(&mut self) {
        let leaving = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
        let mut kept = 0;
        for (fingerprint, known) in leaving {
            if self.old.contains_key(&fingerprint) {
                continue;
            }
            if known.state != AccountState::Active && kept < self.generation_max / 2 {
                self.young.insert(fingerprint, known);
                kept += 1;
            } else {
                self.forgot = true;
            }
        }
    }
}

fn fingerprint(user: &Id) -> Fingerprint {
    xxh3_128(user.as_str().as_bytes()).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(state: AccountState) -> Known {
        Known { published: None, state, as_of_ms: 0 }
    }

    fn id(number: usize) -> Id {
        Id::new(&number.to_string()).expect("digits are an id")
    }

    #[test]
    fn memory_stays_within_its_room_and_keeps_whoever_was_seen_last() {
        let mut memory = Memory::new(100);
        for number in 0..1_000 {
            memory.put(&id(number), known(AccountState::Active));
            memory.put(&id(7), known(AccountState::Active));
            assert!(memory.len() <= 100, "{} entries", memory.len());
        }
        assert!(memory.get(&id(999)).is_some() && memory.get(&id(7)).is_some() && memory.get(&id(8)).is_none());
        assert!(!memory.is_complete());
    }

    #[test]
    fn hidden_accounts_outlive_others() {
        let mut memory = Memory::new(100);
        memory.put(&id(0), known(AccountState::Suspended));
        (1..1_000).for_each(|number| memory.put(&id(number), known(AccountState::Active)));
        assert_eq!(memory.get(&id(0)), Some(known(AccountState::Suspended)));
    }

    #[test]
    fn without_forgetting_it_is_complete() {
        let mut memory = Memory::new(100);
        (0..100).for_each(|number| memory.put(&id(number), known(AccountState::Active)));
        assert!(memory.is_complete());
        memory.remove(&id(3));
        assert_eq!((memory.get(&id(3)), memory.len()), (None, 99));
    }
}
