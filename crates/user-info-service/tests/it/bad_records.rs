//! Bad records cost nothing: each becomes one dead letter, the last good fact stays in force, and the partition goes on.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use user_info_core::Topic;
use user_info_core::topic::partition_of;
use user_info_log::{NewRecord, Record};
use user_info_service::ServiceConfig;
use user_info_service::ingest::IngestLimits;
use user_info_testkit::eventually;

use crate::facts::{bad, tweeted, user, user_named};
use crate::server::{LIMIT, PARTITIONS, Server, World, config};

fn until_sent(server: &Server) {
    eventually(LIMIT, "the dead letters are sent", || server.status()["dead_letters_waiting"] == 0);
}

/// Dead letters by their key, each of which must be there once.
fn letters(world: &World) -> BTreeMap<String, Record> {
    let records = world.dead_letters();
    let count = records.len();
    let by_key = records.into_iter().map(|record| (String::from_utf8(record.key.clone().unwrap()).unwrap(), record));
    let letters: BTreeMap<String, Record> = by_key.collect();
    assert_eq!(letters.len(), count, "a dead letter was sent twice");
    letters
}

fn headers(record: &Record) -> BTreeMap<&str, &[u8]> {
    record.headers.iter().map(|header| (header.name.as_str(), header.value.as_slice())).collect()
}

#[test]
fn each_bad_record_becomes_one_dead_letter_that_says_what_and_where() {
    let world = World::new();
    let server = world.start();
    let elsewhere = (partition_of(b"1", PARTITIONS) + 1) % PARTITIONS;
    let sent = [
        (bad(Topic::Users, "1"), "malformed"),
        (NewRecord::new(Topic::Users, "1", Some(b"[]".to_vec())), "not-an-object"),
        (
            NewRecord { key: Some(b"2".to_vec()), partition: Some(partition_of(b"2", PARTITIONS)), ..user("1") },
            "key-mismatch",
        ),
        (NewRecord { partition: Some(elsewhere), ..user("1") }, "wrong-partition"),
        (NewRecord::new(Topic::Likes, "no slash", Some(b"{}".to_vec())), "invalid-key"),
        (NewRecord::new(Topic::Lists, b"\xff/1".to_vec(), None), "invalid-key"),
        (NewRecord::new(Topic::Tweets, "1/10", Some(b"{\"type\":\"retweeted\"}".to_vec())), "unknown-type"),
    ];
    let records: Vec<NewRecord> = sent.iter().map(|(record, _)| record.clone()).collect();
    let published = world.publish(&records);
    server.until_caught_up(&world.log);
    until_sent(&server);
    let letters = letters(&world);
    assert_eq!(letters.len(), sent.len());
    for ((record, code), published) in sent.iter().zip(&published) {
        let key = format!("{}/{}/{}", record.topic, published.partition, published.offset);
        let letter = &letters[&key];
        let headers = headers(letter);
        let value = record.value.clone().unwrap_or_default();
        assert_eq!(letter.value.as_ref(), Some(&value), "{key}");
        assert_eq!(headers["code"], code.as_bytes(), "{key}");
        assert_eq!(headers["topic"], record.topic.name().as_bytes());
        assert_eq!(headers["partition"], published.partition.to_string().as_bytes());
        assert_eq!(headers["offset"], published.offset.to_string().as_bytes());
        assert_eq!(headers["timestamp-ms"], published.timestamp_ms.to_string().as_bytes());
        assert_eq!(headers["value-bytes"], value.len().to_string().as_bytes());
        let digest: String = Sha256::digest(&value).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(headers["value-sha256"], digest.as_bytes());
        assert_eq!(headers.get("key").copied(), record.key.as_deref());
        assert_eq!(headers.contains_key("value-null"), record.value.is_none());
        assert!(!headers["reason"].is_empty());
    }
}

#[test]
fn dead_letters_are_sent_once_also_when_the_service_starts_again() {
    let world = World::new();
    let server = world.start();
    world.publish(&(0..200).map(|number| bad(Topic::Users, &number.to_string())).collect::<Vec<_>>());
    server.until_caught_up(&world.log);
    until_sent(&server);
    server.stop().unwrap();
    let server = world.start();
    world.publish(&[bad(Topic::Users, "200")]);
    server.until_caught_up(&world.log);
    until_sent(&server);
    assert_eq!(letters(&world).len(), 201);
}

#[test]
fn dead_letters_left_by_a_stop_are_sent_by_the_next_start() {
    let world = World::new();
    let store = world.open_store();
    let letter = user_info_store::DeadLetter {
        origin: user_info_store::Origin { topic: Topic::Users, partition: 1, offset: 7 },
        timestamp_ms: 5,
        key: None,
        value: Some(b"left".to_vec()),
        value_bytes: 4,
        value_sha256: [0; 32],
        code: "missing-key".into(),
        reason: "the record has no key".into(),
    };
    store.apply(&user_info_store::Batch { dead_letters: vec![letter], ..Default::default() }).unwrap();
    drop(store);
    let server = world.start();
    until_sent(&server);
    assert_eq!(letters(&world)["users/1/7"].value.as_deref(), Some(&b"left"[..]));
}

/// The keys that `/status` calls tainted.
fn tainted(server: &Server) -> Vec<(String, String)> {
    let status = server.status();
    let keys = status["tainted"]["keys"].as_array().unwrap();
    assert_eq!(status["tainted"]["count"], keys.len());
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    keys.iter().map(|key| (text(&key["topic"]), text(&key["key"]))).collect()
}

#[test]
fn the_last_good_fact_stays_in_force_and_the_key_is_tainted_until_the_next() {
    let world = World::new();
    let server = world.start();
    world.publish(&[user_named("1", "Ada"), tweeted("1", "10")]);
    let published = world.publish(&[bad(Topic::Users, "1"), bad(Topic::Tweets, "1/10"), user("2")]);
    server.until_caught_up(&world.log);
    let answer = server.get("/users/1").json();
    assert_eq!((&answer["username"], &answer["tweet_count"]), (&"Ada".into(), &1.into()));
    assert_eq!(server.get("/users/2").status, 200);
    let named = |topic: &str, key: &str| (topic.to_owned(), key.to_owned());
    assert_eq!(tainted(&server), [named("users", "1"), named("tweets", "1/10")]);
    let first = &server.status()["tainted"]["keys"][0];
    assert_eq!(first["dead_letter"], format!("users/{}/{}", published[0].partition, published[0].offset));

    // They stay named over a restart.
    server.stop().unwrap();
    let server = world.start();
    server.until_caught_up(&world.log);
    assert_eq!(tainted(&server).len(), 2);
    assert!(server.admin("/metrics").text().contains("user_info_tainted_keys 2\n"));

    world.publish(&[user_named("1", "Bea")]);
    server.until_caught_up(&world.log);
    assert_eq!(tainted(&server), [named("tweets", "1/10")]);
    assert_eq!(server.get("/users/1").json()["username"], "Bea");
    world.publish(&[NewRecord::new(Topic::Tweets, "1/10", None)]);
    server.until_caught_up(&world.log);
    assert_eq!(tainted(&server), []);
    assert!(server.admin("/metrics").text().contains("user_info_tainted_keys 0\n"));
}

fn strict(bad_in_a_row_max: u64) -> ServiceConfig {
    ServiceConfig { ingest: IngestLimits { bad_in_a_row_max, ..IngestLimits::default() }, ..config() }
}

#[test]
fn too_many_in_a_row_halt_their_topic_while_the_others_and_reads_go_on() {
    let world = World::new();
    let server = world.start_with(strict(5));
    world.publish(&[user_named("1", "Ada")]);
    server.until_caught_up(&world.log);
    // One key, so one partition: the order is the order of publishing.
    let mut flood = vec![bad(Topic::Users, "1"); 8];
    flood.push(user_named("1", "Bea"));
    world.publish(&flood);
    eventually(LIMIT, "the topic halts", || server.view.load().is_halted());
    world.publish(&[tweeted("1", "10")]);
    eventually(LIMIT, "other topics go on", || server.get("/users/1").json()["tweet_count"] == 1);
    assert_eq!(server.get("/users/1").json()["username"], "Ada");
    assert_eq!(server.admin("/ready").status, 200);

    let status = server.topic_status(Topic::Users);
    assert_eq!((&status["phase"], &status["code"]), (&"halted".into(), &"bad-records".into()));
    assert!(status["reason"].as_str().unwrap().starts_with("5 bad records in a row"));
    assert!(status["way_out"].as_str().unwrap().contains("mend the producer"));
    assert_eq!(server.topic_status(Topic::Tweets)["phase"], "running");
    assert!(server.admin("/metrics").text().contains("user_info_halted{topic=\"users\"} 1\n"));
    let status = server.status();
    assert_eq!((&status["caught_up"], &status["ready"]), (&false.into(), &true.into()));
    until_sent(&server);
    assert_eq!(letters(&world).len(), 5);

    // Restarted, and the bad ones are over: it goes on where it halted.
    server.stop().unwrap();
    let server = world.start_with(strict(5));
    server.until_caught_up(&world.log);
    assert_eq!(server.get("/users/1").json()["username"], "Bea");
    until_sent(&server);
    assert_eq!(letters(&world).len(), 8);
}
