//! What may not happen to a topic under a running or stopped server: it halts that topic, says why and names the way out;
//! the other topics and all reads go on; and the way out leads out.

use serde_json::Value;
use user_info_core::Topic;
use user_info_log::{NewRecord, Published};
use user_info_testkit::KafkaBroker;

use crate::support::facts::{followed, liked, tweeted, unfollowed, user};
use crate::support::kafka::{Admin, shared_broker};
use crate::support::replica::{Replica, age_ms};
use crate::support::turn;
use crate::support::waiting::until_true;
use crate::support::world::World;

/// Two users, what they do, and a server that knows it.
fn two_users(broker: &KafkaBroker, prefix: &str) -> (World, Replica) {
    let world = World::on(broker, prefix);
    let server = world.replica("store").started();
    let records = [
        user("1", "one"),
        user("2", "two"),
        followed("1", "2"),
        followed("2", "1"),
        tweeted("1", "t1"),
        liked("2", "t1"),
    ];
    world.publish_to(&server, &records);
    assert_eq!(server.counts("1"), [1, 1, 1, 0, 0]);
    (world, server)
}

/// One topic is halted and says what to do; the others are read, and everybody is answered.
#[track_caller]
fn check_only_follows_is_halted(world: &World, server: &Replica, tweet: &str, halted: &Value) {
    let (reason, way_out) = (halted["reason"].as_str().unwrap(), halted["way_out"].as_str().unwrap());
    assert!(!reason.is_empty() && way_out.contains("user-info rebuild"), "{halted}");
    let before = server.counts("1");
    world.publish(&[tweeted("1", tweet)]);
    until_true("the tweet is counted", || server.counts("1")[0] == before[0] + 1);
    let after = server.counts("1");
    assert_eq!(after[1..], before[1..], "what is halted stays as it was");
    let phases = server.phases();
    let halted: Vec<Topic> = phases.iter().filter(|(_, phase)| *phase == "halted").map(|(&topic, _)| topic).collect();
    assert_eq!(halted, [Topic::Follows]);
    assert_eq!(server.admin("/ready").status, 200, "reads go on");
    assert_eq!(server.status()["caught_up"], false);
    let metrics = server.admin("/metrics").body;
    assert!(metrics.contains("user_info_halted{topic=\"follows\"} 1"), "{metrics}");
    until_true("the age of what is halted grows", || age_ms(&server.get("/users/1")).is_some_and(|age| age > 0));
}

/// `rebuild` and a restart: everything is as the log says.
#[track_caller]
fn check_rebuild_mends(world: &World, server: &mut Replica) {
    world.rebuild("store").with_status(0);
    server.restart();
    server.until_at(&world.ends());
    assert_eq!(world.audit_server(server).with_status(0).json()["differences"], 0);
    server.stop();
    assert_eq!(world.audit_store("store").with_status(0).json()["differences"], 0);
}

#[test]
fn partitions_added_under_a_running_server() {
    let _turn = turn::shared();
    let broker = shared_broker();
    let (world, mut server) = two_users(&broker, "grown");
    Admin::of(&broker).grow(&world.name(Topic::Follows), 6);
    let halted = server.until_halted(Topic::Follows, &["partitions-changed"]);
    check_only_follows_is_halted(&world, &server, "t2", &halted);
    server.restart();
    server.until_halted(Topic::Follows, &["partitions-changed"]);
    server.stop();

    // The way out: a new topic, and a rebuild that reads it.
    let world = world.with_name(Topic::Follows, "grown.follows-with-six-partitions");
    world.create_topics(6);
    world.publish(&[followed("1", "2"), followed("2", "1"), followed("2", "2")]);
    let server = Replica::new(world.options("store")).with(&["--watch-interval", "500ms"]);
    let server = &mut server.started();
    // Another topic under the same name is noticed as well.
    server.until_halted(Topic::Follows, &["created-anew"]);
    check_rebuild_mends(&world, server);
}

#[test]
fn a_topic_deleted_and_created_anew_under_a_running_server() {
    let _turn = turn::shared();
    let broker = shared_broker();
    let (world, mut server) = two_users(&broker, "anew");
    Admin::of(&broker).delete(&world, Topic::Follows);
    world.create_topics(3);
    // Enough for the positions to exist in the new topic as well.
    let published = publish_follows(&world, 30);
    assert!(published.iter().any(|it| it.offset > 2));
    let halted = server.until_halted(Topic::Follows, &["created-anew", "gone"]);
    check_only_follows_is_halted(&world, &server, "t2", &halted);
    assert_eq!(server.counts("2"), [0, 1, 1, 1, 0], "nothing of the new topic was taken for the old one");
    check_rebuild_mends(&world, &mut server);
}

fn publish_follows(world: &World, count: usize) -> Vec<Published> {
    let records: Vec<NewRecord> = (0..count).map(|number| followed("2", &format!("followee-{number}"))).collect();
    world.publish(&records)
}

#[test]
fn a_topic_deleted_while_the_server_was_stopped() {
    let _turn = turn::shared();
    let broker = shared_broker();
    let (world, mut server) = two_users(&broker, "gone");
    server.stop();
    Admin::of(&broker).delete(&world, Topic::Follows);
    server.start();
    let halted = server.until_halted(Topic::Follows, &["gone"]);
    check_only_follows_is_halted(&world, &server, "t2", &halted);
    server.stop();

    world.create_topics(3);
    publish_follows(&world, 30);
    server.start();
    let halted = server.until_halted(Topic::Follows, &["created-anew"]);
    check_only_follows_is_halted(&world, &server, "t3", &halted);
    check_rebuild_mends(&world, &mut server);
}

#[test]
fn records_deleted_that_a_stopped_server_had_not_read() {
    let _turn = turn::shared();
    let broker = shared_broker();
    let (world, mut server) = two_users(&broker, "deleted");
    server.stop();
    let (admin, name) = (Admin::of(&broker), world.name(Topic::Follows));
    world.publish(&unfollowed("1", "2"));
    publish_follows(&world, 30);
    // Kafka deletes records of a topic only while its policy allows it.
    admin.set(&name, &[("cleanup.policy", "delete")]);
    (0..3).for_each(|partition| admin.delete_records(&name, partition));
    admin.set(&name, &[]);
    server.start();
    let halted = server.until_halted(Topic::Follows, &["outside-log"]);
    check_only_follows_is_halted(&world, &server, "t2", &halted);
    assert_eq!(server.counts("1"), [2, 1, 1, 0, 0], "nothing was skipped in silence");
    check_rebuild_mends(&world, &mut server);
    server.start();
    assert_eq!(server.counts("1"), [2, 0, 0, 0, 0]);
}

#[test]
fn a_server_that_was_away_for_longer_than_tombstones_are_kept() {
    let _turn = turn::shared();
    let broker = shared_broker();
    let (world, mut server) = two_users(&broker, "away");
    server.stop();
    let (admin, name) = (Admin::of(&broker), world.name(Topic::Follows));
    admin.set(&name, &[("delete.retention.ms", "1")]);

    server.start();
    let halted = server.until_halted(Topic::Follows, &["away-too-long"]);
    check_only_follows_is_halted(&world, &server, "t2", &halted);
    let problems = world.run(&["topics", "check"], &[]).with_status(1).stdout;
    assert!(problems.contains("delete.retention.ms is 1,"), "{problems}");
    // Nothing can be read in time with such a topic; the one who set it has to set it back first.
    admin.set(&name, &[]);
    check_rebuild_mends(&world, &mut server);
}
