//! Accounts that go and come back: who is away, and until when.
//!
//! Suspended accounts always come back. Deactivated ones come back within 30 days or are deleted then, as Twitter does
//! it. The world begins as if it had been going on for long: some are away already.
//!
//! Invariant: at least half of all accounts are active, so that there is always somebody to write; at most a twentieth is
//! ever deleted, so that a world does not die out. Whoever is deleted stays so.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand::{Rng, RngExt};

use crate::simulator::frequencies::{PER, RETURNING_PERCENT, STATUSES_PER_USER_AND_DAY, USER_DELETE, USER_SUSPEND};
use crate::simulator::graph::User;

/// What became of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum AccountState {
    #[default]
    Active,
    Suspended,
    Deactivated,
    Deleted,
}

/// The account goes from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Suspend,
    Unsuspend,
    Deactivate,
    Reactivate,
    Delete,
}

/// The state of all accounts.
#[derive(Debug)]
pub(super) struct Lives {
    states: Vec<AccountState>,
    /// What comes next for those who are away, the soonest first, with the number of statuses at which it does.
    due: BinaryHeap<Reverse<(u64, User, bool)>>,
    away: u32,
    deleted: u32,
}

/// Longest suspension, in days; the shortest is over at once.
const SUSPENDED_DAYS_MAX: u64 = 20;
/// So long a deactivated account can come back, in days.
const DEACTIVATED_DAYS_MAX: u64 = 30;
/// Of a hundred accounts, so many are deleted at most.
const DELETED_PERCENT_MAX: u64 = 5;

impl Lives {
    /// What one account that is away takes, in bytes. A heap grows to twice what it holds, and at most half of all
    /// accounts are away.
    pub(super) const BYTES_PER_AWAY: usize = size_of::<Reverse<(u64, User, bool)>>();

    pub(super) fn new(users: u32, rng: &mut impl Rng) -> Self {
        let states = vec![AccountState::Active; users as usize];
        let mut lives = Self { states, due: BinaryHeap::new(), away: 0, deleted: 0 };
        lives.begin(rng);
        lives
    }

    pub(super) fn is_active(&self, user: User) -> bool {
        self.states[user as usize] == AccountState::Active
    }

    /// What is over by now, one account at a time.
    pub(super) fn next_due(&mut self, statuses: u64) -> Option<(User, Turn)> {
        let &Reverse((due, user, returns)) = self.due.peek()?;
        if due > statuses {
            return None;
        }
        self.due.pop();
        self.away -= 1;
        let turn = match self.states[user as usize] {
            AccountState::Suspended => Turn::Unsuspend,
            AccountState::Deactivated if returns || self.has_lost_enough() => Turn::Reactivate,
            AccountState::Deactivated => Turn::Delete,
            AccountState::Active | AccountState::Deleted => unreachable!("only those who are away wait for something"),
        };
        let is_deleted = turn == Turn::Delete;
        self.deleted += u32::from(is_deleted);
        self.states[user as usize] = if is_deleted { AccountState::Deleted } else { AccountState::Active };
        Some((user, turn))
    }

    /// Suspends somebody, if somebody is found.
    pub(super) fn suspend(&mut self, statuses: u64, rng: &mut impl Rng) -> Option<(User, Turn)> {
        let user = self.leaving(rng)?;
        let until = statuses + rng.random_range(0..=self.days(SUSPENDED_DAYS_MAX));
        self.leave(user, AccountState::Suspended, until, true);
        Some((user, Turn::Suspend))
    }

    /// Somebody deactivates the account, if somebody is found.
    pub(super) fn deactivate(&mut self, statuses: u64, rng: &mut impl Rng) -> Option<(User, Turn)> {
        let user = self.leaving(rng)?;
        let longest = self.days(DEACTIVATED_DAYS_MAX);
        let returns = rng.random_ratio(RETURNING_PERCENT, 100);
        let until = if returns { rng.random_range(0..=longest) } else { longest };
        self.leave(user, AccountState::Deactivated, statuses + until, returns);
        Some((user, Turn::Deactivate))
    }

    /// As many as are away at any time on average, each with a part of the time still to go.
    fn begin(&mut self, rng: &mut impl Rng) {
        let users = self.states.len() as u64;
        let average = |percent: u32, frequency: u32, days: u64| {
            users * days * STATUSES_PER_USER_AND_DAY * u64::from(frequency) * u64::from(percent) / u64::from(PER) / 100
        };
        let (suspension, deactivation) = (self.days(SUSPENDED_DAYS_MAX), self.days(DEACTIVATED_DAYS_MAX));
        // What is left of a time that is uniform itself is the lesser of two such times.
        for _ in 0..average(100, USER_SUSPEND, SUSPENDED_DAYS_MAX / 2) {
            let until = rng.random_range(0..=suspension).min(rng.random_range(0..=suspension));
            self.begin_away(AccountState::Suspended, until, true, rng);
        }
        for _ in 0..average(RETURNING_PERCENT, USER_DELETE, DEACTIVATED_DAYS_MAX / 2) {
            let until = rng.random_range(0..=deactivation).min(rng.random_range(0..=deactivation));
            self.begin_away(AccountState::Deactivated, until, true, rng);
        }
        for _ in 0..average(100 - RETURNING_PERCENT, USER_DELETE, DEACTIVATED_DAYS_MAX) {
            self.begin_away(AccountState::Deactivated, rng.random_range(0..=deactivation), false, rng);
        }
    }

    /// Whether as many are deleted as ever will be.
    fn has_lost_enough(&self) -> bool {
        u64::from(self.deleted) * 100 >= self.states.len() as u64 * DELETED_PERCENT_MAX
    }

    fn begin_away(&mut self, state: AccountState, until: u64, returns: bool, rng: &mut impl Rng) {
        if let Some(user) = self.leaving(rng) {
            self.leave(user, state, until, returns);
        }
    }

    /// So many days of the world, in statuses.
    fn days(&self, days: u64) -> u64 {
        days * self.states.len() as u64 * STATUSES_PER_USER_AND_DAY
    }

    /// Any active account, unless too many would be away.
    fn leaving(&mut self, rng: &mut impl Rng) -> Option<User> {
        let users = u32::try_from(self.states.len()).expect("made from a u32");
        if (self.away + self.deleted + 1) * 2 > users {
            return None;
        }
        let user = rng.random_range(0..users);
        self.is_active(user).then_some(user)
    }

    fn leave(&mut self, user: User, state: AccountState, until: u64, returns: bool) {
        self.states[user as usize] = state;
        self.away += 1;
        self.due.push(Reverse((until, user, returns)));
    }
}
