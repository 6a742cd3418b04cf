//! Redis answers, and refuses: as a replica, for want of memory or of a disk, or because it does not know us any more.
//! Ingest waits; what Redis still answers is answered.

use std::fs;
use std::path::Path;

use user_info_testkit::{RedisConfig, RedisSecurity, RedisServer, free_port};

use super::scene::{Scene, check_unavailable, redis_with, until_redis_says};
use crate::support::replica::age_ms;
use crate::support::turn;
use crate::support::waiting::until_true;

#[test]
fn a_redis_that_is_made_a_replica_loses_nothing() {
    let _turn = turn::shared();
    let (redis, other) = (redis_with(&[]), redis_with(&[]));
    let mut scene = Scene::begun("replica", &[&redis.url()]);
    // Of a server that is not there: it keeps its data, and whoever is in it is answered.
    check_as_replica(&mut scene, &redis, free_port(), "role:slave", 200);
    // Of an empty one: it loses everything, and nobody is taken for unknown.
    check_as_replica(&mut scene, &redis, other.port(), "master_link_status:up", 503);
}

/// A replica takes no facts; when it is a master again, it has all of them.
fn check_as_replica(scene: &mut Scene, redis: &RedisServer, master: u16, replicates: &str, known: u16) {
    redis.cli(&["replicaof", "127.0.0.1", &master.to_string()]).unwrap();
    until_redis_says(redis, &["info", "replication"], replicates);
    scene.check_asked(&[known]);
    scene.tell();
    scene.until_store_error("replica");
    scene.check_asked(&[known]);
    check_unavailable(&scene.server, "/users/nobody");
    check_unavailable(&scene.server, "/users?username=nobody");
    check_unavailable(&scene.server, "/users?ids=nobody,u1");
    let ready = scene.server.admin("/ready");
    assert!(ready.status == 503 && ready.body.contains("replica"), "{ready:?}");
    until_true("answers get older", || age_ms(&scene.ask()).is_none_or(|age| age > 0));
    redis.cli(&["replicaof", "no", "one"]).unwrap();
    scene.until_answered();
    scene.check();
}

#[test]
fn a_redis_without_memory_answers_and_takes_facts_later() {
    let _turn = turn::shared();
    let redis = redis_with(&[]);
    let mut scene = Scene::begun("full", &[&redis.url()]);
    fill_up(&mut scene, &redis);
    check_reads_go_on(&scene);
    redis.cli(&["config", "set", "maxmemory", "0"]).unwrap();
    scene.check();
}

/// Takes Redis all memory that it does not use yet, until it refuses a fact; a little is left when clients go.
fn fill_up(scene: &mut Scene, redis: &RedisServer) {
    redis.cli(&["config", "set", "maxmemory", &used_memory(redis)]).unwrap();
    until_true("Redis has no memory left", || {
        scene.tell();
        redis.cli(&["info", "errorstats"]).unwrap().contains("errorstat_OOM")
    });
    scene.until_store_error("OOM");
}

fn used_memory(redis: &RedisServer) -> String {
    let info = redis.cli(&["info", "memory"]).unwrap();
    info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().trim().to_owned()
}

#[track_caller]
fn check_reads_go_on(scene: &Scene) {
    assert_eq!(scene.ask().status, 200);
    assert_eq!(scene.server.admin("/ready").status, 200);
    assert!(scene.server.status()["store"]["generation"].is_u64());
}

#[test]
fn answers_get_older_while_redis_takes_no_facts() {
    let _turn = turn::shared();
    let redis = redis_with(&[]);
    let mut scene = Scene::begun("older", &[&redis.url()]);
    // It takes nothing any more without a replica to send it to.
    redis.cli(&["config", "set", "min-replicas-to-write", "1"]).unwrap();
    scene.tell();
    scene.until_store_error("NOREPLICAS");
    check_reads_go_on(&scene);
    // The log has facts that these answers do not know.
    until_true("the age grows", || age_ms(&scene.ask()).is_none_or(|age| age > 0));
    let status = scene.server.status();
    assert_eq!(status["caught_up"], false, "{status}");
    redis.cli(&["config", "set", "min-replicas-to-write", "0"]).unwrap();
    scene.check();
    until_true("the data is current", || age_ms(&scene.ask()) == Some(0));
}

#[test]
fn a_redis_that_cannot_save_its_data_answers_and_takes_facts_later() {
    let _turn = turn::shared();
    let redis = redis_with(&[("save", "3600 1")]);
    let mut scene = Scene::begun("unsaved", &[&redis.url()]);
    // What it saves cannot take the place of a directory.
    let directory = redis.cli(&["config", "get", "dir"]).unwrap();
    let obstacle = Path::new(directory.lines().last().unwrap()).join("dump.rdb");
    fs::create_dir(&obstacle).unwrap();
    redis.cli(&["bgsave"]).unwrap();
    until_redis_says(&redis, &["info", "persistence"], "rdb_last_bgsave_status:err");
    scene.tell();
    scene.until_store_error("MISCONF");
    check_reads_go_on(&scene);
    fs::remove_dir(&obstacle).unwrap();
    redis.cli(&["bgsave"]).unwrap();
    scene.check();
}

#[test]
fn a_redis_whose_password_is_changed_and_changed_back() {
    let _turn = turn::shared();
    let security = RedisSecurity::Password("first-secret".to_owned());
    let redis = RedisServer::start(&RedisConfig { security, ..RedisConfig::default() }).unwrap();
    let mut scene = Scene::begun("password", &[&format!("redis://:first-secret@{}", redis.address())]);
    redis.cli(&["config", "set", "requirepass", "second-secret"]).unwrap();
    let with_new = ["-a", "second-secret"];
    // Who is in stays in.
    redis.cli(&[&with_new[..], &["client", "kill", "type", "normal"]].concat()).unwrap();
    scene.tell();
    scene.check_away("Password authentication failed");
    redis.cli(&[&with_new[..], &["config", "set", "requirepass", "first-secret"]].concat()).unwrap();
    scene.until_answered();
    scene.check();
    let told = scene.server.process().stderr();
    assert!(!told.contains("secret"), "{told}");
}
