//! `judge` and `judge_end`: every halt, at its boundary.

use user_info_core::Topic;
use user_info_log::{Offsets, TopicDescription, TopicId, TopicSettings};
use user_info_service::standing::{Halt, TopicReport, judge, judge_end};
use user_info_store::Position;

use crate::facts::position;

const NOW_MS: i64 = 1_000_000;
const RETENTION_MS: i64 = 10_000;

/// Nine tenths of the retention.
const AWAY_MS_MAX: i64 = 9_000;

/// Three partitions, of which the log holds offsets 10 to 20.
fn report() -> TopicReport {
    let settings = TopicSettings {
        replication: 1,
        cleanup_policy: "compact".into(),
        delete_retention_ms: RETENTION_MS,
        max_message_bytes: 1,
        timestamp_type: "CreateTime".into(),
    };
    TopicReport {
        topic: Topic::Users,
        description: TopicDescription { id: TopicId("id-1".into()), partitions: 3, settings },
        offsets: vec![Offsets { start: 10, end: 20 }; 3],
        at_ms: NOW_MS,
    }
}

/// Three partitions at offset 15, complete just now.
fn positions() -> Vec<Position> {
    let complete = |partition| Position { caught_up_at_ms: Some(NOW_MS), ..position(Topic::Users, partition, 15) };
    (0..3).map(complete).collect()
}

fn positions_with(change: impl Fn(&mut Position)) -> Vec<Position> {
    let mut positions = positions();
    change(&mut positions[1]);
    positions
}

#[test]
fn a_topic_that_was_never_read_may_be_read() {
    assert_eq!(judge(&[], &report()), Ok(()));
    assert_eq!(judge_end(&[], &report()), Ok(()));
}

#[test]
fn positions_within_the_log_may_be_resumed() {
    assert_eq!(judge(&positions(), &report()), Ok(()));
    assert_eq!(judge_end(&positions(), &report()), Ok(()));
}

#[test]
fn a_topic_created_anew_halts() {
    let mut report = report();
    report.description.id = TopicId("id-2".into());
    // The new topic's other properties say nothing about the old one.
    report.description.partitions = 1;
    report.offsets.truncate(1);
    let halt = judge(&positions(), &report).unwrap_err();
    assert_eq!(halt, Halt::CreatedAnew { stored: "id-1".into(), found: "id-2".into() });
    assert_eq!(halt.code(), "created-anew");
    assert!(halt.to_string().contains("id id-1 became id-2"), "{halt}");
    assert!(halt.way_out().contains("user-info rebuild"));
}

#[test]
fn a_changed_partition_count_halts() {
    for found in [2, 4] {
        let mut report = report();
        report.description.partitions = found;
        report.offsets = vec![Offsets { start: 10, end: 20 }; found as usize];
        let halt = judge(&positions(), &report).unwrap_err();
        assert_eq!(halt, Halt::PartitionsChanged { stored: 3, found });
        assert_eq!(halt.code(), "partitions-changed");
        assert!(halt.way_out().contains("--topic-name"));
    }
}

#[test]
fn a_position_below_the_start_of_the_log_halts() {
    for (next_offset, expected) in [(10, true), (9, false)] {
        let positions = positions_with(|position| position.next_offset = next_offset);
        assert_eq!(judge(&positions, &report()).is_ok(), expected, "{next_offset}");
    }
    let halt = judge(&positions_with(|position| position.next_offset = 9), &report()).unwrap_err();
    assert_eq!(halt, Halt::OutsideLog { partition: 1, position: 9, log: "it holds 10 to 20".into() });
    assert_eq!(halt.code(), "outside-log");
    assert!(halt.way_out().contains("user-info rebuild"));
}

#[test]
fn a_position_beyond_the_end_of_the_log_halts_where_the_end_is_judged() {
    for (next_offset, expected) in [(20, true), (21, false)] {
        let positions = positions_with(|position| position.next_offset = next_offset);
        assert_eq!(judge_end(&positions, &report()).is_ok(), expected, "{next_offset}");
        // While ingest runs it may have read on since the report.
        assert_eq!(judge(&positions, &report()), Ok(()));
    }
    let halt = judge_end(&positions_with(|position| position.next_offset = 21), &report()).unwrap_err();
    assert_eq!(halt, Halt::OutsideLog { partition: 1, position: 21, log: "it holds 10 to 20".into() });
}

#[test]
fn a_partition_that_was_away_for_nine_tenths_of_the_retention_halts() {
    for (away_ms, expected) in [(-1, true), (0, true), (AWAY_MS_MAX, true), (AWAY_MS_MAX + 1, false)] {
        let positions = positions_with(|position| position.caught_up_at_ms = Some(NOW_MS - away_ms));
        assert_eq!(judge(&positions, &report()).is_ok(), expected, "{away_ms}");
    }
    let positions = positions_with(|position| position.caught_up_at_ms = Some(NOW_MS - 9_001));
    let halt = judge(&positions, &report()).unwrap_err();
    assert_eq!(halt, Halt::AwayTooLong { partition: 1, away_ms: 9_001, retention_ms: RETENTION_MS });
    assert_eq!(halt.code(), "away-too-long");
    assert!(halt.way_out().contains("user-info rebuild"));
}

#[test]
fn a_partition_that_never_was_complete_is_judged_from_when_its_reading_began() {
    let never_complete = |reading_for_ms| {
        positions_with(|position| {
            position.caught_up_at_ms = None;
            position.reading_since_ms = NOW_MS - reading_for_ms;
        })
    };
    assert_eq!(judge(&never_complete(AWAY_MS_MAX), &report()), Ok(()));
    let halt = judge(&never_complete(AWAY_MS_MAX + 1), &report()).unwrap_err();
    assert_eq!(halt, Halt::AwayTooLong { partition: 1, away_ms: 9_001, retention_ms: RETENTION_MS });
}

#[test]
fn an_endless_retention_never_halts() {
    let mut report = report();
    report.description.settings.delete_retention_ms = i64::MAX;
    let positions = positions_with(|position| position.caught_up_at_ms = Some(0));
    assert_eq!(judge(&positions, &report), Ok(()));
}

#[test]
fn the_other_halts_name_their_way_out_too() {
    assert_eq!(Halt::Gone.code(), "gone");
    assert!(Halt::Gone.to_string().contains("gone"));
    assert!(Halt::Gone.way_out().contains("create the topic"));
    let halt = Halt::BadRecords { in_a_row: 7, last: "the value is not a JSON object".into() };
    assert_eq!(halt.code(), "bad-records");
    assert_eq!(halt.to_string(), "7 bad records in a row, the last one: the value is not a JSON object");
    assert!(halt.way_out().contains("mend the producer"));
}
