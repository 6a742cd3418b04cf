//! What every log promises. Each test takes a log with empty topics; [`contract_tests`] runs all of them on one backend.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use user_info_core::topic::partition_of;
use user_info_core::{Fact, Id, Key, Topic};
use user_info_log::{
    Header, LogError, NewRecord, Offsets, PartitionEnd, PollLimits, Polled, Problem, Published, Record, TopicLayout,
};

use crate::subject::{
    LIMIT, PARTITIONS, PLENTY, Subject, now_ms, poll_until, poll_with, read_records, read_to_ends, record, record_at,
    start, values,
};

/// Runs every test of the contract with the logs that a function makes from a test's name.
macro_rules! contract_tests {
    ($open:path) => {
        $crate::contract::contract_tests! { @each groups $open;
            a_gained_partition_is_silent_until_it_is_assigned
            what_was_not_gained_is_left_out
            unassigned_partitions_stay_gained
            another_subscription_takes_the_place_of_the_first
            a_topic_created_after_the_subscription_is_gained
            a_subscription_needs_a_group
            names_of_groups_are_checked
        }
        $crate::contract::contract_tests! { @each contract $open;
            records_come_back_as_they_were_published
            partitions_keep_their_order
            a_key_goes_to_the_partition_of_the_contract
            facts_and_tombstones_travel
            each_end_is_reported_once_and_with_its_topic
            offsets_say_where_a_partition_begins_and_ends
            topics_are_created_once
            what_does_not_exist_is_named
            reading_begins_where_it_was_assigned
            a_position_beyond_the_end_is_reported_and_not_moved
            nothing_comes_after_unassign
            a_partition_assigned_again_moves
            polls_keep_to_their_limits
            a_poll_waits_as_long_as_nothing_happens_and_no_longer
            ten_megabytes_travel_and_more_is_refused
            a_record_without_a_key_is_refused
            many_publishers_share_a_log
            transactions_are_seen_and_the_newest_producer_wins
        }
    };
    (@each $module:ident $open:path; $($name:ident)+) => {
        $(
            #[test]
            fn $name() {
                $crate::$module::$name(&$open(stringify!($name)));
            }
        )+
    };
}
pub(crate) use contract_tests;

/// Runs those tests in which the same things are read by any consumer.
macro_rules! reading_tests {
    ($open:path) => {
        $crate::contract::contract_tests! { @each contract $open;
            records_come_back_as_they_were_published
            partitions_keep_their_order
            each_end_is_reported_once_and_with_its_topic
            reading_begins_where_it_was_assigned
            a_position_beyond_the_end_is_reported_and_not_moved
            nothing_comes_after_unassign
            a_partition_assigned_again_moves
            polls_keep_to_their_limits
            a_poll_waits_as_long_as_nothing_happens_and_no_longer
            many_publishers_share_a_log
            transactions_are_seen_and_the_newest_producer_wins
        }
    };
}
pub(crate) use reading_tests;

/// What was published, in the order of a partition's offsets.
fn expected(records: &[NewRecord], published: &[Published]) -> Vec<Record> {
    let pairs = records.iter().zip(published);
    let mut expected: Vec<Record> = pairs
        .map(|(record, &Published { partition, offset, timestamp_ms })| Record {
            topic: record.topic,
            partition,
            offset,
            timestamp_ms,
            key: record.key.clone(),
            value: record.value.clone(),
            headers: record.headers.clone(),
        })
        .collect();
    expected.sort_by_key(|record| (record.topic, record.partition, record.offset));
    expected
}

fn sorted(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by_key(|record| (record.topic, record.partition, record.offset));
    records
}

pub(crate) fn records_come_back_as_they_were_published(subject: &Subject) {
    let header = |name: &str, value: &[u8]| Header { name: name.into(), value: value.to_vec() };
    let records = [
        record(Topic::Users, "1", "a value"),
        NewRecord::new(Topic::Users, "2", None),
        NewRecord::new(Topic::Users, "3", Some(Vec::new())),
        NewRecord::new(Topic::Users, Vec::new(), Some(b"an empty key".to_vec())),
        NewRecord::new(Topic::Users, vec![0, 255, 10], Some((0..=255).collect())),
        NewRecord { timestamp_ms: Some(1_600_000_000_123), ..record(Topic::Users, "4", "from long ago") },
        NewRecord {
            headers: vec![header("reason", b"why"), header("", b""), header("reason", "\u{fc}\0".as_bytes())],
            ..record(Topic::Users, "5", "")
        },
    ];
    let before_ms = now_ms();
    let published = subject.publish(&records);
    let after_ms = now_ms();
    for (record, published) in records.iter().zip(&published) {
        match record.timestamp_ms {
            Some(timestamp_ms) => assert_eq!(published.timestamp_ms, timestamp_ms),
            None => assert!((before_ms..=after_ms).contains(&published.timestamp_ms), "{published:?}"),
        }
    }
    assert_eq!(sorted(subject.read(Topic::Users)), expected(&records, &published));
}

pub(crate) fn partitions_keep_their_order(subject: &Subject) {
    let mut producer = subject.producer();
    let mut all = Vec::new();
    let mut places = Vec::new();
    for slice in 0..5 {
        let slice: Vec<NewRecord> = (0..500)
            .map(|number| record(Topic::Likes, &format!("{}/{}", number % 7, slice), &format!("{slice} {number}")))
            .collect();
        places.extend(producer.publish(&slice).unwrap());
        all.extend(slice);
    }
    let mut next = [0; PARTITIONS as usize];
    for place in &places {
        assert_eq!(
            place.offset, next[place.partition as usize],
            "offsets of a partition grow by one as records are published"
        );
        next[place.partition as usize] += 1;
    }
    let read = read_records(&mut subject.consumer(Topic::Likes), all.len());
    let mut last = BTreeMap::new();
    for record in &read {
        let before = last.insert(record.partition, record.offset);
        assert!(before.is_none_or(|before| before < record.offset), "{record:?} after {before:?}");
    }
    assert_eq!(sorted(read), expected(&all, &places));
}

pub(crate) fn a_key_goes_to_the_partition_of_the_contract(subject: &Subject) {
    let key = |number: usize| {
        "κey/".repeat(number % 9).into_bytes().into_iter().chain(number.to_string().into_bytes()).collect::<Vec<u8>>()
    };
    let mut keys: Vec<Vec<u8>> = (0..200).map(key).collect();
    keys.push(Vec::new());
    let records: Vec<NewRecord> = keys.iter().map(|key| NewRecord::new(Topic::Tweets, key.clone(), None)).collect();
    let found: Vec<i32> = subject.publish(&records).iter().map(|published| published.partition).collect();
    let wanted: Vec<i32> = keys.iter().map(|key| partition_of(key, PARTITIONS)).collect();
    assert_eq!(found, wanted);
    assert!((0..PARTITIONS).all(|partition| found.contains(&partition)), "the keys should reach every partition");

    for partition in 0..PARTITIONS {
        assert_eq!(subject.publish(&[record_at(Topic::Tweets, partition, "1/1", "")])[0].partition, partition);
    }
}

pub(crate) fn facts_and_tombstones_travel(subject: &Subject) {
    let id = |text| Id::new(text).unwrap();
    let fact = Fact::Unfollowed { follower_id: id("1"), followee_id: id("2") };
    subject.publish(&[NewRecord::fact(&fact), NewRecord::tombstone(&fact.key())]);
    let [published, tombstone] = &subject.read(Topic::Follows)[..] else { panic!("two records were published") };
    assert_eq!(Key::parse(Topic::Follows, published.key.as_ref().unwrap()), Ok(fact.key()));
    assert_eq!(published.value, Some(fact.to_json()));
    assert_eq!((&tombstone.key, &tombstone.value), (&published.key, &None));
    assert_eq!((tombstone.partition, tombstone.offset), (published.partition, published.offset + 1));
}

pub(crate) fn each_end_is_reported_once_and_with_its_topic(subject: &Subject) {
    let end = |topic, partition, offset| PartitionEnd { topic, partition, offset };
    let mut starts = Vec::new();
    for topic in [Topic::Users, Topic::Lists] {
        starts.extend((0..PARTITIONS).map(|partition| start(topic, partition, 0)));
    }
    subject.publish(&[record_at(Topic::Lists, 1, "1/1", "a"), record_at(Topic::Lists, 1, "1/1", "b")]);
    let mut consumer = subject.consumer_from(&starts);

    let mut polled = read_to_ends(&mut consumer, starts.len());
    polled.ends.sort_by_key(|end| (end.topic, end.partition));
    let (empty, two) = ([0, 1, 2].map(|partition| end(Topic::Users, partition, 0)), end(Topic::Lists, 1, 2));
    assert_eq!(polled.ends, [&empty[..], &[end(Topic::Lists, 0, 0), two, end(Topic::Lists, 2, 0)]].concat());
    assert_eq!(values(&polled.records), ["a", "b"]);

    subject.publish(&[record_at(Topic::Users, 1, "1", "c")]);
    let polled = read_to_ends(&mut consumer, 1);
    assert_eq!((values(&polled.records), polled.ends), (vec!["c".into()], vec![end(Topic::Users, 1, 1)]));
    assert_eq!(consumer.poll(PLENTY, Duration::from_millis(700)).unwrap(), Polled::default());
}

pub(crate) fn offsets_say_where_a_partition_begins_and_ends(subject: &Subject) {
    subject.publish(&[record_at(Topic::Likes, 2, "1/1", ""), record_at(Topic::Likes, 2, "1/2", "")]);
    assert_eq!(subject.log.offsets(Topic::Likes, 2).unwrap(), Offsets { start: 0, end: 2 });
    assert_eq!(subject.log.offsets(Topic::Likes, 0).unwrap(), Offsets { start: 0, end: 0 });
}

pub(crate) fn topics_are_created_once(subject: &Subject) {
    let described = Topic::ALL.map(|topic| subject.log.describe(topic).unwrap().unwrap());
    for (topic, description) in Topic::ALL.into_iter().zip(&described) {
        assert_eq!(description.partitions, PARTITIONS, "{topic}");
        assert_eq!(description.settings.cleanup_policy, "compact", "{topic}");
        assert_eq!(description.settings.delete_retention_ms, 604_800_000, "{topic}");
        assert_eq!(description.settings.replication, 1, "{topic}");
        assert!(!description.id.0.is_empty(), "{topic}");
        let same_id = described.iter().filter(|other| other.id == description.id).count();
        assert_eq!(same_id, 1, "{topic} shares its id with another topic");
    }
    assert_eq!(subject.log.check_topics().unwrap(), []);

    let again = subject.log.create_topics(TopicLayout { partitions: PARTITIONS + 1, replication: 1 }).unwrap();
    assert!(again.iter().all(|created| created.existed), "{again:?}");
    assert_eq!(again.iter().map(|created| created.topic).collect::<Vec<_>>(), Topic::ALL);
    assert_eq!(
        again[0].to_string(),
        format!("topic {}: exists already", subject.config.topic_names.name(Topic::Users))
    );
    assert_eq!(Topic::ALL.map(|topic| subject.log.describe(topic).unwrap().unwrap()), described);

    let none = subject.log.create_topics(TopicLayout { partitions: 0, replication: 1 }).unwrap_err();
    assert!(matches!(none, LogError::InvalidOption { .. }), "{none}");
}

pub(crate) fn what_does_not_exist_is_named(subject: &Subject) {
    let missing = subject.without_topics();
    assert_eq!(missing.describe(Topic::Users).unwrap(), None);
    let problems = missing.check_topics().unwrap();
    assert_eq!(problems.iter().map(|problem| problem.topic).collect::<Vec<_>>(), Topic::ALL);
    assert!(
        problems.iter().all(|problem| problem.to_string().contains("does not exist: run `user-info topics create`"))
    );
    let error = missing.offsets(Topic::Users, 0).unwrap_err();
    assert!(matches!(error, LogError::TopicMissing { topic: Topic::Users, .. }), "{error}");
    let error = missing.producer(&Default::default()).unwrap().publish(&[record(Topic::Users, "1", "")]).unwrap_err();
    assert!(matches!(error, LogError::TopicMissing { topic: Topic::Users, .. }), "{error}");
    let mut consumer = missing.consumer().unwrap();
    consumer.assign(&[start(Topic::Users, 0, 0)]).unwrap();
    let polled = poll_until(&mut consumer, "a report about the topic", |polled| !polled.problems.is_empty());
    assert!(matches!(polled.problems[0], Problem::TopicGone { topic: Topic::Users, .. }), "{polled:?}");

    let error = subject.log.offsets(Topic::Users, PARTITIONS).unwrap_err();
    assert!(matches!(error, LogError::PartitionMissing { topic: Topic::Users, partition: PARTITIONS }), "{error}");
    let error = subject.producer().publish(&[record_at(Topic::Users, PARTITIONS, "1", "")]).unwrap_err();
    assert!(matches!(error, LogError::PartitionMissing { topic: Topic::Users, partition: PARTITIONS }), "{error}");
    let mut consumer = subject.consumer_from(&[start(Topic::Users, PARTITIONS, 0)]);
    let polled = poll_until(&mut consumer, "a report about the partition", |polled| !polled.problems.is_empty());
    assert!(matches!(polled.problems[0], Problem::TopicGone { topic: Topic::Users, .. }), "{polled:?}");
}

fn ten_records(subject: &Subject, topic: Topic) {
    let records: Vec<NewRecord> = (0..10).map(|number| record_at(topic, 0, "1/1", &number.to_string())).collect();
    subject.publish(&records);
}

pub(crate) fn reading_begins_where_it_was_assigned(subject: &Subject) {
    ten_records(subject, Topic::Likes);
    let mut consumer = subject.consumer_from(&[start(Topic::Likes, 0, 7)]);
    let polled = read_to_ends(&mut consumer, 1);
    assert_eq!(values(&polled.records), ["7", "8", "9"]);

    let mut consumer = subject.consumer_from(&[start(Topic::Likes, 0, 10)]);
    let polled = read_to_ends(&mut consumer, 1);
    assert_eq!((values(&polled.records), polled.problems), (vec![], vec![]));

    let error = consumer.assign(&[start(Topic::Likes, 1, -1)]).unwrap_err();
    assert!(matches!(error, LogError::NegativeOffset { topic: Topic::Likes, partition: 1, offset: -1 }), "{error}");
}

pub(crate) fn a_position_beyond_the_end_is_reported_and_not_moved(subject: &Subject) {
    ten_records(subject, Topic::Likes);
    let mut consumer = subject.consumer_from(&[start(Topic::Likes, 0, 11), start(Topic::Likes, 1, 0)]);
    let polled = poll_until(&mut consumer, "the problem and the other partition's end", |polled| {
        !polled.problems.is_empty() && !polled.ends.is_empty()
    });
    assert!(
        matches!(polled.problems[..], [Problem::OutOfRange { topic: Topic::Likes, partition: 0, .. }]),
        "{polled:?}"
    );
    assert_eq!(polled.ends, [PartitionEnd { topic: Topic::Likes, partition: 1, offset: 0 }]);

    // Nothing of the halted partition, though the log has grown past the position; the other one goes on.
    ten_records(subject, Topic::Likes);
    subject.publish(&[record_at(Topic::Likes, 1, "1/1", "other")]);
    let polled = read_to_ends(&mut consumer, 1);
    assert_eq!(values(&polled.records), ["other"]);

    consumer.assign(&[start(Topic::Likes, 0, 18)]).unwrap();
    assert_eq!(values(&read_records(&mut consumer, 2)), ["8", "9"]);
}

pub(crate) fn nothing_comes_after_unassign(subject: &Subject) {
    ten_records(subject, Topic::Likes);
    ten_records(subject, Topic::Lists);
    let mut consumer = subject.consumer_from(&[start(Topic::Likes, 0, 0), start(Topic::Lists, 0, 0)]);
    // Both are fetched, and most of it waits in the client when one is dropped.
    let one = PollLimits { records: 1, bytes: usize::MAX };
    let first = poll_with(one, &mut consumer, "a record", |polled| !polled.records.is_empty());
    consumer.unassign(Topic::Likes).unwrap();
    let rest = poll_until(&mut consumer, "the end of the other topic", |polled| {
        polled.ends.iter().any(|end| end.topic == Topic::Lists)
    });
    assert!(rest.records.iter().all(|record| record.topic == Topic::Lists), "{rest:?}");
    let lists = first.records.iter().chain(&rest.records).filter(|record| record.topic == Topic::Lists);
    assert_eq!(lists.count(), 10);

    ten_records(subject, Topic::Likes);
    subject.publish(&[record_at(Topic::Lists, 0, "1/1", "last")]);
    assert_eq!(values(&read_records(&mut consumer, 1)), ["last"]);

    consumer.assign(&[start(Topic::Likes, 0, 19)]).unwrap();
    assert_eq!(values(&read_records(&mut consumer, 1)), ["9"]);
}

pub(crate) fn a_partition_assigned_again_moves(subject: &Subject) {
    ten_records(subject, Topic::Likes);
    let mut consumer = subject.consumer(Topic::Likes);
    read_to_ends(&mut consumer, PARTITIONS as usize);
    for offset in [8, 2, 9] {
        consumer.assign(&[start(Topic::Likes, 0, offset)]).unwrap();
        let read = read_records(&mut consumer, 10 - offset as usize);
        assert_eq!(read[0].offset, offset);
    }
}

pub(crate) fn polls_keep_to_their_limits(subject: &Subject) {
    let value = "x".repeat(1_000);
    let records: Vec<NewRecord> =
        (0..60).map(|number| record_at(Topic::Likes, number % PARTITIONS, "1/1", &value)).collect();
    subject.publish(&records);

    let mut consumer = subject.consumer(Topic::Likes);
    let few = PollLimits { records: 7, bytes: usize::MAX };
    let mut sizes = Vec::new();
    let all = poll_with(few, &mut consumer, "all records", |polled| {
        sizes.push(polled.records.len());
        polled.records.len() >= records.len()
    });
    assert_eq!(all.records.len(), records.len());
    assert!(sizes.windows(2).all(|pair| pair[1] - pair[0] <= few.records), "{sizes:?}");

    let mut consumer = subject.consumer(Topic::Likes);
    let small = PollLimits { records: usize::MAX, bytes: 2_500 };
    let mut sizes = Vec::new();
    poll_with(small, &mut consumer, "all records", |polled| {
        sizes.push(polled.records.len());
        polled.records.len() >= records.len()
    });
    assert!(sizes.windows(2).all(|pair| pair[1] - pair[0] <= 3), "the third record reaches the limit: {sizes:?}");
    assert!(sizes.windows(2).any(|pair| pair[1] - pair[0] == 3), "a poll takes what fits: {sizes:?}");
}

pub(crate) fn a_poll_waits_as_long_as_nothing_happens_and_no_longer(subject: &Subject) {
    let mut consumer = subject.consumer(Topic::Users);
    read_to_ends(&mut consumer, PARTITIONS as usize);
    let wait = Duration::from_millis(300);
    let began = Instant::now();
    assert_eq!(consumer.poll(PLENTY, wait).unwrap(), Polled::default());
    assert!(began.elapsed() >= wait, "it returned after {:?} with nothing", began.elapsed());
    assert_eq!(consumer.poll(PLENTY, Duration::ZERO).unwrap(), Polled::default());

    let polling = thread::spawn(move || {
        let began = Instant::now();
        let polled = consumer.poll(PLENTY, LIMIT).unwrap();
        (polled, began.elapsed())
    });
    subject.publish(&[record(Topic::Users, "1", "wake up")]);
    let (polled, elapsed) = polling.join().unwrap();
    assert_eq!(values(&polled.records), ["wake up"]);
    assert!(elapsed < LIMIT, "it was woken by the end of its wait, not by the record");
}

pub(crate) fn ten_megabytes_travel_and_more_is_refused(subject: &Subject) {
    let mut producer = subject.producer();
    // Like any other document to compression, and unlike itself everywhere.
    let value: Vec<u8> =
        (0..10 * 1024 * 1024_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let large = NewRecord::new(Topic::Users, "1", Some(value));
    let too_large = NewRecord::new(Topic::Users, "2", Some(vec![b'x'; 20 * 1024 * 1024]));
    producer.publish(std::slice::from_ref(&large)).unwrap();
    let error = producer.publish(&[too_large]).unwrap_err();
    assert!(matches!(error, LogError::RecordTooLarge { topic: Topic::Users, bytes: 20_971_521 }), "{error}");
    producer.publish(&[record(Topic::Users, "3", "after")]).unwrap();
    let read = read_records(&mut subject.consumer(Topic::Users), 2);
    assert!(read.iter().any(|record| record.value == large.value), "the large value came back different");
}

pub(crate) fn a_record_without_a_key_is_refused(subject: &Subject) {
    let mut producer = subject.producer();
    let without_key = NewRecord { key: None, partition: Some(0), ..record(Topic::Users, "", "value") };
    let error = producer.publish(&[without_key]).unwrap_err();
    assert!(matches!(&error, LogError::RecordRefused { topic: Topic::Users, .. }), "{error}");
    assert!(error.to_string().contains("it has no key"), "{error}");
    producer.publish(&[record(Topic::Users, "1", "after")]).unwrap();
    assert_eq!(values(&subject.read(Topic::Users)), ["after"]);
    assert_eq!(producer.publish(&[]).unwrap(), []);
}

pub(crate) fn many_publishers_share_a_log(subject: &Subject) {
    let (publishers, slices, records) = (4, 10, 25);
    let mut consumer = subject.consumer(Topic::Likes);
    thread::scope(|scope| {
        for publisher in 0..publishers {
            scope.spawn(move || {
                let mut producer = subject.producer();
                for slice in 0..slices {
                    let number = |record| format!("{:04}", slice * records + record);
                    let slice: Vec<NewRecord> = (0..records)
                        .map(|index| record(Topic::Likes, &format!("{publisher}/1"), &number(index)))
                        .collect();
                    producer.publish(&slice).unwrap();
                }
            });
        }
        let read = read_records(&mut consumer, publishers * slices * records);
        for publisher in 0..publishers {
            let key = format!("{publisher}/1").into_bytes();
            let of_publisher: Vec<Record> =
                read.iter().filter(|record| record.key.as_ref() == Some(&key)).cloned().collect();
            let wanted: Vec<String> = (0..slices * records).map(|number| format!("{number:04}")).collect();
            assert_eq!(values(&of_publisher), wanted);
        }
    });
}

pub(crate) fn transactions_are_seen_and_the_newest_producer_wins(subject: &Subject) {
    let mut first = subject.transactional_producer("one");
    first.publish(&[record_at(Topic::Lists, 0, "1/1", "first"), record_at(Topic::Lists, 1, "1/2", "first")]).unwrap();
    let mut second = subject.transactional_producer("one");
    for _ in 0..2 {
        let error = first.publish(&[record_at(Topic::Lists, 0, "1/1", "fenced")]).unwrap_err();
        assert!(matches!(error, LogError::Fenced { .. }), "{error}");
    }
    let mut another = subject.transactional_producer("two");
    second.publish(&[record_at(Topic::Lists, 0, "1/1", "second")]).unwrap();
    another.publish(&[record_at(Topic::Lists, 0, "1/1", "another")]).unwrap();
    second.publish(&[record_at(Topic::Lists, 0, "1/1", "third")]).unwrap();

    let read = subject.read(Topic::Lists);
    let of_partition =
        |partition| values(&read.iter().filter(|record| record.partition == partition).cloned().collect::<Vec<_>>());
    assert_eq!(of_partition(0), ["first", "second", "another", "third"]);
    assert_eq!(of_partition(1), ["first"]);
}
