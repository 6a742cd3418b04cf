//! The newest ids of something, up to a limit.

use std::collections::{HashSet, VecDeque};

use rand::{Rng, RngExt};
use user_info_core::Id;

/// A set of ids that forgets the oldest when it is full.
#[derive(Debug)]
pub(crate) struct Recent {
    max: usize,
    /// Every id of the set, oldest first, and removed ones that have not come of age.
    order: VecDeque<Id>,
    known: HashSet<Id>,
}

/// How often a removed id may be drawn before a choice is given up.
const DRAWS_MAX: usize = 8;

impl Recent {
    /// An empty set of at most `max` ids; `max` must not be 0.
    pub(crate) fn new(max: usize) -> Self {
        Self { max, order: VecDeque::new(), known: HashSet::new() }
    }

    /// False if it was there.
    pub(crate) fn insert(&mut self, id: &Id) -> bool {
        if !self.known.insert(id.clone()) {
            return false;
        }
        if self.order.len() == self.max
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(id.clone());
        true
    }

    pub(crate) fn remove(&mut self, id: &Id) {
        self.known.remove(id);
    }

    pub(crate) fn contains(&self, id: &Id) -> bool {
        self.known.contains(id)
    }

    /// Any one of the set.
    pub(crate) fn choose(&self, rng: &mut impl Rng) -> Option<&Id> {
        if self.order.is_empty() {
            return None;
        }
        let mut draw = || &self.order[rng.random_range(0..self.order.len())];
        (0..DRAWS_MAX).map(|_| draw()).find(|id| self.known.contains(*id))
    }
}
