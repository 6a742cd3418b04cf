//! Starting again: where the last run stopped, from its last state, whether the log can be reached or not.

use std::time::Instant;

use user_info_core::{Change, Stamp, StoredProfile, Topic};
use user_info_log::{Log, LogUrl, TopicNames};
use user_info_store::{Batch, DeadLetter, Decision, MemoryStore, Origin, Store};
use user_info_testkit::{eventually, free_port};

use crate::facts::{id, profile, tweeted, user};
use crate::server::{LIMIT, Server, World, config, open_log};

#[test]
fn a_restart_goes_on_where_it_stopped_and_reads_nothing_twice() {
    let world = World::new();
    let server = world.start();
    world.publish(&(0..300).map(|number| user(&number.to_string())).collect::<Vec<_>>());
    server.until_caught_up(&world.log);
    assert_eq!(server.metrics.records_read(), 300);
    server.stop().unwrap();

    world.publish(&[user("300"), tweeted("1", "10")]);
    let server = world.start();
    server.until_caught_up(&world.log);
    assert_eq!(server.metrics.records_read(), 2);
    assert_eq!(server.get("/users/300").status, 200);
    assert_eq!(server.get("/users/1").json()["tweet_count"], 1);
    server.stop().unwrap();

    let server = world.start();
    server.until_caught_up(&world.log);
    assert_eq!(server.metrics.records_read(), 0);
    assert_eq!(server.get("/users/299").status, 200);
}

/// A cluster that nobody runs.
fn nowhere() -> Log {
    let bootstrap = format!("127.0.0.1:{}", free_port());
    open_log(LogUrl::Kafka { bootstrap }, TopicNames::default())
}

/// The age in the header, in milliseconds.
fn age_ms(server: &Server) -> u64 {
    server.get("/users/1").header("user-info-age-ms").unwrap().parse().unwrap()
}

#[test]
fn without_the_log_the_last_state_is_served_and_ages() {
    let world = World::new();
    let server = world.start();
    world.publish(&[user("1")]);
    server.until_caught_up(&world.log);
    let positions = server.get("/users/1").header("user-info-positions").unwrap().to_owned();
    server.stop().unwrap();

    let server = Server::start(config(), &nowhere(), world.open_store());
    // At once: nothing waits for the log.
    let answer = server.get("/users/1");
    assert_eq!((answer.status, answer.header("user-info-positions")), (200, Some(positions.as_str())));
    server.get("/users/2").check_problem(404, "unknown-user");
    assert_eq!(server.admin("/ready").status, 200);
    let status = server.status();
    assert_eq!(status["caught_up"], false);
    assert_eq!(server.topic_status(Topic::Users)["phase"], "starting");

    let first = age_ms(&server);
    eventually(LIMIT, "the age grows", || age_ms(&server) > first + 500);
    eventually(LIMIT, "the silence of the log is told", || {
        server.errors.list().iter().any(|error| error.message.contains("the log is away"))
    });
    server.stop().unwrap();
}

/// How often the error about one thing came that came most often.
fn times_max(server: &Server) -> u64 {
    server.errors.list().iter().map(|error| error.times).max().unwrap_or_default()
}

/// A loop that never waits takes all of a core; ours wait nearly all of the time, also on a busy machine.
fn check_idle(server: &Server, began: Instant) {
    let (used, passed) = (server.processor_time(), began.elapsed());
    assert!(used < passed / 10, "{used:?} of processor time in {passed:?}");
}

#[test]
fn an_unreachable_log_is_waited_for_without_haste() {
    let server = Server::start(config(), &nowhere(), Store::Memory(MemoryStore::default()));
    let began = Instant::now();
    eventually(LIMIT, "attempts went on", || times_max(&server) >= 3);
    let errors = server.errors.list();
    // Two threads have something to say, each about one thing.
    assert!(errors.len() <= 2, "{errors:?}");
    let attempts_max = 4 * (began.elapsed().as_secs() + 1);
    assert!(times_max(&server) <= attempts_max, "{attempts_max}: {errors:?}");
    check_idle(&server, began);
}

#[test]
fn a_log_in_which_nothing_happens_is_waited_for_without_haste() {
    let world = World::new();
    let server = world.start();
    server.until_caught_up(&world.log);
    let complete_at_ms = || {
        let view = server.view.load();
        let partitions = view.topics.iter().flat_map(|topic| &topic.partitions);
        partitions.filter_map(|partition| partition.position.caught_up_at_ms).min().unwrap()
    };
    let (began, before) = (Instant::now(), complete_at_ms());
    eventually(LIMIT, "the data is known to be complete as of later", || complete_at_ms() > before + 1_000);
    check_idle(&server, began);
    assert_eq!(server.get("/users/1").header("user-info-age-ms"), Some("0"));
}

#[test]
fn what_is_known_before_everything_was_read_is_answered() {
    let store = MemoryStore::default();
    let stored = StoredProfile { profile: profile("Ada"), stamp: Stamp { timestamp_ms: 1, offset: 0 } };
    let change = Change::Profile { user: id("1"), profile: Box::new(stored) };
    store.apply(&Batch { changes: vec![Decision { offset: 0, change }], ..Batch::default() }).unwrap();
    let server = Server::start(config(), &nowhere(), Store::Memory(store));
    assert_eq!(server.get("/users/1").status, 200);
    assert_eq!(server.get("/users?username=ada").status, 200);
    assert_eq!(server.get("/users?ids=1").status, 200);
    for target in ["/users/2", "/users?username=bob", "/users?ids=1,2"] {
        server.get(target).check_problem(503, "not-caught-up");
    }
    assert_eq!(server.admin("/ready").status, 503);
}

#[test]
fn a_service_stops_well_while_the_log_is_away_and_dead_letters_wait() {
    let store = MemoryStore::default();
    let letter = DeadLetter {
        origin: Origin { topic: Topic::Users, partition: 0, offset: 7 },
        timestamp_ms: 5,
        key: None,
        value: None,
        value_bytes: 0,
        value_sha256: [0; 32],
        code: "missing-key".into(),
        reason: "the record has no key".into(),
    };
    store.apply(&Batch { dead_letters: vec![letter], ..Batch::default() }).unwrap();
    let server = Server::start(config(), &nowhere(), Store::Memory(store.clone()));
    eventually(LIMIT, "the log is missed", || times_max(&server) >= 1);
    server.stop().unwrap();
    assert_eq!(store.outbox_len().unwrap(), 1);
}
