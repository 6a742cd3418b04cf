//! Rate limits of a running service: on every route of the clients' address, each in the words of its API.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use user_info_service::ServiceConfig;
use user_info_service::rate_limit::{CallerBy, RateLimit};

use crate::facts::user;
use crate::http::{Answer, Connection};
use crate::server::{Server, World, config};

/// Longer than any test runs; its end still lies some time ahead when a test begins.
const WINDOW: Duration = Duration::from_secs(1 << 30);

const TARGETS: [&str; 5] =
    ["/users/1", "/1.1/users/show.json?user_id=1", "/1.1/users/lookup.json?user_id=1", "/2/users/1", "/nothing"];

fn limited(requests_max: u32, by: CallerBy) -> (World, Server) {
    let world = World::new();
    let rate_limit = Some(RateLimit { requests_max, window: WINDOW, by });
    let server = world.start_with(ServiceConfig { rate_limit, ..config() });
    world.publish(&[user("1")]);
    server.until_caught_up(&world.log);
    (world, server)
}

fn ask(server: &Server, target: &str, key: &str) -> Answer {
    let authorization = format!("Bearer {key}");
    Connection::open(server.public).request("GET", target, &[("authorization", &authorization)])
}

#[track_caller]
fn number(answer: &Answer, name: &str) -> u64 {
    answer.header(name).unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

#[test]
fn a_caller_who_has_used_up_the_window_is_refused_everywhere() {
    let (_world, server) = limited(5, CallerBy::Key);
    for (made, target) in TARGETS.into_iter().enumerate() {
        let answer = ask(&server, target, "a");
        assert_ne!(answer.status, 429, "{target}");
        assert_eq!(
            (number(&answer, "x-rate-limit-limit"), number(&answer, "x-rate-limit-remaining")),
            (5, 4 - made as u64)
        );
    }
    for target in TARGETS {
        let answer = ask(&server, target, "a");
        assert_eq!(answer.status, 429, "{target}");
        assert_eq!(number(&answer, "x-rate-limit-remaining"), 0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let reset = number(&answer, "x-rate-limit-reset");
        assert!(number(&answer, "retry-after") >= reset - now, "{target}: {answer:?}");
        assert!(answer.header("user-info-age-ms").is_some());
        let body = answer.json();
        match target {
            "/2/users/1" => assert_eq!((&body["title"], &body["status"]), (&"Too Many Requests".into(), &429.into())),
            "/users/1" | "/nothing" => answer.check_problem(429, "rate-limited"),
            _ => assert_eq!(body["errors"][0]["code"], 88, "{target}"),
        }
    }
    assert_eq!(ask(&server, "/users/1", "b").status, 200, "another caller");
    assert_eq!(server.get("/users/1").status, 200, "one without a key");
    assert_eq!(server.admin("/health").status, 200, "the operator");
}

#[test]
fn without_keys_callers_are_told_apart_by_their_address() {
    let (_world, server) = limited(2, CallerBy::Address);
    assert_eq!(ask(&server, "/users/1", "a").status, 200);
    assert_eq!(ask(&server, "/users/1", "b").status, 200);
    assert_eq!(ask(&server, "/users/1", "c").status, 429, "all of them are this machine");
}

#[test]
fn without_a_limit_native_answers_say_nothing_of_one() {
    let world = World::new();
    let server = world.start();
    assert_eq!(server.get("/users/1").header("x-rate-limit-limit"), None);
}
