//! A broker that is away, or silent: reads go on from what is stored, say how old it is, and cost next to nothing; when
//! the broker is back, so is everything.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use user_info_log::NewRecord;
use user_info_testkit::{BrokerConfig, KafkaBroker};

use crate::support::facts::{tweeted, user};
use crate::support::program::{Program, resident_bytes};
use crate::support::replica::{Replica, age_ms};
use crate::support::turn;
use crate::support::waiting::{LIMIT, until, until_true};
use crate::support::world::World;

/// For how long CPU time is counted.
const MEASURED: Duration = Duration::from_secs(4);

/// What a server may grow by while it waits: far more than buffers that fill once, far less than a leak.
const GROWTH_BYTES_MAX: u64 = 64 * 1024 * 1024;

#[test]
fn a_server_that_starts_without_a_broker_answers_from_its_store() {
    let _turn = turn::alone();
    let mut broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
    let world = World::on(&broker, "away");
    let mut server = world.replica("store").started();
    world.publish_to(&server, &[user("1", "one"), tweeted("1", "t1")]);
    server.stop();
    broker.kill().unwrap();

    server.start();
    assert_eq!(server.counts("1"), [1, 0, 0, 0, 0]);
    assert_eq!(server.get("/users/nobody").status, 404, "it has read everything once, so it knows");
    assert_eq!(server.admin("/ready").status, 200);
    until_true("its age grows", || age_ms(&server.get("/users/1")).is_some_and(|age| age > 0));
    let mut fresh = world.replica("fresh").started();
    let unknown = fresh.get("/users/1");
    assert_eq!((unknown.status, unknown.header("retry-after")), (503, Some("1")), "it cannot know: {unknown:?}");
    assert_eq!(fresh.admin("/ready").status, 503);

    broker.restart().unwrap();
    world.publish_to(&server, &[tweeted("1", "t2")]);
    fresh.until_at(&world.ends());
    for server in [&mut server, &mut fresh] {
        assert_eq!(server.counts("1"), [2, 0, 0, 0, 0]);
        assert_eq!(age_ms(&server.get("/users/1")), Some(0));
        server.stop();
    }
}

#[test]
fn a_broker_that_falls_silent_or_dies_stops_no_read() {
    let _turn = turn::alone();
    let mut broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
    let world = World::on(&broker, "silent");
    let mut server = world.replica("store").started();
    world.publish_to(&server, &[user("1", "one")]);

    broker.pause().unwrap();
    check_aging(&server);
    broker.resume().unwrap();
    check_back(&world, &server, tweeted("1", "t1"));

    broker.kill().unwrap();
    check_aging(&server);
    // Asked to end while the broker is away, it ends well, and starts again.
    server.restart();
    check_aging(&server);
    broker.restart().unwrap();
    check_back(&world, &server, tweeted("1", "t2"));
    assert_eq!(server.counts("1"), [2, 0, 0, 0, 0]);
    server.stop();
}

/// Answers go on, and say that they get older.
#[track_caller]
fn check_aging(server: &Replica) {
    let age = until("the server says that its data gets old", || match age_ms(&server.get("/users/1")) {
        Some(age) if age > 0 => Ok(age),
        age => Err(format!("{age:?}")),
    });
    until_true("the age grows", || age_ms(&server.get("/users/1")).is_some_and(|later| later > age));
    assert_eq!(server.user("1")["username"], "one");
    assert_eq!(server.admin("/ready").status, 200);
    until_true("the outage is among the errors", || !server.status()["last_errors"].as_array().unwrap().is_empty());
}

#[track_caller]
fn check_back(world: &World, server: &Replica, fact: NewRecord) {
    world.publish_to(server, &[fact]);
    until_true("the data is current", || age_ms(&server.get("/users/1")) == Some(0));
}

#[test]
fn waiting_for_a_broker_costs_next_to_nothing() {
    let _turn = turn::alone();
    let mut broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
    let world = World::on(&broker, "cost");
    let mut server = world.replica("store").started();
    let mut arguments = vec!["upstream".to_owned(), "all".to_owned()];
    arguments.extend(world.log_options());
    arguments.extend(["--users", "1000", "--rate", "500"].map(str::to_owned));
    let mut upstream = Program::under_test().start(&arguments);
    until_true("facts come in", || server.positions().iter().map(|(_, _, position)| position).sum::<i64>() > 2_000);
    let id = server.process().id();

    let busy = cpu_ticks_within(MEASURED, id);
    upstream.terminate().unwrap();
    assert!(upstream.wait(LIMIT).unwrap().success(), "{}", upstream.tail());
    server.until_at(&world.ends());
    let quiet = cpu_ticks_within(MEASURED, id);

    broker.kill().unwrap();
    until_true("the server has noticed", || age_ms(&server.get("/users/1")).is_some_and(|age| age > 0));
    let bytes = resident_bytes(id);
    let away = cpu_ticks_within(MEASURED, id);
    let growth = resident_bytes(id).saturating_sub(bytes);
    eprintln!("CPU ticks in {MEASURED:?}: {busy} busy, {quiet} quiet, {away} away; {growth} bytes more while away");
    assert!(away * 2 < busy, "waiting takes {away} ticks, following 2,000 facts a second {busy}");
    assert!(growth < GROWTH_BYTES_MAX, "{growth} bytes more than {bytes}");

    broker.restart().unwrap();
    server.until_at(&world.ends());
    server.stop();
}

/// CPU time that a process takes while `window` passes, in ticks of 10 ms.
fn cpu_ticks_within(window: Duration, id: u32) -> u64 {
    let (began, before) = (Instant::now(), cpu_ticks(id));
    while let Some(left) = window.checked_sub(began.elapsed()) {
        thread::sleep(left);
    }
    cpu_ticks(id) - before
}

/// User and system time since the start.
fn cpu_ticks(id: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    // The name, which is in parentheses, may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
