//! `rebuild` beside a server that runs on the same Redis.

use user_info_testkit::{Process, RedisServer};

use super::scene::{Scene, redis_with};
use crate::support::program::Program;
use crate::support::turn;
use crate::support::waiting::{LIMIT, until_true};

/// A topic that nobody created: a rebuild waits for it, with everything else read.
const UNFINISHED: &str = "lists=a-topic-that-nobody-created";

#[test]
fn a_running_server_goes_over_to_a_rebuild_by_itself() {
    let _turn = turn::shared();
    let redis = redis_with(&[]);
    let mut scene = Scene::begun("rebuilt", &[&redis.url()]);
    assert_eq!(generation(&scene), 1);
    let mut rebuild = launch(&scene, &["--json"]);
    while rebuild.is_running().unwrap() {
        scene.tell();
        scene.until_read();
    }
    assert_eq!(rebuild.wait(LIMIT).unwrap().code(), Some(0), "{}", rebuild.tail());
    let stdout = rebuild.stdout();
    let result: serde_json::Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    assert!(result["offsets"].as_i64().unwrap() > 0 && result["tainted"] == 0, "{stdout}");
    assert_eq!(generation(&scene), 2);
    assert_eq!(keys(&redis, "ui:1:*"), "", "nothing of the old generation is left");
    scene.tell();
    scene.check();
}

#[test]
fn a_rebuild_that_is_interrupted_leaves_everything_as_it_was() {
    let _turn = turn::shared();
    let redis = redis_with(&[]);
    let mut scene = Scene::begun("interrupted", &[&redis.url()]);
    let mut interrupted = launch_unfinished(&scene, &redis, "ui:2:*");
    interrupted.interrupt().unwrap();
    assert_eq!(interrupted.wait(LIMIT).unwrap().code(), Some(1), "{}", interrupted.tail());
    assert!(interrupted.stderr().contains("the store is as it was"), "{}", interrupted.tail());
    assert_eq!(keys(&redis, "ui:2:*"), "");
    assert_eq!(redis.cli(&["hkeys", "ui:meta"]).unwrap().lines().filter(|it| it.starts_with("versions")).count(), 1);
    assert_eq!(generation(&scene), 1);
    scene.tell();
    scene.check();

    // What a killed one leaves behind goes with the next.
    launch_unfinished(&scene, &redis, "ui:3:*").kill().unwrap();
    scene.run("rebuild").with_status(0);
    scene.server.until_status("the rebuild is served", |status| status["store"]["generation"] == 4);
    assert_eq!(keys(&redis, "ui:[123]:*"), "");
    scene.check();
}

fn generation(scene: &Scene) -> u64 {
    scene.server.status()["store"]["generation"].as_u64().unwrap()
}

fn launch(scene: &Scene, more: &[&str]) -> Process {
    let options = scene.options();
    let options = ["rebuild"].into_iter().chain(options.iter().map(String::as_str)).chain(more.iter().copied());
    Program::under_test().start(options)
}

/// A rebuild that has written something and will not come to an end.
fn launch_unfinished(scene: &Scene, redis: &RedisServer, written: &str) -> Process {
    let rebuild = launch(scene, &["--topic-name", UNFINISHED]);
    until_true("the rebuild has written something", || !keys(redis, written).is_empty());
    rebuild
}

fn keys(redis: &RedisServer, pattern: &str) -> String {
    redis.cli(&["--scan", "--pattern", pattern]).unwrap()
}
