//! What a peer finds of a user, and how it travels between the services of one.

use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use user_info_core::{AccountState, Counts, Id, Profile, Timestamp};
use user_info_service::found::{Found, Shown};

/// A user with a profile.
pub(crate) struct Page {
    pub(crate) user: Id,
    pub(crate) profile: Profile,
    pub(crate) counts: Counts,
}

impl Page {
    pub(super) fn found(&self) -> Found<'_> {
        match self.profile.state {
            AccountState::Active => {
                Found::Shown(Shown { user: &self.user, profile: &self.profile, counts: self.counts })
            }
            AccountState::Suspended => Found::Suspended(&self.user),
            AccountState::Deactivated => Found::Deactivated(&self.user),
        }
    }
}

/// The columns of [`ProfileRow`], of a table or an alias.
pub(super) const PROFILE_COLUMNS: &str = "users.user_id, users.username, users.name, users.state, users.joined_at, users.bio, \
                                          users.location, users.url, users.profile_image_url, users.background_image_url";

/// A row of `users`, and what the service that owns them answers.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct ProfileRow {
    user_id: String,
    username: String,
    name: String,
    state: i16,
    joined_at: i64,
    bio: Option<String>,
    location: Option<String>,
    url: Option<String>,
    profile_image_url: Option<String>,
    background_image_url: Option<String>,
}

impl From<&Row> for ProfileRow {
    fn from(row: &Row) -> Self {
        Self {
            user_id: row.get(0),
            username: row.get(1),
            name: row.get(2),
            state: row.get(3),
            joined_at: row.get(4),
            bio: row.get(5),
            location: row.get(6),
            url: row.get(7),
            profile_image_url: row.get(8),
            background_image_url: row.get(9),
        }
    }
}

impl ProfileRow {
    /// With counts from elsewhere; `None` if no record of ours can have led to this row.
    pub(super) fn with(self, counts: Counts) -> Option<Page> {
        let profile = Profile {
            username: self.username,
            name: self.name,
            state: AccountState::from_number(u8::try_from(self.state).ok()?)?,
            joined_at: Timestamp::from_millis(self.joined_at).ok()?,
            bio: self.bio,
            location: self.location,
            url: self.url,
            profile_image_url: self.profile_image_url,
            background_image_url: self.background_image_url,
        };
        Some(Page { user: Id::new(&self.user_id).ok()?, profile, counts })
    }
}

/// What the service of a kind of sets answers about a user.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(super) struct SetCounts {
    /// Members that the user has.
    pub(super) own: u64,
    /// Of follows alone: users who have this one for a member.
    pub(super) others: u64,
}
