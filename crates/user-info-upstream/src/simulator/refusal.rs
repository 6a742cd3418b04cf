//! Why a request gets no stream, and how Twitter says that.

use hyper::StatusCode;
use serde_json::{Value, json};

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No such path.
    NotFound,
    /// Neither GET nor POST.
    MethodNotAllowed,
    /// This parameter has a value that means nothing.
    NotAcceptable(&'static str),
    /// The form is too long.
    TooLarge,
    /// The form did not come in time, or broke off.
    Incomplete,
    /// Nobody was named, but somebody must be.
    NoAuthentication,
    /// The signature is not right, or the keys are not known.
    NotAuthenticated,
    /// The token is not known.
    InvalidToken,
    /// Signed too long ago, or in the future.
    TimestampOutOfBounds,
    /// The account connects too often.
    TooManyConnects,
    /// Not this time.
    OverCapacity,
}

impl Refusal {
    /// The status line's number.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Incomplete => StatusCode::REQUEST_TIMEOUT,
            Self::NoAuthentication | Self::NotAuthenticated | Self::InvalidToken | Self::TimestampOutOfBounds => {
                StatusCode::UNAUTHORIZED
            }
            // "Enhance your calm", which is older than 429.
            Self::TooManyConnects => StatusCode::from_u16(420).expect("three digits make a status"),
            Self::OverCapacity => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The body: Twitter's numbered errors where there is a number, else the short form.
    pub(super) fn body(self) -> String {
        let body = match self {
            Self::NotFound => numbered(34, "Sorry, that page does not exist"),
            Self::MethodNotAllowed => numbered(86, "This method requires a GET or POST."),
            Self::NotAcceptable(parameter) => json!({"error": format!("Invalid parameter: {parameter}")}),
            Self::TooLarge => json!({"error": "Request entity too large"}),
            Self::Incomplete => json!({"error": "Request incomplete"}),
            Self::NoAuthentication => numbered(215, "Bad Authentication data."),
            Self::NotAuthenticated => numbered(32, "Could not authenticate you."),
            Self::InvalidToken => numbered(89, "Invalid or expired token."),
            Self::TimestampOutOfBounds => numbered(135, "Timestamp out of bounds."),
            Self::TooManyConnects => json!({"error": "Exceeded connection limit for user"}),
            Self::OverCapacity => numbered(130, "Over capacity"),
        };
        body.to_string()
    }
}

fn numbered(code: u16, message: &str) -> Value {
    json!({"errors": [{"code": code, "message": message}]})
}
