//! Answers as bytes: users, problems, and what stands in their headers. Pure; `age_ms` and positions are arguments.
//!
//! The wire form of a user is its own type: a stored profile may change without changing what clients read.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderValue;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use user_info_core::{AccountState, Id};
use xxhash_rust::xxh3::xxh3_64;

use crate::fields::{Field, Fields};
use crate::found::Shown;
use crate::load::Refused;
use crate::refusal::RETRY_AFTER_S;

/// The 14 fields of a user, in the words of the requirement, or those of them that were asked for.
#[derive(Clone, Copy, Debug)]
pub struct UserAnswer<'record> {
    user: Shown<'record>,
    fields: Fields,
}

impl<'record> UserAnswer<'record> {
    /// Of this user, with these fields and no others.
    pub fn new(user: Shown<'record>, fields: Fields) -> Self {
        Self { user, fields }
    }

    fn write<S: SerializeStruct>(&self, object: &mut S, field: Field) -> Result<(), S::Error> {
        let Shown { user, profile, counts } = &self.user;
        let name = field.name();
        match field {
            Field::UserId => object.serialize_field(name, user.as_str()),
            Field::Username => object.serialize_field(name, &profile.username),
            Field::Name => object.serialize_field(name, &profile.name),
            Field::Bio => object.serialize_field(name, &profile.bio),
            Field::Location => object.serialize_field(name, &profile.location),
            Field::Url => object.serialize_field(name, &profile.url),
            Field::JoinedAt => object.serialize_field(name, &format_args!("{}", profile.joined_at)),
            Field::ProfileImageUrl => object.serialize_field(name, &profile.profile_image_url),
            Field::BackgroundImageUrl => object.serialize_field(name, &profile.background_image_url),
            Field::TweetCount => object.serialize_field(name, &counts.tweets),
            Field::FollowingCount => object.serialize_field(name, &counts.following),
            Field::FollowersCount => object.serialize_field(name, &counts.followers),
            Field::LikeCount => object.serialize_field(name, &counts.likes),
            Field::ListCount => object.serialize_field(name, &counts.lists),
        }
    }
}

impl Serialize for UserAnswer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("User", self.fields.count())?;
        for field in Field::ALL.into_iter().filter(|field| self.fields.has(*field)) {
            self.write(&mut object, field)?;
        }
        object.end()
    }
}

/// Answer to a request for several users. Each id asked for stands in exactly one of the three.
#[derive(Debug, Default, serde::Serialize)]
pub struct UsersAnswer<'record> {
    /// Users that can be shown, in the order asked for.
    pub users: Vec<UserAnswer<'record>>,
    /// Ids of which no profile is known.
    pub unknown: Vec<&'record str>,
    /// Users that are kept but not shown.
    pub withheld: Vec<Withheld<'record>>,
}

/// A user who is kept but not shown.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Withheld<'record> {
    user_id: &'record str,
    state: &'static str,
}

impl<'record> Withheld<'record> {
    /// A suspended user.
    pub fn suspended(user: &'record Id) -> Self {
        Self { user_id: user.as_str(), state: AccountState::Suspended.name() }
    }

    /// A user who deactivated the account.
    pub fn deactivated(user: &'record Id) -> Self {
        Self { user_id: user.as_str(), state: AccountState::Deactivated.name() }
    }
}

/// The body of an answer.
pub fn json(answer: &impl Serialize) -> Bytes {
    let mut body = Vec::with_capacity(1024);
    serde_json::to_writer(&mut body, answer).expect("answers hold only text and numbers, which JSON can always write");
    body.into()
}

/// A strong validator: equal bodies have equal tags on every replica.
pub fn etag(body: &[u8]) -> HeaderValue {
    HeaderValue::try_from(format!("\"{:016x}\"", xxh3_64(body)))
        .expect("hexadecimal digits in quotes are visible ASCII")
}

/// Whether the value of an `If-None-Match` header names `etag` (RFC 9110, weak comparison).
pub fn matches(if_none_match: &str, etag: &str) -> bool {
    let named = |candidate: &str| candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == etag;
    if_none_match.split(',').any(|candidate| named(candidate.trim()))
}

/// Why a request has no other answer (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The user is not known.
    UnknownUser {
        /// What was asked for, in words.
        asked: String,
    },
    /// The user is suspended.
    Suspended(Id),
    /// The user deactivated the account.
    Deactivated(Id),
    /// The store never was caught up, so an absent user may just not have been read yet.
    NotCaughtUp,
    /// The request makes no sense.
    BadRequest {
        /// What is wrong and what is expected.
        detail: String,
    },
    /// There is nothing at this path.
    NoSuchPath,
    /// The path takes other methods.
    MethodNotAllowed {
        /// Which, as they stand in `Allow`.
        allowed: &'static str,
    },
    /// The body is not of a kind that is read here.
    UnsupportedMediaType {
        /// What is expected.
        detail: String,
    },
    /// The request is larger than any this service takes.
    TooLarge {
        /// Which limit.
        detail: String,
    },
    /// The body did not arrive in time.
    SlowBody,
    /// The request took too long.
    Late,
    /// Too many requests wait.
    Overloaded,
    /// As many streams of events are open as may be.
    TooManyStreams,
    /// The caller has used up the requests of the window.
    RateLimited {
        /// Seconds until the window ends.
        retry_after: i64,
    },
    /// The store is away, or in a state that passes.
    StoreUnavailable,
    /// The store failed.
    StoreFailed,
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Overloaded => Self::Overloaded,
            Refused::Late => Self::Late,
            Refused::RateLimited { retry_after } => Self::RateLimited { retry_after },
        }
    }
}

#[derive(serde::Serialize)]
struct ProblemBody<'problem> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'problem str>,
}

impl Problem {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::UnknownUser { .. } | Self::Deactivated(_) | Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::Suspended(_) => StatusCode::FORBIDDEN,
            Self::NotCaughtUp | Self::StoreUnavailable | Self::Late | Self::Overloaded | Self::TooManyStreams => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::BadRequest { .. } => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnsupportedMediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::StoreFailed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The body of the answer, `application/problem+json`.
    pub fn body(&self) -> Bytes {
        json(&ProblemBody {
            r#type: self.kind(),
            title: self.title(),
            status: self.status().as_u16(),
            detail: self.detail(),
            user_id: self.user_id(),
        })
    }

    /// Its `type`: what programs tell it by.
    pub fn kind(&self) -> String {
        format!("urn:user-info:problem:{}", self.words().0)
    }

    /// What it is, in words that are always the same.
    pub fn title(&self) -> &'static str {
        self.words().1
    }

    /// After how many seconds to ask again, if that may help.
    pub fn retry_after(&self) -> Option<i64> {
        if let Self::RateLimited { retry_after } = self {
            return Some(*retry_after);
        }
        (self.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_S)
    }

    /// The methods that the path takes, if it does not take this one.
    pub fn allowed(&self) -> Option<&'static str> {
        if let Self::MethodNotAllowed { allowed } = self { Some(allowed) } else { None }
    }

    pub(crate) fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::UnknownUser { .. } => ("unknown-user", "Unknown user"),
            Self::Suspended(_) => ("user-suspended", "User suspended"),
            Self::Deactivated(_) => ("user-deactivated", "User deactivated"),
            Self::NotCaughtUp => ("not-caught-up", "Not caught up yet"),
            Self::BadRequest { .. } => ("bad-request", "Bad request"),
            Self::NoSuchPath => ("no-such-path", "No such path"),
            Self::UnsupportedMediaType { .. } => ("unsupported-media-type", "Unsupported media type"),
            Self::MethodNotAllowed { .. } => ("method-not-allowed", "Method not allowed"),
            Self::TooLarge { .. } => ("too-large", "Request too large"),
            Self::SlowBody => ("slow-body", "Body too slow"),
            Self::Late => ("late", "Not answered in time"),
            Self::Overloaded => ("overloaded", "Overloaded"),
            Self::TooManyStreams => ("too-many-streams", "Too many streams"),
            Self::RateLimited { .. } => ("rate-limited", "Too many requests"),
            Self::StoreUnavailable => ("store-unavailable", "Store unavailable"),
            Self::StoreFailed => ("store-failed", "Store failed"),
        }
    }

    pub(crate) fn detail(&self) -> String {
        match self {
            Self::UnknownUser { asked } => format!("No user has {asked}."),
            Self::Suspended(user) => format!("User {user} is suspended."),
            Self::Deactivated(user) => format!("User {user} deactivated the account."),
            Self::NotCaughtUp => {
                "The topics have not been read to their end yet, so the user may exist; ask again.".into()
            }
            Self::BadRequest { detail } | Self::TooLarge { detail } | Self::UnsupportedMediaType { detail } => {
                detail.clone()
            }
            Self::NoSuchPath => "Ask for /users/{user_id}, /users?ids=a,b or /users?username=name.".into(),
            Self::MethodNotAllowed { allowed } => format!("Served here: {allowed}."),
            Self::SlowBody => "The body did not arrive in time; send the request again.".into(),
            Self::Late => "The answer was not ready in time; ask again.".into(),
            Self::Overloaded => "More requests wait than can be answered in time; ask again.".into(),
            Self::TooManyStreams => {
                "As many streams of events are open as may be; ask again, or poll the user with if-none-match.".into()
            }
            Self::RateLimited { retry_after } => {
                format!("The requests of this window are used up; ask again in {retry_after} s.")
            }
            Self::StoreUnavailable => "The store does not answer at the moment; ask again.".into(),
            Self::StoreFailed => "The store could not be read; the server's log says why.".into(),
        }
    }

    fn user_id(&self) -> Option<&str> {
        match self {
            Self::Suspended(user) | Self::Deactivated(user) => Some(user.as_str()),
            Self::UnknownUser { .. }
            | Self::NotCaughtUp
            | Self::BadRequest { .. }
            | Self::NoSuchPath
            | Self::MethodNotAllowed { .. }
            | Self::UnsupportedMediaType { .. }
            | Self::TooLarge { .. }
            | Self::SlowBody
            | Self::Late
            | Self::Overloaded
            | Self::TooManyStreams
            | Self::RateLimited { .. }
            | Self::StoreUnavailable
            | Self::StoreFailed => None,
        }
    }
}
