//! From messages of the stream to records of the topics.
//!
//! Invariants: a tweet whose deletion was seen is not published any more, whether it comes late or again. A profile is
//! not published after one that came with a newer tweet of the same user. Both hold as far as the translator remembers:
//! the newest [`DELETIONS_MAX`] deletions, and [`USERS_MAX`] users since the last rebuild. The stream's disorder is one
//! of seconds, so neither limit matters but to memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use user_info_core::{Change, Fact, Id, Key, Stamp, Timestamp, Topic, decode};
use user_info_log::NewRecord;

use crate::recent::Recent;
use crate::stream::message::{Deletion, Message, Status};

/// Deletions that are remembered: about 20 MiB.
pub const DELETIONS_MAX: usize = 100_000;
/// Users whose last profile is remembered: about 1 GiB. When they are more, all are forgotten, and published once more.
pub const USERS_MAX: usize = 10_000_000;

/// When the profile that comes with a tweet is published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PublishUsers {
    /// With every tweet.
    #[default]
    EveryTime,
    /// When it differs from the one published last.
    WhenChanged,
}

/// Turns messages into records, remembering what they must not contradict.
#[derive(Debug)]
pub struct Translator {
    publish_users: PublishUsers,
    hasher: RandomState,
    users: HashMap<Id, LastProfile>,
    deleted: Recent,
}

#[derive(Clone, Copy, Debug)]
struct LastProfile {
    digest: u64,
    /// When the tweet was written that it came with; `None` for one that was read back.
    as_of: Option<Timestamp>,
}

impl Translator {
    /// A translator that remembers nothing.
    pub fn new(publish_users: PublishUsers) -> Self {
        Self { publish_users, hasher: RandomState::new(), users: HashMap::new(), deleted: Recent::new(DELETIONS_MAX) }
    }

    /// Takes in a record that was published earlier. What cannot be read is left out.
    pub fn learn(&mut self, topic: Topic, key: Option<&[u8]>, value: Option<&[u8]>) {
        let Ok(decoded) = decode(topic, key, value) else { return };
        match decoded.into_change(Stamp { timestamp_ms: 0, offset: 0 }) {
            Change::Profile { user, .. } => {
                let digest = self.hasher.hash_one(value);
                self.remember(&user, LastProfile { digest, as_of: None });
            }
            Change::Forget { user } => {
                self.users.remove(&user);
            }
            Change::Remove(pair) => self.deleted.insert(&pair.member),
            Change::Add(_) => {}
        }
    }

    /// Appends the records that a message makes.
    pub fn translate(&mut self, message: &Message, records: &mut Vec<NewRecord>) {
        match message {
            Message::Status(status) => {
                records.extend(self.user_changed(status));
                records.extend(self.tweeted(status));
            }
            Message::Deletion(deletion) => records.extend(self.tweet_deleted(deletion)),
            Message::Other => {}
        }
    }

    fn user_changed(&mut self, status: &Status) -> Option<NewRecord> {
        let last = self.users.get(&status.user_id).copied();
        if last.is_some_and(|last| last.as_of > Some(status.created_at)) {
            return None;
        }
        let fact = Fact::UserChanged { user_id: status.user_id.clone(), profile: status.profile.clone() };
        let record = NewRecord::fact(&fact);
        let digest = self.hasher.hash_one(record.value.as_deref());
        self.remember(&status.user_id, LastProfile { digest, as_of: Some(status.created_at) });
        let unchanged = last.is_some_and(|last| last.digest == digest);
        match self.publish_users {
            PublishUsers::EveryTime => Some(record),
            PublishUsers::WhenChanged => (!unchanged).then_some(record),
        }
    }

    fn remember(&mut self, user: &Id, last: LastProfile) {
        if let Some(known) = self.users.get_mut(user) {
            *known = last;
            return;
        }
        if self.users.len() == USERS_MAX {
            self.users.clear();
        }
        self.users.insert(user.clone(), last);
    }

    fn tweeted(&self, status: &Status) -> Option<NewRecord> {
        if self.deleted.contains(&status.tweet_id) {
            return None;
        }
        Some(NewRecord::fact(&Fact::Tweeted {
            user_id: status.user_id.clone(),
            tweet_id: status.tweet_id.clone(),
            text: status.text.clone(),
            created_at: status.created_at,
        }))
    }

    /// The deletion and its tombstone, also of a tweet that was never seen: it may have been before this service was.
    fn tweet_deleted(&mut self, deletion: &Deletion) -> [NewRecord; 2] {
        self.deleted.insert(&deletion.tweet_id);
        let Deletion { tweet_id, user_id } = deletion.clone();
        let fact = Fact::TweetDeleted { user_id, tweet_id };
        let key: Key = fact.key();
        [NewRecord::fact(&fact), NewRecord::tombstone(&key)]
    }
}
