//! The model against the core: the same records are bad, and the same users come out.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use user_info_audit::model::Model;
use user_info_core::decode::check_partition;
use user_info_core::topic::partition_of;
use user_info_core::{Counts, Id, Topic, decode};
use user_info_log::{NewRecord, Record};
use user_info_store::{Store, StoreOptions, StoreUrl};
use user_info_testkit::soak;

use crate::records::{PARTITIONS, contents, facts, ids, mutations, topics};
use crate::world::{
    change_of, decided, fact, followed, gone, liked, listed, profile_in_state, profile_value, raw, tweeted, unfollowed,
};

/// Gives the record a place: where its key belongs unless it names another partition.
fn placed(record: NewRecord, offset: i64) -> Record {
    let home = partition_of(record.key.as_deref().unwrap_or_default(), PARTITIONS);
    Record {
        topic: record.topic,
        partition: record.partition.unwrap_or(home),
        offset,
        timestamp_ms: record.timestamp_ms.unwrap_or(offset),
        key: record.key,
        value: record.value,
        headers: Vec::new(),
    }
}

fn model() -> Model {
    Model::new(Topic::FACTS.map(|topic| (topic, PARTITIONS)).into())
}

/// Asserts that the model and the core agree whether a record is good.
fn agree(record: NewRecord) -> Result<(), TestCaseError> {
    let record = placed(record, 0);
    let key = record.key.as_deref();
    let core = key
        .map_or(Ok(()), |key| check_partition(key, record.partition, PARTITIONS))
        .and_then(|()| decode(record.topic, key, record.value.as_deref()).map(drop));
    let model = model().apply(&record);
    let value = record.value.as_deref().map(String::from_utf8_lossy);
    prop_assert_eq!(
        core.is_ok(),
        model.is_ok(),
        "core: {:?}\nmodel: {:?}\n{:?}\n{:?}",
        core,
        model,
        &record.key,
        value
    );
    Ok(())
}

/// Few ids, so that facts meet: good ones, deletions, bad ones.
fn small_facts() -> impl Strategy<Value = NewRecord> {
    let few = || select(vec!["1", "2", "3", "ü"]);
    let names = select(vec!["ann", "Ann", "bob", "İ"]);
    let profiles = (few(), names, select(vec!["active", "suspended", "deactivated"]), 0_i64..5);
    let profiles = profiles.prop_map(|(user, name, state, timestamp_ms)| NewRecord {
        timestamp_ms: Some(timestamp_ms),
        ..profile_in_state(user, name, state)
    });
    let pairs = (few(), few(), 0..10).prop_map(|(owner, member, kind)| match kind {
        0 | 1 => tweeted(owner, member),
        2 => gone(Topic::Tweets, &format!("{owner}/{member}")),
        3 | 4 => followed(owner, member),
        5 => unfollowed(owner, member),
        6 => gone(Topic::Follows, &format!("{owner}/{member}")),
        7 => liked(owner, member),
        8 => listed(owner, member),
        _ => gone(Topic::Users, owner),
    });
    let bad = (few(), few(), topics()).prop_map(|(owner, member, topic)| match topic {
        Topic::Users => fact(topic, owner, &profile_value(member, "x", "active")),
        Topic::Tweets | Topic::Follows | Topic::Likes | Topic::Lists | Topic::DeadLetters => {
            raw(topic, &format!("{owner}/{member}"), "{}")
        }
    });
    prop_oneof![2 => profiles, 6 => pairs, 1 => bad]
}

fn model_counts(model: &Model, user: &str) -> Counts {
    let size = |topic| model.members(topic, user).count() as u64;
    Counts {
        tweets: size(Topic::Tweets),
        following: size(Topic::Follows),
        followers: model.followers(user).count() as u64,
        likes: size(Topic::Likes),
        lists: size(Topic::Lists),
    }
}

fn compare(model: &Model, store: &Store) -> Result<(), TestCaseError> {
    let mut stored = BTreeSet::new();
    store.for_each_user(&mut |record| stored.extend([record.user.as_str().to_owned()])).unwrap();
    let users: BTreeSet<String> = model.users().map(str::to_owned).collect();
    prop_assert!(stored.is_subset(&users), "{:?} of {:?}", stored, users);
    for user in &users {
        let record = store.get(&Id::new(user).unwrap()).unwrap();
        let counts = record.as_ref().map(|record| record.counts).unwrap_or_default();
        prop_assert_eq!(counts, model_counts(model, user), "user {}", user);
        let last = model.last_profile(user).filter(|last| last.profile.is_some());
        let stored = record.and_then(|record| record.profile);
        let stored =
            stored.map(|it| (it.profile.username, it.profile.state.name(), it.stamp.timestamp_ms, it.stamp.offset));
        let said = last.and_then(|last| {
            let profile = last.profile.as_ref()?;
            Some((profile.username.clone(), profile.state.as_str(), last.timestamp_ms, last.at.offset))
        });
        prop_assert_eq!(stored, said, "user {}", user);
    }
    for name in ["ann", "ANN", "bob", "i\u{307}", "nobody"] {
        let found = store.find(name).unwrap().map(|record| record.user.to_string());
        prop_assert_eq!(found.as_deref(), model.named(name), "username {}", name);
    }
    Ok(())
}

fn config() -> ProptestConfig {
    let (cases, rng_seed) = if soak() { (100_000, RngSeed::Random) } else { (2000, RngSeed::Fixed(7)) };
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn facts_as_they_are_published_get_the_same_verdict(record in facts()) {
        agree(record)?;
    }

    #[test]
    fn mutated_facts_get_the_same_verdict(record in facts(), mutations in vec(mutations(), 1..3)) {
        agree(mutations.iter().fold(record, |record, mutation| mutation.of(record)))?;
    }

    #[test]
    fn arbitrary_bytes_get_the_same_verdict(
        topic in topics(),
        key in prop::option::of(prop_oneof![vec(any::<u8>(), 0..140), ids().prop_map(String::into_bytes)]),
        value in prop::option::of(prop_oneof![vec(any::<u8>(), 0..60), contents().prop_map(String::into_bytes)]),
        partition in prop::option::of(0..PARTITIONS),
    ) {
        let key = key.map(|key| key.to_vec());
        agree(NewRecord { topic, key, value, headers: Vec::new(), partition, timestamp_ms: None })?;
    }

    #[test]
    fn sequences_of_records_end_in_the_same_users(records in vec(small_facts(), 0..80)) {
        let mut model = model();
        let store = Store::open(&StoreUrl::Memory, &StoreOptions::default()).unwrap();
        for (offset, record) in (0..).zip(records) {
            let record = placed(record, offset);
            let change = change_of(&record, PARTITIONS);
            prop_assert_eq!(model.apply(&record).is_ok(), change.is_some(), "{:?}", record);
            store.apply(&decided(change)).unwrap();
        }
        compare(&model, &store)?;
    }
}
