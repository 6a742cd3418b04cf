//! Several instances on one Redis share the partitions, and each of them answers for all.

use super::scene::{Scene, USERS, redis_with};
use crate::support::facts::tweeted;
use crate::support::replica::Replica;
use crate::support::shared_store::until_read;
use crate::support::turn;
use crate::support::waiting::until;
use crate::support::watching::Watch;

#[test]
fn instances_share_the_partitions_and_one_that_is_killed_is_not_missed() {
    let _turn = turn::shared();
    let redis = redis_with(&[]);
    let mut scene = Scene::begun("sharing", &[&redis.url()]);
    let [mut killed, other] = [(); 2].map(|()| scene.another().started());
    until_each_has_read(&mut scene, &[&killed, &other]);
    check_all(&scene, &[&scene.server, &killed, &other]);
    for instance in [&scene.server, &killed, &other] {
        check_knows_of_others(instance);
    }

    let before = counts(&killed);
    killed.kill();
    let added = scene.another().started();
    check_all(&scene, &[&scene.server, &other, &added]);
    for instance in [&scene.server, &other, &added] {
        assert_eq!(counts(instance), before, "who comes and goes changes no count");
    }
    until_each_has_read(&mut scene, &[&added]);
    check_all(&scene, &[&scene.server, &other, &added]);
    scene.server.stop();
    scene.tell();
    check_all(&scene, &[&other, &added]);
}

/// Each partition is read by one of the two, so each hears of most changes only through Redis.
#[test]
fn each_instance_tells_live_what_another_one_wrote() {
    let _turn = turn::shared();
    let redis = redis_with(&[]);
    let mut scene = Scene::begun("live", &[&redis.url()]);
    let other = scene.another().started();
    until_each_has_read(&mut scene, &[&other]);
    let ends = scene.world.ends();
    [&scene.server, &other].into_iter().for_each(|instance| until_read(instance, &ends));
    let instances = [&scene.server, &other];
    let watched = instances.map(|instance| (0..WATCHED_USERS).map(|index| (index, watch(instance, index))));
    let mut watched: Vec<(usize, Watch)> = watched.into_iter().flatten().collect();
    let mut before = [0; WATCHED_USERS];
    for (index, watch) in &mut watched {
        before[*index] = watch.next()["tweet_count"].as_u64().unwrap();
    }
    let news: Vec<_> = (0..WATCHED_USERS).map(|index| tweeted(&format!("u{index}"), "the-news")).collect();
    scene.world.publish(&news);
    for (index, watch) in &mut watched {
        assert_eq!(watch.next()["tweet_count"], before[*index] + 1, "u{index}");
    }
}

const WATCHED_USERS: usize = 4;

fn watch(instance: &Replica, index: usize) -> Watch {
    Watch::start(&format!("u{index}"), &instance.url())
}

/// Tells more until each of these has read some of it.
#[track_caller]
fn until_each_has_read(scene: &mut Scene, instances: &[&Replica]) {
    until("each instance has read something", || {
        scene.tell();
        let read: Vec<u64> = instances.iter().map(|instance| records_read(instance)).collect();
        if read.iter().all(|&read| read > 0) { Ok(()) } else { Err(format!("{read:?}")) }
    });
}

/// An instance that reads a part only knows that the rest is read as well, and how old that knowledge is.
#[track_caller]
fn check_knows_of_others(instance: &Replica) {
    let status = instance.until_status("it is caught up", |status| status["caught_up"] == true);
    let topics = status["topics"].as_array().unwrap();
    let partitions: Vec<_> = topics.iter().flat_map(|topic| topic["partitions"].as_array().unwrap()).collect();
    for owned in [true, false] {
        assert!(partitions.iter().any(|partition| partition["owned"] == owned), "{status}");
    }
    assert!(status["age_ms"].is_u64(), "{status}");
}

/// Records that an instance itself has read since it started.
fn records_read(instance: &Replica) -> u64 {
    let metrics = instance.admin("/metrics").body;
    let counters = metrics.lines().filter(|line| line.starts_with("user_info_records_total{"));
    counters.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
}

#[track_caller]
fn check_all(scene: &Scene, instances: &[&Replica]) {
    let ends = scene.world.ends();
    instances.iter().for_each(|instance| until_read(instance, &ends));
    scene.check_audits(instances);
}

/// The counts of everybody.
fn counts(instance: &Replica) -> Vec<[u64; 5]> {
    (0..USERS).map(|index| instance.counts(&format!("u{index}"))).collect()
}
