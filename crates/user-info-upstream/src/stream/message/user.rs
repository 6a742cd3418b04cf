//! The user object: whose it is, the profile in it, and whether the sender knew all of it.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use user_info_core::profile::{MAX_TEXT_BYTES, check_username};
use user_info_core::{AccountState, Id, Profile, Timestamp, v1_date};

use super::{MalformedMessage, id};

/// A user as a status shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Id of the user.
    pub id: Id,
    /// The profile; `None` if the object lacks what every profile has: username, name, date.
    pub profile: Option<Profile>,
    /// Whether the sender knew everything: no count is -1 or null, and neither bio, location, address nor picture is
    /// absent (null is something known). An object that is not complete must not replace what is known.
    pub complete: bool,
    /// How many follow this user, if the sender knew.
    pub followers: Option<u64>,
    /// How many this user follows, if the sender knew.
    pub friends: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct UserObject<'message> {
    #[serde(borrow, default)]
    id_str: Cow<'message, str>,
    screen_name: Option<String>,
    name: Option<String>,
    created_at: Option<String>,
    #[serde(default)]
    description: Given,
    #[serde(default)]
    location: Given,
    #[serde(default)]
    url: Given,
    #[serde(default)]
    profile_image_url_https: Given,
    #[serde(default)]
    profile_image_url: Given,
    /// Absent when there is none.
    profile_banner_url: Option<String>,
    profile_background_image_url_https: Option<String>,
    #[serde(default)]
    followers_count: Count,
    #[serde(default)]
    friends_count: Count,
    #[serde(default)]
    listed_count: Count,
    #[serde(default)]
    favourites_count: Count,
    #[serde(default)]
    statuses_count: Count,
}

/// A text of which it matters whether it was given at all.
#[derive(Default)]
enum Given {
    #[default]
    Absent,
    Known(Option<String>),
}

impl<'message> Deserialize<'message> for Given {
    fn deserialize<D: Deserializer<'message>>(deserializer: D) -> Result<Self, D::Error> {
        // Empty texts are absent ones to whoever reads a profile.
        Ok(Self::Known(filled(Option::deserialize(deserializer)?)))
    }
}

impl Given {
    fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }

    fn text(self) -> Option<String> {
        match self {
            Self::Known(text) => text,
            Self::Absent => None,
        }
    }
}

#[derive(Clone, Copy, Default)]
enum Count {
    #[default]
    Absent,
    /// -1, null, or no count at all.
    Unknown,
    Known(u64),
}

impl<'message> Deserialize<'message> for Count {
    fn deserialize<D: Deserializer<'message>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(value.as_u64().map_or(Self::Unknown, Self::Known))
    }
}

impl Count {
    fn known(self) -> Option<u64> {
        match self {
            Self::Known(count) => Some(count),
            Self::Absent | Self::Unknown => None,
        }
    }
}

impl UserObject<'_> {
    pub(super) fn into_user(self) -> Result<User, MalformedMessage> {
        Ok(User {
            id: id("user.id_str", &self.id_str)?,
            complete: self.is_complete(),
            followers: self.followers_count.known(),
            friends: self.friends_count.known(),
            profile: self.into_profile()?,
        })
    }

    fn is_complete(&self) -> bool {
        let counts =
            [self.followers_count, self.friends_count, self.listed_count, self.favourites_count, self.statuses_count];
        let picture = self.profile_image_url_https.is_known() || self.profile_image_url.is_known();
        let texts = self.description.is_known() && self.location.is_known() && self.url.is_known();
        texts && picture && !counts.iter().any(|count| matches!(count, Count::Unknown))
    }

    fn into_profile(self) -> Result<Option<Profile>, MalformedMessage> {
        let (Some(username), Some(name), Some(joined_at)) = (self.screen_name, self.name, self.created_at) else {
            return Ok(None);
        };
        check_username(&username).map_err(|_| MalformedMessage::Field {
            field: "user.screen_name",
            reason: "must be 1 to 256 bytes without whitespace or control characters",
        })?;
        let image = self.profile_image_url_https.text().or(self.profile_image_url.text());
        let background = filled(self.profile_banner_url).or(filled(self.profile_background_image_url_https));
        Ok(Some(Profile {
            username,
            name: bounded("user.name", name)?,
            state: AccountState::Active,
            joined_at: date(&joined_at)?,
            bio: optional("user.description", self.description.text())?,
            location: optional("user.location", self.location.text())?,
            url: optional("user.url", self.url.text())?,
            profile_image_url: optional("user.profile_image_url_https", image)?,
            background_image_url: optional("user.profile_banner_url", background)?,
        }))
    }
}

fn date(text: &str) -> Result<Timestamp, MalformedMessage> {
    v1_date::parse(text).ok_or(MalformedMessage::Field {
        field: "user.created_at",
        reason: "expected a date such as Wed Feb 29 19:42:02 +0000 2012",
    })
}

pub(super) fn bounded(field: &'static str, text: String) -> Result<String, MalformedMessage> {
    let fits = text.len() <= MAX_TEXT_BYTES;
    fits.then_some(text).ok_or(MalformedMessage::Field { field, reason: "longer than 16384 bytes" })
}

fn optional(field: &'static str, text: Option<String>) -> Result<Option<String>, MalformedMessage> {
    text.map(|text| bounded(field, text)).transpose()
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
