//! Messages of the stream: what is read of them, and what makes one malformed.

use serde_json::{Value, json};
use user_info_core::{AccountState, Id, Profile};
use user_info_upstream::stream::message::{Deletion, MalformedMessage, Message, Status};

use crate::support::{deletion, status};

fn parse(message: &Value) -> Result<Message, MalformedMessage> {
    Message::parse(message.to_string().as_bytes())
}

fn read(message: &Value) -> Status {
    match parse(message).unwrap() {
        Message::Status(status) => *status,
        other @ (Message::Deletion(_) | Message::Other) => panic!("no status: {other:?}"),
    }
}

/// The status with one field, `/`-separated, set to a value; `None` takes it out.
fn with(path: &str, value: Option<Value>) -> Value {
    let mut message = status(7, 12, "jack", 1_795_422_600_123);
    let (parent, field) = path.rsplit_once('/').unwrap();
    let parent = message.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(field.to_owned(), value),
        None => parent.remove(field),
    };
    message
}

#[test]
fn a_status_carries_tweet_and_profile() {
    let mut message = status(9_007_199_254_740_993, 12, "jack", 1_795_422_600_123);
    message["user"]["description"] = json!("no bio");
    message["user"]["location"] = json!("東京");
    message["user"]["url"] = json!("https://t.co/x");
    message["user"]["profile_image_url_https"] = json!("https://i.example/a.jpg");
    message["user"]["profile_banner_url"] = json!("https://i.example/b");
    let expected = Status {
        tweet_id: Id::new("9007199254740993").unwrap(),
        text: "tweet 9007199254740993".to_owned(),
        created_at: "2026-11-23T08:30:00.123Z".parse().unwrap(),
        user_id: Id::new("12").unwrap(),
        profile: Profile {
            username: "jack".to_owned(),
            name: "Somebody".to_owned(),
            state: AccountState::Active,
            joined_at: "2012-02-29T19:42:02Z".parse().unwrap(),
            bio: Some("no bio".to_owned()),
            location: Some("東京".to_owned()),
            url: Some("https://t.co/x".to_owned()),
            profile_image_url: Some("https://i.example/a.jpg".to_owned()),
            background_image_url: Some("https://i.example/b".to_owned()),
        },
    };
    assert_eq!(read(&message), expected);
}

#[test]
fn absent_null_and_empty_are_null() {
    for value in [None, Some(Value::Null), Some(json!(""))] {
        let status = read(&with("/user/description", value.clone()));
        assert_eq!(status.profile.bio, None, "{value:?}");
        let status = read(&with("/user/profile_banner_url", value.clone()));
        assert_eq!(status.profile.background_image_url, None, "{value:?}");
    }
}

#[test]
fn images_fall_back() {
    let status = read(&with("/user/profile_image_url", Some(json!("http://i.example/a"))));
    assert_eq!(status.profile.profile_image_url.as_deref(), Some("http://i.example/a"));
    let status = read(&with("/user/profile_background_image_url_https", Some(json!("https://i.example/b"))));
    assert_eq!(status.profile.background_image_url.as_deref(), Some("https://i.example/b"));
}

#[test]
fn the_longest_text_is_the_text() {
    assert_eq!(read(&with("/full_text", Some(json!("all of it")))).text, "all of it");
    assert_eq!(read(&with("/extended_tweet", Some(json!({"full_text": "even more"})))).text, "even more");
    assert_eq!(read(&with("/extended_tweet", Some(json!({})))).text, "tweet 7");
}

#[test]
fn without_milliseconds_the_date_is_the_time() {
    let expected = "2026-11-23T08:30:00Z".parse().unwrap();
    assert_eq!(read(&with("/timestamp_ms", None)).created_at, expected);
    assert_eq!(read(&with("/timestamp_ms", Some(json!("soon")))).created_at, expected);
}

#[test]
fn counts_are_never_read() {
    for count in [json!(-1), json!(null), json!("many"), json!(1e300)] {
        assert_eq!(read(&with("/user/followers_count", Some(count))).profile.username, "jack");
    }
}

#[test]
fn a_retweet_is_its_outer_tweet() {
    let status = read(&with("/retweeted_status", Some(status(5, 6, "other", 0))));
    assert_eq!((status.tweet_id.as_str(), status.user_id.as_str()), ("7", "12"));
}

#[test]
fn a_deletion_carries_its_author() {
    let expected = Deletion { tweet_id: Id::new("7").unwrap(), user_id: Id::new("12").unwrap() };
    assert_eq!(parse(&deletion(7, 12)).unwrap(), Message::Deletion(expected));
}

#[test]
fn other_messages_are_ignored() {
    let others = [
        json!({"limit": {"track": 1234}}),
        json!({"scrub_geo": {"user_id": 1, "up_to_status_id": 2}}),
        json!({"disconnect": {"code": 4, "stream_name": "", "reason": ""}}),
        json!({"warning": {"code": "FALLING_BEHIND", "message": "", "percent_full": 60}}),
        json!({"status_withheld": {"id": 1, "user_id": 2, "withheld_in_countries": ["DE"]}}),
        json!({"delete": {"direct_message": {"id": 1, "user_id": 2}}}),
        json!({"something": "new"}),
        json!({}),
    ];
    for other in others {
        assert_eq!(parse(&other).unwrap(), Message::Other, "{other}");
    }
}

#[test]
fn malformed_messages_name_the_reason() {
    let check = |message: &str, part: &str| {
        let reason = Message::parse(message.as_bytes()).unwrap_err().to_string();
        assert!(reason.contains(part), "{message}: {reason}");
    };
    check("", "EOF");
    check("{", "EOF");
    check("nonsense", "line 1 column");
    check("[1]", "line 1 column");
    check(r#"{"delete":{"status":{"id":1,"user_id":2}}}"#, "id_str");
    let changed = |path: &str, value: Option<Value>| with(path, value).to_string();
    check(&changed("/id_str", None), "id_str");
    check(&changed("/id_str", Some(json!("a/b"))), "field id_str");
    check(&changed("/text", None), "field text: missing");
    check(&changed("/text", Some(json!("x".repeat(20_000)))), "field text: longer");
    check(&changed("/created_at", Some(json!("2026-11-23T08:30:00Z"))), "field created_at");
    check(&changed("/user/created_at", Some(json!("Wed Feb 30 19:42:02 +0000 2012"))), "field user.created_at");
    check(&changed("/user/screen_name", Some(json!("two words"))), "field user.screen_name");
    check(&changed("/user/id_str", Some(json!(""))), "field user.id_str");
    check(&changed("/user/description", Some(json!("x".repeat(20_000)))), "field user.description");
    check(&changed("/user", Some(Value::Null)), "line 1 column");
}
