//! A Redis Cluster starts whole, loses a write where it is made to, fails over, and moves its slots while it is written to.

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use user_info_testkit::{ClusterConfig, RedisCluster, RedisServer, eventually};

const LIMIT: Duration = Duration::from_secs(60);

fn cluster() -> RedisCluster {
    RedisCluster::start(&ClusterConfig::default()).unwrap()
}

fn role(node: &RedisServer) -> String {
    node.cli(&["role"]).unwrap().lines().next().unwrap().to_owned()
}

/// How many keys a node holds, as master or as replica.
fn keys(node: &RedisServer) -> usize {
    node.cli(&["dbsize"]).unwrap().parse().unwrap()
}

fn set(cluster: &RedisCluster, key: &str) {
    assert_eq!(cluster.cli(&["set", key, key]).unwrap(), "OK");
}

/// The first of many keys that the node of this index owns.
fn key_of(cluster: &RedisCluster, master: usize) -> String {
    let owned = |key: &String| cluster.node(master).cli(&["set", key, "owned"]).is_ok();
    (0..1_000).map(|number| format!("key-{number}")).find(owned).unwrap()
}

#[test]
fn a_cluster_starts_whole_with_a_replica_for_each_master() {
    let cluster = cluster();
    let masters = cluster.masters().unwrap();
    assert_eq!((cluster.nodes().len(), masters.len()), (6, 3));
    assert_eq!(cluster.url(), format!("redis-cluster://{}", cluster.addresses().join(",")));
    assert_eq!(cluster.addresses()[2], cluster.node(2).address());

    let mut replicas: Vec<usize> = masters.iter().map(|&master| cluster.replica_of(master).unwrap()).collect();
    replicas.sort_unstable();
    assert_eq!([masters, replicas.clone()].concat(), [0, 1, 2, 3, 4, 5]);
    for node in cluster.nodes() {
        assert!(node.cli(&["cluster", "info"]).unwrap().contains("cluster_state:ok"));
    }
    assert!(replicas.iter().all(|&replica| role(cluster.node(replica)) == "slave"));
    assert!(cluster.replica_of(replicas[0]).unwrap_err().to_string().contains("no replica"));
    assert!(cluster.cut_replica(replicas[0]).is_err());

    set(&cluster, "ada");
    cluster.until_replicated().unwrap();
    assert_eq!(cluster.nodes().iter().map(keys).sum::<usize>(), 2);
    let addresses = cluster.addresses();
    drop(cluster);
    assert!(addresses.iter().all(|address| TcpStream::connect(address).is_err()));
}

#[test]
fn masters_without_replicas_have_none_and_options_reach_every_node() {
    let options = vec![("cluster-require-full-coverage".to_owned(), "no".to_owned())];
    let mut cluster = RedisCluster::start(&ClusterConfig { masters: 4, replicas: 0, options }).unwrap();
    assert_eq!(cluster.masters().unwrap(), [0, 1, 2, 3]);
    assert!(cluster.replica_of(0).is_err());
    let key = key_of(&cluster, 1);
    cluster.node_mut(0).kill().unwrap();
    let failed = |node: &RedisServer| node.cli(&["cluster", "info"]).unwrap().contains("cluster_slots_fail:4096");
    eventually(LIMIT, "all find the node dead", || cluster.nodes()[1..].iter().all(failed));
    assert_eq!(cluster.masters().unwrap(), [0, 1, 2, 3], "nobody took its slots");
    assert_eq!(cluster.cli(&["get", &key]).unwrap(), "owned", "the others go on");
}

#[test]
fn too_few_masters_are_refused() {
    let config = ClusterConfig { masters: 2, ..ClusterConfig::default() };
    let error = format!("{:#}", RedisCluster::start(&config).unwrap_err());
    assert!(error.contains("cannot create the cluster") && error.contains("at least 3 master nodes"), "{error}");
}

#[test]
fn a_write_after_the_cut_is_lost_with_the_promotion() {
    let mut cluster = cluster();
    let old = cluster.masters().unwrap()[0];
    let key = key_of(&cluster, old);
    cluster.until_replicated().unwrap();

    let new = cluster.cut_replica(old).unwrap();
    assert_eq!(cluster.replica_of(old).unwrap(), new);
    assert_eq!(cluster.node(old).cli(&["set", &key, "lost"]).unwrap(), "OK");
    cluster.until_ok().unwrap();
    assert_eq!(cluster.cli(&["get", &key]).unwrap(), "lost", "the old master still answers");

    cluster.promote(new).unwrap();
    assert_eq!(cluster.node(new).cli(&["get", &key]).unwrap(), "owned");
    let masters = cluster.masters().unwrap();
    assert!(masters.contains(&new) && !masters.contains(&old), "{masters:?}");
    cluster.until_replicated().unwrap();
    assert_eq!((role(cluster.node(old)).as_str(), cluster.replica_of(new).unwrap()), ("slave", old));
    assert_eq!(cluster.cli(&["get", &key]).unwrap(), "owned");

    // And back: a promoted node can follow again.
    cluster.promote(old).unwrap();
    cluster.until_replicated().unwrap();
    assert_eq!(cluster.replica_of(old).unwrap(), new);
}

#[test]
fn an_old_master_that_was_paused_becomes_a_replica_when_it_goes_on() {
    let mut cluster = cluster();
    let old = cluster.masters().unwrap()[1];
    let key = key_of(&cluster, old);
    let new = cluster.cut_replica(old).unwrap();
    assert_eq!(cluster.node(old).cli(&["set", &key, "lost"]).unwrap(), "OK");
    cluster.node_mut(old).pause().unwrap();
    cluster.node_mut(new).pause().unwrap();

    cluster.promote(new).unwrap();
    cluster.until_ok().unwrap();
    assert!(cluster.masters().unwrap().contains(&new));
    cluster.node_mut(old).resume().unwrap();
    cluster.until_replicated().unwrap();
    assert_eq!((role(cluster.node(old)).as_str(), cluster.replica_of(new).unwrap()), ("slave", old));
    assert_ne!(cluster.cli(&["get", &key]).unwrap(), "lost");
}

#[test]
fn a_failover_is_waited_for_and_the_killed_node_comes_back_as_a_replica() {
    let mut cluster = cluster();
    let old = cluster.masters().unwrap()[2];
    let new = cluster.replica_of(old).unwrap();
    let key = key_of(&cluster, old);
    cluster.until_replicated().unwrap();
    cluster.node_mut(old).kill().unwrap();
    cluster.until_ok().unwrap();
    assert!(cluster.masters().unwrap().contains(&new));
    assert_eq!(cluster.node(new).cli(&["get", &key]).unwrap(), "owned");

    cluster.node_mut(old).restart().unwrap();
    cluster.until_replicated().unwrap();
    assert_eq!((role(cluster.node(old)).as_str(), keys(cluster.node(old))), ("slave", keys(cluster.node(new))));
}

/// How many of the keys that were written before anything moved are on this node.
fn old_keys(cluster: &RedisCluster, node: usize) -> usize {
    cluster.node(node).cli(&["keys", "before-*"]).unwrap().lines().count()
}

/// Writes keys until it is told to stop; the number of keys.
fn write_until(done: &AtomicBool, cluster: &RedisCluster) -> usize {
    let mut written = 0;
    while !done.load(Ordering::Relaxed) {
        set(cluster, &format!("during-{written}"));
        written += 1;
    }
    written
}

#[test]
fn slots_move_with_their_keys_while_they_are_written_to() {
    let cluster = cluster();
    let [from, to, _] = cluster.masters().unwrap()[..] else { panic!("three masters") };
    (0..200).for_each(|number| set(&cluster, &format!("before-{number}")));
    let before = [old_keys(&cluster, from), old_keys(&cluster, to)];
    let done = AtomicBool::new(false);
    let written = thread::scope(|scope| {
        let writer = scope.spawn(|| write_until(&done, &cluster));
        let resharded = cluster.reshard(from, to, 1_000);
        done.store(true, Ordering::Relaxed);
        resharded.unwrap();
        writer.join().unwrap()
    });
    let after = [old_keys(&cluster, from), old_keys(&cluster, to)];
    assert!(written > 0 && after[0] < before[0], "{before:?} before, {after:?} after, {written} written");
    assert_eq!(before.iter().sum::<usize>(), after.iter().sum::<usize>());
    cluster.until_replicated().unwrap();
    assert_eq!(cluster.nodes().iter().map(keys).sum::<usize>(), 2 * (200 + written));
    assert_eq!(cluster.masters().unwrap().len(), 3);
}
