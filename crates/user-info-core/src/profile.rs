//! A user's profile: everything on a user page that is not a count.

use std::fmt;

use crate::timestamp::Timestamp;

/// Longest name, bio, location or address in bytes. Ten times what any known client writes; it bounds an answer.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;

/// Longest username in bytes. DNS handles, the longest in use, have 253.
pub const MAX_USERNAME_BYTES: usize = 256;

/// A profile as its owner last published it. Always whole, never a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The name behind the `@`, in the case its owner writes it: 1 to [`MAX_USERNAME_BYTES`] bytes, no whitespace.
    pub username: String,
    /// The display name; may be empty.
    pub name: String,
    /// Whether the account can be shown.
    pub state: AccountState,
    /// When the account was created.
    pub joined_at: Timestamp,
    /// The bio text.
    pub bio: Option<String>,
    /// Where the user says to be.
    pub location: Option<String>,
    /// The user's web page.
    pub url: Option<String>,
    /// Address of the avatar.
    pub profile_image_url: Option<String>,
    /// Address of the banner.
    pub background_image_url: Option<String>,
}

/// Why a text cannot be a username.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a username has 1 to {MAX_USERNAME_BYTES} bytes, no whitespace and no control characters")]
pub struct InvalidUsername;

/// Checks a username as profiles carry it.
pub fn check_username(username: &str) -> Result<(), InvalidUsername> {
    let fits = (1..=MAX_USERNAME_BYTES).contains(&username.len());
    if fits && !username.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Ok(());
    }
    Err(InvalidUsername)
}

/// What usernames are compared by: the name without regard to case. Up to half as long again as the username in bytes.
pub fn folded_username(username: &str) -> String {
    username.to_lowercase()
}

/// Whether an account can be shown. Suspended and deactivated accounts are kept and counted: they can come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountState {
    /// Shown.
    Active,
    /// Hidden by the operator.
    Suspended,
    /// Hidden by its owner.
    Deactivated,
}

impl AccountState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Deactivated];

    /// The state's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deactivated => "deactivated",
        }
    }

    /// The state with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The number that stands for the state in stored profiles. Persisted: never renumber.
    pub fn number(self) -> u8 {
        match self {
            Self::Active => 1,
            Self::Suspended => 2,
            Self::Deactivated => 3,
        }
    }

    /// The state with this stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }
}

impl fmt::Display for AccountState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
