//! Options of what the clients' address answers: they reach the server, and what makes no sense is said at the start.

use std::process::Command;

use crate::support::facts::user;
use crate::support::program::run;
use crate::support::world::World;

#[test]
fn pages_of_the_origins_that_are_named_read_answers() {
    let world = World::embedded();
    world.publish(&[user("1", "one")]);
    let origins = ["--cors-origin", "https://here.example", "--cors-origin", "http://localhost:3000"];
    let server = world.replica("store").with(&origins).started();
    server.until_caught_up();
    let allowed = |origin: &str| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--dump-header", "-", "--output", "/dev/null", "--header"]);
        let answer = run(curl.arg(format!("origin: {origin}")).arg(format!("{}/users/1", server.url())));
        answer.with_status(0).stdout.contains(&format!("access-control-allow-origin: {origin}\r\n"))
    };
    assert!(allowed("https://here.example") && allowed("http://localhost:3000"));
    assert!(!allowed("https://elsewhere.example"));
}

#[test]
fn no_request_may_wait_where_the_operator_says_so() {
    let world = World::embedded();
    let server = world.replica("store").with(&["--requests-waiting-max", "0"]).started();
    let answer = server.get("/users/1");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert!(answer.body.contains("urn:user-info:problem:overloaded"), "{answer:?}");
    assert_eq!(server.admin("/health").status, 200);
}

#[test]
fn what_makes_no_sense_is_said_at_the_start() {
    let world = World::embedded();
    let serve = |options: &[&str]| world.run(&["serve"], &[&["--store", "memory:"], options].concat()).with_status(2);
    serve(&["--cors-origin", "https://here.example/"]).that_says("is no origin");
    serve(&["--cors-origin", "here.example"]).that_says("is no origin");
    serve(&["--request-deadline", "soon"]).that_says("expected a time");
}
