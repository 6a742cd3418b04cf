//! How the service ends: told to, with clients that take their time, and by itself when its store fails.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;
use user_info_service::ingest::{IngestLimits, Sharing, Until};
use user_info_service::pages::PagesConfig;
use user_info_service::run::Engine;
use user_info_service::{ServiceConfig, ServiceError, run};
use user_info_store::{StoreError, StoreOptions, begin_rebuild};
use user_info_testkit::eventually;

use crate::facts::user;
use crate::http::{Connection, head};
use crate::server::{LIMIT, World, config};

/// More than the kernel buffers for a connection, so that an answer is in flight until it is read.
const PAGE_BYTES: usize = 64 * 1024 * 1024;

fn with_page() -> ServiceConfig {
    let start = Some(Bytes::from(vec![b'x'; PAGE_BYTES]));
    ServiceConfig { pages: Some(PagesConfig { start, ..PagesConfig::default() }), ..config() }
}

#[test]
fn answers_in_flight_are_finished_and_idle_connections_closed() {
    let world = World::new();
    let server = world.start_with(with_page());
    server.until_ready();
    let mut idle = Connection::open(server.public);
    assert_eq!(idle.get("/users/1").status, 404);
    let mut silent = Connection::open(server.public);
    let mut operator = Connection::open(server.admin);
    assert_eq!(operator.get("/health").status, 200);
    let mut busy = TcpStream::connect(server.public).unwrap();
    busy.write_all(head("GET", "/", &[]).as_bytes()).unwrap();
    busy.read_exact(&mut [0; 1]).unwrap();

    server.shutdown.cancel();
    assert_eq!(idle.until_closed(), b"");
    assert_eq!(silent.until_closed(), b"");
    assert_eq!(operator.until_closed(), b"");
    eventually(LIMIT, "new connections are refused", || TcpStream::connect(server.public).is_err());
    assert!(!server.has_ended());
    let mut rest = Vec::new();
    busy.read_to_end(&mut rest).unwrap();
    assert!(rest.len() > PAGE_BYTES, "{} bytes", rest.len());
    server.ended().unwrap();
}

#[test]
fn clients_that_take_too_long_are_cut_off_and_the_service_ends_well() {
    let world = World::new();
    let server = world.start_with(ServiceConfig { stop_deadline: Duration::from_secs(1), ..with_page() });
    world.publish(&[user("1")]);
    server.until_caught_up(&world.log);
    let mut half = Connection::open(server.public);
    half.send("GET /users/1 HTTP/1.1\r\nhost: te");
    let mut half_operator = Connection::open(server.admin);
    half_operator.send("GET /status HTTP/1.1\r\nhost: te");
    let mut unread = TcpStream::connect(server.public).unwrap();
    unread.write_all(head("GET", "/", &[]).as_bytes()).unwrap();
    unread.read_exact(&mut [0; 1]).unwrap();
    eventually(LIMIT, "all are connected", || server.metrics.connections.open.get() == 2);

    server.stop().unwrap();
    assert_eq!(half.until_closed(), b"");
    assert_eq!(half_operator.until_closed(), b"");
    let positions = world.open_store().positions().unwrap();
    assert_eq!(positions.iter().map(|position| position.next_offset).sum::<i64>(), 1);
}

#[test]
fn while_draining_requests_are_answered_and_ready_says_no() {
    let world = World::new();
    let server = world.start_with(ServiceConfig { drain: Duration::from_secs(4), ..config() });
    server.until_ready();
    let mut idle = Connection::open(server.public);
    assert_eq!(idle.get("/users/1").header("connection"), None);
    server.shutdown.cancel();
    eventually(LIMIT, "it is not ready", || server.admin("/ready").text() == "not ready: stopping\n");
    assert_eq!(server.status()["not_ready_because"], "stopping");
    assert!(server.admin("/metrics").text().contains("user_info_ready 0\n"));
    // Those who are connected are asked to go, and new ones are still served.
    let last = idle.get("/users/1");
    assert_eq!((last.status, last.header("connection")), (404, Some("close")));
    assert_eq!(idle.until_closed(), b"");
    assert_eq!(server.get("/users/1").status, 404);
    server.ended().unwrap();
}

#[test]
fn what_was_applied_is_on_disk_after_a_stop() {
    let world = World::new();
    let server = world.start();
    world.publish(&(0..500).map(|number| user(&number.to_string())).collect::<Vec<_>>());
    server.until_caught_up(&world.log);
    let view = server.view.load_full();
    server.stop().unwrap();
    let stored = world.open_store().positions().unwrap();
    let expected = view.topics.iter().flat_map(|topic| &topic.partitions).map(|partition| &partition.position);
    for (stored, expected) in stored.iter().zip(expected) {
        assert_eq!((stored.topic, stored.partition), (expected.topic, expected.partition));
        assert_eq!(stored.next_offset, expected.next_offset);
        assert_eq!(stored.topic_id, expected.topic_id);
        assert!(stored.caught_up_at_ms >= expected.caught_up_at_ms && expected.caught_up_at_ms.is_some());
        assert_eq!(stored.last_timestamp_ms, expected.last_timestamp_ms);
    }
    assert_eq!(stored.len(), view.topics.iter().map(|topic| topic.partitions.len()).sum::<usize>());
}

#[test]
fn a_stop_before_the_topics_exist_ends_well() {
    let world = World::without_topics();
    let server = world.start();
    assert_eq!(server.get("/users/1").status, 503);
    server.stop().unwrap();
}

#[test]
fn a_service_told_to_stop_before_it_began_ends_well() {
    let world = World::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (log, store) = (world.log.clone(), world.open_store());
    runtime.block_on(async {
        let bind = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shutdown = user_info_service::Shutdown::new();
        shutdown.cancel();
        run(config(), &log, store, bind().await, bind().await, shutdown).await.unwrap();
    });
}

#[test]
fn a_store_that_fails_ends_the_service_with_its_error() {
    let world = World::new();
    // The store of a rebuild takes no writes once the rebuild has ended: a write that fails for real.
    let rebuild = begin_rebuild(&world.store_url(), &StoreOptions::default()).unwrap();
    let server = crate::server::Server::start(config(), &world.log, rebuild.store().clone());
    world.publish(&[user("1")]);
    server.until_status("/users/1", 200);
    rebuild.finish().unwrap();
    world.publish(&[user("2")]);
    let ended = server.ended();
    assert!(matches!(ended, Err(ServiceError::Store(StoreError::Poisoned { .. }))), "{ended:?}");
}

#[test]
fn an_engine_can_be_finished_after_it_ended() {
    let world = World::new();
    let rebuild = begin_rebuild(&world.store_url(), &StoreOptions::default()).unwrap();
    let store = rebuild.store().clone();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let start = || {
        Engine::start(
            &world.log,
            &store,
            Sharing::Alone,
            IngestLimits::default(),
            Duration::from_millis(50),
            0,
            Until::Stopped,
        )
        .unwrap()
    };

    // Told to end.
    runtime.block_on(async {
        let mut engine = start();
        engine.stop.cancel();
        engine.ended().await.unwrap();
        engine.finish().await.unwrap();
    });
    // Ended by an error, which is told once.
    rebuild.finish().unwrap();
    runtime.block_on(async {
        let mut engine = start();
        let ended = tokio::time::timeout(LIMIT, engine.ended()).await.unwrap();
        let finished = tokio::time::timeout(LIMIT, engine.finish()).await.unwrap();
        let errors = [ended, finished].into_iter().filter_map(Result::err).collect::<Vec<_>>();
        assert!(matches!(errors.as_slice(), [ServiceError::Store(StoreError::Poisoned { .. })]), "{errors:?}");
    });
}
