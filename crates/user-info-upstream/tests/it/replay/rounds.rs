//! When reading begins, when it begins again, and when it ends.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use user_info_upstream::replay::{Next, Pace, Replay, ReplayConfig, ReplayError};

use super::archives::{Files, block_on, config, message, messages, next_ready, text};
use crate::support::{DEADLINE, eventually};

#[test]
fn nothing_is_read_before_the_first_message_is_asked_for() {
    let files = Files::new();
    let path = files.write("a", &text(&messages(0..1)));
    let mut replay = Replay::open(config(std::slice::from_ref(&path), Pace::FlatOut)).unwrap();
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(&text(&messages(1..2))).unwrap();
    block_on(async {
        assert_eq!(next_ready(&mut replay).await, Some(message(0)));
        assert_eq!(next_ready(&mut replay).await, Some(message(1)));
        assert_eq!(next_ready(&mut replay).await, None);
    });
}

#[test]
fn a_repeated_archive_starts_over_and_over() {
    let files = Files::new();
    let path = files.write("a", &text(&messages(0..3)));
    let mut replay = Replay::open(ReplayConfig { repeat: true, ..config(&[path], Pace::FlatOut) }).unwrap();
    block_on(async {
        for number in 0..3_000 {
            assert_eq!(next_ready(&mut replay).await, Some(message(number % 3)));
        }
    });
    assert_eq!(replay.progress().rounds(), 999);
}

#[test]
fn an_archive_without_messages_is_not_repeated() {
    let files = Files::new();
    let path = files.write("a", b"nothing\n");
    let mut replay = Replay::open(ReplayConfig { repeat: true, ..config(&[path], Pace::FlatOut) }).unwrap();
    assert_eq!(block_on(next_ready(&mut replay)), None);
    assert_eq!(replay.next(Instant::now()), Next::Over, "over for good");
    assert_eq!(replay.progress().bad_lines(), 1);
}

#[tokio::test]
async fn a_replay_is_over_with_its_last_message() {
    let files = Files::new();
    let path = files.write("a", &text(&messages(0..2)));
    let mut replay = Replay::open(config(&[path], Pace::FlatOut)).unwrap();
    assert!(!replay.is_over(), "it has not begun");
    for number in 0..2 {
        assert_eq!(next_ready(&mut replay).await, Some(message(number)));
        assert!(number == 1 || !replay.is_over());
    }
    let over = async {
        while !replay.is_over() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, over).await.expect("over, though nobody asked for more");
}

#[tokio::test]
async fn reading_ends_when_the_replay_is_dropped() {
    let files = Files::new();
    let path = files.write("a", &text(&messages(0..200_000)));
    for repeat in [false, true] {
        let mut replay =
            Replay::open(ReplayConfig { repeat, ..config(std::slice::from_ref(&path), Pace::FlatOut) }).unwrap();
        next_ready(&mut replay).await;
        let progress = replay.progress();
        drop(replay);
        eventually("the threads are gone", || Arc::strong_count(&progress) == 1).await;
        assert_eq!(progress.rounds(), 0);
    }
}

#[test]
fn what_cannot_be_replayed_is_refused_with_its_reason() {
    let files = Files::new();
    let refused = |config: ReplayConfig| Replay::open(config).unwrap_err();
    let missing = refused(config(&[files.path("missing")], Pace::FlatOut));
    assert!(matches!(&missing, ReplayError::Unreadable { path, .. } if *path == files.path("missing")), "{missing}");
    assert!(matches!(refused(config(&[files.root()], Pace::FlatOut)), ReplayError::NoFiles));
    assert!(matches!(refused(config(&[], Pace::FlatOut)), ReplayError::NoFiles));
    let _socket = std::os::unix::net::UnixListener::bind(files.path("socket")).unwrap();
    assert!(matches!(refused(config(&[files.path("socket")], Pace::FlatOut)), ReplayError::NotAFile { .. }));
    let path = files.write("a", b"{}");
    for factor in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        for pace in [Pace::Rate(factor), Pace::Recorded { speed: factor }] {
            assert!(matches!(refused(config(std::slice::from_ref(&path), pace)), ReplayError::NoPace), "{pace:?}");
        }
    }
}
