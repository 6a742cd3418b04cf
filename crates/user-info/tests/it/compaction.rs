//! A compacted topic says the same as the whole one: Kafka is made to compact, with tombstones and until those are gone
//! too, and a server that reads only what is left ends in the same state.

use std::collections::BTreeMap;

use user_info_core::Topic;
use user_info_log::{NewRecord, Record};

use crate::support::facts::{followed, forget, list_created, list_deleted, tweeted, unfollowed, user};
use crate::support::kafka::{Admin, shared_broker};
use crate::support::turn;
use crate::support::waiting::until;
use crate::support::world::{PARTITIONS, World};

/// What makes Kafka compact within a second: segments that end early, and a cleaner that minds every byte.
const EAGER: [(&str, &str); 4] = [
    ("segment.ms", "100"),
    ("min.cleanable.dirty.ratio", "0.0"),
    ("min.compaction.lag.ms", "0"),
    ("delete.retention.ms", "0"),
];

const COMPACTED: [Topic; 3] = [Topic::Users, Topic::Follows, Topic::Lists];

const USERS: usize = 40;

/// Profiles that change, follows that end, lists that go, users who leave.
fn history() -> Vec<NewRecord> {
    let mut records = Vec::new();
    for round in 0..3 {
        for number in 0..USERS {
            let (me, next) = (format!("u{number}"), format!("u{}", (number + 1) % USERS));
            records.push(user(&me, &format!("name{number}_{round}")));
            records.push(followed(&me, &next));
            records.push(tweeted(&me, &format!("{me}-t{round}")));
            records.push(list_created(&me, &format!("{me}-l{round}")));
            if number % 3 == 0 {
                records.extend(unfollowed(&me, &next));
                records.extend(list_deleted(&me, &format!("{me}-l{round}")));
            }
        }
    }
    records.extend((0..USERS).filter(|number| number % 10 == 0).map(|number| forget(&format!("u{number}"))));
    records
}

/// One record for each partition of each topic: it ends the segment before it, which may then be compacted.
fn fillers(world: &World) -> Vec<NewRecord> {
    let mut records = Vec::new();
    for partition in 0..PARTITIONS {
        let in_partition = |record: &NewRecord| {
            user_info_core::topic::partition_of(record.key.as_deref().unwrap(), PARTITIONS) == partition
        };
        let mut candidates = (0..).map(|number| format!("filler{number}"));
        records.push(candidates.find_map(|name| Some(user(&name, &name)).filter(in_partition)).unwrap());
        let mut candidates = (0..).map(|number| format!("filler{number}"));
        records.push(candidates.find_map(|name| Some(followed(&name, &name)).filter(in_partition)).unwrap());
        let mut candidates = (0..).map(|number| format!("filler{number}"));
        records.push(candidates.find_map(|name| Some(list_created(&name, "l")).filter(in_partition)).unwrap());
    }
    world.publish(&records);
    records
}

/// Why a topic is not compacted to the last record of each key, if it is not. Fillers may stand there several times.
fn what_is_left_to_compact(records: &[Record]) -> Result<(), String> {
    let mut by_key: BTreeMap<&[u8], Vec<&Record>> = BTreeMap::new();
    for record in records {
        by_key.entry(record.key.as_deref().unwrap()).or_default().push(record);
    }
    by_key.retain(|key, _| !key.starts_with(b"filler"));
    let repeated = by_key.values().filter(|records| records.len() > 1).count();
    let tombstones = by_key.values().filter(|records| records.last().is_some_and(|it| it.value.is_none())).count();
    match (repeated, tombstones) {
        (0, 0) => Ok(()),
        _ => Err(format!("{repeated} keys have several records, {tombstones} have a tombstone")),
    }
}

#[test]
fn a_server_that_reads_what_compaction_left_ends_in_the_same_state() {
    let _turn = turn::shared();
    let broker = shared_broker();
    let world = World::on(&broker, "compacted");
    let admin = Admin::of(&broker);
    let mut first = world.replica("first").started();
    world.publish_to(&first, &history());
    first.stop();
    let before: BTreeMap<Topic, usize> = COMPACTED.into_iter().map(|topic| (topic, world.read(topic).len())).collect();

    COMPACTED.into_iter().for_each(|topic| admin.set(&world.name(topic), &EAGER));
    until("Kafka has compacted the topics", || {
        fillers(&world);
        COMPACTED.into_iter().try_for_each(|topic| what_is_left_to_compact(&world.read(topic)))
    });
    COMPACTED.into_iter().for_each(|topic| admin.set(&world.name(topic), &[]));
    for topic in COMPACTED {
        let left = world.read(topic);
        assert!(left.len() < before[&topic], "{topic} had {} records and has {}", before[&topic], left.len());
    }

    let mut second = world.replica("second").started();
    first.start();
    for server in [&first, &second] {
        server.until_at(&world.ends());
        assert_eq!(world.audit_server(server).with_status(0).json()["differences"], 0);
    }
    for number in 0..USERS {
        let path = format!("/users/u{number}");
        let (first, second) = (first.get(&path), second.get(&path));
        assert_eq!((first.status, &first.body), (second.status, &second.body), "{path}");
        assert_eq!(first.header("etag"), second.header("etag"), "{path}");
    }
    assert_eq!(second.get("/users/u10").status, 404);
    assert_eq!(second.counts("u1"), [3, 1, 0, 0, 3]);
    for (server, store) in [(&mut first, "first"), (&mut second, "second")] {
        server.stop();
        assert_eq!(world.audit_store(store).with_status(0).json()["differences"], 0);
    }
}
