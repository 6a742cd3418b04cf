//! Problem objects.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::StatusCode;
use serde::{Serialize, Serializer};
use user_info_store::StoreError;

use crate::answer::json;
use crate::load::Refused;
use crate::public::note_store_failure;
use crate::refusal::RETRY_AFTER_S;

const RESOURCE_NOT_FOUND: &str = "https://api.x.com/2/problems/resource-not-found";
const INVALID_REQUEST: &str = "https://api.x.com/2/problems/invalid-request";
const NO_TYPE: &str = "about:blank";

/// Why there is no answer with users in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A parameter makes no sense.
    Invalid(Invalid),
    /// The one who was asked for cannot be shown.
    NotShown(NotShown),
    /// There is nothing at this path.
    NoSuchPath,
    /// The path takes other methods.
    MethodNotAllowed,
    /// The caller has used up the window's requests.
    TooManyRequests {
        /// Seconds until the window ends.
        retry_after: i64,
    },
    /// Too much is asked for, or the store is away or was never complete, so that nobody can be told to be unknown.
    Unavailable,
    /// The store failed.
    Internal,
}

/// A parameter that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Its name.
    pub parameter: String,
    /// Its values that are wrong.
    pub values: Vec<String>,
    /// What is wrong and what is expected.
    pub message: String,
}

/// A user who was asked for and cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotShown {
    /// Why not.
    pub why: Why,
    /// The parameter that asked.
    pub parameter: &'static str,
    /// The id or the name that was asked for.
    pub value: String,
}

/// Why a user cannot be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Not known, or the owner deactivated the account.
    NotFound,
    /// The account is suspended.
    Suspended,
}

#[derive(Serialize)]
struct Body<'problem, E> {
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<[E; 1]>,
    title: &'static str,
    detail: &'problem str,
    r#type: &'static str,
    status: u16,
}

#[derive(Serialize)]
struct InvalidBody<'problem> {
    parameters: BTreeMap<&'problem str, &'problem [String]>,
    message: &'problem str,
}

#[derive(Serialize)]
struct NotShownBody<'problem> {
    value: &'problem str,
    detail: String,
    title: &'static str,
    resource_type: &'static str,
    parameter: &'static str,
    resource_id: &'problem str,
    r#type: &'static str,
}

impl Problem {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::NotShown(NotShown { why: Why::Suspended, .. }) => StatusCode::FORBIDDEN,
            Self::NotShown(NotShown { why: Why::NotFound, .. }) | Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// After how many seconds to ask again, if that may help.
    pub fn retry_after(&self) -> Option<i64> {
        match self {
            Self::TooManyRequests { retry_after } => Some(*retry_after),
            Self::Unavailable => Some(RETRY_AFTER_S),
            Self::Invalid(_) | Self::NotShown(_) | Self::NoSuchPath | Self::MethodNotAllowed | Self::Internal => None,
        }
    }

    /// The methods that the path takes, if it does not take this one.
    pub fn allowed(&self) -> Option<&'static str> {
        matches!(self, Self::MethodNotAllowed).then_some("GET, HEAD")
    }

    /// The body of the answer, `application/problem+json`.
    pub fn body(&self) -> Bytes {
        match self {
            Self::Invalid(invalid) => {
                let detail = "One or more parameters to your request was invalid.";
                self.with_errors("Invalid Request", detail, INVALID_REQUEST, Some(invalid))
            }
            Self::NotShown(user) => self.with_errors(user.title(), &user.detail(), RESOURCE_NOT_FOUND, Some(user)),
            Self::NoSuchPath => self.plain("Not Found", "There is nothing at this path."),
            Self::MethodNotAllowed => self.plain("Method Not Allowed", "Only GET and HEAD are served here."),
            Self::TooManyRequests { .. } => self.plain("Too Many Requests", "Too Many Requests"),
            Self::Unavailable => {
                self.plain("Service Unavailable", "The data cannot be read or is not complete yet; ask again.")
            }
            Self::Internal => {
                self.plain("Internal Server Error", "The store could not be read; the server's log says why.")
            }
        }
    }

    fn plain(&self, title: &'static str, detail: &str) -> Bytes {
        self.with_errors(title, detail, NO_TYPE, None::<()>)
    }

    fn with_errors(
        &self,
        title: &'static str,
        detail: &str,
        r#type: &'static str,
        error: Option<impl Serialize>,
    ) -> Bytes {
        json(&Body { errors: error.map(|error| [error]), title, detail, r#type, status: self.status().as_u16() })
    }
}

impl NotShown {
    fn title(&self) -> &'static str {
        match self.why {
            Why::NotFound => "Not Found Error",
            Why::Suspended => "Forbidden",
        }
    }

    fn detail(&self) -> String {
        let Self { parameter, value, .. } = self;
        match self.why {
            Why::NotFound => format!("Could not find user with {parameter}: [{value}]."),
            Why::Suspended => format!("User has been suspended: [{value}]."),
        }
    }
}

impl Serialize for NotShown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let body = NotShownBody {
            value: &self.value,
            detail: self.detail(),
            title: self.title(),
            resource_type: "user",
            parameter: self.parameter,
            resource_id: &self.value,
            r#type: RESOURCE_NOT_FOUND,
        };
        body.serialize(serializer)
    }
}

impl Serialize for Invalid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parameters = BTreeMap::from([(self.parameter.as_str(), self.values.as_slice())]);
        InvalidBody { parameters, message: &self.message }.serialize(serializer)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Overloaded | Refused::Late => Self::Unavailable,
            Refused::RateLimited { retry_after } => Self::TooManyRequests { retry_after },
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        note_store_failure(&error);
        if error.is_passing() { Self::Unavailable } else { Self::Internal }
    }
}
