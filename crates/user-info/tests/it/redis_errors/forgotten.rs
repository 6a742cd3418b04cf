//! Redis forgets: its scripts, or everything. Servers notice by themselves, and read again what is gone.

use user_info_testkit::RedisServer;

use super::scene::{Scene, redis_with};
use crate::support::turn;

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
    redis.cli(&["flushall"]).unwrap();
    check_filled_again(&scene, &redis);

    redis.kill().unwrap();
    scene.tell();
    redis.restart().unwrap();
    check_filled_again(&scene, &redis);
}

#[track_caller]
fn check_filled_again(scene: &Scene, redis: &RedisServer) {
    assert_eq!(redis.cli(&["get", "ui:1:{u1}"]).unwrap(), "", "it is empty");
    scene.until_answered();
    scene.check();
}
