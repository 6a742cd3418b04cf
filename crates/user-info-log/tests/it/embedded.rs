//! The embedded log: the contract, and what a log in a directory promises besides.

use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use user_info_core::Topic;
use user_info_log::{EmbeddedLog, Log, LogError, NewRecord, Offsets, PollLimits, TopicLayout};
use user_info_testkit::{Process, soak};

use crate::contract::contract_tests;
use crate::subject::{
    LIMIT, PARTITIONS, PLENTY, Subject, embedded_config, poll_with, read_records, record, record_at, start, values,
};
use crate::subprocess::ignored_test;

contract_tests!(Subject::embedded);

mod member {
    crate::contract::reading_tests!(super::member_subject);
}

fn member_subject(test: &str) -> Subject {
    Subject { in_group: true, ..Subject::embedded(test) }
}

/// Where a subprocess finds the log.
const DIRECTORY_VARIABLE: &str = "LOG_TEST_DIRECTORY";

fn embedded(log: &Log) -> &EmbeddedLog {
    match log {
        Log::Embedded(log) => log,
        Log::Kafka(_) => panic!("an embedded log was opened"),
    }
}

#[test]
fn everything_is_there_after_opening_again() {
    let subject = Subject::embedded("");
    let header = user_info_log::Header { name: "name".into(), value: b"value".to_vec() };
    let with_header = NewRecord { headers: vec![header], ..record(Topic::Likes, "1/2", "b") };
    subject.publish(&[record(Topic::Likes, "1/1", "a"), with_header]);
    let describe = |log: &Log| Topic::ALL.map(|topic| log.describe(topic).unwrap());
    let before = (describe(&subject.log), subject.read(Topic::Likes));

    let Subject { config, log, directory, .. } = subject;
    drop(log);
    let again = Subject { log: Log::open(&config).unwrap(), config, directory, in_group: false };
    assert_eq!((describe(&again.log), again.read(Topic::Likes)), before);
    let next = again.publish(&[record(Topic::Likes, "1/1", "c")]);
    assert_eq!(next[0].offset, before.1.iter().filter(|record| record.partition == next[0].partition).count() as i64);
}

#[test]
fn a_log_in_use_is_refused_until_the_last_holder_is_gone() {
    let subject = Subject::embedded("");
    let (consumer, producer) = (subject.consumer(Topic::Users), subject.producer());
    let Subject { config, log, directory, .. } = subject;
    let refused = || {
        let error = Log::open(&config).unwrap_err();
        assert!(matches!(error, LogError::InUse { .. }), "{error}");
        assert!(error.to_string().contains(directory.as_ref().unwrap().path().to_str().unwrap()), "{error}");
    };
    refused();
    let clone = log.clone();
    drop(log);
    refused();
    drop(clone);
    refused();
    drop(consumer);
    refused();
    drop(producer);
    Log::open(&config).unwrap();
}

#[test]
fn another_process_is_refused() {
    let subject = Subject::embedded("");
    let mut command = ignored_test("embedded::subprocess_opens");
    command.env(DIRECTORY_VARIABLE, subject.path());
    let mut process = Process::spawn(&command).unwrap();
    let line = process.wait_for_line("refused: ", LIMIT).unwrap();
    assert!(line.contains("is in use") && line.contains(subject.path().to_str().unwrap()), "{line}");
    assert!(process.wait(LIMIT).unwrap().success());
}

#[test]
#[ignore = "run by another test"]
fn subprocess_opens() {
    let config = embedded_config(env::var_os(DIRECTORY_VARIABLE).unwrap());
    println!("refused: {}", Log::open(&config).unwrap_err());
}

#[test]
fn what_was_published_survives_a_kill() {
    let subject = Subject::embedded("");
    let Subject { config, log, directory, .. } = subject;
    drop(log);
    let path = directory.as_ref().unwrap().path().join("log");
    let rounds = if soak() { 100 } else { 5 };
    let mut slices = 0;
    for round in 0..rounds {
        let mut command = ignored_test("embedded::subprocess_publishes");
        command.env(DIRECTORY_VARIABLE, &path);
        let mut process = Process::spawn(&command).unwrap();
        let acknowledged = format!("published {} end", slices + 3 + round);
        process.wait_for_line(&acknowledged, LIMIT).unwrap();
        process.kill().unwrap();

        let again = Subject::open(config.clone());
        let found = again.read(Topic::Likes);
        let before = slices;
        slices = i64::try_from(found.len()).unwrap() / 3;
        assert!(slices > before + 3 + round, "slice {} was acknowledged, {slices} are there", before + 3 + round);
        let wanted =
            |partition| (0..slices).flat_map(move |slice| vec![slice.to_string(); if partition == 0 { 2 } else { 1 }]);
        for partition in 0..2 {
            let of_partition: Vec<_> = found.iter().filter(|record| record.partition == partition).cloned().collect();
            assert_eq!(
                values(&of_partition),
                wanted(partition).collect::<Vec<_>>(),
                "every slice is there whole, once"
            );
        }
        assert_eq!(again.log.offsets(Topic::Likes, 0).unwrap(), Offsets { start: 0, end: 2 * slices });
    }
}

#[test]
#[ignore = "run by another test"]
fn subprocess_publishes() {
    let config = embedded_config(env::var_os(DIRECTORY_VARIABLE).unwrap());
    let log = Log::open(&config).unwrap();
    let first = log.offsets(Topic::Likes, 1).unwrap().end;
    let mut producer = log.producer(&Default::default()).unwrap();
    for slice in first.. {
        let value = slice.to_string();
        let record = |partition| record_at(Topic::Likes, partition, "1/1", &value);
        producer.publish(&[record(0), record(1), record(0)]).unwrap();
        println!("published {slice} end");
    }
}

#[test]
fn a_slice_with_one_bad_record_leaves_nothing() {
    let subject = Subject::embedded("");
    let without_key = NewRecord { key: None, ..record(Topic::Users, "", "") };
    subject.producer().publish(&[record(Topic::Users, "1", ""), without_key]).unwrap_err();
    assert_eq!(subject.read(Topic::Users), []);
    assert_eq!(subject.publish(&[record(Topic::Users, "1", "")])[0].offset, 0);
}

#[test]
fn a_full_partition_leaves_room_for_the_others() {
    let subject = Subject::embedded("");
    let many: Vec<NewRecord> = (0..100).map(|_| record_at(Topic::Likes, 0, "1/1", "busy")).collect();
    subject.publish(&many);
    subject.publish(&[record_at(Topic::Likes, 2, "1/2", "rare")]);
    let mut consumer = subject.consumer(Topic::Likes);
    let few = PollLimits { records: 10, bytes: usize::MAX };
    let polled = poll_with(few, &mut consumer, "the other partition", |polled| {
        polled.records.iter().any(|record| record.partition == 2)
    });
    assert!(polled.records.len() <= 2 * few.records, "it waited for {} records", polled.records.len());
}

#[test]
fn what_cannot_be_a_log_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Log::open(&embedded_config(&file)).unwrap_err();
    assert!(matches!(error, LogError::Io { operation: "create the directory", .. }), "{error}");
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");

    let subject = Subject::embedded("");
    let path = subject.path();
    let Subject { config, log, directory, .. } = subject;
    drop(log);
    put(&path, &[0], &2_u32.to_be_bytes());
    let error = Log::open(&config).unwrap_err();
    assert!(matches!(error, LogError::NewerFormat { found: 2, known: 1, .. }), "{error}");
    put(&path, &[0], b"?");
    let error = Log::open(&config).unwrap_err();
    assert!(matches!(error, LogError::Damaged { .. }), "{error}");
    drop(directory);
}

#[test]
fn damage_is_reported_and_not_passed_over() {
    let subject = Subject::embedded("");
    subject.publish(&[record_at(Topic::Likes, 0, "1/1", "a"), record_at(Topic::Likes, 0, "1/2", "b")]);
    let path = subject.path();
    let Subject { config, log, directory, .. } = subject;
    drop(log);
    let mut record_key = vec![4, Topic::Likes.number()];
    record_key.extend(0_i32.to_be_bytes());
    record_key.extend(1_i64.to_be_bytes());
    put(&path, &record_key, b"no record");
    let log = Log::open(&config).unwrap();
    let mut consumer = log.consumer().unwrap();
    consumer.assign(&[start(Topic::Likes, 0, 0)]).unwrap();
    let error = consumer.poll(PLENTY, Duration::ZERO).unwrap_err();
    assert!(matches!(error, LogError::Damaged { .. }), "{error}");
    let error = embedded(&log).compact(0).unwrap_err();
    assert!(matches!(error, LogError::Damaged { .. }), "{error}");
    drop(directory);
}

/// Writes into the database of a closed log.
fn put(path: &Path, key: &[u8], value: &[u8]) {
    let database = rocksdb::DB::open_default(path.join("rocksdb")).unwrap();
    database.put(key, value).unwrap();
}

#[test]
fn a_log_has_its_own_limits() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(&embedded_config(directory.path())).unwrap();
    let error = log.create_topics(TopicLayout { partitions: 100_000, replication: 1 }).unwrap_err();
    assert!(matches!(error, LogError::InvalidOption { .. }), "{error}");
    log.create_topics(TopicLayout { partitions: PARTITIONS, replication: 3 }).unwrap();
    assert_eq!(log.describe(Topic::Users).unwrap().unwrap().settings.replication, 1);
}

#[test]
fn a_reader_goes_on_while_the_log_is_compacted() {
    let subject = Subject::embedded("");
    let records: Vec<NewRecord> =
        (0..20).map(|number| record_at(Topic::Likes, 0, "1/1", &number.to_string())).collect();
    subject.publish(&records);
    let mut consumer = subject.consumer_from(&[start(Topic::Likes, 0, 0)]);
    let few = PollLimits { records: 5, bytes: usize::MAX };
    let read = poll_with(few, &mut consumer, "five records", |polled| polled.records.len() >= 5);
    assert_eq!(values(&read.records), ["0", "1", "2", "3", "4"]);
    embedded(&subject.log).compact(0).unwrap();
    subject.publish(&[record_at(Topic::Likes, 0, "1/1", "new")]);
    assert_eq!(values(&read_records(&mut consumer, 2)), ["19", "new"]);
}
