//! One fact of each kind beside the exact JSON that stands for it: the contract between the services, in literals.

use user_info_core::{AccountState, Fact, Id, Profile, Timestamp, Topic};

/// A fact and its record.
pub(crate) struct Sample {
    pub(crate) fact: Fact,
    pub(crate) topic: Topic,
    pub(crate) key: &'static str,
    pub(crate) json: &'static str,
    /// Whether a tombstone is published after it.
    pub(crate) deletion: bool,
}

pub(crate) fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn profile() -> Profile {
    Profile {
        username: "jack".into(),
        name: "Jack \"J\" Ω".into(),
        state: AccountState::Active,
        joined_at: at("2006-03-21T20:50:14.001Z"),
        bio: Some("just setting up\nmy profile".into()),
        location: Some(String::new()),
        url: Some("https://example.com/jack".into()),
        profile_image_url: Some("https://example.com/a.png".into()),
        background_image_url: Some("https://example.com/b.png".into()),
    }
}

pub(crate) fn bare_profile() -> Profile {
    Profile {
        name: String::new(),
        state: AccountState::Suspended,
        bio: None,
        location: None,
        url: None,
        profile_image_url: None,
        background_image_url: None,
        ..profile()
    }
}

/// All nine kinds, the profile also without what it may lack.
pub(crate) fn samples() -> Vec<Sample> {
    [users(), tweets(), follows(), likes(), lists()].into_iter().flatten().collect()
}

fn users() -> Vec<Sample> {
    vec![
        Sample {
            fact: Fact::UserChanged { user_id: id("12"), profile: profile() },
            topic: Topic::Users,
            key: "12",
            json: r#"{"type":"user_changed","user_id":"12","username":"jack","name":"Jack \"J\" Ω","state":"active","joined_at":"2006-03-21T20:50:14.001Z","bio":"just setting up\nmy profile","location":"","url":"https://example.com/jack","profile_image_url":"https://example.com/a.png","background_image_url":"https://example.com/b.png"}"#,
            deletion: false,
        },
        Sample {
            fact: Fact::UserChanged { user_id: id("12"), profile: bare_profile() },
            topic: Topic::Users,
            key: "12",
            json: r#"{"type":"user_changed","user_id":"12","username":"jack","name":"","state":"suspended","joined_at":"2006-03-21T20:50:14.001Z","bio":null,"location":null,"url":null,"profile_image_url":null,"background_image_url":null}"#,
            deletion: false,
        },
    ]
}

fn tweets() -> Vec<Sample> {
    let (user_id, tweet_id) = (id("12"), id("20"));
    vec![
        Sample {
            fact: Fact::Tweeted {
                user_id: user_id.clone(),
                tweet_id: tweet_id.clone(),
                text: "just setting up \\ \u{1f426}\u{0}".into(),
                created_at: at("2006-03-21T20:50:14.000Z"),
            },
            topic: Topic::Tweets,
            key: "12/20",
            json: r#"{"type":"tweeted","user_id":"12","tweet_id":"20","text":"just setting up \\ 🐦\u0000","created_at":"2006-03-21T20:50:14.000Z"}"#,
            deletion: false,
        },
        Sample {
            fact: Fact::TweetDeleted { user_id, tweet_id },
            topic: Topic::Tweets,
            key: "12/20",
            json: r#"{"type":"tweet_deleted","user_id":"12","tweet_id":"20"}"#,
            deletion: true,
        },
    ]
}

fn follows() -> Vec<Sample> {
    let (follower_id, followee_id) = (id("12"), id("did:plc:ewvi7nxzyoun6zhxrhs64oiz"));
    vec![
        Sample {
            fact: Fact::Followed {
                follower_id: follower_id.clone(),
                followee_id: followee_id.clone(),
                created_at: at("2026-11-23T08:30:00.000Z"),
            },
            topic: Topic::Follows,
            key: "12/did:plc:ewvi7nxzyoun6zhxrhs64oiz",
            json: r#"{"type":"followed","follower_id":"12","followee_id":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","created_at":"2026-11-23T08:30:00.000Z"}"#,
            deletion: false,
        },
        Sample {
            fact: Fact::Unfollowed { follower_id, followee_id },
            topic: Topic::Follows,
            key: "12/did:plc:ewvi7nxzyoun6zhxrhs64oiz",
            json: r#"{"type":"unfollowed","follower_id":"12","followee_id":"did:plc:ewvi7nxzyoun6zhxrhs64oiz"}"#,
            deletion: true,
        },
    ]
}

fn likes() -> Vec<Sample> {
    let (user_id, tweet_id) = (id("12"), id("20"));
    vec![
        Sample {
            fact: Fact::Liked {
                user_id: user_id.clone(),
                tweet_id: tweet_id.clone(),
                created_at: at("1969-12-31T23:59:59.999Z"),
            },
            topic: Topic::Likes,
            key: "12/20",
            json: r#"{"type":"liked","user_id":"12","tweet_id":"20","created_at":"1969-12-31T23:59:59.999Z"}"#,
            deletion: false,
        },
        Sample {
            fact: Fact::Unliked { user_id, tweet_id },
            topic: Topic::Likes,
            key: "12/20",
            json: r#"{"type":"unliked","user_id":"12","tweet_id":"20"}"#,
            deletion: true,
        },
    ]
}

fn lists() -> Vec<Sample> {
    let (owner_id, list_id) = (id("12"), id("c56a4180-65aa-42ec-a945-5fd21dec0538"));
    vec![
        Sample {
            fact: Fact::ListCreated {
                owner_id: owner_id.clone(),
                list_id: list_id.clone(),
                name: "Friends".into(),
                created_at: at("2026-11-23T08:30:00.000Z"),
            },
            topic: Topic::Lists,
            key: "12/c56a4180-65aa-42ec-a945-5fd21dec0538",
            json: r#"{"type":"list_created","owner_id":"12","list_id":"c56a4180-65aa-42ec-a945-5fd21dec0538","name":"Friends","created_at":"2026-11-23T08:30:00.000Z"}"#,
            deletion: false,
        },
        Sample {
            fact: Fact::ListDeleted { owner_id, list_id },
            topic: Topic::Lists,
            key: "12/c56a4180-65aa-42ec-a945-5fd21dec0538",
            json: r#"{"type":"list_deleted","owner_id":"12","list_id":"c56a4180-65aa-42ec-a945-5fd21dec0538"}"#,
            deletion: true,
        },
    ]
}
