//! Random histories: however they are batched, interleaved, repeated and compacted, all stores end in the same state.
//!
//! One database serves all cases of a test; each case has users and names of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use user_info_core::{Change, Id, Key, Pair, Relation, Topic};
use user_info_store::{Batch, Decision, Store};

use crate::builders::*;
use crate::model::Model;
use crate::servers::{on_a_cluster, on_a_server};

const USERS: u8 = 6;
const NAMES: u8 = 4;
const PARTITIONS: i32 = 3;

/// A change without the names of its case.
#[derive(Clone, Copy, Debug)]
struct Draft {
    kind: Kind,
    user: u8,
    other: u8,
    time: u8,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Add(Relation),
    Remove(Relation),
    Profile,
    Forget,
}

fn drafts() -> impl Strategy<Value = Draft> {
    let relation = proptest::sample::select(&Relation::ALL[..]);
    let kind = prop_oneof![
        4 => relation.clone().prop_map(Kind::Add),
        3 => relation.prop_map(Kind::Remove),
        2 => Just(Kind::Profile),
        1 => Just(Kind::Forget),
    ];
    (kind, 0..USERS, 0..USERS, 0..5_u8).prop_map(|(kind, user, other, time)| Draft { kind, user, other, time })
}

/// The users and names of one case.
struct Case {
    prefix: String,
}

impl Case {
    fn new(cases: &AtomicU32) -> Self {
        Self { prefix: format!("case{}.", cases.fetch_add(1, Ordering::Relaxed)) }
    }

    fn user(&self, number: u8) -> String {
        format!("{}{number}", self.prefix)
    }

    fn name(&self, number: u8) -> String {
        let name = format!("{}name{}", self.prefix, number % NAMES);
        // The same name in both cases of letters.
        if number >= NAMES { name.to_uppercase() } else { name }
    }

    fn change(&self, draft: Draft) -> Change {
        let (user, other) = (self.user(draft.user), self.user(draft.other));
        match draft.kind {
            Kind::Add(relation) => add(relation, &user, &other),
            Kind::Remove(relation) => remove(relation, &user, &other),
            Kind::Profile => profile(&user, &self.name(draft.other), draft.time.into()),
            Kind::Forget => forget(&user),
        }
    }

    fn assert_equal(&self, store: &Store, model: &Model) {
        let users: Vec<Id> = (0..USERS).map(|number| id(&self.user(number))).collect();
        let expected: Vec<_> = users.iter().map(|user| model.get(user)).collect();
        assert_eq!(store.get_many(&users).unwrap(), expected);
        assert!(users.iter().zip(&expected).all(|(user, expected)| store.get(user).unwrap() == *expected));
        for name in (0..2 * NAMES).map(|number| self.name(number)) {
            assert_eq!(store.find(&name).unwrap(), model.find(&name), "{name}");
        }
        let own = |pair: &Pair| pair.owner.as_str().starts_with(&self.prefix);
        assert_eq!(pairs(store).into_iter().filter(own).collect::<BTreeSet<_>>(), model.pairs);
    }

    fn users_of(&self, store: &Store) -> Vec<user_info_store::UserRecord> {
        let mut users = contents(store).users;
        users.retain(|record| record.user.as_str().starts_with(&self.prefix));
        users
    }
}

/// Runs `test` with random input on each backend, in databases that all cases share.
fn check<S: Strategy>(strategy: S, test: impl Fn(&Store, &Case, S::Value))
where
    S::Value: Clone,
{
    let (directory, server, cluster) = (scratch(), on_a_server(), on_a_cluster());
    let stores = [open(directory.path()), server.clone(), cluster.clone()];
    let numbers = AtomicU32::new(0);
    let rng_seed = if soak() { RngSeed::Random } else { RngSeed::Fixed(7) };
    let config = Config { cases: cases(64, 3_000), rng_seed, failure_persistence: None, ..Config::default() };
    let run = |value| {
        for store in &stores {
            test(store, &Case::new(&numbers), S::Value::clone(&value));
        }
        Ok(())
    };
    TestRunner::new(config).run(&strategy, run).unwrap_or_else(|failure| panic!("{failure}"));
}

fn apply_in_batches(store: &Store, changes: &[Change], sizes: &[usize]) {
    let mut rest = changes;
    for size in sizes.iter().cycle() {
        let (now, later) = rest.split_at(rest.len().min(*size));
        apply(store, now.iter().cloned());
        rest = later;
        if rest.is_empty() {
            return;
        }
    }
}

#[test]
fn any_batching_ends_in_the_same_state_on_every_store() {
    let sizes = || proptest::collection::vec(1..30_usize, 1..6);
    let input = (proptest::collection::vec(drafts(), 0..120), sizes(), sizes());
    check(input, |store, case, (drafts, some_sizes, other_sizes)| {
        let changes: Vec<Change> = drafts.into_iter().map(|draft| case.change(draft)).collect();
        let (model, memory) = (Model::of(&changes), memory());
        apply_in_batches(store, &changes, &some_sizes);
        apply_in_batches(&memory, &changes, &other_sizes);
        case.assert_equal(store, &model);
        case.assert_equal(&memory, &model);
        assert_eq!(case.users_of(store), model.users());
        assert_eq!(case.users_of(&memory), model.users());
    });
}

/// One partition's records that compaction left: by offset, never renumbered.
type Partition = BTreeMap<i64, Change>;
type Log = BTreeMap<(Topic, i32), Partition>;

fn key(change: &Change) -> Key {
    match change {
        Change::Profile { user, .. } | Change::Forget { user } => Key::User(user.clone()),
        Change::Add(pair) | Change::Remove(pair) => Key::Pair(pair.clone()),
    }
}

fn is_deletion(change: &Change) -> bool {
    matches!(change, Change::Forget { .. } | Change::Remove(_))
}

fn published(changes: &[Change]) -> Log {
    let mut log = Log::new();
    for (offset, change) in changes.iter().enumerate() {
        let key = key(change);
        let number = user_info_core::topic::partition_of(key.to_string().as_bytes(), PARTITIONS);
        log.entry((key.topic(), number)).or_default().insert(offset as i64, change.clone());
    }
    log
}

/// Drops those of the `unlucky` records that Kafka may drop while a reader that resumes is sure to see every deletion:
/// records with a later one of the same key.
fn compact(partition: &mut Partition, unlucky: &BTreeSet<i64>) {
    let mut later = BTreeSet::new();
    let mut superseded = BTreeSet::new();
    for (&offset, change) in partition.iter().rev() {
        if !later.insert(key(change)) {
            superseded.insert(offset);
        }
    }
    partition.retain(|offset, _| !(superseded.contains(offset) && unlucky.contains(offset)));
}

/// Drops those of the `unlucky` deletions before which nothing of their key remains: what Kafka may do once the
/// retention of deletions is over, so only before anybody reads.
fn expire(partition: &mut Partition, unlucky: &BTreeSet<i64>) {
    let mut remaining = BTreeSet::new();
    partition.retain(|offset, change| {
        let expired = is_deletion(change) && unlucky.contains(offset) && !remaining.contains(&key(change));
        if !expired {
            remaining.insert(key(change));
        }
        !expired
    });
}

/// What a reader, and the log meanwhile, does next.
#[derive(Clone, Debug)]
enum Action {
    /// Applies so many records of a partition as one batch.
    Read { partition: usize, records: usize },
    /// Goes back so many offsets in a partition: a redelivery, or a replay after a restart from an older position.
    Rewind { partition: usize, offsets: i64 },
    /// Compacts a partition meanwhile.
    Compact { partition: usize },
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let partition = 0..64_usize;
    let action = prop_oneof![
        6 => (partition.clone(), 1..20_usize).prop_map(|(partition, records)| Action::Read { partition, records }),
        2 => (partition.clone(), 1..100_i64).prop_map(|(partition, offsets)| Action::Rewind { partition, offsets }),
        1 => partition.prop_map(|partition| Action::Compact { partition }),
    ];
    proptest::collection::vec(action, 0..60)
}

/// Reads a log into a store.
struct Reader<'store> {
    store: &'store Store,
    log: Log,
    positions: BTreeMap<(Topic, i32), i64>,
    unlucky: BTreeSet<i64>,
}

impl Reader<'_> {
    fn act(&mut self, action: Action) {
        match action {
            Action::Read { partition, records } => self.read(self.partition(partition), records),
            Action::Rewind { partition, offsets } => {
                let position = self.positions.entry(self.partition(partition)).or_default();
                *position = (*position - offsets).max(0);
            }
            Action::Compact { partition } => {
                let partition = self.partition(partition);
                compact(self.log.get_mut(&partition).unwrap(), &self.unlucky);
            }
        }
    }

    fn partition(&self, number: usize) -> (Topic, i32) {
        *self.log.keys().nth(number % self.log.len()).unwrap()
    }

    fn read(&mut self, partition: (Topic, i32), records: usize) {
        let from = self.positions.get(&partition).copied().unwrap_or(0);
        let batch: Vec<_> = self.log[&partition].range(from..).take(records).collect();
        let next = batch.last().map_or(from, |(offset, _)| **offset + 1);
        let decision = |(&offset, change): (&i64, &Change)| Decision { offset, change: change.clone() };
        let changes = batch.into_iter().map(decision).collect();
        let positions = vec![position(partition.0, partition.1, next)];
        self.store.apply(&Batch { changes, positions, ..Batch::default() }).unwrap();
        self.positions.insert(partition, next);
    }

    /// Reads every partition to its end.
    fn catch_up(&mut self) {
        for partition in self.log.keys().rev().copied().collect::<Vec<_>>() {
            self.read(partition, usize::MAX);
        }
    }
}

#[test]
fn any_interleaving_repetition_and_compaction_ends_in_the_same_state() {
    let input = (
        proptest::collection::vec(drafts(), 1..120),
        proptest::collection::btree_set(0..120_i64, 0..100),
        any::<bool>(),
        actions(),
    );
    check(input, |store, case, (drafts, unlucky, compacted_before, actions)| {
        let changes: Vec<Change> = drafts.into_iter().map(|draft| case.change(draft)).collect();
        let mut log = published(&changes);
        if compacted_before {
            log.values_mut().for_each(|partition| compact(partition, &unlucky));
            log.values_mut().for_each(|partition| expire(partition, &unlucky));
        }
        let memory = memory();
        for store in [store, &memory] {
            let (log, unlucky) = (log.clone(), unlucky.clone());
            let mut reader = Reader { store, log, positions: BTreeMap::new(), unlucky };
            actions.iter().for_each(|action| reader.act(action.clone()));
            reader.catch_up();
            case.assert_equal(store, &Model::of(&changes));
        }
    });
}

/// The test above has the power to see what Kafka must not do.
#[test]
fn a_record_lost_out_of_order_is_noticed() {
    let changes = [follow("1", "2"), unfollow("1", "2")];
    let mut log = published(&changes);
    let partition = log.values_mut().next().unwrap();
    compact(partition, &[0, 1].into());
    assert_eq!(partition.len(), 1, "only the superseded one goes");
    expire(partition, &[0, 1].into());
    assert!(partition.is_empty(), "and then the deletion, before which nothing remains");
    let mut log = published(&changes);
    expire(log.values_mut().next().unwrap(), &[0, 1].into());
    assert_eq!(log.values().next().unwrap().len(), 2, "a deletion stays while there is something to delete");
}
