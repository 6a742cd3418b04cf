//! From messages of the stream to records of the topics.
//!
//! Invariants, as far as the translator remembers (the newest [`DELETIONS_MAX`] deletions and [`FORGOTTEN_MAX`] deleted
//! accounts, and as many users as it has room for; the stream's disorder is one of seconds, so these limits matter to
//! memory alone):
//! - A tweet whose deletion was seen is not published any more, whether it comes late or again.
//! - A profile is not published after one that came with a newer tweet, whoever's tweet that was. One of which the sender
//!   did not know all replaces none that is known.
//! - A hidden account stays hidden until the stream says otherwise, or its owner writes a tweet: the change may have been
//!   sent while nobody listened. Until then its profile is left as it is.
//! - An account that its owner deleted is gone for good when the grace is over, or when the stream says so: its record gets
//!   a tombstone, after which nothing of it is published. A suspension does not end by time, and does not change a deleted
//!   account.

use std::time::Duration;

use user_info_core::{AccountState, Decoded, Fact, Id, Key, Profile, Timestamp, Topic, decode};
use user_info_log::{NewRecord, Published as Place, Record};
use xxhash_rust::xxh3::xxh3_64;

use crate::half_said::HalfSaid;
use crate::recent::Recent;
use crate::stream::message::{AccountChange, AccountChangeKind, Deletion, Message, Status, User};
use crate::tweets::departures::Departures;
use crate::tweets::memory::{Known, Memory, Published};

/// Deletions that are remembered: about 20 MiB.
pub const DELETIONS_MAX: usize = 100_000;
/// Accounts gone for good that are remembered: about 20 MiB.
pub const FORGOTTEN_MAX: usize = 100_000;
/// Users that are remembered unless another number is given: about 240 MiB when all are there.
pub const USERS_MAX: usize = 3_670_016;
/// How long Twitter's users have to take the deletion of their account back.
pub const GRACE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// When the profile that comes with a tweet is published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PublishUsers {
    /// With every tweet.
    #[default]
    EveryTime,
    /// When it differs from the one published last.
    WhenChanged,
}

/// Which of the two services runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Both, as one.
    #[default]
    Both,
    /// The tweet service alone.
    Tweets,
    /// The user service alone.
    Users,
}

impl Role {
    /// Whether it publishes tweets.
    pub fn tweets(self) -> bool {
        matches!(self, Self::Both | Self::Tweets)
    }

    /// Whether it publishes users.
    pub fn users(self) -> bool {
        matches!(self, Self::Both | Self::Users)
    }
}

/// How a translator works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TranslatorConfig {
    /// What is published.
    pub role: Role,
    /// When profiles are.
    pub publish_users: PublishUsers,
    /// Users that are remembered, at least 2.
    pub users_max: usize,
    /// How long after `user_delete` an account is gone for good.
    pub grace: Duration,
}

impl Default for TranslatorConfig {
    fn default() -> Self {
        Self { role: Role::Both, publish_users: PublishUsers::EveryTime, users_max: USERS_MAX, grace: GRACE }
    }
}

/// What became of the user objects of the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserCounts {
    /// Objects that were published.
    pub published: u64,
    /// Objects that said what was said already, and were left out for that.
    pub unchanged: u64,
    /// Objects that were older, not complete, or of a hidden or deleted account.
    pub passed_over: u64,
}

/// Where the profile is that the change of an account needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileWanted {
    /// Whose.
    pub user_id: Id,
    /// The offset in the partition of the user; `None` if that was forgotten, and the topic has to be searched.
    pub offset: Option<i64>,
}

/// Turns messages into records, remembering what they must not contradict.
#[derive(Debug)]
pub struct Translator {
    config: TranslatorConfig,
    users: Memory,
    departures: Departures,
    deleted: Recent,
    forgotten: Recent,
    half_said: HalfSaid,
    counts: UserCounts,
}

impl Translator {
    /// A translator that remembers nothing.
    pub fn new(config: TranslatorConfig) -> Self {
        Self {
            config,
            users: Memory::new(config.users_max),
            departures: Departures::new(config.grace),
            deleted: Recent::new(DELETIONS_MAX),
            forgotten: Recent::new(FORGOTTEN_MAX),
            half_said: HalfSaid::default(),
            counts: UserCounts::default(),
        }
    }

    /// Takes in a record that was published earlier. What cannot be read is left out.
    pub fn learn(&mut self, record: &Record) {
        let Ok(decoded) = decode(record.topic, record.key.as_deref(), record.value.as_deref()) else { return };
        self.half_said.note(&decoded);
        match decoded {
            Decoded::Fact(Fact::UserChanged { user_id, profile }) => self.learn_user(&user_id, profile.state, record),
            Decoded::Fact(Fact::TweetDeleted { tweet_id, .. }) => drop(self.deleted.insert(&tweet_id)),
            Decoded::Tombstone(Key::User(user)) => self.forget(&user),
            Decoded::Tombstone(Key::Pair(pair)) if record.topic == Topic::Tweets => {
                self.deleted.insert(&pair.member);
            }
            Decoded::Tombstone(Key::Pair(_)) | Decoded::Fact(_) => {}
        }
    }

    fn learn_user(&mut self, user: &Id, state: AccountState, record: &Record) {
        self.forgotten.remove(user);
        if !self.config.role.users() {
            return;
        }
        self.departures.end(user);
        let published = Published { digest: digest(record.value.as_deref()), offset: Some(record.offset) };
        // Nobody knows with which tweet a profile came, but a state is one since it was published.
        let as_of_ms = if state == AccountState::Active { i64::MIN } else { record.timestamp_ms };
        self.users.put(user, Known { published: Some(published), state, as_of_ms });
        if state == AccountState::Deactivated {
            self.departures.begin(user, record.timestamp_ms);
        }
    }

    /// The tombstones of deletions that an earlier run could not say to the end.
    pub fn mend(&mut self, records: &mut Vec<NewRecord>) {
        records.extend(self.half_said.take_tombstones());
    }

    /// The account is gone for good: nothing of it is published any more.
    pub fn forget(&mut self, user: &Id) {
        self.users.remove(user);
        self.departures.end(user);
        self.forgotten.insert(user);
    }

    /// Appends the records that a message makes. `profile` is what [`Translator::wants`] asked for.
    pub fn translate(
        &mut self,
        message: &Message,
        profile: Option<Profile>,
        now: Timestamp,
        records: &mut Vec<NewRecord>,
    ) {
        match message {
            Message::Status(status) => self.status(status, records),
            Message::Deletion(deletion) if self.config.role.tweets() => {
                records.extend(self.tweet_deleted(deletion).into_iter().flatten());
            }
            Message::Account(change) if self.config.role.users() => {
                records.extend(self.account_changed(change, profile, now));
            }
            Message::Deletion(_)
            | Message::Account(_)
            | Message::GeoScrubbed { .. }
            | Message::StatusWithheld { .. }
            | Message::UserWithheld { .. }
            | Message::Limit { .. }
            | Message::Warning { .. }
            | Message::Disconnect { .. }
            | Message::Unknown { .. } => {}
        }
    }

    fn status(&mut self, status: &Status, records: &mut Vec<NewRecord>) {
        if self.config.role.users() {
            records.extend(self.user_seen(&status.author, status.created_at, Standing::Author));
            for user in status.others.iter().filter(|user| user.id != status.author.id) {
                records.extend(self.user_seen(user, status.created_at, Standing::Mentioned));
            }
        }
        if self.config.role.tweets() {
            records.extend(self.tweeted(status));
        }
    }

    fn user_seen(&mut self, user: &User, seen_at: Timestamp, standing: Standing) -> Option<NewRecord> {
        let known = self.users.get(&user.id);
        let Some(state) = self.state_if_news(user, known, seen_at, standing) else {
            self.counts.passed_over += 1;
            return None;
        };
        let profile = Profile { state, ..user.profile.clone()? };
        let record = NewRecord::fact(&Fact::UserChanged { user_id: user.id.clone(), profile });
        let digest = digest(record.value.as_deref());
        let before = known.and_then(|known| known.published);
        let unchanged = before.is_some_and(|before| before.digest == digest);
        let publish = !unchanged || self.config.publish_users == PublishUsers::EveryTime;
        let offset = if publish { None } else { before.and_then(|before| before.offset) };
        let published = Some(Published { digest, offset });
        self.users.put(&user.id, Known { published, state, as_of_ms: seen_at.as_millis() });
        if state == AccountState::Active {
            self.departures.end(&user.id);
        }
        *(if publish { &mut self.counts.published } else { &mut self.counts.unchanged }) += 1;
        publish.then_some(record)
    }

    /// The state in which a profile is to be published; `None` if it is not to be.
    fn state_if_news(
        &self,
        user: &User,
        known: Option<Known>,
        seen_at: Timestamp,
        standing: Standing,
    ) -> Option<AccountState> {
        if user.profile.is_none() || self.forgotten.contains(&user.id) {
            return None;
        }
        let Some(known) = known else {
            // An object that is not complete may only be the first one.
            return (user.complete || self.users.is_complete()).then_some(AccountState::Active);
        };
        if known.as_of_ms > seen_at.as_millis() || (!user.complete && known.published.is_some()) {
            return None;
        }
        let writes = matches!(standing, Standing::Author) && seen_at.as_millis() > known.as_of_ms;
        match known.state {
            AccountState::Active => Some(AccountState::Active),
            AccountState::Suspended | AccountState::Deactivated if writes => Some(AccountState::Active),
            state if known.published.is_none() => Some(state),
            AccountState::Suspended | AccountState::Deactivated => None,
        }
    }

    fn tweeted(&mut self, status: &Status) -> Option<NewRecord> {
        if self.deleted.contains(&status.tweet_id) || self.forgotten.contains(&status.author.id) {
            return None;
        }
        Some(NewRecord::fact(&Fact::Tweeted {
            user_id: status.author.id.clone(),
            tweet_id: status.tweet_id.clone(),
            text: status.text.clone(),
            created_at: status.created_at,
        }))
    }

    /// The deletion and its tombstone, also of a tweet that was never seen: it may have been before this service was. A
    /// deletion that was said already is not said again.
    fn tweet_deleted(&mut self, deletion: &Deletion) -> Option<[NewRecord; 2]> {
        let Deletion { tweet_id, user_id } = deletion.clone();
        self.deleted.insert(&tweet_id).then(|| deleted(Fact::TweetDeleted { user_id, tweet_id }))
    }

    /// The deletion of a tweet of an account that is gone for good.
    pub fn sweep(&mut self, deletion: &Deletion) -> [NewRecord; 2] {
        let Deletion { tweet_id, user_id } = deletion.clone();
        self.deleted.insert(&tweet_id);
        deleted(Fact::TweetDeleted { user_id, tweet_id })
    }

    /// Which profile has to be read before this message is translated.
    pub fn wants(&self, message: &Message) -> Option<ProfileWanted> {
        let Message::Account(change) = message else { return None };
        if !self.config.role.users() || self.forgotten.contains(&change.user_id) {
            return None;
        }
        if change.kind == AccountChangeKind::DeletedForGood {
            return None;
        }
        let user_id = change.user_id.clone();
        match self.users.get(&change.user_id) {
            Some(known) if known.state == change.kind.state() => None,
            Some(known) => known.published.map(|published| ProfileWanted { user_id, offset: published.offset }),
            None if self.users.is_complete() => None,
            None => Some(ProfileWanted { user_id, offset: None }),
        }
    }

    fn account_changed(
        &mut self,
        change: &AccountChange,
        profile: Option<Profile>,
        now: Timestamp,
    ) -> Option<NewRecord> {
        let (user, state) = (&change.user_id, change.kind.state());
        let known = self.users.get(user);
        let at_ms = change.at.unwrap_or(now).as_millis();
        if self.forgotten.contains(user) || !applies(change.kind, known, at_ms) {
            return None;
        }
        if change.kind == AccountChangeKind::DeletedForGood {
            self.forget(user);
            return Some(NewRecord::tombstone(&Key::User(user.clone())));
        }
        self.departures.end(user);
        if state == AccountState::Deactivated {
            self.departures.begin(user, now.as_millis());
        }
        let record = profile.map(|profile| {
            let profile = Profile { state, ..profile };
            NewRecord::fact(&Fact::UserChanged { user_id: user.clone(), profile })
        });
        let published =
            record.as_ref().map(|record| Published { digest: digest(record.value.as_deref()), offset: None });
        self.users.put(user, Known { published, state, as_of_ms: at_ms });
        record
    }

    /// Ends one account whose grace is over: its id, and the tombstone of its record.
    pub fn end_account(&mut self, now: Timestamp) -> Option<NewRecord> {
        let user = self.departures.next_due(now.as_millis())?;
        self.forget(&user);
        Some(NewRecord::tombstone(&Key::User(user)))
    }

    /// Notes where records went.
    pub fn note_places(&mut self, records: &[NewRecord], places: &[Place]) {
        for (record, place) in records.iter().zip(places).filter(|(record, _)| record.topic == Topic::Users) {
            let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
            let Some(user) = key.and_then(|key| Id::new(key).ok()) else { continue };
            if let Some(known) = self.users.get(&user)
                && let Some(published) = known.published
            {
                let published = Some(Published { offset: Some(place.offset), ..published });
                self.users.put(&user, Known { published, ..known });
            }
        }
    }

    /// What became of the user objects since it was asked last.
    pub fn take_counts(&mut self) -> UserCounts {
        std::mem::take(&mut self.counts)
    }

    /// How many users are remembered.
    pub fn remembered(&self) -> usize {
        self.users.len()
    }
}

/// How a user stands in a status.
#[derive(Clone, Copy, Debug)]
enum Standing {
    Author,
    Mentioned,
}

/// Whether a change says anything new. What the owner deleted, the operator cannot change.
fn applies(kind: AccountChangeKind, known: Option<Known>, at_ms: i64) -> bool {
    let Some(known) = known.filter(|_| kind != AccountChangeKind::DeletedForGood) else { return true };
    let by_operator = matches!(kind, AccountChangeKind::Suspended | AccountChangeKind::Unsuspended);
    let out_of_reach = by_operator && known.state == AccountState::Deactivated;
    let out_of_turn = matches!(kind, AccountChangeKind::Undeleted) && known.state == AccountState::Suspended;
    known.state != kind.state() && known.as_of_ms <= at_ms && !out_of_reach && !out_of_turn
}

fn digest(value: Option<&[u8]>) -> u64 {
    xxh3_64(value.unwrap_or_default())
}

fn deleted(fact: Fact) -> [NewRecord; 2] {
    let key: Key = fact.key();
    [NewRecord::fact(&fact), NewRecord::tombstone(&key)]
}
