//! Statuses that others can still react to.
//!
//! Invariant: at most [`RECENT_MAX`] of them, none deleted, oldest first.

use std::collections::VecDeque;
use std::sync::Arc;

use rand::{Rng, RngExt};

use crate::simulator::graph::User;
use crate::simulator::post::{Post, Reference, Sent};

/// Statuses that can still be deleted, answered or repeated by others.
const RECENT_MAX: usize = 4_096;
/// Half of the deletions are among so many of the newest statuses.
const JUST_SENT: usize = 8;
/// Looks for a status of one's own region before one of another does as well.
const LOOKS: usize = 4;

/// The newest statuses.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<Sent>);

impl Recent {
    pub(super) fn push(&mut self, sent: Sent) {
        if self.0.len() == RECENT_MAX {
            self.0.pop_front();
        }
        self.0.push_back(sent);
    }

    /// Any status.
    pub(super) fn choose(&self, rng: &mut impl Rng) -> Option<&Sent> {
        if self.0.is_empty() { None } else { self.0.get(rng.random_range(0..self.0.len())) }
    }

    /// A status to react to: an original that is possible, near the user if one is found soon.
    pub(super) fn choose_near(
        &mut self,
        rng: &mut impl Rng,
        is_possible: impl Fn(User) -> bool,
        is_near: impl Fn(User) -> bool,
    ) -> Option<&mut Sent> {
        let mut found = None;
        for _ in 0..LOOKS {
            let place = rng.random_range(0..self.0.len().max(1));
            let author = self.0.get(place).filter(|sent| sent.is_original()).map(|sent| sent.post.author);
            match author {
                Some(author) if is_possible(author) && is_near(author) => return self.0.get_mut(place),
                Some(author) if is_possible(author) => found = Some(place),
                Some(_) | None => {}
            }
        }
        self.0.get_mut(found?)
    }

    /// Takes away any status whose author can delete it; half of the time one that was just sent.
    pub(super) fn take(&mut self, rng: &mut impl Rng, is_possible: impl Fn(User) -> bool) -> Option<Sent> {
        let count = self.0.len();
        let among = if rng.random_ratio(1, 2) { JUST_SENT.min(count) } else { count };
        let from_newest = rng.random_range(0..among.max(1));
        let place = count.checked_sub(1 + from_newest)?;
        if is_possible(self.0[place].post.author) { self.0.remove(place) } else { None }
    }

    /// Takes away all statuses of a user, which are returned by number.
    pub(super) fn take_all_of(&mut self, user: User) -> Vec<u64> {
        let mut taken = Vec::new();
        self.0.retain(|sent| {
            let is_taken = sent.post.author == user;
            if is_taken {
                taken.push(sent.post.id);
            }
            !is_taken
        });
        taken
    }

    /// Forgets the positions of all statuses of a user.
    pub(super) fn forget_positions_of(&mut self, user: User) {
        let forget = |post: &mut Arc<Post>| {
            if post.author == user && post.position.is_some() {
                Arc::make_mut(post).position = None;
            }
        };
        for sent in &mut self.0 {
            forget(&mut sent.post);
            match &mut sent.refers_to {
                Reference::Quoted(post, _) | Reference::Retweeted(post, _) => forget(post),
                Reference::None => {}
            }
        }
    }
}
