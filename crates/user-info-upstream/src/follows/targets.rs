//! How many each user is to follow and to be followed by, as the stream says, and how many there are.
//!
//! Invariant: at most [`TARGETS_MAX`] users have targets; degrees are those of the users who follow or are followed.

use std::collections::HashMap;

use indexmap::IndexMap;
use rand::{Rng, RngExt};
use tokio::sync::mpsc;
use user_info_core::Id;

use crate::generator::known_users::KnownUsers;
use crate::stream::message::{Message, User};

/// Users of whom it is remembered what the stream said, about 100 MiB. Those that come when there are so many have none.
pub const TARGETS_MAX: usize = 1_000_000;

/// How many somebody follows, and by how many they are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Degree {
    friends: u64,
    followers: u64,
}

#[derive(Debug)]
pub(super) struct Targets {
    messages: mpsc::Receiver<Message>,
    wanted: IndexMap<Id, Degree>,
    reached: HashMap<Id, Degree>,
}

impl Targets {
    pub(super) fn new(messages: mpsc::Receiver<Message>) -> Self {
        Self { messages, wanted: IndexMap::new(), reached: HashMap::new() }
    }

    /// Takes in what the stream has said since.
    pub(super) fn read_stream(&mut self) {
        while let Ok(message) = self.messages.try_recv() {
            if let Message::Status(status) = message {
                self.learn(&status.author);
                status.others.iter().for_each(|user| self.learn(user));
            }
        }
    }

    fn learn(&mut self, user: &User) {
        // Counts that the server did not know say nothing.
        let (Some(friends), Some(followers)) = (user.friends, user.followers) else { return };
        if self.wanted.len() < TARGETS_MAX || self.wanted.contains_key(&user.id) {
            self.wanted.insert(user.id.clone(), Degree { friends, followers });
        }
    }

    pub(super) fn forget(&mut self, user: &Id) {
        self.wanted.swap_remove(user);
    }

    pub(super) fn forget_degrees(&mut self) {
        self.reached.clear();
    }

    /// Notes that a follow came (1) or went (-1).
    pub(super) fn note(&mut self, follower: &Id, followee: &Id, difference: i64) {
        self.change(follower, |degree| degree.friends = degree.friends.saturating_add_signed(difference));
        self.change(followee, |degree| degree.followers = degree.followers.saturating_add_signed(difference));
    }

    fn change(&mut self, user: &Id, change: impl FnOnce(&mut Degree)) {
        let mut degree = self.reached(user);
        change(&mut degree);
        if degree == Degree::default() {
            self.reached.remove(user);
        } else if let Some(reached) = self.reached.get_mut(user) {
            *reached = degree;
        } else {
            self.reached.insert(user.clone(), degree);
        }
    }

    fn reached(&self, user: &Id) -> Degree {
        self.reached.get(user).copied().unwrap_or_default()
    }

    /// Two known users of whom one is to follow more and the other to be followed by more, if such were drawn.
    pub(super) fn choose(&self, users: &KnownUsers, rng: &mut impl Rng) -> Option<(Id, Id)> {
        let follower = self.draw(users, rng, |wanted, reached| reached.friends < wanted.friends)?;
        let followee = self.draw(users, rng, |wanted, reached| reached.followers < wanted.followers)?;
        (follower != followee).then(|| (follower.clone(), followee.clone()))
    }

    fn draw(&self, users: &KnownUsers, rng: &mut impl Rng, fits: impl Fn(Degree, Degree) -> bool) -> Option<&Id> {
        if self.wanted.is_empty() {
            return None;
        }
        let (user, &wanted) = self.wanted.get_index(rng.random_range(0..self.wanted.len()))?;
        (users.contains(user) && fits(wanted, self.reached(user))).then_some(user)
    }

    /// Whether the follow is one too many for either of them.
    pub(super) fn is_beyond(&self, follower: &Id, followee: &Id) -> bool {
        let friends = self.wanted.get(follower).is_some_and(|wanted| self.reached(follower).friends > wanted.friends);
        let followers =
            self.wanted.get(followee).is_some_and(|wanted| self.reached(followee).followers > wanted.followers);
        friends || followers
    }
}
