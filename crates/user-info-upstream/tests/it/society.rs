//! The follow graph, activity and the rhythm of the day have the shapes that are known of real ones.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use user_info_core::Timestamp;
use user_info_upstream::simulator::activity::{HOURLY_PERCENT, local_hour};
use user_info_upstream::simulator::graph::{FollowGraph, User};
use user_info_upstream::simulator::regions::REGIONS;
use user_info_upstream::simulator::{BYTES_PER_USER, user_id};

use crate::world::{START_MS, each_embedded, run, run_from, statuses};

/// Every user's followed ones.
fn followed(graph: &FollowGraph) -> Vec<Vec<User>> {
    (0..graph.users()).map(|user| graph.following(user).collect()).collect()
}

fn in_degrees(followed: &[Vec<User>]) -> Vec<u32> {
    let mut degrees = vec![0; followed.len()];
    for &user in followed.iter().flatten() {
        degrees[user as usize] += 1;
    }
    degrees
}

/// Hill's estimate of the exponent of a density's tail, from the largest `count` values.
fn hill(values: &[u32], count: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(|one, other| other.cmp(one));
    let least = f64::from(sorted[count]).ln();
    1.0 + count as f64 / sorted[..count].iter().map(|&value| f64::from(value).ln() - least).sum::<f64>()
}

#[test]
fn in_degrees_have_a_heavy_tail() {
    let degrees = in_degrees(&followed(&FollowGraph::new(50_000, 1)));
    let exponent = hill(&degrees, 500);
    assert!((2.0..2.6).contains(&exponent), "{exponent}");
    let (most, mean) = (*degrees.iter().max().unwrap(), degrees.iter().sum::<u32>() / 50_000);
    assert!(most > 100 * mean, "the most popular has {most} followers, all have {mean} on average");
}

#[test]
fn follows_are_mutual_and_clustered_as_among_people() {
    let graph = FollowGraph::new(20_000, 1);
    let followed = followed(&graph);
    let follows = |from: User, to: User| followed[from as usize].binary_search(&to).is_ok();
    let edges = || (0..20_000).zip(&followed).flat_map(|(user, all)| all.iter().map(move |&other| (user, other)));
    let share = |counted: usize| counted as f64 / edges().count() as f64;
    let mutual = share(edges().filter(|&(from, to)| follows(to, from)).count());
    assert!((0.25..0.5).contains(&mutual), "{mutual} of the follows are mutual");
    let same_town = share(edges().filter(|&(from, to)| graph.town(from) == graph.town(to)).count());
    assert!((0.25..0.5).contains(&same_town), "{same_town} of the follows stay in a town");
    let same_region = share(edges().filter(|&(from, to)| graph.region(from).name == graph.region(to).name).count());
    assert!((0.55..0.85).contains(&same_region), "{same_region} of the follows stay in a region");
    // Of two whom somebody follows, how often does one follow the other? By chance alone hardly ever.
    let pairs =
        |all: &[User]| (0..all.len()).flat_map(|one| (0..one).map(move |other| (one, other))).collect::<Vec<_>>();
    let (mut closed, mut open) = (0, 0);
    for all in followed.iter().step_by(50) {
        for (one, other) in pairs(all) {
            let is_closed = follows(all[one], all[other]) || follows(all[other], all[one]);
            *if is_closed { &mut closed } else { &mut open } += 1;
        }
    }
    let clustering = f64::from(closed) / f64::from(closed + open);
    let by_chance = 2.0 * edges().count() as f64 / (20_000.0 * 20_000.0);
    assert!(clustering > 10.0 * by_chance && clustering > 0.03, "{clustering}, by chance {by_chance}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whom_a_user_follows_is_a_function(users in 1..3_000_u32, seed: u64, chosen: u32) {
        let graph = FollowGraph::new(users, seed);
        let user = chosen % users;
        let followed: Vec<_> = graph.following(user).collect();
        prop_assert!(followed.is_sorted_by(|one, other| one < other), "{:?}", followed);
        prop_assert!(followed.iter().all(|&other| other < users && other != user), "{:?}", followed);
        prop_assert_eq!(followed, FollowGraph::new(users, seed).following(user).collect::<Vec<_>>());
    }
}

#[test]
fn user_objects_count_what_the_graph_says() {
    let graph = FollowGraph::new(1_000, 7);
    let followed = followed(&graph);
    let followers = in_degrees(&followed);
    let number: HashMap<u64, usize> = (0..1_000).map(|user| (user_id(user), user as usize)).collect();
    let mut seen = HashSet::new();
    for status in statuses(run(1_000, 7, 5_000)).flat_map(each_embedded) {
        let user = number[&status["user"]["id"].as_u64().unwrap()];
        if status["user"]["friends_count"].as_i64().is_some_and(|count| count >= 0) {
            assert_eq!(status["user"]["followers_count"], followers[user]);
            assert_eq!(status["user"]["friends_count"], followed[user].len());
            seen.insert(user);
        }
    }
    assert!(seen.len() > 200, "{}", seen.len());
}

#[test]
fn a_tenth_writes_four_fifths() {
    let mut by_user: HashMap<u64, u32> = HashMap::new();
    for status in statuses(run(1_000, 11, 40_000)) {
        *by_user.entry(status["user"]["id"].as_u64().unwrap()).or_default() += 1;
    }
    let mut counts: Vec<_> = by_user.values().copied().collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    let share = |users: usize| f64::from(counts[..users].iter().sum::<u32>()) / f64::from(counts.iter().sum::<u32>());
    assert!((0.7..0.88).contains(&share(100)), "the busiest tenth wrote {}", share(100));
    assert!(share(1) < 0.2, "the busiest user wrote {}", share(1));
    assert!(counts.len() > 500, "only {} users wrote anything", counts.len());
}

#[test]
fn every_region_sleeps_at_its_night() {
    const STEPS: i64 = 48_000;
    let graph = FollowGraph::new(2_000, 3);
    let region_of: HashMap<u64, _> = (0..2_000).map(|user| (user_id(user), graph.region(user))).collect();
    let mut written: HashMap<&str, [f64; 24]> = HashMap::new();
    for status in statuses(run_from(START_MS, 86_400_000 / STEPS, 2_000, 3, STEPS)) {
        let region = region_of[&status["user"]["id"].as_u64().unwrap()];
        let millis = status["timestamp_ms"].as_str().unwrap().parse().unwrap();
        written.entry(region.name).or_insert([0.0; 24])[local_hour(region, Timestamp::from_millis(millis).unwrap())] +=
            1.0;
    }
    assert_eq!(written.len(), REGIONS.len());
    let stated = |hours: std::ops::Range<usize>| HOURLY_PERCENT[hours].iter().sum::<u32>();
    let expected = f64::from(stated(18..22)) / f64::from(stated(1..5));
    for (region, hours) in &written {
        let sum = |hours: &[f64]| hours.iter().sum::<f64>();
        let ratio = sum(&hours[18..22]) / sum(&hours[1..5]);
        // The others write more when this region sleeps, because somebody writes every status; hence the wide bounds.
        assert!((expected / 3.0..expected * 3.0).contains(&ratio), "{region}: {ratio} times as much in the evening");
    }
}

#[test]
fn ids_are_unique_and_partly_beyond_doubles() {
    let ids: HashSet<_> = (0..100_000).chain(u32::MAX - 1_000..=u32::MAX).map(user_id).collect();
    assert_eq!(ids.len(), 101_001);
    assert_eq!(ids.iter().filter(|&&id| id > 1 << 53).count(), 25_251);
    assert!(ids.iter().all(|&id| id < 1 << 63));
}

#[test]
fn a_user_takes_little_memory() {
    const { assert!(BYTES_PER_USER <= 48, "a million users stay below 48 MB") }
}
