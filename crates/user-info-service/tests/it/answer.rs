//! Answers and problems byte by byte, and when a validator matches.

use hyper::StatusCode;
use user_info_core::{AccountState, Counts, Profile, Stamp, StoredProfile};
use user_info_service::answer::{Problem, UserAnswer, UsersAnswer, Withheld, etag, json, matches};
use user_info_service::fields::Fields;
use user_info_service::found::Found;
use user_info_store::UserRecord;

use crate::facts::{id, profile};

fn record(user: &str, profile: Profile) -> UserRecord {
    UserRecord {
        user: id(user),
        profile: Some(StoredProfile { profile, stamp: Stamp { timestamp_ms: 1, offset: 2 } }),
        counts: Counts { tweets: 1, following: 2, followers: 3, likes: 4, lists: 5 },
    }
}

fn shown(record: &UserRecord) -> UserAnswer<'_> {
    let Found::Shown(user) = Found::of(Some(record)) else { panic!("not shown: {record:?}") };
    UserAnswer::new(user, Fields::ALL)
}

#[test]
fn a_user_has_the_14_fields_of_the_requirement() {
    let record = record("12", profile("Ada"));
    let expected = concat!(
        r#"{"user_id":"12","username":"Ada","name":"Name of Ada","bio":"Says \"hi\" – in UTF-8","location":"Zürich","#,
        r#""url":"https://example.org/","joined_at":"2009-02-13T23:31:30.000Z","#,
        r#""profile_image_url":"https://example.org/face.png","background_image_url":"https://example.org/back.png","#,
        r#""tweet_count":1,"following_count":2,"followers_count":3,"like_count":4,"list_count":5}"#
    );
    assert_eq!(json(&shown(&record)), expected);
}

#[test]
fn absent_fields_are_null() {
    let bare = Profile {
        bio: None,
        location: None,
        url: None,
        profile_image_url: None,
        background_image_url: None,
        ..profile("Ada")
    };
    let record = UserRecord { counts: Counts::default(), ..record("12", bare) };
    let expected = concat!(
        r#"{"user_id":"12","username":"Ada","name":"Name of Ada","bio":null,"location":null,"url":null,"#,
        r#""joined_at":"2009-02-13T23:31:30.000Z","profile_image_url":null,"background_image_url":null,"#,
        r#""tweet_count":0,"following_count":0,"followers_count":0,"like_count":0,"list_count":0}"#
    );
    assert_eq!(json(&shown(&record)), expected);
}

#[test]
fn who_has_no_profile_is_unknown_whatever_is_counted() {
    assert!(matches!(Found::of(None), Found::Unknown));
    let counted = UserRecord { profile: None, ..record("12", profile("Ada")) };
    assert!(matches!(Found::of(Some(&counted)), Found::Unknown));
}

#[test]
fn suspended_and_deactivated_users_are_withheld() {
    let record = |state| record("12", Profile { state, ..profile("Ada") });
    let (suspended, deactivated) = (record(AccountState::Suspended), record(AccountState::Deactivated));
    let Found::Suspended(user) = Found::of(Some(&suspended)) else { panic!("{suspended:?}") };
    assert_eq!(json(&Withheld::suspended(user)), r#"{"user_id":"12","state":"suspended"}"#);
    let Found::Deactivated(user) = Found::of(Some(&deactivated)) else { panic!("{deactivated:?}") };
    assert_eq!(json(&Withheld::deactivated(user)), r#"{"user_id":"12","state":"deactivated"}"#);
}

#[test]
fn several_users_are_sorted_into_users_unknown_and_withheld() {
    let shown = record("1", profile("Ada"));
    let user = self::shown(&shown);
    let alone = json(&user);
    let bob = id("2");
    let answer = UsersAnswer { users: vec![user], unknown: vec!["3"], withheld: vec![Withheld::suspended(&bob)] };
    let alone = std::str::from_utf8(&alone).unwrap();
    let expected =
        format!(r#"{{"users":[{alone}],"unknown":["3"],"withheld":[{{"user_id":"2","state":"suspended"}}]}}"#);
    assert_eq!(json(&answer), expected);
    assert_eq!(json(&UsersAnswer::default()), r#"{"users":[],"unknown":[],"withheld":[]}"#);
}

#[track_caller]
fn check(problem: &Problem, status: StatusCode, code: &str, title: &str, rest: &str) {
    let number = status.as_u16();
    let expected = format!(r#"{{"type":"urn:user-info:problem:{code}","title":"{title}","status":{number},{rest}}}"#);
    assert_eq!(problem.body(), expected);
    assert_eq!(problem.status(), status);
}

#[test]
fn every_problem_has_its_status_and_its_body() {
    use StatusCode as Status;
    let unknown = Problem::UnknownUser { asked: "the id 12".into() };
    check(&unknown, Status::NOT_FOUND, "unknown-user", "Unknown user", r#""detail":"No user has the id 12.""#);
    let rest = r#""detail":"User 12 is suspended.","user_id":"12""#;
    check(&Problem::Suspended(id("12")), Status::FORBIDDEN, "user-suspended", "User suspended", rest);
    let rest = r#""detail":"User 12 deactivated the account.","user_id":"12""#;
    check(&Problem::Deactivated(id("12")), Status::NOT_FOUND, "user-deactivated", "User deactivated", rest);
    let rest = r#""detail":"The topics have not been read to their end yet, so the user may exist; ask again.""#;
    check(&Problem::NotCaughtUp, Status::SERVICE_UNAVAILABLE, "not-caught-up", "Not caught up yet", rest);
    let bad = Problem::BadRequest { detail: "Say \"which\".".into() };
    check(&bad, Status::BAD_REQUEST, "bad-request", "Bad request", r#""detail":"Say \"which\".""#);
    let rest = r#""detail":"Ask for /users/{user_id}, /users?ids=a,b or /users?username=name.""#;
    check(&Problem::NoSuchPath, Status::NOT_FOUND, "no-such-path", "No such path", rest);
    let method = Problem::MethodNotAllowed { allowed: "GET, HEAD" };
    let rest = r#""detail":"Served here: GET, HEAD.""#;
    check(&method, Status::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", rest);
    let kind = Problem::UnsupportedMediaType { detail: "Send JSON.".into() };
    let rest = r#""detail":"Send JSON.""#;
    check(&kind, Status::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Unsupported media type", rest);
    let rest = r#""detail":"The body did not arrive in time; send the request again.""#;
    check(&Problem::SlowBody, Status::REQUEST_TIMEOUT, "slow-body", "Body too slow", rest);
    let rest = r#""detail":"The answer was not ready in time; ask again.""#;
    check(&Problem::Late, Status::SERVICE_UNAVAILABLE, "late", "Not answered in time", rest);
    let rest = r#""detail":"More requests wait than can be answered in time; ask again.""#;
    check(&Problem::Overloaded, Status::SERVICE_UNAVAILABLE, "overloaded", "Overloaded", rest);
    let large = Problem::TooLarge { detail: "Requests have no body here.".into() };
    let rest = r#""detail":"Requests have no body here.""#;
    check(&large, Status::PAYLOAD_TOO_LARGE, "too-large", "Request too large", rest);
    let rest = r#""detail":"The store could not be read; the server's log says why.""#;
    check(&Problem::StoreFailed, Status::INTERNAL_SERVER_ERROR, "store-failed", "Store failed", rest);
}

#[test]
fn equal_bodies_have_equal_tags_on_every_replica() {
    assert_eq!(etag(b"{}"), etag(b"{}"));
    assert_ne!(etag(b"{}"), etag(b"{ }"));
    // Of the algorithm, XXH3 with 64 bits; a change of it would make every client fetch everything again.
    assert_eq!(etag(b""), "\"2d06800538d394c2\"");
}

#[test]
fn a_validator_matches_as_rfc_9110_says() {
    let tag = "\"0123456789abcdef\"";
    let cases = [
        (tag.to_owned(), true),
        ("*".into(), true),
        (format!("W/{tag}"), true),
        (format!("\"other\", {tag}"), true),
        (format!("\"other\",W/{tag}"), true),
        (format!("  {tag}  "), true),
        (format!("\"a,b\", {tag}"), true),
        (String::new(), false),
        ("\"other\"".into(), false),
        ("0123456789abcdef".into(), false),
        (format!("w/{tag}"), false),
        ("\"0123456789ABCDEF\"".into(), false),
        ("\"*\"".into(), false),
    ];
    for (value, expected) in cases {
        assert_eq!(matches(&value, tag), expected, "{value}");
    }
}
