//! Transactions on Apache Kafka: what was aborted is not seen, and what is open hides what comes after it.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use user_info_core::Topic;
use user_info_log::{LogError, LogUrl, NewRecord, Offsets, PartitionEnd};

use crate::kafka::subject;
use crate::subject::{LIMIT, Subject, poll_until, read_to_ends, record_at, start, values};

fn end(partition: i32, offset: i64) -> PartitionEnd {
    PartitionEnd { topic: Topic::Likes, partition, offset }
}

#[test]
fn the_marks_of_transactions_take_offsets_and_the_end_lies_behind_them() {
    let subject = subject("marks");
    let mut producer = subject.transactional_producer("one");
    let first =
        producer.publish(&[record_at(Topic::Likes, 0, "1/1", "a"), record_at(Topic::Likes, 0, "1/1", "b")]).unwrap();
    let second = producer.publish(&[record_at(Topic::Likes, 0, "1/1", "c")]).unwrap();
    assert_eq!((first[1].offset, second[0].offset), (1, 3));
    let mut consumer = subject.consumer_from(&[start(Topic::Likes, 0, 0)]);
    let polled = poll_until(&mut consumer, "the end behind the last mark", |polled| polled.ends.contains(&end(0, 5)));
    assert_eq!(polled.records.iter().map(|record| record.offset).collect::<Vec<_>>(), [0, 1, 3]);
    assert_eq!(subject.log.offsets(Topic::Likes, 0).unwrap(), Offsets { start: 0, end: 5 });

    // From the mark itself on there is nothing but the end.
    let mut consumer = subject.consumer_from(&[start(Topic::Likes, 0, 4)]);
    let polled = read_to_ends(&mut consumer, 1);
    assert_eq!((polled.records.len(), polled.ends), (0, vec![end(0, 5)]));
}

#[test]
fn nothing_of_an_aborted_transaction_is_seen() {
    let subject = subject("aborted");
    let mut producer = subject.transactional_producer("one");
    let too_large = NewRecord { value: Some(vec![b'x'; 20 * 1024 * 1024]), ..record_at(Topic::Likes, 1, "1/2", "") };
    let refused_late = NewRecord { key: None, ..record_at(Topic::Likes, 1, "", "no key") };
    for bad in [too_large, refused_late] {
        let slice = [record_at(Topic::Likes, 0, "1/1", "aborted"), bad];
        let error = producer.publish(&slice).unwrap_err();
        assert!(matches!(error, LogError::RecordTooLarge { .. } | LogError::RecordRefused { .. }), "{error}");
        producer.publish(&[record_at(Topic::Likes, 0, "1/1", "committed")]).unwrap();
    }
    let read = subject.read(Topic::Likes);
    assert_eq!(values(&read), ["committed", "committed"]);
}

/// Leaves a transaction open, as a publisher that stopped answering does.
fn open_transaction(subject: &Subject) -> BaseProducer {
    let LogUrl::Kafka { bootstrap } = &subject.config.url else { panic!("a Kafka cluster was asked for") };
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("transactional.id", format!("{}stuck", subject.config.topic_names.name(Topic::Users)))
        .create()
        .unwrap();
    producer.init_transactions(LIMIT).unwrap();
    producer.begin_transaction().unwrap();
    let name = subject.config.topic_names.name(Topic::Likes);
    producer.send(BaseRecord::to(&name).partition(0).key("1/1").payload("open")).unwrap();
    producer.flush(LIMIT).unwrap();
    producer
}

#[test]
fn an_open_transaction_hides_what_comes_after_it_until_it_ends() {
    let subject = subject("open");
    subject.publish(&[record_at(Topic::Likes, 0, "1/1", "before")]);
    let open = open_transaction(&subject);
    subject.publish(&[record_at(Topic::Likes, 0, "1/1", "after")]);
    let mut consumer = subject.consumer_from(&[start(Topic::Likes, 0, 0)]);
    let polled = read_to_ends(&mut consumer, 1);
    assert_eq!((values(&polled.records), polled.ends), (vec!["before".into()], vec![end(0, 1)]));
    assert_eq!(subject.log.offsets(Topic::Likes, 0).unwrap(), Offsets { start: 0, end: 1 });
    assert!(consumer.poll(crate::subject::PLENTY, Duration::from_millis(300)).unwrap().is_empty());

    // A producer with the same id takes over, which ends what the first one left open.
    let _taken_over = subject.transactional_producer("stuck");
    let polled = poll_until(&mut consumer, "what came after", |polled| polled.ends.contains(&end(0, 4)));
    assert_eq!(values(&polled.records), ["after"]);
    drop(open);
}
