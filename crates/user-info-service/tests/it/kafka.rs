//! The service on a real Kafka: what only a broker does, which is to lack a topic, to leave marks of transactions, to send
//! without a pause, and to go away.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use user_info_core::Topic;
use user_info_log::{Log, LogConfig, LogError, LogUrl, NewRecord, ProducerConfig, TopicLayout, TopicNames};
use user_info_service::ServiceConfig;
use user_info_store::{MemoryStore, Store};
use user_info_testkit::{BrokerConfig, KafkaBroker, eventually};

use crate::facts::{tweeted, user};
use crate::rebuild::rebuild_from;
use crate::server::{LIMIT, PARTITIONS, Server, config, publish};

/// The largest record that the broker of these tests takes, less than what a client sends.
const RECORD_BYTES_MAX: usize = 1_000_000;

fn open(broker: &KafkaBroker, topic_names: TopicNames) -> Log {
    let url = LogUrl::Kafka { bootstrap: broker.bootstrap() };
    // Compressed, no record would be too large.
    let kafka_options = vec![("compression.codec".to_owned(), "none".to_owned())];
    Log::open(&LogConfig { url, topic_names, kafka_options, client_id: "user-info-test".into() }).unwrap()
}

/// A log with topics of its own.
fn log(broker: &KafkaBroker, prefix: &str) -> Log {
    let log = open(broker, TopicNames::default().with_prefix(prefix));
    create_topics(&log);
    log
}

fn create_topics(log: &Log) {
    log.create_topics(TopicLayout { partitions: PARTITIONS, replication: 1 }).unwrap();
}

fn memory() -> Store {
    Store::Memory(MemoryStore::default())
}

#[test]
fn on_a_real_kafka() {
    let properties = vec![("message.max.bytes".to_owned(), RECORD_BYTES_MAX.to_string())];
    let mut broker = KafkaBroker::start(&BrokerConfig { properties, ..BrokerConfig::default() }).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| a_missing_topic_does_not_hold_up_the_others(&broker));
        scope.spawn(|| ends_are_reached_behind_the_marks_of_transactions(&broker));
        scope.spawn(|| completeness_is_reached_although_records_keep_coming(&broker));
    });
    an_outage_is_survived(&mut broker);
}

fn a_missing_topic_does_not_hold_up_the_others(broker: &KafkaBroker) {
    drop(log(broker, "missing."));
    // The first topic that is asked about.
    let late = open(broker, TopicNames::default().with_prefix("missing.").with_name(Topic::Users, "missing.late"));
    let server = Server::start(config(), &late, memory());
    for topic in &Topic::FACTS[1..] {
        eventually(LIMIT, "the other topics are read", || server.topic_status(*topic)["phase"] == "running");
    }
    assert_eq!(server.topic_status(Topic::Users)["phase"], "starting");
    server.get("/users/1").check_problem(503, "not-caught-up");
    create_topics(&late);
    server.until_status("/users/1", 404);
}

fn ends_are_reached_behind_the_marks_of_transactions(broker: &KafkaBroker) {
    let log = log(broker, "transactions.");
    let store = memory();
    // A report in which the end is ahead of the position comes between any two records.
    let often = ServiceConfig { watch_interval: std::time::Duration::from_millis(5), ..config() };
    let server = Server::start(often, &log, store.clone());
    for round in 0..5 {
        let transactional_id = Some("transactions".to_owned());
        let mut producer = log.producer(&ProducerConfig { transactional_id }).unwrap();
        producer.publish(&[user("1"), user("2"), tweeted("1", &format!("{round}"))]).unwrap();
        server.until_caught_up(&log);
        let mut refused: Vec<NewRecord> = (10..30).map(|number| user(&number.to_string())).collect();
        refused.push(NewRecord::new(Topic::Users, "too-large", Some(vec![b' '; RECORD_BYTES_MAX + 1])));
        let error = producer.publish(&refused).unwrap_err();
        assert!(matches!(error, LogError::RecordTooLarge { .. }), "{error}");
        server.until_caught_up(&log);
    }
    assert_eq!(server.get("/users/1").json()["tweet_count"], 5);
    assert_eq!(server.get("/users/10").status, 404);
    assert_eq!(server.metrics.records_read(), 15);
    assert_eq!(server.get("/users/1").header("user-info-age-ms"), Some("0"));
    server.stop().unwrap();
    // Positions behind the marks are positions like any other.
    let server = Server::start(config(), &log, store);
    server.until_caught_up(&log);
    assert_eq!(server.metrics.records_read(), 0);
}

/// More than one record for each fetch: the client never finds itself at the end.
fn completeness_is_reached_although_records_keep_coming(broker: &KafkaBroker) {
    let log = log(broker, "flow.");
    let published = AtomicU64::new(0);
    let done = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = log.producer(&ProducerConfig::default()).unwrap();
            while done.load(Ordering::Relaxed) == 0 {
                // One key, one partition.
                producer.publish(&vec![tweeted("1", "10"); 50]).unwrap();
                published.fetch_add(50, Ordering::Relaxed);
            }
        });
        let checked = thread::Builder::new().spawn_scoped(scope, || {
            eventually(LIMIT, "the flow has begun", || published.load(Ordering::Relaxed) > 1_000);
            let server = Server::start(config(), &log, memory());
            server.until_ready();
            let before = published.load(Ordering::Relaxed);
            eventually(LIMIT, "the flow goes on", || published.load(Ordering::Relaxed) > before);
            rebuild_from(&log, &memory()).unwrap();
        });
        let checked = checked.unwrap().join();
        done.store(1, Ordering::Relaxed);
        checked.unwrap();
    });
}

fn an_outage_is_survived(broker: &mut KafkaBroker) {
    let log = log(broker, "outage.");
    let server = Server::start(config(), &log, memory());
    publish(&log, &[user("1")]);
    server.until_caught_up(&log);
    assert_eq!(server.get("/users/1").header("user-info-age-ms"), Some("0"));

    broker.kill().unwrap();
    let age_ms = || server.get("/users/1").header("user-info-age-ms").unwrap().parse::<u64>().unwrap();
    eventually(LIMIT, "the data ages", || age_ms() > 500);
    assert_eq!(server.get("/users/1").status, 200);
    assert_eq!(server.get("/users/2").status, 404);
    assert_eq!(server.admin("/ready").status, 200);
    assert_eq!(server.status()["caught_up"], true);
    assert!(server.errors.list().iter().any(|error| error.message.contains("the log is away")));
    assert_eq!(server.status()["log_answers"], false);
    let page = server.admin("/");
    assert!(page.text().contains("<title>Not healthy · user-info</title>"), "{}", page.text());
    assert!(page.text().contains("The log does not answer. Users are answered from the last state, which is "));

    broker.restart().unwrap();
    publish(&log, &[user("2"), tweeted("1", "10")]);
    server.until_caught_up(&log);
    eventually(LIMIT, "the data is current again", || age_ms() == 0);
    assert_eq!(server.get("/users/2").status, 200);
    assert_eq!(server.get("/users/1").json()["tweet_count"], 1);
    assert!(!server.view.load().is_halted());
    eventually(LIMIT, "the page says that all is well", || {
        server.admin("/").text().contains("<title>Healthy · user-info</title>")
    });
}
