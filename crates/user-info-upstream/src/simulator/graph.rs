//! Who follows whom: a follow graph of any size that takes no memory, because it is a function.
//!
//! Users live in towns of about a hundred, towns lie in regions. Two users of a town are friends by the toss of a coin
//! that both see, and follow each other: that makes reciprocity and clusters. Besides, everybody follows some of their
//! region and some of the world, the more popular the likelier: user by popularity rank `r` with a probability in
//! proportion to `(r + 1)^-β`. That is the stationary form of preferential attachment (the static model of Goh, Kahng and
//! Kim, 2001) and leaves in-degrees a tail with the exponent `1 + 1/β`.
//!
//! Invariant: whom a user follows depends on the seed, the number of users and the user alone; the list is sorted, without
//! repetitions and without the user.

use crate::simulator::draw::{Draws, Quantiles, below, mixed, normal_above};
use crate::simulator::regions::{REGIONS, Region};

/// A user, by number from 0; the lower, the busier.
pub type User = u32;

/// Whom everybody follows, and where they live.
#[derive(Debug)]
pub struct FollowGraph {
    users: u32,
    seed: u64,
    /// Town `t` has the users `t`, `t + towns`, `t + 2 × towns`, …: some of every rank.
    towns: u32,
    /// The towns of region `r` are those from `first_towns[r]` to before `first_towns[r + 1]`.
    first_towns: [u32; REGIONS.len() + 1],
    /// The popularity rank that is followed, as a share of all ranks.
    popularity: Quantiles,
    /// How many a user follows beyond friends.
    beyond_friends: Quantiles,
}

/// Users of a town, except in worlds of less than a thousand, where every region still has one.
const USERS_PER_TOWN: u32 = 100;
/// Friends that a user has on average.
const FRIENDS_MEAN: f64 = 12.0;
/// How unlike users are in making friends: the most sociable has four times as many as the least.
const SOCIABILITY: [f64; 4] = [0.4, 0.8, 1.2, 1.6];
/// `1 + 1/β` is 2.276, the exponent that Kwak, Lee, Park and Moon found for Twitter in 2010.
const POPULARITY_BETA: f64 = 0.784;
/// Half of all users follow more than so many besides their friends, half fewer.
const BEYOND_FRIENDS_MEDIAN: f64 = 12.0;
/// Standard deviation of the logarithm of that number.
const BEYOND_FRIENDS_SIGMA: f64 = 1.1;
/// Most that anybody follows besides friends, which bounds the work for one user.
const BEYOND_FRIENDS_MAX: f64 = 500.0;
/// Of a hundred who are followed besides friends, so many are of the same region by choice.
const SAME_REGION_PERCENT: u64 = 40;
/// Popularity ranks are shuffled within blocks that grow by this factor: the popular are busy, though not strictly.
const SHUFFLED_FACTOR: u32 = 64;

impl FollowGraph {
    /// The graph of so many users, at least one.
    pub fn new(users: u32, seed: u64) -> Self {
        let users = users.max(1);
        let towns = (users / USERS_PER_TOWN).max(users.min(REGIONS.len() as u32));
        Self {
            users,
            seed: mixed(seed ^ 0x67_7261_7068),
            towns,
            first_towns: first_towns(towns),
            popularity: Quantiles::new(|chance| libm::pow(chance, 1.0 / (1.0 - POPULARITY_BETA))),
            beyond_friends: Quantiles::new(|chance| {
                let factor = libm::exp(BEYOND_FRIENDS_SIGMA * normal_above(1.0 - chance));
                (BEYOND_FRIENDS_MEDIAN * factor).min(BEYOND_FRIENDS_MAX)
            }),
        }
    }

    /// How many users there are.
    pub fn users(&self) -> u32 {
        self.users
    }

    /// Everybody whom the user follows, in ascending order.
    pub fn following(&self, user: User) -> impl Iterator<Item = User> + use<> {
        let mut followed = Vec::new();
        self.collect_following(user, &mut followed);
        followed.into_iter()
    }

    /// The town in which a user lives: those with whom they can be friends.
    pub fn town(&self, user: User) -> u32 {
        user % self.towns
    }

    /// The region in which a user lives.
    pub fn region(&self, user: User) -> &'static Region {
        &REGIONS[self.region_index(user)]
    }

    /// Somebody popular where the user lives or in the world, by a draw.
    pub(super) fn popular_with(&self, user: User, draw: u64) -> Option<User> {
        self.popular(user, &mut Draws::new(draw))
    }

    /// Whom the user follows, in place of what the list held.
    pub(super) fn collect_following(&self, user: User, followed: &mut Vec<User>) {
        followed.clear();
        followed.extend(self.friends(user));
        let mut draws = Draws::new(mixed(self.seed ^ u64::from(user)));
        let wanted = self.beyond_friends.at(draws.next()).min(f64::from(self.users)) as u32;
        followed.extend((0..wanted).filter_map(|_| self.popular(user, &mut draws)));
        followed.sort_unstable();
        followed.dedup();
    }

    fn friends(&self, user: User) -> impl Iterator<Item = User> {
        let neighbours = (self.town(user)..self.users).step_by(self.towns as usize);
        let chance = FRIENDS_MEAN / f64::from((self.users / self.towns).max(2) - 1) * self.sociability(user);
        neighbours.filter(move |&other| {
            let pair = u64::from(user.min(other)) << 32 | u64::from(user.max(other));
            let toss = (mixed(self.seed ^ pair) >> 32) as u32;
            other != user && f64::from(toss) < chance * self.sociability(other) * f64::from(u32::MAX)
        })
    }

    fn sociability(&self, user: User) -> f64 {
        SOCIABILITY[mixed(!self.seed ^ u64::from(user)) as usize % SOCIABILITY.len()]
    }

    /// Somebody popular of the user's region or of the world, unless chance has it that nobody is found.
    fn popular(&self, user: User, draws: &mut Draws) -> Option<User> {
        let home = self.region_index(user);
        let towns = if below(draws.next(), 100) < SAME_REGION_PERCENT {
            self.first_towns[home]..self.first_towns[home + 1]
        } else {
            0..self.towns
        };
        let width = towns.end - towns.start;
        let rows = self.users.div_ceil(self.towns);
        // The last row of towns is not full; whoever would stand there and does not is followed by nobody.
        let ranks = u64::from(width) * u64::from(rows);
        let rank = shuffled((self.popularity.at(draws.next()) * ranks as f64) as u64, ranks);
        let (row, town) = (rank / u64::from(width), rank % u64::from(width));
        let other = row * u64::from(self.towns) + u64::from(towns.start) + town;
        let other = User::try_from(other).ok().filter(|&other| other < self.users)?;
        (other != user).then_some(other)
    }

    fn region_index(&self, user: User) -> usize {
        self.first_towns.partition_point(|&first| first <= self.town(user)) - 1
    }
}

/// Deals towns to regions: one to each as far as they go, the others by the regions' shares.
fn first_towns(towns: u32) -> [u32; REGIONS.len() + 1] {
    let count = REGIONS.len() as u32;
    let others = u64::from(towns.saturating_sub(count));
    std::array::from_fn(|region| {
        let percent: u32 = REGIONS[..region].iter().map(|region| region.percent).sum();
        (region as u32).min(towns) + (others * u64::from(percent) / 100) as u32
    })
}

/// A rank of the same block, another one for each: the affine map of a block on itself.
fn shuffled(rank: u64, ranks: u64) -> u64 {
    const PRIME: u64 = 2_654_435_761;
    let place = rank.min(ranks - 1) + 1;
    let block = u64::from(SHUFFLED_FACTOR).pow(place.ilog(u64::from(SHUFFLED_FACTOR)));
    let width = (block * u64::from(SHUFFLED_FACTOR)).min(ranks + 1) - block;
    block + ((place - block) * (PRIME % width.max(2)).max(1) + width / 3) % width - 1
}
