//! Compaction of the embedded log, against a naive model.

use std::collections::BTreeMap;

use proptest::prelude::*;
use user_info_core::Topic;
use user_info_log::topics::DELETE_RETENTION_MS;
use user_info_log::{Log, NewRecord, Record};
use user_info_testkit::soak;

use crate::subject::{Subject, now_ms, record_at, start};

fn compact(subject: &Subject, now_ms: i64) {
    match &subject.log {
        Log::Embedded(log) => log.compact(now_ms).unwrap(),
        Log::Kafka(_) => panic!("an embedded log was opened"),
    }
}

/// What happens to a log.
#[derive(Clone, Debug)]
enum Step {
    /// A slice of records: partition, key, and a value or a tombstone.
    Publish(Vec<(i32, u8, Option<u8>)>),
    /// So long after the last one.
    Compact {
        after_ms: i64,
    },
    OpenAgain,
}

fn any_step() -> impl Strategy<Value = Step> {
    let record = (0..2_i32, 0..4_u8, prop::option::weighted(0.6, any::<u8>()));
    let after_ms = prop_oneof![Just(0), Just(1), Just(DELETE_RETENTION_MS / 2), Just(DELETE_RETENTION_MS + 1)];
    prop_oneof![
        5 => prop::collection::vec(record, 1..12).prop_map(Step::Publish),
        3 => after_ms.prop_map(|after_ms| Step::Compact { after_ms }),
        1 => Just(Step::OpenAgain),
    ]
}

/// One partition as Kafka would keep it: what compaction may drop is dropped, and nothing else.
#[derive(Default)]
struct Model {
    /// Offset, key, value, and of a tombstone when it was first compacted.
    records: Vec<(i64, u8, Option<u8>, Option<i64>)>,
    end: i64,
}

impl Model {
    fn publish(&mut self, key: u8, value: Option<u8>) {
        self.records.push((self.end, key, value, None));
        self.end += 1;
    }

    fn compact(&mut self, now_ms: i64) {
        let mut last = BTreeMap::new();
        for &(offset, key, ..) in &self.records {
            last.insert(key, offset);
        }
        self.records.retain(|&(offset, key, ..)| last[&key] == offset);
        for (.., value, compacted_ms) in &mut self.records {
            if value.is_none() {
                compacted_ms.get_or_insert(now_ms);
            }
        }
        self.records
            .retain(|&(.., compacted_ms)| compacted_ms.is_none_or(|at_ms| now_ms - at_ms <= DELETE_RETENTION_MS));
    }

    fn contents(&self) -> Vec<(i64, u8, Option<u8>)> {
        self.records.iter().map(|&(offset, key, value, _)| (offset, key, value)).collect()
    }
}

fn run(steps: Vec<Step>) {
    let mut subject = Subject::embedded("");
    let mut models = [Model::default(), Model::default()];
    // Publishing drops tombstones too, by the real clock.
    let mut now_ms = now_ms();
    for step in steps {
        match step {
            Step::Publish(slice) => {
                let record = |&(partition, key, value): &(i32, u8, Option<u8>)| NewRecord {
                    partition: Some(partition),
                    ..NewRecord::new(Topic::Likes, vec![key], value.map(|value| vec![value]))
                };
                subject.publish(&slice.iter().map(record).collect::<Vec<_>>());
                for (partition, key, value) in slice {
                    models[partition as usize].publish(key, value);
                }
            }
            Step::Compact { after_ms } => {
                now_ms += after_ms;
                compact(&subject, now_ms);
                models.iter_mut().for_each(|model| model.compact(now_ms));
            }
            Step::OpenAgain => {
                let Subject { config, log, directory, .. } = subject;
                drop(log);
                subject = Subject { log: Log::open(&config).unwrap(), config, directory, in_group: false };
            }
        }
        let read = subject.read(Topic::Likes);
        for (partition, model) in (0..).zip(&models) {
            assert_eq!(contents(&read, partition), model.contents());
            assert_eq!(subject.log.offsets(Topic::Likes, partition).unwrap().end, model.end);
        }
    }
}

fn contents(records: &[Record], partition: i32) -> Vec<(i64, u8, Option<u8>)> {
    let of_partition = records.iter().filter(|record| record.partition == partition);
    of_partition.map(|it| (it.offset, it.key.as_ref().unwrap()[0], it.value.as_ref().map(|value| value[0]))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if soak() { 2_000 } else { 40 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn compaction_keeps_what_the_model_keeps(steps in prop::collection::vec(any_step(), 1..25)) {
        run(steps);
    }
}

#[test]
fn the_last_record_of_each_key_stays_and_tombstones_for_the_retention() {
    let subject = Subject::embedded("");
    let set = |key: &str, value: &str| record_at(Topic::Likes, 0, key, value);
    let drop_key = |key: &str| NewRecord { value: None, ..record_at(Topic::Likes, 0, key, "") };
    subject.publish(&[set("1", "a"), set("2", "b"), set("1", "c"), drop_key("2"), drop_key("3"), set("3", "d")]);
    let offsets = || subject.read(Topic::Likes).iter().map(|record| record.offset).collect::<Vec<_>>();
    let now_ms = now_ms();
    compact(&subject, now_ms);
    assert_eq!(offsets(), [2, 3, 5]);
    compact(&subject, now_ms + DELETE_RETENTION_MS);
    assert_eq!(offsets(), [2, 3, 5]);
    compact(&subject, now_ms + DELETE_RETENTION_MS + 1);
    assert_eq!(offsets(), [2, 5]);
    assert_eq!(subject.publish(&[set("2", "e")])[0].offset, 6);
}

#[test]
fn a_tombstone_with_an_old_timestamp_stays_as_long_as_any_other() {
    let subject = Subject::embedded("");
    let tombstone = NewRecord { value: None, timestamp_ms: Some(1), ..record_at(Topic::Likes, 0, "1", "") };
    subject.publish(&[tombstone]);
    let now_ms = now_ms();
    compact(&subject, now_ms);
    compact(&subject, now_ms + DELETE_RETENTION_MS);
    assert_eq!(subject.read(Topic::Likes).len(), 1);
}

#[test]
fn publishing_compacts_what_lies_far_behind_and_only_that() {
    const SLICE: usize = 10_000;
    let subject = Subject::embedded("");
    let mut producer = subject.producer();
    let slice: Vec<NewRecord> =
        (0..SLICE).map(|number| record_at(Topic::Likes, 0, &(number % 100).to_string(), "")).collect();
    let first = || {
        let mut consumer = subject.consumer_from(&[start(Topic::Likes, 0, 0)]);
        let one = user_info_log::PollLimits { records: 1, bytes: usize::MAX };
        consumer.poll(one, crate::subject::LIMIT).unwrap().records[0].offset
    };
    for _ in 0..10 {
        producer.publish(&slice).unwrap();
    }
    assert_eq!(first(), 0, "a reader that is a little behind sees everything");
    for _ in 0..10 {
        producer.publish(&slice).unwrap();
    }
    let end = 20 * SLICE;
    let left = subject.read(Topic::Likes).iter().filter(|record| record.partition == 0).count();
    assert!(left >= 100_000, "the last 100,000 stay: {left} are left");
    assert!(left < end / 2 + 1_000, "of the others the last of each key: {left} are left");
    assert!(first() > 0);
}
