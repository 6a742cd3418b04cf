//! Record keys: `user_id` on the users topic, `owner/member` on the four others.

use proptest::prelude::*;
use user_info_core::key::MAX_KEY_BYTES;
use user_info_core::{Id, InvalidId, InvalidKey, Key, Pair, Relation, Topic};

use crate::generate::{config, id};

const PAIRS: [(Topic, Relation); 4] = [
    (Topic::Tweets, Relation::Tweets),
    (Topic::Follows, Relation::Follows),
    (Topic::Likes, Relation::Likes),
    (Topic::Lists, Relation::Lists),
];

fn check_refused(topic: Topic, bytes: &[u8], expected: InvalidKey, message: &str) {
    assert_eq!(Key::parse(topic, bytes), Err(expected), "{topic} {}", bytes.escape_ascii());
    assert_eq!(expected.to_string(), message);
}

fn character(character: char) -> InvalidKey {
    InvalidKey::Id(InvalidId::Character { character })
}

#[test]
fn a_users_key_is_one_id() {
    assert_eq!(Key::parse(Topic::Users, b"12"), Ok(Key::User(Id::new("12").unwrap())));
    let slash =
        "the key holds an invalid id: an id has no '/': none of / { } , and no whitespace or control characters";
    check_refused(Topic::Users, b"12/13", character('/'), slash);
    let empty = "the key holds an invalid id: an id must not be empty";
    check_refused(Topic::Users, b"", InvalidKey::Id(InvalidId::Empty), empty);
}

#[test]
fn a_pairs_key_is_two_ids() {
    for (topic, relation) in PAIRS {
        let pair = Pair { relation, owner: Id::new("12").unwrap(), member: Id::new("13").unwrap() };
        assert_eq!(Key::parse(topic, b"12/13"), Ok(Key::Pair(pair)));
        check_refused(topic, b"12", InvalidKey::NoSlash, "the key must be owner/member");
        check_refused(topic, b"", InvalidKey::NoSlash, "the key must be owner/member");
        for bytes in [&b"/"[..], b"12/", b"/13"] {
            assert_eq!(Key::parse(topic, bytes), Err(InvalidKey::Id(InvalidId::Empty)));
        }
        for bytes in [&b"12/13/14"[..], b"12//13", b"12/13/"] {
            assert_eq!(Key::parse(topic, bytes), Err(character('/')));
        }
        assert_eq!(Key::parse(topic, b"12/1,3"), Err(character(',')));
        assert_eq!(Key::parse(topic, "12\u{a0}/13".as_bytes()), Err(character('\u{a0}')));
    }
}

#[test]
fn keys_are_short_text() {
    let longest = format!("{}/{}", "x".repeat(64), "y".repeat(64));
    assert_eq!(longest.len(), MAX_KEY_BYTES);
    assert!(Key::parse(Topic::Likes, longest.as_bytes()).is_ok());
    let long = format!("{longest}y");
    let message = "a key has at most 129 bytes, this one has 130";
    check_refused(Topic::Likes, long.as_bytes(), InvalidKey::TooLong { bytes: 130 }, message);
    let uneven = format!("{}/y", "x".repeat(65));
    assert_eq!(Key::parse(Topic::Likes, uneven.as_bytes()), Err(InvalidKey::Id(InvalidId::TooLong { bytes: 65 })));
    check_refused(Topic::Users, b"a\xff", InvalidKey::NotText, "the key is not UTF-8");
    check_refused(Topic::Lists, b"a/\xed\xa0\x80", InvalidKey::NotText, "the key is not UTF-8");
}

#[test]
fn dead_letters_are_no_facts() {
    check_refused(Topic::DeadLetters, b"users/0/17", InvalidKey::NoFacts, "the topic carries no facts");
}

/// An error that shows its cause in its message has no source: a chain of messages says everything once.
#[test]
fn nothing_is_said_twice() {
    let error = Key::parse(Topic::Users, b"").unwrap_err();
    assert!(std::error::Error::source(&error).is_none());
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_key_reads_back(owner in id(), member in id()) {
        let user = Key::User(owner.clone());
        prop_assert_eq!(user.topic(), Topic::Users);
        prop_assert_eq!(Key::parse(Topic::Users, user.to_string().as_bytes()), Ok(user));
        for (topic, relation) in PAIRS {
            let key = Key::Pair(Pair { relation, owner: owner.clone(), member: member.clone() });
            prop_assert_eq!(key.topic(), topic);
            prop_assert_eq!(Key::parse(topic, key.to_string().as_bytes()), Ok(key));
        }
    }

    #[test]
    fn a_key_that_is_read_is_written_alike(bytes in proptest::collection::vec(any::<u8>(), 0..140)) {
        for topic in Topic::ALL {
            if let Ok(key) = Key::parse(topic, &bytes) {
                prop_assert_eq!(key.to_string().into_bytes(), bytes.clone());
            }
        }
    }
}
