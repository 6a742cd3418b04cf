//! Ids: opaque text that names a user, a tweet or a list.
//!
//! Invariant: an [`Id`] is 1 to 64 bytes of UTF-8 without `/ { } ,`, whitespace or control characters. So it can stand
//! in a record key (`owner/member`), in a comma-separated list and in a Redis hash tag without being escaped.

use std::fmt;

/// Twitter's numbers (20 digits), UUIDs (36) and most DIDs fit; a store's key stays small.
pub const MAX_ID_BYTES: usize = 64;

/// An opaque, validated id of a user, a tweet or a list.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Box<str>);

/// Why a text is not an [`Id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// The text is empty.
    #[error("an id must not be empty")]
    Empty,
    /// The text is longer than [`MAX_ID_BYTES`].
    #[error("an id has at most {MAX_ID_BYTES} bytes, this one has {bytes}")]
    TooLong {
        /// Length of the text in bytes.
        bytes: usize,
    },
    /// The text holds a character that ids never have.
    #[error("an id has no {character:?}: none of / {{ }} , and no whitespace or control characters")]
    Character {
        /// The first such character.
        character: char,
    },
}

impl Id {
    /// Checks `text` and keeps a copy of it.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        Self::check(text)?;
        Ok(Self(text.into()))
    }

    /// Checks `text` without keeping it.
    pub fn check(text: &str) -> Result<(), InvalidId> {
        if text.is_empty() {
            return Err(InvalidId::Empty);
        }
        if text.len() > MAX_ID_BYTES {
            return Err(InvalidId::TooLong { bytes: text.len() });
        }
        match text.chars().find(|&character| is_forbidden(character)) {
            Some(character) => Err(InvalidId::Character { character }),
            None => Ok(()),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_forbidden(character: char) -> bool {
    matches!(character, '/' | '{' | '}' | ',') || character.is_whitespace() || character.is_control()
}

impl std::str::FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::new(text)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Id({})", self.0)
    }
}
