//! Which pages of other origins may read answers (Fetch standard, "CORS protocol"). Nobody may, unless it is said who. Pure.
//!
//! Answers never depend on who asks, so credentials are never allowed.

use std::str::FromStr;

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Uri};

/// How long a browser may keep what it was allowed; two hours is the most that Chromium does.
const MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("7200");

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST");

/// Headers that pages may send besides those that are always allowed.
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, if-none-match, last-event-id");

/// Headers of answers that pages may read besides those that are always allowed.
const ANSWER_HEADERS: HeaderValue = HeaderValue::from_static(
    "etag, retry-after, user-info-age-ms, user-info-positions, x-rate-limit-limit, x-rate-limit-remaining, \
     x-rate-limit-reset",
);

const ANY: HeaderValue = HeaderValue::from_static("*");

/// A preflight asks with these and varies by them.
const VARY_PREFLIGHT: HeaderValue =
    HeaderValue::from_static("origin, access-control-request-method, access-control-request-headers");

/// An origin: scheme, host and port, as browsers write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// What is no origin.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no origin: expected a scheme and a host in lower case, without a path, such as https://example.org")]
pub struct InvalidOrigin(String);

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let invalid = || InvalidOrigin(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| invalid())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(invalid()) };
        let is_origin = format!("{scheme}://{authority}") == text && text.to_lowercase() == text;
        if !is_origin || authority.as_str().contains('@') {
            return Err(invalid());
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| invalid())
    }
}

/// Who may read answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cors {
    /// Pages of our own origin.
    #[default]
    Off,
    /// Pages of these origins too.
    Origins(Vec<Origin>),
    /// Every page.
    Any,
}

impl Cors {
    /// Whether a request asks what it may ask, which is answered without looking at the path.
    pub fn is_preflight(&self, method: &Method, headers: &HeaderMap) -> bool {
        *self != Self::Off
            && method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Adds what a preflight is answered.
    pub fn allow(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        answer.insert(header::VARY, VARY_PREFLIGHT);
        let Some(origin) = self.allowed(request) else { return };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS);
    }

    /// Adds what makes an answer readable to the page that asked.
    pub fn share(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        if matches!(self, Self::Origins(_)) {
            answer.append(header::VARY, HeaderValue::from_static("origin"));
        }
        let Some(origin) = self.allowed(request) else { return };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
    }

    fn allowed(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let asked = request.get(header::ORIGIN)?;
        match self {
            Self::Off => None,
            Self::Any => Some(ANY),
            Self::Origins(origins) => origins.iter().any(|origin| origin.0 == asked).then(|| asked.clone()),
        }
    }
}
