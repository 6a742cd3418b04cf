//! The follow service: users follow and unfollow each other.
//!
//! Invariant: see `generator`. Whoever unfollows followed, according to the follows topic. Now and then somebody
//! follows again whom they follow, or themselves: facts like any other, which must not be counted twice.
//!
//! Steered, it reads the stream as well: nobody comes to follow more than the stream says they follow, and nobody to be
//! followed by more than it says; whoever is beyond loses some. Where the stream says more than there are users, counts
//! grow as far as they can. Users of whom it says nothing take no part then.

mod targets;

use std::collections::HashSet;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use user_info_core::{Change, Fact, Id, Timestamp, Topic};
use user_info_log::{Log, Start};

use crate::generator::known_users::KnownUsers;
use crate::generator::pair_set::{PairSet, Users};
use crate::generator::{self, Generator};
use crate::progress::Progress;
use crate::stream::client::{self, ClientOptions, StreamUrl};
use crate::{GeneratorConfig, UpstreamError};
use targets::Targets;

pub use targets::TARGETS_MAX;

/// What the service is told.
#[derive(Clone, Debug)]
pub struct FollowsConfig {
    /// What every generator is told.
    pub generator: GeneratorConfig,
    /// What decides who follows whom.
    pub steer: Steer,
}

/// What decides who follows whom.
#[derive(Clone, Debug, Default)]
pub enum Steer {
    /// Chance, and the mix.
    #[default]
    Ignore,
    /// The `followers_count` and `friends_count` of the users of a stream, each user's own.
    FollowCounts {
        /// Address of the stream.
        stream: String,
        /// How it is asked for.
        client: ClientOptions,
    },
}

/// How often a pair that is there already, or does not fit, may be drawn before the set is taken to be full.
const DRAWS_MAX: usize = 8;
/// The same when steered: among users of whom many have what they are to have.
const STEERED_DRAWS_MAX: usize = 64;
/// Messages on their way from the stream; more of them wait there.
const QUEUED_MESSAGES_MAX: usize = 1_024;

/// Runs the follow service until it is cancelled. Reads users and follows, publishes follows.
pub async fn run(
    log: Log,
    config: FollowsConfig,
    progress: Arc<Progress>,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    let Steer::FollowCounts { stream, client: options } = config.steer else {
        return generator::run(log, config.generator, Follows::default(), progress, shutdown).await;
    };
    let url: StreamUrl = stream.parse()?;
    let stop = shutdown.child_token();
    let (sender, messages) = mpsc::channel(QUEUED_MESSAGES_MAX);
    let follows = Follows { targets: Some(Targets::new(messages)), ..Follows::default() };
    let client = client::run(&url, &options, sender, Arc::clone(&progress), stop.clone());
    let generator = generator::run(log, config.generator, follows, progress, stop.clone());
    let ended = |result: Result<(), UpstreamError>| {
        stop.cancel();
        result
    };
    let (followed, generated) = tokio::join!(async { ended(client.await) }, async { ended(generator.await) });
    followed.and(generated)
}

#[derive(Default)]
struct Follows {
    users: KnownUsers,
    /// Follower and followee.
    follows: PairSet,
    /// Only when steered.
    targets: Option<Targets>,
}

impl Generator for Follows {
    const NAME: &'static str = "follows";
    const OWN: Topic = Topic::Follows;
    const REPETITIONS: f64 = 0.008;

    fn more_starts(_log: &Log) -> Result<Vec<Start>, UpstreamError> {
        Ok(Vec::new())
    }

    fn reset(&mut self) {
        let mut targets = self.targets.take();
        targets.iter_mut().for_each(Targets::forget_degrees);
        *self = Self { targets, ..Self::default() };
    }

    fn learn(&mut self, change: Change) {
        match change {
            Change::Profile { user, profile } => self.users.learn(user, &profile),
            Change::Forget { user } => {
                self.users.forget(&user);
                self.targets.iter_mut().for_each(|targets| targets.forget(&user));
            }
            Change::Add(pair) => drop(self.insert(&pair.owner, &pair.member)),
            Change::Remove(pair) => {
                if self.follows.remove(&pair.owner, &pair.member) {
                    self.note_removal(&pair.owner, &pair.member);
                }
            }
        }
    }

    fn len(&self) -> usize {
        self.follows.len()
    }

    fn add(&mut self, rng: &mut ChaCha8Rng, now: Timestamp) -> Option<Fact> {
        let draws = if self.targets.is_some() { STEERED_DRAWS_MAX } else { DRAWS_MAX };
        self.targets.iter_mut().for_each(Targets::read_stream);
        let (follower_id, followee_id) = (0..draws).find_map(|_| self.add_pair(rng))?;
        Some(Fact::Followed { follower_id, followee_id, created_at: now })
    }

    fn repeat(&mut self, rng: &mut ChaCha8Rng, now: Timestamp) -> Option<Fact> {
        let (follower_id, followee_id) = self.follows.choose(rng)?;
        Some(Fact::Followed { follower_id, followee_id, created_at: now })
    }

    fn remove(&mut self, rng: &mut ChaCha8Rng) -> Option<Fact> {
        let (follower_id, followee_id) = match &self.targets {
            None => self.follows.take(rng)?,
            Some(targets) => {
                let pairs = (0..STEERED_DRAWS_MAX).filter_map(|_| self.follows.choose(rng));
                let pair = pairs.into_iter().find(|(follower, followee)| targets.is_beyond(follower, followee))?;
                self.follows.remove(&pair.0, &pair.1);
                pair
            }
        };
        self.note_removal(&follower_id, &followee_id);
        Some(Fact::Unfollowed { follower_id, followee_id })
    }

    fn remove_all_of(&mut self, users: &HashSet<Id>) -> Vec<Fact> {
        let taken = self.follows.take_all_of(users, Users::Both);
        taken.iter().for_each(|(follower, followee)| self.note_removal(follower, followee));
        taken.into_iter().map(|(follower_id, followee_id)| Fact::Unfollowed { follower_id, followee_id }).collect()
    }
}

impl Follows {
    /// A pair that was not there, if one was drawn.
    fn add_pair(&mut self, rng: &mut ChaCha8Rng) -> Option<(Id, Id)> {
        let (follower, followee) = match &self.targets {
            None => (self.users.choose(rng)?.clone(), self.users.choose(rng)?.clone()),
            Some(targets) => targets.choose(&self.users, rng)?,
        };
        self.insert(&follower, &followee).then_some((follower, followee))
    }

    fn insert(&mut self, follower: &Id, followee: &Id) -> bool {
        let inserted = self.follows.insert(follower, followee);
        if inserted && let Some(targets) = &mut self.targets {
            targets.note(follower, followee, 1);
        }
        inserted
    }

    fn note_removal(&mut self, follower: &Id, followee: &Id) {
        if let Some(targets) = &mut self.targets {
            targets.note(follower, followee, -1);
        }
    }
}
