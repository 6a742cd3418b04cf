//! The values that stores keep, byte by byte.
//!
//! Every form opens with its version; a reader refuses versions it does not know. Integers are little-endian.
//!
//! ```text
//! profile   version u8 = 1
//!           state u8              1 active, 2 suspended, 3 deactivated
//!           joined_at i64         milliseconds since the Unix epoch
//!           timestamp i64         of the record that published it, the same unit
//!           offset i64            of that record in its partition
//!           present u8            bit 0 bio, 1 location, 2 url, 3 profile image, 4 background image
//!           username, name        each: length u32, UTF-8 bytes
//!           then those present, in the order of the bits, in the same form
//!
//! counts    version u8 = 1
//!           tweets u64, following u64, followers u64, likes u64, lists u64
//! ```
//!
//! Invariant: `decode(encode(value)) == value`, and decoding any other bytes is an error, never a panic.

use crate::counts::Counts;
use crate::profile::{AccountState, Profile};
use crate::timestamp::Timestamp;

/// Version of the stored profile.
const PROFILE_VERSION: u8 = 1;

/// Version of the stored counts.
const COUNTS_VERSION: u8 = 1;

/// Length of stored counts in bytes.
const COUNTS_BYTES: usize = 1 + 5 * 8;

/// Where and when a record stands in its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The record's timestamp in milliseconds since the Unix epoch, as its producer wrote it.
    pub timestamp_ms: i64,
    /// The record's offset.
    pub offset: i64,
}

/// A profile and the record that published it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredProfile {
    /// The profile.
    pub profile: Profile,
    /// The record that published it.
    pub stamp: Stamp,
}

/// Stored bytes that this version did not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStored {
    /// The form's version is not known.
    #[error("stored {what} have format version {found}, this program reads {known}")]
    Version {
        /// Which form.
        what: &'static str,
        /// The version found.
        found: u8,
        /// The version that can be read.
        known: u8,
    },
    /// The bytes are damaged.
    #[error("stored {what} are damaged: run `user-info rebuild`")]
    Damaged {
        /// Which form.
        what: &'static str,
    },
}

const DAMAGED_PROFILE: InvalidStored = InvalidStored::Damaged { what: "profiles" };
const DAMAGED_COUNTS: InvalidStored = InvalidStored::Damaged { what: "counts" };

impl StoredProfile {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let profile = &self.profile;
        let optional = optional_texts(profile);
        let mut bytes = vec![PROFILE_VERSION, profile.state.number()];
        for number in [profile.joined_at.as_millis(), self.stamp.timestamp_ms, self.stamp.offset] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.push(optional.iter().enumerate().fold(0, |bits, (bit, text)| bits | u8::from(text.is_some()) << bit));
        let texts = [Some(profile.username.as_str()), Some(profile.name.as_str())].into_iter().chain(optional);
        for text in texts.flatten() {
            push_text(&mut bytes, text);
        }
        bytes
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidStored> {
        let mut reader = Reader(bytes);
        check_version(&mut reader, "profiles", PROFILE_VERSION)?;
        let stored = decode_profile(&mut reader).ok_or(DAMAGED_PROFILE)?;
        if reader.0.is_empty() { Ok(stored) } else { Err(DAMAGED_PROFILE) }
    }
}

impl Counts {
    /// The stored form.
    pub fn encode(self) -> [u8; COUNTS_BYTES] {
        let mut bytes = [COUNTS_VERSION; COUNTS_BYTES];
        let numbers = [self.tweets, self.following, self.followers, self.likes, self.lists];
        for (slot, number) in bytes[1..].chunks_exact_mut(8).zip(numbers) {
            slot.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidStored> {
        let mut reader = Reader(bytes);
        check_version(&mut reader, "counts", COUNTS_VERSION)?;
        let counts = decode_counts(&mut reader).ok_or(DAMAGED_COUNTS)?;
        if reader.0.is_empty() { Ok(counts) } else { Err(DAMAGED_COUNTS) }
    }
}

fn optional_texts(profile: &Profile) -> [Option<&str>; 5] {
    [
        profile.bio.as_deref(),
        profile.location.as_deref(),
        profile.url.as_deref(),
        profile.profile_image_url.as_deref(),
        profile.background_image_url.as_deref(),
    ]
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    let length = u32::try_from(text.len()).expect("texts of a profile are bounded far below 4 GiB");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn check_version(reader: &mut Reader<'_>, what: &'static str, known: u8) -> Result<(), InvalidStored> {
    match reader.byte() {
        Some(found) if found == known => Ok(()),
        Some(found) => Err(InvalidStored::Version { what, found, known }),
        None => Err(InvalidStored::Damaged { what }),
    }
}

fn decode_profile(reader: &mut Reader<'_>) -> Option<StoredProfile> {
    let state = AccountState::from_number(reader.byte()?)?;
    let joined_at = Timestamp::from_millis(reader.signed()?).ok()?;
    let stamp = Stamp { timestamp_ms: reader.signed()?, offset: reader.signed()? };
    let present = reader.byte()?;
    if present >= 1 << 5 {
        return None;
    }
    let username = reader.text()?;
    let name = reader.text()?;
    let profile = Profile {
        username,
        name,
        state,
        joined_at,
        bio: reader.optional(present, 0)?,
        location: reader.optional(present, 1)?,
        url: reader.optional(present, 2)?,
        profile_image_url: reader.optional(present, 3)?,
        background_image_url: reader.optional(present, 4)?,
    };
    Some(StoredProfile { profile, stamp })
}

fn decode_counts(reader: &mut Reader<'_>) -> Option<Counts> {
    Some(Counts {
        tweets: reader.unsigned()?,
        following: reader.unsigned()?,
        followers: reader.unsigned()?,
        likes: reader.unsigned()?,
        lists: reader.unsigned()?,
    })
}

struct Reader<'bytes>(&'bytes [u8]);

impl<'bytes> Reader<'bytes> {
    fn take(&mut self, length: usize) -> Option<&'bytes [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn signed(&mut self) -> Option<i64> {
        Some(i64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn unsigned(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<String> {
        let length = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        let bytes = self.take(usize::try_from(length).ok()?)?;
        String::from_utf8(bytes.to_vec()).ok()
    }

    /// The outer `None` is damage, the inner one an absent text.
    fn optional(&mut self, present: u8, bit: u8) -> Option<Option<String>> {
        if present & (1 << bit) == 0 { Some(None) } else { self.text().map(Some) }
    }
}
