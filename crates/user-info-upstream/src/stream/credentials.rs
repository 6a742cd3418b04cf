//! Who the client says it is: nobody, the bearer of a token, or an account by OAuth 1.0a.
//!
//! Invariant: a secret goes into the request and nowhere else: not into logs, errors, or what `Debug` shows.

use std::fmt;

use hyper::header::HeaderValue;
use user_info_core::Timestamp;

use crate::UpstreamError;
use crate::stream::address::StreamUrl;
use crate::stream::oauth;

/// Text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// What a request for the stream is authorized with.
#[derive(Clone, Debug, Default)]
pub enum Credentials {
    /// Nothing.
    #[default]
    None,
    /// An OAuth 2.0 bearer token; see [`Credentials::bearer`].
    Bearer(HeaderValue),
    /// The keys of an application and of an account, for OAuth 1.0a.
    Keys(Keys),
}

/// The keys of an application and of an account that lets it read.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Names the application.
    pub consumer_key: String,
    /// Signs for the application.
    pub consumer_secret: Secret,
    /// Names the account.
    pub token: String,
    /// Signs for the account.
    pub token_secret: Secret,
}

impl Credentials {
    /// Checks that the token can be sent.
    pub fn bearer(token: &Secret) -> Result<Self, UpstreamError> {
        let unusable = UpstreamError::InvalidConfig {
            reason: "the bearer token is empty or has characters that a token cannot have: copy it again",
        };
        if token.reveal().is_empty() || !token.reveal().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unusable);
        }
        let value = HeaderValue::try_from(format!("Bearer {}", token.reveal())).map_err(|_| unusable)?;
        Ok(Self::Bearer(hidden(value)))
    }

    /// The value of the header `authorization` of a `GET` for `url`.
    pub(crate) fn authorization(&self, url: &StreamUrl, now: Timestamp) -> Option<HeaderValue> {
        match self {
            Self::None => None,
            Self::Bearer(value) => Some(value.clone()),
            Self::Keys(keys) => {
                let seconds = now.as_millis() / 1_000;
                let value = oauth::authorization(url, keys, &oauth::nonce(), seconds);
                Some(hidden(HeaderValue::try_from(value).expect("everything in it is percent-encoded")))
            }
        }
    }
}

/// `Debug` of a sensitive value does not show it.
fn hidden(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}
