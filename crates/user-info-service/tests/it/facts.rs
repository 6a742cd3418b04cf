//! Facts and records as the tests need them.

use user_info_core::{AccountState, Fact, Id, Key, Profile, Timestamp, Topic};
use user_info_log::{NewRecord, Record};
use user_info_store::Position;

/// 2009-02-13T23:31:30.000Z.
const JOINED_AT_MS: i64 = 1_234_567_890_000;

pub(crate) fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

pub(crate) fn time() -> Timestamp {
    Timestamp::from_millis(JOINED_AT_MS).unwrap()
}

/// A profile with every field.
pub(crate) fn profile(username: &str) -> Profile {
    Profile {
        username: username.into(),
        name: format!("Name of {username}"),
        state: AccountState::Active,
        joined_at: time(),
        bio: Some("Says \"hi\" – in UTF-8".into()),
        location: Some("Zürich".into()),
        url: Some("https://example.org/".into()),
        profile_image_url: Some("https://example.org/face.png".into()),
        background_image_url: Some("https://example.org/back.png".into()),
    }
}

pub(crate) fn user_changed(user: &str, profile: Profile) -> Fact {
    Fact::UserChanged { user_id: id(user), profile }
}

/// A user whose name is `name-ID`.
pub(crate) fn user(user: &str) -> NewRecord {
    NewRecord::fact(&user_changed(user, profile(&format!("name-{user}"))))
}

pub(crate) fn user_in_state(user: &str, state: AccountState) -> NewRecord {
    NewRecord::fact(&user_changed(user, Profile { state, ..profile(&format!("name-{user}")) }))
}

pub(crate) fn user_named(user: &str, username: &str) -> NewRecord {
    NewRecord::fact(&user_changed(user, profile(username)))
}

pub(crate) fn tweeted(user: &str, tweet: &str) -> NewRecord {
    let (user_id, tweet_id) = (id(user), id(tweet));
    NewRecord::fact(&Fact::Tweeted { user_id, tweet_id, text: "a tweet".into(), created_at: time() })
}

pub(crate) fn followed(follower: &str, followee: &str) -> NewRecord {
    NewRecord::fact(&Fact::Followed { follower_id: id(follower), followee_id: id(followee), created_at: time() })
}

pub(crate) fn unfollowed(follower: &str, followee: &str) -> NewRecord {
    NewRecord::fact(&Fact::Unfollowed { follower_id: id(follower), followee_id: id(followee) })
}

pub(crate) fn liked(user: &str, tweet: &str) -> NewRecord {
    NewRecord::fact(&Fact::Liked { user_id: id(user), tweet_id: id(tweet), created_at: time() })
}

pub(crate) fn list_created(owner: &str, list: &str) -> NewRecord {
    let (owner_id, list_id) = (id(owner), id(list));
    NewRecord::fact(&Fact::ListCreated { owner_id, list_id, name: "a list".into(), created_at: time() })
}

/// A record with the key of a fact and a value that is none.
pub(crate) fn bad(topic: Topic, key: &str) -> NewRecord {
    NewRecord::new(topic, key, Some(b"not json".to_vec()))
}

pub(crate) fn forget(user: &str) -> NewRecord {
    NewRecord::tombstone(&Key::User(id(user)))
}

/// The record as a consumer gets it.
pub(crate) fn read(new: NewRecord, partition: i32, offset: i64) -> Record {
    let NewRecord { topic, key, value, headers, .. } = new;
    let timestamp_ms = new.timestamp_ms.unwrap_or(offset * 1_000);
    Record { topic, partition, offset, timestamp_ms, key, value, headers }
}

/// The position of one partition of three, of a topic whose id is `id-1`; never caught up, nothing read.
pub(crate) fn position(topic: Topic, partition: i32, next_offset: i64) -> Position {
    Position {
        topic,
        partition,
        next_offset,
        topic_id: "id-1".into(),
        partitions: 3,
        reading_since_ms: 0,
        caught_up_at_ms: None,
        last_timestamp_ms: None,
    }
}
