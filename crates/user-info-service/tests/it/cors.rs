//! Pages of other origins: nobody reads answers unless it was said who may.

use user_info_service::ServiceConfig;
use user_info_service::cors::{Cors, Origin};

use crate::facts::user;
use crate::http::{Answer, Connection};
use crate::server::{Server, World, config};

const HERE: &str = "https://here.example";
const THERE: &str = "https://there.example:8443";

fn server(cors: Cors) -> (World, Server) {
    let world = World::new();
    let server = world.start_with(ServiceConfig { cors, ..config() });
    world.publish(&[user("1")]);
    server.until_caught_up(&world.log);
    (world, server)
}

fn origins(origins: &[&str]) -> Cors {
    Cors::Origins(origins.iter().map(|origin| origin.parse().unwrap()).collect())
}

fn ask(server: &Server, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
    Connection::open(server.public).request(method, target, headers)
}

fn preflight(server: &Server, origin: &str) -> Answer {
    let headers = [("origin", origin), ("access-control-request-method", "POST")];
    ask(server, "OPTIONS", "/users/batch", &headers)
}

#[test]
fn without_being_told_nothing_is_shared() {
    let (_world, server) = server(Cors::Off);
    let answer = ask(&server, "GET", "/users/1", &[("origin", HERE)]);
    assert_eq!((answer.status, answer.header("access-control-allow-origin"), answer.header("vary")), (200, None, None));
    preflight(&server, HERE).check_problem(405, "method-not-allowed");
}

#[test]
fn pages_of_an_allowed_origin_read_answers_and_errors() {
    let (_world, server) = server(origins(&[HERE, THERE]));
    for origin in [HERE, THERE] {
        for (target, status) in [("/users/1", 200), ("/users/9", 404), ("/users", 400)] {
            let answer = ask(&server, "GET", target, &[("origin", origin)]);
            assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, Some(origin)));
            let exposed = answer.header("access-control-expose-headers").unwrap();
            let ours = ["etag", "retry-after", "user-info-age-ms", "user-info-positions"];
            assert!(ours.iter().all(|name| exposed.contains(name)), "{exposed}");
            assert_eq!(answer.header("vary"), Some("origin"));
            assert_eq!(answer.header("access-control-allow-credentials"), None);
        }
        let allowed = preflight(&server, origin);
        assert_eq!((allowed.status, allowed.body.len()), (204, 0));
        let header = |name: &str| allowed.header(name).unwrap_or_default();
        assert_eq!(header("access-control-allow-origin"), origin);
        assert_eq!(header("access-control-allow-methods"), "GET, HEAD, POST");
        assert!(header("access-control-allow-headers").contains("content-type, if-none-match"));
        assert_eq!(header("access-control-max-age"), "7200");
        assert!(header("vary").starts_with("origin"));
    }
}

#[test]
fn pages_of_other_origins_read_nothing_and_caches_keep_them_apart() {
    let (_world, server) = server(origins(&[HERE]));
    for origin in ["https://elsewhere.example", "http://here.example", "https://here.example:8443", "null", ""] {
        let answer = ask(&server, "GET", "/users/1", &[("origin", origin)]);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None), "{origin}");
        assert_eq!(answer.header("vary"), Some("origin"));
        let refused = preflight(&server, origin);
        assert_eq!((refused.status, refused.header("access-control-allow-origin")), (204, None), "{origin}");
        assert_eq!(refused.header("access-control-allow-methods"), None);
    }
    // Who is no page of another origin hears nothing of it, but may be answered from the same cache.
    let answer = ask(&server, "GET", "/users/1", &[]);
    assert_eq!((answer.header("access-control-allow-origin"), answer.header("vary")), (None, Some("origin")));
}

#[test]
fn every_page_reads_answers_if_anybody_may() {
    let (_world, server) = server(Cors::Any);
    let answer = ask(&server, "GET", "/users/1", &[("origin", HERE)]);
    assert_eq!((answer.header("access-control-allow-origin"), answer.header("vary")), (Some("*"), None));
    assert_eq!(preflight(&server, HERE).header("access-control-allow-origin"), Some("*"));
    // What only looks like a preflight is a method that is not served.
    ask(&server, "OPTIONS", "/users/1", &[("origin", HERE)]).check_problem(405, "method-not-allowed");
}

#[test]
fn what_is_no_origin_is_refused() {
    for origin in [HERE, THERE, "http://localhost:3000", "http://127.0.0.1", "http://[::1]:3000"] {
        assert!(origin.parse::<Origin>().is_ok(), "{origin}");
    }
    for text in [
        "",
        "*",
        "here.example",
        "https://",
        "https://here.example/",
        "https://Here.example",
        "https://a@here.example",
        "https://here.example?x",
    ] {
        assert!(text.parse::<Origin>().is_err(), "{text}");
    }
}
