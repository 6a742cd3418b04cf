//! The oracle: a set of pairs and a map of profiles, everything else found by looking at all of them.
//!
//! Written apart from both backends and from the fold, and too slow for anything but tests.

use std::collections::{BTreeMap, BTreeSet};

use user_info_core::{Change, Counts, Id, Pair, Relation, StoredProfile};
use user_info_store::UserRecord;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) pairs: BTreeSet<Pair>,
    profiles: BTreeMap<Id, StoredProfile>,
}

impl Model {
    pub(crate) fn of<'change>(changes: impl IntoIterator<Item = &'change Change>) -> Self {
        let mut model = Self::default();
        changes.into_iter().for_each(|change| model.apply(change));
        model
    }

    pub(crate) fn apply(&mut self, change: &Change) {
        match change.clone() {
            Change::Profile { user, profile } => drop(self.profiles.insert(user, *profile)),
            Change::Forget { user } => drop(self.profiles.remove(&user)),
            Change::Add(pair) => drop(self.pairs.insert(pair)),
            Change::Remove(pair) => drop(self.pairs.remove(&pair)),
        }
    }

    pub(crate) fn get(&self, user: &Id) -> Option<UserRecord> {
        let profile = self.profiles.get(user).cloned();
        let owned = |relation| self.count(|pair| pair.relation == relation && pair.owner == *user);
        let counts = Counts {
            tweets: owned(Relation::Tweets),
            following: owned(Relation::Follows),
            followers: self.count(|pair| pair.relation == Relation::Follows && pair.member == *user),
            likes: owned(Relation::Likes),
            lists: owned(Relation::Lists),
        };
        (profile.is_some() || !counts.is_empty()).then(|| UserRecord { user: user.clone(), profile, counts })
    }

    fn count(&self, belongs: impl Fn(&Pair) -> bool) -> u64 {
        self.pairs.iter().filter(|pair| belongs(pair)).count() as u64
    }

    pub(crate) fn find(&self, username: &str) -> Option<UserRecord> {
        let same = |profile: &StoredProfile| profile.profile.username.to_lowercase() == username.to_lowercase();
        let named = self.profiles.iter().filter(|(_, profile)| same(profile));
        let (user, _) = named.max_by_key(|(user, profile)| (profile.stamp.timestamp_ms, (*user).clone()))?;
        self.get(user)
    }

    pub(crate) fn users(&self) -> Vec<UserRecord> {
        let followees = self.pairs.iter().filter(|pair| pair.relation == Relation::Follows).map(|pair| &pair.member);
        let owners = self.pairs.iter().map(|pair| &pair.owner);
        let users: BTreeSet<&Id> = self.profiles.keys().chain(owners).chain(followees).collect();
        users.into_iter().filter_map(|user| self.get(user)).collect()
    }
}
