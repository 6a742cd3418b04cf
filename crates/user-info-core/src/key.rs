//! Record keys: `user_id` on the users topic, `owner/member` on the others.

use std::fmt;

use crate::change::{Pair, Relation};
use crate::id::{Id, InvalidId, MAX_ID_BYTES};
use crate::topic::Topic;

/// Two ids and the slash between them.
pub const MAX_KEY_BYTES: usize = 2 * MAX_ID_BYTES + 1;

/// The key of a fact: what the fact decides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A user's profile.
    User(Id),
    /// Whether a member belongs to a set of its owner.
    Pair(Pair),
}

/// Why bytes are not the key of a fact on a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// The key is longer than any key can be.
    #[error("a key has at most {MAX_KEY_BYTES} bytes, this one has {bytes}")]
    TooLong {
        /// Length of the key in bytes.
        bytes: usize,
    },
    /// The key is not text.
    #[error("the key is not UTF-8")]
    NotText,
    /// A pair's key has no slash.
    #[error("the key must be owner/member")]
    NoSlash,
    /// One of the ids is not an id.
    #[error("the key holds an invalid id: {0}")]
    Id(InvalidId),
    /// No facts travel on this topic.
    #[error("the topic carries no facts")]
    NoFacts,
}

impl Key {
    /// Reads the key of a record on `topic`.
    pub fn parse(topic: Topic, bytes: &[u8]) -> Result<Self, InvalidKey> {
        if bytes.len() > MAX_KEY_BYTES {
            return Err(InvalidKey::TooLong { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| InvalidKey::NotText)?;
        match topic {
            Topic::Users => parse_id(text).map(Self::User),
            Topic::Tweets => parse_pair(Relation::Tweets, text),
            Topic::Follows => parse_pair(Relation::Follows, text),
            Topic::Likes => parse_pair(Relation::Likes, text),
            Topic::Lists => parse_pair(Relation::Lists, text),
            Topic::DeadLetters => Err(InvalidKey::NoFacts),
        }
    }

    /// The topic whose records have this key.
    pub fn topic(&self) -> Topic {
        match self {
            Self::User(_) => Topic::Users,
            Self::Pair(pair) => pair.relation.topic(),
        }
    }
}

fn parse_pair(relation: Relation, text: &str) -> Result<Key, InvalidKey> {
    let (owner, member) = text.split_once('/').ok_or(InvalidKey::NoSlash)?;
    Ok(Key::Pair(Pair { relation, owner: parse_id(owner)?, member: parse_id(member)? }))
}

fn parse_id(text: &str) -> Result<Id, InvalidKey> {
    Id::new(text).map_err(InvalidKey::Id)
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(formatter, "{user}"),
            Self::Pair(pair) => write!(formatter, "{}/{}", pair.owner, pair.member),
        }
    }
}
