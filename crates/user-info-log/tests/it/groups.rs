//! What every log promises a group with one member. Part of the contract, see [`crate::contract::contract_tests`].

use std::time::Duration;

use user_info_core::Topic;
use user_info_log::{LogError, Polled, Share, TopicLayout};

use crate::subject::{
    PARTITIONS, PLENTY, Subject, gained, lost, poll_until, read_records, read_to_ends, record_at, start, values,
};

/// Long enough for what is fetched to arrive.
const SILENCE: Duration = Duration::from_millis(700);

fn all_of(topics: &[Topic]) -> Vec<(Topic, i32)> {
    topics.iter().flat_map(|&topic| (0..PARTITIONS).map(move |partition| (topic, partition))).collect()
}

fn sorted(mut partitions: Vec<(Topic, i32)>) -> Vec<(Topic, i32)> {
    partitions.sort_unstable();
    partitions
}

pub(crate) fn a_gained_partition_is_silent_until_it_is_assigned(subject: &Subject) {
    let topics = [Topic::Likes, Topic::Lists];
    subject.publish(&[record_at(Topic::Likes, 0, "1/1", "a"), record_at(Topic::Lists, 2, "1/1", "b")]);
    let mut member = subject.member("silent", &topics);
    let polled = poll_until(&mut member, "all partitions", |polled| gained(polled).len() >= 6);
    assert_eq!(sorted(gained(&polled)), all_of(&topics));
    assert_eq!(polled, Polled { shares: polled.shares.clone(), ..Polled::default() });
    assert_eq!(member.poll(PLENTY, SILENCE).unwrap(), Polled::default());

    member.assign(&[start(Topic::Likes, 0, 0)]).unwrap();
    let polled = read_to_ends(&mut member, 1);
    assert_eq!((values(&polled.records), polled.ends.len()), (vec!["a".to_owned()], 1));
    member.assign(&[start(Topic::Lists, 2, 0), start(Topic::Lists, 1, 0)]).unwrap();
    assert_eq!(values(&read_to_ends(&mut member, 2).records), ["b"]);
    assert_eq!(member.poll(PLENTY, SILENCE).unwrap(), Polled::default());
}

pub(crate) fn what_was_not_gained_is_left_out(subject: &Subject) {
    subject.publish(&[record_at(Topic::Likes, 0, "1/1", "a"), record_at(Topic::Lists, 0, "1/1", "b")]);
    let mut member = subject.member("left_out", &[Topic::Likes]);
    member.assign(&[start(Topic::Likes, 0, 0)]).unwrap();
    let polled = poll_until(&mut member, "all partitions", |polled| gained(polled).len() >= 3);
    assert_eq!(polled, Polled { shares: polled.shares.clone(), ..Polled::default() });
    assert_eq!(member.poll(PLENTY, SILENCE).unwrap(), Polled::default());

    member.assign(&[start(Topic::Lists, 0, 0), start(Topic::Likes, PARTITIONS, 0), start(Topic::Likes, 0, 0)]).unwrap();
    assert_eq!(values(&read_to_ends(&mut member, 1).records), ["a"]);
    assert_eq!(member.poll(PLENTY, SILENCE).unwrap(), Polled::default());
}

pub(crate) fn unassigned_partitions_stay_gained(subject: &Subject) {
    let mut member = subject.lone_member(&[Topic::Likes, Topic::Lists]);
    member.assign(&[start(Topic::Likes, 0, 0), start(Topic::Likes, 1, 0), start(Topic::Lists, 0, 0)]).unwrap();
    read_to_ends(&mut member, 3);
    member.unassign(Topic::Likes).unwrap();
    let both = [record_at(Topic::Likes, 0, "1/1", "silent"), record_at(Topic::Lists, 0, "1/1", "read")];
    subject.publish(&both);
    assert_eq!(values(&read_records(&mut member, 1)), ["read"]);
    assert_eq!(member.poll(PLENTY, SILENCE).unwrap().shares, []);

    member.assign(&[start(Topic::Likes, 0, 0)]).unwrap();
    assert_eq!(values(&read_records(&mut member, 1)), ["silent"]);
}

pub(crate) fn another_subscription_takes_the_place_of_the_first(subject: &Subject) {
    let mut member = subject.lone_member(&[Topic::Likes, Topic::Lists]);
    member.assign(&[start(Topic::Likes, 0, 0), start(Topic::Lists, 0, 0)]).unwrap();
    read_to_ends(&mut member, 2);
    member.subscribe(&[Topic::Users, Topic::Lists, Topic::Users]).unwrap();
    let polled = poll_until(&mut member, "the change", |polled| gained(polled).len() >= 3);
    assert_eq!(polled.shares, [Share::Lost(all_of(&[Topic::Likes])), Share::Gained(all_of(&[Topic::Users]))]);

    // What stayed is read on, what was lost is not, even if it is assigned.
    member.assign(&[start(Topic::Likes, 0, 0), start(Topic::Users, 0, 0)]).unwrap();
    read_to_ends(&mut member, 1);
    let of_each = [Topic::Likes, Topic::Lists, Topic::Users].map(|topic| record_at(topic, 0, "1", topic.name()));
    subject.publish(&of_each);
    let mut read = values(&read_records(&mut member, 2));
    read.sort_unstable();
    assert_eq!(read, ["lists", "users"]);

    member.subscribe(&[]).unwrap();
    let polled = poll_until(&mut member, "the loss of everything", |polled| lost(polled).len() >= 6);
    assert_eq!(sorted(lost(&polled)), sorted(all_of(&[Topic::Lists, Topic::Users])));
    member.subscribe(&[Topic::Likes]).unwrap();
    let polled = poll_until(&mut member, "the first topic again", |polled| gained(polled).len() >= 3);
    assert_eq!(polled.shares, [Share::Gained(all_of(&[Topic::Likes]))]);
    member.assign(&[start(Topic::Likes, 0, 0)]).unwrap();
    assert_eq!(values(&read_records(&mut member, 1)), ["likes"]);
}

pub(crate) fn a_topic_created_after_the_subscription_is_gained(subject: &Subject) {
    let log = subject.without_topics();
    let mut member = log.group_consumer("user-info").unwrap();
    member.subscribe(&[Topic::Likes]).unwrap();
    assert_eq!(member.poll(PLENTY, SILENCE).unwrap(), Polled::default());
    log.create_topics(TopicLayout { partitions: PARTITIONS, replication: 1 }).unwrap();
    let polled = poll_until(&mut member, "the new topic", |polled| gained(polled).len() >= 3);
    assert_eq!(polled, Polled { shares: vec![Share::Gained(all_of(&[Topic::Likes]))], ..Polled::default() });
}

pub(crate) fn a_subscription_needs_a_group(subject: &Subject) {
    let error = subject.log.consumer().unwrap().subscribe(&[Topic::Users]).unwrap_err();
    assert!(matches!(error, LogError::InvalidOption { .. }), "{error}");
    assert!(error.to_string().contains("belongs to no group"), "{error}");
}

pub(crate) fn names_of_groups_are_checked(subject: &Subject) {
    for name in ["", ".", "two words", "ü", "nul\0", &"x".repeat(250)] {
        let error = subject.log.group_consumer(name).unwrap_err();
        assert!(matches!(&error, LogError::InvalidOption { name, .. } if name == "group name"), "{error}");
    }
    subject.log.group_consumer(&"x".repeat(249)).unwrap();
}
