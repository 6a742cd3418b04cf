//! What becomes of accounts and of what was said: all messages that are no statuses.

use rand::RngExt;
use user_info_core::Timestamp;

use super::{Simulation, append, append_deletion};
use crate::simulator::draw::{mixed, pick};
use crate::simulator::frequencies::{
    DELETION, EDIT, SCRUB_GEO, STATUS_WITHHELD, USER_DELETE, USER_SUSPEND, USER_WITHHELD,
};
use crate::simulator::graph::User;
use crate::simulator::lives::Turn;
use crate::simulator::objects::Notice;
use crate::simulator::population::user_id;
use crate::simulator::profile::WITHHOLDING_COUNTRIES;

/// Only one of so many users can ever be withheld.
const WITHHELD_ONE_OF: u32 = 50;
/// Looks for somebody who gives positions, of whom there are two in five.
const SCRUB_LOOKS: u32 = 16;

impl Simulation {
    /// Accounts go and come back, profiles are edited.
    pub(super) fn live(&mut self, now: Timestamp, messages: &mut Vec<u8>) {
        while let Some((user, turn)) = self.lives.next_due(self.statuses) {
            self.tell(user, turn, now, messages);
        }
        if self.happens(USER_SUSPEND)
            && let Some((user, turn)) = self.lives.suspend(self.statuses, &mut self.rng)
        {
            self.tell(user, turn, now, messages);
        }
        if self.happens(USER_DELETE)
            && let Some((user, turn)) = self.lives.deactivate(self.statuses, &mut self.rng)
        {
            self.tell(user, turn, now, messages);
        }
        if self.happens(EDIT) {
            let user = self.rng.random_range(0..self.population.len());
            if self.lives.is_active(user) {
                self.population.edit(user, &mut self.rng);
            }
        }
    }

    /// The account is in another state. What somebody said lately goes with the account: nobody can react to it while the
    /// account is deactivated, and it is deleted with it.
    fn tell(&mut self, user: User, turn: Turn, now: Timestamp, messages: &mut Vec<u8>) {
        let state = match turn {
            Turn::Suspend => Notice::UserSuspend,
            Turn::Unsuspend => Notice::UserUnsuspend,
            Turn::Deactivate | Turn::Delete => Notice::UserDelete,
            Turn::Reactivate => Notice::UserUndelete,
        };
        append(&Notice::user(state, user_id(user), turn == Turn::Delete, now), messages);
        match turn {
            Turn::Deactivate => {
                self.left_behind.insert(user, self.recent.take_all_of(user));
            }
            Turn::Delete => {
                for status in self.left_behind.remove(&user).unwrap_or_default() {
                    append(&Notice::delete(status, user_id(user), now), messages);
                }
            }
            Turn::Reactivate => {
                self.left_behind.remove(&user);
            }
            Turn::Suspend | Turn::Unsuspend => {}
        }
    }

    /// Users take back statuses and positions.
    pub(super) fn regret(&mut self, now: Timestamp, messages: &mut Vec<u8>) {
        if self.happens(DELETION)
            && let Some(sent) = self.recent.take(&mut self.rng, |user| self.lives.is_active(user))
        {
            append_deletion(&sent.post, now, messages);
        }
        if self.happens(SCRUB_GEO)
            && let Some(user) = self.someone_with_positions()
        {
            self.recent.forget_positions_of(user);
            append(&Notice::scrub_geo(user_id(user), self.last_id, now), messages);
        }
    }

    fn someone_with_positions(&mut self) -> Option<User> {
        let (lives, population) = (&self.lives, &self.population);
        (0..SCRUB_LOOKS)
            .filter_map(|_| self.recent.choose(&mut self.rng).map(|sent| sent.post.author))
            .find(|&user| lives.is_active(user) && population.is_geo_enabled(user))
    }

    /// Countries have statuses and users withheld.
    pub(super) fn withhold(&mut self, now: Timestamp, messages: &mut Vec<u8>) {
        if self.happens(STATUS_WITHHELD)
            && let Some(sent) = self.recent.choose(&mut self.rng)
        {
            let post = &sent.post;
            let country = pick(&WITHHOLDING_COUNTRIES, mixed(post.id));
            append(&Notice::status_withheld(post.id, user_id(post.author), country, now), messages);
        }
        if self.happens(USER_WITHHELD) {
            let last = self.population.len().div_ceil(WITHHELD_ONE_OF);
            let user = self.rng.random_range(0..last) * WITHHELD_ONE_OF;
            let country = self.population.withhold(user);
            append(&Notice::user_withheld(user_id(user), country, now), messages);
        }
    }
}
