//! The fold: from changes in log order to what a store has to write.
//!
//! A count is the size of a set, so only what a pair *is* after a batch matters, never how often it changed within it.
//! The fold therefore runs in two pure steps around the store's reads: [`Plan::of`] keeps the last change of each key
//! and says what to read; [`Plan::effects`] compares that with what is stored and moves counts only where membership
//! really changes.
//!
//! Invariant: `plan(changes).effects(read(state))` leaves the same state as applying the changes one by one, and the
//! same again when the batch is applied twice.

use std::collections::BTreeMap;

use crate::change::{Change, Pair, Relation};
use crate::counts::CountDelta;
use crate::id::Id;
use crate::stored::StoredProfile;

/// The last change of each key of a batch, in key order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan<'batch> {
    /// Each pair and whether its member belongs to the set after the batch.
    pub pairs: Vec<(&'batch Pair, bool)>,
    /// Each user whose profile the batch decides, and the profile after it.
    pub profiles: Vec<(&'batch Id, Option<&'batch StoredProfile>)>,
}

/// What a batch does to the members and the counts of a store.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Effects<'batch> {
    /// Pairs to insert, in key order.
    pub added: Vec<&'batch Pair>,
    /// Pairs to delete, in key order.
    pub removed: Vec<&'batch Pair>,
    /// By how much the counts move, by user; none of them zero.
    pub deltas: BTreeMap<&'batch Id, CountDelta>,
}

impl<'batch> Plan<'batch> {
    /// Keeps the last change of each key.
    pub fn of(changes: impl IntoIterator<Item = &'batch Change>) -> Self {
        let mut pairs = BTreeMap::new();
        let mut profiles = BTreeMap::new();
        for change in changes {
            match change {
                Change::Add(pair) => drop(pairs.insert(pair, true)),
                Change::Remove(pair) => drop(pairs.insert(pair, false)),
                Change::Profile { user, profile } => drop(profiles.insert(user, Some(profile.as_ref()))),
                Change::Forget { user } => drop(profiles.insert(user, None)),
            }
        }
        Self { pairs: pairs.into_iter().collect(), profiles: profiles.into_iter().collect() }
    }

    /// What changes, given for each pair of [`Plan::pairs`], in its order, whether the store holds it.
    ///
    /// # Panics
    /// When `present` does not answer for every pair.
    pub fn effects(&self, present: &[bool]) -> Effects<'batch> {
        assert_eq!(self.pairs.len(), present.len(), "one answer for each pair that the plan asks about");
        let mut effects = Effects::default();
        for (&(pair, wanted), &stored) in self.pairs.iter().zip(present) {
            match (stored, wanted) {
                (false, true) => effects.add(pair),
                (true, false) => effects.remove(pair),
                (true, true) | (false, false) => {}
            }
        }
        effects.deltas.retain(|_, delta| !delta.is_zero());
        effects
    }
}

impl<'batch> Effects<'batch> {
    fn add(&mut self, pair: &'batch Pair) {
        self.added.push(pair);
        self.move_counts(pair, 1);
    }

    fn remove(&mut self, pair: &'batch Pair) {
        self.removed.push(pair);
        self.move_counts(pair, -1);
    }

    fn move_counts(&mut self, pair: &'batch Pair, by: i64) {
        self.deltas.entry(&pair.owner).or_default().move_owner(pair.relation, by);
        if pair.relation == Relation::Follows {
            self.deltas.entry(&pair.member).or_default().followers += by;
        }
    }
}
