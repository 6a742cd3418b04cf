//! Connections: kept alive, pipelined, and held to their limits.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use user_info_service::ServiceConfig;
use user_info_service::listen::ListenLimits;
use user_info_service::pages::PagesConfig;
use user_info_testkit::eventually;

use crate::facts::user;
use crate::http::{Connection, head};
use crate::server::{LIMIT, World, config};

/// Long enough that a request gets through on a busy machine, short enough to wait for.
const SHORT: Duration = Duration::from_secs(1);

fn limited(listen: ListenLimits) -> ServiceConfig {
    ServiceConfig { listen, ..config() }
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let world = World::new();
    let server = world.start();
    server.until_ready();
    let mut connection = Connection::open(server.public);
    for _ in 0..100 {
        assert_eq!(connection.get("/users/1").status, 404);
    }
    assert_eq!(server.metrics.connections.open.get(), 1);
    drop(connection);
    eventually(LIMIT, "the connection is counted off", || server.metrics.connections.open.get() == 0);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let world = World::new();
    let server = world.start();
    world.publish(&[user("1"), user("2")]);
    server.until_caught_up(&world.log);
    let mut connection = Connection::open(server.public);
    let targets = ["/users/1", "/users/2", "/users/9", "/nothing", "/users/1"];
    connection.send(targets.map(|target| head("GET", target, &[])).concat());
    for target in targets {
        let answer = connection.answer("GET").unwrap();
        assert_eq!(answer.body, server.get(target).body, "{target}");
    }
}

#[test]
fn a_head_may_arrive_in_pieces() {
    let world = World::new();
    let server = world.start();
    server.until_ready();
    let mut connection = Connection::open(server.public);
    for byte in head("GET", "/users/1", &[]).into_bytes() {
        connection.send([byte]);
    }
    assert_eq!(connection.answer("GET").unwrap().status, 404);
}

#[test]
fn a_client_that_has_nothing_more_to_say_gets_its_answer() {
    let world = World::new();
    let server = world.start();
    server.until_ready();
    let mut connection = Connection::open(server.public);
    connection.send(head("GET", "/users/1", &[]));
    connection.end_sending();
    assert_eq!(connection.answer("GET").unwrap().status, 404);
    assert_eq!(connection.until_closed(), b"");
}

#[test]
fn who_asks_to_close_is_answered_and_closed() {
    let world = World::new();
    let server = world.start();
    server.until_ready();
    for request in ["GET /users/1 HTTP/1.0\r\n\r\n", "GET /users/1 HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"]
    {
        let mut connection = Connection::open(server.public);
        connection.send(request);
        assert_eq!(connection.answer("GET").unwrap().status, 404);
        assert_eq!(connection.until_closed(), b"");
    }
}

/// Both addresses keep the same limits of time.
fn check_head_timeout(address: SocketAddr) {
    let mut silent = Connection::open(address);
    let mut half = Connection::open(address);
    half.send("GET /users/1 HTTP/1.1\r\nhost: te");
    let mut idle = Connection::open(address);
    assert!(idle.get("/nothing").status == 404);
    // A byte now and then buys no time.
    let mut trickle = Connection::open(address);
    trickle.send("GET /users/1 HTTP/1.1\r\nx: ");
    eventually(LIMIT, "the trickling connection is closed", || trickle.try_send("x").is_err());
    assert_eq!(silent.until_closed(), b"");
    assert_eq!(half.until_closed(), b"");
    assert_eq!(idle.until_closed(), b"");
}

#[test]
fn a_slow_head_and_an_idle_connection_are_cut_off() {
    let world = World::new();
    let server = world.start_with(limited(ListenLimits { head_timeout: SHORT, ..ListenLimits::default() }));
    std::thread::scope(|scope| {
        scope.spawn(|| check_head_timeout(server.public));
        scope.spawn(|| check_head_timeout(server.admin));
    });
    eventually(LIMIT, "their places are free", || server.metrics.connections.open.get() == 0);
    assert_eq!(server.metrics.connections.refused.get(), 0);
}

#[test]
fn more_connections_than_allowed_are_refused_and_counted() {
    let world = World::new();
    let server = world.start_with(limited(ListenLimits { connections_max: 2, ..ListenLimits::default() }));
    server.until_ready();
    let mut open = [Connection::open(server.public), Connection::open(server.public)];
    for connection in &mut open {
        assert_eq!(connection.get("/users/1").status, 404);
    }
    for refused in 1..=3 {
        assert_eq!(Connection::open(server.public).until_closed(), b"");
        eventually(LIMIT, "the refusal is counted", || server.metrics.connections.refused.get() == refused);
    }
    // Those that are open go on, and a place that is given back is taken again.
    let [mut first, second] = open;
    assert_eq!(first.get("/users/1").status, 404);
    drop(second);
    eventually(LIMIT, "a place is free", || server.metrics.connections.open.get() == 1);
    assert_eq!(Connection::open(server.public).get("/users/1").status, 404);
    let metrics = server.admin("/metrics");
    assert!(metrics.text().contains("user_info_connections_refused_total 3\n"), "{}", metrics.text());
}

#[test]
fn a_client_that_does_not_read_is_dropped() {
    let world = World::new();
    let limits = ListenLimits { unread_timeout: SHORT, ..ListenLimits::default() };
    // More than the kernel buffers for a connection.
    let start = Some(Bytes::from(vec![b'x'; 64 * 1024 * 1024]));
    let pages = Some(PagesConfig { start, ..PagesConfig::default() });
    let server = world.start_with(ServiceConfig { pages, ..limited(limits) });
    let mut stream = TcpStream::connect(server.public).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    std::io::Write::write_all(&mut stream, head("GET", "/", &[]).as_bytes()).unwrap();
    stream.read_exact(&mut [0; 100]).unwrap();
    assert_eq!(server.metrics.connections.open.get(), 1);
    eventually(LIMIT, "the connection is dropped", || server.metrics.connections.open.get() == 0);
}
