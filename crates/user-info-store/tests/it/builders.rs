//! Short ways to write down ids, changes and stores, and what a store holds, to compare.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use tempfile::TempDir;
use user_info_core::{
    AccountState, Change, Counts, Id, Pair, Profile, Relation, Stamp, StoredProfile, Timestamp, Topic,
};
use user_info_store::{
    Batch, DeadLetter, Decision, MemoryStore, Origin, Position, RocksOptions, Store, StoreOptions, StoreUrl, Taint,
    UserRecord,
};

pub(crate) fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

pub(crate) fn pair(relation: Relation, owner: &str, member: &str) -> Pair {
    Pair { relation, owner: id(owner), member: id(member) }
}

pub(crate) fn add(relation: Relation, owner: &str, member: &str) -> Change {
    Change::Add(pair(relation, owner, member))
}

pub(crate) fn remove(relation: Relation, owner: &str, member: &str) -> Change {
    Change::Remove(pair(relation, owner, member))
}

pub(crate) fn follow(follower: &str, followee: &str) -> Change {
    add(Relation::Follows, follower, followee)
}

pub(crate) fn unfollow(follower: &str, followee: &str) -> Change {
    remove(Relation::Follows, follower, followee)
}

/// A profile record published at `timestamp_ms`.
pub(crate) fn profile(user: &str, username: &str, timestamp_ms: i64) -> Change {
    Change::Profile { user: id(user), profile: Box::new(stored_profile(username, timestamp_ms)) }
}

pub(crate) fn stored_profile(username: &str, timestamp_ms: i64) -> StoredProfile {
    let profile = Profile {
        username: username.into(),
        name: format!("{username} at {timestamp_ms}"),
        state: AccountState::Active,
        joined_at: Timestamp::from_millis(1_700_000_000_000).unwrap(),
        bio: Some("writes tests".into()),
        location: None,
        url: None,
        profile_image_url: Some("https://images.example/1".into()),
        background_image_url: None,
    };
    StoredProfile { profile, stamp: Stamp { timestamp_ms, offset: timestamp_ms * 2 } }
}

pub(crate) fn forget(user: &str) -> Change {
    Change::Forget { user: id(user) }
}

/// A batch of changes that were decided one after the other, and after those of every earlier batch.
pub(crate) fn batch(changes: impl IntoIterator<Item = Change>) -> Batch {
    static OFFSETS: AtomicI64 = AtomicI64::new(0);
    let decision = |change| Decision { offset: OFFSETS.fetch_add(1, Ordering::Relaxed), change };
    Batch { changes: changes.into_iter().map(decision).collect(), ..Batch::default() }
}

pub(crate) fn apply(store: &Store, changes: impl IntoIterator<Item = Change>) {
    store.apply(&batch(changes)).unwrap();
}

pub(crate) fn position(topic: Topic, partition: i32, next_offset: i64) -> Position {
    Position {
        topic,
        partition,
        next_offset,
        topic_id: "topic-id".into(),
        partitions: 4,
        reading_since_ms: 500 + next_offset,
        caught_up_at_ms: (next_offset % 2 == 0).then_some(1_000 + next_offset),
        last_timestamp_ms: Some(2_000 + next_offset),
    }
}

pub(crate) fn origin(topic: Topic, partition: i32, offset: i64) -> Origin {
    Origin { topic, partition, offset }
}

pub(crate) fn dead_letter(origin: Origin, reason: &str) -> DeadLetter {
    DeadLetter {
        origin,
        timestamp_ms: 5,
        key: Some(b"no/such\xff key".to_vec()),
        value: None,
        value_bytes: 9,
        value_sha256: [7; 32],
        code: "malformed".into(),
        reason: reason.into(),
    }
}

pub(crate) fn counts(store: &Store, user: &str) -> Counts {
    store.get(&id(user)).unwrap().map(|record| record.counts).unwrap_or_default()
}

/// Whom the name belongs to.
pub(crate) fn owner_of(store: &Store, username: &str) -> Option<String> {
    store.find(username).unwrap().map(|record| record.user.as_str().to_owned())
}

pub(crate) fn memory() -> Store {
    Store::Memory(MemoryStore::default())
}

pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) fn url(path: &Path) -> StoreUrl {
    StoreUrl::RocksDb { path: path.into() }
}

pub(crate) fn open(path: &Path) -> Store {
    Store::open(&url(path), &small()).unwrap()
}

/// Write buffers so small that a test sees flushes, compactions and log files come and go.
pub(crate) fn small() -> StoreOptions {
    let rocksdb = RocksOptions { block_cache_bytes: 8 << 20, write_buffer_bytes: 512 << 10, max_open_files: 64 };
    StoreOptions { rocksdb, ..StoreOptions::default() }
}

/// Everything that a store holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) users: Vec<UserRecord>,
    pub(crate) pairs: BTreeSet<Pair>,
    pub(crate) positions: Vec<Position>,
    pub(crate) outbox: Vec<DeadLetter>,
    pub(crate) tainted: Vec<Taint>,
}

pub(crate) fn contents(store: &Store) -> Contents {
    let mut users = Vec::new();
    store.for_each_user(&mut |record| users.push(record.clone())).unwrap();
    Contents {
        users,
        pairs: pairs(store),
        positions: store.positions().unwrap(),
        outbox: store.outbox(usize::MAX).unwrap(),
        tainted: store.tainted().unwrap(),
    }
}

pub(crate) fn pairs(store: &Store) -> BTreeSet<Pair> {
    let mut pairs = BTreeSet::new();
    store.for_each_pair(&mut |pair| assert!(pairs.insert(pair.clone()), "{pair:?} was visited twice")).unwrap();
    pairs
}

/// Whether randomized tests run for long.
pub(crate) fn soak() -> bool {
    std::env::var_os("USER_INFO_SOAK").is_some_and(|value| value == "1")
}

/// How many rounds a randomized test runs.
pub(crate) fn cases(usual: u32, long: u32) -> u32 {
    if soak() { long } else { usual }
}
