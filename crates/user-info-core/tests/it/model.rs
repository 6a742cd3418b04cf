//! Two states to compare: the naive one, which takes one change at a time and counts by scanning its sets, and the one
//! that does what the fold says, as a store does.

use std::collections::{BTreeMap, BTreeSet};

use user_info_core::fold::Plan;
use user_info_core::{Change, Counts, Id, Pair, Relation, StoredProfile};

/// The state as the design defines it. It shares nothing with the fold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Model {
    profiles: BTreeMap<Id, StoredProfile>,
    members: BTreeSet<(Relation, Id, Id)>,
}

impl Model {
    pub(crate) fn of(changes: &[Change]) -> Self {
        let mut model = Self::default();
        changes.iter().for_each(|change| model.apply(change));
        model
    }

    fn apply(&mut self, change: &Change) {
        let member = |Pair { relation, owner, member }: &Pair| (*relation, owner.clone(), member.clone());
        match change {
            Change::Profile { user, profile } => drop(self.profiles.insert(user.clone(), profile.as_ref().clone())),
            Change::Forget { user } => drop(self.profiles.remove(user)),
            Change::Add(pair) => drop(self.members.insert(member(pair))),
            Change::Remove(pair) => drop(self.members.remove(&member(pair))),
        }
    }

    /// Counts by scanning: the users with members, and no others.
    fn counts(&self) -> BTreeMap<Id, Counts> {
        let mut counts: BTreeMap<Id, Counts> = BTreeMap::new();
        for (relation, owner, member) in &self.members {
            match relation {
                Relation::Tweets => counts.entry(owner.clone()).or_default().tweets += 1,
                Relation::Likes => counts.entry(owner.clone()).or_default().likes += 1,
                Relation::Lists => counts.entry(owner.clone()).or_default().lists += 1,
                Relation::Follows => {
                    counts.entry(owner.clone()).or_default().following += 1;
                    counts.entry(member.clone()).or_default().followers += 1;
                }
            }
        }
        counts
    }
}

/// The state of a store that prefetches, folds and writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Folded {
    profiles: BTreeMap<Id, StoredProfile>,
    members: BTreeSet<Pair>,
    counts: BTreeMap<Id, Counts>,
}

impl Folded {
    /// Applies a batch, checking what the fold promises of every plan and its effects.
    pub(crate) fn apply(&mut self, batch: &[Change]) {
        let plan = Plan::of(batch);
        assert!(plan.pairs.is_sorted_by(|(left, _), (right, _)| left < right), "each pair once, in order");
        assert!(plan.profiles.is_sorted_by(|(left, _), (right, _)| left < right), "each user once, in order");
        let present: Vec<bool> = plan.pairs.iter().map(|(pair, _)| self.members.contains(pair)).collect();
        let effects = plan.effects(&present);
        for pair in effects.added {
            assert!(self.members.insert(pair.clone()), "{pair:?} is added, yet it is there");
        }
        for pair in effects.removed {
            assert!(self.members.remove(pair), "{pair:?} is removed, yet it is not there");
        }
        for (user, delta) in effects.deltas {
            assert!(!delta.is_zero(), "nothing moves for {user}");
            let counts = self.counts.get(user).copied().unwrap_or_default().moved_by(delta).unwrap();
            self.counts.insert(user.clone(), counts);
        }
        self.counts.retain(|_, counts| !counts.is_empty());
        for (user, profile) in plan.profiles {
            match profile {
                Some(profile) => drop(self.profiles.insert(user.clone(), profile.clone())),
                None => drop(self.profiles.remove(user)),
            }
        }
    }

    /// The members are those of the model, and each count is the size of its set.
    pub(crate) fn assert_is(&self, model: &Model) {
        let members: BTreeSet<_> =
            self.members.iter().map(|pair| (pair.relation, pair.owner.clone(), pair.member.clone())).collect();
        assert_eq!(members, model.members);
        assert_eq!(self.counts, model.counts());
        assert_eq!(self.profiles, model.profiles);
    }
}
