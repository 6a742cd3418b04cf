//! Records reach a replica late, again, from an earlier offset, after compaction and in any order of the keys: the
//! state in the end is that of the log, read once from the start. From bytes to state, through decoder and fold.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use user_info_core::{Change, Decoded, Stamp, Topic, decode};

use crate::generate::{self, config};
use crate::model::{Folded, Model};

const MAX_BATCH_RECORDS: usize = 7;

/// A record as a log holds it.
#[derive(Clone, Debug)]
struct Record {
    topic: Topic,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
    stamp: Stamp,
}

impl Record {
    fn change(&self) -> Change {
        decode(self.topic, Some(&self.key), self.value.as_deref()).unwrap().into_change(self.stamp)
    }

    fn key(&self) -> (Topic, &[u8]) {
        (self.topic, &self.key)
    }
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    generate::log().prop_map(|log| {
        let offsets = (0..).map(|offset| Stamp { timestamp_ms: 1000 - offset, offset });
        log.into_iter().zip(offsets).map(|(decoded, stamp)| record(decoded, stamp)).collect()
    })
}

fn record(decoded: Decoded, stamp: Stamp) -> Record {
    let (key, value) = match decoded {
        Decoded::Fact(fact) => (fact.key(), Some(fact.to_json())),
        Decoded::Tombstone(key) => (key, None),
    };
    Record { topic: key.topic(), key: key.to_string().into_bytes(), value, stamp }
}

/// What is delivered in this order, in small batches, ends as the log does.
fn check<'log>(log: &[Record], delivered: impl IntoIterator<Item = &'log Record>) {
    let changes: Vec<Change> = delivered.into_iter().map(Record::change).collect();
    let mut folded = Folded::default();
    changes.chunks(MAX_BATCH_RECORDS).for_each(|batch| folded.apply(batch));
    folded.assert_is(&Model::of(&log.iter().map(Record::change).collect::<Vec<_>>()));
}

/// Another order of the same records, in which each key keeps its own: `picks` say whose turn it is.
fn interleaved<'log>(log: &'log [Record], picks: &[u16]) -> Vec<&'log Record> {
    let mut waiting: BTreeMap<_, VecDeque<&Record>> = BTreeMap::new();
    for record in log {
        waiting.entry(record.key()).or_default().push_back(record);
    }
    let mut waiting: Vec<_> = waiting.into_values().collect();
    let mut order = Vec::new();
    for pick in picks.iter().cycle().take(log.len()) {
        let turn = usize::from(*pick) % waiting.len();
        order.extend(waiting[turn].pop_front());
        waiting.retain(|records| !records.is_empty());
    }
    order
}

/// Reads on, going back by `back` before each stretch of `length`, and to the end in the end.
fn with_rewinds(length: usize, rewinds: &[(usize, usize)]) -> Vec<Range<usize>> {
    let mut position = 0_usize;
    let mut stretches = Vec::new();
    for (back, stretch) in rewinds {
        let start = position.saturating_sub(*back);
        position = length.min(start + stretch);
        stretches.push(start..position);
    }
    stretches.push(position..length);
    stretches
}

/// What compaction may leave: the last record of each key, and any of the others.
fn compacted<'log>(log: &[&'log Record], kept: &[bool]) -> Vec<&'log Record> {
    let mut decided = BTreeSet::new();
    let mut left: Vec<&Record> = log
        .iter()
        .rev()
        .zip(kept.iter().cycle())
        .filter(|(record, kept)| decided.insert(record.key()) || **kept)
        .map(|(record, _)| *record)
        .collect();
    left.reverse();
    left
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn order_matters_within_a_key_alone(log in records(), picks in vec(any::<u16>(), 1..120)) {
        check(&log, interleaved(&log, &picks));
    }

    #[test]
    fn topics_commute(log in records(), order in Just(Topic::FACTS).prop_shuffle()) {
        check(&log, order.iter().flat_map(|topic| log.iter().filter(move |record| record.topic == *topic)));
    }

    #[test]
    fn a_record_may_come_more_than_once(log in records(), times in vec(1..4_usize, 1..20)) {
        let delivered = log.iter().zip(times.iter().cycle()).flat_map(|(record, times)| vec![record; *times]);
        check(&log, delivered);
    }

    #[test]
    fn any_suffix_may_be_read_again(log in records(), from in any::<proptest::sample::Index>()) {
        let from = from.index(log.len() + 1);
        check(&log, log.iter().chain(&log[from..]));
    }

    #[test]
    fn reading_may_go_back_at_any_time(log in records(), rewinds in vec((0..60_usize, 0..40_usize), 0..8)) {
        let stretches = with_rewinds(log.len(), &rewinds);
        check(&log, stretches.into_iter().flat_map(|stretch| &log[stretch]));
    }

    #[test]
    fn compaction_changes_nothing(log in records(), kept in vec(any::<bool>(), 1..120)) {
        check(&log, compacted(&log.iter().collect::<Vec<_>>(), &kept));
    }

    #[test]
    fn all_of_it_together(
        log in records(),
        picks in vec(any::<u16>(), 1..120),
        kept in vec(any::<bool>(), 1..120),
        rewinds in vec((0..60_usize, 0..40_usize), 0..8),
    ) {
        let left = compacted(&interleaved(&log, &picks), &kept);
        let stretches = with_rewinds(left.len(), &rewinds);
        check(&log, stretches.into_iter().flat_map(|stretch| left[stretch].iter().copied()));
    }
}

/// The check can fail: the order within a key does matter.
#[test]
#[should_panic(expected = "assertion")]
fn order_within_a_key_matters() {
    let liked = |value: Option<&str>, offset| Record {
        topic: Topic::Likes,
        key: b"1/2".to_vec(),
        value: value.map(|json| json.as_bytes().to_vec()),
        stamp: Stamp { timestamp_ms: 0, offset },
    };
    let json = r#"{"type":"liked","user_id":"1","tweet_id":"2","created_at":"2026-11-23T08:30:00.000Z"}"#;
    let log = [liked(Some(json), 0), liked(None, 1)];
    check(&log, [&log[1], &log[0]]);
}
