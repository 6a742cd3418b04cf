//! When messages come, on a clock that the test moves.

use std::time::{Duration, Instant};

use user_info_upstream::replay::{Next, Pace, Replay};

use super::archives::{Files, block_on, config, text};

/// The milliseconds at which each message comes, on a clock that goes by steps of one.
fn times(lines: &[String], pace: Pace) -> Vec<u64> {
    let files = Files::new();
    let lines: Vec<_> = lines.iter().map(|line| line.clone().into_bytes()).collect();
    let mut replay = Replay::open(config(&[files.write("a", &text(&lines))], pace)).unwrap();
    block_on(replay.ready());
    let start = Instant::now();
    let mut times = Vec::new();
    for millis in 0..1_000_000 {
        while let Next::Message(_) = replay.next(start + Duration::from_millis(millis)) {
            times.push(millis);
        }
        if times.len() == lines.len() {
            return times;
        }
    }
    panic!("after 1000 s only {times:?}");
}

fn at(millis: i64) -> String {
    format!(r#"{{"timestamp_ms":"{}"}}"#, 1_500_000_000_000 + millis)
}

const AS_RECORDED: Pace = Pace::Recorded { speed: 1.0 };

#[test]
fn the_recorded_pace_is_that_of_the_messages() {
    let lines = [0, 0, 40, 1_040, 61_040].map(at);
    assert_eq!(times(&lines, AS_RECORDED), [0, 0, 40, 1_040, 61_040]);
    assert_eq!(times(&lines, Pace::Recorded { speed: 10.0 }), [0, 0, 4, 104, 6_104]);
    assert_eq!(times(&lines, Pace::Recorded { speed: 0.1 })[..4], [0, 0, 400, 10_400]);
}

#[test]
fn every_message_has_the_best_time_it_tells() {
    let id_at = |millis: u64| (1_600_000_000_000 + millis - 1_288_834_974_657) << 22;
    // 1600000000 is this second.
    let date = "Sun Sep 13 12:26:40 +0000 2020";
    let lines = [
        r#"{"timestamp_ms":"1600000000100","created_at":"Sun Sep 13 12:26:59 +0000 2020"}"#.to_owned(),
        r#"{"timestamp_ms":1600000000200}"#.to_owned(),
        format!(r#"{{"created_at":"{date}","id":{}}}"#, id_at(300)),
        format!(r#"{{"id":{}}}"#, id_at(400)),
        r#"{"delete":{"status":{"id":1},"timestamp_ms":"1600000000500"}}"#.to_owned(),
        format!(r#"{{"created_at":"Sun Sep 13 12:26:41 +0000 2020","id":{}}}"#, id_at(9_000)),
        r#"{"created_at":"Sun Sep 13 12:26:42 +0000 2020","id":20}"#.to_owned(),
    ];
    assert_eq!(times(&lines, AS_RECORDED), [0, 100, 200, 300, 400, 900, 1_900]);
}

#[test]
fn a_message_without_a_time_goes_with_the_one_before() {
    let odd = [
        r#"{"limit":{"track":1}}"#,
        r#"{"timestamp_ms":null,"created_at":[],"id":{}}"#,
        r#"{"timestamp_ms":"soon","created_at":"today","id":-7,"delete":3}"#,
        r#"{"id":1234}"#,
    ];
    for odd in odd {
        assert_eq!(times(&[at(0), at(70), odd.to_owned(), at(90)], AS_RECORDED), [0, 70, 70, 90], "{odd}");
        assert_eq!(times(&[odd.to_owned(), at(70), at(90)], AS_RECORDED), [0, 0, 20], "{odd}");
    }
}

#[test]
fn disorder_does_not_turn_time_back() {
    assert_eq!(times(&[0, 500, 100, 450, 600].map(at), AS_RECORDED), [0, 500, 500, 500, 600]);
}

#[test]
fn holes_and_wrong_dates_are_not_waited_for() {
    let hour = 3_600_000;
    assert_eq!(times(&[0, 100, hour, hour + 50].map(at), AS_RECORDED), [0, 100, 100, 150], "a hole");
    assert_eq!(
        times(&[hour, hour + 100, 0, 50].map(at), AS_RECORDED),
        [0, 100, 100, 150],
        "an older file after a newer"
    );
    assert_eq!(times(&[0, 100, 900 * hour, 150, 200].map(at), AS_RECORDED), [0, 100, 100, 100, 150], "one wrong date");
    let extremes =
        [i64::MIN, i64::MAX, 0, i64::MAX, i64::MIN, 30].map(|millis| format!(r#"{{"timestamp_ms":"{millis}"}}"#));
    assert_eq!(times(&extremes, AS_RECORDED), [0; 6]);
}

#[test]
fn a_rate_is_kept_whatever_the_dates() {
    let lines: Vec<_> = (0..11).map(|number| at(number * 5_000)).collect();
    let expected = [100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000, 1_100];
    assert_eq!(times(&lines, Pace::Rate(10.0)), expected);
    assert_eq!(times(&lines, Pace::FlatOut), [0; 11]);
}

#[test]
fn a_pause_delays_everything_and_lateness_nothing() {
    let files = Files::new();
    let lines: Vec<_> = [0, 100, 200, 300].iter().map(|&millis| at(millis).into_bytes()).collect();
    let mut replay = Replay::open(config(&[files.write("a", &text(&lines))], AS_RECORDED)).unwrap();
    block_on(replay.ready());
    let start = Instant::now();
    let due = |replay: &mut Replay, millis| {
        let now = start + Duration::from_millis(millis);
        std::iter::from_fn(|| matches!(replay.next(now), Next::Message(_)).then_some(())).count()
    };
    assert_eq!(due(&mut replay, 0), 1);
    assert_eq!(due(&mut replay, 60), 0);
    replay.pause();
    assert_eq!(due(&mut replay, 50_000), 0, "60 ms played");
    assert_eq!(due(&mut replay, 50_039), 0, "99 ms played");
    assert_eq!(due(&mut replay, 50_040), 1, "100 ms played");
    assert_eq!(due(&mut replay, 50_300), 2, "late, and made up for");
}
