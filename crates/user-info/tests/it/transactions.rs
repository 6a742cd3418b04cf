//! Facts in transactions: seen when committed, never when given up, and no obstacle to being caught up.

use crate::support::facts::{tweeted, user};
use crate::support::kafka::{Transactions, shared_broker};
use crate::support::replica::age_ms;
use crate::support::turn;
use crate::support::waiting::until_true;
use crate::support::world::World;

#[test]
fn committed_facts_are_seen_and_aborted_ones_are_not() {
    let _turn = turn::shared();
    let broker = shared_broker();
    let world = World::on(&broker, "transactions");
    let mut server = world.replica("store").started();
    let transactions = Transactions::of(&broker, "transactions.tweets");
    world.publish_to(&server, &[user("1", "one"), tweeted("1", "plain")]);

    transactions.begin(&world, &[tweeted("1", "committed-1"), tweeted("1", "committed-2")]);
    transactions.commit();
    // The log ends with the marker of the commit, which is no record.
    server.until_at(&world.ends());
    assert_eq!(server.counts("1")[0], 3);
    assert_eq!(age_ms(&server.get("/users/1")), Some(0));

    transactions.begin(&world, &[tweeted("1", "aborted-1"), tweeted("1", "aborted-2"), tweeted("1", "aborted-3")]);
    transactions.abort();
    world.publish_to(&server, &[tweeted("1", "plain-2")]);
    assert_eq!(server.counts("1")[0], 4);

    transactions.begin(&world, &[tweeted("1", "open-1"), tweeted("1", "open-2")]);
    // Another topic does not wait for what is open on this one.
    world.publish(&[user("1", "renamed")]);
    until_true("the user is renamed", || server.user("1")["username"] == "renamed");
    assert_eq!(server.counts("1")[0], 4, "nothing of an open transaction is seen");
    transactions.commit();
    server.until_at(&world.ends());
    assert_eq!(server.counts("1")[0], 6);

    let before = server.positions();
    server.kill();
    server.start();
    let after = server.positions();
    let back = before.iter().find(|&(topic, partition, position)| after.next(topic, partition) < position);
    assert_eq!(back, None, "answers went back from {before} to {after}");
    server.until_at(&world.ends());
    assert_eq!(world.audit_server(&server).with_status(0).json()["differences"], 0);
    server.stop();
    assert_eq!(world.audit_store("store").with_status(0).json()["differences"], 0);
}
