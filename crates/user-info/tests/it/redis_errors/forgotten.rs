//! Redis forgets: its scripts, or everything. Servers notice by themselves, and read again what is gone.

use user_info_testkit::RedisServer;

use super::scene::{Scene, redis_with};
use crate::support::replica::Replica;
use crate::support::shared_store::until_read;
use crate::support::turn;
use crate::support::waiting::until;

/// Each time, some of the scripts are needed before others.
const SCRIPT_FLUSHES: usize = 5;

#[test]
fn scripts_that_are_flushed_again_and_again_are_loaded_again() {
    let _turn = turn::shared();
    let redis = redis_with(&[]);
    let mut scene = Scene::begun("scripts", &[&redis.url()]);
    for _ in 0..SCRIPT_FLUSHES {
        redis.cli(&["script", "flush"]).unwrap();
        scene.tell();
        redis.cli(&["script", "flush"]).unwrap();
    }
    scene.check();
}

#[test]
fn a_redis_that_loses_everything_is_filled_again() {
    let _turn = turn::shared();
    let mut redis = redis_with(&[]);
    let mut scene = Scene::begun("emptied", &[&redis.url()]);
    let another = scene.another().started();
    until_read(&another, &scene.world.ends());
    redis.cli(&["flushall"]).unwrap();
    check_filled_again(&scene, &redis, &another);

    redis.kill().unwrap();
    scene.tell();
    redis.restart().unwrap();
    check_filled_again(&scene, &redis, &another);
}

#[track_caller]
fn check_filled_again(scene: &Scene, redis: &RedisServer, another: &Replica) {
    assert_eq!(redis.cli(&["get", "ui:1:{u1}"]).unwrap(), "", "it is empty");
    scene.until_answered();
    // Whoever fills it, nobody takes what is not there yet for what never was.
    until("another instance answers again", || {
        let answer = another.get("/users/u1");
        assert_ne!(answer.status, 404, "a known user is unknown: {answer:?}");
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
    });
    until_read(another, &scene.world.ends());
    until_read(&scene.server, &scene.world.ends());
    scene.check_audits(&[&scene.server, another]);
}
