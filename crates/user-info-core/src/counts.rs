//! The five counts of a user.
//!
//! Invariant (I1): each count equals the number of members of its set. Counts move only by [`CountDelta`]s that the
//! fold derives from real changes of membership, so a delta that would take a count below zero is a broken invariant.

use crate::change::Relation;

/// How many members each of a user's sets has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counts {
    /// Tweets by the user.
    pub tweets: u64,
    /// Users that the user follows.
    pub following: u64,
    /// Users that follow the user.
    pub followers: u64,
    /// Likes given by the user.
    pub likes: u64,
    /// Lists owned by the user.
    pub lists: u64,
}

/// By how much a batch moves the counts of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CountDelta {
    /// Tweets added, less removed.
    pub tweets: i64,
    /// Followees added, less removed.
    pub following: i64,
    /// Followers added, less removed.
    pub followers: i64,
    /// Likes added, less removed.
    pub likes: i64,
    /// Lists added, less removed.
    pub lists: i64,
}

/// A count would fall below zero: the stored counts and the stored members disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("count {count} moved by {delta} would fall below zero: the store is damaged, run `user-info rebuild`")]
pub struct Drift {
    count: u64,
    delta: i64,
}

impl Counts {
    /// The counts after `delta`.
    pub fn moved_by(self, delta: CountDelta) -> Result<Self, Drift> {
        Ok(Self {
            tweets: moved(self.tweets, delta.tweets)?,
            following: moved(self.following, delta.following)?,
            followers: moved(self.followers, delta.followers)?,
            likes: moved(self.likes, delta.likes)?,
            lists: moved(self.lists, delta.lists)?,
        })
    }

    /// Whether every set is empty.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

fn moved(count: u64, delta: i64) -> Result<u64, Drift> {
    count.checked_add_signed(delta).ok_or(Drift { count, delta })
}

impl CountDelta {
    /// Moves the count that the owner of a pair sees.
    pub fn move_owner(&mut self, relation: Relation, by: i64) {
        match relation {
            Relation::Tweets => self.tweets += by,
            Relation::Follows => self.following += by,
            Relation::Likes => self.likes += by,
            Relation::Lists => self.lists += by,
        }
    }

    /// Whether no count moves.
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }
}
