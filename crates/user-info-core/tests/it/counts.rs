//! The five counts: what moves them, and that none falls below zero.

use proptest::prelude::*;
use user_info_core::{CountDelta, Counts, Relation};

use crate::generate::{self, config};

const NONE: Counts = Counts { tweets: 0, following: 0, followers: 0, likes: 0, lists: 0 };
const STILL: CountDelta = CountDelta { tweets: 0, following: 0, followers: 0, likes: 0, lists: 0 };
const SOME: Counts = Counts { tweets: 1, following: 2, followers: 3, likes: 4, lists: 5 };

#[test]
fn each_count_moves_by_its_own_delta() {
    let delta = CountDelta { tweets: 10, following: -2, followers: 0, likes: -1, lists: 7 };
    let moved = Counts { tweets: 11, following: 0, followers: 3, likes: 3, lists: 12 };
    assert_eq!(SOME.moved_by(delta), Ok(moved));
    assert_eq!(SOME.moved_by(STILL), Ok(SOME));
    assert_eq!((Counts::default(), CountDelta::default()), (NONE, STILL));
}

#[test]
fn no_count_falls_below_zero_or_wraps() {
    let downward = [
        (CountDelta { tweets: -2, ..STILL }, "count 1 moved by -2"),
        (CountDelta { following: -3, ..STILL }, "count 2 moved by -3"),
        (CountDelta { followers: -4, ..STILL }, "count 3 moved by -4"),
        (CountDelta { likes: -5, ..STILL }, "count 4 moved by -5"),
        (CountDelta { lists: i64::MIN, ..STILL }, "count 5 moved by -9223372036854775808"),
    ];
    for (delta, words) in downward {
        let message = SOME.moved_by(delta).unwrap_err().to_string();
        assert!(message.starts_with(words) && message.ends_with("run `user-info rebuild`"), "{message}");
    }
    assert!(Counts { likes: u64::MAX, ..NONE }.moved_by(CountDelta { likes: 1, ..STILL }).is_err());
}

#[test]
fn an_owner_sees_one_count_of_each_relation() {
    let deltas = [
        (Relation::Tweets, CountDelta { tweets: -3, ..STILL }),
        (Relation::Follows, CountDelta { following: -3, ..STILL }),
        (Relation::Likes, CountDelta { likes: -3, ..STILL }),
        (Relation::Lists, CountDelta { lists: -3, ..STILL }),
    ];
    for (relation, expected) in deltas {
        let mut delta = CountDelta::default();
        delta.move_owner(relation, -4);
        delta.move_owner(relation, 1);
        assert_eq!(delta, expected, "{relation:?}");
    }
}

#[test]
fn empty_and_zero_mean_all_five() {
    assert!(NONE.is_empty() && STILL.is_zero());
    let counts = [
        Counts { tweets: 1, ..NONE },
        Counts { following: 1, ..NONE },
        Counts { followers: 1, ..NONE },
        Counts { likes: 1, ..NONE },
        Counts { lists: 1, ..NONE },
    ];
    let deltas = [
        CountDelta { tweets: -1, ..STILL },
        CountDelta { following: 1, ..STILL },
        CountDelta { followers: -1, ..STILL },
        CountDelta { likes: 1, ..STILL },
        CountDelta { lists: -1, ..STILL },
    ];
    assert!(!counts.into_iter().any(Counts::is_empty));
    assert!(!deltas.into_iter().any(CountDelta::is_zero));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn moving_adds_or_refuses(counts in generate::counts(), delta in generate::delta()) {
        let sums = [
            (counts.tweets, delta.tweets),
            (counts.following, delta.following),
            (counts.followers, delta.followers),
            (counts.likes, delta.likes),
            (counts.lists, delta.lists),
        ]
        .map(|(count, by)| i128::from(count) + i128::from(by));
        match counts.moved_by(delta) {
            Ok(Counts { tweets, following, followers, likes, lists }) => {
                prop_assert_eq!([tweets, following, followers, likes, lists].map(i128::from), sums);
            }
            Err(_) => prop_assert!(sums.iter().any(|sum| u64::try_from(*sum).is_err())),
        }
    }
}
