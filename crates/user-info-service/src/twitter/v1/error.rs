//! Errors with the codes that Twitter published.

use bytes::Bytes;
use hyper::StatusCode;
use serde::Serialize;
use user_info_store::StoreError;

use crate::answer::json;
use crate::body::BodyError;
use crate::load::Refused;
use crate::public::note_store_failure;
use crate::refusal::RETRY_AFTER_S;

/// Why there is no user object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Of those asked for nobody can be shown.
    NoUserMatches,
    /// More users than Twitter took in one request.
    TooManyTerms,
    /// The body is longer than that of any request which may be answered.
    TooLarge,
    /// The body did not arrive in time, or broke off.
    IncompleteBody,
    /// There is nothing at this path for this method.
    NoSuchPage,
    /// It does not say who is asked for.
    MissingParameter,
    /// The user is not known, or deactivated the account.
    UserNotFound,
    /// The account is suspended.
    Suspended,
    /// The caller has used up the window's requests.
    RateLimitExceeded {
        /// Seconds until the window ends.
        retry_after: i64,
    },
    /// Too much is asked for, or the store is away or was never complete, so that nobody can be told to be unknown.
    OverCapacity,
    /// The store failed.
    Internal,
}

#[derive(Serialize)]
struct Body {
    errors: [Coded; 1],
}

#[derive(Serialize)]
struct Coded {
    code: u16,
    message: &'static str,
}

impl Error {
    /// Twitter's code.
    pub fn code(self) -> u16 {
        match self {
            Self::NoUserMatches => 17,
            Self::TooManyTerms | Self::TooLarge => 18,
            Self::IncompleteBody => 25,
            Self::NoSuchPage => 34,
            Self::MissingParameter => 38,
            Self::UserNotFound => 50,
            Self::Suspended => 63,
            Self::RateLimitExceeded { .. } => 88,
            Self::OverCapacity => 130,
            Self::Internal => 131,
        }
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NoUserMatches | Self::NoSuchPage | Self::UserNotFound => StatusCode::NOT_FOUND,
            Self::TooManyTerms | Self::MissingParameter | Self::Suspended => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::IncompleteBody => StatusCode::REQUEST_TIMEOUT,
            Self::RateLimitExceeded { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::OverCapacity => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// After how many seconds to ask again, if that may help.
    pub fn retry_after(self) -> Option<i64> {
        match self {
            Self::RateLimitExceeded { retry_after } => Some(retry_after),
            Self::OverCapacity => Some(RETRY_AFTER_S),
            Self::NoUserMatches
            | Self::TooManyTerms
            | Self::TooLarge
            | Self::IncompleteBody
            | Self::NoSuchPage
            | Self::MissingParameter
            | Self::UserNotFound
            | Self::Suspended
            | Self::Internal => None,
        }
    }

    /// The body of the answer.
    pub fn body(self) -> Bytes {
        json(&Body { errors: [Coded { code: self.code(), message: self.message() }] })
    }

    fn message(self) -> &'static str {
        match self {
            Self::NoUserMatches => "No user matches for specified terms.",
            Self::TooManyTerms | Self::TooLarge => "Too many terms specified in query.",
            Self::IncompleteBody => "Query parameters are missing.",
            Self::NoSuchPage => "Sorry, that page does not exist.",
            Self::MissingParameter => "user_id or screen_name parameter is missing.",
            Self::UserNotFound => "User not found.",
            Self::Suspended => "User has been suspended.",
            Self::RateLimitExceeded { .. } => "Rate limit exceeded",
            Self::OverCapacity => "Over capacity",
            Self::Internal => "Internal error",
        }
    }
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { .. } => Self::TooLarge,
            BodyError::Slow | BodyError::Broken { .. } => Self::IncompleteBody,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Overloaded | Refused::Late => Self::OverCapacity,
            Refused::RateLimited { retry_after } => Self::RateLimitExceeded { retry_after },
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        note_store_failure(&error);
        if error.is_passing() { Self::OverCapacity } else { Self::Internal }
    }
}
