//! `rebuild`: everything from the log into a fresh generation, beside the one that is served.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use user_info_core::Topic;
use user_info_log::Log;
use user_info_service::ingest::IngestLimits;
use user_info_service::{Rebuilt, ServiceError, Shutdown, rebuild};
use user_info_store::{MemoryStore, Store, StoreOptions, begin_rebuild};

use crate::facts::{bad, tweeted, user, user_named};
use crate::server::{LIMIT, World};

const WATCH_INTERVAL: Duration = Duration::from_millis(50);

/// Rebuilds into a store; the caller swaps it in.
pub(crate) fn rebuild_from(log: &Log, fresh: &Store) -> Result<Rebuilt, ServiceError> {
    rebuild_with(log, fresh, IngestLimits::default(), Shutdown::new())
}

fn rebuild_with(log: &Log, fresh: &Store, limits: IngestLimits, shutdown: Shutdown) -> Result<Rebuilt, ServiceError> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let rebuilding = rebuild(log, fresh, limits, WATCH_INTERVAL, shutdown);
        tokio::time::timeout(LIMIT, rebuilding).await.expect("the rebuild does not end")
    })
}

#[test]
fn a_rebuild_reads_everything_and_is_swapped_in_only_at_its_end() {
    let world = World::new();
    let server = world.start();
    world.publish(&[
        user_named("1", "Ada"),
        user("2"),
        tweeted("1", "10"),
        bad(Topic::Users, "2"),
        bad(Topic::Likes, "1/7"),
    ]);
    server.until_caught_up(&world.log);
    server.stop().unwrap();
    let server = world.start();
    let options = StoreOptions::default();

    // Dropped before its end, it leaves everything as it was.
    let unfinished = begin_rebuild(&world.store_url(), &options).unwrap();
    rebuild_from(&world.log, unfinished.store()).unwrap();
    drop(unfinished);
    assert_eq!(current_generation(&world), "1");

    let rebuild = begin_rebuild(&world.store_url(), &options).unwrap();
    let rebuilt = rebuild_from(&world.log, rebuild.store()).unwrap();
    assert_eq!(rebuilt.offsets, 5);
    let tainted: Vec<(Topic, &[u8])> =
        rebuilt.tainted.iter().map(|taint| (taint.key.topic, taint.key.key.as_slice())).collect();
    assert_eq!(tainted, [(Topic::Users, &b"2"[..]), (Topic::Likes, b"1/7")]);
    assert_eq!(current_generation(&world), "1");
    rebuild.finish().unwrap();
    assert_eq!(current_generation(&world), "2");

    // The server goes on with the generation that it has.
    world.publish(&[user_named("1", "Bea")]);
    server.until_caught_up(&world.log);
    assert_eq!(server.get("/users/1").json()["username"], "Bea");
    server.stop().unwrap();

    // The next one starts with the new one, at the positions that the rebuild reached.
    let server = world.start();
    let before = server.get("/users/1").json();
    assert_eq!((&before["tweet_count"], server.get("/users/3").status), (&1.into(), 404));
    server.until_caught_up(&world.log);
    assert_eq!(server.get("/users/1").json()["username"], "Bea");
    assert_eq!(server.metrics.records_read(), 1);
}

fn current_generation(world: &World) -> String {
    std::fs::read_to_string(world.store_path().join("CURRENT_GENERATION")).unwrap().trim().to_owned()
}

#[test]
fn a_rebuild_of_an_empty_log_is_done_at_once() {
    let world = World::new();
    let rebuilt = rebuild_from(&world.log, &Store::Memory(MemoryStore::default())).unwrap();
    assert_eq!((rebuilt.offsets, rebuilt.tainted.len()), (0, 0));
}

#[test]
fn a_topic_that_halts_ends_the_rebuild_with_the_way_out() {
    let world = World::new();
    world.publish(&vec![bad(Topic::Users, "1"); 3]);
    let rebuild = begin_rebuild(&world.store_url(), &StoreOptions::default()).unwrap();
    let limits = IngestLimits { bad_in_a_row_max: 3, ..IngestLimits::default() };
    match rebuild_with(&world.log, rebuild.store(), limits, Shutdown::new()) {
        Err(ServiceError::Halted { topic: "users", reason, way_out }) => {
            assert!(reason.starts_with("3 bad records in a row"), "{reason}");
            assert!(way_out.contains("mend the producer"), "{way_out}");
        }
        other => panic!("{other:?}"),
    }
    // Nobody holds the generation any more, so it goes.
    drop(rebuild);
    assert_eq!(std::fs::read_dir(world.store_path().join("generations")).unwrap().count(), 0);
}

#[test]
fn a_rebuild_can_be_stopped() {
    let world = World::without_topics();
    let shutdown = Shutdown::new();
    let stopping = shutdown.clone();
    std::thread::scope(|scope| {
        scope.spawn(move || stopping.cancel());
        let stopped =
            rebuild_with(&world.log, &Store::Memory(MemoryStore::default()), IngestLimits::default(), shutdown);
        assert!(matches!(stopped, Err(ServiceError::Stopped)), "{stopped:?}");
    });
}

/// Ends the publisher when the test ends, whichever way.
struct Stop<'flag>(&'flag AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_rebuild_ends_although_records_keep_coming() {
    let world = World::new();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in (0..).take_while(|_| !ended.load(Ordering::Relaxed)) {
                let user_id = number.to_string();
                world.publish(&[user(&user_id), tweeted(&user_id, "1"), tweeted(&user_id, "2")]);
            }
        });
        let _stop = Stop(&ended);
        for _ in 0..3 {
            rebuild_from(&world.log, &Store::Memory(MemoryStore::default())).unwrap();
        }
    });
}
