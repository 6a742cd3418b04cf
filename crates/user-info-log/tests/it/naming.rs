//! URLs of logs, names of topics, and what of them is refused.

use user_info_core::Topic;
use user_info_log::{Log, LogError, LogUrl, TopicNames};

use crate::subject::embedded_config;

#[test]
fn urls_read_as_they_are_written() {
    let kafka = |bootstrap: &str| LogUrl::Kafka { bootstrap: bootstrap.into() };
    let embedded = |path: &str| LogUrl::Embedded { path: path.into() };
    for (text, wanted) in [
        ("kafka://localhost:9092", kafka("localhost:9092")),
        ("kafka://a:1,b.example:65535,c", kafka("a:1,b.example:65535,c")),
        ("kafka://[::1]:9092,[fe80::1]", kafka("[::1]:9092,[fe80::1]")),
        ("embedded:log", embedded("log")),
        ("embedded:./a b/log", embedded("./a b/log")),
        ("embedded:/var/lib/log", embedded("/var/lib/log")),
    ] {
        let url: LogUrl = text.parse().unwrap();
        assert_eq!(url, wanted);
        assert_eq!(url.to_string(), text);
    }
    assert_eq!("kafka://a:1/".parse::<LogUrl>().unwrap(), kafka("a:1"));
}

#[test]
fn wrong_urls_say_what_is_right() {
    for (text, reason) in [
        ("", "expected kafka://HOST:PORT,… or embedded:DIR"),
        ("kafka:localhost", "expected kafka://"),
        ("localhost:9092", "expected kafka://"),
        ("kafka://", "each broker needs a host"),
        ("kafka://a:1,,b:1", "each broker needs a host"),
        ("kafka://:9092", "each broker needs a host"),
        ("kafka://a:port", "a port is a number from 1 to 65535"),
        ("kafka://a:0", "a port is a number"),
        ("kafka://a:65536", "a port is a number"),
        ("kafka://a:1/topic", "nothing may follow"),
        ("kafka://a:1, b:1", "no spaces"),
        ("kafka://user:secret@a:1", "sasl.username"),
        ("embedded:", "a directory must follow"),
        ("embedded://log", "without slashes"),
    ] {
        let error = text.parse::<LogUrl>().unwrap_err();
        assert!(matches!(error, LogError::InvalidUrl { .. }), "{text}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn names_are_found_both_ways() {
    let names = TopicNames::default();
    assert_eq!(Topic::ALL.map(|topic| names.name(topic)), Topic::ALL.map(|topic| topic.name().to_owned()));
    let names = names.with_prefix("prod.").with_name(Topic::Likes, "favourites");
    assert_eq!(names.name(Topic::Users), "prod.users");
    assert_eq!(names.name(Topic::Likes), "favourites");
    assert_eq!(names.topic("prod.follows"), Some(Topic::Follows));
    assert_eq!(names.topic("favourites"), Some(Topic::Likes));
    assert_eq!(names.topic("prod.likes"), None);
}

#[test]
fn names_that_kafka_would_refuse_are_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let open = |names: TopicNames| {
        let config = embedded_config(directory.path().join("log"));
        Log::open(&user_info_log::LogConfig { topic_names: names, ..config })
    };
    let named = |name: &str| TopicNames::default().with_name(Topic::Likes, name);
    for (names, reason) in [
        (named(""), "\"\" must be 1 to 249"),
        (named("a b"), "\"a b\" must be"),
        (named("ü"), "must be"),
        (named(".."), "must be"),
        (named("a\0"), "must be"),
        (TopicNames::default().with_prefix(&"x".repeat(240)), "must be"),
        (named("users"), "two topics are called \"users\""),
    ] {
        let error = open(names).unwrap_err();
        assert!(matches!(error, LogError::InvalidOption { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    open(named("a.B_c-1")).unwrap();
}
