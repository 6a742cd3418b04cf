//! `View`: how old the data is, what is complete, and the positions as a header.

use user_info_core::Topic;
use user_info_service::standing::Halt;
use user_info_service::view::{Freshness, PartitionView, Phase, TopicView, View};

use crate::facts::position;

const NOW_MS: i64 = 1_000_000;

/// Partition `number` of three: at offset 5 of 5, caught up at `NOW_MS`, its last record published a second before.
fn partition(topic: Topic, number: i32) -> PartitionView {
    let mut position = position(topic, number, 5);
    position.caught_up_at_ms = Some(NOW_MS);
    position.last_timestamp_ms = Some(NOW_MS - 1_000);
    PartitionView { position, end: Some(5), at_end: true, owned: true }
}

fn topics() -> Vec<TopicView> {
    let partitions = |topic| (0..3).map(|number| partition(topic, number)).collect();
    let running = |topic| TopicView { topic, phase: Phase::Running, partitions: partitions(topic) };
    Topic::FACTS.into_iter().map(running).collect()
}

/// A view with one topic, `likes`, changed.
fn view(change: impl Fn(&mut TopicView)) -> View {
    let mut topics = topics();
    change(&mut topics[3]);
    View::new(topics, true)
}

fn starting() -> Phase {
    Phase::Starting { waiting_for: "the test".into() }
}

#[test]
fn data_is_of_age_0_while_every_partition_is_at_its_end() {
    let view = view(|_| {});
    assert_eq!(view.freshness, Freshness::Current);
    assert_eq!(view.age_ms(NOW_MS + 123_456), Some(0));
    assert!(view.is_caught_up());
    assert!(!view.is_halted());
}

#[test]
fn a_partition_behind_makes_the_data_as_old_as_it_was_last_whole() {
    let behind = |caught_up_at_ms, last_timestamp_ms| {
        view(|topic| {
            let partition = &mut topic.partitions[1];
            partition.at_end = false;
            partition.position.caught_up_at_ms = caught_up_at_ms;
            partition.position.last_timestamp_ms = last_timestamp_ms;
        })
    };
    let cases = [
        // Silent for long, then complete a second ago: whole up to then.
        (Some(NOW_MS - 1_000), Some(NOW_MS - 60_000), Some(1_000)),
        // Reading on since: whole up to the last record.
        (Some(NOW_MS - 60_000), Some(NOW_MS - 2_000), Some(2_000)),
        (None, Some(NOW_MS - 3_000), Some(3_000)),
        (Some(NOW_MS - 4_000), None, Some(4_000)),
        // Nothing read, never complete.
        (None, None, None),
        // A producer's clock ahead of ours.
        (None, Some(NOW_MS + 5_000), Some(0)),
    ];
    for (caught_up_at_ms, last_timestamp_ms, age_ms) in cases {
        let view = behind(caught_up_at_ms, last_timestamp_ms);
        assert_eq!(view.age_ms(NOW_MS), age_ms, "{caught_up_at_ms:?} {last_timestamp_ms:?}");
        assert!(!view.is_caught_up());
    }
}

#[test]
fn what_another_instance_reads_is_as_old_as_it_last_said() {
    let view = view(|topic| topic.partitions[1].owned = false);
    assert_eq!(view.freshness, Freshness::Until(NOW_MS));
    assert_eq!(view.age_ms(NOW_MS + 700), Some(700));
    assert!(view.is_caught_up(), "it said that it stands at the end");
}

#[test]
fn the_partition_most_behind_decides() {
    let mut topics = topics();
    for (topic, behind_ms) in [(0, 1_000), (2, 70_000), (4, 2_000)] {
        let partition = &mut topics[topic].partitions[2];
        partition.at_end = false;
        partition.position.caught_up_at_ms = Some(NOW_MS - behind_ms);
        partition.position.last_timestamp_ms = None;
    }
    assert_eq!(View::new(topics, true).age_ms(NOW_MS), Some(70_000));
}

#[test]
fn a_halted_topic_ages_and_does_not_make_the_store_incomplete() {
    let view = view(|topic| topic.phase = Phase::Halted(Halt::Gone));
    assert_eq!(view.age_ms(NOW_MS + 10_000), Some(10_000));
    assert!(view.complete);
    assert!(view.is_halted());
    assert!(!view.is_caught_up());
}

#[test]
fn a_topic_that_waits_to_be_described_ages() {
    let view = view(|topic| topic.phase = starting());
    assert_eq!(view.age_ms(NOW_MS + 10_000), Some(10_000));
    assert!(!view.is_caught_up());
}

#[test]
fn without_the_log_nobody_knows_where_the_ends_are() {
    let view = View::new(topics(), false);
    assert_eq!(view.age_ms(NOW_MS + 10_000), Some(10_000));
    assert!(view.complete);
}

#[test]
fn a_topic_that_was_never_described_makes_the_age_unknown() {
    let view = view(|topic| *topic = TopicView { topic: topic.topic, phase: starting(), partitions: Vec::new() });
    assert_eq!(view.freshness, Freshness::Unknown);
    assert_eq!(view.age_ms(NOW_MS), None);
    assert!(!view.complete);
}

#[test]
fn the_store_is_complete_once_every_partition_was_caught_up() {
    assert!(view(|_| {}).complete);
    // Once, ever: not at this moment.
    assert!(view(|topic| topic.partitions[0].at_end = false).complete);
    assert!(!view(|topic| topic.partitions[0].position.caught_up_at_ms = None).complete);
    assert!(!view(|topic| drop(topic.partitions.pop())).complete);
    assert!(!view(|topic| topic.partitions.clear()).complete);
}

#[test]
fn a_store_is_seen_as_it_stands_before_the_log_was_reached() {
    let mut positions: Vec<_> = topics().into_iter().flat_map(|topic| topic.partitions).map(|it| it.position).collect();
    let view = View::from_positions(&positions);
    assert!(view.complete);
    assert_eq!(view.age_ms(NOW_MS + 1), Some(1));
    assert!(!view.is_caught_up());
    positions.retain(|position| position.topic != Topic::Lists);
    assert!(!View::from_positions(&positions).complete);
    assert!(!View::from_positions(&[]).complete);
    assert_eq!(View::from_positions(&[]).age_ms(NOW_MS), None);
}

#[test]
fn positions_stand_in_the_header_by_topic_and_partition() {
    let mut topics = topics();
    for (index, topic) in topics.iter_mut().enumerate() {
        for partition in &mut topic.partitions {
            partition.position.next_offset = (index as i64 + 1) * 100 + i64::from(partition.position.partition);
        }
    }
    topics[1].partitions.clear();
    let header = "users=100,101,102;follows=300,301,302;likes=400,401,402;lists=500,501,502";
    assert_eq!(View::new(topics, true).positions, header);
    assert_eq!(View::from_positions(&[]).positions, "");
}

#[test]
fn lag_is_what_lies_between_the_position_and_the_end_last_seen() {
    let lag = |end, at_end| PartitionView { end, at_end, ..partition(Topic::Users, 0) }.lag();
    assert_eq!(lag(Some(5), true), 0);
    assert_eq!(lag(Some(12), false), 7);
    // What lies there may be no record: the client says it is at the end.
    assert_eq!(lag(Some(12), true), 0);
    assert_eq!(lag(None, false), 0);
    assert_eq!(lag(Some(3), false), 0);
}
