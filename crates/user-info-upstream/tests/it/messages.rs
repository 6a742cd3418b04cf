//! Messages of the stream: what is read of them, and what makes one malformed.

use serde_json::{Value, json};
use user_info_core::{AccountState, Id, Profile};
use user_info_upstream::stream::message::{
    AccountChange, AccountChangeKind, Deletion, KIND_CHARS_MAX, MalformedMessage, Message, Status, User,
};

use crate::support::{account, deletion, status};

fn parse(message: &Value) -> Result<Message, MalformedMessage> {
    Message::parse(message.to_string().as_bytes())
}

fn read(message: &Value) -> Status {
    let parsed = parse(message).unwrap();
    let Message::Status(status) = parsed else { panic!("no status: {parsed:?}") };
    *status
}

fn profile(message: &Value) -> Profile {
    read(message).author.profile.unwrap()
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
    message["user"]["followers_count"] = json!(5);
    let expected = Status {
        tweet_id: Id::new("9007199254740993").unwrap(),
        text: "tweet 9007199254740993".to_owned(),
        created_at: "2026-11-23T08:30:00.123Z".parse().unwrap(),
        author: User {
            id: Id::new("12").unwrap(),
            profile: Some(Profile {
                username: "jack".to_owned(),
                name: "Somebody".to_owned(),
                state: AccountState::Active,
                joined_at: "2012-02-29T19:42:02Z".parse().unwrap(),
                bio: Some("no bio".to_owned()),
                location: Some("東京".to_owned()),
                url: Some("https://t.co/x".to_owned()),
                profile_image_url: Some("https://i.example/a.jpg".to_owned()),
                background_image_url: Some("https://i.example/b".to_owned()),
            }),
            complete: true,
            followers: Some(5),
            friends: None,
        },
        others: Vec::new(),
    };
    assert_eq!(read(&message), expected);
}

#[test]
fn absent_null_and_empty_are_null() {
    for value in [None, Some(Value::Null), Some(json!(""))] {
        assert_eq!(profile(&with("/user/description", value.clone())).bio, None, "{value:?}");
        assert_eq!(profile(&with("/user/profile_banner_url", value.clone())).background_image_url, None, "{value:?}");
    }
}

#[test]
fn images_fall_back() {
    let mut message = with("/user/profile_image_url", Some(json!("http://i.example/a")));
    assert_eq!(profile(&message).profile_image_url.as_deref(), Some("http://i.example/a"));
    message["user"]["profile_background_image_url_https"] = json!("https://i.example/background");
    assert_eq!(profile(&message).background_image_url.as_deref(), Some("https://i.example/background"));
    message["user"]["profile_banner_url"] = json!("https://i.example/banner");
    assert_eq!(profile(&message).background_image_url.as_deref(), Some("https://i.example/banner"));
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
fn counts_that_the_server_did_not_know_are_no_counts() {
    let author = |count: Value| read(&with("/user/followers_count", Some(count))).author;
    for unknown in [json!(-1), json!(null), json!("many"), json!(1e300), json!([1]), json!({"a": 1})] {
        let author = author(unknown.clone());
        assert_eq!((author.followers, author.complete), (None, false), "{unknown}");
        assert!(author.profile.is_some(), "{unknown}");
    }
    let known = author(json!(7));
    assert_eq!((known.followers, known.complete), (Some(7), true));
}

#[test]
fn an_object_without_all_of_its_texts_is_not_complete() {
    assert!(read(&with("/user/description", Some(Value::Null))).author.complete, "null is known to be nothing");
    for key in ["description", "location", "url", "profile_image_url_https"] {
        assert!(!read(&with(&format!("/user/{key}"), None)).author.complete, "{key} is absent");
    }
}

#[test]
fn an_object_without_name_or_date_has_no_profile() {
    for key in ["screen_name", "name", "created_at"] {
        for value in [None, Some(Value::Null)] {
            let status = read(&with(&format!("/user/{key}"), value.clone()));
            assert_eq!(status.author.profile, None, "{key} {value:?}");
            assert_eq!(status.tweet_id.as_str(), "7", "the tweet is there all the same");
        }
    }
}

#[test]
fn whoever_is_embedded_is_read_too() {
    let mut retweet = status(7, 12, "jack", 1);
    let mut quoting = status(5, 6, "other", 0);
    quoting["quoted_status"] = status(3, 4, "third", 0);
    retweet["retweeted_status"] = quoting;
    retweet["quoted_status"] = status(2, 1, "first", 0);
    let status = read(&retweet);
    assert_eq!((status.tweet_id.as_str(), status.author.id.as_str()), ("7", "12"));
    let others: Vec<_> = status.others.iter().map(|user| user.id.as_str()).collect();
    assert_eq!(others, ["6", "4", "1"]);
}

#[test]
fn an_embedded_user_who_cannot_be_read_is_left_out() {
    for broken in [json!({}), json!({"user": null}), json!({"user": {"id_str": ""}}), json!({"user": {}})] {
        let status = read(&with("/retweeted_status", Some(broken.clone())));
        assert_eq!((status.tweet_id.as_str(), status.others.len()), ("7", 0), "{broken}");
    }
}

#[test]
fn a_deletion_carries_its_author() {
    let expected = Deletion { tweet_id: Id::new("7").unwrap(), user_id: Id::new("12").unwrap() };
    assert_eq!(parse(&deletion(7, 12)).unwrap(), Message::Deletion(expected));
}

#[test]
fn a_change_of_an_account_is_one_of_four() {
    let kinds = [
        ("user_delete", AccountChangeKind::Deleted, AccountState::Deactivated),
        ("user_undelete", AccountChangeKind::Undeleted, AccountState::Active),
        ("user_suspend", AccountChangeKind::Suspended, AccountState::Suspended),
        ("user_unsuspend", AccountChangeKind::Unsuspended, AccountState::Active),
    ];
    for (key, kind, state) in kinds {
        let at = "2015-05-21T17:09:13.548Z".parse().unwrap();
        let expected = AccountChange { user_id: Id::new("771136850").unwrap(), kind, at: Some(at) };
        assert_eq!(parse(&account(key, 771_136_850, 1_432_228_153_548)).unwrap(), Message::Account(expected));
        assert_eq!(kind.state(), state);
        let bare = json!({key: {"id": 1, "id_str": "2"}});
        let expected = AccountChange { user_id: Id::new("2").unwrap(), kind, at: None };
        assert_eq!(parse(&bare).unwrap(), Message::Account(expected), "text wins over a rounded number");
    }
}

#[test]
fn a_deletion_of_an_account_may_be_for_good() {
    let kind = |permanent: bool| {
        let parsed = parse(&json!({"user_delete": {"id": 1, "permanent": permanent}})).unwrap();
        let Message::Account(change) = parsed else { panic!("{parsed:?}") };
        change.kind
    };
    assert_eq!((kind(false), kind(true)), (AccountChangeKind::Deleted, AccountChangeKind::DeletedForGood));
}

#[test]
fn every_other_kind_is_told_apart() {
    let id = |text: &str| Id::new(text).unwrap();
    let countries = vec!["DE".to_owned(), "XY".to_owned()];
    let limit = json!({"limit": {"track": 1234}});
    assert_eq!(parse(&limit).unwrap(), Message::Limit { track: 1234 });
    let scrub = json!({"scrub_geo": {"user_id": 1, "user_id_str": "1", "up_to_status_id": 2}});
    assert_eq!(parse(&scrub).unwrap(), Message::GeoScrubbed { user_id: id("1") });
    let disconnect = json!({"disconnect": {"code": 4, "stream_name": "", "reason": "stall"}});
    assert_eq!(parse(&disconnect).unwrap(), Message::Disconnect { code: Some(4), reason: "stall".to_owned() });
    let warning = json!({"warning": {"code": "FALLING_BEHIND", "message": "slow", "percent_full": 60}});
    let (code, message) = ("FALLING_BEHIND".to_owned(), "slow".to_owned());
    assert_eq!(parse(&warning).unwrap(), Message::Warning { code, message, percent_full: Some(60) });
    let withheld = json!({"id": 1, "user_id": 2, "withheld_in_countries": ["DE", "XY"]});
    let expected = Message::StatusWithheld { tweet_id: id("1"), countries: countries.clone() };
    assert_eq!(parse(&json!({"status_withheld": withheld})).unwrap(), expected);
    let nested = json!({"status": {"id": 1}, "withheld_in_countries": ["DE", "XY"]});
    assert_eq!(parse(&json!({"status_withheld": nested})).unwrap(), expected, "as the compliance stream has it");
    let withheld = json!({"id": 2, "withheld_in_countries": ["DE", "XY"]});
    let expected = Message::UserWithheld { user_id: id("2"), countries };
    assert_eq!(parse(&json!({"user_withheld": withheld})).unwrap(), expected);
    let nested = json!({"user": {"id": 9, "id_str": "2"}, "withheld_in_countries": ["DE", "XY"]});
    assert_eq!(parse(&json!({"user_withheld": nested})).unwrap(), expected);
}

#[test]
fn kinds_to_come_are_unknown_whatever_stands_in_them() {
    let kind = |message: &Value| {
        let parsed = parse(message).unwrap();
        let Message::Unknown { kind } = parsed else { panic!("{parsed:?}") };
        kind
    };
    assert_eq!(kind(&json!({"something": "new"})), "something");
    assert_eq!(kind(&json!({"user": 12, "text": {}})).len(), 4, "known keys of another shape");
    assert_eq!(kind(&json!({"delete": {"direct_message": {"id": 1, "user_id": 2}}})), "delete");
    assert_eq!(kind(&json!({})), "");
    assert_eq!(kind(&json!({"x".repeat(1_000): 1})).len(), KIND_CHARS_MAX);
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
    check(&changed("/user", Some(Value::Null)), "field user: missing");
    check(&changed("/user", Some(json!(12))), "line 1 column");
    check(r#"{"user_delete":{"timestamp_ms":"1"}}"#, "field id: missing");
    check(r#"{"user_suspend":{"id":-1}}"#, "line 1 column");
}
