//! Hearing of changes that others wrote: each is heard, nobody is heard in vain, and after whatever interrupts it the users are
//! named once more and heard again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use user_info_core::Id;
use user_info_store::{Store, StoreError, StoreUrl, Subscriber, begin_rebuild};
use user_info_testkit::{ClusterConfig, RedisCluster, RedisConfig, RedisSecurity, RedisServer, eventually};

use crate::builders::*;
use crate::relay::Relay;
use crate::servers::{own_keys, store_at};

/// Failovers take seconds, and a busy machine takes longer.
const SOON: Duration = Duration::from_secs(60);

/// Who was named how often.
type Named = Arc<Mutex<BTreeMap<Id, u64>>>;

/// Somebody who waits for users.
struct Waiting {
    subscriber: Subscriber,
    named: Named,
}

impl Waiting {
    /// Waits for these users, with subscriptions that have taken hold.
    fn on(store: &Store, users: &[&str]) -> Self {
        let named = Named::default();
        let noted = Arc::clone(&named);
        let changed = move |user: &Id| *noted.lock().unwrap().entry(user.clone()).or_default() += 1;
        let waiting = Self { subscriber: store.subscriber(changed).unwrap(), named };
        users.iter().for_each(|user| waiting.add(user));
        waiting
    }

    fn add(&self, user: &str) {
        self.until_named(user, || assert!(self.subscriber.subscribe(&id(user))));
    }

    /// Until the user is named after, or while, this is done.
    #[track_caller]
    fn until_named(&self, user: &str, done: impl FnOnce()) {
        let before = self.times(user);
        done();
        eventually(SOON, &format!("{user} is named"), || self.times(user) > before);
    }

    fn times(&self, user: &str) -> u64 {
        self.named.lock().unwrap().get(&id(user)).copied().unwrap_or_default()
    }

    /// Does what interrupts the hearing of these users, waits until each is named again, and sees that each is heard again.
    #[track_caller]
    fn survives(&self, users: &[&str], writer: &Store, interruption: impl FnOnce()) {
        let before: Vec<u64> = users.iter().map(|user| self.times(user)).collect();
        interruption();
        for (user, before) in users.iter().zip(before) {
            eventually(SOON, &format!("{user} is named again"), || self.times(user) > before);
        }
        self.hears(users, writer);
    }

    #[track_caller]
    fn hears(&self, users: &[&str], writer: &Store) {
        for user in users {
            self.until_named(user, || write_about(writer, user));
        }
    }
}

/// Says something new of the user, as soon as Redis can take it.
#[track_caller]
fn write_about(writer: &Store, user: &str) {
    let news = batch([profile(user, &format!("name-{user}"), 1)]);
    eventually(SOON, "the store takes it", || match writer.apply(&news) {
        Ok(()) => true,
        Err(StoreError::Rewound { .. }) => writer.take_up().is_err(),
        Err(StoreError::Unavailable { .. }) => false,
        Err(other) => panic!("{other}"),
    });
}

/// One store, opened twice: by who waits and by who writes.
fn two_at(url: &str) -> (Store, Store) {
    let keys = own_keys();
    (store_at(url, &keys), store_at(url, &keys))
}

fn server() -> RedisServer {
    RedisServer::start(&RedisConfig::default()).unwrap()
}

fn cluster() -> RedisCluster {
    RedisCluster::start(&ClusterConfig::default()).unwrap()
}

/// A user in one of the first slots, which the first master has.
fn user_in_the_first_slots(slots: u16) -> String {
    let slot = |user: &String| crc16::State::<crc16::XMODEM>::calculate(user.as_bytes()) % 16_384;
    (0_u32..).map(|number| format!("u{number}")).find(|user| slot(user) < slots).unwrap()
}

#[test]
fn only_a_store_that_others_write_to_has_subscribers() {
    let directory = scratch();
    assert!(memory().subscriber(|_| {}).is_none());
    assert!(open(directory.path()).subscriber(|_| {}).is_none());
}

#[track_caller]
fn check_changes_are_heard(url: &str) {
    let (one, other) = two_at(url);
    let waiting = Waiting::on(&one, &["1", "2", "3"]);
    for user in ["1", "2"] {
        waiting.until_named(user, || apply(&other, [follow("1", "2"), unfollow("4", "3")]));
        waiting.until_named(user, || apply(&other, [profile(user, user, 1)]));
        waiting.until_named(user, || apply(&other, [profile(user, user, 2)]));
        waiting.until_named(user, || apply(&one, [unfollow("1", "2"), follow("3", "4")]));
        waiting.until_named(user, || apply(&other, [forget(user)]));
    }
}

#[test]
fn what_others_write_is_heard_on_a_server() {
    check_changes_are_heard(&server().url());
}

#[test]
fn what_others_write_is_heard_on_a_cluster() {
    check_changes_are_heard(&cluster().url());
}

#[test]
fn nobody_else_is_heard() {
    let server = server();
    let (one, other) = two_at(&server.url());
    let waiting = Waiting::on(&one, &["1", "2"]);
    waiting.subscriber.unsubscribe(&id("2"));
    let before = waiting.times("2");
    waiting.until_named("1", || apply(&other, [follow("2", "3"), follow("1", "2")]));
    // Messages come in the order of writing, so the older ones have come.
    waiting.until_named("1", || apply(&other, [follow("1", "3")]));
    assert_eq!((waiting.times("2"), waiting.times("3")), (before, 0));
    eventually(SOON, "Redis has one subscription", || {
        let channels = server.cli(&["pubsub", "shardchannels"]).unwrap();
        channels.lines().count() == 1 && channels.contains("{1}")
    });
    waiting.add("2");
    waiting.hears(&["1", "2"], &other);
    drop(waiting);
    eventually(SOON, "Redis has no subscription", || server.cli(&["pubsub", "shardchannels"]).unwrap().is_empty());
}

#[test]
fn another_prefix_is_another_world() {
    let server = server();
    let (one, other) = two_at(&server.url());
    let stranger = store_at(&server.url(), &own_keys());
    let waiting = Waiting::on(&one, &["1"]);
    let before = waiting.times("1");
    apply(&stranger, [follow("1", "2")]);
    waiting.until_named("1", || apply(&other, [follow("1", "2")]));
    assert_eq!(waiting.times("1"), before + 1);
}

/// Whoever reads when a user is named knows the last word, however subscribing, naming and writing fall together.
#[test]
fn nothing_is_missed_around_subscribing() {
    const USERS: usize = 60;
    const FOLLOWERS: usize = 40;
    let server = server();
    let (one, other) = two_at(&server.url());
    let (sender, named) = mpsc::channel();
    let subscriber = one.subscriber(move |user| _ = sender.send(user.clone())).unwrap();
    let users: Vec<String> = (0..USERS).map(|number| format!("u{number}")).collect();
    thread::scope(|scope| {
        scope.spawn(|| {
            for follower in 0..FOLLOWERS {
                apply(&other, users.iter().map(|user| follow(&format!("f{follower}"), user)));
            }
        });
        for user in &users {
            assert!(subscriber.subscribe(&id(user)));
            thread::yield_now();
        }
        let mut known = BTreeMap::new();
        while known.len() < USERS || known.values().any(|&followers| followers < FOLLOWERS as u64) {
            let user = named.recv_timeout(SOON).expect("each is named after the last change");
            known.insert(user.clone(), counts(&one, user.as_str()).followers);
        }
    });
}

#[test]
fn thousands_of_users_are_heard_and_heard_again() {
    let server = server();
    let (one, other) = two_at(&server.url());
    let users: Vec<String> = (0..3_000).map(|number| format!("u{number}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let waiting = Waiting::on(&one, &[]);
    users.iter().for_each(|user| assert!(waiting.subscriber.subscribe(&id(user))));
    let all_named = |times| eventually(SOON, "all are named", || users.iter().all(|user| waiting.times(user) >= times));
    all_named(1);
    apply(&other, users.iter().map(|user| profile(user, user, 1)));
    all_named(2);
    server.cli(&["client", "kill", "type", "pubsub"]).unwrap();
    all_named(3);
}

#[test]
fn a_connection_that_is_killed_is_replaced() {
    let server = server();
    let (one, other) = two_at(&server.url());
    let waiting = Waiting::on(&one, &["1", "2"]);
    waiting.survives(&["1", "2"], &other, || drop(server.cli(&["client", "kill", "type", "pubsub"]).unwrap()));
}

#[test]
fn a_server_that_restarts_is_heard_again() {
    let mut server = server();
    let keys = own_keys();
    let one = store_at(&server.url(), &keys);
    let waiting = Waiting::on(&one, &["1"]);
    let before = waiting.times("1");
    server.restart().unwrap();
    eventually(SOON, "1 is named again", || waiting.times("1") > before);
    // The server lost everything, and the store begins anew.
    waiting.hears(&["1"], &store_at(&server.url(), &keys));
}

#[test]
fn a_server_is_heard_by_tls_as_well() {
    let security = RedisSecurity::Tls;
    let server = RedisServer::start(&RedisConfig { security, ..RedisConfig::default() }).unwrap();
    let mut options = own_keys();
    options.redis.ca_file = server.ca_path();
    let (one, other) = (store_at(&server.url(), &options), store_at(&server.url(), &options));
    Waiting::on(&one, &["1"]).hears(&["1"], &other);
}

/// As when a writer dies between the data and the message: the batch is applied again, although it changes nothing any more.
#[test]
fn a_change_that_could_not_be_told_is_told_later() {
    let account = "app on >secret ~* &* +@all -spublish".to_owned();
    let security = RedisSecurity::Acl(vec![account]);
    let server = RedisServer::start(&RedisConfig { security, ..RedisConfig::default() }).unwrap();
    let (one, other) = two_at(&format!("redis://app:secret@{}", server.address()));
    let waiting = Waiting::on(&one, &["1"]);
    let news = batch([follow("1", "2")]);
    let refused = other.apply(&news).unwrap_err().to_string();
    assert!(refused.contains("spublish") && refused.contains("README"), "{refused}");
    assert_eq!(counts(&other, "1").following, 1, "it is written nevertheless");
    server.cli(&["acl", "setuser", "app", "+spublish"]).unwrap();
    waiting.until_named("1", || other.apply(&news).unwrap());
}

/// The far end of the connection vanishes without a word, and the server lives.
#[test]
fn a_dead_connection_is_noticed() {
    let server = server();
    let relay = Relay::to(server.port());
    let keys = own_keys();
    let other = store_at(&server.url(), &keys);
    let one = store_at(&relay.url(), &keys);
    let waiting = Waiting::on(&one, &["1"]);
    waiting.survives(&["1"], &other, || relay.freeze_connections());
}

#[test]
fn a_rebuild_is_followed() {
    let server = server();
    let keys = own_keys();
    let url: StoreUrl = server.url().parse().unwrap();
    let (one, other) = (store_at(&server.url(), &keys), store_at(&server.url(), &keys));
    let waiting = Waiting::on(&one, &["1"]);
    let rebuild = begin_rebuild(&url, &keys).unwrap();
    apply(rebuild.store(), [profile("1", "ann", 1)]);
    waiting.survives(&["1"], &other, || {
        rebuild.finish().unwrap();
        for store in [&one, &other] {
            assert!(matches!(store.check(), Err(StoreError::Rewound { .. })));
            store.take_up().unwrap();
        }
    });
}

#[test]
fn failovers_and_moved_slots_are_survived() {
    let mut cluster = cluster();
    let (one, other) = two_at(&cluster.url());
    let moved = user_in_the_first_slots(20);
    let users = [moved.as_str(), "1", "2", "3"];
    let waiting = Waiting::on(&one, &users);
    waiting.survives(&users[..1], &other, || cluster.reshard(0, 1, 20).unwrap());
    waiting.survives(&users, &other, || {
        for node in cluster.nodes() {
            node.cli(&["client", "kill", "type", "pubsub"]).unwrap();
        }
    });
    let replica = cluster.replica_of(1).unwrap();
    waiting.survives(&users[..1], &other, || cluster.promote(replica).unwrap());
    cluster.until_replicated().unwrap();
    waiting.survives(&users[..1], &other, || cluster.node_mut(replica).kill().unwrap());
    waiting.hears(&users, &other);
}

#[test]
fn a_master_that_is_frozen_is_heard_no_more_and_its_successor_is() {
    let mut cluster = cluster();
    let (one, other) = two_at(&cluster.url());
    let user = user_in_the_first_slots(5_000);
    let waiting = Waiting::on(&one, &[&user]);
    waiting.survives(&[&user], &other, || cluster.node_mut(0).pause().unwrap());
    let old = cluster.node_mut(0);
    old.resume().unwrap();
    waiting.hears(&[&user], &other);
}
