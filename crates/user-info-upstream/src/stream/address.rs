//! The address of a stream.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;

use crate::UpstreamError;
use crate::stream::decoder::Framing;

/// The address of a stream: plain HTTP, for TLS put a proxy in between. It carries no credentials, so it may be shown.
#[derive(Clone, Debug)]
pub struct StreamUrl {
    uri: Uri,
    host: String,
    port: u16,
}

const DEFAULT_PORT: u16 = 80;

impl FromStr for StreamUrl {
    type Err = UpstreamError;

    fn from_str(url: &str) -> Result<Self, UpstreamError> {
        let invalid = |reason: String| UpstreamError::InvalidStream { url: without_user(url), reason };
        let uri: Uri = url.parse().map_err(|error: hyper::http::uri::InvalidUri| invalid(error.to_string()))?;
        if uri.scheme_str() != Some("http") {
            return Err(invalid("must begin with http:// (for TLS put a proxy in between)".to_owned()));
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(invalid("names no host".to_owned()));
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(invalid("credentials do not belong in it: give them with --stream-bearer-token".to_owned()));
        }
        let port = uri.port_u16().unwrap_or(DEFAULT_PORT);
        Ok(Self { uri, host, port })
    }
}

/// An address that may be shown: what stands before an `@` can be a password.
fn without_user(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}***{}", &url[..scheme + 3], &url[at..]),
        (None, Some(at)) => format!("***{}", &url[at..]),
        (_, Some(_) | None) => url.to_owned(),
    }
}

impl StreamUrl {
    /// Where to connect to.
    pub(crate) fn host_and_port(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// What to ask for: path and parameters.
    pub(crate) fn target(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }

    /// Whom to ask: host, and port if it was given.
    pub(crate) fn authority(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }

    /// The address without parameters and without a port that goes without saying, as it is signed.
    pub(crate) fn base(&self) -> String {
        let host = self.uri.host().unwrap_or_default().to_ascii_lowercase();
        let port = if self.port == DEFAULT_PORT { String::new() } else { format!(":{}", self.port) };
        format!("http://{host}{port}{}", self.uri.path())
    }

    /// The parameters, as they stand in the address.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    /// What the server was asked to separate messages by: lengths with `delimited=length`.
    pub fn framing(&self) -> Framing {
        let lengths = self.parameters().any(|parameter| parameter == ("delimited", "length"));
        if lengths { Framing::Lengths } else { Framing::Lines }
    }
}

impl fmt::Display for StreamUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(formatter)
    }
}
