//! Facts: their records, byte by byte, and what they change.

use proptest::prelude::*;
use user_info_core::{Change, Decoded, Fact, Pair, Relation, Stamp, StoredProfile, decode};

use crate::generate::{self, config};
use crate::samples::{Sample, id, profile, samples};

const STAMP: Stamp = Stamp { timestamp_ms: 1_795_422_600_000, offset: 41 };

#[test]
fn records_are_written_and_read_as_the_contract_says() {
    for sample in samples() {
        let Sample { fact, topic, key, json, deletion } = sample;
        assert_eq!(String::from_utf8(fact.to_json()).unwrap(), json);
        assert_eq!((fact.topic(), fact.key().topic()), (topic, topic), "{json}");
        assert_eq!((fact.key().to_string().as_str(), fact.is_deletion()), (key, deletion), "{json}");
        let decoded = decode(topic, Some(key.as_bytes()), Some(json.as_bytes()));
        assert_eq!(decoded, Ok(Decoded::Fact(fact)));
    }
}

#[test]
fn all_nine_kinds_are_sampled() {
    let kinds: std::collections::BTreeSet<&str> = samples().iter().map(|sample| kind(&sample.fact)).collect();
    assert_eq!(kinds.len(), 9);
}

/// Fails to compile when a kind is added, so that the samples follow.
fn kind(fact: &Fact) -> &'static str {
    match fact {
        Fact::UserChanged { .. } => "user_changed",
        Fact::Tweeted { .. } => "tweeted",
        Fact::TweetDeleted { .. } => "tweet_deleted",
        Fact::Followed { .. } => "followed",
        Fact::Unfollowed { .. } => "unfollowed",
        Fact::Liked { .. } => "liked",
        Fact::Unliked { .. } => "unliked",
        Fact::ListCreated { .. } => "list_created",
        Fact::ListDeleted { .. } => "list_deleted",
    }
}

#[test]
fn each_fact_makes_one_change() {
    let pair = |relation, member: &str| Pair { relation, owner: id("12"), member: id(member) };
    let (did, uuid) = ("did:plc:ewvi7nxzyoun6zhxrhs64oiz", "c56a4180-65aa-42ec-a945-5fd21dec0538");
    for sample in samples() {
        let expected = match kind(&sample.fact) {
            "tweeted" => Change::Add(pair(Relation::Tweets, "20")),
            "tweet_deleted" => Change::Remove(pair(Relation::Tweets, "20")),
            "followed" => Change::Add(pair(Relation::Follows, did)),
            "unfollowed" => Change::Remove(pair(Relation::Follows, did)),
            "liked" => Change::Add(pair(Relation::Likes, "20")),
            "unliked" => Change::Remove(pair(Relation::Likes, "20")),
            "list_created" => Change::Add(pair(Relation::Lists, uuid)),
            "list_deleted" => Change::Remove(pair(Relation::Lists, uuid)),
            _ => continue,
        };
        assert_eq!(sample.fact.clone().into_change(STAMP), expected);
        assert_eq!(Decoded::Fact(sample.fact).into_change(STAMP), expected);
    }
}

#[test]
fn a_changed_user_is_stored_with_its_record() {
    let fact = Fact::UserChanged { user_id: id("12"), profile: profile() };
    let stored = Box::new(StoredProfile { profile: profile(), stamp: STAMP });
    assert_eq!(fact.into_change(STAMP), Change::Profile { user: id("12"), profile: stored });
}

/// A null value and the deletion before it say the same.
#[test]
fn a_tombstone_removes_what_its_key_names() {
    for sample in samples() {
        let tombstone = decode(sample.topic, Some(sample.key.as_bytes()), None).unwrap();
        assert_eq!(tombstone, Decoded::Tombstone(sample.fact.key()));
        let change = tombstone.into_change(STAMP);
        match kind(&sample.fact) {
            "user_changed" => assert_eq!(change, Change::Forget { user: id("12") }),
            _ if sample.deletion => assert_eq!(change, sample.fact.into_change(STAMP)),
            _ => assert!(matches!(change, Change::Remove(_)), "{change:?}"),
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_fact_reads_back(fact in generate::fact()) {
        let key = fact.key().to_string();
        let decoded = decode(fact.topic(), Some(key.as_bytes()), Some(&fact.to_json()));
        prop_assert_eq!(decoded, Ok(Decoded::Fact(fact)));
    }

    /// A record is one line of text, so that it can be looked at with Kafka's own tools.
    #[test]
    fn any_fact_is_one_line(fact in generate::fact()) {
        prop_assert!(!fact.to_json().contains(&b'\n'));
    }
}
