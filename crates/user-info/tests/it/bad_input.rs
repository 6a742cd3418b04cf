//! Records that no service should publish: each becomes one dead letter, the last good fact stays in force, and the
//! partition goes on. Also when the server is killed on the way.

use std::collections::BTreeMap;

use user_info_core::topic::partition_of;
use user_info_core::{Key, Topic};
use user_info_log::{NewRecord, Record};

use crate::support::facts::{followed, id, tweeted, user};
use crate::support::kafka::{Admin, shared_broker};
use crate::support::replica::Replica;
use crate::support::turn;
use crate::support::waiting::until;
use crate::support::world::{PARTITIONS, World};

/// Kills in a row while bad records come in.
const KILLS: usize = 4;

/// A tweet of user 1 with this value.
fn tweet_with(tweet: &str, value: impl Into<Vec<u8>>) -> NewRecord {
    NewRecord::new(Topic::Tweets, format!("1/{tweet}"), Some(value.into()))
}

fn tweet_json(tweet: &str) -> String {
    String::from_utf8(tweeted("1", tweet).value.unwrap()).unwrap()
}

/// Bad records about tweets `t0`, `t1`, …, of which good ones came before, and the code of each.
fn bad_records() -> Vec<(&'static str, NewRecord)> {
    let json = tweet_json("t0");
    let nested = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let deep = tweet_json("t3").replace('}', &format!(",\"more\":{nested}}}"));
    let elsewhere = (partition_of(b"1/t6", PARTITIONS) + 1) % PARTITIONS;
    vec![
        ("malformed", tweet_with("t0", &json.as_bytes()[..json.len() / 2])),
        ("malformed", tweet_with("t1", tweet_json("t1").replace("\"a tweet\"", "17"))),
        ("value-too-long", tweet_with("t2", tweet_json("t2").replace("a tweet", &"x".repeat(10 * 1024 * 1024)))),
        ("malformed", tweet_with("t3", deep)),
        ("key-mismatch", tweet_with("t4", tweet_json("t5"))),
        ("unknown-type", tweet_with("t5", tweet_json("t5").replace("tweeted", "whistled"))),
        ("wrong-partition", NewRecord { partition: Some(elsewhere), ..tweeted("1", "t6") }),
        ("not-an-object", tweet_with("t7", "[1, 2]")),
        ("malformed", tweet_with("t8", [0xff, 0xfe, 0x00])),
        ("invalid-key", NewRecord::new(Topic::Tweets, "", Some(tweet_json("t0").into_bytes()))),
        ("invalid-key", NewRecord::new(Topic::Tweets, "no slash", Some(tweet_json("t0").into_bytes()))),
    ]
}

/// The dead letters by key, each with how often it was sent.
fn dead_letters(world: &World) -> BTreeMap<String, Vec<Record>> {
    let mut letters: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for record in world.read(Topic::DeadLetters) {
        let key = String::from_utf8(record.key.clone().unwrap()).unwrap();
        letters.entry(key).or_default().push(record);
    }
    letters
}

fn header<'a>(record: &'a Record, name: &str) -> &'a str {
    let found = record.headers.iter().find(|header| header.name == name);
    std::str::from_utf8(&found.unwrap_or_else(|| panic!("no header {name}: {:?}", record.headers)).value).unwrap()
}

/// Publishes bad records; what the key of each one's dead letter will be, and its code.
fn publish_bad(world: &World, bad: &[(&'static str, NewRecord)]) -> BTreeMap<String, &'static str> {
    let records: Vec<NewRecord> = bad.iter().map(|(_, record)| record.clone()).collect();
    let published = world.publish(&records);
    let origin = |(topic, it): (Topic, &user_info_log::Published)| format!("{topic}/{}/{}", it.partition, it.offset);
    let origins = bad.iter().map(|(_, record)| record.topic).zip(&published).map(origin);
    origins.zip(bad.iter().map(|(code, _)| *code)).collect()
}

/// Kafka takes a record without a key only while the topic is not compacted.
fn publish_without_key(world: &World, admin: &Admin) -> String {
    let name = world.name(Topic::Tweets);
    admin.set(&name, &[("cleanup.policy", "delete")]);
    let without_key = NewRecord { key: None, partition: Some(1), ..tweet_with("t0", tweet_json("t0").into_bytes()) };
    let published = until("the broker takes a record without a key", || {
        let log = world.log();
        let mut producer =
            log.producer(&user_info_log::ProducerConfig::default()).map_err(|error| error.to_string())?;
        producer.publish(std::slice::from_ref(&without_key)).map_err(|error| error.to_string())
    });
    admin.set(&name, &[]);
    format!("tweets/{}/{}", published[0].partition, published[0].offset)
}

fn until_outbox_is_empty(server: &Replica) {
    server.until_status("the dead letters are sent", |status| status["dead_letters_waiting"] == 0);
}

#[test]
fn bad_records_cost_nothing_and_none_is_lost() {
    let _turn = turn::shared();
    let broker = shared_broker();
    let world = World::on(&broker, "bad");
    let admin = Admin::of(&broker);
    let mut server = world.replica("store").started();
    let mut good = vec![user("1", "one")];
    good.extend((0..9).map(|number| tweeted("1", &format!("t{number}"))));
    world.publish_to(&server, &good);
    assert_eq!(server.counts("1")[0], 9);

    let bad = bad_records();
    let mut expected = publish_bad(&world, &bad);
    expected.insert(publish_without_key(&world, &admin), "missing-key");
    world.publish_to(&server, &[tweeted("1", "t9"), followed("1", "2")]);
    assert_eq!(server.counts("1"), [10, 1, 0, 0, 0], "the good facts are in force, and the partitions go on");
    assert!(server.phases().values().all(|phase| phase == "running"));

    until_outbox_is_empty(&server);
    let letters = dead_letters(&world);
    let found: BTreeMap<String, &str> =
        letters.iter().map(|(key, letters)| (key.clone(), header(&letters[0], "code"))).collect();
    assert_eq!(found, expected);
    for (key, sent) in &letters {
        assert_eq!(sent.len(), 1, "{key} was sent more than once");
        let letter = &sent[0];
        let origin = [header(letter, "topic"), header(letter, "partition"), header(letter, "offset")].join("/");
        assert_eq!(origin, *key);
        assert!(!header(letter, "reason").is_empty());
    }
    check_long_value(&letters, &expected);
    check_tainted(&server, &bad);
    check_kills_repeat_nothing(&world, &mut server, expected);
}

/// Of a long value the beginning is kept, and how long it was.
fn check_long_value(letters: &BTreeMap<String, Vec<Record>>, expected: &BTreeMap<String, &str>) {
    let (key, _) = expected.iter().find(|(_, code)| **code == "value-too-long").unwrap();
    let letter = &letters[key][0];
    let bytes: usize = header(letter, "value-bytes").parse().unwrap();
    assert!(bytes > 10 * 1024 * 1024);
    let kept = letter.value.as_ref().unwrap().len();
    assert!((1_000..1024 * 1024).contains(&kept), "{kept} bytes are kept");
}

/// `/status` names the keys whose newest record is bad.
fn check_tainted(server: &Replica, bad: &[(&str, NewRecord)]) {
    let status = server.status();
    let mut named: Vec<&str> =
        status["tainted"]["keys"].as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap()).collect();
    named.sort_unstable();
    let keys = bad.iter().map(|(_, record)| record.key.clone().unwrap());
    let mut keys: Vec<String> =
        keys.filter(|key| Key::parse(Topic::Tweets, key).is_ok()).map(|key| String::from_utf8(key).unwrap()).collect();
    keys.sort_unstable();
    assert_eq!(named, keys, "{status}");
}

/// A server that is killed between writing and sending sends again under the same key.
fn check_kills_repeat_nothing(world: &World, server: &mut Replica, mut expected: BTreeMap<String, &'static str>) {
    for round in 0..KILLS {
        let bad: Vec<(&str, NewRecord)> = (0..20)
            .map(|number| ("unknown-type", tweet_with(&format!("k{round}-{number}"), r#"{"type":"whistled"}"#)))
            .collect();
        let position = server.positions();
        expected.extend(publish_bad(world, &bad));
        until(
            "some of them are read",
            || {
                if server.positions() == position { Err(position.to_string()) } else { Ok(()) }
            },
        );
        server.kill();
        server.start();
    }
    world.publish_to(server, &[tweeted("1", "k0-0"), user(id("3").as_str(), "three")]);
    until_outbox_is_empty(server);
    let found: BTreeMap<String, String> =
        dead_letters(world).into_iter().map(|(key, letters)| (key, header(&letters[0], "code").to_owned())).collect();
    let expected: BTreeMap<String, String> = expected.into_iter().map(|(key, code)| (key, code.to_owned())).collect();
    assert_eq!(found, expected);
    assert_eq!(server.counts("1"), [11, 1, 0, 0, 0], "a good fact clears the taint of its key");
    let status = server.status();
    let named = status["tainted"]["keys"].as_array().unwrap();
    assert!(named.iter().all(|it| it["key"] != "1/k0-0"), "{status}");
    server.stop();
    assert_eq!(world.audit_store("store").with_status(0).json()["differences"], 0);
}
