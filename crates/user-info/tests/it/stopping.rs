//! How a server ends: asked once, asked twice, not asked at all.

use crate::support::facts::{tweeted, user};
use crate::support::waiting::{LIMIT, until_true};
use crate::support::world::World;

/// Exit status after a second signal: that of a process which Ctrl-C ended.
const IMPATIENT: i32 = 130;

#[test]
fn sigterm_drains_and_a_second_one_ends_the_server_at_once() {
    let world = World::embedded();
    world.publish(&[user("1", "one"), tweeted("1", "t")]);
    let mut server = world.replica("store").with(&["--drain", "1h"]).started();
    server.until_caught_up();
    assert_eq!(server.admin("/ready").status, 200);

    server.process().terminate().unwrap();
    until_true("the server says that it is not ready", || server.admin("/ready").status == 503);
    let answer = server.get("/users/1");
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "it still answers: {answer:?}");
    assert_eq!(server.admin("/health").status, 200);
    assert!(server.process().is_running().unwrap());

    server.process().terminate().unwrap();
    let status = server.process().wait(LIMIT).unwrap();
    assert_eq!(status.code(), Some(IMPATIENT));

    server.start();
    server.until_caught_up();
    assert_eq!(server.counts("1"), [1, 0, 0, 0, 0]);
    server.process().interrupt().unwrap();
    until_true("the first one is heard", || server.admin("/ready").status == 503);
    server.process().interrupt().unwrap();
    assert_eq!(server.process().wait(LIMIT).unwrap().code(), Some(IMPATIENT), "Ctrl-C twice");
}

#[test]
fn a_server_that_was_killed_again_and_again_knows_everything() {
    let world = World::embedded();
    let mut server = world.replica("store");
    for round in 0..5 {
        let tweet = format!("t{round}");
        world.publish(&[user("1", &format!("name{round}")), tweeted("1", &tweet)]);
        server.start();
        server.until_caught_up();
        assert_eq!(server.user("1")["username"], format!("name{round}"));
        assert_eq!(server.counts("1"), [round + 1, 0, 0, 0, 0]);
        server.kill();
    }
    server.start();
    server.until_caught_up();
    server.stop();
    assert_eq!(world.audit_store("store").with_status(0).json()["differences"], 0);
}
