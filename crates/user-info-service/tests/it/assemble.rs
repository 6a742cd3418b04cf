//! `assemble`: what a poll amounts to, record by record, and that it does not matter how records fall into batches.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use user_info_core::topic::partition_of;
use user_info_core::{Change, Topic};
use user_info_log::{NewRecord, Record};
use user_info_service::assemble::{
    Assembled, DEAD_LETTER_KEY_BYTES_MAX, DEAD_LETTER_VALUE_BYTES_MAX, Memory, Moved, assemble,
};
use user_info_service::standing::Halt;
use user_info_store::{Batch, Cleared, DeadLetter, MemoryStore, Origin, TaintedKey};

use crate::facts::{bad, followed, forget, id, read, tweeted, user};

const NEVER: u64 = u64::MAX;

fn one_partition() -> BTreeMap<Topic, i32> {
    Topic::FACTS.into_iter().map(|topic| (topic, 1)).collect()
}

/// The records as partition 0 of their topics, the first one at offset 10.
fn records(new: Vec<NewRecord>) -> Vec<Record> {
    (10..).zip(new).map(|(offset, record)| read(record, 0, offset)).collect()
}

fn assemble_all(new: Vec<NewRecord>, memory: &mut Memory) -> Assembled {
    assemble(records(new), &one_partition(), memory, NEVER)
}

fn text(key: &TaintedKey) -> &str {
    std::str::from_utf8(&key.key).unwrap()
}

fn tainted(batch: &Batch) -> Vec<(Topic, &str)> {
    batch.tainted.iter().map(|taint| (taint.key.topic, text(&taint.key))).collect()
}

fn cleared(batch: &Batch) -> Vec<&str> {
    batch.cleared.iter().map(|cleared| text(&cleared.key)).collect()
}

#[test]
fn good_records_become_changes_in_order_and_move_their_partitions() {
    let mut memory = Memory::default();
    let assembled = assemble_all(vec![user("1"), followed("1", "2"), user("2"), forget("1")], &mut memory);
    let batch = &assembled.batch;
    assert_eq!(batch.changes.len(), 4);
    assert!(
        matches!(&batch.changes[0].change, Change::Profile { user, profile } if *user == id("1") && profile.stamp.offset == 10)
    );
    assert!(matches!(&batch.changes[1].change, Change::Add(pair) if pair.owner == id("1") && pair.member == id("2")));
    assert!(matches!(&batch.changes[2].change, Change::Profile { user, .. } if *user == id("2")));
    assert!(matches!(&batch.changes[3].change, Change::Forget { user } if *user == id("1")));
    assert!(batch.dead_letters.is_empty() && batch.tainted.is_empty() && batch.cleared.is_empty());
    assert_eq!(assembled.moved[&(Topic::Users, 0)], Moved { next_offset: 14, timestamp_ms: 13_000 });
    assert_eq!(assembled.moved[&(Topic::Follows, 0)], Moved { next_offset: 12, timestamp_ms: 11_000 });
    assert_eq!(assembled.records, BTreeMap::from([(Topic::Users, 3), (Topic::Follows, 1)]));
    assert_eq!(assembled.timestamps_ms.len(), 4);
    assert!(assembled.bad.is_empty() && assembled.halts.is_empty());
}

#[test]
fn a_bad_record_becomes_a_dead_letter_taints_its_key_and_moves_its_partition() {
    let mut memory = Memory::default();
    let assembled = assemble_all(vec![bad(Topic::Users, "1")], &mut memory);
    let batch = &assembled.batch;
    assert!(batch.changes.is_empty());
    let origin = Origin { topic: Topic::Users, partition: 0, offset: 10 };
    assert_eq!(tainted(batch), [(Topic::Users, "1")]);
    assert_eq!(batch.tainted[0].origin, origin);
    assert_eq!(batch.tainted[0].reason, batch.dead_letters[0].reason);
    let expected = DeadLetter {
        origin,
        timestamp_ms: 10_000,
        key: Some(b"1".to_vec()),
        value: Some(b"not json".to_vec()),
        value_bytes: 8,
        value_sha256: Sha256::digest(b"not json").into(),
        code: "malformed".into(),
        reason: batch.dead_letters[0].reason.clone(),
    };
    assert_eq!(batch.dead_letters, [expected]);
    assert_eq!(assembled.moved[&(Topic::Users, 0)].next_offset, 11);
    assert_eq!(assembled.bad, [(Topic::Users, "malformed")]);
    assert!(memory.tainted.contains(&(Topic::Users, b"1".to_vec())));
}

#[test]
fn every_kind_of_fault_has_its_code() {
    let long_key = "x".repeat(300);
    let no_key = NewRecord { key: None, ..user("1") };
    let cases = [
        (no_key, "missing-key"),
        (bad(Topic::Users, "a b"), "invalid-key"),
        (bad(Topic::Tweets, "12"), "invalid-key"),
        (bad(Topic::Users, &long_key), "invalid-key"),
        (bad(Topic::Users, "1"), "malformed"),
        (NewRecord::new(Topic::Users, "1", Some(b"[]".to_vec())), "not-an-object"),
        (NewRecord::new(Topic::Users, "1", Some(b"{\"type\":\"tweeted\"}".to_vec())), "unknown-type"),
        (NewRecord { key: Some(b"2".to_vec()), ..user("1") }, "key-mismatch"),
    ];
    for (record, code) in cases {
        let described = format!("{record:?}");
        let assembled = assemble_all(vec![record], &mut Memory::default());
        assert_eq!(assembled.batch.dead_letters[0].code, code, "{described}");
        // Only what can be the key of a fact can lose its newest fact.
        let has_key = !matches!(code, "missing-key" | "invalid-key");
        assert_eq!(assembled.batch.tainted.len(), usize::from(has_key), "{described}");
    }
}

#[test]
fn a_record_in_another_partition_than_its_keys_is_bad() {
    let partitions = BTreeMap::from([(Topic::Users, 4)]);
    let home = partition_of(b"1", 4);
    for partition in 0..4 {
        let assembled = assemble(vec![read(user("1"), partition, 0)], &partitions, &mut Memory::default(), NEVER);
        let codes: Vec<&str> = assembled.bad.iter().map(|&(_, code)| code).collect();
        assert_eq!(codes, if partition == home { vec![] } else { vec!["wrong-partition"] }, "{partition}");
        assert_eq!(assembled.batch.changes.len(), usize::from(partition == home));
        assert_eq!(assembled.moved.len(), 1);
    }
    // A tombstone too: obeying it could undo what is newer in the right partition.
    let elsewhere = read(forget("1"), (home + 1) % 4, 0);
    let assembled = assemble(vec![elsewhere], &partitions, &mut Memory::default(), NEVER);
    assert_eq!(assembled.bad, [(Topic::Users, "wrong-partition")]);
}

#[test]
fn the_next_good_record_of_a_key_clears_its_taint() {
    // Within a batch: nothing is left to write but the clearing of an older taint.
    let mut memory = Memory::default();
    let assembled = assemble_all(vec![bad(Topic::Users, "1"), user("1")], &mut memory);
    assert_eq!((tainted(&assembled.batch), cleared(&assembled.batch)), (vec![], vec!["1"]));
    assert!(memory.tainted.is_empty());

    // Bad again after that.
    let assembled = assemble_all(vec![bad(Topic::Users, "1"), user("1"), bad(Topic::Users, "1")], &mut memory);
    assert_eq!(tainted(&assembled.batch), [(Topic::Users, "1")]);
    assert_eq!(assembled.batch.tainted[0].origin.offset, 12);

    // Across batches: records of other keys and topics clear nothing, a tombstone is as good as a fact.
    let others = assemble_all(vec![user("2"), tweeted("1", "7")], &mut memory);
    assert!(others.batch.cleared.is_empty());
    let assembled = assemble_all(vec![forget("1")], &mut memory);
    assert_eq!(cleared(&assembled.batch), ["1"]);
    assert!(memory.tainted.is_empty());
    assert!(assemble_all(vec![user("1")], &mut memory).batch.cleared.is_empty());
}

#[test]
fn a_key_is_tainted_on_its_topic_alone() {
    let mut memory = Memory::default();
    assemble_all(vec![bad(Topic::Likes, "1/7"), bad(Topic::Tweets, "1/7")], &mut memory);
    let assembled = assemble_all(vec![tweeted("1", "7")], &mut memory);
    let offset = assembled.batch.changes[0].offset;
    let key = TaintedKey { topic: Topic::Tweets, key: b"1/7".to_vec() };
    assert_eq!(assembled.batch.cleared, [Cleared { key, offset }]);
    assert_eq!(memory.tainted, BTreeSet::from([(Topic::Likes, b"1/7".to_vec())]));
}

#[test]
fn too_many_bad_records_in_a_row_halt_their_topic_and_no_other() {
    let mut memory = Memory::default();
    let good_elsewhere = || tweeted("1", "7");
    let new = vec![
        bad(Topic::Users, "1"),
        good_elsewhere(),
        bad(Topic::Users, "2"),
        bad(Topic::Users, "3"),
        user("4"),
        bad(Topic::Users, "5"),
        good_elsewhere(),
    ];
    let assembled = assemble(records(new), &one_partition(), &mut memory, 3);
    let Some(Halt::BadRecords { in_a_row: 3, last }) = assembled.halts.get(&Topic::Users) else {
        panic!("{:?}", assembled.halts);
    };
    assert_eq!(*last, assembled.batch.dead_letters[2].reason);
    assert_eq!(assembled.halts.len(), 1);
    // What comes later on that topic stays where it is.
    assert_eq!(assembled.moved[&(Topic::Users, 0)].next_offset, 14);
    assert_eq!(assembled.batch.dead_letters.len(), 3);
    assert_eq!(assembled.records[&Topic::Users], 3);
    assert_eq!(assembled.moved[&(Topic::Tweets, 0)].next_offset, 17);
    assert_eq!(assembled.batch.changes.len(), 2);
}

#[test]
fn a_good_record_ends_the_row_and_batches_do_not() {
    let mut memory = Memory::default();
    let mut halts = |new: Vec<NewRecord>| !assemble(records(new), &one_partition(), &mut memory, 3).halts.is_empty();
    assert!(!halts(vec![bad(Topic::Users, "1"), bad(Topic::Users, "2")]));
    assert!(!halts(vec![user("1"), bad(Topic::Users, "3"), bad(Topic::Users, "4")]));
    // Good records of other topics do not end it.
    assert!(!halts(vec![tweeted("1", "7")]));
    assert!(halts(vec![bad(Topic::Users, "5")]));
}

#[test]
fn records_of_topics_that_are_not_read_are_left_alone() {
    let mut memory = Memory::default();
    let assembled = assemble(records(vec![user("1"), bad(Topic::Users, "2")]), &BTreeMap::new(), &mut memory, 1);
    assert_eq!(assembled.batch, Batch::default());
    assert!(assembled.moved.is_empty() && assembled.records.is_empty() && memory.tainted.is_empty());
}

#[test]
fn dead_letters_are_cut_and_say_what_they_were() {
    let value = vec![b'x'; DEAD_LETTER_VALUE_BYTES_MAX + 1];
    let key = vec![b'k'; DEAD_LETTER_KEY_BYTES_MAX + 1];
    let whole = NewRecord::new(Topic::Users, &key[1..], Some(value[1..].to_vec()));
    let cut = NewRecord::new(Topic::Users, key.clone(), Some(value.clone()));
    let letters = assemble_all(vec![whole, cut], &mut Memory::default()).batch.dead_letters;
    assert_eq!(letters[0].value.as_deref(), Some(&value[1..]));
    assert_eq!(letters[0].key.as_deref(), Some(&key[1..]));
    assert_eq!(letters[1].value.as_deref(), Some(&value[1..]));
    assert_eq!(letters[1].key.as_deref(), Some(&key[1..]));
    assert_eq!(letters[1].value_bytes, value.len() as u64);
    assert_eq!(letters[1].value_sha256, <[u8; 32]>::from(Sha256::digest(&value)));

    let null = assemble_all(vec![NewRecord::new(Topic::Users, "a b", None)], &mut Memory::default()).batch.dead_letters;
    assert_eq!((null[0].value.as_deref(), null[0].value_bytes), (None, 0));
}

/// What may happen to one of a few keys.
#[derive(Clone, Copy, Debug)]
enum Event {
    Good,
    Bad,
    Gone,
}

fn events() -> impl Strategy<Value = Vec<(u8, Event)>> {
    let event = prop_oneof![Just(Event::Good), Just(Event::Bad), Just(Event::Gone)];
    prop::collection::vec((0..4_u8, event), 0..30)
}

/// Keys 0 and 1 are on `users`, 2 and 3 on `tweets`.
fn record_of(key: u8, event: Event) -> NewRecord {
    let user_id = key.to_string();
    let tweet = format!("{key}/7");
    match (key < 2, event) {
        (true, Event::Good) => user(&user_id),
        (true, Event::Bad) => bad(Topic::Users, &user_id),
        (true, Event::Gone) => forget(&user_id),
        (false, Event::Good) => tweeted(&user_id, "7"),
        (false, Event::Bad) => bad(Topic::Tweets, &tweet),
        (false, Event::Gone) => NewRecord::new(Topic::Tweets, tweet, None),
    }
}

/// What batches of this size wrote, how far they got, and what is remembered after them.
fn write(
    records: Vec<Record>,
    batch_records: usize,
    bad_in_a_row_max: u64,
) -> (MemoryStore, BTreeMap<Topic, i64>, Memory) {
    let (store, mut memory, mut partitions) = (MemoryStore::default(), Memory::default(), one_partition());
    let mut positions = BTreeMap::new();
    for batch in records.chunks(batch_records.max(1)) {
        let assembled = assemble(batch.to_vec(), &partitions, &mut memory, bad_in_a_row_max);
        store.apply(&assembled.batch).unwrap();
        positions.extend(assembled.moved.iter().map(|(&(topic, _), moved)| (topic, moved.next_offset)));
        partitions.retain(|topic, _| !assembled.halts.contains_key(topic));
    }
    (store, positions, memory)
}

/// What taints, dead letters and positions must be, said once more and plainly.
fn model(records: &[Record], bad_in_a_row_max: u64) -> (BTreeSet<Vec<u8>>, usize, BTreeMap<Topic, i64>) {
    let (mut tainted, mut letters, mut positions) = (BTreeSet::new(), 0, BTreeMap::new());
    for topic in [Topic::Users, Topic::Tweets] {
        let mut row = 0;
        for record in records.iter().filter(|record| record.topic == topic) {
            positions.insert(topic, record.offset + 1);
            let key = record.key.clone().unwrap();
            if record.value.as_deref() == Some(b"not json") {
                tainted.insert(key);
                letters += 1;
                row += 1;
                if row == bad_in_a_row_max {
                    break;
                }
            } else {
                tainted.remove(&key);
                row = 0;
            }
        }
    }
    (tainted, letters, positions)
}

proptest! {
    #[test]
    fn batches_of_any_size_say_the_same(events in events(), batch_records in 1..9_usize, bad_in_a_row_max in 1..5_u64) {
        let records = records(events.into_iter().map(|(key, event)| record_of(key, event)).collect());
        let (store, positions, memory) = write(records.clone(), batch_records, bad_in_a_row_max);
        let (tainted, letters, expected_positions) = model(&records, bad_in_a_row_max);
        let stored: BTreeSet<Vec<u8>> = store.tainted().unwrap().into_iter().map(|taint| taint.key.key).collect();
        prop_assert_eq!(&stored, &tainted);
        prop_assert_eq!(memory.tainted.into_iter().map(|(_, key)| key).collect::<BTreeSet<_>>(), tainted);
        prop_assert_eq!(store.outbox_len().unwrap(), letters);
        prop_assert_eq!(positions, expected_positions);
        let (whole, ..) = write(records.clone(), records.len(), bad_in_a_row_max);
        prop_assert_eq!(store.tainted().unwrap(), whole.tainted().unwrap());
        prop_assert_eq!(store.outbox(usize::MAX).unwrap(), whole.outbox(usize::MAX).unwrap());
    }
}
