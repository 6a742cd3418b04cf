//! The follow service: users follow and unfollow each other.
//!
//! Invariant: see `generator`. Whoever unfollows followed, according to the follows topic. Now and then somebody
//! follows again whom they follow, or themselves: facts like any other, which must not be counted twice.

use std::sync::Arc;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tokio_util::sync::CancellationToken;
use user_info_core::{Change, Fact, Timestamp, Topic};
use user_info_log::Log;

use crate::generator::known_users::KnownUsers;
use crate::generator::pair_set::PairSet;
use crate::generator::{self, Generator};
use crate::progress::Progress;
use crate::{GeneratorConfig, UpstreamError};

/// One follow of so many says again what is so already.
const FOLLOWS_PER_REPETITION: u32 = 100;
/// How often a pair that is there already may be drawn before the set is taken to be full.
const DRAWS_MAX: usize = 8;

/// Runs the follow service until it is cancelled. Reads users and follows, publishes follows.
pub async fn run(
    log: Log,
    config: GeneratorConfig,
    progress: Arc<Progress>,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    generator::run::<Follows>(log, config, progress, shutdown).await
}

#[derive(Default)]
struct Follows {
    users: KnownUsers,
    /// Follower and followee.
    follows: PairSet,
}

impl Generator for Follows {
    const NAME: &'static str = "follows";
    const OWN: Topic = Topic::Follows;
    const WATCHED: &'static [Topic] = &[Topic::Users];

    fn learn(&mut self, change: Change) {
        match change {
            Change::Profile { user, profile } => self.users.learn(user, &profile),
            Change::Forget { user } => self.users.forget(&user),
            Change::Add(pair) => {
                self.follows.insert(&pair.owner, &pair.member);
            }
            Change::Remove(pair) => self.follows.remove(&pair.owner, &pair.member),
        }
    }

    fn add(&mut self, rng: &mut ChaCha8Rng, now: Timestamp) -> Option<Fact> {
        let repeated = if rng.random_ratio(1, FOLLOWS_PER_REPETITION) { self.follows.choose(rng) } else { None };
        let (follower_id, followee_id) = match repeated {
            Some(pair) => pair,
            None => (0..DRAWS_MAX).find_map(|_| self.add_pair(rng))?,
        };
        Some(Fact::Followed { follower_id, followee_id, created_at: now })
    }

    fn remove(&mut self, rng: &mut ChaCha8Rng) -> Option<Fact> {
        let (follower_id, followee_id) = self.follows.take(rng)?;
        Some(Fact::Unfollowed { follower_id, followee_id })
    }
}

impl Follows {
    /// A pair that was not there, if one was drawn.
    fn add_pair(&mut self, rng: &mut ChaCha8Rng) -> Option<(user_info_core::Id, user_info_core::Id)> {
        let (follower, followee) = (self.users.choose(rng)?, self.users.choose(rng)?);
        self.follows.insert(follower, followee).then(|| (follower.clone(), followee.clone()))
    }
}
