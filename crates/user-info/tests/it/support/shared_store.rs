//! A store in Redis and the instances that share it as a consumer group.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use user_info_audit::positions::Positions;
use user_info_core::Topic;

use crate::support::program::Ended;
use crate::support::replica::Replica;
use crate::support::waiting::{LIMIT, until};
use crate::support::world::World;

/// What every key of the stores in these tests begins with.
pub(crate) const PREFIX: &str = "shared";

/// Enough of what an audit found to see what is wrong.
const SHOWN_MAX: usize = 20;

/// What an instance logs each time that it reads again from the stored positions, and when it gets partitions to read.
const REWIND: &str = "reading goes back to the stored positions";
const GAIN: &str = "the group gave";

/// An instance that reaches Redis by this URL, not running yet; it looks at the topics twice a second.
pub(crate) fn instance(world: &World, url: &str) -> Replica {
    // Nobody else has the names of the world's topics, so they do for its group as well.
    let store = ["--store", url, "--redis-prefix", PREFIX, "--group", &world.name(Topic::Users)];
    Replica::new(world.log_options()).with(&store).with(&["--watch-interval", "500ms"])
}

/// How many differences an audit of the store finds; it prints them.
#[track_caller]
pub(crate) fn differences_in_store(world: &World, url: &str) -> u64 {
    differences(&world.run(&["audit"], &["--store", url, "--redis-prefix", PREFIX, "--json"]))
}

/// How many differences an audit of an instance finds; it prints them.
#[track_caller]
pub(crate) fn differences_in_answers(world: &World, instance: &Replica) -> u64 {
    differences(&world.audit_server(instance))
}

#[track_caller]
fn differences(audit: &Ended) -> u64 {
    let differences = audit.json()["differences"].as_u64().unwrap();
    assert_eq!(audit.status, i32::from(differences > 0), "{audit:?}");
    if differences > 0 {
        eprintln!("{}", audit.stdout.lines().take(SHOWN_MAX).collect::<Vec<_>>().join("\n"));
    }
    differences
}

/// Waits until the answers of an instance go as far as this, whoever read it.
#[track_caller]
pub(crate) fn until_read(instance: &Replica, ends: &Positions) {
    until("the instances have read everything", || {
        let positions = instance.positions();
        let behind = ends.iter().find(|&(topic, partition, end)| positions.next(topic, partition) < end);
        behind.map_or(Ok(()), |behind| Err(format!("{behind:?} is not reached by {positions}: {}", instance.status())))
    });
}

/// Waits until the instance says of every partition that it was complete after this call. Of those that others read it knows
/// so only after another look at the masters.
#[track_caller]
pub(crate) fn until_complete_as_of_now(instance: &Replica) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let complete = |partition: &Value| partition["caught_up_at_ms"].as_u64().is_some_and(|at| u128::from(at) > now);
    instance.until_status("every partition is complete as of now", |status| {
        let topics = status["topics"].as_array().unwrap();
        topics.iter().all(|topic| topic["partitions"].as_array().unwrap().iter().all(complete))
    });
}

/// Starts them, and waits until each of them has partitions.
pub(crate) fn start_all(instances: &mut [Replica]) {
    instances.iter_mut().for_each(Replica::start);
    for instance in instances {
        instance.process().wait_for_line(GAIN, LIMIT).unwrap();
    }
}

/// How often the instance has gone back to the stored positions since it started.
#[track_caller]
pub(crate) fn rewinds(instance: &mut Replica) -> usize {
    instance.process().stderr().matches(REWIND).count()
}

/// How often it has asked the masters how they stand, and went on from there: when it went back, or got partitions.
#[track_caller]
pub(crate) fn fresh_starts(instance: &mut Replica) -> usize {
    rewinds(instance) + instance.process().stderr().matches(GAIN).count()
}
