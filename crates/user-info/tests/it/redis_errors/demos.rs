//! The demo on Redis: its result, and that nothing of it is left.

use user_info_testkit::{ClusterConfig, RedisCluster, RedisServer};

use super::scene::redis_with;
use crate::support::program::Program;

const OPTIONS: [&str; 10] =
    ["demo", "--users", "300", "--rate", "600", "--duration", "3s", "--listen", "127.0.0.1:0", "--json"];

#[track_caller]
fn check(store: &str, nodes: &[RedisServer]) {
    let ended = Program::under_test().run(OPTIONS.into_iter().chain(["--store", store])).with_status(0);
    let result = ended.json();
    assert_eq!((&result["differences"], &result["dead_letters"]), (&0.into(), &0.into()), "{result}");
    for key in ["events", "users"] {
        assert!(result[key].as_u64().unwrap() > 0, "{result}");
    }
    for node in nodes {
        assert_eq!(node.cli(&["--scan"]).unwrap(), "", "keys are left");
        assert!(node.cli(&["info", "commandstats"]).unwrap().contains("cmdstat_unlink"), "some keys were there");
    }
}

#[test]
fn the_demo_on_a_redis_server() {
    let redis = redis_with(&[]);
    check(&redis.url(), &[redis]);
}

#[test]
fn the_demo_on_a_redis_cluster() {
    let cluster = RedisCluster::start(&ClusterConfig { replicas: 0, ..ClusterConfig::default() }).unwrap();
    check(&cluster.url(), cluster.nodes());
}
