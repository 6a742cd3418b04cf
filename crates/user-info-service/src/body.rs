//! Bodies: of requests, read within limits of size and kind, and of answers, whole or a stream.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap};

use crate::answer::Problem;

/// The body of an answer: whole, as nearly all are, or a stream that ends when it likes.
pub type AnswerBody = Either<Full<Bytes>, UnsyncBoxBody<Bytes, std::convert::Infallible>>;

/// The body of an answer that is there as a whole.
pub fn whole(body: Bytes) -> AnswerBody {
    Either::Left(Full::new(body))
}

/// Why a body was not read. What follows one that was not read to its end is no request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than it may be.
    TooLarge {
        /// The most bytes it may have.
        bytes_max: usize,
    },
    /// It did not arrive in the time that its request has.
    Slow,
    /// It broke off.
    Broken {
        /// What the connection says of it.
        error: String,
    },
}

/// A request that asks with its address alone has no body; one that brings a body is not read further.
pub fn refuse(body: &Incoming) -> Result<(), Problem> {
    if body.is_end_stream() {
        return Ok(());
    }
    Err(Problem::TooLarge { detail: "Requests have no body here.".into() })
}

/// Reads a body, of so many bytes at most.
pub async fn read(body: Incoming, bytes_max: usize) -> Result<Bytes, BodyError> {
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(BodyError::TooLarge { bytes_max });
    }
    match Limited::new(body, bytes_max).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge { bytes_max }),
        Err(error) => Err(BodyError::Broken { error: error.to_string() }),
    }
}

/// Refuses what is not sent as plain JSON.
pub fn check_json(headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |detail: &str| Err(Problem::UnsupportedMediaType { detail: detail.into() });
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = text(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return refused("Send the body as content-type: application/json.");
    }
    match text(header::CONTENT_ENCODING) {
        "" | "identity" => Ok(()),
        _ => refused("Send the body as it is, without content-encoding."),
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { bytes_max } => {
                Self::TooLarge { detail: format!("A body has at most {bytes_max} bytes here.") }
            }
            BodyError::Slow => Self::SlowBody,
            BodyError::Broken { error } => {
                Self::BadRequest { detail: format!("The body did not arrive as it should: {error}.") }
            }
        }
    }
}
