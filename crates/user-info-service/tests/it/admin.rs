//! The operator's address: `/health`, `/ready` and `/status`.

use user_info_core::Topic;

use crate::facts::{bad, user};
use crate::server::{PARTITIONS, World};

#[test]
fn a_service_is_healthy_before_it_is_ready() {
    let world = World::without_topics();
    let server = world.start();
    let health = server.admin("/health");
    assert_eq!((health.status, health.text()), (200, "ok\n"));
    let ready = server.admin("/ready");
    assert_eq!((ready.status, ready.text()), (503, "not ready: the topics have not been read to their end yet\n"));
    let status = server.status();
    assert_eq!(status["ready"], false);
    assert_eq!(status["not_ready_because"], "the topics have not been read to their end yet");

    world.create_topics();
    server.until_ready();
    assert_eq!(server.admin("/ready").text(), "ready\n");
    let status = server.status();
    assert_eq!(status["ready"], true);
    assert_eq!(status.get("not_ready_because"), None);
}

#[test]
fn the_operators_endpoints_are_not_public_and_take_nothing_but_get() {
    let world = World::new();
    let server = world.start();
    for path in ["/health", "/ready", "/status", "/metrics"] {
        server.get(path).check_problem(404, "no-such-path");
        let posted = crate::http::Connection::open(server.admin).request("POST", path, &[]);
        assert_eq!(posted.status, 405, "{path}");
    }
    assert_eq!(server.admin("/users/1").status, 404);
}

fn keys(value: &serde_json::Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_status_says_where_everything_stands() {
    let world = World::new();
    let server = world.start();
    world.publish(&[user("1"), user("2"), bad(Topic::Users, "2"), user("3")]);
    server.until_caught_up(&world.log);
    let status = server.status();
    let expected = [
        "age_ms",
        "caught_up",
        "dead_letters_waiting",
        "last_errors",
        "log_answers",
        "ready",
        "started_at_ms",
        "store",
        "tainted",
        "topics",
        "version",
    ];
    assert_eq!(keys(&status), expected);
    assert_eq!((&status["caught_up"], &status["age_ms"]), (&true.into(), &0.into()));
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        keys(&status["store"]),
        ["bytes", "decoder_version", "format_version", "generation", "memory_bytes", "users_estimated"]
    );
    assert_eq!(status["tainted"]["count"], 1);
    let tainted = &status["tainted"]["keys"][0];
    assert_eq!(keys(tainted), ["dead_letter", "key", "reason", "topic"]);
    assert_eq!((&tainted["topic"], &tainted["key"]), (&"users".into(), &"2".into()));

    let topics = status["topics"].as_array().unwrap();
    let names: Vec<&str> = topics.iter().map(|topic| topic["topic"].as_str().unwrap()).collect();
    assert_eq!(names, Topic::FACTS.map(Topic::name));
    for topic in topics {
        assert_eq!(keys(topic), ["partitions", "phase", "topic", "topic_id"]);
        assert_eq!(topic["phase"], "running");
        let partitions = topic["partitions"].as_array().unwrap();
        assert_eq!(partitions.len(), PARTITIONS as usize);
        for (number, partition) in partitions.iter().enumerate() {
            let expected =
                ["at_end", "caught_up_at_ms", "end", "lag", "last_timestamp_ms", "owned", "partition", "position"];
            assert_eq!(keys(partition), expected);
            assert_eq!(partition["partition"], number);
            assert_eq!((&partition["lag"], &partition["at_end"]), (&0.into(), &true.into()));
            assert!(partition["caught_up_at_ms"].is_i64());
        }
    }
    let described = world.log.describe(Topic::Users).unwrap().unwrap();
    assert_eq!(topics[0]["topic_id"], described.id.0);
    let positions = |topic: &serde_json::Value| {
        topic["partitions"].as_array().unwrap().iter().map(|it| it["position"].as_i64().unwrap()).sum::<i64>()
    };
    assert_eq!(positions(&topics[0]), 4);
}

#[test]
fn what_is_missing_is_said_once_and_counted() {
    let world = World::without_topics();
    let server = world.start();
    user_info_testkit::eventually(crate::server::LIMIT, "every topic was missed twice", || {
        let errors = server.errors.list();
        errors.len() == Topic::FACTS.len() && errors.iter().all(|error| error.times >= 2)
    });
    let status = server.status();
    let errors = status["last_errors"].as_array().unwrap();
    assert_eq!(errors.len(), Topic::FACTS.len());
    for error in errors {
        assert_eq!(keys(error), ["about", "at_ms", "message", "times"]);
        assert!(error["message"].as_str().unwrap().contains("user-info topics create"));
    }
    for topic in status["topics"].as_array().unwrap() {
        assert_eq!(topic["phase"], "starting");
        assert_eq!(topic["reason"], "waiting for the topic to be created (`user-info topics create`)");
        assert_eq!(topic["partitions"], serde_json::json!([]));
    }
}
