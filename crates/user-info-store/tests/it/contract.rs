//! The rules that every backend keeps.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Runtime;
use user_info_core::{AccountState, Change, Counts, Id, Relation, Topic};
use user_info_store::{Batch, Cleared, Store, StoreError, Taint, TaintedKey, WriteFlow};

use crate::builders::*;

/// Each rule is a test of its own on each backend.
macro_rules! on_every_store {
    ($($rule:ident),* $(,)?) => {
        mod rocksdb {
            $(#[test] fn $rule() {
                let directory = crate::builders::scratch();
                super::$rule(&crate::builders::open(directory.path()));
            })*
        }
        mod memory {
            $(#[test] fn $rule() {
                super::$rule(&crate::builders::memory());
            })*
        }
        mod redis {
            $(#[test] fn $rule() {
                super::$rule(&crate::servers::on_a_server());
            })*
        }
        mod redis_cluster {
            $(#[test] fn $rule() {
                super::$rule(&crate::servers::on_a_cluster());
            })*
        }
    };
}

on_every_store![
    an_empty_store_knows_nobody,
    adding_a_member_again_changes_nothing,
    removing_an_absent_member_changes_nothing,
    the_last_change_of_a_batch_decides,
    each_relation_moves_its_own_count,
    a_follow_moves_both_counts,
    a_follow_of_oneself_is_an_ordinary_fact,
    equal_ids_in_different_relations_are_different_members,
    owner_and_member_do_not_run_together,
    members_wait_for_their_profile,
    a_user_without_anything_is_nobody,
    forgetting_keeps_the_sets,
    forgetting_nobody_changes_nothing,
    a_user_who_comes_back_has_the_counts_of_before,
    a_profile_is_replaced_whole,
    suspended_and_deactivated_users_are_kept,
    a_rename_gives_the_old_name_back,
    a_name_of_two_users_belongs_to_the_newest_record,
    equally_new_records_are_decided_by_the_greater_id,
    the_loser_of_a_name_gets_it_when_the_winner_leaves,
    names_compare_without_regard_to_case,
    changing_only_the_case_of_a_name_keeps_it_found,
    a_name_is_not_found_by_its_beginning,
    texts_that_cannot_be_names_are_found_nowhere,
    a_search_finds_the_owner_of_a_whole_name,
    a_search_finds_names_by_their_beginning_the_shortest_first,
    a_search_is_bounded_and_follows_renames,
    a_sample_is_bounded_and_has_profiles,
    two_users_may_swap_names_in_one_batch,
    many_records_come_in_the_order_asked,
    positions_are_replaced_and_sorted,
    the_outbox_is_sorted_bounded_and_forgets_what_was_sent,
    a_dead_letter_that_waits_already_is_replaced,
    taints_are_cleared_before_they_are_set,
    every_user_is_visited_in_order,
    every_pair_is_visited_once,
    an_empty_batch_changes_nothing,
    clones_are_the_same_store,
    the_status_says_how_it_is_doing,
];

mod whole_batches {
    #[test]
    fn rocksdb() {
        let directory = crate::builders::scratch();
        super::a_batch_is_seen_whole(&crate::builders::open(directory.path()));
    }

    #[test]
    fn memory() {
        super::a_batch_is_seen_whole(&crate::builders::memory());
    }
}

fn an_empty_store_knows_nobody(store: &Store) {
    assert_eq!(store.get(&id("1")).unwrap(), None);
    assert_eq!(store.find("ann").unwrap(), None);
    assert!(store.positions().unwrap().is_empty());
    assert_eq!(store.outbox_len().unwrap(), 0);
    assert!(store.tainted().unwrap().is_empty());
    assert!(contents(store).users.is_empty());
}

fn adding_a_member_again_changes_nothing(store: &Store) {
    apply(store, [follow("1", "2"), follow("1", "2")]);
    apply(store, [follow("1", "2")]);
    assert_eq!(counts(store, "1").following, 1);
    assert_eq!(counts(store, "2").followers, 1);
}

fn removing_an_absent_member_changes_nothing(store: &Store) {
    apply(store, [unfollow("1", "2")]);
    assert_eq!(store.get(&id("1")).unwrap(), None);
    apply(store, [follow("1", "2")]);
    apply(store, [unfollow("1", "2"), unfollow("1", "2")]);
    apply(store, [unfollow("1", "2")]);
    assert_eq!(counts(store, "1"), Counts::default());
    assert_eq!(counts(store, "2"), Counts::default());
}

fn the_last_change_of_a_batch_decides(store: &Store) {
    apply(store, [follow("1", "2"), unfollow("1", "2"), follow("1", "2")]);
    assert_eq!(counts(store, "1").following, 1);
    apply(store, [unfollow("1", "2"), follow("1", "2"), unfollow("1", "2")]);
    assert_eq!(counts(store, "1").following, 0);
    apply(store, [profile("1", "ann", 1), forget("1"), profile("1", "bob", 3), profile("1", "cat", 2)]);
    assert_eq!(owner_of(store, "cat").as_deref(), Some("1"), "log order decides, not time");
    assert_eq!(owner_of(store, "bob"), None);
}

fn each_relation_moves_its_own_count(store: &Store) {
    let members = ["a", "b", "c", "d"];
    for (index, relation) in Relation::ALL.into_iter().enumerate() {
        apply(store, members[..=index].iter().map(|member| add(relation, "1", member)));
    }
    let expected = Counts { tweets: 1, following: 2, followers: 0, likes: 3, lists: 4 };
    assert_eq!(counts(store, "1"), expected);
    for relation in Relation::ALL {
        apply(store, [remove(relation, "1", "a")]);
    }
    assert_eq!(counts(store, "1"), Counts { tweets: 0, following: 1, followers: 0, likes: 2, lists: 3 });
}

fn a_follow_moves_both_counts(store: &Store) {
    apply(store, [follow("1", "2"), follow("3", "2"), follow("2", "1")]);
    assert_eq!(counts(store, "1"), Counts { following: 1, followers: 1, ..Counts::default() });
    assert_eq!(counts(store, "2"), Counts { following: 1, followers: 2, ..Counts::default() });
    apply(store, [unfollow("3", "2")]);
    assert_eq!(counts(store, "2").followers, 1);
    assert_eq!(store.get(&id("3")).unwrap(), None);
}

fn a_follow_of_oneself_is_an_ordinary_fact(store: &Store) {
    apply(store, [follow("1", "1")]);
    assert_eq!(counts(store, "1"), Counts { following: 1, followers: 1, ..Counts::default() });
    apply(store, [unfollow("1", "1")]);
    assert_eq!(store.get(&id("1")).unwrap(), None);
}

fn equal_ids_in_different_relations_are_different_members(store: &Store) {
    apply(store, [add(Relation::Tweets, "1", "9"), add(Relation::Likes, "1", "9")]);
    apply(store, [remove(Relation::Tweets, "1", "9")]);
    assert_eq!(counts(store, "1"), Counts { likes: 1, ..Counts::default() });
}

fn owner_and_member_do_not_run_together(store: &Store) {
    apply(store, [add(Relation::Tweets, "1", "23"), add(Relation::Tweets, "12", "3")]);
    apply(store, [remove(Relation::Tweets, "123", "3"), remove(Relation::Tweets, "1", "3")]);
    assert_eq!((counts(store, "1").tweets, counts(store, "12").tweets), (1, 1));
}

fn members_wait_for_their_profile(store: &Store) {
    apply(store, [follow("2", "1"), add(Relation::Tweets, "1", "t")]);
    let record = store.get(&id("1")).unwrap().unwrap();
    assert_eq!(record.profile, None);
    assert_eq!(record.counts, Counts { tweets: 1, followers: 1, ..Counts::default() });
    apply(store, [profile("1", "ann", 5)]);
    let record = store.get(&id("1")).unwrap().unwrap();
    assert_eq!(record.profile, Some(stored_profile("ann", 5)));
    assert_eq!(record.counts, Counts { tweets: 1, followers: 1, ..Counts::default() });
}

fn a_user_without_anything_is_nobody(store: &Store) {
    apply(store, [profile("1", "ann", 1), add(Relation::Lists, "1", "l")]);
    apply(store, [remove(Relation::Lists, "1", "l")]);
    assert_eq!(store.get(&id("1")).unwrap().unwrap().counts, Counts::default());
    apply(store, [forget("1")]);
    assert_eq!(store.get(&id("1")).unwrap(), None);
    assert!(contents(store).users.is_empty());
}

fn forgetting_keeps_the_sets(store: &Store) {
    apply(store, [profile("1", "ann", 1), follow("1", "2"), follow("2", "1"), add(Relation::Likes, "1", "t")]);
    apply(store, [forget("1")]);
    let record = store.get(&id("1")).unwrap().unwrap();
    assert_eq!(record.profile, None);
    assert_eq!(record.counts, Counts { following: 1, followers: 1, likes: 1, ..Counts::default() });
    assert_eq!(owner_of(store, "ann"), None);
    assert_eq!(counts(store, "2"), Counts { following: 1, followers: 1, ..Counts::default() });
}

fn forgetting_nobody_changes_nothing(store: &Store) {
    apply(store, [forget("1")]);
    assert_eq!(store.get(&id("1")).unwrap(), None);
}

fn a_user_who_comes_back_has_the_counts_of_before(store: &Store) {
    apply(store, [profile("1", "ann", 1), follow("2", "1")]);
    apply(store, [forget("1")]);
    apply(store, [follow("3", "1")]);
    apply(store, [profile("1", "ann2", 9)]);
    let record = store.get(&id("1")).unwrap().unwrap();
    assert_eq!(record.profile, Some(stored_profile("ann2", 9)));
    assert_eq!(record.counts.followers, 2);
    assert_eq!(owner_of(store, "ann"), None);
    assert_eq!(owner_of(store, "ann2").as_deref(), Some("1"));
}

fn a_profile_is_replaced_whole(store: &Store) {
    apply(store, [profile("1", "ann", 1)]);
    let mut bare = stored_profile("ann", 2);
    bare.profile.bio = None;
    bare.profile.location = Some("Bern".into());
    apply(store, [Change::Profile { user: id("1"), profile: Box::new(bare.clone()) }]);
    assert_eq!(store.get(&id("1")).unwrap().unwrap().profile, Some(bare));
}

fn suspended_and_deactivated_users_are_kept(store: &Store) {
    for (user, state) in [("1", AccountState::Suspended), ("2", AccountState::Deactivated)] {
        let mut hidden = stored_profile(&format!("hidden{user}"), 1);
        hidden.profile.state = state;
        apply(store, [Change::Profile { user: id(user), profile: Box::new(hidden.clone()) }, follow(user, "3")]);
        let record = store.find(&format!("hidden{user}")).unwrap().unwrap();
        assert_eq!(record.profile, Some(hidden));
        assert_eq!(record.counts.following, 1);
    }
}

fn a_rename_gives_the_old_name_back(store: &Store) {
    apply(store, [profile("1", "ann", 1)]);
    apply(store, [profile("1", "bob", 2)]);
    assert_eq!(owner_of(store, "ann"), None);
    assert_eq!(owner_of(store, "bob").as_deref(), Some("1"));
    apply(store, [profile("2", "ann", 1)]);
    assert_eq!(owner_of(store, "ann").as_deref(), Some("2"));
    apply(store, [profile("1", "ann", 3)]);
    assert_eq!(owner_of(store, "bob"), None);
}

fn a_name_of_two_users_belongs_to_the_newest_record(store: &Store) {
    apply(store, [profile("1", "ann", 20)]);
    apply(store, [profile("2", "ann", 10)]);
    assert_eq!(owner_of(store, "ann").as_deref(), Some("1"), "the newest, not the last read");
    apply(store, [profile("2", "ann", 21)]);
    assert_eq!(owner_of(store, "ann").as_deref(), Some("2"));
}

fn equally_new_records_are_decided_by_the_greater_id(store: &Store) {
    apply(store, [profile("2", "ann", 7), profile("10", "ann", 7)]);
    assert_eq!(owner_of(store, "ann").as_deref(), Some("2"), "ids are text: 2 is greater than 10");
}

fn the_loser_of_a_name_gets_it_when_the_winner_leaves(store: &Store) {
    apply(store, [profile("1", "ann", 1), profile("2", "ann", 2), profile("3", "ann", 3)]);
    apply(store, [profile("3", "bob", 4)]);
    assert_eq!(owner_of(store, "ann").as_deref(), Some("2"));
    apply(store, [forget("2")]);
    assert_eq!(owner_of(store, "ann").as_deref(), Some("1"));
}

fn names_compare_without_regard_to_case(store: &Store) {
    apply(store, [profile("1", "AnnE", 1), profile("2", "Ärger", 1)]);
    assert_eq!(store.find("aNNe").unwrap().unwrap().profile.unwrap().profile.username, "AnnE");
    assert_eq!(owner_of(store, "äRGER").as_deref(), Some("2"));
    apply(store, [profile("3", "anne", 2)]);
    assert_eq!(owner_of(store, "ANNE").as_deref(), Some("3"), "one name, two users");
}

fn changing_only_the_case_of_a_name_keeps_it_found(store: &Store) {
    apply(store, [profile("1", "ann", 1)]);
    apply(store, [profile("1", "Ann", 2)]);
    assert_eq!(store.find("ann").unwrap().unwrap().profile.unwrap().profile.username, "Ann");
}

fn a_name_is_not_found_by_its_beginning(store: &Store) {
    apply(store, [profile("1", "anna", 1), profile("nn", "a", 1)]);
    assert_eq!(owner_of(store, "ann"), None);
    assert_eq!(owner_of(store, "an"), None);
    assert_eq!(owner_of(store, "a").as_deref(), Some("nn"));
}

fn texts_that_cannot_be_names_are_found_nowhere(store: &Store) {
    apply(store, [profile("1", "ann", 1)]);
    for text in ["", " ", "ann ", "\0", &"x".repeat(100_000)] {
        assert_eq!(owner_of(store, text), None);
    }
}

fn a_search_finds_the_owner_of_a_whole_name(store: &Store) {
    apply(store, [profile("1", "Ann", 20), profile("2", "ann", 10), profile("3", "bob", 1)]);
    assert_eq!(searched(store, "ANN", 10), ["1"]);
    assert_eq!(searched(store, "nobody", 10), Vec::<String>::new());
    let found = wait(store.search("bob", 10)).unwrap();
    assert_eq!(found, [store.get(&id("3")).unwrap().unwrap()]);
}

/// Names of other lengths and other beginnings stand between those that are found.
fn a_search_finds_names_by_their_beginning_the_shortest_first(store: &Store) {
    let names = ["zoe", "anna", "Anne", "an", "a", "ännchen", "annabelle", "aa", "zzzzzz", "bannan", "anz", "aoaoao"];
    apply(store, names.iter().map(|name| profile(&format!("id-{name}"), name, 1)));
    apply(store, [profile("older", "anne", 0)]);
    if store.searches_by_beginning() {
        assert_eq!(searched(store, "An", 10), ["id-an", "id-anz", "id-anna", "id-Anne", "id-annabelle"]);
        assert_eq!(searched(store, "Ä", 10), ["id-ännchen"]);
        assert_eq!(searched(store, "zzzzzzz", 10), Vec::<String>::new());
    } else {
        assert_eq!(searched(store, "An", 10), ["id-an"]);
        assert_eq!(searched(store, "Ä", 10), Vec::<String>::new());
    }
}

fn a_search_is_bounded_and_follows_renames(store: &Store) {
    apply(store, (100..140).map(|number| profile(&number.to_string(), &format!("user{number}"), 1)));
    apply(store, [profile("100", "renamed", 2), forget("101"), profile("103", "user104", 2)]);
    assert_eq!(searched(store, "user100", 10), Vec::<String>::new());
    assert_eq!(searched(store, "user101", 10), Vec::<String>::new());
    assert_eq!(searched(store, "user104", 10), ["103"]);
    assert_eq!(searched(store, "user104", 0), Vec::<String>::new());
    if store.searches_by_beginning() {
        assert_eq!(searched(store, "user", 3), ["102", "103", "105"]);
        assert_eq!(searched(store, "r", 3), ["100"]);
    }
    for text in ["", " ", "\0", &"x".repeat(70_000)] {
        assert!(searched(store, text, 3).len() <= 3);
    }
}

fn a_sample_is_bounded_and_has_profiles(store: &Store) {
    assert!(wait(store.sample(5)).unwrap().is_empty());
    apply(store, [follow("x", "y"), profile("1", "ann", 1), profile("2", "bob", 1), follow("1", "2"), forget("3")]);
    let sampled = |limit| wait(store.sample(limit)).unwrap();
    let mut all = sampled(100);
    all.sort_by(|one, other| one.user.cmp(&other.user));
    assert_eq!(all, ["1", "2"].map(|user| store.get(&id(user)).unwrap().unwrap()));
    assert!(sampled(1).len() <= 1);
    assert!(sampled(0).is_empty());
}

/// Who is found. Redis does not say that nobody is before it was complete once, which it is not here.
fn searched(store: &Store, beginning: &str, limit: usize) -> Vec<String> {
    match wait(store.search(beginning, limit)) {
        Ok(found) => found.iter().map(|record| record.user.as_str().to_owned()).collect(),
        Err(StoreError::Unavailable { .. }) if matches!(store, Store::Redis(_)) => Vec::new(),
        Err(error) => panic!("{error}"),
    }
}

/// One runtime for all, because connections that are renewed live in the one that asked.
fn wait<T>(answer: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    RUNTIME.block_on(answer)
}

fn two_users_may_swap_names_in_one_batch(store: &Store) {
    apply(store, [profile("1", "ann", 1), profile("2", "bob", 1)]);
    apply(store, [profile("1", "bob", 2), profile("2", "ann", 2)]);
    assert_eq!(owner_of(store, "ann").as_deref(), Some("2"));
    assert_eq!(owner_of(store, "bob").as_deref(), Some("1"));
}

fn many_records_come_in_the_order_asked(store: &Store) {
    apply(store, [profile("1", "ann", 1), follow("1", "2")]);
    let asked = ["2", "nobody", "1", "2", "1"].map(id);
    let records = store.get_many(&asked).unwrap();
    let expected: Vec<_> = asked.iter().map(|user| store.get(user).unwrap()).collect();
    assert_eq!(records, expected);
    assert!(records[1].is_none() && records[2].is_some());
    assert!(store.get_many(&[]).unwrap().is_empty());
}

fn positions_are_replaced_and_sorted(store: &Store) {
    let first = [position(Topic::Follows, 10, 4), position(Topic::Users, 2, 3), position(Topic::Follows, 9, 1)];
    store.apply(&Batch { positions: first.to_vec(), ..Batch::default() }).unwrap();
    let replaced = position(Topic::Users, 2, 7);
    store.apply(&Batch { positions: vec![replaced.clone()], ..Batch::default() }).unwrap();
    let [tenth, _, ninth] = first;
    assert_eq!(store.positions().unwrap(), [replaced, ninth, tenth]);
}

/// Not promised by Redis. A reader sees the two sides of a follow move together, and never data older than positions that it read before.
fn a_batch_is_seen_whole(store: &Store) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looks = 0_u64;
            while !done.load(Ordering::Acquire) || looks == 0 {
                let positions = store.positions().unwrap();
                let records = store.get_many(&["1", "2"].map(id)).unwrap();
                let following = records[0].as_ref().map_or(0, |record| record.counts.following);
                let followers = records[1].as_ref().map_or(0, |record| record.counts.followers);
                assert_eq!(following, followers);
                assert!(positions.iter().all(|position| position.next_offset <= following as i64));
                if let Some(record) = store.get(&id("1")).unwrap() {
                    let name = record.profile.unwrap().profile.username;
                    assert_eq!(name, format!("name{}", record.counts.following), "profile and counts of one batch");
                }
                looks += 1;
            }
        });
        for number in 1..=300_i64 {
            let someone = format!("someone{number}");
            let name = format!("name{number}");
            let mut step = batch([follow("1", &someone), follow(&someone, "2"), profile("1", &name, number)]);
            step.positions = vec![position(Topic::Follows, 0, number)];
            store.apply(&step).unwrap();
        }
        done.store(true, Ordering::Release);
        reader.join().unwrap();
    });
    assert_eq!(counts(store, "2").followers, 300);
}

fn the_outbox_is_sorted_bounded_and_forgets_what_was_sent(store: &Store) {
    let origins = [
        origin(Topic::Likes, 0, 300),
        origin(Topic::Users, 3, 9),
        origin(Topic::Likes, 0, 2),
        origin(Topic::Users, 3, 10),
    ];
    let dead_letters = origins.iter().map(|&origin| dead_letter(origin, "why")).collect();
    store.apply(&Batch { dead_letters, ..Batch::default() }).unwrap();
    let listed = |limit| -> Vec<_> { store.outbox(limit).unwrap().iter().map(|letter| letter.origin).collect() };
    assert_eq!(listed(10), [origins[1], origins[3], origins[2], origins[0]]);
    assert_eq!(listed(2), [origins[1], origins[3]]);
    assert_eq!(store.outbox(1).unwrap(), [dead_letter(origins[1], "why")]);
    assert_eq!(store.outbox_len().unwrap(), 4);
    store.sent(&[origins[1], origins[2], origins[1], origin(Topic::Lists, 0, 0)]).unwrap();
    store.sent(&[origins[1]]).unwrap();
    assert_eq!(listed(10), [origins[3], origins[0]]);
    assert_eq!(store.outbox_len().unwrap(), 2);
}

fn a_dead_letter_that_waits_already_is_replaced(store: &Store) {
    let origin = origin(Topic::Tweets, 1, 5);
    for reason in ["first", "again"] {
        let dead_letters = vec![dead_letter(origin, "shadowed"), dead_letter(origin, reason)];
        store.apply(&Batch { dead_letters, ..Batch::default() }).unwrap();
    }
    assert_eq!(store.outbox(9).unwrap(), [dead_letter(origin, "again")]);
    assert_eq!(store.outbox_len().unwrap(), 1);
    store.sent(&[origin]).unwrap();
    assert_eq!(store.outbox_len().unwrap(), 0);
}

fn taints_are_cleared_before_they_are_set(store: &Store) {
    let key = |bytes: &[u8]| TaintedKey { topic: Topic::Follows, key: bytes.to_vec() };
    let taint = |bytes: &[u8], offset, reason: &str| {
        let origin = origin(Topic::Follows, 0, offset);
        Taint { key: key(bytes), origin, reason: reason.into() }
    };
    let (text, empty, bad) = (taint(b"\xff\x00", 2, "not text"), taint(b"", 3, "empty"), taint(b"1/2", 4, "bad"));
    let tainted = vec![text.clone(), empty.clone(), bad.clone()];
    store.apply(&Batch { tainted, ..Batch::default() }).unwrap();
    assert_eq!(store.tainted().unwrap(), [empty, bad, text.clone()]);
    let cleared = |bytes, offset| Cleared { key: key(bytes), offset };
    let cleared = vec![cleared(b"", 5), cleared(b"1/2", 6), cleared(b"never tainted", 7)];
    let worse = taint(b"1/2", 8, "worse");
    store.apply(&Batch { cleared, tainted: vec![worse.clone()], ..Batch::default() }).unwrap();
    assert_eq!(store.tainted().unwrap(), [worse, text]);
}

fn every_user_is_visited_in_order(store: &Store) {
    apply(store, [profile("30", "ann", 1), follow("4", "1"), profile("4", "bob", 1), add(Relation::Likes, "2", "t")]);
    let users = contents(store).users;
    let ids: Vec<&str> = users.iter().map(|record| record.user.as_str()).collect();
    assert_eq!(ids, ["1", "2", "30", "4"]);
    assert!(users.iter().all(|record| store.get(&record.user).unwrap().as_ref() == Some(record)));
}

fn every_pair_is_visited_once(store: &Store) {
    let expected = [
        pair(Relation::Follows, "1", "2"),
        pair(Relation::Follows, "2", "2"),
        pair(Relation::Tweets, "1", "2"),
        pair(Relation::Likes, "a-longer-id", "é"),
    ];
    apply(store, expected.iter().cloned().map(Change::Add));
    apply(store, [add(Relation::Lists, "1", "2"), profile("5", "ann", 1)]);
    apply(store, [remove(Relation::Lists, "1", "2")]);
    assert_eq!(pairs(store), expected.into_iter().collect());
}

fn an_empty_batch_changes_nothing(store: &Store) {
    apply(store, [profile("1", "ann", 1), follow("1", "2")]);
    let before = contents(store);
    store.apply(&Batch::default()).unwrap();
    store.sent(&[]).unwrap();
    store.flush().unwrap();
    assert_eq!(contents(store), before);
}

fn clones_are_the_same_store(store: &Store) {
    let clone = store.clone();
    apply(&clone, [follow("1", "2")]);
    drop(clone);
    assert_eq!(counts(store, "1").following, 1);
}

fn the_status_says_how_it_is_doing(store: &Store) {
    let users: Vec<Id> = (0..100).map(|number| id(&number.to_string())).collect();
    apply(store, users.iter().map(|user| profile(user.as_str(), &format!("u{user}"), 1)));
    let status = store.status().unwrap();
    assert_eq!(status.users_estimate, 100);
    assert_eq!(status.decoder_version, user_info_core::DECODER_VERSION);
    assert!(!status.is_decoded_by_older_program());
    assert_eq!(status.writes, WriteFlow::Free);
    assert_eq!(status.failure, None);
    assert_eq!(status.disk_bytes > 0, matches!(store, Store::RocksDb(_)));
}
