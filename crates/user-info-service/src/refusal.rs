//! Answers that are no success, with the headers that go with their status. Which body they have each API says.

use bytes::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};

use crate::answer::Problem;
use crate::body::{AnswerBody, whole};
use crate::public::{JSON, PROBLEM_JSON};
use crate::representation::NO_CACHE;
use crate::twitter::{v1, v2};

/// After how many seconds to ask again for what is not to be had at the moment.
pub(crate) const RETRY_AFTER_S: i64 = 1;

/// An answer that is no success.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    body: Bytes,
    kind: HeaderValue,
    /// In seconds, if asking again may help.
    retry_after: Option<i64>,
    /// The methods that the path takes, if it does not take this one.
    allowed: Option<&'static str>,
}

impl Refusal {
    /// The answer, also to a request whose body was not read.
    pub(crate) fn response(self) -> Response<AnswerBody> {
        let mut response = Response::new(whole(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, self.kind);
        headers.insert(header::CACHE_CONTROL, NO_CACHE);
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allowed) = self.allowed {
            headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
        }
        // What follows a body that is not read is not a request.
        if matches!(self.status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<&Problem> for Refusal {
    fn from(problem: &Problem) -> Self {
        let (retry_after, allowed) = (problem.retry_after(), problem.allowed());
        Self { status: problem.status(), body: problem.body(), kind: PROBLEM_JSON, retry_after, allowed }
    }
}

impl From<&v1::Error> for Refusal {
    fn from(error: &v1::Error) -> Self {
        let retry_after = error.retry_after();
        Self { status: error.status(), body: error.body(), kind: JSON, retry_after, allowed: None }
    }
}

impl From<&v2::Problem> for Refusal {
    fn from(problem: &v2::Problem) -> Self {
        let (retry_after, allowed) = (problem.retry_after(), problem.allowed());
        Self { status: problem.status(), body: problem.body(), kind: PROBLEM_JSON, retry_after, allowed }
    }
}
