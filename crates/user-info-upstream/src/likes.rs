//! The like service: users like tweets, and take that back.
//!
//! Invariant: see `generator`. A like is taken back only if the likes topic has it. A tweet that the service has seen
//! deleted gets no new likes. Those it has stay until their owner takes them back or is gone for good: the deletion is a
//! fact of another service's topic, and keeping them findable by tweet would double the memory.

use std::collections::HashSet;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use tokio_util::sync::CancellationToken;
use user_info_core::{Change, Fact, Id, Pair, Relation, Timestamp, Topic};
use user_info_log::{Log, Start};

use crate::generator::known_users::KnownUsers;
use crate::generator::pair_set::{PairSet, Users};
use crate::generator::{self, Generator};
use crate::progress::Progress;
use crate::recent::Recent;
use crate::{GeneratorConfig, UpstreamError, reader};

/// Old tweets get few likes, so the newest are enough to choose from; about 20 MiB.
const TWEETS_MAX: usize = 100_000;
/// How far back, in records over all partitions, tweets are looked for after a start: those that are kept, and what was
/// said of deleted ones.
const TWEETS_TAIL_RECORDS: i64 = 400_000;
/// How often a pair that is there already may be drawn before the set is taken to be full.
const DRAWS_MAX: usize = 8;

/// Runs the like service until it is cancelled. Reads users, tweets and likes, publishes likes.
pub async fn run(
    log: Log,
    config: GeneratorConfig,
    progress: Arc<Progress>,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    generator::run(log, config, Likes::default(), progress, shutdown).await
}

struct Likes {
    users: KnownUsers,
    tweets: Recent,
    /// Who likes and the tweet.
    likes: PairSet,
}

impl Default for Likes {
    fn default() -> Self {
        Self { users: KnownUsers::default(), tweets: Recent::new(TWEETS_MAX), likes: PairSet::default() }
    }
}

impl Generator for Likes {
    const NAME: &'static str = "likes";
    const OWN: Topic = Topic::Likes;
    const REPETITIONS: f64 = 0.0;

    fn more_starts(log: &Log) -> Result<Vec<Start>, UpstreamError> {
        reader::from_tail(log, Topic::Tweets, TWEETS_TAIL_RECORDS)
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    fn learn(&mut self, change: Change) {
        match change {
            Change::Profile { user, profile } => self.users.learn(user, &profile),
            Change::Forget { user } => self.users.forget(&user),
            Change::Add(Pair { relation: Relation::Tweets, member, .. }) => drop(self.tweets.insert(&member)),
            Change::Remove(Pair { relation: Relation::Tweets, member, .. }) => self.tweets.remove(&member),
            Change::Add(pair) => drop(self.likes.insert(&pair.owner, &pair.member)),
            Change::Remove(pair) => drop(self.likes.remove(&pair.owner, &pair.member)),
        }
    }

    fn len(&self) -> usize {
        self.likes.len()
    }

    fn add(&mut self, rng: &mut ChaCha8Rng, now: Timestamp) -> Option<Fact> {
        let (user_id, tweet_id) = (0..DRAWS_MAX).find_map(|_| self.add_pair(rng))?;
        Some(Fact::Liked { user_id, tweet_id, created_at: now })
    }

    fn repeat(&mut self, rng: &mut ChaCha8Rng, now: Timestamp) -> Option<Fact> {
        let (user_id, tweet_id) = self.likes.choose(rng)?;
        Some(Fact::Liked { user_id, tweet_id, created_at: now })
    }

    fn remove(&mut self, rng: &mut ChaCha8Rng) -> Option<Fact> {
        let (user_id, tweet_id) = self.likes.take(rng)?;
        Some(Fact::Unliked { user_id, tweet_id })
    }

    fn remove_all_of(&mut self, users: &HashSet<Id>) -> Vec<Fact> {
        let taken = self.likes.take_all_of(users, Users::Owner).into_iter();
        taken.map(|(user_id, tweet_id)| Fact::Unliked { user_id, tweet_id }).collect()
    }
}

impl Likes {
    /// A pair that was not there, if one was drawn.
    fn add_pair(&mut self, rng: &mut ChaCha8Rng) -> Option<(Id, Id)> {
        let (user, tweet) = (self.users.choose(rng)?, self.tweets.choose(rng)?);
        self.likes.insert(user, tweet).then(|| (user.clone(), tweet.clone()))
    }
}
