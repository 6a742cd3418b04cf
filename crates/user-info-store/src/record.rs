//! What readers get: records of users, and how the store is doing.

use std::collections::BTreeMap;

use user_info_core::profile::folded_username;
use user_info_core::{Counts, Id, StoredProfile};

/// Everything known about a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// The user.
    pub user: Id,
    /// The profile; `None` while only the user's sets are known.
    pub profile: Option<StoredProfile>,
    /// The sizes of the user's five sets.
    pub counts: Counts,
}

impl UserRecord {
    /// The record, or `None` when there is neither a profile nor a member.
    pub(crate) fn new(user: &Id, profile: Option<StoredProfile>, counts: Counts) -> Option<Self> {
        if profile.is_none() && counts.is_empty() {
            return None;
        }
        Some(Self { user: user.clone(), profile, counts })
    }

    /// Whether this user carries a name with this folded form.
    pub(crate) fn is_named(&self, folded: &str) -> bool {
        let username = self.profile.as_ref().map(|stored| &stored.profile.username);
        username.is_some_and(|username| folded_username(username) == folded)
    }

    /// What decides between users of one name: the newest profile record, then the greater id.
    pub(crate) fn name_rank(&self) -> (Option<i64>, &Id) {
        (self.profile.as_ref().map(|stored| stored.stamp.timestamp_ms), &self.user)
    }
}

/// The owners of the names that begin so, the shortest names first, then by name.
pub(crate) fn owners(records: impl Iterator<Item = UserRecord>, beginning: &str, limit: usize) -> Vec<UserRecord> {
    let mut owners: BTreeMap<(usize, String), UserRecord> = BTreeMap::new();
    for record in records {
        let Some(stored) = &record.profile else { continue };
        let folded = folded_username(&stored.profile.username);
        let name = (folded.len(), folded);
        let is_owner = owners.get(&name).is_none_or(|other| other.name_rank() < record.name_rank());
        if name.1.starts_with(beginning) && is_owner {
            owners.insert(name, record);
        }
    }
    owners.into_values().take(limit).collect()
}

/// How a store is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreStatus {
    /// Version of the stored format.
    pub format_version: u32,
    /// Version of the decoder that began to fill the store. Older than [`user_info_core::DECODER_VERSION`] means that
    /// what it refused, or read otherwise, is still so in here: a rebuild reads everything anew.
    pub decoder_version: u32,
    /// Which generation of the directory is open; `None` when there are none.
    pub generation: Option<u64>,
    /// About how many users have a profile.
    pub users_estimate: u64,
    /// Bytes on disk, of the open generation.
    pub disk_bytes: u64,
    /// Bytes of memory that caches and write buffers take.
    pub memory_bytes: u64,
    /// Whether writes have to wait for compaction.
    pub writes: WriteFlow,
    /// Why the store refuses to write, after a failed write.
    pub failure: Option<String>,
}

impl StoreStatus {
    /// Whether an older decoder than this program's filled the store.
    pub fn is_decoded_by_older_program(&self) -> bool {
        self.decoder_version < user_info_core::DECODER_VERSION
    }
}

/// Whether writes have to wait for compaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFlow {
    /// They do not.
    Free,
    /// They are slowed down to this rate.
    Slowed {
        /// Bytes per second that are let through.
        bytes_per_second: u64,
    },
    /// They wait until compaction has caught up.
    Stopped,
}
