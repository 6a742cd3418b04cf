//! The users that can act: seen on the users topic, with an active account.

use indexmap::IndexSet;
use rand::Rng;
use user_info_core::{AccountState, Id, StoredProfile};

use crate::zipf;

/// Users that are known at a time, about 100 MiB; those that come when there are so many take no part.
pub const USERS_MAX: usize = 1_000_000;

/// Users in about the order in which they were first seen, so that by rank the busy ones come first.
#[derive(Debug, Default)]
pub(crate) struct KnownUsers(IndexSet<Id>);

impl KnownUsers {
    /// Takes in a profile.
    pub(crate) fn learn(&mut self, user: Id, profile: &StoredProfile) {
        match profile.profile.state {
            AccountState::Active if self.0.len() < USERS_MAX => drop(self.0.insert(user)),
            AccountState::Active => {}
            AccountState::Suspended | AccountState::Deactivated => self.forget(&user),
        }
    }

    /// The user is gone.
    pub(crate) fn forget(&mut self, user: &Id) {
        self.0.swap_remove(user);
    }

    pub(crate) fn contains(&self, user: &Id) -> bool {
        self.0.contains(user)
    }

    /// Any user; few are chosen often.
    pub(crate) fn choose(&self, rng: &mut impl Rng) -> Option<&Id> {
        let count = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        if count == 0 { None } else { self.0.get_index(zipf::rank(rng, count) as usize) }
    }
}
