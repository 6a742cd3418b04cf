//! Redis does not answer: silent, killed, or busy reading what it kept.

use std::thread;

use user_info_testkit::RedisServer;

use super::scene::{Scene, check_unavailable, redis_with, until_redis_says};
use crate::support::program::resident_bytes;
use crate::support::shared_store::until_read;
use crate::support::turn;
use crate::support::waiting::LIMIT;

/// Requests to a silent Redis while memory is watched, by several clients at once.
const REQUESTS: usize = 2_000;
const CLIENTS: usize = 4;

/// Far more than buffers that fill once, far less than all these requests would take if each left something behind.
const GROWTH_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// So many that loading them, a millisecond each, takes longer than anybody looks.
const LOADED_KEYS: &str = "100000";
const LOAD_DELAY_MICROSECONDS: &str = "1000";

const AWAY: &str = "Redis is not available";
const LOADING: &str = "Redis is loading the dataset in memory";

#[test]
fn a_redis_that_falls_silent_or_dies_loses_nothing() {
    let _turn = turn::shared();
    let mut redis = redis_with(&[("appendonly", "yes")]);
    let mut scene = Scene::begun("away", &[&redis.url()]);
    redis.pause().unwrap();
    scene.check_away(AWAY);
    scene.tell();
    check_memory(&mut scene);
    redis.resume().unwrap();
    scene.until_answered();
    scene.check();

    redis.kill().unwrap();
    scene.check_away(AWAY);
    scene.tell();
    redis.restart().unwrap();
    assert_ne!(redis.cli(&["dbsize"]).unwrap(), "0", "it kept its data");
    scene.until_answered();
    scene.check();
    check_stops(&mut scene, &mut redis);
}

/// However many requests meet a silent Redis, nothing of them stays.
fn check_memory(scene: &mut Scene) {
    let id = scene.server.process().id();
    let before = resident_bytes(id);
    let server = &scene.server;
    thread::scope(|scope| {
        let ask = || (0..REQUESTS / CLIENTS).for_each(|number| check_unavailable(server, &format!("/users/{number}")));
        (0..CLIENTS).for_each(|_| drop(scope.spawn(ask)));
    });
    let growth = resident_bytes(id).saturating_sub(before);
    assert!(growth < GROWTH_BYTES_MAX, "{growth} bytes more than {before} after {REQUESTS} requests");
}

/// Asked to end while Redis is away, a server ends well; started meanwhile, it waits.
fn check_stops(scene: &mut Scene, redis: &mut RedisServer) {
    redis.pause().unwrap();
    scene.tell();
    scene.until_store_error(AWAY);
    scene.server.stop();
    redis.kill().unwrap();
    scene.tell();
    let mut waiting = scene.launch();
    waiting.wait_for_line(AWAY, LIMIT).unwrap();
    waiting.wait_for_line(&format!("ingest waits for {}", redis.url()), LIMIT).unwrap();
    // Whoever watches over it sees that it lives.
    scene.check_away(AWAY);
    redis.restart().unwrap();
    waiting.wait_for_line("admin http://", LIMIT).unwrap();
    scene.check();
    redis.kill().unwrap();
    waiting.terminate().unwrap();
    assert_eq!(waiting.wait(LIMIT).unwrap().code(), Some(0), "{}", waiting.tail());
}

#[test]
fn a_redis_that_loads_its_data_is_waited_for() {
    let _turn = turn::shared();
    // It looks up from loading after each page, to say that it loads.
    let redis = redis_with(&[("loading-process-events-interval-bytes", "1024")]);
    let mut scene = Scene::begun("loading", &[&redis.url()]);
    redis.cli(&["debug", "populate", LOADED_KEYS, "other"]).unwrap();
    redis.cli(&["config", "set", "key-load-delay", LOAD_DELAY_MICROSECONDS]).unwrap();
    thread::scope(|scope| {
        // It is answered when everything is loaded, or given up before.
        scope.spawn(|| redis.cli(&["debug", "reload"]));
        until_redis_says(&redis, &["info", "persistence"], "loading:1");
        check_loading(&mut scene, &redis);
    });
}

fn check_loading(scene: &mut Scene, redis: &RedisServer) {
    scene.check_away(LOADING);
    scene.tell();
    let another = scene.another();
    let mut waiting = another.program.start(another.arguments());
    waiting.wait_for_line(LOADING, LIMIT).unwrap();
    redis.cli(&["config", "set", "key-load-delay", "0"]).unwrap();
    waiting.wait_for_line("admin http://", LIMIT).unwrap();
    scene.until_answered();
    until_read(&another, &scene.world.ends());
    scene.check_audits(&[&scene.server, &another]);
}
