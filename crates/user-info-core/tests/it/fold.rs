//! The fold: what one batch does, whatever it holds.

use proptest::prelude::*;
use user_info_core::fold::{Effects, Plan};
use user_info_core::{Change, CountDelta, Decoded, Pair, Relation, Stamp, StoredProfile};

use crate::generate::{self, config};
use crate::model::{Folded, Model};
use crate::samples::{id, profile};

fn pair(relation: Relation, owner: &str, member: &str) -> Pair {
    Pair { relation, owner: id(owner), member: id(member) }
}

fn follow(owner: &str, member: &str) -> Pair {
    pair(Relation::Follows, owner, member)
}

/// What the batch does where nothing, or everything, that it asks about is there. `moves` are user and delta.
fn check(batch: &[Change], present: bool, added: &[Pair], removed: &[Pair], moves: &[(&str, CountDelta)]) {
    let plan = Plan::of(batch);
    let effects = plan.effects(&vec![present; plan.pairs.len()]);
    assert_eq!(effects.added, added.iter().collect::<Vec<_>>());
    assert_eq!(effects.removed, removed.iter().collect::<Vec<_>>());
    let moved: Vec<_> = effects.deltas.iter().map(|(user, delta)| (user.as_str(), *delta)).collect();
    assert_eq!(moved, moves);
}

#[test]
fn a_follow_moves_both_sides() {
    let pair = follow("a", "b");
    let (up, down) = (CountDelta { following: 1, ..still() }, CountDelta { followers: 1, ..still() });
    check(&[Change::Add(pair.clone())], false, std::slice::from_ref(&pair), &[], &[("a", up), ("b", down)]);
    let (up, down) = (CountDelta { following: -1, ..still() }, CountDelta { followers: -1, ..still() });
    check(&[Change::Remove(pair.clone())], true, &[], &[pair], &[("a", up), ("b", down)]);
}

fn still() -> CountDelta {
    CountDelta::default()
}

#[test]
fn a_follow_of_oneself_moves_two_counts_of_one_user() {
    let pair = follow("a", "a");
    let up = CountDelta { following: 1, followers: 1, ..still() };
    check(&[Change::Add(pair.clone())], false, std::slice::from_ref(&pair), &[], &[("a", up)]);
    let down = CountDelta { following: -1, followers: -1, ..still() };
    check(&[Change::Remove(pair.clone())], true, &[], &[pair], &[("a", down)]);
}

#[test]
fn the_other_relations_move_their_owner_alone() {
    let moves = [
        (Relation::Tweets, CountDelta { tweets: 1, ..still() }),
        (Relation::Likes, CountDelta { likes: 1, ..still() }),
        (Relation::Lists, CountDelta { lists: 1, ..still() }),
    ];
    for (relation, up) in moves {
        let pair = pair(relation, "a", "b");
        check(&[Change::Add(pair.clone())], false, &[pair], &[], &[("a", up)]);
    }
}

#[test]
fn what_is_so_already_has_no_effect() {
    let pair = follow("a", "b");
    check(&[Change::Add(pair.clone())], true, &[], &[], &[]);
    check(&[Change::Remove(pair.clone())], false, &[], &[], &[]);
    check(&[Change::Add(pair.clone()), Change::Remove(pair.clone())], false, &[], &[], &[]);
    check(&[Change::Remove(pair.clone()), Change::Add(pair)], true, &[], &[], &[]);
    check(&[], false, &[], &[], &[]);
}

#[test]
fn the_last_change_of_a_pair_decides() {
    let pair = follow("a", "a");
    let (add, remove) = (Change::Add(pair.clone()), Change::Remove(pair.clone()));
    let up = CountDelta { following: 1, followers: 1, ..still() };
    let batch = [remove.clone(), add.clone(), add.clone(), remove, add];
    check(&batch, false, &[pair], &[], &[("a", up)]);
}

/// One member more and one less: the sets change, the count does not.
#[test]
fn counts_that_cancel_out_do_not_move() {
    let (gone, come) = (follow("a", "b"), follow("a", "c"));
    let batch = [Change::Remove(gone.clone()), Change::Add(come.clone())];
    let plan = Plan::of(&batch);
    assert_eq!(plan.pairs, [(&gone, false), (&come, true)]);
    let effects = plan.effects(&[true, false]);
    let deltas = [
        (&gone.member, CountDelta { followers: -1, ..still() }),
        (&come.member, CountDelta { followers: 1, ..still() }),
    ];
    assert_eq!(effects, Effects { added: vec![&come], removed: vec![&gone], deltas: deltas.into() });
}

/// One text in two relations names two pairs.
#[test]
fn relations_do_not_meet() {
    let pairs = Relation::ALL.map(|relation| pair(relation, "a", "b"));
    let batch = pairs.clone().map(Change::Add);
    assert_eq!(Plan::of(&batch).pairs.len(), pairs.len());
}

#[test]
fn the_last_profile_decides_and_moves_no_count() {
    let stored = |offset| StoredProfile { profile: profile(), stamp: Stamp { timestamp_ms: 0, offset } };
    let changed = |user, offset| Change::Profile { user: id(user), profile: Box::new(stored(offset)) };
    let forget = |user| Change::Forget { user: id(user) };
    let batch = [changed("b", 1), changed("a", 2), forget("b"), changed("a", 3), forget("c"), changed("c", 4)];
    let plan = Plan::of(&batch);
    let (a, b, c) = (id("a"), id("b"), id("c"));
    assert_eq!(plan.profiles, [(&a, Some(&stored(3))), (&b, None), (&c, Some(&stored(4)))]);
    assert_eq!(plan.effects(&[]), Effects::default());
}

#[test]
#[should_panic(expected = "one answer for each pair")]
fn an_answer_for_every_pair_is_needed() {
    let batch = [Change::Add(follow("a", "b"))];
    Plan::of(&batch).effects(&[]);
}

fn changes(log: Vec<Decoded>) -> Vec<Change> {
    let stamp = |offset: usize| Stamp { timestamp_ms: 0, offset: i64::try_from(offset).unwrap() };
    log.into_iter().enumerate().map(|(offset, decoded)| decoded.into_change(stamp(offset))).collect()
}

proptest! {
    #![proptest_config(config())]

    /// However the log is cut into batches, the state is that of one change at a time, after every batch.
    #[test]
    fn batches_do_not_matter(log in generate::log(), sizes in proptest::collection::vec(1..40_usize, 1..20)) {
        let changes = changes(log);
        let (mut folded, mut end) = (Folded::default(), 0);
        for size in sizes.into_iter().cycle().take(changes.len()) {
            let start = end;
            end = changes.len().min(start + size);
            folded.apply(&changes[start..end]);
            folded.assert_is(&Model::of(&changes[..end]));
        }
    }

    #[test]
    fn a_batch_applied_twice_is_applied_once(before in generate::log(), batch in generate::log()) {
        let (before, batch) = (changes(before), changes(batch));
        let mut folded = Folded::default();
        folded.apply(&before);
        folded.apply(&batch);
        let once = folded.clone();
        folded.apply(&batch);
        prop_assert_eq!(folded, once);
    }

    #[test]
    fn a_batch_applied_already_has_no_effects(batch in generate::log()) {
        let batch = changes(batch);
        let plan = Plan::of(&batch);
        let present: Vec<bool> = plan.pairs.iter().map(|(_, wanted)| *wanted).collect();
        prop_assert_eq!(plan.effects(&present), Effects::default());
    }
}
