//! Topics of Apache Kafka that are not, or no longer, what the contract wants.

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::{Offset, TopicPartitionList};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use user_info_core::Topic;
use user_info_log::{Log, LogConfig, LogUrl, NewRecord, Offsets, Problem, TopicLayout};
use user_info_testkit::eventually;

use crate::kafka::{config, subject};
use crate::subject::{
    LIMIT, PARTITIONS, Subject, poll_until, read_records, read_to_ends, record, record_at, start, values,
};

/// Kafka's own administration, for what our log never does.
pub(crate) struct Admin(AdminClient<DefaultClientContext>);

impl Admin {
    pub(crate) fn new(config: &LogConfig) -> Self {
        let LogUrl::Kafka { bootstrap } = &config.url else { panic!("a Kafka cluster was asked for") };
        Self(ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap())
    }

    fn create(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        for (name, value) in settings {
            topic = topic.set(name, value);
        }
        let created = wait(self.0.create_topics([&topic], &options())).unwrap();
        created[0].as_ref().unwrap();
    }

    pub(crate) fn delete(&self, name: &str) {
        let deleted = wait(self.0.delete_topics(&[name], &options())).unwrap();
        deleted[0].as_ref().unwrap();
    }

    pub(crate) fn grow(&self, name: &str, partitions: usize) {
        let grown = wait(self.0.create_partitions([&NewPartitions::new(name, partitions)], &options())).unwrap();
        grown[0].as_ref().unwrap();
    }

    fn delete_records_before(&self, name: &str, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(name, partition, Offset::Offset(offset)).unwrap();
        wait(self.0.delete_records(&list, &options())).unwrap();
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(LIMIT)).operation_timeout(Some(LIMIT))
}

/// Asks again and again, which is good enough for a test.
fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
        assert!(Instant::now() < deadline, "Kafka does not answer");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn each_fault_of_a_topic_is_named_with_its_cure() {
    let config = config("each_fault");
    let admin = Admin::new(&config);
    let name = |topic| config.topic_names.name(topic);
    admin.create(&name(Topic::Users), 1, &[("cleanup.policy", "delete")]);
    admin.create(
        &name(Topic::Tweets),
        2,
        &[("cleanup.policy", "compact,delete"), ("delete.retention.ms", "604800000")],
    );
    admin.create(&name(Topic::Follows), 5, &[("cleanup.policy", "compact"), ("delete.retention.ms", "604799999")]);
    let stamped = [
        ("cleanup.policy", "compact"),
        ("delete.retention.ms", "999999999"),
        ("message.timestamp.type", "LogAppendTime"),
    ];
    admin.create(&name(Topic::Likes), 1, &stamped);
    admin.create(&name(Topic::Lists), 1, &[("cleanup.policy", "compact"), ("delete.retention.ms", "604800000")]);

    let log = Log::open(&config).unwrap();
    let problems: Vec<String> = log.check_topics().unwrap().iter().map(ToString::to_string).collect();
    for (problem, [topic, wrong, cure]) in problems.iter().zip([
        ["each_fault.users", "cleanup.policy is delete", "--add-config cleanup.policy=compact"],
        ["each_fault.users", "delete.retention.ms is 86400000", "--add-config delete.retention.ms=604800000"],
        ["each_fault.tweets", "cleanup.policy is compact,delete", "--entity-name each_fault.tweets"],
        ["each_fault.follows", "delete.retention.ms is 604799999", "--entity-name each_fault.follows"],
        [
            "each_fault.likes",
            "message.timestamp.type is LogAppendTime",
            "--add-config message.timestamp.type=CreateTime",
        ],
        ["each_fault.user-info-dead-letters", "does not exist", "user-info topics create"],
    ]) {
        assert!(problem.starts_with(&format!("topic {topic}: {wrong}")) && problem.contains(cure), "{problem}");
    }
    assert_eq!(problems.len(), 6, "{problems:#?}");

    let created = log.create_topics(TopicLayout { partitions: 4, replication: 1 }).unwrap();
    let new: Vec<String> = created.iter().filter(|created| !created.existed).map(ToString::to_string).collect();
    assert_eq!(new, ["topic each_fault.user-info-dead-letters: created"]);
    let partitions = Topic::ALL.map(|topic| log.describe(topic).unwrap().unwrap().partitions);
    assert_eq!(partitions, [1, 2, 5, 1, 1, 4]);
}

#[test]
fn an_impossible_layout_is_refused_with_kafkas_reason() {
    let log = Log::open(&config("impossible")).unwrap();
    let error = log.create_topics(TopicLayout { partitions: 1, replication: 3 }).unwrap_err();
    assert!(error.to_string().contains("cannot create topic impossible."), "{error}");
    assert!(error.to_string().to_lowercase().contains("replication"), "{error}");
}

#[test]
fn a_topic_created_anew_has_another_id() {
    let subject = subject("created_anew");
    let admin = Admin::new(&subject.config);
    let name = subject.config.topic_names.name(Topic::Users);
    let describe = || subject.log.describe(Topic::Users).unwrap();
    let before = describe().unwrap();
    assert_eq!(describe().unwrap(), before);
    admin.delete(&name);
    eventually(LIMIT, "the topic is gone", || describe().is_none());
    let settings = [("cleanup.policy", "compact"), ("delete.retention.ms", "604800000")];
    admin.create(&name, PARTITIONS, &settings);
    eventually(LIMIT, "the topic is there again", || describe().is_some());
    let after = describe().unwrap();
    assert_ne!(after.id, before.id);
    assert_eq!(after.settings, before.settings);
}

#[test]
fn a_topic_deleted_while_it_is_read_is_reported() {
    let subject = subject("deleted");
    subject.publish(&[record_at(Topic::Lists, 0, "1/1", "a")]);
    let mut consumer = subject.consumer_from(&[start(Topic::Lists, 0, 0), start(Topic::Likes, 0, 0)]);
    read_to_ends(&mut consumer, 2);
    Admin::new(&subject.config).delete(&subject.config.topic_names.name(Topic::Lists));
    let polled = poll_until(&mut consumer, "a report about the topic", |polled| {
        polled.problems.iter().any(|problem| matches!(problem, Problem::TopicGone { .. }))
    });
    assert!(matches!(polled.problems.last(), Some(Problem::TopicGone { topic: Topic::Lists, .. })), "{polled:?}");
    subject.publish(&[record_at(Topic::Likes, 0, "1/1", "goes on")]);
    assert_eq!(
        values(&poll_until(&mut consumer, "the other topic", |polled| !polled.records.is_empty()).records),
        ["goes on"]
    );
}

#[test]
fn more_partitions_show() {
    let subject = subject("grown");
    Admin::new(&subject.config).grow(&subject.config.topic_names.name(Topic::Users), 5);
    eventually(LIMIT, "the new partitions show", || {
        subject.log.describe(Topic::Users).unwrap().unwrap().partitions == 5
    });
    assert_eq!(subject.log.check_topics().unwrap(), []);
}

#[test]
fn a_position_below_what_was_deleted_is_reported_and_not_moved() {
    let config = config("deleted_records");
    let admin = Admin::new(&config);
    let name = config.topic_names.name(Topic::Users);
    // Kafka deletes records on demand only where they may be deleted at all.
    admin.create(&name, PARTITIONS, &[("cleanup.policy", "delete")]);
    let subject = Subject::open(config);
    let records: Vec<NewRecord> = (0..10).map(|number| record_at(Topic::Users, 0, "1", &number.to_string())).collect();
    subject.publish(&records);
    admin.delete_records_before(&name, 0, 4);
    assert_eq!(subject.log.offsets(Topic::Users, 0).unwrap(), Offsets { start: 4, end: 10 });
    let mut consumer = subject.consumer_from(&[start(Topic::Users, 0, 3)]);
    let polled = poll_until(&mut consumer, "the problem", |polled| !polled.problems.is_empty());
    assert!(
        matches!(polled.problems[..], [Problem::OutOfRange { topic: Topic::Users, partition: 0, .. }]),
        "{polled:?}"
    );
    assert_eq!(polled.records, []);
    consumer.assign(&[start(Topic::Users, 0, 4)]).unwrap();
    assert_eq!(values(&read_records(&mut consumer, 6))[0], "4");
}

#[test]
fn records_without_a_key_can_be_read_where_a_topic_took_them() {
    let config = config("without_key");
    Admin::new(&config).create(&config.topic_names.name(Topic::Users), PARTITIONS, &[("cleanup.policy", "delete")]);
    let subject = Subject::open(config);
    subject.publish(&[NewRecord { key: None, partition: Some(1), ..record(Topic::Users, "", "a") }]);
    let read = subject.read(Topic::Users);
    assert_eq!((&read[0].key, values(&read)), (&None, vec!["a".to_owned()]));
}
