//! The users: what of them changes as the world goes on.
//!
//! Invariant: a user takes at most [`BYTES_PER_USER`] of memory. Everything else about a user is a pure function of the
//! seed, the user and how often each field of the profile was edited: names and texts are made when they are needed.

use rand::{Rng, RngExt};

use crate::simulator::frequencies::RENAME_PERCENT;
use crate::simulator::graph::{FollowGraph, User};
use crate::simulator::lives::{AccountState, Lives};
use crate::simulator::profile::{EditableField, Profile, ProfileSource};

/// Bound of the memory for one user, in bytes: an account, its state, and a place in the queue of those who are away,
/// which has room for at most as many as there are users.
pub const BYTES_PER_USER: usize = size_of::<Account>() + size_of::<AccountState>() + Lives::BYTES_PER_AWAY;

/// Everybody.
#[derive(Debug)]
pub(super) struct Population {
    seed: u64,
    graph: FollowGraph,
    accounts: Vec<Account>,
}

#[derive(Clone, Debug, Default)]
struct Account {
    edits: [u8; EditableField::ALL.len()],
    is_withheld: bool,
    /// Statuses since the world began.
    statuses: u32,
    followers: u32,
    /// At most those of a town and [`FollowGraph`]'s bound of others.
    following: u16,
}

impl Population {
    /// So many users, at least one. Counts the followers of everybody once, which takes about a microsecond a user.
    pub(super) fn new(users: u32, seed: u64) -> Self {
        let graph = FollowGraph::new(users, seed);
        let mut accounts = vec![Account::default(); graph.users() as usize];
        let mut followed = Vec::new();
        for user in 0..graph.users() {
            graph.collect_following(user, &mut followed);
            accounts[user as usize].following = u16::try_from(followed.len()).unwrap_or(u16::MAX);
            for &other in &followed {
                accounts[other as usize].followers += 1;
            }
        }
        Self { seed, graph, accounts }
    }

    pub(super) fn len(&self) -> u32 {
        self.graph.users()
    }

    pub(super) fn graph(&self) -> &FollowGraph {
        &self.graph
    }

    /// The user edits one field of the profile.
    pub(super) fn edit(&mut self, user: User, rng: &mut impl Rng) {
        let field = if rng.random_ratio(RENAME_PERCENT, 100) {
            EditableField::ScreenName
        } else {
            EditableField::ALL[rng.random_range(1..EditableField::ALL.len())]
        };
        let edits = &mut self.accounts[user as usize].edits[field as usize];
        *edits = edits.wrapping_add(1);
    }

    /// The user writes another status.
    pub(super) fn count_status(&mut self, user: User) {
        self.accounts[user as usize].statuses += 1;
    }

    /// The user is withheld in the country that is returned, from now on.
    pub(super) fn withhold(&mut self, user: User) -> &'static str {
        self.accounts[user as usize].is_withheld = true;
        self.source(user).withholding_country()
    }

    /// Whether the user lets statuses carry positions: two of five do.
    pub(super) fn is_geo_enabled(&self, user: User) -> bool {
        self.source(user).is_geo_enabled()
    }

    pub(super) fn profile(&self, user: User) -> Profile {
        let account = &self.accounts[user as usize];
        let source = self.source(user);
        let mut profile = source.profile();
        profile.statuses += account.statuses;
        profile.followers = account.followers;
        profile.friends = u32::from(account.following);
        profile.withheld_in = account.is_withheld.then(|| source.withholding_country());
        profile
    }

    pub(super) fn screen_name(&self, user: User) -> String {
        self.source(user).screen_name()
    }

    pub(super) fn name(&self, user: User) -> String {
        self.source(user).name()
    }

    fn source(&self, user: User) -> ProfileSource<'_> {
        let edits = &self.accounts[user as usize].edits;
        ProfileSource { seed: self.seed, user, edits, vocabulary: self.graph.region(user).vocabulary }
    }
}

/// The id of a user, the most active one being number 0. Three users of four have a short id as the early ones have, the
/// others one that no double can hold exactly: it begins with the millisecond in which they joined, from
/// November 2015 on.
pub fn user_id(number: u32) -> u64 {
    if has_long_id(number) {
        (snowflake_joined_ms(number) - ID_EPOCH_MS).unsigned_abs() << ID_SEQUENCE_BITS | u64::from(number % 4_096)
    } else {
        12 + u64::from(number) * 61
    }
}

pub(super) fn has_long_id(number: u32) -> bool {
    number % 4 == 3
}

/// When a user with a long id joined, in milliseconds since 1970.
pub(super) fn snowflake_joined_ms(number: u32) -> i64 {
    // Backwards, the bits of a number are spread evenly over all numbers, and differ where the numbers do.
    SNOWFLAKE_JOINED_MS + i64::from(number.reverse_bits()) * SNOWFLAKE_STEP_MS
}

/// The time that long ids count from, as Twitter's do.
pub(super) const ID_EPOCH_MS: i64 = 1_288_834_974_657;
/// Room for what is made in one millisecond in an id that begins with the time.
pub(super) const ID_SEQUENCE_BITS: u32 = 22;
/// 2015-11-01: accounts have long ids since about then.
const SNOWFLAKE_JOINED_MS: i64 = 1_446_336_000_000;
/// So far the times of two numbers are apart at least. The last of all is in 2023.
const SNOWFLAKE_STEP_MS: i64 = 58;
