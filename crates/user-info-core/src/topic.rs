//! The six topics, and which partition of a topic a key belongs to.
//!
//! Order within a key is what exactness rests on, so the partition of a key is part of the contract: murmur2 of the key
//! as Kafka's own clients compute it, modulo a partition count that never changes.

use std::fmt;

/// A topic of the contract between the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// One profile per user; key `user_id`.
    Users,
    /// Tweets by author; key `user_id/tweet_id`.
    Tweets,
    /// Who follows whom; key `follower_id/followee_id`.
    Follows,
    /// Likes by who gave them; key `user_id/tweet_id`.
    Likes,
    /// Lists by owner; key `owner_id/list_id`.
    Lists,
    /// Records of the other five that could not be used; key `topic/partition/offset`.
    DeadLetters,
}

impl Topic {
    /// The topics that carry facts.
    pub const FACTS: [Self; 5] = [Self::Users, Self::Tweets, Self::Follows, Self::Likes, Self::Lists];

    /// All topics of the contract.
    pub const ALL: [Self; 6] = [Self::Users, Self::Tweets, Self::Follows, Self::Likes, Self::Lists, Self::DeadLetters];

    /// The topic's name in the contract; a deployment may map it to another one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Tweets => "tweets",
            Self::Follows => "follows",
            Self::Likes => "likes",
            Self::Lists => "lists",
            Self::DeadLetters => "user-info-dead-letters",
        }
    }

    /// The topic with this contract name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// The number that stands for the topic in stored keys. Persisted: never renumber.
    pub fn number(self) -> u8 {
        match self {
            Self::Users => 1,
            Self::Tweets => 2,
            Self::Follows => 3,
            Self::Likes => 4,
            Self::Lists => 5,
            Self::DeadLetters => 6,
        }
    }

    /// The topic with this stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.number() == number)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The partition, of `partitions`, that Kafka's default partitioner gives to `key`.
///
/// # Panics
/// When `partitions` is not positive: no topic has that few.
pub fn partition_of(key: &[u8], partitions: i32) -> i32 {
    assert!(partitions > 0, "a topic has at least one partition, not {partitions}");
    let positive = (murmur2(key) & 0x7fff_ffff) as i32;
    positive % partitions
}

/// MurmurHash2, 32 bit, with the seed of Apache Kafka's `Utils.murmur2`.
fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const MULTIPLIER: u32 = 0x5bd1_e995;
    let mut words = data.chunks_exact(4);
    let mut hash = SEED ^ data.len() as u32;
    for word in &mut words {
        let mut mixed = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(MULTIPLIER);
        mixed ^= mixed >> 24;
        hash = hash.wrapping_mul(MULTIPLIER) ^ mixed.wrapping_mul(MULTIPLIER);
    }
    let tail = words.remainder();
    if !tail.is_empty() {
        let last = tail.iter().rev().fold(0_u32, |last, &byte| last << 8 | u32::from(byte));
        hash = (hash ^ last).wrapping_mul(MULTIPLIER);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(MULTIPLIER);
    hash ^ (hash >> 15)
}
