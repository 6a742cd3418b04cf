//! The record of a user in Redis: one string, so that a read is one command.
//!
//! ```text
//! counts     41 bytes, as the core stores them (version u8, tweets, following, followers, likes, lists u64)
//! decided    i64   mark of the fact that last decided the profile, -1 if none did
//! profile    as the core stores it; absent while there is none
//! ```
//!
//! Integers are little-endian. Counts stand first and have a fixed length, so a script moves them in place.

use user_info_core::{Counts, Id, InvalidStored, StoredProfile};

use crate::record::UserRecord;

/// Length of the stored counts.
const COUNTS_BYTES: usize = 41;

/// Length of what stands before the profile. The scripts know it too.
pub(super) const HEADER_BYTES: usize = COUNTS_BYTES + 8;

/// Reads a record; `None` when there is neither a profile nor a member.
pub(super) fn decode(user: &Id, value: &[u8]) -> Result<Option<UserRecord>, InvalidStored> {
    if value.is_empty() {
        return Ok(None);
    }
    let (header, profile) =
        value.split_at_checked(HEADER_BYTES).ok_or(InvalidStored::Damaged { what: "records of users" })?;
    let counts = Counts::decode(&header[..COUNTS_BYTES])?;
    Ok(UserRecord::new(user, decode_profile(profile)?, counts))
}

/// Reads the profile of a record; empty means that there is none.
pub(super) fn decode_profile(value: &[u8]) -> Result<Option<StoredProfile>, InvalidStored> {
    if value.is_empty() { Ok(None) } else { StoredProfile::decode(value).map(Some) }
}
