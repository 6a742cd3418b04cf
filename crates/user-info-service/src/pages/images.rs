//! Which pictures pages show. A picture that a user names lies on a server of somebody else, who would learn of every
//! visitor; so pages show ones generated from the id, unless the operator trusts the server of the real one.

use std::borrow::Cow;
use std::str::FromStr;

use super::text::path_part;

/// A server that pictures may come from, as `https://pictures.example` or `https://pictures.example:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageOrigin(String);

/// The text is no origin that pictures can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an origin such as https://pictures.example: https, a host in lower case, no path")]
pub struct InvalidImageOrigin;

impl FromStr for ImageOrigin {
    type Err = InvalidImageOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidImageOrigin> {
        let place = text.strip_prefix("https://").ok_or(InvalidImageOrigin)?;
        let (host, port) = place.split_once(':').unwrap_or((place, "443"));
        let is_host = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, '-' | '.');
        if host.is_empty() || !host.chars().all(is_host) || port.parse::<u16>().is_err() {
            return Err(InvalidImageOrigin);
        }
        Ok(Self(text.to_owned()))
    }
}

impl ImageOrigin {
    /// The origin as it stands in a Content-Security-Policy.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the picture lies there. Whatever comes before the path is compared byte by byte, so no way of writing an
    /// address can lead elsewhere.
    fn has(&self, address: &str) -> bool {
        address.strip_prefix(self.0.as_str()).is_some_and(|path| path.starts_with('/'))
    }
}

/// The address of a user's picture: the user's own if it lies on one of these servers, else the generated one.
pub(super) fn picture<'address>(
    own: Option<&'address str>,
    origins: &[ImageOrigin],
    generated: String,
) -> Cow<'address, str> {
    let trusted = own.filter(|address| origins.iter().any(|origin| origin.has(address)));
    trusted.map_or(Cow::Owned(generated), Cow::Borrowed)
}

/// The path of the generated avatar.
pub(super) fn avatar_path(user: &str) -> String {
    format!("/pictures/{}/avatar.svg", path_part(user))
}

/// The path of the generated banner.
pub(super) fn banner_path(user: &str) -> String {
    format!("/pictures/{}/banner.svg", path_part(user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_https_and_a_host() {
        for text in ["https://pbs.twimg.com", "https://a-1.example:8443"] {
            assert_eq!(text.parse::<ImageOrigin>().unwrap().as_str(), text);
        }
        for text in [
            "http://a.example",
            "https://",
            "https://a.example/",
            "https://A.example",
            "https://a;b",
            "*",
            "https://a:x",
        ] {
            assert_eq!(text.parse::<ImageOrigin>(), Err(InvalidImageOrigin), "{text}");
        }
    }

    #[test]
    fn only_pictures_of_these_servers_are_shown() {
        let origins = ["https://a.example".parse().unwrap(), "https://b.example:81".parse().unwrap()];
        let shown = |address: &str| picture(Some(address), &origins, "/mine".into()).into_owned();
        for address in ["https://a.example/1.png", "https://b.example:81/"] {
            assert_eq!(shown(address), address);
        }
        for address in [
            "https://a.example.evil/1",
            "https://a.example@evil/1",
            "https://a.example",
            "https://b.example/1",
            "/1",
            "https://a.example\\@evil/",
        ] {
            assert_eq!(shown(address), "/mine", "{address}");
        }
        assert_eq!(picture(None, &origins, "/mine".into()), "/mine");
    }
}
