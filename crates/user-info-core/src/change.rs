//! What a fact changes: a profile, or the membership of one pair.
//!
//! Invariant: applying the changes of a partition again from any earlier offset, in order, ends in the same state,
//! because each change says what *is*, not what to add.

use crate::id::Id;
use crate::stored::StoredProfile;
use crate::topic::Topic;

/// One change to the state. A record decodes to exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The user's profile is this one.
    Profile {
        /// Whose profile.
        user: Id,
        /// The profile and the record that published it.
        profile: Box<StoredProfile>,
    },
    /// The user has no profile and no name. Their sets stay: those belong to the facts of other topics.
    Forget {
        /// Whose profile goes.
        user: Id,
    },
    /// The member belongs to the set.
    Add(Pair),
    /// The member does not belong to the set.
    Remove(Pair),
}

/// A member and the set of its owner that it may belong to: the key of a record, materialised.
///
/// A follow is one pair that two counts see: the owner's following and the member's followers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// Which kind of set.
    pub relation: Relation,
    /// Whose set: the author, the follower, who likes, the list's owner.
    pub owner: Id,
    /// The tweet, the followee or the list.
    pub member: Id,
}

/// The four kinds of sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// The tweets of a user.
    Tweets,
    /// The users that a user follows.
    Follows,
    /// The tweets that a user likes.
    Likes,
    /// The lists that a user owns.
    Lists,
}

impl Relation {
    /// All relations.
    pub const ALL: [Self; 4] = [Self::Tweets, Self::Follows, Self::Likes, Self::Lists];

    /// The topic whose facts decide this relation.
    pub fn topic(self) -> Topic {
        match self {
            Self::Tweets => Topic::Tweets,
            Self::Follows => Topic::Follows,
            Self::Likes => Topic::Likes,
            Self::Lists => Topic::Lists,
        }
    }

    /// The number that stands for the relation in stored keys. Persisted: never renumber.
    pub fn number(self) -> u8 {
        self.topic().number()
    }

    /// The relation with this stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| relation.number() == number)
    }
}
