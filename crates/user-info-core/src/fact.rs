//! Facts: what the upstream services publish, and their JSON form.
//!
//! One record is one fact. Its key names what it decides; its value is a JSON object with a `type`. A fact always
//! carries all its fields. Reading them back is [`mod@crate::decode`].

use serde::Serialize;

use crate::change::{Change, Pair, Relation};
use crate::id::Id;
use crate::key::Key;
use crate::profile::Profile;
use crate::stored::{Stamp, StoredProfile};
use crate::timestamp::Timestamp;
use crate::topic::Topic;

/// A fact about a user, a tweet, a follow, a like or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the contract's table, named there and here alike")]
pub enum Fact {
    /// The user's profile is this one.
    UserChanged { user_id: Id, profile: Profile },
    /// The user wrote the tweet.
    Tweeted { user_id: Id, tweet_id: Id, text: String, created_at: Timestamp },
    /// The tweet is gone.
    TweetDeleted { user_id: Id, tweet_id: Id },
    /// The follower follows the followee.
    Followed { follower_id: Id, followee_id: Id, created_at: Timestamp },
    /// The follower does not follow the followee.
    Unfollowed { follower_id: Id, followee_id: Id },
    /// The user likes the tweet.
    Liked { user_id: Id, tweet_id: Id, created_at: Timestamp },
    /// The user does not like the tweet.
    Unliked { user_id: Id, tweet_id: Id },
    /// The list exists under this name; published again when renamed.
    ListCreated { owner_id: Id, list_id: Id, name: String, created_at: Timestamp },
    /// The list is gone.
    ListDeleted { owner_id: Id, list_id: Id },
}

impl Fact {
    /// What the fact decides: the key of its record.
    pub fn key(&self) -> Key {
        let pair = |relation, owner: &Id, member: &Id| {
            Key::Pair(Pair { relation, owner: owner.clone(), member: member.clone() })
        };
        match self {
            Self::UserChanged { user_id, .. } => Key::User(user_id.clone()),
            Self::Tweeted { user_id, tweet_id, .. } | Self::TweetDeleted { user_id, tweet_id } => {
                pair(Relation::Tweets, user_id, tweet_id)
            }
            Self::Followed { follower_id, followee_id, .. } | Self::Unfollowed { follower_id, followee_id } => {
                pair(Relation::Follows, follower_id, followee_id)
            }
            Self::Liked { user_id, tweet_id, .. } | Self::Unliked { user_id, tweet_id } => {
                pair(Relation::Likes, user_id, tweet_id)
            }
            Self::ListCreated { owner_id, list_id, .. } | Self::ListDeleted { owner_id, list_id } => {
                pair(Relation::Lists, owner_id, list_id)
            }
        }
    }

    /// The topic that carries the fact.
    pub fn topic(&self) -> Topic {
        match self {
            Self::UserChanged { .. } => Topic::Users,
            Self::Tweeted { .. } | Self::TweetDeleted { .. } => Topic::Tweets,
            Self::Followed { .. } | Self::Unfollowed { .. } => Topic::Follows,
            Self::Liked { .. } | Self::Unliked { .. } => Topic::Likes,
            Self::ListCreated { .. } | Self::ListDeleted { .. } => Topic::Lists,
        }
    }

    /// Whether a tombstone follows the fact, so that compaction can drop the pair of them.
    pub fn is_deletion(&self) -> bool {
        match self {
            Self::TweetDeleted { .. } | Self::Unfollowed { .. } | Self::Unliked { .. } | Self::ListDeleted { .. } => {
                true
            }
            Self::UserChanged { .. }
            | Self::Tweeted { .. }
            | Self::Followed { .. }
            | Self::Liked { .. }
            | Self::ListCreated { .. } => false,
        }
    }

    /// What the fact, published by the record at `stamp`, changes.
    pub fn into_change(self, stamp: Stamp) -> Change {
        if let Self::UserChanged { user_id, profile } = self {
            return Change::Profile { user: user_id, profile: Box::new(StoredProfile { profile, stamp }) };
        }
        let deletion = self.is_deletion();
        match self.key() {
            Key::Pair(pair) if deletion => Change::Remove(pair),
            Key::Pair(pair) => Change::Add(pair),
            Key::User(_) => unreachable!("only a changed user has the key of a user"),
        }
    }

    /// The value of the fact's record.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&Wire::from(self)).expect("a fact holds only text, which JSON can always write")
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Wire<'fact> {
    UserChanged {
        user_id: &'fact str,
        username: &'fact str,
        name: &'fact str,
        state: &'static str,
        joined_at: String,
        bio: Option<&'fact str>,
        location: Option<&'fact str>,
        url: Option<&'fact str>,
        profile_image_url: Option<&'fact str>,
        background_image_url: Option<&'fact str>,
    },
    Tweeted {
        user_id: &'fact str,
        tweet_id: &'fact str,
        text: &'fact str,
        created_at: String,
    },
    TweetDeleted {
        user_id: &'fact str,
        tweet_id: &'fact str,
    },
    Followed {
        follower_id: &'fact str,
        followee_id: &'fact str,
        created_at: String,
    },
    Unfollowed {
        follower_id: &'fact str,
        followee_id: &'fact str,
    },
    Liked {
        user_id: &'fact str,
        tweet_id: &'fact str,
        created_at: String,
    },
    Unliked {
        user_id: &'fact str,
        tweet_id: &'fact str,
    },
    ListCreated {
        owner_id: &'fact str,
        list_id: &'fact str,
        name: &'fact str,
        created_at: String,
    },
    ListDeleted {
        owner_id: &'fact str,
        list_id: &'fact str,
    },
}

impl<'fact> From<&'fact Fact> for Wire<'fact> {
    fn from(fact: &'fact Fact) -> Self {
        match fact {
            Fact::UserChanged { user_id, profile } => user_changed(user_id, profile),
            Fact::Tweeted { user_id, tweet_id, text, created_at } => Self::Tweeted {
                user_id: user_id.as_str(),
                tweet_id: tweet_id.as_str(),
                text,
                created_at: created_at.to_string(),
            },
            Fact::TweetDeleted { user_id, tweet_id } => {
                Self::TweetDeleted { user_id: user_id.as_str(), tweet_id: tweet_id.as_str() }
            }
            Fact::Followed { follower_id, followee_id, created_at } => Self::Followed {
                follower_id: follower_id.as_str(),
                followee_id: followee_id.as_str(),
                created_at: created_at.to_string(),
            },
            Fact::Unfollowed { follower_id, followee_id } => {
                Self::Unfollowed { follower_id: follower_id.as_str(), followee_id: followee_id.as_str() }
            }
            Fact::Liked { user_id, tweet_id, created_at } => Self::Liked {
                user_id: user_id.as_str(),
                tweet_id: tweet_id.as_str(),
                created_at: created_at.to_string(),
            },
            Fact::Unliked { user_id, tweet_id } => {
                Self::Unliked { user_id: user_id.as_str(), tweet_id: tweet_id.as_str() }
            }
            Fact::ListCreated { owner_id, list_id, name, created_at } => Self::ListCreated {
                owner_id: owner_id.as_str(),
                list_id: list_id.as_str(),
                name,
                created_at: created_at.to_string(),
            },
            Fact::ListDeleted { owner_id, list_id } => {
                Self::ListDeleted { owner_id: owner_id.as_str(), list_id: list_id.as_str() }
            }
        }
    }
}

fn user_changed<'fact>(user_id: &'fact Id, profile: &'fact Profile) -> Wire<'fact> {
    Wire::UserChanged {
        user_id: user_id.as_str(),
        username: &profile.username,
        name: &profile.name,
        state: profile.state.name(),
        joined_at: profile.joined_at.to_string(),
        bio: profile.bio.as_deref(),
        location: profile.location.as_deref(),
        url: profile.url.as_deref(),
        profile_image_url: profile.profile_image_url.as_deref(),
        background_image_url: profile.background_image_url.as_deref(),
    }
}
