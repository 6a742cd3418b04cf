//! Messages of the stream: what of them the services publish, and what they leave out.
//!
//! Total: any bytes give a message or a typed reason why not. Unknown fields and unknown messages are ignored, because
//! the stream gains new ones. Counts of the user object are not read at all: they may be -1 or null, and the User
//! Information Service counts for itself.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use user_info_core::profile::{MAX_TEXT_BYTES, check_username};
use user_info_core::{AccountState, Id, InvalidId, Profile, Timestamp};

use crate::stream::v1_date;

/// A message of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Somebody wrote a tweet.
    Status(Box<Status>),
    /// A tweet is gone; may come before the tweet itself.
    Deletion(Deletion),
    /// Anything else: limits, warnings, withheld content, what future servers send.
    Other,
}

/// A tweet with its author as they are now. Of a retweet or quote only the outer tweet is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Id of the tweet.
    pub tweet_id: Id,
    /// The whole text.
    pub text: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// Id of the author.
    pub user_id: Id,
    /// The author's profile.
    pub profile: Profile,
}

/// A tweet is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Id of the tweet.
    pub tweet_id: Id,
    /// Id of its author.
    pub user_id: Id,
}

/// Why a message cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MalformedMessage {
    /// Not JSON, or a field is missing or has the wrong type.
    #[error("not a message of the Streaming API: {0}")]
    Json(#[from] serde_json::Error),
    /// An id that cannot be the key of a record.
    #[error("field {field}: {reason}")]
    Id {
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        reason: InvalidId,
    },
    /// A field has a value that the topics cannot carry.
    #[error("field {field}: {reason}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl Message {
    /// Reads a message, without its separator.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedMessage> {
        let shape: Shape<'_> = serde_json::from_slice(bytes)?;
        if shape.is_status {
            let status: StatusObject<'_> = serde_json::from_slice(bytes)?;
            return Ok(Self::Status(Box::new(status.into_status()?)));
        }
        match shape.delete.and_then(|delete| delete.status) {
            Some(status) => Ok(Self::Deletion(status.into_deletion()?)),
            None => Ok(Self::Other),
        }
    }
}

type Text<'message> = Cow<'message, str>;

/// Which message it is. Every status has `in_reply_to_status_id`, null or not, and nothing else has it.
#[derive(Deserialize)]
struct Shape<'message> {
    #[serde(rename = "in_reply_to_status_id", default, deserialize_with = "present")]
    is_status: bool,
    #[serde(borrow)]
    delete: Option<DeleteObject<'message>>,
}

fn present<'message, D: Deserializer<'message>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[derive(Deserialize)]
struct DeleteObject<'message> {
    #[serde(borrow)]
    status: Option<DeletedStatus<'message>>,
}

#[derive(Deserialize)]
struct DeletedStatus<'message> {
    #[serde(borrow)]
    id_str: Text<'message>,
    #[serde(borrow)]
    user_id_str: Text<'message>,
}

#[derive(Deserialize)]
struct StatusObject<'message> {
    #[serde(borrow)]
    id_str: Text<'message>,
    #[serde(borrow)]
    created_at: Text<'message>,
    /// With milliseconds, which `created_at` lacks; only on the stream.
    #[serde(borrow)]
    timestamp_ms: Option<Text<'message>>,
    text: Option<String>,
    full_text: Option<String>,
    extended_tweet: Option<ExtendedTweet>,
    #[serde(borrow)]
    user: UserObject<'message>,
}

#[derive(Deserialize)]
struct ExtendedTweet {
    full_text: Option<String>,
}

#[derive(Deserialize)]
struct UserObject<'message> {
    #[serde(borrow)]
    id_str: Text<'message>,
    screen_name: String,
    name: String,
    #[serde(borrow)]
    created_at: Text<'message>,
    description: Option<String>,
    location: Option<String>,
    url: Option<String>,
    profile_image_url_https: Option<String>,
    profile_image_url: Option<String>,
    profile_banner_url: Option<String>,
    profile_background_image_url_https: Option<String>,
}

impl DeletedStatus<'_> {
    fn into_deletion(self) -> Result<Deletion, MalformedMessage> {
        Ok(Deletion { tweet_id: id("id_str", &self.id_str)?, user_id: id("user_id_str", &self.user_id_str)? })
    }
}

impl StatusObject<'_> {
    fn into_status(self) -> Result<Status, MalformedMessage> {
        let created_at = date("created_at", &self.created_at)?;
        let text = self.extended_tweet.and_then(|extended| extended.full_text).or(self.full_text).or(self.text);
        Ok(Status {
            tweet_id: id("id_str", &self.id_str)?,
            text: bounded("text", text.ok_or(MalformedMessage::Field { field: "text", reason: "missing" })?)?,
            created_at: self.timestamp_ms.and_then(|millis| milliseconds(&millis)).unwrap_or(created_at),
            user_id: id("user.id_str", &self.user.id_str)?,
            profile: self.user.into_profile()?,
        })
    }
}

impl UserObject<'_> {
    fn into_profile(self) -> Result<Profile, MalformedMessage> {
        check_username(&self.screen_name).map_err(|_| MalformedMessage::Field {
            field: "user.screen_name",
            reason: "must be 1 to 256 bytes without whitespace or control characters",
        })?;
        let image = filled(self.profile_image_url_https).or(self.profile_image_url);
        let background = filled(self.profile_banner_url).or(self.profile_background_image_url_https);
        Ok(Profile {
            username: self.screen_name,
            name: bounded("user.name", self.name)?,
            state: AccountState::Active,
            joined_at: date("user.created_at", &self.created_at)?,
            bio: optional("user.description", self.description)?,
            location: optional("user.location", self.location)?,
            url: optional("user.url", self.url)?,
            profile_image_url: optional("user.profile_image_url_https", image)?,
            background_image_url: optional("user.profile_banner_url", background)?,
        })
    }
}

fn id(field: &'static str, text: &str) -> Result<Id, MalformedMessage> {
    Id::new(text).map_err(|reason| MalformedMessage::Id { field, reason })
}

fn date(field: &'static str, text: &str) -> Result<Timestamp, MalformedMessage> {
    v1_date::parse(text)
        .ok_or(MalformedMessage::Field { field, reason: "expected a date such as Wed Feb 29 19:42:02 +0000 2012" })
}

fn milliseconds(text: &str) -> Option<Timestamp> {
    Timestamp::from_millis(text.parse().ok()?).ok()
}

fn bounded(field: &'static str, text: String) -> Result<String, MalformedMessage> {
    let fits = text.len() <= MAX_TEXT_BYTES;
    fits.then_some(text).ok_or(MalformedMessage::Field { field, reason: "longer than 16384 bytes" })
}

/// Empty texts are absent ones.
fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn optional(field: &'static str, text: Option<String>) -> Result<Option<String>, MalformedMessage> {
    filled(text).map(|text| bounded(field, text)).transpose()
}
