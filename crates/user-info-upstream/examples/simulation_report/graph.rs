//! What the follow graph looks like.

use user_info_upstream::simulator::graph::{FollowGraph, User};

/// The shape of a graph.
pub(crate) struct GraphFigures {
    pub(crate) users: u32,
    pub(crate) followers: Vec<u32>,
    pub(crate) following: Vec<u32>,
    /// Exponent of the density of the followers' tail, by Hill's estimator over the most popular hundredth.
    pub(crate) tail_exponent: f64,
    /// Share of follows that are answered by one.
    pub(crate) mutual: f64,
    pub(crate) same_town: f64,
    pub(crate) same_region: f64,
    /// Of two whom somebody follows, how often one follows the other.
    pub(crate) clustering: f64,
}

/// Clustering is measured around one of so many users.
const SAMPLED_ONE_OF: usize = 100;

pub(crate) fn measure(users: u32, seed: u64) -> GraphFigures {
    let graph = FollowGraph::new(users, seed);
    let followed: Vec<Vec<User>> = (0..users).map(|user| graph.following(user).collect()).collect();
    let follows = |from: User, to: User| followed[from as usize].binary_search(&to).is_ok();
    let mut followers = vec![0; users as usize];
    let (mut edges, mut mutual, mut same_town, mut same_region) = (0_u32, 0_u32, 0_u32, 0_u32);
    for (user, all) in (0..users).zip(&followed) {
        for &other in all {
            followers[other as usize] += 1;
            edges += 1;
            mutual += u32::from(follows(other, user));
            same_town += u32::from(graph.town(user) == graph.town(other));
            same_region += u32::from(graph.region(user).name == graph.region(other).name);
        }
    }
    let share = |count: u32| f64::from(count) / f64::from(edges);
    GraphFigures {
        users,
        tail_exponent: hill(&followers, users as usize / 100),
        followers,
        following: followed.iter().map(|all| all.len() as u32).collect(),
        mutual: share(mutual),
        same_town: share(same_town),
        same_region: share(same_region),
        clustering: clustering(&followed, follows),
    }
}

fn hill(values: &[u32], count: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(|one, other| other.cmp(one));
    let least = f64::from(sorted[count]).ln();
    1.0 + count as f64 / sorted[..count].iter().map(|&value| f64::from(value).ln() - least).sum::<f64>()
}

fn clustering(followed: &[Vec<User>], follows: impl Fn(User, User) -> bool) -> f64 {
    let (mut closed, mut pairs) = (0_u32, 0_u32);
    for all in followed.iter().step_by(SAMPLED_ONE_OF) {
        for (place, &one) in all.iter().enumerate() {
            for &other in &all[..place] {
                closed += u32::from(follows(one, other) || follows(other, one));
                pairs += 1;
            }
        }
    }
    f64::from(closed) / f64::from(pairs)
}
