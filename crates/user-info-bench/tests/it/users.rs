//! Whom requests ask for.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use user_info_bench::users::{Popularity, Population, Users};

fn counts(mut users: Users, picks: usize) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for _ in 0..picks {
        *counts.entry(users.pick().into_owned()).or_default() += 1;
    }
    counts
}

#[test]
fn zipf_asks_as_often_as_its_law_says() {
    const USERS: u64 = 1_000;
    const PICKS: usize = 200_000;
    let users = Users::new(Population::Numbered(USERS), Popularity::Zipf(0.99), 0.0, 3);
    let mut counts: Vec<usize> = counts(users, PICKS).into_values().collect();
    counts.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
    let all: f64 = (1..=USERS).map(|rank| (rank as f64).powf(-0.99)).sum();
    for rank in [1_usize, 2, 5, 10] {
        let expected = (rank as f64).powf(-0.99) / all;
        let found = counts[rank - 1] as f64 / PICKS as f64;
        assert!((found / expected - 1.0).abs() < 0.05, "rank {rank}: {found}, expected {expected}");
    }
}

#[test]
fn uniform_asks_for_everybody_alike() {
    let counts = counts(Users::new(Population::Numbered(100), Popularity::Uniform, 0.0, 3), 100_000);
    assert_eq!(counts.len(), 100);
    assert!(counts.values().all(|count| (800..1_200).contains(count)), "{counts:?}");
}

#[test]
fn the_first_of_a_list_are_the_most_popular() {
    let ids: Vec<String> = ["first", "second", "third"].map(String::from).into();
    let counts = counts(Users::new(Population::Listed(ids.into()), Popularity::Zipf(1.0), 0.0, 3), 10_000);
    assert!(counts["first"] > counts["second"] && counts["second"] > counts["third"], "{counts:?}");
}

#[test]
fn a_share_of_requests_asks_for_nobody() {
    let counts = counts(Users::new(Population::Numbered(10), Popularity::Uniform, 0.05, 3), 100_000);
    let unknown: usize = counts.iter().filter(|(id, _)| id.parse::<u64>().is_err()).map(|(_, count)| count).sum();
    assert!((4_500..5_500).contains(&unknown), "{unknown}");
}

proptest! {
    /// Ranks of a population, whatever its size, are ids of their own: nobody is asked for in place of somebody else.
    #[test]
    fn everybody_can_be_asked_for(count in 1_u64..400, seed: u64) {
        let users = Users::new(Population::Numbered(count), Popularity::Uniform, 0.0, seed);
        let ids: BTreeSet<u64> = counts(users, 20_000).keys().map(|id| id.parse().unwrap()).collect();
        prop_assert!(ids.iter().copied().eq(0..count), "{} of {count}", ids.len());
    }
}
