//! The pairs that are alive in a service's own topic: who follows whom, who likes what, who owns which list.

use indexmap::IndexSet;
use rand::{Rng, RngExt};
use user_info_core::Id;

/// A set of pairs of ids from which any one can be drawn.
///
/// A pair is two numbers; the ids behind them are kept once, and until the set is dropped.
#[derive(Debug, Default)]
pub(crate) struct PairSet {
    ids: IndexSet<Id>,
    pairs: IndexSet<(u32, u32)>,
}

impl PairSet {
    /// Adds a pair; false if it was there.
    pub(crate) fn insert(&mut self, owner: &Id, member: &Id) -> bool {
        let pair = (self.number(owner), self.number(member));
        self.pairs.insert(pair)
    }

    /// Takes a pair away, if it is there.
    pub(crate) fn remove(&mut self, owner: &Id, member: &Id) {
        if let (Some(owner), Some(member)) = (self.ids.get_index_of(owner), self.ids.get_index_of(member)) {
            self.pairs.swap_remove(&(as_number(owner), as_number(member)));
        }
    }

    /// Any pair.
    pub(crate) fn choose(&self, rng: &mut impl Rng) -> Option<(Id, Id)> {
        let index = self.draw(rng)?;
        self.pairs.get_index(index).map(|&pair| self.ids_of(pair))
    }

    /// Any pair, which is in the set no longer.
    pub(crate) fn take(&mut self, rng: &mut impl Rng) -> Option<(Id, Id)> {
        let index = self.draw(rng)?;
        self.pairs.swap_remove_index(index).map(|pair| self.ids_of(pair))
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
}

fn as_number(index: usize) -> u32 {
    u32::try_from(index).expect("memory ends before four billion ids do")
}
