//! More than can be answered, and what takes too long: each is told so, in time, and the others are answered.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use user_info_service::ServiceConfig;
use user_info_service::load::LoadLimits;
use user_info_store::{RedisOptions, Store, StoreOptions};
use user_info_testkit::{RedisConfig, RedisServer, eventually};

use crate::facts::user;
use crate::http::{Connection, head};
use crate::server::{LIMIT, Server, World, config};

/// Longer than a test waits for anything.
const NEVER: Duration = Duration::from_secs(600);

fn limited(waiting_max: usize, deadline: Duration) -> ServiceConfig {
    ServiceConfig { load: LoadLimits { waiting_max, deadline }, ..config() }
}

/// A service on a Redis whose silence it does not notice by itself.
fn on_redis(redis: &RedisServer, world: &World, config: ServiceConfig) -> Server {
    let options = RedisOptions { read_timeout: NEVER, ..RedisOptions::default() };
    let options = StoreOptions { redis: options, ..StoreOptions::default() };
    let server = Server::start(config, &world.log, Store::open(&redis.url().parse().unwrap(), &options).unwrap());
    world.publish(&[user("1")]);
    server.until_caught_up(&world.log);
    server
}

/// Sends a request and leaves the answer for later.
fn asking(server: &Server) -> Connection {
    let mut connection = Connection::open(server.public);
    connection.send(head("GET", "/users/1", &[]));
    connection
}

#[test]
fn when_redis_falls_silent_so_many_requests_wait_and_the_others_are_told_to_come_again() {
    const WAITING_MAX: usize = 8;
    let (world, mut redis) = (World::new(), RedisServer::start(&RedisConfig::default()).unwrap());
    let server = on_redis(&redis, &world, limited(WAITING_MAX, NEVER));
    redis.pause().unwrap();
    let waiting: Vec<Connection> = (0..WAITING_MAX).map(|_| asking(&server)).collect();
    eventually(LIMIT, "they wait", || server.metrics.load.in_flight.get() == WAITING_MAX as i64);
    for _ in 0..3 * WAITING_MAX {
        let answer = asking(&server).answer("GET").unwrap();
        answer.check_problem(503, "overloaded");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    assert_eq!(server.metrics.load.shed.get(), 3 * WAITING_MAX as u64);
    // What makes no sense is said all the same, and operators are not clients.
    server.get("/users").check_problem(400, "bad-request");
    assert_eq!(server.admin("/health").status, 200);
    redis.resume().unwrap();
    for mut connection in waiting {
        assert_eq!(connection.answer("GET").unwrap().status, 200);
    }
    assert_eq!(server.get("/users/1").status, 200);
    let metrics = server.admin("/metrics");
    assert!(metrics.text().contains("user_info_requests_shed_total 24\n"), "{}", metrics.text());
    assert!(metrics.text().contains("user_info_requests_in_flight 0\n"), "{}", metrics.text());
}

#[test]
fn what_takes_longer_than_the_deadline_is_given_up() {
    const DEADLINE: Duration = Duration::from_millis(300);
    let (world, mut redis) = (World::new(), RedisServer::start(&RedisConfig::default()).unwrap());
    let server = on_redis(&redis, &world, limited(100, DEADLINE));
    redis.pause().unwrap();
    // At once, before ingest finds out for all of them that Redis is silent.
    let began = Instant::now();
    let asked = ["/users/1", "/users?ids=1,2", "/users?username=name-1"].map(|target| {
        let mut connection = Connection::open(server.public);
        connection.send(head("GET", target, &[]));
        connection
    });
    for mut connection in asked {
        let answer = connection.answer("GET").unwrap();
        answer.check_problem(503, "late");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(began.elapsed() >= DEADLINE);
    }
    assert_eq!((server.metrics.load.late.get(), server.metrics.load.in_flight.get()), (3, 0));
    redis.resume().unwrap();
    server.until_status("/users/1", 200);
}

#[test]
fn a_body_that_does_not_arrive_in_time_is_not_waited_for() {
    let world = World::new();
    let server = world.start_with(limited(100, Duration::from_millis(300)));
    server.until_ready();
    let mut connection = Connection::open(server.public);
    let headers = [("content-type", "application/json"), ("content-length", "13")];
    connection.send(head("POST", "/users/batch", &headers) + r#"{"ids":"#);
    let answer = connection.answer("POST").unwrap();
    answer.check_problem(408, "slow-body");
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(connection.until_closed(), b"");
    assert_eq!(server.metrics.load.late.get(), 1);

    // The same of a form, in the words of API v1.1.
    let mut connection = Connection::open(server.public);
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("content-length", "13")];
    connection.send(head("POST", "/1.1/users/lookup.json", &headers) + "user_id=");
    let answer = connection.answer("POST").unwrap();
    assert_eq!((answer.status, &answer.json()["errors"][0]["code"]), (408, &25.into()), "{answer:?}");
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(connection.until_closed(), b"");
}

/// The runtime is kept from its work until all requests are there, so that it meets them at once.
#[test]
fn requests_that_the_runtime_has_not_come_to_count_as_well() {
    const CONNECTIONS: usize = 320;
    let world = World::new();
    let server = world.start_with(limited(16, NEVER));
    server.until_ready();
    let mut connections: Vec<Connection> = (0..CONNECTIONS).map(|_| Connection::open(server.public)).collect();
    connections.iter_mut().for_each(|connection| assert_eq!(connection.get("/users/1").status, 404));
    let gate = Arc::new(Barrier::new(Server::WORKERS + 1));
    for _ in 0..Server::WORKERS {
        let gate = Arc::clone(&gate);
        server.spawn(async move {
            gate.wait();
            gate.wait();
        });
    }
    gate.wait();
    connections.iter_mut().for_each(|connection| connection.send(head("GET", "/users/1", &[])));
    gate.wait();
    let statuses: Vec<u16> =
        connections.iter_mut().map(|connection| connection.answer("GET").unwrap().status).collect();
    let shed = statuses.iter().filter(|status| **status == 503).count();
    assert!(shed > 0 && statuses.iter().all(|status| [404, 503].contains(status)), "{statuses:?}");
    assert_eq!(server.metrics.load.shed.get(), shed as u64);
    // It passes by itself.
    connections.iter_mut().for_each(|connection| assert_eq!(connection.get("/users/1").status, 404));
}
