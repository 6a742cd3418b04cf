//! tweepy, a client that nobody here wrote and that speaks only TLS, asks for users and is told why there are none.

use serde_json::{Value, json};
use user_info_core::AccountState;
use user_info_service::ServiceConfig;
use user_info_service::rate_limit::{CallerBy, RateLimit};
use user_info_service::tls::{LOOK_INTERVAL, Tls, TlsOptions};
use user_info_testkit::Certificates;

use crate::clients::ask;
use crate::facts::{user, user_in_state};
use crate::server::{Server, World, config};

/// A service with TLS, and what its clients trust.
fn secured(rate_limit: Option<RateLimit>) -> (World, Server, Certificates) {
    let (world, certificates) = (World::new(), Certificates::new().unwrap());
    let (certificate, key) = (certificates.certificate(), certificates.key());
    let tls = Tls::load(TlsOptions { certificate, key, look_interval: LOOK_INTERVAL }).unwrap();
    let server = world.start_with(ServiceConfig { tls: Some(tls), rate_limit, ..config() });
    world.publish(&[user("12"), user("13"), user_in_state("14", AccountState::Suspended)]);
    server.until_caught_up(&world.log);
    (world, server, certificates)
}

fn asked(server: &Server, certificates: &Certificates, calls: &Value) -> Vec<Value> {
    let trusted = certificates.authority();
    ask("ask_with_tweepy.py", &server.public.to_string(), calls, &[("REQUESTS_CA_BUNDLE", &trusted)])
}

fn found(ids: &[u64]) -> Value {
    let user = |id: &u64| json!([id, id.to_string(), format!("name-{id}"), "2009-02-13T23:31:30+00:00"]);
    json!(["users", ids.iter().map(user).collect::<Vec<_>>()])
}

#[test]
fn tweepy_gets_users_and_raises_the_right_errors() {
    let (_world, server, certificates) = secured(None);
    let calls = json!([
        ["get_user", {"user_id": 12}],
        ["get_user", {"screen_name": "NAME-13", "include_entities": false}],
        ["lookup_users", {"user_id": [13, 12, 99, 14]}],
        ["lookup_users", {"screen_name": ["name-12", "nobody"], "user_id": [13]}],
        ["get_user", {"user_id": 99}],
        ["get_user", {"screen_name": "name-14"}],
        ["lookup_users", {"user_id": [99, 14]}],
        ["get_user", {}],
    ]);
    let lines = asked(&server, &certificates, &calls);
    let expected = [
        found(&[12]),
        found(&[13]),
        found(&[13, 12]),
        found(&[13, 12]),
        json!(["error", "NotFound", [50]]),
        json!(["error", "Forbidden", [63]]),
        json!(["error", "NotFound", [17]]),
        json!(["error", "Forbidden", [38]]),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn tweepy_is_told_when_its_requests_are_used_up() {
    let window = std::time::Duration::from_secs(1 << 30);
    let limit = RateLimit { requests_max: 2, window, by: CallerBy::Key };
    let (_world, server, certificates) = secured(Some(limit));
    let once = json!(["get_user", {"user_id": 12}]);
    let lines = asked(&server, &certificates, &json!([once, once, once]));
    assert_eq!(lines, [found(&[12]), found(&[12]), json!(["error", "TooManyRequests", [88]])]);
}
