//! What a server says when it is started on a Redis that will not do, or not yet.

use user_info_testkit::{RedisConfig, RedisSecurity, RedisServer, free_port};

use super::scene::{redis_with, until_redis_says};
use crate::support::program::{Ended, Program};
use crate::support::replica::Replica;
use crate::support::waiting::LIMIT;
use crate::support::world::World;

fn secured(security: RedisSecurity) -> RedisServer {
    RedisServer::start(&RedisConfig { security, ..RedisConfig::default() }).unwrap()
}

/// Options of a node of a cluster; it need not be whole to turn somebody away.
fn cluster_node() -> Vec<(String, String)> {
    let options = [("cluster-enabled", "yes".to_owned()), ("cluster-port", free_port().to_string())];
    options.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// A server with a log of its own, not running yet.
fn server(world: &World, store: &[&str]) -> Replica {
    Replica::new(world.log_options()).with(&["--store"]).with(store)
}

/// Runs a server that is to end by itself.
#[track_caller]
fn run(world: &World, store: &[&str]) -> Ended {
    Program::under_test().run(server(world, store).arguments())
}

#[test]
fn a_redis_that_evicts_is_refused() {
    let world = World::embedded();
    for policy in ["allkeys-lru", "volatile-ttl"] {
        let redis = redis_with(&[("maxmemory-policy", policy)]);
        let refused = run(&world, &[&redis.url()]).with_status(2);
        refused.that_says(policy).that_says("noeviction");
        let store = ["--store", &redis.url()];
        world.run(&["rebuild"], &store).with_status(2).that_says(policy);
        assert_eq!(redis.cli(&["config", "get", "maxmemory-policy"]).unwrap().lines().last(), Some(policy));
    }
}

#[test]
fn a_wrong_password_is_refused_and_never_shown() {
    let world = World::embedded();
    let redis = secured(RedisSecurity::Password("the-secret".to_owned()));
    let address = redis.address();
    for account in [":wrong-secret@", "somebody:wrong-secret@"] {
        let refused = run(&world, &[&format!("redis://{account}{address}")]).with_status(2);
        assert!(!(refused.stdout + &refused.stderr).contains("secret"));
    }
    let refused = run(&world, &[&redis.url()]).with_status(2);
    refused.that_says("Authentication required").that_says(&address.to_string()).that_says("--store");
    // What was meant to be a URL is not shown with its password either.
    let mistaken = run(&world, &[&format!("redi://somebody:the-secret@{address}")]).with_status(2);
    assert!(!mistaken.that_says("names no store").stderr.contains("secret"));
    // Redis would take it for its default user.
    run(&world, &[&format!("redis://somebody@{address}")]).with_status(2).that_says("needs a password");
    let url = format!("redis://:the-secret@{address}");
    let mut started = server(&world, &[&url]).started();
    started.until_caught_up();
    started.stop();
    let audit = world.run(&["audit"], &["--store", &url, "--json"]).with_status(0);
    assert_eq!(audit.json()["differences"], 0);
}

#[test]
fn a_cluster_refuses_a_wrong_password_as_well() {
    let world = World::embedded();
    let options = vec![("requirepass".to_owned(), "the-secret".to_owned())];
    let node = RedisServer::start(&RedisConfig { options: [cluster_node(), options].concat(), ..Default::default() });
    let node = node.unwrap();
    for account in [":wrong-secret@", "somebody:wrong-secret@"] {
        let refused = run(&world, &[&format!("redis-cluster://{account}{}", node.address())]).with_status(2);
        let refused = refused.that_says(&node.address().to_string());
        assert!(!(refused.stdout.clone() + &refused.stderr).contains("secret"));
    }
}

#[test]
fn a_cluster_and_a_single_server_are_told_apart() {
    let world = World::embedded();
    let node = RedisServer::start(&RedisConfig { options: cluster_node(), ..Default::default() }).unwrap();
    run(&world, &[&node.url()]).with_status(2).that_says("redis-cluster://");
    let single = redis_with(&[]);
    let refused = run(&world, &[&format!("redis-cluster://{}", single.address())]).with_status(2);
    refused.that_says("cluster support disabled").that_says(&single.address().to_string());
}

#[test]
fn a_certificate_has_to_be_one_that_is_trusted() {
    let world = World::embedded();
    let redis = secured(RedisSecurity::Tls);
    let (url, authority) = (redis.url(), redis.ca_path().unwrap());
    let distrustful = run(&world, &[&url]).with_status(2);
    distrustful.that_says(&redis.address().to_string()).that_says("certificate").that_says("--redis-ca-file");
    world.run(&["rebuild"], &["--store", &url]).with_status(2).that_says("--redis-ca-file");
    for (file, words) in [("/nowhere/ca.pem", "No such file"), ("/dev/null", "nothing in PEM")] {
        run(&world, &[&url, "--redis-ca-file", file]).with_status(2).that_says(file).that_says(words);
    }

    let trusting = [url.as_str(), "--redis-ca-file", authority.to_str().unwrap()];
    let mut trusted = server(&world, &trusting).started();
    trusted.until_caught_up();
    trusted.stop();
    let store = [&["--store"], &trusting[..], &["--json"]].concat();
    assert_eq!(world.run(&["audit"], &store).with_status(0).json()["differences"], 0);
    world.run(&["rebuild"], &store).with_status(0);
}

#[test]
fn a_cluster_is_reached_by_tls_as_well() {
    let world = World::embedded();
    let options = [cluster_node(), vec![("tls-cluster".to_owned(), "yes".to_owned())]].concat();
    let node = RedisServer::start(&RedisConfig { security: RedisSecurity::Tls, options }).unwrap();
    node.cli(&["cluster", "addslotsrange", "0", "16383"]).unwrap();
    until_redis_says(&node, &["cluster", "info"], "cluster_state:ok");
    let (url, authority) = (format!("rediss-cluster://{}", node.address()), node.ca_path().unwrap());
    run(&world, &[&url]).with_status(2).that_says("--redis-ca-file");

    let trusting = [url.as_str(), "--redis-ca-file", authority.to_str().unwrap()];
    let mut trusted = server(&world, &trusting).started();
    trusted.until_caught_up();
    assert_eq!(trusted.get("/users/nobody").status, 404);
    trusted.stop();
    let store = [&["--store"], &trusting[..], &["--json"]].concat();
    assert_eq!(world.run(&["audit"], &store).with_status(0).json()["differences"], 0);
}

#[test]
fn a_replica_is_waited_for_until_it_is_a_master() {
    let world = World::embedded();
    let redis = redis_with(&[]);
    let mut server = server(&world, &[&redis.url()]).started();
    server.until_caught_up();
    server.stop();
    redis.cli(&["replicaof", "127.0.0.1", &free_port().to_string()]).unwrap();
    let mut waiting = server.program.start(server.arguments());
    waiting.wait_for_line("it is a replica: name its master, or wait for it", LIMIT).unwrap();
    redis.cli(&["replicaof", "no", "one"]).unwrap();
    waiting.wait_for_line("admin http://", LIMIT).unwrap();
    server.until_caught_up();
}
