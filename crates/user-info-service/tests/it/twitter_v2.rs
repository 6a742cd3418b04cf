//! API v2 as its clients see it, over real sockets.

use serde_json::{Value, json};
use user_info_core::{AccountState, Profile};
use user_info_log::NewRecord;
use user_info_service::ServiceConfig;
use user_info_service::twitter::v2::MissingUser;

use crate::facts::{followed, liked, list_created, profile, tweeted, user, user_changed, user_in_state, user_named};
use crate::http::{Answer, Connection};
use crate::server::{Server, World, config};

const NOT_FOUND: &str = "https://api.x.com/2/problems/resource-not-found";

fn serving(records: &[NewRecord]) -> (World, Server) {
    serving_with(config(), records)
}

fn serving_with(config: ServiceConfig, records: &[NewRecord]) -> (World, Server) {
    let world = World::new();
    let server = world.start_with(config);
    world.publish(records);
    server.until_caught_up(&world.log);
    (world, server)
}

/// What stands in every answer, whatever it is.
#[track_caller]
fn check_headers(answer: &Answer) {
    let number = |name: &str| answer.header(name).unwrap_or_else(|| panic!("no {name}")).parse::<u64>().unwrap();
    assert_eq!((number("x-rate-limit-limit"), number("x-rate-limit-remaining")), (900, 900));
    assert!(number("x-rate-limit-reset") > 1_700_000_000);
    assert!(answer.header("user-info-age-ms").is_some() && answer.header("user-info-positions").is_some());
}

#[track_caller]
fn check(server: &Server, target: &str, expected: &Value) {
    let answer = server.get(target);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{target}: {answer:?}");
    assert_eq!(&answer.json(), expected, "{target}");
    check_headers(&answer);
}

/// Checks a problem, and returns its body.
#[track_caller]
fn check_problem(answer: &Answer, status: u16, title: &str, kind: &str) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    check_headers(answer);
    let body = answer.json();
    assert_eq!((&body["title"], &body["type"]), (&json!(title), &json!(kind)));
    assert_eq!(body["status"], status);
    assert!(!body["detail"].as_str().unwrap().is_empty());
    body
}

fn unknown(parameter: &str, value: &str) -> Value {
    json!({
        "value": value,
        "detail": format!("Could not find user with {parameter}: [{value}]."),
        "title": "Not Found Error",
        "resource_type": "user",
        "parameter": parameter,
        "resource_id": value,
        "type": NOT_FOUND,
    })
}

fn suspended(parameter: &str, value: &str) -> Value {
    let mut problem = unknown(parameter, value);
    problem["detail"] = json!(format!("User has been suspended: [{value}]."));
    problem["title"] = json!("Forbidden");
    problem
}

fn short(id: &str) -> Value {
    json!({"id": id, "name": format!("Name of name-{id}"), "username": format!("name-{id}")})
}

#[test]
fn a_user_has_id_name_and_username_and_what_is_asked_for() {
    let bio = Some("See https://example.org/a!".to_owned());
    let (_world, server) = serving(&[
        NewRecord::fact(&user_changed("12", Profile { bio, ..profile("Ada") })),
        tweeted("12", "1"),
        tweeted("12", "2"),
        followed("12", "1"),
        followed("1", "12"),
        followed("2", "12"),
        followed("3", "12"),
        liked("12", "7"),
        list_created("12", "1"),
    ]);
    let plain = json!({"id": "12", "name": "Name of Ada", "username": "Ada"});
    for target in ["/2/users/12", "/2/users/by/username/ada", "/2/users/12?user.fields=id,name,username"] {
        check(&server, target, &json!({"data": plain}));
    }
    for target in ["/2/users?ids=12", "/2/users/by?usernames=ADA", "/2/users?ids=12&tweet.fields=anything"] {
        check(&server, target, &json!({"data": [plain]}));
    }
    let all = "created_at,description,entities,location,profile_banner_url,profile_image_url,protected,public_metrics,\
               url,verified,verified_type,affiliation,pinned_tweet_id,withheld,subscription_type";
    let whole = json!({
        "id": "12",
        "name": "Name of Ada",
        "username": "Ada",
        "created_at": "2009-02-13T23:31:30.000Z",
        "description": "See https://example.org/a!",
        "entities": {
            "url": {"urls": [{
                "start": 0,
                "end": 20,
                "url": "https://example.org/",
                "expanded_url": "https://example.org/",
                "display_url": "example.org",
            }]},
            "description": {"urls": [{
                "start": 4,
                "end": 25,
                "url": "https://example.org/a",
                "expanded_url": "https://example.org/a",
                "display_url": "example.org/a",
            }]},
        },
        "location": "Zürich",
        "profile_banner_url": "https://example.org/back.png",
        "profile_image_url": "https://example.org/face.png",
        "protected": false,
        "public_metrics": {
            "followers_count": 3,
            "following_count": 1,
            "tweet_count": 2,
            "post_count": 2,
            "listed_count": 0,
            "like_count": 1,
        },
        "url": "https://example.org/",
        "verified": false,
        "verified_type": "none",
    });
    check(&server, &format!("/2/users/12?user.fields={all}&expansions=pinned_tweet_id"), &json!({"data": whole}));
    check(&server, &format!("/2/users/by?usernames=Ada&user.fields={all}"), &json!({"data": [whole]}));
    let location = json!({"data": {"id": "12", "name": "Name of Ada", "username": "Ada", "location": "Zürich"}});
    check(&server, "/2/users/12?user.fields=location&user.fields=withheld", &location);
}

#[test]
fn what_is_empty_is_left_out() {
    let bare = Profile {
        bio: None,
        location: None,
        url: None,
        profile_image_url: None,
        background_image_url: None,
        ..profile("bare")
    };
    let (_world, server) = serving(&[NewRecord::fact(&user_changed("1", bare))]);
    let fields = "description,entities,location,profile_banner_url,profile_image_url,url";
    let plain = json!({"data": {"id": "1", "name": "Name of bare", "username": "bare"}});
    check(&server, &format!("/2/users/1?user.fields={fields}"), &plain);
}

#[test]
fn those_who_cannot_be_shown_stand_in_errors_beside_those_who_can() {
    let (_world, server) = serving(&[
        user("1"),
        user("2"),
        user_in_state("3", AccountState::Suspended),
        user_in_state("4", AccountState::Deactivated),
        user_named("did:plc:x", "Émile"),
    ]);
    check(
        &server,
        "/2/users?ids=2,3,9,1,4,2",
        &json!({
            "data": [short("2"), short("1")],
            "errors": [suspended("ids", "3"), unknown("ids", "9"), unknown("ids", "4")],
        }),
    );
    check(
        &server,
        "/2/users/by?usernames=name-1,Nobody,name-3,NAME-1",
        &json!({
            "data": [short("1")],
            "errors": [unknown("usernames", "Nobody"), suspended("usernames", "name-3")],
        }),
    );
    check(&server, "/2/users?ids=8,9", &json!({"errors": [unknown("ids", "8"), unknown("ids", "9")]}));
    // Ids are opaque here, not only numbers.
    let emile = json!({"id": "did:plc:x", "name": "Name of Émile", "username": "Émile"});
    check(&server, "/2/users/did:plc:x", &json!({"data": emile}));
    check(&server, "/2/users/by/username/%c3%89mile", &json!({"data": emile}));
}

#[test]
fn one_who_cannot_be_shown_is_answered_as_the_operator_wants() {
    let records =
        [user("1"), user_in_state("3", AccountState::Suspended), user_in_state("4", AccountState::Deactivated)];
    let cases = [
        ("/2/users/9", 404, "Not Found Error", unknown("id", "9")),
        ("/2/users/4", 404, "Not Found Error", unknown("id", "4")),
        ("/2/users/by/username/nobody", 404, "Not Found Error", unknown("username", "nobody")),
        ("/2/users/3", 403, "Forbidden", suspended("id", "3")),
        ("/2/users/by/username/name-3", 403, "Forbidden", suspended("username", "name-3")),
    ];
    let (world, server) = serving(&records);
    for (target, _, _, problem) in &cases {
        check(&server, target, &json!({"errors": [problem]}));
    }
    server.stop().unwrap();

    let server = world.start_with(ServiceConfig { v2_missing_user: MissingUser::NotFound, ..config() });
    server.until_caught_up(&world.log);
    for (target, status, title, problem) in &cases {
        let body = check_problem(&server.get(target), *status, title, NOT_FOUND);
        assert_eq!(body["errors"], json!([problem]), "{target}");
    }
    check(&server, "/2/users?ids=1,9", &json!({"data": [short("1")], "errors": [unknown("ids", "9")]}));
    check(&server, "/2/users?ids=9", &json!({"errors": [unknown("ids", "9")]}));
}

#[test]
fn what_makes_no_sense_is_an_invalid_request() {
    let (_world, server) = serving(&[user("1")]);
    let many = (0..101).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let cases = [
        ("/2/users/1?user.fields=id,shoe_size".to_owned(), "user.fields", json!(["shoe_size"])),
        ("/2/users?ids=1&user.fields=Name".into(), "user.fields", json!(["Name"])),
        ("/2/users/1?expansions=pinned_list_id".into(), "expansions", json!(["pinned_list_id"])),
        ("/2/users/1?user_fields=name".into(), "user_fields", json!([])),
        ("/2/users/1?ids=1".into(), "ids", json!([])),
        ("/2/users?usernames=name-1".into(), "usernames", json!([])),
        ("/2/users".into(), "ids", json!([])),
        ("/2/users?ids=".into(), "ids", json!([])),
        ("/2/users/by".into(), "usernames", json!([])),
        (format!("/2/users?ids={many}"), "ids", json!([])),
        (format!("/2/users/by?usernames={many}"), "usernames", json!([])),
        ("/2/users?ids=1,%7B%7D".into(), "ids", json!(["{}"])),
        ("/2/users/a%20b".into(), "id", json!(["a b"])),
        ("/2/users/by/username/a%20b".into(), "username", json!(["a b"])),
        ("/2/users/by?usernames=a%20b".into(), "usernames", json!(["a b"])),
    ];
    for (target, parameter, values) in cases {
        let kind = "https://api.x.com/2/problems/invalid-request";
        let body = check_problem(&server.get(&target), 400, "Invalid Request", kind);
        assert_eq!(body["errors"][0]["parameters"], json!({parameter: values}), "{target}");
        assert!(body["errors"][0]["message"].as_str().unwrap().contains(parameter), "{target}");
    }
}

#[test]
fn a_hundred_users_are_taken() {
    let users: Vec<NewRecord> = (0..100).map(|number: u32| user(&number.to_string())).collect();
    let (_world, server) = serving(&users);
    let listed = |prefix: &str| (0..100).map(|number| format!("{prefix}{number}")).collect::<Vec<_>>().join(",");
    for target in [format!("/2/users?ids={}", listed("")), format!("/2/users/by?usernames={}", listed("name-"))] {
        let body = server.get(&target).json();
        let ids = body["data"].as_array().unwrap().iter().map(|user| user["id"].as_str().unwrap().to_owned());
        assert_eq!(ids.collect::<Vec<_>>(), (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
        assert_eq!(body.get("errors"), None);
    }
}

#[test]
fn other_paths_and_methods_are_refused() {
    let (_world, server) = serving(&[user("1")]);
    for target in [
        "/2/",
        "/2/tweets/1",
        "/2/users/",
        "/2/users/1/followers",
        "/2/users/by/",
        "/2/users/by/username/",
        "/2/usersx",
    ] {
        check_problem(&server.get(target), 404, "Not Found", "about:blank");
    }
    for method in ["POST", "PUT", "DELETE", "get"] {
        let answer = Connection::open(server.public).request(method, "/2/users/1", &[]);
        check_problem(&answer, 405, "Method Not Allowed", "about:blank");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
    server.get("/2").check_problem(404, "no-such-path");
}

#[test]
fn an_answer_is_validated_by_its_tag() {
    let (world, server) = serving(&[user("1")]);
    let mut connection = Connection::open(server.public);
    let target = "/2/users/1?user.fields=public_metrics";
    let tag = connection.get(target).header("etag").unwrap().to_owned();
    let answer = connection.request("GET", target, &[("if-none-match", &tag)]);
    assert_eq!((answer.status, answer.header("etag")), (304, Some(tag.as_str())));
    check_headers(&answer);
    world.publish(&[tweeted("1", "10")]);
    server.until_caught_up(&world.log);
    assert_eq!(connection.request("GET", target, &[("if-none-match", &tag)]).status, 200);
}

#[test]
fn before_the_first_catch_up_an_absent_user_may_exist() {
    let world = World::without_topics();
    let server = world.start();
    for target in ["/2/users/1", "/2/users/by/username/Ada", "/2/users?ids=1,2", "/2/users/by?usernames=Ada"] {
        let answer = server.get(target);
        check_problem(&answer, 503, "Service Unavailable", "about:blank");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    world.create_topics();
    server.until_status("/users/1", 404);
    check(&server, "/2/users/1", &json!({"errors": [unknown("id", "1")]}));
}
