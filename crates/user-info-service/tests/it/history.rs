//! What the operator's page shows over time: measured right, bounded, and kept in a file that is whole or not believed.

use std::fs;
use std::path::Path;
use std::time::Duration;

use user_info_core::Topic;
use user_info_service::ServiceConfig;
use user_info_service::history::file::{self, HistoryError};
use user_info_service::history::letters::{LETTERS_MAX, LastLetters, ShownLetter};
use user_info_service::history::recorder::HistoryConfig;
use user_info_service::history::sample::{Quantiles, Reading, Sample, Slot};
use user_info_service::history::window::{Measured, TOPICS, Window};
use user_info_service::history::{Range, Recorded};
use user_info_store::{DeadLetter, Origin};
use user_info_testkit::eventually;

use crate::facts::{bad, user};
use crate::server::{LIMIT, World, config};

const TEN_SECONDS_MS: i64 = 10_000;

fn reading(at_ms: i64, measured: Measured, lag: i64) -> Reading {
    Reading { at_ms, measured, lags: [Some(lag); TOPICS], store_bytes: Some(at_ms.unsigned_abs()) }
}

fn sample(at_ms: i64) -> Sample {
    let mut slot = Slot::begin(at_ms - TEN_SECONDS_MS);
    slot.add(&reading(at_ms, Measured::nothing(), 0));
    slot.sample().unwrap()
}

fn letter(offset: i64, key: &str) -> DeadLetter {
    DeadLetter {
        origin: Origin { topic: Topic::Users, partition: 0, offset },
        timestamp_ms: offset,
        key: Some(key.into()),
        value: None,
        value_bytes: 0,
        value_sha256: [0; 32],
        code: "malformed".into(),
        reason: "not JSON".into(),
    }
}

/// Within what a histogram keeps, which never says less than it was.
#[track_caller]
fn check_near(found: u64, expected: u64) {
    assert!((expected..=expected + expected / 64 + 1).contains(&found), "{found} is not near {expected}");
}

#[test]
fn a_sample_says_what_was_measured_in_its_time() {
    let window = Window::default();
    for milliseconds in 1..=1_000 {
        window.answered(f64::from(milliseconds) / 1_000.0);
    }
    window.applied(Topic::Likes, 30);
    window.became_readable(Topic::Likes, 250);
    window.became_readable(Topic::Likes, -5);
    let mut slot = Slot::begin(0);
    slot.add(&reading(TEN_SECONDS_MS, window.take(), 7));
    window.applied(Topic::Likes, 12);
    slot.add(&reading(2 * TEN_SECONDS_MS, window.take(), 3));
    assert_eq!(slot.readings(), 2);

    let sample = slot.sample().unwrap();
    assert_eq!((sample.at_ms, sample.began_ms(), sample.requests), (20_000, 0, 1_000));
    assert_eq!((sample.per_second(sample.requests), sample.store_bytes), (50.0, Some(20_000)));
    let Quantiles { p50, p95, p99, max } = sample.request_us.unwrap();
    for (found, expected) in [(p50, 500_000), (p95, 950_000), (p99, 990_000), (max, 1_000_000)] {
        check_near(found, expected);
    }
    let likes = sample.topics[3];
    assert_eq!((likes.facts, likes.lag, sample.facts()), (42, Some(7), 42), "the greatest lag that was seen");
    let updates = likes.update_ms.unwrap();
    assert_eq!(updates.p50, 0, "a clock that is ahead of ours is no latency");
    check_near(updates.max, 250);
    let users = sample.topics[0];
    assert_eq!((users.facts, users.update_ms), (0, None));
}

#[test]
fn a_sample_takes_time() {
    let mut slot = Slot::begin(TEN_SECONDS_MS);
    slot.add(&reading(TEN_SECONDS_MS, Measured::nothing(), 0));
    assert_eq!(slot.sample(), None);
    slot.add(&reading(0, Measured::nothing(), 0));
    assert_eq!(slot.sample(), None, "the clock was set back");
}

#[test]
fn what_is_kept_is_bounded_by_number_and_by_age() {
    for range in Range::ALL {
        let mut recorded = Recorded::default();
        let most = range.samples_max();
        for index in 0..most as i64 + 100 {
            recorded.push(range, sample(index));
        }
        let kept: Vec<i64> = recorded.samples(range).iter().map(|sample| sample.at_ms).collect();
        assert_eq!(kept, (100..most as i64 + 100).collect::<Vec<i64>>(), "{range:?}");

        let later = range.length_ms() + 200;
        recorded.push(range, sample(later));
        let kept: Vec<i64> = recorded.samples(range).iter().map(|sample| sample.at_ms).collect();
        assert_eq!(kept.first(), Some(&201), "{range:?}: what is older than it spans is forgotten");
        assert_eq!(kept.last(), Some(&later), "{range:?}");
    }
}

#[test]
fn when_the_clock_is_set_back_what_lies_ahead_is_forgotten() {
    let mut recorded = Recorded::default();
    for at_ms in [1_000, 2_000, 3_000, 1_500] {
        recorded.push(Range::Hour, sample(at_ms));
    }
    let kept: Vec<i64> = recorded.samples(Range::Hour).iter().map(|sample| sample.at_ms).collect();
    assert_eq!(kept, [1_000, 1_500]);
    assert_eq!(recorded.newest().unwrap().at_ms, 1_500);
}

#[test]
fn the_last_dead_letters_are_shown_newest_first_and_none_twice() {
    let letters = LastLetters::default();
    letters.note(&[letter(1, "1"), letter(2, "2")]);
    letters.note(&[]);
    letters.note(&[letter(3, &"x".repeat(10_000))]);
    let before: Vec<ShownLetter> = [3, 2, 0].map(|offset| ShownLetter::from(&letter(offset, "old"))).into();
    let shown = letters.before(&before);
    let origins: Vec<&str> = shown.iter().map(|letter| letter.origin.as_str()).collect();
    assert_eq!(origins, ["users/0/3", "users/0/2", "users/0/1", "users/0/0"]);
    assert!(shown[0].key.as_ref().unwrap().chars().count() < 400, "long keys are cut");

    letters.note(&(10..100).map(|offset| letter(offset, "many")).collect::<Vec<_>>());
    let shown = letters.before(&before);
    assert_eq!((shown.len(), shown[0].origin.as_str()), (LETTERS_MAX, "users/0/99"));
}

fn some_history() -> Recorded {
    let mut recorded = Recorded::default();
    let window = Window::default();
    window.answered(0.001);
    for index in 1..=3 {
        let mut slot = Slot::begin((index - 1) * TEN_SECONDS_MS);
        slot.add(&reading(index * TEN_SECONDS_MS, window.take(), index));
        recorded.push(Range::Hour, slot.sample().unwrap());
        recorded.push(Range::Day, slot.sample().unwrap());
    }
    recorded.letters.push(ShownLetter::from(&letter(1, "<b>\u{202e}key")));
    recorded
}

#[test]
fn a_file_holds_what_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history");
    assert_eq!(file::read(&path).unwrap(), Recorded::default(), "there is none yet");
    for recorded in [Recorded::default(), some_history()] {
        file::write(&path, &recorded).unwrap();
        assert_eq!(file::read(&path).unwrap(), recorded);
    }
    let names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["history"], "nothing else is left there");
}

#[test]
fn a_file_that_was_cut_or_changed_anywhere_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history");
    file::write(&path, &some_history()).unwrap();
    let whole = fs::read(&path).unwrap();
    for index in 0..whole.len() {
        let mut changed = whole.clone();
        changed[index] ^= 1;
        for damaged in [&whole[..index], &changed] {
            fs::write(&path, damaged).unwrap();
            let error = file::read(&path).unwrap_err();
            assert!(matches!(error, HistoryError::Damaged { .. }), "at byte {index}: {error}");
        }
    }
    fs::write(&path, vec![b'x'; 9 * 1024 * 1024]).unwrap();
    assert!(file::read(&path).unwrap_err().to_string().contains("too long"));
}

#[test]
fn a_place_that_cannot_be_used_is_an_error() {
    let nowhere = Path::new("/nowhere/at/all");
    assert!(matches!(file::write(nowhere, &Recorded::default()), Err(HistoryError::Unwritable { .. })));
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(file::read(directory.path()), Err(HistoryError::Unreadable { .. })));
}

/// A history in this file, with samples as often as a test can wait for.
fn kept_in(file: &Path) -> ServiceConfig {
    let interval = Duration::from_millis(50);
    let file = Some(file.to_path_buf());
    ServiceConfig { history: HistoryConfig { file, sample_interval: interval, write_interval: interval }, ..config() }
}

#[test]
fn a_service_keeps_its_history_over_a_restart() {
    let world = World::new();
    let path = world.path("history");
    let server = world.start_with(kept_in(&path));
    world.publish(&[user("1"), bad(Topic::Likes, "1/2")]);
    server.until_caught_up(&world.log);
    assert_eq!(server.get("/users/1").status, 200);
    eventually(LIMIT, "the file is written while it runs", || path.exists());
    server.stop().unwrap();
    let first = file::read(&path).unwrap();
    let requests = |recorded: &Recorded, range| recorded.samples(range).iter().map(|it| it.requests).sum::<u64>();
    let facts = |recorded: &Recorded, range| recorded.samples(range).iter().map(Sample::facts).sum::<u64>();
    for range in Range::ALL {
        assert_eq!((requests(&first, range), facts(&first, range)), (1, 2), "{range:?}");
    }
    assert_eq!(first.letters.len(), 1);

    let server = world.start_with(kept_in(&path));
    server.until_caught_up(&world.log);
    assert_eq!(server.get("/users/1").status, 200);
    server.stop().unwrap();
    let second = file::read(&path).unwrap();
    for range in Range::ALL {
        assert_eq!((requests(&second, range), facts(&second, range)), (2, 2), "{range:?}");
        assert_eq!(second.samples(range)[0], first.samples(range)[0], "{range:?}");
    }
    assert_eq!(second.letters, first.letters);
}

#[test]
fn a_damaged_history_is_reported_and_begun_anew() {
    let world = World::new();
    let path = world.path("history");
    fs::write(&path, "user-info history 1 0123456789abcdef\n{}").unwrap();
    let server = world.start_with(kept_in(&path));
    let told = |server: &crate::server::Server| {
        let errors = server.errors.list();
        errors.into_iter().find(|error| error.about == "history").map(|error| error.message)
    };
    eventually(LIMIT, "the damage is told", || told(&server).is_some());
    let message = told(&server).unwrap();
    assert!(message.contains("damaged, a new one is begun") && message.contains(path.to_str().unwrap()), "{message}");
    server.until_ready();
    server.stop().unwrap();
    assert!(file::read(&path).unwrap().newest().is_some());
}

#[test]
fn a_history_that_cannot_be_written_is_told_and_costs_nothing_else() {
    let world = World::new();
    let server = world.start_with(kept_in(&world.path("no/such/directory/history")));
    world.publish(&[user("1")]);
    server.until_caught_up(&world.log);
    eventually(LIMIT, "the failure is told", || {
        server.errors.list().iter().any(|error| error.message.contains("--history"))
    });
    assert_eq!(server.get("/users/1").status, 200);
    server.stop().unwrap();
}
