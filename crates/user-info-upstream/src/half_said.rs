//! Deletions whose tombstone is missing, because whoever published them was killed in between.
//!
//! Invariant: holds the deletions that were read and not followed by another record of their key: two or three at a time
//! while a topic is read, because each tombstone is right behind its deletion.

use indexmap::IndexSet;
use user_info_core::{Decoded, Key};
use user_info_log::NewRecord;

/// Notes what a topic says, and can complete it.
#[derive(Debug, Default)]
pub(crate) struct HalfSaid(IndexSet<Key>);

impl HalfSaid {
    /// Takes in the next record.
    pub(crate) fn note(&mut self, decoded: &Decoded) {
        match decoded {
            Decoded::Fact(fact) if fact.is_deletion() => drop(self.0.insert(fact.key())),
            Decoded::Fact(_) | Decoded::Tombstone(_) if self.0.is_empty() => {}
            Decoded::Fact(fact) => drop(self.0.swap_remove(&fact.key())),
            Decoded::Tombstone(key) => drop(self.0.swap_remove(key)),
        }
    }

    /// What is missing; nothing is, afterwards.
    pub(crate) fn take_tombstones(&mut self) -> Vec<NewRecord> {
        self.0.drain(..).map(|key| NewRecord::tombstone(&key)).collect()
    }
}
