//! Messages of the stream, every kind that Twitter documents, and what the services need of each.
//!
//! Total: any bytes give a message or a typed reason why not. Unknown fields are ignored, and a message of an unknown kind
//! is [`Message::Unknown`], because the stream gains new ones. Account changes are those of Twitter's compliance stream,
//! which a server may send in between.
//!
//! Invariant: what the sender did not know never looks like something it said. A user object without a name or a date has
//! no profile, one with counts that are -1 or null is not [`User::complete`].

mod objects;
mod user;

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use user_info_core::{AccountState, Id, InvalidId, Timestamp};

use objects::Envelope;
pub use user::User;

/// A message of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Somebody wrote a tweet.
    Status(Box<Status>),
    /// A tweet is gone; may come before the tweet itself.
    Deletion(Deletion),
    /// An account is hidden or shown again.
    Account(AccountChange),
    /// The places of a user's tweets are to be forgotten. No topic carries places.
    GeoScrubbed {
        /// Whose tweets.
        user_id: Id,
    },
    /// A tweet must not be shown in some countries. The topics know no countries.
    StatusWithheld {
        /// Id of the tweet.
        tweet_id: Id,
        /// Codes of the countries; `XX` is all, `XY` a takedown by request.
        countries: Vec<String>,
    },
    /// A user must not be shown in some countries. The topics know no countries.
    UserWithheld {
        /// Id of the user.
        user_id: Id,
        /// Codes of the countries.
        countries: Vec<String>,
    },
    /// The stream left out statuses.
    Limit {
        /// How many since the connection began.
        track: u64,
    },
    /// The stream may be about to cut the connection.
    Warning {
        /// Why: `FALLING_BEHIND`.
        code: String,
        /// The same in words.
        message: String,
        /// How full the server's queue for this client is.
        percent_full: Option<u64>,
    },
    /// The stream is about to end the connection.
    Disconnect {
        /// Twitter's number of the reason.
        code: Option<u64>,
        /// The reason in words.
        reason: String,
    },
    /// A kind that this client does not know.
    Unknown {
        /// The message's first key, cut to [`KIND_CHARS_MAX`]; empty if it has none.
        kind: String,
    },
}

/// How much of an unknown kind is kept for the log.
pub const KIND_CHARS_MAX: usize = 32;

/// A tweet, with everybody who stands in it as they are now. Of a retweet or quote only the outer tweet is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Id of the tweet.
    pub tweet_id: Id,
    /// The whole text.
    pub text: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// Who wrote it.
    pub author: User,
    /// Who wrote what it repeats or quotes, the outermost first. Those that cannot be read are left out.
    pub others: Vec<User>,
}

/// A tweet is gone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Deletion {
    /// Id of the tweet.
    pub tweet_id: Id,
    /// Id of its author.
    pub user_id: Id,
}

/// An account changed its state: `user_delete` makes it deactivated, `user_suspend` suspended, `user_undelete` and
/// `user_unsuspend` take that back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountChange {
    /// Id of the user.
    pub user_id: Id,
    /// What happened.
    pub kind: AccountChangeKind,
    /// When, if the stream says so.
    pub at: Option<Timestamp>,
}

/// What happened to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountChangeKind {
    /// Its owner deleted it, and may take that back for 30 days.
    Deleted,
    /// Nobody took it back in time: `user_delete` with `"permanent": true`, a word that the simulator adds because its days
    /// are shorter than those of its readers' calendars.
    DeletedForGood,
    /// Its owner took the deletion back.
    Undeleted,
    /// The operator hid it.
    Suspended,
    /// The operator shows it again.
    Unsuspended,
}

impl AccountChangeKind {
    /// The state that the account is in afterwards.
    pub fn state(self) -> AccountState {
        match self {
            Self::Deleted | Self::DeletedForGood => AccountState::Deactivated,
            Self::Suspended => AccountState::Suspended,
            Self::Undeleted | Self::Unsuspended => AccountState::Active,
        }
    }
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
        // Structs are read from arrays, too, but messages are objects.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            first_key(bytes)?;
        }
        match serde_json::from_slice::<Envelope<'_>>(bytes) {
            Ok(envelope) => match envelope.into_message()? {
                Some(message) => Ok(message),
                None => Ok(Self::Unknown { kind: first_key(bytes)? }),
            },
            // A message of a kind to come may use a known key for something else.
            Err(error) => match serde_json::from_slice::<Shape>(bytes) {
                Ok(shape) if !shape.is_known() => Ok(Self::Unknown { kind: first_key(bytes)? }),
                Ok(_) | Err(_) => Err(error.into()),
            },
        }
    }
}

fn first_key(bytes: &[u8]) -> Result<String, MalformedMessage> {
    let keys: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(bytes)?;
    Ok(keys.keys().next().map(|key| key.chars().take(KIND_CHARS_MAX).collect()).unwrap_or_default())
}

/// Which keys are there that make a message one of a known kind, whatever stands in them.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Shape {
    #[serde(deserialize_with = "present")]
    in_reply_to_status_id: bool,
    #[serde(deserialize_with = "present")]
    delete: bool,
    #[serde(deserialize_with = "present")]
    user_delete: bool,
    #[serde(deserialize_with = "present")]
    user_undelete: bool,
    #[serde(deserialize_with = "present")]
    user_suspend: bool,
    #[serde(deserialize_with = "present")]
    user_unsuspend: bool,
    #[serde(deserialize_with = "present")]
    scrub_geo: bool,
    #[serde(deserialize_with = "present")]
    status_withheld: bool,
    #[serde(deserialize_with = "present")]
    user_withheld: bool,
    #[serde(deserialize_with = "present")]
    limit: bool,
    #[serde(deserialize_with = "present")]
    warning: bool,
    #[serde(deserialize_with = "present")]
    disconnect: bool,
}

impl Shape {
    fn is_known(&self) -> bool {
        let account = self.user_delete || self.user_undelete || self.user_suspend || self.user_unsuspend;
        let withheld = self.scrub_geo || self.status_withheld || self.user_withheld;
        let notice = self.limit || self.warning || self.disconnect;
        self.in_reply_to_status_id || self.delete || account || withheld || notice
    }
}

/// For a key whose being there says something, whatever its value.
fn present<'message, D: Deserializer<'message>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

fn id(field: &'static str, text: &str) -> Result<Id, MalformedMessage> {
    Id::new(text).map_err(|reason| MalformedMessage::Id { field, reason })
}

fn milliseconds(text: &str) -> Option<Timestamp> {
    Timestamp::from_millis(text.parse().ok()?).ok()
}
