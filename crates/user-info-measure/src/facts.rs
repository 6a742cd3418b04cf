//! What is measured with: facts about so many users. Pure; the same seed makes the same facts.
//!
//! Users are called `0` to one less than their number, as the load generator asks for them, and who is asked for most is also
//! followed most: the followee of a follow is drawn as the user of a request is.

use std::collections::VecDeque;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use user_info_bench::users::{Popularity, Population, Users};
use user_info_core::{AccountState, Fact, Id, Profile, Timestamp};

/// Facts for each user that there are at the beginning, the profile included.
pub(crate) const FACTS_PER_USER: u64 = 5;

/// YCSB's exponent.
pub(crate) const POPULARITY: Popularity = Popularity::Zipf(0.99);

/// The share of profiles among facts that come later: one of twenty.
const PROFILE_SHARE: f64 = 0.05;

/// The share of facts that take away what one before them added.
const REMOVAL_SHARE: f64 = 0.1;

/// Facts that can be taken away again: the last ones, a minute's worth.
const RECENT_MAX: usize = 10_000;

/// The beginning of 2023, when everything here happened.
const WHEN_MS: i64 = 1_672_531_200_000;

/// About as long as tweets were.
const TEXT: &str = "Nobody reads this. It is as long as what people used to write, so that a record weighs as much as theirs did, \
                    and says nothing.";

/// Draws facts without an end.
pub(crate) struct Facts {
    users: u64,
    followees: Users,
    random: ChaCha8Rng,
    /// Of a tweet or a list that nobody has yet.
    next_id: u64,
    recent: VecDeque<Fact>,
}

impl Facts {
    /// About so many users. Facts of different streams name different tweets and lists.
    pub(crate) fn new(users: u64, seed: u64, stream: u64) -> Self {
        let followees = Users::new(Population::Numbered(users), POPULARITY, 0.0, seed.wrapping_add(stream));
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream);
        Self { users, followees, random, next_id: stream << 40, recent: VecDeque::new() }
    }

    /// What there is at the beginning: a profile for everybody, then four times as much of everything else.
    pub(crate) fn beginning(users: u64, seed: u64) -> impl Iterator<Item = Fact> {
        let mut others = Self::new(users, seed, 0);
        let rest = std::iter::repeat_with(move || others.addition()).take(((FACTS_PER_USER - 1) * users) as usize);
        (0..users).map(|number| profile(number, 0)).chain(rest)
    }

    /// What happens later.
    pub(crate) fn next(&mut self) -> Fact {
        if self.random.random_bool(REMOVAL_SHARE)
            && let Some(removal) = self.recent.pop_front().as_ref().and_then(removal)
        {
            return removal;
        }
        if self.random.random_bool(PROFILE_SHARE) {
            let version = self.random.random_range(1..1_000);
            return profile(self.random.random_range(0..self.users), version);
        }
        let addition = self.addition();
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(addition.clone());
        addition
    }

    /// Tweets, follows, likes and lists as 35 to 20 to 35 to 5.
    fn addition(&mut self) -> Fact {
        let user_id = user(self.random.random_range(0..self.users));
        let created_at = time();
        match self.random.random_range(0..95) {
            0..35 => Fact::Tweeted { user_id, tweet_id: self.new_id(), text: TEXT.into(), created_at },
            35..55 => {
                let followee_id = Id::new(&self.followees.pick()).expect("a number is an id");
                Fact::Followed { follower_id: user_id, followee_id, created_at }
            }
            55..90 => {
                let tweet_id = user(self.random.random_range(0..2 * self.users));
                Fact::Liked { user_id, tweet_id, created_at }
            }
            _ => {
                let name = (*["friends", "news", "music"].choose(&mut self.random).expect("there are three")).into();
                Fact::ListCreated { owner_id: user_id, list_id: self.new_id(), name, created_at }
            }
        }
    }

    fn new_id(&mut self) -> Id {
        self.next_id += 1;
        user(self.next_id)
    }
}

/// What takes a fact back; `None` if nothing does.
fn removal(fact: &Fact) -> Option<Fact> {
    match fact.clone() {
        Fact::Tweeted { user_id, tweet_id, .. } => Some(Fact::TweetDeleted { user_id, tweet_id }),
        Fact::Followed { follower_id, followee_id, .. } => Some(Fact::Unfollowed { follower_id, followee_id }),
        Fact::Liked { user_id, tweet_id, .. } => Some(Fact::Unliked { user_id, tweet_id }),
        Fact::ListCreated { owner_id, list_id, .. } => Some(Fact::ListDeleted { owner_id, list_id }),
        Fact::UserChanged { .. }
        | Fact::TweetDeleted { .. }
        | Fact::Unfollowed { .. }
        | Fact::Unliked { .. }
        | Fact::ListDeleted { .. } => None,
    }
}

fn profile(number: u64, version: u64) -> Fact {
    let image = format!("https://images.example/profile_images/{number}/normal.jpg");
    let profile = Profile {
        username: format!("user_{number}"),
        name: format!("User Number {number}, {version}"),
        state: AccountState::Active,
        joined_at: time(),
        bio: Some("Opinions are my own. Coffee, mountains, distributed systems and a cat called Offset.".into()),
        location: Some("Zurich, Switzerland".into()),
        url: Some(format!("https://example.com/{number}")),
        background_image_url: Some(image.replace("profile_images", "profile_banners")),
        profile_image_url: Some(image),
    };
    Fact::UserChanged { user_id: user(number), profile }
}

fn user(number: u64) -> Id {
    Id::new(&number.to_string()).expect("a number is an id")
}

fn time() -> Timestamp {
    Timestamp::from_millis(WHEN_MS).expect("a time of this century")
}
