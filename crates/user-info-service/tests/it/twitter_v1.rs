//! API v1.1 as its clients see it, over real sockets.

use serde_json::{Value, json};
use user_info_core::{AccountState, Profile};
use user_info_log::NewRecord;

use crate::facts::{
    followed, forget, liked, list_created, profile, tweeted, user, user_changed, user_in_state, user_named,
};
use crate::http::{Answer, Connection, head};
use crate::server::{Server, World};

const SHOW: &str = "/1.1/users/show.json";
const LOOKUP: &str = "/1.1/users/lookup.json";

/// Of the user of [`a_user_object_has_every_key_that_clients_know`].
const USER_OBJECT: &str = r#"{
    "id": 12,
    "id_str": "12",
    "name": "Name of Ada",
    "screen_name": "Ada",
    "location": "Zürich",
    "description": "Überall: https://example.org/a, (http://b.example)",
    "url": "https://example.org/",
    "entities": {
        "url": {"urls": [{
            "url": "https://example.org/",
            "expanded_url": "https://example.org/",
            "display_url": "example.org",
            "indices": [0, 20]
        }]},
        "description": {"urls": [
            {
                "url": "https://example.org/a",
                "expanded_url": "https://example.org/a",
                "display_url": "example.org/a",
                "indices": [9, 30]
            },
            {
                "url": "http://b.example",
                "expanded_url": "http://b.example",
                "display_url": "b.example",
                "indices": [33, 49]
            }
        ]}
    },
    "protected": false,
    "verified": false,
    "suspended": false,
    "followers_count": 3,
    "friends_count": 1,
    "listed_count": 0,
    "lists_count": 1,
    "favourites_count": 4,
    "statuses_count": 2,
    "created_at": "Fri Feb 13 23:31:30 +0000 2009",
    "utc_offset": null,
    "time_zone": null,
    "geo_enabled": false,
    "lang": null,
    "contributors_enabled": false,
    "is_translator": false,
    "profile_background_color": "F5F8FA",
    "profile_background_image_url": null,
    "profile_background_image_url_https": null,
    "profile_background_tile": false,
    "profile_image_url": "https://example.org/face.png",
    "profile_image_url_https": "https://example.org/face.png",
    "profile_banner_url": "https://example.org/back.png",
    "profile_link_color": "1DA1F2",
    "profile_sidebar_border_color": "C0DEED",
    "profile_sidebar_fill_color": "DDEEF6",
    "profile_text_color": "333333",
    "profile_use_background_image": true,
    "default_profile": true,
    "default_profile_image": false,
    "following": null,
    "follow_request_sent": null,
    "notifications": null,
    "withheld_in_countries": [],
    "withheld_scope": null
}"#;

fn serving(records: &[NewRecord]) -> (World, Server) {
    let world = World::new();
    let server = world.start();
    world.publish(records);
    server.until_caught_up(&world.log);
    (world, server)
}

#[track_caller]
fn check_error(answer: &Answer, status: u16, code: u16, message: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json(), json!({"errors": [{"code": code, "message": message}]}));
    check_headers(answer);
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
fn screen_names(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    check_headers(answer);
    let users = answer.json();
    users.as_array().unwrap().iter().map(|user| user["screen_name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_user_object_has_every_key_that_clients_know() {
    let bio = Some("Überall: https://example.org/a, (http://b.example)".to_owned());
    let (_world, server) = serving(&[
        NewRecord::fact(&user_changed("12", Profile { bio, ..profile("Ada") })),
        tweeted("12", "1"),
        tweeted("12", "2"),
        followed("12", "1"),
        followed("1", "12"),
        followed("2", "12"),
        followed("3", "12"),
        liked("12", "7"),
        liked("12", "8"),
        liked("12", "9"),
        liked("12", "10"),
        list_created("12", "1"),
    ]);
    let answer = server.get("/1.1/users/show.json?user_id=12");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    check_headers(&answer);
    let expected: Value = serde_json::from_str(USER_OBJECT).unwrap();
    assert_eq!(answer.json(), expected);
    assert_eq!(server.get("/1.1/users/show.json?screen_name=aDA").json(), expected);
    assert_eq!(server.get("/1.1/users/lookup.json?user_id=12").json(), json!([expected]));
}

#[test]
fn what_is_not_known_is_null_and_a_picture_is_always_there() {
    let bare = Profile {
        bio: None,
        location: None,
        url: None,
        profile_image_url: None,
        background_image_url: None,
        ..profile("bare")
    };
    let script = Profile { url: Some("javascript:alert(1)".into()), ..profile("script") };
    let (_world, server) =
        serving(&[NewRecord::fact(&user_changed("1", bare)), NewRecord::fact(&user_changed("2", script))]);
    let user = server.get("/1.1/users/show.json?user_id=1").json();
    for key in ["description", "location", "url", "profile_banner_url"] {
        assert_eq!(user[key], Value::Null, "{key}");
        assert!(user.get(key).is_some(), "{key} is missing");
    }
    assert_eq!(user["entities"], json!({"description": {"urls": []}}));
    assert_eq!(user["default_profile_image"], true);
    let picture = user["profile_image_url_https"].as_str().unwrap();
    assert!(picture.starts_with("data:image/gif;base64,"), "{picture}");
    // What is no address of the web is text, not a link.
    let user = server.get("/1.1/users/show.json?user_id=2").json();
    assert_eq!(user["url"], "javascript:alert(1)");
    assert_eq!(user["entities"], json!({"description": {"urls": []}}));
}

#[test]
fn an_id_that_is_no_number_is_null_and_stands_in_id_str() {
    let ids = ["18446744073709551615", "18446744073709551616", "007", "did:plc:z72i7hdynmk6r22z27h6tvur", "0", "+5"];
    let (_world, server) = serving(&ids.map(user));
    let numbers = ids.map(|id| {
        let encoded: String = id.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let user = server.get(&format!("{SHOW}?user_id={encoded}")).json();
        assert_eq!(user["id_str"], id);
        user["id"].clone()
    });
    assert_eq!(json!(numbers), json!([u64::MAX, null, null, null, 0, null]));
}

#[test]
fn show_says_why_there_is_no_user() {
    let (_world, server) = serving(&[
        user("1"),
        user_in_state("2", AccountState::Suspended),
        user_in_state("3", AccountState::Deactivated),
        user("4"),
        forget("4"),
    ]);
    let long = format!("user_id={}", "9".repeat(65));
    for asked in ["user_id=9", "screen_name=nobody", "user_id=3", "screen_name=name-3", "user_id=4", &long] {
        check_error(&server.get(&format!("{SHOW}?{asked}")), 404, 50, "User not found.");
    }
    for asked in ["user_id=2", "screen_name=name-2", "screen_name=NAME-2"] {
        check_error(&server.get(&format!("{SHOW}?{asked}")), 403, 63, "User has been suspended.");
    }
    for asked in ["", "?", "?user_id=&screen_name=", "?id=1"] {
        let missing = "user_id or screen_name parameter is missing.";
        check_error(&server.get(&format!("{SHOW}{asked}")), 403, 38, missing);
    }
    // The id counts.
    assert_eq!(server.get(&format!("{SHOW}?screen_name=nobody&user_id=1")).json()["id"], 1);
}

#[test]
fn lookup_leaves_out_who_cannot_be_shown() {
    let (_world, server) = serving(&[
        user("1"),
        user("2"),
        user_in_state("3", AccountState::Suspended),
        user_in_state("4", AccountState::Deactivated),
        user("5"),
        user_named("6", "Émile"),
    ]);
    let cases = [
        ("user_id=2,1", vec!["name-2", "name-1"]),
        ("user_id=1%2C2", vec!["name-1", "name-2"]),
        ("user_id=1,9,3,4,2", vec!["name-1", "name-2"]),
        ("screen_name=name-5,nobody,NAME-1", vec!["name-5", "name-1"]),
        ("user_id=5&screen_name=name-1,name-5", vec!["name-5", "name-1"]),
        ("user_id=1,1&user_id=2", vec!["name-1", "name-2"]),
        ("user_id=1,,+2,%7B%7D,&x=y", vec!["name-1", "name-2"]),
        ("screen_name=%c3%a9mile", vec!["Émile"]),
    ];
    for (asked, expected) in cases {
        assert_eq!(screen_names(&server.get(&format!("{LOOKUP}?{asked}"))), expected, "{asked}");
    }
    for asked in ["user_id=9", "screen_name=nobody", "user_id=3,4", "user_id=%7B%7D"] {
        check_error(&server.get(&format!("{LOOKUP}?{asked}")), 404, 17, "No user matches for specified terms.");
    }
    for asked in ["", "?user_id=", "?user_id=,,", "?id=1"] {
        let missing = "user_id or screen_name parameter is missing.";
        check_error(&server.get(&format!("{LOOKUP}{asked}")), 403, 38, missing);
    }
}

#[test]
fn parameters_stand_in_the_query_or_in_the_body() {
    let (_world, server) = serving(&[user("1"), user("2")]);
    let mut connection = Connection::open(server.public);
    assert_eq!(screen_names(&connection.post(LOOKUP, "user_id=1,2")), ["name-1", "name-2"]);
    assert_eq!(screen_names(&connection.post(LOOKUP, "user_id=1%2C2&include_entities=true")), ["name-1", "name-2"]);
    assert_eq!(
        screen_names(&connection.post(&format!("{LOOKUP}?user_id=2"), "screen_name=name-1")),
        ["name-2", "name-1"]
    );
    assert_eq!(connection.post(SHOW, "screen_name=name-2").json()["id"], 2);
    // As tweepy asks: everything in the query, and a body of nothing.
    let target = format!("{LOOKUP}?user_id=1%2C2");
    let answer = connection.request("POST", &target, &[("content-length", "0")]);
    assert_eq!(screen_names(&answer), ["name-1", "name-2"]);
    // A body that is no form says nothing, and neither does that of a GET.
    for (method, kind) in [("POST", "application/json"), ("GET", "application/x-www-form-urlencoded")] {
        let mut connection = Connection::open(server.public);
        connection.send(head(method, LOOKUP, &[("content-type", kind), ("content-length", "9")]) + "user_id=1");
        check_error(&connection.answer(method).unwrap(), 403, 38, "user_id or screen_name parameter is missing.");
    }
}

#[test]
fn a_hundred_users_are_taken_and_one_more_is_refused() {
    let users: Vec<NewRecord> = (0..100).map(|number: u32| user(&number.to_string())).collect();
    let (_world, server) = serving(&users);
    let listed = |count: u32| (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let mut connection = Connection::open(server.public);
    assert_eq!(screen_names(&connection.post(LOOKUP, &format!("user_id={}", listed(100)))).len(), 100);
    let mixed = format!("user_id={}&screen_name=name-99,name-98", listed(98));
    assert_eq!(screen_names(&connection.post(LOOKUP, &mixed)).len(), 100);
    let too_many = "Too many terms specified in query.";
    check_error(&connection.post(LOOKUP, &format!("user_id={}", listed(101))), 403, 18, too_many);
    check_error(&connection.post(LOOKUP, &(mixed + "&user_id=99")), 403, 18, too_many);
}

#[test]
fn a_body_that_is_too_large_or_breaks_off_is_refused_and_is_no_request() {
    let (_world, server) = serving(&[user("1")]);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let mut connection = Connection::open(server.public);
    let large = format!("user_id={}", "1,".repeat(70_000));
    connection.send(head("POST", LOOKUP, &[form, ("content-length", &large.len().to_string())]));
    // The server may have refused before it has read everything.
    let _ = connection.try_send(large);
    let answer = connection.answer("POST").unwrap();
    check_error(&answer, 413, 18, "Too many terms specified in query.");
    assert_eq!(answer.header("connection"), Some("close"));
    // The largest that makes sense: a hundred long names.
    let longest = vec!["x".repeat(256).bytes().map(|byte| format!("%{byte:02x}")).collect::<String>(); 100].join(",");
    let answer = Connection::open(server.public).post(LOOKUP, &format!("screen_name={longest}"));
    check_error(&answer, 404, 17, "No user matches for specified terms.");

    let mut connection = Connection::open(server.public);
    connection.send(head("POST", LOOKUP, &[form, ("content-length", "100")]) + "user_id=1");
    connection.end_sending();
    let answer = connection.answer("POST");
    assert!(answer.is_none_or(|answer| answer.status == 408), "half a body was answered");
    assert_eq!(server.get("/users/1").status, 200);
}

#[test]
fn entities_are_left_out_on_demand_and_other_options_are_taken() {
    let (_world, server) = serving(&[user("1")]);
    let entities = |options: &str| {
        let answer = server.get(&format!("{SHOW}?user_id=1&{options}"));
        assert_eq!(answer.status, 200, "{options}");
        answer.json().get("entities").is_some()
    };
    for options in ["include_entities=false", "include_entities=False", "include_entities=0", "include_entities=f"] {
        assert!(!entities(options), "{options}");
    }
    for options in ["", "include_entities=true", "include_entities=1", "include_entities=t", "include_entities="] {
        assert!(entities(options), "{options}");
    }
    assert!(entities("stringify_ids=true&tweet_mode=extended&include_user_entities=false&skip_status=true&cursor=-1"));
    let users = server.get(&format!("{LOOKUP}?user_id=1&include_entities=false")).json();
    assert_eq!(users[0].get("entities"), None);
}

#[test]
fn other_paths_and_methods_are_no_page() {
    let (_world, server) = serving(&[user("1")]);
    for target in [
        "/1.1/",
        "/1.1/users/show",
        "/1.1/users/show.xml?user_id=1",
        "/1.1/users/show.json/?user_id=1",
        "/1.1/users/show/1.json",
        "/1.1/users/search.json?q=a",
        "/1.1/Users/show.json?user_id=1",
        "/1.1/account/verify_credentials.json",
    ] {
        check_error(&server.get(target), 404, 34, "Sorry, that page does not exist.");
    }
    for method in ["PUT", "DELETE", "PATCH", "get"] {
        let answer = Connection::open(server.public).request(method, "/1.1/users/show.json?user_id=1", &[]);
        check_error(&answer, 404, 34, "Sorry, that page does not exist.");
    }
    server.get("/1/users/show.json?user_id=1").check_problem(404, "no-such-path");
    server.get("/1.1").check_problem(404, "no-such-path");
}

#[test]
fn an_answer_is_validated_by_its_tag_and_head_has_no_body() {
    let (world, server) = serving(&[user("1")]);
    let mut connection = Connection::open(server.public);
    for (target, tweet) in [("/1.1/users/show.json?user_id=1", "10"), ("/1.1/users/lookup.json?user_id=1", "11")] {
        let fresh = connection.get(target);
        let tag = fresh.header("etag").unwrap().to_owned();
        let answer = connection.request("GET", target, &[("if-none-match", &tag)]);
        assert_eq!((answer.status, answer.header("etag")), (304, Some(tag.as_str())));
        check_headers(&answer);
        let head = connection.request("HEAD", target, &[]);
        assert_eq!((head.status, head.header("content-length")), (200, fresh.header("content-length")));
        world.publish(&[tweeted("1", tweet)]);
        server.until_caught_up(&world.log);
        assert_eq!(connection.request("GET", target, &[("if-none-match", &tag)]).status, 200);
    }
}

#[test]
fn before_the_first_catch_up_an_absent_user_is_over_capacity() {
    let world = World::without_topics();
    let server = world.start();
    for target in [
        "/1.1/users/show.json?user_id=1",
        "/1.1/users/lookup.json?screen_name=Ada",
        "/1.1/users/lookup.json?user_id=1,2",
    ] {
        let answer = server.get(target);
        check_error(&answer, 503, 130, "Over capacity");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    // Nobody can have such an id, whatever is yet to be read.
    check_error(&server.get("/1.1/users/show.json?user_id=%7B"), 404, 50, "User not found.");
    world.create_topics();
    server.until_status("/users/1", 404);
    check_error(&server.get("/1.1/users/show.json?user_id=1"), 404, 50, "User not found.");
}
