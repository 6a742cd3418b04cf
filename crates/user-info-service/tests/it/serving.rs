//! From a fact to its answer, through the log, the store and the socket.

use user_info_core::AccountState;
use user_info_log::NewRecord;
use user_info_testkit::eventually;

use crate::facts::{
    followed, forget, id, liked, list_created, profile, tweeted, unfollowed, user, user_changed, user_in_state,
    user_named,
};
use crate::http::Connection;
use crate::server::{LIMIT, Server, World};

#[test]
fn facts_become_visible_as_one_record() {
    let world = World::new();
    let server = world.start();
    world.publish(&[
        user("1"),
        tweeted("1", "10"),
        tweeted("1", "11"),
        followed("1", "2"),
        followed("2", "1"),
        followed("3", "1"),
        followed("4", "1"),
        unfollowed("4", "1"),
        liked("1", "10"),
        list_created("1", "20"),
        // Published twice: a set holds it once.
        list_created("1", "20"),
    ]);
    server.until_caught_up(&world.log);
    let answer = server.get("/users/1");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    let expected = serde_json::json!({
        "user_id": "1",
        "username": "name-1",
        "name": "Name of name-1",
        "bio": "Says \"hi\" – in UTF-8",
        "location": "Zürich",
        "url": "https://example.org/",
        "joined_at": "2009-02-13T23:31:30.000Z",
        "profile_image_url": "https://example.org/face.png",
        "background_image_url": "https://example.org/back.png",
        "tweet_count": 2,
        "following_count": 1,
        "followers_count": 2,
        "like_count": 1,
        "list_count": 1,
    });
    assert_eq!(answer.json(), expected);
}

#[test]
fn without_the_topics_an_unknown_user_is_503_and_after_the_first_catch_up_404() {
    let world = World::without_topics();
    let server = world.start();
    eventually(LIMIT, "the missing topics are noticed", || {
        server.errors.list().iter().any(|error| error.message.contains("topics create"))
    });
    for target in ["/users/1", "/users?username=Ada", "/users?ids=1,2"] {
        let answer = server.get(target);
        answer.check_problem(503, "not-caught-up");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.header("user-info-age-ms"), Some("unknown"));
        assert_eq!(answer.header("user-info-positions"), Some(""));
    }
    // Empty topics have been read to their end at once.
    world.create_topics();
    let answer = server.until_status("/users/1", 404);
    answer.check_problem(404, "unknown-user");
    assert_eq!(answer.json()["detail"], "No user has the id 1.");
    assert_eq!(answer.header("retry-after"), None);
    server.get("/users?username=Ada").check_problem(404, "unknown-user");
    assert_eq!(
        server.get("/users?ids=1,2").json(),
        serde_json::json!({"users": [], "unknown": ["1", "2"], "withheld": []})
    );
}

#[test]
fn suspended_and_deactivated_users_are_withheld_and_come_back_with_their_counts() {
    let world = World::new();
    let server = world.start();
    world.publish(&[user("1"), tweeted("1", "10")]);
    server.until_status("/users/1", 200);

    world.publish(&[user_in_state("1", AccountState::Suspended)]);
    let answer = server.until_status("/users/1", 403);
    answer.check_problem(403, "user-suspended");
    assert_eq!(answer.json()["user_id"], "1");
    server.get("/users?username=name-1").check_problem(403, "user-suspended");

    world.publish(&[user_in_state("1", AccountState::Deactivated), tweeted("1", "11")]);
    let answer = server.until_status("/users/1", 404);
    answer.check_problem(404, "user-deactivated");
    assert_eq!(answer.json()["user_id"], "1");

    world.publish(&[user("1")]);
    server.until_status("/users/1", 200);
    server.until_caught_up(&world.log);
    assert_eq!(server.get("/users/1").json()["tweet_count"], 2);

    world.publish(&[forget("1")]);
    server.until_status("/users/1", 404).check_problem(404, "unknown-user");
}

/// The id of the user that a name leads to; nobody is 404.
fn named(server: &Server, username: &str) -> Option<String> {
    let answer = server.get(&format!("/users?username={username}"));
    match answer.status {
        200 => Some(answer.json()["user_id"].as_str().unwrap().to_owned()),
        404 => None,
        other => panic!("{other}"),
    }
}

#[test]
fn a_username_leads_to_who_carries_it_now() {
    let world = World::new();
    let server = world.start();
    let at = |record: NewRecord, timestamp_ms| NewRecord { timestamp_ms: Some(timestamp_ms), ..record };
    world.publish(&[at(user_named("1", "Ada"), 1_000)]);
    server.until_caught_up(&world.log);
    assert_eq!(named(&server, "Ada").as_deref(), Some("1"));
    assert_eq!(named(&server, "aDA").as_deref(), Some("1"));
    assert_eq!(server.get("/users?username=ADA").json()["username"], "Ada");

    // Two carry the name: the newer profile wins, whatever order the partitions are read in.
    world.publish(&[at(user_named("2", "ada"), 3_000), at(user_named("3", "ADA"), 2_000)]);
    server.until_caught_up(&world.log);
    assert_eq!(named(&server, "Ada").as_deref(), Some("2"));

    // A rename gives the old name back, and the new one leads there.
    world.publish(&[at(user_named("2", "Bob"), 4_000)]);
    server.until_caught_up(&world.log);
    assert_eq!(named(&server, "Ada").as_deref(), Some("3"));
    assert_eq!(named(&server, "bob").as_deref(), Some("2"));

    world.publish(&[forget("1"), forget("3")]);
    server.until_caught_up(&world.log);
    assert_eq!(named(&server, "Ada"), None);
}

#[test]
fn several_users_are_answered_at_once() {
    let world = World::new();
    let server = world.start();
    world.publish(&[
        user("1"),
        user("2"),
        user_in_state("3", AccountState::Suspended),
        user_in_state("4", AccountState::Deactivated),
    ]);
    world.publish(&[tweeted("5", "50"), user("6"), forget("6")]);
    server.until_caught_up(&world.log);
    let answer = server.get("/users?ids=2,3,5,1,4,6,2");
    assert_eq!(answer.status, 200);
    let body = answer.json();
    let shown: Vec<&str> =
        body["users"].as_array().unwrap().iter().map(|user| user["user_id"].as_str().unwrap()).collect();
    assert_eq!(shown, ["2", "1"]);
    assert_eq!(body["users"][0], server.get("/users/2").json());
    assert_eq!(body["unknown"], serde_json::json!(["5", "6"]));
    let withheld =
        serde_json::json!([{"user_id": "3", "state": "suspended"}, {"user_id": "4", "state": "deactivated"}]);
    assert_eq!(body["withheld"], withheld);
}

#[test]
fn an_answer_is_validated_by_its_tag() {
    let world = World::new();
    let server = world.start();
    world.publish(&[user("1"), user("2")]);
    server.until_caught_up(&world.log);
    for target in ["/users/1", "/users?username=name-1", "/users?ids=1,2"] {
        let mut connection = Connection::open(server.public);
        let fresh = connection.get(target);
        let tag = fresh.header("etag").unwrap().to_owned();
        let listed = format!("\"other\", W/{tag}");
        for matching in [tag.as_str(), &listed, "*"] {
            let answer = connection.request("GET", target, &[("if-none-match", matching)]);
            assert_eq!(answer.status, 304, "{target} {matching}");
            assert_eq!(answer.header("etag"), Some(tag.as_str()));
            assert_eq!(answer.header("cache-control"), Some("no-cache"));
            assert!(answer.header("user-info-age-ms").is_some() && answer.header("user-info-positions").is_some());
            assert_eq!((answer.header("content-type"), answer.header("content-length")), (None, None));
        }
        // Several lines are one list.
        let answer = connection.request("GET", target, &[("if-none-match", "\"other\""), ("if-none-match", &tag)]);
        assert_eq!(answer.status, 304, "{target}");
        let answer = connection.request("GET", target, &[("if-none-match", "\"other\"")]);
        assert_eq!((answer.status, &answer.body), (200, &fresh.body));
    }
    // The tag goes with what it stands for.
    let before = server.get("/users/1").header("etag").unwrap().to_owned();
    world.publish(&[tweeted("1", "10")]);
    server.until_caught_up(&world.log);
    let mut connection = Connection::open(server.public);
    let answer = connection.request("GET", "/users/1", &[("if-none-match", &before)]);
    assert_eq!(answer.status, 200);
    assert_ne!(answer.header("etag"), Some(before.as_str()));
    // Nothing to validate: a problem is a problem.
    assert_eq!(connection.request("GET", "/users/9", &[("if-none-match", "*")]).status, 404);
}

#[test]
fn head_says_what_get_says_without_the_body() {
    let world = World::new();
    let server = world.start();
    world.publish(&[user("1"), user_in_state("2", AccountState::Suspended)]);
    server.until_caught_up(&world.log);
    let mut connection = Connection::open(server.public);
    for target in ["/users/1", "/users/2", "/users/9", "/users?ids=1,2", "/users", "/nothing"] {
        let get = connection.request("GET", target, &[]);
        let head = connection.request("HEAD", target, &[]);
        assert_eq!(head.status, get.status, "{target}");
        assert!(head.body.is_empty());
        for header in ["content-type", "content-length", "etag", "user-info-positions"] {
            assert_eq!(head.header(header), get.header(header), "{target} {header}");
        }
    }
}

#[test]
fn every_answer_says_how_old_it_is_and_from_where() {
    let world = World::new();
    let server = world.start();
    let published = world.publish(&[user("1"), user("2"), user("3"), tweeted("1", "10")]);
    server.until_caught_up(&world.log);
    let ends = |topic| {
        (0..3).map(|partition| world.log.offsets(topic, partition).unwrap().end.to_string()).collect::<Vec<_>>()
    };
    let topics = user_info_core::Topic::FACTS.map(|topic| format!("{topic}={}", ends(topic).join(",")));
    assert!(topics.join(";").contains(&format!("{}", published[3].offset + 1)));
    for target in ["/users/1", "/users?ids=1", "/users/9", "/users", "/"] {
        let answer = server.get(target);
        assert_eq!(answer.header("user-info-positions"), Some(topics.join(";").as_str()), "{target}");
        assert_eq!(answer.header("user-info-age-ms"), Some("0"), "{target}");
    }
}

#[test]
fn an_id_with_any_character_that_ids_may_have_is_found() {
    let world = World::new();
    let server = world.start();
    let odd = "did:plc:ä%?&#\"+";
    world.publish(&[NewRecord::fact(&user_changed(odd, profile("odd")))]);
    server.until_caught_up(&world.log);
    assert_eq!(id(odd).as_str(), odd);
    let encoded: String = odd.bytes().map(|byte| format!("%{byte:02x}")).collect();
    assert_eq!(server.get(&format!("/users/{encoded}")).json()["user_id"], odd);
}
