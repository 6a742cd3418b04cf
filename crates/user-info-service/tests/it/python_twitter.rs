//! python-twitter, a client that nobody here wrote, asks for users and is told why there are none.

use serde_json::{Value, json};
use user_info_core::AccountState;
use user_info_service::ServiceConfig;
use user_info_service::rate_limit::{CallerBy, RateLimit};

use crate::clients::ask;
use crate::facts::{followed, liked, tweeted, user, user_in_state};
use crate::server::{Server, World, config};

fn asked(server: &Server, calls: &Value) -> Vec<Value> {
    ask("ask_with_python_twitter.py", &format!("http://{}", server.public), calls, &[])
}

fn error(code: u16, message: &str) -> Value {
    json!(["error", "TwitterError", [{"code": code, "message": message}]])
}

#[test]
fn python_twitter_gets_users_and_errors() {
    let world = World::new();
    let server = world.start();
    world.publish(&[
        user("12"),
        user("13"),
        tweeted("12", "1"),
        followed("13", "12"),
        liked("12", "1"),
        user_in_state("14", AccountState::Suspended),
    ]);
    server.until_caught_up(&world.log);
    let calls = json!([
        ["GetUser", {"user_id": 12}],
        ["GetUser", {"screen_name": "NAME-13", "include_entities": false}],
        ["UsersLookup", {"user_id": [13, 12, 99, 14]}],
        ["UsersLookup", {"screen_name": ["name-12", "nobody"]}],
        ["GetUser", {"user_id": 99}],
        ["GetUser", {"screen_name": "name-14"}],
        ["UsersLookup", {"user_id": [99, 14]}],
    ]);
    let lines = asked(&server, &calls);
    assert_eq!(lines.len(), 7);
    let names = |line: &Value| -> Vec<String> {
        assert_eq!(line[0], "users", "{line}");
        line[1].as_array().unwrap().iter().map(|user| user["screen_name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&lines[0]), ["name-12"]);
    let user = &lines[0][1][0];
    assert_eq!((&user["id"], &user["created_at"]), (&json!(12), &json!("Fri Feb 13 23:31:30 +0000 2009")));
    let counts = ["statuses_count", "followers_count", "favourites_count"].map(|count| user[count].clone());
    assert_eq!(counts, [1, 1, 1].map(Value::from));
    assert_eq!(names(&lines[1]), ["name-13"]);
    assert_eq!(names(&lines[2]), ["name-13", "name-12"]);
    assert_eq!(names(&lines[3]), ["name-12"]);
    assert_eq!(lines[4], error(50, "User not found."));
    assert_eq!(lines[5], error(63, "User has been suspended."));
    assert_eq!(lines[6], error(17, "No user matches for specified terms."));
}

#[test]
fn python_twitter_is_told_when_its_requests_are_used_up() {
    let rate_limit =
        Some(RateLimit { requests_max: 2, window: std::time::Duration::from_secs(1 << 30), by: CallerBy::Key });
    let world = World::new();
    let server = world.start_with(ServiceConfig { rate_limit, ..config() });
    world.publish(&[user("12")]);
    server.until_caught_up(&world.log);
    let once = json!(["GetUser", {"user_id": 12}]);
    let lines = asked(&server, &json!([once, once, once]));
    assert_eq!(lines.iter().map(|line| &line[0]).collect::<Vec<_>>(), ["users", "users", "error"]);
    assert_eq!(lines[2], error(88, "Rate limit exceeded"));
    // The limit is that of its key.
    assert_eq!(server.get("/1.1/users/show.json?user_id=12").status, 200);
}
