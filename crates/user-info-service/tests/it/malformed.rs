//! Requests that make no sense: each gets a clear refusal or a closed connection, none a 5xx, and the service goes on.

use crate::facts::user;
use crate::http::{Answer, Connection, get, head};
use crate::server::{Server, World};

fn server() -> (World, Server) {
    let world = World::new();
    let server = world.start();
    world.publish(&[user("1")]);
    server.until_caught_up(&world.log);
    (world, server)
}

/// Sends bytes and reads what comes back; `None` if the connection is closed without an answer.
fn exchange(server: &Server, bytes: impl AsRef<[u8]>) -> Option<Answer> {
    let mut connection = Connection::open(server.public);
    // The server may have refused before it has read everything.
    let _ = connection.try_send(bytes);
    connection.answer("GET")
}

#[test]
fn requests_that_http_allows_and_we_do_not_get_a_problem() {
    let (_world, server) = server();
    let long_id = "x".repeat(65);
    let many = (0..101).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let cases = [
        ("GET", "/users/a%2Fb".to_owned(), 400, "bad-request"),
        ("GET", "/users/%ff%fe".into(), 400, "bad-request"),
        ("GET", "/users/%".into(), 404, "unknown-user"),
        ("GET", "/users/".into(), 400, "bad-request"),
        ("GET", format!("/users/{long_id}"), 400, "bad-request"),
        ("GET", "/users".into(), 400, "bad-request"),
        ("GET", "/users?".into(), 400, "bad-request"),
        ("GET", "/users?ids=".into(), 400, "bad-request"),
        ("GET", "/users?ids=1,,2".into(), 400, "bad-request"),
        ("GET", format!("/users?ids={many}"), 400, "bad-request"),
        ("GET", "/users?ids=1&ids=2".into(), 400, "bad-request"),
        ("GET", "/users?username=a%20b".into(), 400, "bad-request"),
        ("GET", "/users?page=2".into(), 400, "bad-request"),
        ("GET", "/users/1/followers".into(), 404, "no-such-path"),
        ("GET", "/..%2f..%2fetc%2fpasswd".into(), 404, "no-such-path"),
        ("GET", "/users/../../etc/passwd".into(), 404, "no-such-path"),
        ("GET", "*".into(), 404, "no-such-path"),
        ("GET", "http://elsewhere/nothing".into(), 404, "no-such-path"),
        ("POST", "/users/1".into(), 405, "method-not-allowed"),
        ("DELETE", "/users/1".into(), 405, "method-not-allowed"),
        ("OPTIONS", "*".into(), 405, "method-not-allowed"),
        ("TRACE", "/".into(), 405, "method-not-allowed"),
        ("BREW", "/users/1".into(), 405, "method-not-allowed"),
        ("get", "/users/1".into(), 405, "method-not-allowed"),
        ("CONNECT", "elsewhere:443".into(), 405, "method-not-allowed"),
    ];
    for (method, target, status, code) in cases {
        let answer = Connection::open(server.public).request(method, &target, &[]);
        println!("{method} {target}");
        answer.check_problem(status, code);
        assert_eq!(answer.header("allow"), (status == 405).then_some("GET, HEAD"));
        assert!(answer.header("user-info-age-ms").is_some());
    }
}

#[test]
fn a_request_with_a_body_is_refused_and_its_body_is_no_request() {
    let (_world, server) = server();
    let smuggled = head("GET", "/users/1", &[]);
    let length = smuggled.len().to_string();
    let by_length = head("GET", "/users/1", &[("content-length", &length)]) + &smuggled;
    let chunked = head("GET", "/users/1", &[("transfer-encoding", "chunked")])
        + &format!("{:x}\r\n{smuggled}\r\n", smuggled.len());
    let never_sent = head("GET", "/users/1", &[("content-length", "1000000000000")]);
    for request in [by_length, chunked, never_sent] {
        let mut connection = Connection::open(server.public);
        connection.send(request);
        let answer = connection.answer("GET").unwrap();
        answer.check_problem(413, "too-large");
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(connection.until_closed(), b"", "what was in the body was answered");
    }
    // What is wrong with the method is said even if there is a body.
    let mut connection = Connection::open(server.public);
    connection.send(head("POST", "/users/1", &[("content-length", "2")]) + "{}");
    connection.answer("POST").unwrap().check_problem(405, "method-not-allowed");
    // An empty body is none.
    assert_eq!(Connection::open(server.public).request("GET", "/users/1", &[("content-length", "0")]).status, 200);
}

/// What is no HTTP is refused by the HTTP library, without a body.
#[test]
fn what_is_no_request_is_refused_or_closed_and_never_a_fault_of_ours() {
    let (_world, server) = server();
    let header = |name: &str, value: &str| head("GET", "/users/1", &[(name, value)]);
    let many_headers = "x: y\r\n".repeat(200);
    let cases: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".into(), &[400]),
        ("almost HTTP/2", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".into(), &[400]),
        ("no version", b"GET /users/1\r\n\r\n".into(), &[400]),
        ("HTTP/3.0", b"GET /users/1 HTTP/3.0\r\n\r\n".into(), &[400]),
        ("empty method", b" /users/1 HTTP/1.1\r\n\r\n".into(), &[400]),
        ("method with a slash", b"GE/T /users/1 HTTP/1.1\r\n\r\n".into(), &[400]),
        ("empty target", b"GET  HTTP/1.1\r\n\r\n".into(), &[400]),
        ("NUL in the target", b"GET /users/\0 HTTP/1.1\r\n\r\n".into(), &[400]),
        ("space in the target", b"GET /users/a b HTTP/1.1\r\n\r\n".into(), &[400]),
        ("raw bytes in the target", b"GET /users/\xff\xfe HTTP/1.1\r\n\r\n".into(), &[400]),
        ("header without a colon", b"GET /users/1 HTTP/1.1\r\nhost\r\n\r\n".into(), &[400]),
        ("space before the colon", b"GET /users/1 HTTP/1.1\r\nhost : test\r\n\r\n".into(), &[400]),
        ("NUL in a header", header("x", "a\0b").into_bytes(), &[400]),
        ("folded header", b"GET /users/1 HTTP/1.1\r\nhost: test\r\n x: y\r\n\r\n".into(), &[400]),
        ("length that is no number", header("content-length", "many").into_bytes(), &[400]),
        ("negative length", header("content-length", "-1").into_bytes(), &[400]),
        ("length beyond u64", header("content-length", "99999999999999999999999").into_bytes(), &[400]),
        (
            "two lengths",
            head("GET", "/users/1", &[("content-length", "1"), ("content-length", "2")]).into_bytes(),
            &[400],
        ),
        ("unknown encoding", header("transfer-encoding", "gzip").into_bytes(), &[400]),
        ("huge header", header("x", &"y".repeat(64 * 1024)).into_bytes(), &[431]),
        ("huge target", head("GET", &format!("/users/{}", "x".repeat(48 * 1024)), &[]).into_bytes(), &[414, 431]),
        ("too many headers", format!("GET /users/1 HTTP/1.1\r\n{many_headers}\r\n").into_bytes(), &[431]),
        ("garbage", vec![0xff; 100_000], &[400, 431]),
    ];
    for (name, bytes, statuses) in cases {
        if let Some(answer) = exchange(&server, bytes) {
            assert!(statuses.contains(&answer.status), "{name}: {answer:?}");
        }
        assert_eq!(get(server.public, "/users/1").status, 200, "after {name}");
    }
}

#[test]
fn what_is_unusual_but_allowed_is_answered() {
    let (_world, server) = server();
    let cases = [
        head("GET", "http://elsewhere/users/1", &[]),
        "\r\nGET /users/1 HTTP/1.1\r\nhost: test\r\n\r\n".into(),
        "GET /users/1 HTTP/1.1\nhost: test\n\n".into(),
        head("GET", "/users/1?x=%zz", &[]),
        head("GET", "/users/1", &[("accept", "text/html"), ("expect", "100-continue"), ("upgrade", "h2c")]),
        head("GET", "/users/1", &[("x", &"y".repeat(16 * 1024))]),
    ];
    for request in cases {
        let answer = exchange(&server, &request).unwrap();
        assert_eq!(answer.status, 200, "{}", &request[..request.len().min(80)]);
    }
}
