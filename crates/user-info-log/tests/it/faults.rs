//! Apache Kafka that is killed, restarted or frozen: readers go on by themselves, publishers fail and work again.

use std::time::{Duration, Instant};

use user_info_core::Topic;
use user_info_log::{LogConfig, LogError, Problem, ProducerConfig};
use user_info_testkit::{BrokerConfig, KafkaBroker, eventually};

use crate::kafka::config_of;
use crate::subject::{LIMIT, PLENTY, Subject, poll_until, read_records, read_to_ends, record_at, start, values};

/// Soon enough for a test that waits for a delivery to fail.
const DELIVERY_TIMEOUT: (&str, &str) = ("delivery.timeout.ms", "3000");

fn subject(broker: &KafkaBroker) -> Subject {
    let (name, value) = DELIVERY_TIMEOUT;
    Subject::open(LogConfig { kafka_options: vec![(name.into(), value.into())], ..config_of(broker, "faults") })
}

#[test]
fn a_killed_broker_interrupts_and_breaks_nothing() {
    let mut broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
    let subject = subject(&broker);
    let mut consumer = subject.consumer(Topic::Likes);
    let mut producer = subject.producer();
    producer.publish(&[record_at(Topic::Likes, 0, "1/1", "before")]).unwrap();
    assert_eq!(values(&read_records(&mut consumer, 1)), ["before"]);

    broker.kill().unwrap();
    let polled = poll_until(&mut consumer, "a report that the cluster is away", |polled| !polled.problems.is_empty());
    assert!(matches!(polled.problems[..], [Problem::Unavailable { .. }]), "{polled:?}");
    polls_do_not_spin(&mut consumer);
    let error = producer.publish(&[record_at(Topic::Likes, 0, "1/1", "lost")]).unwrap_err();
    assert!(matches!(error, LogError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("Connection refused"), "{error}");
    assert!(matches!(subject.log.describe(Topic::Likes).unwrap_err(), LogError::Unavailable { .. }));

    broker.restart().unwrap();
    producer.publish(&[record_at(Topic::Likes, 0, "1/1", "after")]).unwrap();
    let polled = poll_until(&mut consumer, "the record after", |polled| !polled.records.is_empty());
    assert_eq!(values(&polled.records), ["after"]);
    assert!(polled.problems.iter().all(|problem| matches!(problem, Problem::Unavailable { .. })), "{polled:?}");
    assert!(subject.log.describe(Topic::Likes).unwrap().is_some());
}

/// A poll with nothing to tell waits for its whole time, and there is little to tell of a cluster that stays away.
fn polls_do_not_spin(consumer: &mut user_info_log::Consumer) {
    let wait = Duration::from_millis(200);
    let mut told = 0;
    for _ in 0..10 {
        let began = Instant::now();
        let polled = consumer.poll(PLENTY, wait).unwrap();
        assert!(!polled.is_empty() || began.elapsed() >= wait, "a poll with nothing took {:?}", began.elapsed());
        told += polled.problems.len();
    }
    assert!(told <= 3, "{told} problems in two seconds");
}

#[test]
fn a_frozen_broker_is_waited_for() {
    let mut broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
    let subject = subject(&broker);
    let mut consumer = subject.consumer(Topic::Likes);
    let mut producer = subject.producer();
    producer.publish(&[record_at(Topic::Likes, 0, "1/1", "before")]).unwrap();
    read_to_ends(&mut consumer, 3);

    broker.pause().unwrap();
    polls_do_not_spin(&mut consumer);
    let error = producer.publish(&[record_at(Topic::Likes, 0, "1/1", "maybe")]).unwrap_err();
    assert!(matches!(error, LogError::Unavailable { .. }), "{error}");
    broker.resume().unwrap();

    eventually(LIMIT, "publishing works again", || {
        producer.publish(&[record_at(Topic::Likes, 0, "1/1", "after")]).is_ok()
    });
    let polled =
        poll_until(&mut consumer, "the record after", |polled| values(&polled.records).contains(&"after".into()));
    let read = values(&polled.records);
    let once = |value: &str| read.iter().filter(|found| *found == value).count() <= 1;
    assert!(once("maybe"), "what may or may not be in the log is there once at most: {read:?}");
}

#[test]
fn a_transaction_that_a_killed_broker_interrupted_is_seen_whole_or_not_at_all() {
    let mut broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
    let mut subject = subject(&broker);
    // The time-outs of transactions are their own.
    subject.config.kafka_options = vec![("transaction.timeout.ms".into(), "3000".into())];
    subject.log = user_info_log::Log::open(&subject.config).unwrap();
    let transactional = ProducerConfig { transactional_id: Some("one".into()) };
    let mut producer = subject.log.producer(&transactional).unwrap();
    let slice = |value: &str| [record_at(Topic::Likes, 0, "1/1", value), record_at(Topic::Likes, 1, "1/2", value)];
    producer.publish(&slice("before")).unwrap();

    broker.kill().unwrap();
    producer.publish(&slice("interrupted")).unwrap_err();
    broker.restart().unwrap();
    eventually(LIMIT, "publishing works again", || producer.publish(&slice("after")).is_ok());
    let mut producer = subject.log.producer(&transactional).unwrap();
    producer.publish(&slice("last")).unwrap();

    let mut consumer = subject.consumer_from(&[start(Topic::Likes, 0, 0), start(Topic::Likes, 1, 0)]);
    let polled = poll_until(&mut consumer, "the last transaction", |polled| {
        polled.records.iter().filter(|record| record.value.as_deref() == Some(b"last")).count() == 2
    });
    let of_partition = |partition| {
        values(&polled.records.iter().filter(|record| record.partition == partition).cloned().collect::<Vec<_>>())
    };
    assert_eq!(of_partition(0), of_partition(1));
    assert_eq!(of_partition(0), ["before", "after", "last"]);
}
