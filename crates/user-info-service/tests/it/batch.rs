//! `fields=` and `POST /users/batch`: only what is asked for, and many at once.

use user_info_core::AccountState;
use user_info_service::batch::{BATCH_BYTES_MAX, BATCH_IDS_MAX};
use user_info_service::fields::Field;

use crate::facts::{followed, user, user_in_state};
use crate::http::{Answer, Connection, head};
use crate::server::{Server, World};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Users 1 and 2, a suspended 3, a deactivated 4, and one who follows 1.
fn server() -> (World, Server) {
    let world = World::new();
    let server = world.start();
    let states = [("3", AccountState::Suspended), ("4", AccountState::Deactivated)];
    world.publish(&[user("1"), user("2"), followed("2", "1")]);
    world.publish(&states.map(|(id, state)| user_in_state(id, state)));
    server.until_caught_up(&world.log);
    (world, server)
}

fn post(server: &Server, headers: &[(&str, &str)], body: &str) -> Answer {
    let length = body.len().to_string();
    let headers = [headers, &[("content-length", &length)]].concat();
    let mut connection = Connection::open(server.public);
    // The server may have refused before it has read everything.
    let _ = connection.try_send(head("POST", "/users/batch", &headers) + body);
    connection.answer("POST").unwrap()
}

#[test]
fn a_mask_leaves_the_fields_that_it_names_in_the_order_of_the_answer() {
    let (_world, server) = server();
    for target in ["/users/1?fields=followers_count,name", "/users?username=NAME-1&fields=name,followers_count,name"] {
        let answer = server.get(target);
        assert_eq!(answer.text(), r#"{"name":"Name of name-1","followers_count":1}"#, "{target}");
    }
    let several = server.get("/users?fields=user_id&ids=2,1,3,9");
    let expected = r#"{"users":[{"user_id":"2"},{"user_id":"1"}],"unknown":["9"],"#.to_owned()
        + r#""withheld":[{"user_id":"3","state":"suspended"}]}"#;
    assert_eq!(several.text(), expected);
    // Each field alone is what it is among all.
    let whole = server.get("/users/1").json();
    for field in Field::ALL.map(Field::name) {
        let alone = server.get(&format!("/users/1?fields={field}")).json();
        assert_eq!(alone, serde_json::json!({ field: whole[field] }));
    }
    let every = Field::ALL.map(Field::name).join("%2C");
    assert_eq!(server.get(&format!("/users/1?fields={every}")).body, server.get("/users/1").body);
}

#[test]
fn a_masked_answer_changes_its_tag_only_with_what_it_shows() {
    let (world, server) = server();
    let mut connection = Connection::open(server.public);
    let tag = |answer: &Answer| answer.header("etag").unwrap().to_owned();
    let (name, count) = (connection.get("/users/1?fields=name"), connection.get("/users/1?fields=followers_count"));
    world.publish(&[followed("3", "1")]);
    server.until_caught_up(&world.log);
    let asked = connection.request("GET", "/users/1?fields=name", &[("if-none-match", &tag(&name))]);
    assert_eq!(asked.status, 304);
    let asked = connection.request("GET", "/users/1?fields=followers_count", &[("if-none-match", &tag(&count))]);
    assert_eq!((asked.status, asked.text()), (200, r#"{"followers_count":2}"#));
}

#[test]
fn a_mask_that_names_what_is_not_there_is_refused_with_what_is() {
    let (_world, server) = server();
    for target in ["/users/1?fields=nme", "/users?ids=1&fields=name,nme", "/users/1?fields=", "/users/1?fields=name,"] {
        let answer = server.get(target);
        answer.check_problem(400, "bad-request");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(Field::ALL.iter().all(|field| detail.contains(field.name())), "{detail}");
    }
    server.get("/users/1?fields=name&fields=bio").check_problem(400, "bad-request");
    server.get("/users?ids=1&fields=name&fields=bio").check_problem(400, "bad-request");
    server.get("/users?fields=name").check_problem(400, "bad-request");
}

#[test]
fn a_batch_is_answered_like_ids_in_an_address() {
    let (_world, server) = server();
    let answer = post(&server, &[JSON], r#"{"ids": ["2", "3", "1", "4", "9", "2"]}"#);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.body, server.get("/users?ids=2,3,1,4,9").body);
    assert_eq!(answer.header("user-info-age-ms"), Some("0"));
    assert_eq!(answer.header("etag"), None, "nothing to validate: it is no address that is asked");
    let masked = post(&server, &[JSON], r#"{"fields": ["bio", "user_id"], "ids": ["1", "3"]}"#);
    assert_eq!(masked.body, server.get("/users?ids=1,3&fields=user_id,bio").body);
    let kind = ("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(post(&server, &[kind], r#"{"ids":["\u0031"],"fields":null}"#).body, server.get("/users?ids=1").body);
    assert_eq!(server.metrics.text().lines().filter(|line| line.contains(r#"route="batch",status="200""#)).count(), 1);
}

#[test]
fn a_thousand_users_are_answered_in_the_order_asked_for_and_one_more_is_refused() {
    let world = World::new();
    let server = world.start();
    let users: Vec<_> = (0..BATCH_IDS_MAX).map(|number| user(&number.to_string())).collect();
    world.publish(&users);
    server.until_caught_up(&world.log);
    let body =
        |count: usize| serde_json::json!({ "ids": (0..count).rev().map(|id| id.to_string()).collect::<Vec<_>>() });
    let answer = post(&server, &[JSON], &body(BATCH_IDS_MAX).to_string()).json();
    let shown = answer["users"].as_array().unwrap().iter().map(|user| user["user_id"].as_str().unwrap().to_owned());
    let asked: Vec<String> = (0..BATCH_IDS_MAX).rev().map(|id| id.to_string()).collect();
    assert_eq!(shown.collect::<Vec<_>>(), asked);
    let refused = post(&server, &[JSON], &body(BATCH_IDS_MAX + 1).to_string());
    refused.check_problem(400, "bad-request");
    assert!(refused.text().contains("at most 1000 different ids"), "{}", refused.text());
}

#[test]
fn a_batch_that_makes_no_sense_is_told_where() {
    let (_world, server) = server();
    let cases = [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("[]", "invalid length 0"),
        ("{\n  \"ids\": [\"1\",]\n}", "trailing comma at line 2 column 15"),
        (r#"{"ids":[]}"#, "name at least one id at line 1"),
        (r#"{"ids":[1]}"#, "expected a string at line 1 column 9"),
        (r#"{"ids":["a b"]}"#, "no ' '"),
        (r#"{"ids":["1"],"fields":["nme"]}"#, "there are user_id, username"),
        (r#"{"ids":["1"],"fields":[]}"#, "there are user_id, username"),
        (r#"{"ids":["1"],"field":["name"]}"#, "unknown field `field`, expected `ids` or `fields` at line 1 column 20"),
        (r#"{"fields":["name"]}"#, "missing field `ids`"),
        ("{\"ids\":[\"\u{1}\"]}", "control character"),
    ];
    for (body, words) in cases {
        let answer = post(&server, &[JSON], body);
        answer.check_problem(400, "bad-request");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{body}: {detail}");
    }
    assert_eq!(post(&server, &[JSON], "\u{feff}{}").status, 400);
}

#[test]
fn a_batch_of_another_kind_or_too_many_bytes_is_refused_unread() {
    let (_world, server) = server();
    let body = r#"{"ids":["1"]}"#;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        post(&server, &[("content-type", kind)], body).check_problem(415, "unsupported-media-type");
    }
    post(&server, &[], body).check_problem(415, "unsupported-media-type");
    post(&server, &[JSON, ("content-encoding", "gzip")], body).check_problem(415, "unsupported-media-type");
    let large = format!("{}{body}", " ".repeat(BATCH_BYTES_MAX));
    post(&server, &[JSON], &large).check_problem(413, "too-large");
    // Also if it does not say beforehand how much comes.
    let mut connection = Connection::open(server.public);
    let request = head("POST", "/users/batch", &[JSON, ("transfer-encoding", "chunked")]);
    let _ = connection.try_send(format!("{request}{:x}\r\n{large}\r\n0\r\n\r\n", large.len()));
    connection.answer("POST").unwrap().check_problem(413, "too-large");
    // As much as may come does.
    let padded = format!("{}{body}", " ".repeat(BATCH_BYTES_MAX - body.len()));
    assert_eq!(post(&server, &[JSON], &padded).status, 200);
}

#[test]
fn the_path_of_batches_is_the_user_of_that_name_when_asked_for() {
    let (world, server) = server();
    server.get("/users/batch").check_problem(404, "unknown-user");
    world.publish(&[user("batch")]);
    server.until_caught_up(&world.log);
    assert_eq!(server.get("/users/batch").json()["user_id"], "batch");
    let answer = Connection::open(server.public).request("PUT", "/users/batch", &[]);
    answer.check_problem(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
}
