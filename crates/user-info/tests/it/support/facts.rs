//! Facts as upstream services publish them.

use user_info_core::{AccountState, Fact, Id, Key, Profile, Timestamp};
use user_info_log::NewRecord;

pub(crate) fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

/// 2009-02-13T23:31:30.000Z.
pub(crate) fn time() -> Timestamp {
    Timestamp::from_millis(1_234_567_890_000).unwrap()
}

pub(crate) fn profile(username: &str) -> Profile {
    Profile {
        username: username.to_owned(),
        name: format!("The name of {username}"),
        state: AccountState::Active,
        joined_at: time(),
        bio: Some("In UTF-8: ❤".to_owned()),
        location: Some("Zürich".to_owned()),
        url: Some("https://example.org/".to_owned()),
        profile_image_url: Some("https://example.org/face.png".to_owned()),
        background_image_url: None,
    }
}

pub(crate) fn user(user: &str, username: &str) -> NewRecord {
    user_in_state(user, username, AccountState::Active)
}

pub(crate) fn user_in_state(user: &str, username: &str, state: AccountState) -> NewRecord {
    let profile = Profile { state, ..profile(username) };
    NewRecord::fact(&Fact::UserChanged { user_id: id(user), profile })
}

/// The user is gone.
pub(crate) fn forget(user: &str) -> NewRecord {
    NewRecord::tombstone(&Key::User(id(user)))
}

pub(crate) fn tweeted(user: &str, tweet: &str) -> NewRecord {
    let (user_id, tweet_id) = (id(user), id(tweet));
    NewRecord::fact(&Fact::Tweeted { user_id, tweet_id, text: "a tweet".to_owned(), created_at: time() })
}

/// The fact and its tombstone, as after every deletion.
pub(crate) fn tweet_deleted(user: &str, tweet: &str) -> [NewRecord; 2] {
    deleted(Fact::TweetDeleted { user_id: id(user), tweet_id: id(tweet) })
}

pub(crate) fn followed(follower: &str, followee: &str) -> NewRecord {
    NewRecord::fact(&Fact::Followed { follower_id: id(follower), followee_id: id(followee), created_at: time() })
}

/// The fact and its tombstone, back to back.
pub(crate) fn unfollowed(follower: &str, followee: &str) -> [NewRecord; 2] {
    deleted(Fact::Unfollowed { follower_id: id(follower), followee_id: id(followee) })
}

pub(crate) fn liked(user: &str, tweet: &str) -> NewRecord {
    NewRecord::fact(&Fact::Liked { user_id: id(user), tweet_id: id(tweet), created_at: time() })
}

pub(crate) fn unliked(user: &str, tweet: &str) -> [NewRecord; 2] {
    deleted(Fact::Unliked { user_id: id(user), tweet_id: id(tweet) })
}

pub(crate) fn list_created(owner: &str, list: &str) -> NewRecord {
    let (owner_id, list_id) = (id(owner), id(list));
    NewRecord::fact(&Fact::ListCreated { owner_id, list_id, name: "a list".to_owned(), created_at: time() })
}

pub(crate) fn list_deleted(owner: &str, list: &str) -> [NewRecord; 2] {
    deleted(Fact::ListDeleted { owner_id: id(owner), list_id: id(list) })
}

fn deleted(fact: Fact) -> [NewRecord; 2] {
    let key = fact.key();
    [NewRecord::fact(&fact), NewRecord::tombstone(&key)]
}
