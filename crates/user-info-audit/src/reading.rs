//! What one record says, judged by the contract of the topics alone.
//!
//! A record either makes a [`Statement`] about what its key names, or it is bad, for a reason in words. Whom it is about
//! is known as soon as its key can be read, also when the rest is bad.

use std::fmt;

use user_info_core::Topic;
use user_info_log::Record;

use crate::json::{Null, Texts, read_texts};
use crate::partition::home;
use crate::time::millis;

/// Longest id in bytes.
const ID_BYTES_MAX: usize = 64;
/// Longest key in bytes: two ids and a slash.
const KEY_BYTES_MAX: usize = 129;
/// Longest value in bytes.
const VALUE_BYTES_MAX: usize = 1_048_576;
/// Longest name, bio, location, address or list name in bytes.
const TEXT_BYTES_MAX: usize = 16_384;
/// Longest username in bytes.
const USERNAME_BYTES_MAX: usize = 256;

/// What a record's key names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    User(String),
    Pair { owner: String, member: String },
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => formatter.write_str(user),
            Self::Pair { owner, member } => write!(formatter, "{owner}/{member}"),
        }
    }
}

/// What a good record says of what its key names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    /// The user's profile is this one.
    Profile(Box<Profile>),
    /// The member belongs to the owner's set.
    Belongs,
    /// Neither profile nor member is there.
    Gone,
}

/// A profile as the log states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The username, as it is written.
    pub username: String,
    /// The display name.
    pub name: String,
    /// `active`, `suspended` or `deactivated`.
    pub state: String,
    /// When the account was created, in milliseconds since the Unix epoch.
    pub joined_at_ms: i64,
    /// The bio text.
    pub bio: Option<String>,
    /// Where the user says to be.
    pub location: Option<String>,
    /// The user's web page.
    pub url: Option<String>,
    /// Address of the avatar.
    pub profile_image_url: Option<String>,
    /// Address of the banner.
    pub background_image_url: Option<String>,
}

/// One record, judged.
pub(crate) struct Reading {
    /// What the key names; `None` when there is no key or it cannot be read.
    pub(crate) key: Option<Key>,
    /// What the record says, or why it is bad.
    pub(crate) says: Result<Statement, String>,
}

/// What the four topics of pairs write: the ids of the key, and the types with their other fields.
struct PairRules {
    owner: &'static str,
    member: &'static str,
    added: &'static str,
    removed: &'static str,
    /// Besides the ids and `created_at`: a text of any length, and one that is limited.
    text: Option<&'static str>,
    name: Option<&'static str>,
}

const TWEETS: PairRules = PairRules {
    owner: "user_id",
    member: "tweet_id",
    added: "tweeted",
    removed: "tweet_deleted",
    text: Some("text"),
    name: None,
};
const FOLLOWS: PairRules = PairRules {
    owner: "follower_id",
    member: "followee_id",
    added: "followed",
    removed: "unfollowed",
    text: None,
    name: None,
};
const LIKES: PairRules =
    PairRules { owner: "user_id", member: "tweet_id", added: "liked", removed: "unliked", text: None, name: None };
const LISTS: PairRules = PairRules {
    owner: "owner_id",
    member: "list_id",
    added: "list_created",
    removed: "list_deleted",
    text: None,
    name: Some("name"),
};

const PROFILE_FIELDS: [(&str, Null); 10] = [
    ("user_id", Null::Refused),
    ("username", Null::Refused),
    ("name", Null::Refused),
    ("state", Null::Refused),
    ("joined_at", Null::Refused),
    ("bio", Null::Allowed),
    ("location", Null::Allowed),
    ("url", Null::Allowed),
    ("profile_image_url", Null::Allowed),
    ("background_image_url", Null::Allowed),
];

/// Judges a record of a topic with that many partitions.
pub(crate) fn read(record: &Record, partitions: i32) -> Reading {
    let Some(bytes) = record.key.as_deref() else {
        return Reading { key: None, says: Err("it has no key".into()) };
    };
    let key = match read_key(record.topic, bytes) {
        Ok(key) => key,
        Err(reason) => return Reading { key: None, says: Err(reason) },
    };
    let home = home(bytes, partitions);
    let says = if home == record.partition {
        read_value(record.topic, &key, record.value.as_deref())
    } else {
        Err(format!("its key belongs to partition {home}"))
    };
    Reading { key: Some(key), says }
}

fn pair_rules(topic: Topic) -> Option<&'static PairRules> {
    match topic {
        Topic::Tweets => Some(&TWEETS),
        Topic::Follows => Some(&FOLLOWS),
        Topic::Likes => Some(&LIKES),
        Topic::Lists => Some(&LISTS),
        Topic::Users | Topic::DeadLetters => None,
    }
}

fn read_key(topic: Topic, bytes: &[u8]) -> Result<Key, String> {
    if bytes.len() > KEY_BYTES_MAX {
        return Err(format!("its key has {} bytes, at most {KEY_BYTES_MAX} are read", bytes.len()));
    }
    let text = str::from_utf8(bytes).map_err(|_| "its key is not UTF-8".to_owned())?;
    let parts: Vec<&str> = text.split('/').collect();
    let wanted = if topic == Topic::Users { 1 } else { 2 };
    if topic == Topic::DeadLetters || parts.len() != wanted || !parts.iter().all(|part| is_id(part)) {
        return Err(format!("its key is not {}", if wanted == 1 { "an id" } else { "two ids with a slash between" }));
    }
    Ok(match parts[..] {
        [owner, member] => Key::Pair { owner: owner.into(), member: member.into() },
        _ => Key::User(text.into()),
    })
}

fn read_value(topic: Topic, key: &Key, value: Option<&[u8]>) -> Result<Statement, String> {
    let Some(value) = value else { return Ok(Statement::Gone) };
    if value.len() > VALUE_BYTES_MAX {
        return Err(format!("its value has {} bytes, at most {VALUE_BYTES_MAX} are read", value.len()));
    }
    let value = str::from_utf8(value).map_err(|_| "its value is not UTF-8".to_owned())?;
    let kind = text(&read_texts(value, &[("type", Null::Refused)])?, "type").to_owned();
    match (key, pair_rules(topic)) {
        (Key::User(user), None) => read_profile(user, &kind, value),
        (Key::Pair { owner, member }, Some(rules)) => read_pair(rules, (owner, member), &kind, value),
        (Key::User(_), Some(_)) | (Key::Pair { .. }, None) => Err("its key is not one of this topic".into()),
    }
}

fn read_pair(rules: &PairRules, key: (&str, &str), kind: &str, value: &str) -> Result<Statement, String> {
    let mut wanted = vec![(rules.owner, Null::Refused), (rules.member, Null::Refused)];
    let added = kind == rules.added;
    if added {
        wanted.push(("created_at", Null::Refused));
        wanted.extend(rules.text.into_iter().chain(rules.name).map(|field| (field, Null::Refused)));
    } else if kind != rules.removed {
        return Err(unknown_type(kind));
    }
    let texts = read_texts(value, &wanted)?;
    require_same(key.0, &texts, rules.owner)?;
    require_same(key.1, &texts, rules.member)?;
    if !added {
        return Ok(Statement::Gone);
    }
    read_time(&texts, "created_at")?;
    if let Some(name) = rules.name {
        require_short(&texts, name)?;
    }
    Ok(Statement::Belongs)
}

fn read_profile(user: &str, kind: &str, value: &str) -> Result<Statement, String> {
    if kind != "user_changed" {
        return Err(unknown_type(kind));
    }
    let mut texts = read_texts(value, &PROFILE_FIELDS)?;
    require_same(user, &texts, "user_id")?;
    if !is_username(text(&texts, "username")) {
        return Err("username must be 1 to 256 bytes without whitespace and control characters".into());
    }
    if !["active", "suspended", "deactivated"].contains(&text(&texts, "state")) {
        return Err("state must be active, suspended or deactivated".into());
    }
    for field in ["name", "bio", "location", "url", "profile_image_url", "background_image_url"] {
        require_short(&texts, field)?;
    }
    let joined_at_ms = read_time(&texts, "joined_at")?;
    let mut take = |field| texts.remove(field).flatten();
    Ok(Statement::Profile(Box::new(Profile {
        username: take("username").unwrap_or_default(),
        name: take("name").unwrap_or_default(),
        state: take("state").unwrap_or_default(),
        joined_at_ms,
        bio: take("bio"),
        location: take("location"),
        url: take("url"),
        profile_image_url: take("profile_image_url"),
        background_image_url: take("background_image_url"),
    })))
}

fn unknown_type(kind: &str) -> String {
    let beginning: String = kind.chars().take(64).collect();
    format!("its type {beginning:?} is none of this topic")
}

/// A text that [`read_texts`] found; the empty text stands for null.
fn text<'texts>(texts: &'texts Texts, field: &str) -> &'texts str {
    texts.get(field).and_then(Option::as_deref).unwrap_or_default()
}

/// The ids of a key are valid, so equality is all there is to check.
fn require_same(id: &str, texts: &Texts, field: &str) -> Result<(), String> {
    if text(texts, field) == id { Ok(()) } else { Err(format!("{field} is not the one of its key")) }
}

fn require_short(texts: &Texts, field: &str) -> Result<(), String> {
    let bytes = text(texts, field).len();
    if bytes <= TEXT_BYTES_MAX { Ok(()) } else { Err(format!("{field} has {bytes} bytes, more than {TEXT_BYTES_MAX}")) }
}

fn read_time(texts: &Texts, field: &str) -> Result<i64, String> {
    millis(text(texts, field)).ok_or_else(|| format!("{field} is not an RFC 3339 time of the years 0 to 9999"))
}

fn is_id(text: &str) -> bool {
    let printable = |character: char| !character.is_whitespace() && !character.is_control();
    (1..=ID_BYTES_MAX).contains(&text.len()) && text.chars().all(|it| printable(it) && !"/{},".contains(it))
}

fn is_username(text: &str) -> bool {
    let blank = |character: char| character.is_whitespace() || character.is_control();
    (1..=USERNAME_BYTES_MAX).contains(&text.len()) && !text.contains(blank)
}
