//! Reading records: from any bytes to a fact, a tombstone, or a typed reason why not.
//!
//! Total: no input panics, recurses without bound or allocates more than a small multiple of its own size. Unknown
//! fields are ignored, so that producers may add some; everything else that departs from the contract makes a bad
//! record, because a guess would change counts.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;

use crate::change::Change;
use crate::fact::Fact;
use crate::id::{Id, InvalidId};
use crate::key::{InvalidKey, Key};
use crate::profile::{self, AccountState, Profile};
use crate::stored::Stamp;
use crate::timestamp::Timestamp;
use crate::topic::{Topic, partition_of};

/// Which rules decided what is a bad record. Raised with every change of them; stores remember it.
pub const DECODER_VERSION: u32 = 1;

/// Largest value that is read. Kafka's own default limit for a record is of this size.
pub const MAX_VALUE_BYTES: usize = 1024 * 1024;

/// Deepest nesting of arrays and objects that is read, the outermost object and ignored fields included. Common JSON
/// readers go no deeper, and every consumer of a topic has to agree on what is a bad record.
pub const MAX_NESTING_DEPTH: usize = 127;

/// How much of an unknown type is quoted: more than twice the longest type of the contract, and short when escaped.
const MAX_QUOTED_CHARS: usize = 32;

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A fact.
    Fact(Fact),
    /// A null value: what the key names is gone.
    Tombstone(Key),
}

/// Why a record cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// The record has no key.
    #[error("the record has no key; it must be user_id or owner/member")]
    MissingKey,
    /// The key is not one of this topic.
    #[error(transparent)]
    InvalidKey(#[from] InvalidKey),
    /// The record is in another partition than its key belongs to.
    #[error(
        "the key belongs to partition {expected}, the record is in {found}: produce with partitioner murmur2_random"
    )]
    WrongPartition {
        /// The key's partition.
        expected: i32,
        /// The record's partition.
        found: i32,
    },
    /// The value is longer than [`MAX_VALUE_BYTES`].
    #[error("the value has {bytes} bytes, at most {MAX_VALUE_BYTES} are read")]
    ValueTooLong {
        /// Length of the value in bytes.
        bytes: usize,
    },
    /// The value is not JSON, is nested too deep, or a field has the wrong type, is missing or stands there twice.
    #[error("the value is not a fact: {reason}")]
    Malformed {
        /// What is wrong and at which line and column.
        reason: String,
    },
    /// The value is JSON but not an object.
    #[error("the value is not a JSON object")]
    NotAnObject,
    /// `type` names no fact of this topic.
    #[error("unknown type {found:?} on topic {topic}")]
    UnknownType {
        /// The record's topic.
        topic: Topic,
        /// The beginning of the type that was found.
        found: String,
    },
    /// An id in the value is not an id.
    #[error("field {field}: {reason}")]
    InvalidId {
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        reason: InvalidId,
    },
    /// A field has a value that it cannot have.
    #[error("field {field}: {reason}")]
    InvalidField {
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The ids in the value are not those of the key.
    #[error("the ids in the value ({value}) are not those of the key ({key})")]
    KeyMismatch {
        /// The record's key.
        key: String,
        /// The key that the value would have.
        value: String,
    },
}

impl BadRecord {
    /// A stable word for metrics and headers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingKey => "missing-key",
            Self::InvalidKey(_) => "invalid-key",
            Self::WrongPartition { .. } => "wrong-partition",
            Self::ValueTooLong { .. } => "value-too-long",
            Self::Malformed { .. } => "malformed",
            Self::NotAnObject => "not-an-object",
            Self::UnknownType { .. } => "unknown-type",
            Self::InvalidId { .. } => "invalid-id",
            Self::InvalidField { .. } => "invalid-field",
            Self::KeyMismatch { .. } => "key-mismatch",
        }
    }
}

/// Checks that a record with this key may stand in `partition` of `partitions`.
pub fn check_partition(key: &[u8], partition: i32, partitions: i32) -> Result<(), BadRecord> {
    let expected = partition_of(key, partitions);
    if expected == partition { Ok(()) } else { Err(BadRecord::WrongPartition { expected, found: partition }) }
}

/// Reads a record of `topic`.
pub fn decode(topic: Topic, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Decoded, BadRecord> {
    let key = Key::parse(topic, key.ok_or(BadRecord::MissingKey)?)?;
    let Some(value) = value else {
        return Ok(Decoded::Tombstone(key));
    };
    let fact = decode_value(topic, value)?;
    let implied = fact.key();
    if implied != key {
        return Err(BadRecord::KeyMismatch { key: key.to_string(), value: implied.to_string() });
    }
    Ok(Decoded::Fact(fact))
}

impl Decoded {
    /// What the record at `stamp` changes.
    pub fn into_change(self, stamp: Stamp) -> Change {
        match self {
            Self::Fact(fact) => fact.into_change(stamp),
            Self::Tombstone(Key::User(user)) => Change::Forget { user },
            Self::Tombstone(Key::Pair(pair)) => Change::Remove(pair),
        }
    }
}

fn decode_value(topic: Topic, value: &[u8]) -> Result<Fact, BadRecord> {
    if value.len() > MAX_VALUE_BYTES {
        return Err(BadRecord::ValueTooLong { bytes: value.len() });
    }
    let value = std::str::from_utf8(value).map_err(|error| malformed(&error))?;
    require_object(value)?;
    require_shallow(value)?;
    let kind = parse::<Kind<'_>>(value)?.kind;
    match (topic, kind.as_ref()) {
        (Topic::Users, "user_changed") => parse::<UserChanged<'_>>(value)?.into_fact(),
        (Topic::Tweets, "tweeted") => parse::<Tweeted<'_>>(value)?.into_fact(),
        (Topic::Tweets, "tweet_deleted") => parse::<UserTweet<'_>>(value)?.into_tweet_deleted(),
        (Topic::Follows, "followed") => parse::<Followed<'_>>(value)?.into_fact(),
        (Topic::Follows, "unfollowed") => parse::<Unfollowed<'_>>(value)?.into_fact(),
        (Topic::Likes, "liked") => parse::<Liked<'_>>(value)?.into_fact(),
        (Topic::Likes, "unliked") => parse::<UserTweet<'_>>(value)?.into_unliked(),
        (Topic::Lists, "list_created") => parse::<ListCreated<'_>>(value)?.into_fact(),
        (Topic::Lists, "list_deleted") => parse::<ListDeleted<'_>>(value)?.into_fact(),
        (topic, found) => Err(BadRecord::UnknownType { topic, found: found.chars().take(MAX_QUOTED_CHARS).collect() }),
    }
}

/// Structs are also read from JSON arrays by `serde`; the contract has objects only.
fn require_object(value: &str) -> Result<(), BadRecord> {
    match value.bytes().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[' | b'"' | b'0'..=b'9' | b'-' | b't' | b'f' | b'n') => {
            parse::<serde::de::IgnoredAny>(value)?;
            Err(BadRecord::NotAnObject)
        }
        Some(_) | None => Ok(()),
    }
}

/// Ignored fields are skipped without recursion, so `serde_json` itself sets them no limit.
fn require_shallow(value: &str) -> Result<(), BadRecord> {
    let opening = value.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count();
    if opening <= MAX_NESTING_DEPTH || nesting_depth(value) <= MAX_NESTING_DEPTH {
        return Ok(());
    }
    Err(malformed(&format_args!("arrays and objects are nested more than {MAX_NESTING_DEPTH} deep")))
}

/// The deepest nesting of JSON. Of anything else it is a guess, and that fails to parse all the same.
fn nesting_depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn parse<'value, T: Deserialize<'value>>(value: &'value str) -> Result<T, BadRecord> {
    serde_json::from_str(value).map_err(|error| malformed(&error))
}

fn malformed(reason: &dyn fmt::Display) -> BadRecord {
    BadRecord::Malformed { reason: reason.to_string() }
}

type Text<'value> = Cow<'value, str>;

#[derive(Deserialize)]
struct Kind<'value> {
    #[serde(rename = "type", borrow)]
    kind: Text<'value>,
}

#[derive(Deserialize)]
struct UserChanged<'value> {
    #[serde(borrow)]
    user_id: Text<'value>,
    username: String,
    name: String,
    #[serde(borrow)]
    state: Text<'value>,
    #[serde(borrow)]
    joined_at: Text<'value>,
    #[serde(deserialize_with = "Option::deserialize")]
    bio: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    location: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    url: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    profile_image_url: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    background_image_url: Option<String>,
}

#[derive(Deserialize)]
struct Tweeted<'value> {
    #[serde(borrow)]
    user_id: Text<'value>,
    #[serde(borrow)]
    tweet_id: Text<'value>,
    text: String,
    #[serde(borrow)]
    created_at: Text<'value>,
}

#[derive(Deserialize)]
struct UserTweet<'value> {
    #[serde(borrow)]
    user_id: Text<'value>,
    #[serde(borrow)]
    tweet_id: Text<'value>,
}

#[derive(Deserialize)]
struct Followed<'value> {
    #[serde(borrow)]
    follower_id: Text<'value>,
    #[serde(borrow)]
    followee_id: Text<'value>,
    #[serde(borrow)]
    created_at: Text<'value>,
}

#[derive(Deserialize)]
struct Unfollowed<'value> {
    #[serde(borrow)]
    follower_id: Text<'value>,
    #[serde(borrow)]
    followee_id: Text<'value>,
}

#[derive(Deserialize)]
struct Liked<'value> {
    #[serde(borrow)]
    user_id: Text<'value>,
    #[serde(borrow)]
    tweet_id: Text<'value>,
    #[serde(borrow)]
    created_at: Text<'value>,
}

#[derive(Deserialize)]
struct ListCreated<'value> {
    #[serde(borrow)]
    owner_id: Text<'value>,
    #[serde(borrow)]
    list_id: Text<'value>,
    name: String,
    #[serde(borrow)]
    created_at: Text<'value>,
}

#[derive(Deserialize)]
struct ListDeleted<'value> {
    #[serde(borrow)]
    owner_id: Text<'value>,
    #[serde(borrow)]
    list_id: Text<'value>,
}

impl UserChanged<'_> {
    fn into_fact(self) -> Result<Fact, BadRecord> {
        profile::check_username(&self.username)
            .map_err(|_| invalid("username", "1 to 256 bytes without whitespace or control characters"))?;
        let state = AccountState::from_name(&self.state)
            .ok_or_else(|| invalid("state", "must be active, suspended or deactivated"))?;
        let profile = Profile {
            username: self.username,
            name: bounded("name", self.name)?,
            state,
            joined_at: time("joined_at", &self.joined_at)?,
            bio: optional("bio", self.bio)?,
            location: optional("location", self.location)?,
            url: optional("url", self.url)?,
            profile_image_url: optional("profile_image_url", self.profile_image_url)?,
            background_image_url: optional("background_image_url", self.background_image_url)?,
        };
        Ok(Fact::UserChanged { user_id: id("user_id", &self.user_id)?, profile })
    }
}

impl Tweeted<'_> {
    fn into_fact(self) -> Result<Fact, BadRecord> {
        Ok(Fact::Tweeted {
            user_id: id("user_id", &self.user_id)?,
            tweet_id: id("tweet_id", &self.tweet_id)?,
            text: self.text,
            created_at: time("created_at", &self.created_at)?,
        })
    }
}

impl UserTweet<'_> {
    fn ids(&self) -> Result<(Id, Id), BadRecord> {
        Ok((id("user_id", &self.user_id)?, id("tweet_id", &self.tweet_id)?))
    }

    fn into_tweet_deleted(self) -> Result<Fact, BadRecord> {
        self.ids().map(|(user_id, tweet_id)| Fact::TweetDeleted { user_id, tweet_id })
    }

    fn into_unliked(self) -> Result<Fact, BadRecord> {
        self.ids().map(|(user_id, tweet_id)| Fact::Unliked { user_id, tweet_id })
    }
}

impl Followed<'_> {
    fn into_fact(self) -> Result<Fact, BadRecord> {
        Ok(Fact::Followed {
            follower_id: id("follower_id", &self.follower_id)?,
            followee_id: id("followee_id", &self.followee_id)?,
            created_at: time("created_at", &self.created_at)?,
        })
    }
}

impl Unfollowed<'_> {
    fn into_fact(self) -> Result<Fact, BadRecord> {
        Ok(Fact::Unfollowed {
            follower_id: id("follower_id", &self.follower_id)?,
            followee_id: id("followee_id", &self.followee_id)?,
        })
    }
}

impl Liked<'_> {
    fn into_fact(self) -> Result<Fact, BadRecord> {
        Ok(Fact::Liked {
            user_id: id("user_id", &self.user_id)?,
            tweet_id: id("tweet_id", &self.tweet_id)?,
            created_at: time("created_at", &self.created_at)?,
        })
    }
}

impl ListCreated<'_> {
    fn into_fact(self) -> Result<Fact, BadRecord> {
        Ok(Fact::ListCreated {
            owner_id: id("owner_id", &self.owner_id)?,
            list_id: id("list_id", &self.list_id)?,
            name: bounded("name", self.name)?,
            created_at: time("created_at", &self.created_at)?,
        })
    }
}

impl ListDeleted<'_> {
    fn into_fact(self) -> Result<Fact, BadRecord> {
        Ok(Fact::ListDeleted { owner_id: id("owner_id", &self.owner_id)?, list_id: id("list_id", &self.list_id)? })
    }
}

fn invalid(field: &'static str, reason: &'static str) -> BadRecord {
    BadRecord::InvalidField { field, reason }
}

fn id(field: &'static str, text: &str) -> Result<Id, BadRecord> {
    Id::new(text).map_err(|reason| BadRecord::InvalidId { field, reason })
}

fn time(field: &'static str, text: &str) -> Result<Timestamp, BadRecord> {
    text.parse().map_err(|_| invalid(field, "expected an RFC 3339 time such as 2026-11-23T08:30:00.000Z"))
}

fn bounded(field: &'static str, text: String) -> Result<String, BadRecord> {
    if text.len() <= profile::MAX_TEXT_BYTES { Ok(text) } else { Err(invalid(field, "longer than 16384 bytes")) }
}

fn optional(field: &'static str, text: Option<String>) -> Result<Option<String>, BadRecord> {
    text.map(|text| bounded(field, text)).transpose()
}
