//! Several writers of one Redis: whatever they repeat, hold back and write late, the newest fact of each key is in force.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use user_info_core::{Change, Relation, Topic};
use user_info_store::{Batch, Cleared, Decision, Store, StoreError, Taint, TaintedKey};
use user_info_testkit::{RedisConfig, RedisServer, eventually};

use crate::builders::*;
use crate::model::Model;
use crate::servers::{own_keys, store_at};

fn decided(offset: i64, change: Change) -> Decision {
    Decision { offset, change }
}

fn say(store: &Store, decisions: impl IntoIterator<Item = Decision>) {
    store.apply(&Batch { changes: decisions.into_iter().collect(), ..Batch::default() }).unwrap();
}

/// A store of its own on a server of its own.
fn alone() -> (RedisServer, Store) {
    let server = RedisServer::start(&RedisConfig::default()).unwrap();
    let store = store_at(&server.url(), &own_keys());
    (server, store)
}

#[test]
fn an_older_fact_changes_nothing() {
    let (_server, store) = alone();
    say(&store, [decided(7, follow("1", "2")), decided(9, unfollow("3", "2"))]);
    say(&store, [decided(6, unfollow("1", "2")), decided(8, follow("3", "2"))]);
    assert_eq!(
        (counts(&store, "1").following, counts(&store, "2").followers, counts(&store, "3").following),
        (1, 1, 0)
    );
    say(&store, [decided(10, profile("1", "ann", 5)), decided(12, forget("2"))]);
    say(&store, [decided(9, profile("1", "bob", 6)), decided(11, profile("2", "cat", 6))]);
    assert_eq!(owner_of(&store, "ann").as_deref(), Some("1"));
    assert_eq!((owner_of(&store, "bob"), owner_of(&store, "cat")), (None, None));
    assert_eq!(store.get(&id("2")).unwrap().unwrap().profile, None);
}

#[test]
fn a_name_that_came_back_is_not_lost_to_a_late_rename() {
    let (_server, store) = alone();
    let [ann, bob, ann_again] =
        [("ann", 1), ("bob", 2), ("ann", 3)].map(|(name, at)| decided(at, profile("1", name, at)));
    say(&store, [ann.clone()]);
    say(&store, [bob.clone()]);
    say(&store, [ann_again]);
    say(&store, [ann, bob]);
    assert_eq!(owner_of(&store, "ann").as_deref(), Some("1"));
    assert_eq!(owner_of(&store, "bob"), None);
}

#[test]
fn a_taint_that_was_cleared_does_not_come_back_late() {
    let (_server, store) = alone();
    let key = TaintedKey { topic: Topic::Users, key: b"1".to_vec() };
    let tainted = vec![Taint { key: key.clone(), origin: origin(Topic::Users, 0, 4), reason: "bad".into() }];
    let late = Batch { tainted, ..Batch::default() };
    store.apply(&late).unwrap();
    store.apply(&Batch { cleared: vec![Cleared { key, offset: 5 }], ..Batch::default() }).unwrap();
    store.apply(&late).unwrap();
    assert!(store.tainted().unwrap().is_empty());
}

#[test]
fn thousands_of_members_in_one_batch_are_all_there() {
    let (_server, store) = alone();
    let likes = (0..2_777).map(|number| decided(number, add(Relation::Likes, "1", &number.to_string())));
    say(&store, likes.chain((0..1_234).map(|number| decided(number, follow(&format!("f{number}"), "1")))));
    assert_eq!((counts(&store, "1").likes, counts(&store, "1").followers), (2_777, 1_234));
}

/// Positions are moved by whoever knows them; who does not has to read again.
#[test]
fn who_does_not_know_the_positions_does_not_move_them() {
    let server = RedisServer::start(&RedisConfig::default()).unwrap();
    let keys = own_keys();
    let (one, other) = (store_at(&server.url(), &keys), store_at(&server.url(), &keys));
    let at = |offset| Batch { positions: vec![position(Topic::Users, 0, offset)], ..Batch::default() };
    one.take_up().unwrap();
    one.apply(&at(10)).unwrap();
    other.take_up().unwrap();
    other.apply(&at(20)).unwrap();
    let refused = one.apply(&at(15));
    assert!(matches!(refused, Err(StoreError::Rewound { .. })), "{refused:?}");
    assert!(matches!(one.apply(&at(30)), Err(StoreError::Rewound { .. })), "until they are taken up");
    assert_eq!(one.take_up().unwrap(), [position(Topic::Users, 0, 20)]);
    one.apply(&at(30)).unwrap();
    assert_eq!(other.positions().unwrap(), [position(Topic::Users, 0, 30)]);
}

#[test]
fn a_server_that_lost_everything_is_noticed() {
    let (mut server, store) = alone();
    let at = |offset| Batch { positions: vec![position(Topic::Users, 0, offset)], ..batch([follow("1", "2")]) };
    store.take_up().unwrap();
    store.apply(&at(10)).unwrap();
    store.check().unwrap();
    server.kill().unwrap();
    assert!(matches!(store.apply(&at(20)), Err(StoreError::Unavailable { .. })));
    server.restart().unwrap();
    let noticed = until_answered(|| match store.check() {
        Err(StoreError::Unavailable { .. }) => None,
        other => Some(other),
    });
    assert!(matches!(noticed, Err(StoreError::Rewound { .. })), "{noticed:?}");
    assert!(store.take_up().unwrap().is_empty());
    assert_eq!(store.get(&id("1")).unwrap(), None);
}

fn until_answered<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let mut found = None;
    eventually(Duration::from_secs(30), "an answer other than that it is away", || {
        found = attempt();
        found.is_some()
    });
    found.unwrap()
}

/// What happens: which kind of thing, to whom, with whom.
type Draft = (u8, u8, u8);

/// A part of a history: from where, and how long.
type Part = (usize, usize);

/// A history and the order in which writers say parts of it: each part in its order, parts in any.
fn histories() -> impl Strategy<Value = (Vec<Draft>, Vec<Part>)> {
    let drafts = proptest::collection::vec((0..6_u8, 0..4_u8, 0..4_u8), 1..60);
    let parts = proptest::collection::vec((0..60_usize, 1..20_usize), 0..20);
    (drafts, parts)
}

fn change_of((kind, user, other): (u8, u8, u8), case: u32) -> Change {
    let (user, other) = (format!("c{case}u{user}"), format!("c{case}u{other}"));
    match kind {
        0 | 1 => follow(&user, &other),
        2 => unfollow(&user, &other),
        3 => add(Relation::Likes, &user, &other),
        4 => remove(Relation::Likes, &user, &other),
        _ => profile(&user, &format!("name{other}"), i64::from(kind)),
    }
}

/// Says the parts, then everything in order, then the parts once more, as writers do that wake up late.
fn live(store: &Store, history: &BTreeMap<i64, Change>, parts: &[Part]) {
    let say_part = |from: usize, length: usize| {
        let part = history.range(from as i64..(from + length) as i64);
        say(store, part.map(|(&offset, change)| decided(offset, change.clone())));
    };
    parts.iter().for_each(|&(from, length)| say_part(from, length));
    say_part(0, history.len());
    parts.iter().for_each(|&(from, length)| say_part(from, length));
}

#[test]
fn any_order_of_writing_ends_in_the_same_state() {
    let (_server, store) = alone();
    let (case, sets_differ) = (AtomicU32::new(0), AtomicBool::new(false));
    let rng_seed = if soak() { RngSeed::Random } else { RngSeed::Fixed(11) };
    let config = Config { cases: cases(96, 5_000), rng_seed, failure_persistence: None, ..Config::default() };
    let run = |(drafts, parts): (Vec<Draft>, Vec<Part>)| {
        let case = case.fetch_add(1, Ordering::Relaxed);
        let changes = drafts.into_iter().map(|draft| change_of(draft, case));
        let history: BTreeMap<i64, Change> = (0..).zip(changes).collect();
        let (model, memory) = (Model::of(history.values()), memory());
        live(&store, &history, &parts);
        live(&memory, &history, &parts);
        for record in model.users() {
            let found = store.get(&record.user).unwrap();
            prop_assert_eq!(found.as_ref(), Some(&record));
            sets_differ.fetch_or(memory.get(&record.user).unwrap() != Some(record), Ordering::Relaxed);
        }
        Ok(())
    };
    TestRunner::new(config).run(&histories(), run).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(sets_differ.into_inner(), "plain sets must not survive this, or it proves nothing");
}
