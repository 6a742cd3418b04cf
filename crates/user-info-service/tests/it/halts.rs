//! Topics that may not be read on: ingest of them halts and names the way out, reads go on, and a rebuild mends it.

use std::fs;
use std::path::Path;

use user_info_core::Topic;
use user_info_log::{TopicLayout, TopicNames};
use user_info_store::{Batch, StoreOptions, begin_rebuild};
use user_info_testkit::eventually;

use crate::facts::{tweeted, user, user_named};
use crate::rebuild::rebuild_from;
use crate::server::{LIMIT, PARTITIONS, Server, World, config, embedded, publish};

/// Waits until a topic is halted and checks what `/status` says.
fn check_halted(server: &Server, topic: Topic, code: &str, way_out: &str) {
    eventually(LIMIT, "the topic is halted", || server.topic_status(topic)["phase"] == "halted");
    let status = server.topic_status(topic);
    assert_eq!(status["code"], code);
    assert!(status["way_out"].as_str().unwrap().contains(way_out), "{status}");
    assert!(!status["reason"].as_str().unwrap().is_empty());
}

#[test]
fn a_log_created_anew_halts_reads_go_on_and_a_rebuild_mends_it() {
    let world = World::new();
    let server = world.start();
    world.publish(&[user_named("1", "Old"), user("2")]);
    server.until_caught_up(&world.log);
    server.stop().unwrap();

    let anew = embedded(world.path("anew"), TopicNames::default());
    anew.create_topics(TopicLayout { partitions: PARTITIONS, replication: 1 }).unwrap();
    publish(&anew, &[user_named("1", "New"), tweeted("1", "10")]);
    let server = Server::start(config(), &anew, world.open_store());
    for topic in Topic::FACTS {
        check_halted(&server, topic, "created-anew", "user-info rebuild");
    }
    assert_eq!(server.get("/users/1").json()["username"], "Old");
    assert_eq!(server.get("/users/2").status, 200);
    assert_eq!(server.get("/users/3").status, 404);
    assert_eq!(server.admin("/ready").status, 200);
    assert!(server.admin("/metrics").text().contains("user_info_halted{topic=\"lists\"} 1\n"));
    assert_eq!(server.status()["caught_up"], false);

    // Beside the server that serves the old state.
    let rebuild = begin_rebuild(&world.store_url(), &StoreOptions::default()).unwrap();
    rebuild_from(&anew, rebuild.store()).unwrap();
    rebuild.finish().unwrap();
    assert_eq!(server.get("/users/1").json()["username"], "Old");
    server.stop().unwrap();

    let server = Server::start(config(), &anew, world.open_store());
    server.until_caught_up(&anew);
    let answer = server.get("/users/1").json();
    assert_eq!((&answer["username"], &answer["tweet_count"]), (&"New".into(), &1.into()));
    assert_eq!(server.get("/users/2").status, 404);
}

#[test]
fn a_log_without_the_topics_halts() {
    let world = World::new();
    let server = world.start();
    world.publish(&[user("1")]);
    server.until_caught_up(&world.log);
    server.stop().unwrap();
    let empty = embedded(world.path("empty"), TopicNames::default());
    let server = Server::start(config(), &empty, world.open_store());
    for topic in Topic::FACTS {
        check_halted(&server, topic, "gone", "create the topic");
    }
    assert_eq!(server.get("/users/1").status, 200);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

#[test]
fn a_first_reading_interrupted_for_longer_than_tombstones_are_kept_is_not_resumed() {
    let world = World::new();
    let server = world.start();
    world.publish(&[user("1"), tweeted("1", "10")]);
    server.until_caught_up(&world.log);
    server.stop().unwrap();

    // What the first start would have left behind, had it been stopped just before the end eight days ago.
    let store = world.open_store();
    let mut positions = store.positions().unwrap();
    for position in &mut positions {
        position.reading_since_ms -= 8 * 24 * 60 * 60 * 1_000;
        position.caught_up_at_ms = None;
    }
    store.apply(&Batch { positions, ..Batch::default() }).unwrap();

    let server = Server::start(config(), &world.log, store);
    for topic in Topic::FACTS {
        check_halted(&server, topic, "away-too-long", "user-info rebuild");
    }
    assert_eq!(server.get("/users/1").json()["tweet_count"], 1);
}

#[test]
fn a_log_that_lost_records_halts_the_topic_that_was_read_further() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, lost) = (dir.path().join("whole"), dir.path().join("lost"));
    let log = embedded(whole.clone(), TopicNames::default());
    log.create_topics(TopicLayout { partitions: PARTITIONS, replication: 1 }).unwrap();
    publish(&log, &[user("1"), tweeted("1", "10")]);
    drop(log);
    copy(&whole, &lost);

    let world = World::without_topics();
    let log = embedded(whole, TopicNames::default());
    publish(&log, &[user_named("1", "Late")]);
    let server = Server::start(config(), &log, world.open_store());
    server.until_caught_up(&log);
    server.stop().unwrap();

    let log = embedded(lost, TopicNames::default());
    let server = Server::start(config(), &log, world.open_store());
    check_halted(&server, Topic::Users, "outside-log", "user-info rebuild");
    assert_eq!(server.get("/users/1").json()["username"], "Late");
    // The other topics have lost nothing.
    publish(&log, &[tweeted("1", "11")]);
    eventually(LIMIT, "other topics go on", || server.get("/users/1").json()["tweet_count"] == 2);
}
