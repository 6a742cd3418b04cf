//! What an account in Redis must be allowed: these commands, on these keys and channels, and nothing else. Redis itself tells what was
//! denied, and which commands were used at all.

use std::collections::BTreeSet;
use std::sync::mpsc;

use user_info_core::{Id, Topic};
use user_info_log::NewRecord;
use user_info_store::{Store, StoreOptions};
use user_info_testkit::{ClusterConfig, RedisCluster, RedisConfig, RedisSecurity, RedisServer};

use super::scene::Scene;
use crate::support::shared_store::rewinds;
use crate::support::turn;
use crate::support::waiting::{LIMIT, until_true};

/// Keys and channels that begin with what `--redis-prefix` says.
const KEYS_AND_CHANNELS: &str = "~ui:* &ui:*";

/// What serving, auditing and rebuilding take.
const COMMANDS: [&str; 25] = [
    "dbsize",
    "evalsha",
    "get",
    "getrange",
    "hdel",
    "hget",
    "hgetall",
    "hincrby",
    "hkeys",
    "hlen",
    "hmget",
    "hset",
    "hsetnx",
    "info",
    "mget",
    "ping",
    "pubsub|shardnumsub",
    "scan",
    "script|load",
    "set",
    "setrange",
    "spublish",
    "ssubscribe",
    "sunsubscribe",
    "unlink",
];

/// What they take besides on a cluster.
const CLUSTER_COMMANDS: [&str; 4] = ["asking", "cluster|nodes", "cluster|slots", "del"];

/// Slots that the first of three masters owns.
const FIRST_SLOTS: u16 = 5_000;

/// A user in the words of `redis.conf`.
fn account<'a>(commands: impl Iterator<Item = &'a str>) -> String {
    let commands: Vec<String> = commands.map(|command| format!("+{command}")).collect();
    format!("app on >secret {KEYS_AND_CHANNELS} {}", commands.join(" "))
}

#[test]
fn an_account_on_a_server_needs_these_commands() {
    let _turn = turn::shared();
    let security = RedisSecurity::Acl(vec![account(COMMANDS.into_iter())]);
    let redis = RedisServer::start(&RedisConfig { security, ..RedisConfig::default() }).unwrap();
    let url = format!("redis://app:secret@{}", redis.address());
    let mut scene = Scene::begun("account", &[&url]);
    check_everything_works(&mut scene);
    check_changes_are_heard(&mut scene, &url);
    until_true("nobody waits any more", || commands_used(&redis).contains("sunsubscribe"));
    check_nothing_was_denied(&redis);
    let used = commands_used(&redis);
    let unused: Vec<&str> = COMMANDS.into_iter().filter(|command| !used.contains(*command)).collect();
    assert_eq!(unused, Vec::<&str>::new(), "nobody needs these");
}

#[test]
fn an_account_on_a_cluster_needs_some_more() {
    let _turn = turn::shared();
    let user = account(COMMANDS.into_iter().chain(CLUSTER_COMMANDS));
    let options = vec![("user".to_owned(), user)];
    let cluster = RedisCluster::start(&ClusterConfig { masters: 3, replicas: 0, options }).unwrap();
    let url = cluster.url().replace("://", "://app:secret@");
    let mut scene = Scene::begun("cluster-account", &[&url]);
    check_everything_works(&mut scene);
    check_changes_are_heard(&mut scene, &url);
    check_slots_on_the_move(&scene, &cluster);
    let before = rewinds(&mut scene.server);
    cluster.reshard(0, 1, 10).unwrap();
    until_true("what came with the slots is read again", || rewinds(&mut scene.server) > before);
    scene.tell();
    scene.check();
    cluster.nodes().iter().for_each(check_nothing_was_denied);
}

/// Everything that a server, an audit and a rebuild do, with bad records as well.
fn check_everything_works(scene: &mut Scene) {
    let bad = NewRecord::new(Topic::Tweets, "u1/bad", Some(b"no fact".to_vec()));
    scene.world.publish(&[bad]);
    scene.tell();
    scene.check();
    let status = scene.server.until_status("the dead letter is sent", |status| {
        status["tainted"]["count"] == 1 && status["dead_letters_waiting"] == 0
    });
    assert!(status["store"]["users_estimated"].as_u64().unwrap() > 0, "{status}");
    for path in ["/users/u1", "/users?ids=u1,u2", "/users?username=name-0-1"] {
        assert_eq!(scene.server.get(path).status, 200, "{path}");
    }
    scene.run("rebuild").with_status(0);
    scene.server.until_status("the rebuild is served", |status| status["store"]["generation"] == 2);
    scene.tell();
    scene.check();
}

/// Somebody waits for a user, hears of the next chapter, and waits no more.
fn check_changes_are_heard(scene: &mut Scene, url: &str) {
    let store = Store::open_read_only(&url.parse().unwrap(), &StoreOptions::default()).unwrap();
    let (sender, named) = mpsc::channel();
    let subscriber = store.subscriber(move |_| _ = sender.send(())).unwrap();
    let user = Id::new("u1").unwrap();
    assert!(subscriber.subscribe(&user));
    named.recv_timeout(LIMIT).expect("the subscription takes hold");
    scene.tell();
    named.recv_timeout(LIMIT).expect("the next chapter is heard");
    subscriber.unsubscribe(&user);
    scene.check();
}

#[track_caller]
fn check_nothing_was_denied(redis: &RedisServer) {
    let denied = redis.cli(&["acl", "log"]).unwrap();
    assert!(denied.is_empty(), "{} denied\n{denied}", redis.address());
}

/// The commands that a server was asked for, by whomever.
fn commands_used(redis: &RedisServer) -> BTreeSet<String> {
    let info = redis.cli(&["info", "commandstats"]).unwrap();
    let names = info.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(':'));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// While a slot is on the way, its old owner sends clients to the new one for what it has not, and they have to ask there.
fn check_slots_on_the_move(scene: &Scene, cluster: &RedisCluster) {
    let (from, to) = (cluster.node(0), cluster.node(1));
    let (user, slot) = absent_user_in_the_first_slots(from);
    let ids = [from, to].map(|node| node.cli(&["cluster", "myid"]).unwrap());
    to.cli(&["cluster", "setslot", &slot, "importing", &ids[0]]).unwrap();
    from.cli(&["cluster", "setslot", &slot, "migrating", &ids[1]]).unwrap();
    let answer = scene.server.get(&format!("/users/{user}"));
    // Nobody is called unknown meanwhile.
    assert_eq!(answer.status, 503, "{answer:?}");
    for node in [from, to] {
        node.cli(&["cluster", "setslot", &slot, "stable"]).unwrap();
    }
}

fn absent_user_in_the_first_slots(node: &RedisServer) -> (String, String) {
    let slot = |user: &String| node.cli(&["cluster", "keyslot", user]).unwrap();
    let users = (0..).map(|number| format!("absent-{number}")).map(|user| (slot(&user), user));
    let found = users.map(|(slot, user)| (user, slot)).find(|(_, slot)| slot.parse::<u16>().unwrap() < FIRST_SLOTS);
    found.unwrap()
}
