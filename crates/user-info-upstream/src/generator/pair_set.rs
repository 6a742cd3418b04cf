//! The pairs that are alive in a service's own topic: who follows whom, who likes what, who owns which list.

use std::collections::HashSet;

use indexmap::IndexSet;
use rand::{Rng, RngExt};
use user_info_core::Id;

/// A set of pairs of ids from which any one can be drawn.
///
/// A pair is two numbers; the ids behind them are kept once. Ids that no pair has any more are dropped when they are the
/// greater part, so there are at most four times as many ids as pairs, and [`SPARE_IDS_MAX`] more.
#[derive(Debug, Default)]
pub(crate) struct PairSet {
    ids: IndexSet<Id>,
    pairs: IndexSet<(u32, u32)>,
}

/// Ids that may be kept for nothing: so few that dropping them is not worth the work.
const SPARE_IDS_MAX: usize = 1_024;

/// Which ids of pairs are those of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Users {
    /// The first one alone.
    Owner,
    /// Both.
    Both,
}

impl PairSet {
    /// Adds a pair; false if it was there.
    pub(crate) fn insert(&mut self, owner: &Id, member: &Id) -> bool {
        let pair = (self.number(owner), self.number(member));
        self.pairs.insert(pair)
    }

    /// Takes a pair away; false if it was not there.
    pub(crate) fn remove(&mut self, owner: &Id, member: &Id) -> bool {
        let (Some(owner), Some(member)) = (self.ids.get_index_of(owner), self.ids.get_index_of(member)) else {
            return false;
        };
        let removed = self.pairs.swap_remove(&(as_number(owner), as_number(member)));
        self.drop_spare_ids();
        removed
    }

    pub(crate) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Any pair.
    pub(crate) fn choose(&self, rng: &mut impl Rng) -> Option<(Id, Id)> {
        let index = self.draw(rng)?;
        self.pairs.get_index(index).map(|&pair| self.ids_of(pair))
    }

    /// Any pair, which is in the set no longer.
    pub(crate) fn take(&mut self, rng: &mut impl Rng) -> Option<(Id, Id)> {
        let index = self.draw(rng)?;
        let pair = self.pairs.swap_remove_index(index).map(|pair| self.ids_of(pair));
        self.drop_spare_ids();
        pair
    }

    /// All pairs of these users, which are in the set no longer. Looks at every pair.
    pub(crate) fn take_all_of(&mut self, gone: &HashSet<Id>, users: Users) -> Vec<(Id, Id)> {
        let numbers: HashSet<_> = gone.iter().filter_map(|id| self.ids.get_index_of(id)).map(as_number).collect();
        let is_of = |&(owner, member): &(u32, u32)| {
            numbers.contains(&owner) || (users == Users::Both && numbers.contains(&member))
        };
        let taken: Vec<_> = self.pairs.iter().filter(|pair| is_of(pair)).map(|&pair| self.ids_of(pair)).collect();
        if !taken.is_empty() {
            self.pairs.retain(|pair| !is_of(pair));
            self.drop_spare_ids();
        }
        taken
    }

    fn draw(&self, rng: &mut impl Rng) -> Option<usize> {
        if self.pairs.is_empty() { None } else { Some(rng.random_range(0..self.pairs.len())) }
    }

    fn number(&mut self, id: &Id) -> u32 {
        let known = self.ids.get_index_of(id);
        as_number(known.unwrap_or_else(|| self.ids.insert_full(id.clone()).0))
    }

    fn ids_of(&self, (owner, member): (u32, u32)) -> (Id, Id) {
        (self.ids[owner as usize].clone(), self.ids[member as usize].clone())
    }

    fn drop_spare_ids(&mut self) {
        if self.ids.len() <= 4 * self.pairs.len() + SPARE_IDS_MAX {
            return;
        }
        let pairs: Vec<_> = self.pairs.iter().map(|&pair| self.ids_of(pair)).collect();
        *self = Self::default();
        for (owner, member) in pairs {
            self.insert(&owner, &member);
        }
    }
}

fn as_number(index: usize) -> u32 {
    u32::try_from(index).expect("memory ends before four billion ids do")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> Id {
        Id::new(&number.to_string()).expect("digits are an id")
    }

    #[test]
    fn ids_that_no_pair_has_do_not_pile_up() {
        let mut set = PairSet::default();
        for number in 0..20_000 {
            set.insert(&id(1), &id(number));
            assert!(set.remove(&id(1), &id(number)), "{number} was there");
        }
        set.insert(&id(1), &id(2));
        assert!(set.ids.len() <= 4 + SPARE_IDS_MAX, "{} ids of one pair", set.ids.len());
        assert!(!set.insert(&id(1), &id(2)), "it is still there");
    }

    #[test]
    fn all_pairs_of_a_user_are_taken_and_no_others() {
        let mut set = PairSet::default();
        for (owner, member) in [(1, 2), (2, 1), (2, 3), (3, 1), (3, 3)] {
            set.insert(&id(owner), &id(member));
        }
        let gone = HashSet::from([id(1)]);
        assert_eq!(set.take_all_of(&gone, Users::Owner), [(id(1), id(2))]);
        assert_eq!(set.take_all_of(&gone, Users::Both), [(id(2), id(1)), (id(3), id(1))]);
        assert_eq!(set.len(), 2);
    }
}
