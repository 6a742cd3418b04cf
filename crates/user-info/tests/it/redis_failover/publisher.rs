//! Upstream services that keep contradicting themselves: who followed unfollows, what was liked is not any more, and names
//! go from one user to the next.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use user_info_core::AccountState;
use user_info_log::{NewRecord, Producer, ProducerConfig};

use crate::support::facts::{
    followed, forget, liked, list_created, list_deleted, tweet_deleted, tweeted, unfollowed, unliked, user,
    user_in_state,
};
use crate::support::waiting::until;
use crate::support::world::World;

/// Users who do things.
pub(crate) const USERS: u64 = 300;

/// What they do it to: so little that they come back to it.
const FOLLOWED: u64 = 20;
const LIKED: u64 = 20;
const LISTS_OF_EACH: u64 = 5;
const NAMES: u64 = 200;

/// What is published at once, and the pause after it: about a thousand records a second, which leaves the machine to those
/// who are tested.
const ACTIONS: usize = 25;
const PAUSE: Duration = Duration::from_millis(30);

/// A thread that publishes until it is stopped.
pub(crate) struct Publisher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    published: AtomicU64,
    /// Held while something is published.
    turn: Mutex<()>,
}

impl Publisher {
    pub(crate) fn start(world: &World, seed: u64) -> Self {
        let (shared, talk) = (Arc::<Shared>::default(), Talk::new(seed));
        let producer = world.log().producer(&ProducerConfig::default()).unwrap();
        let thread = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || publish_until_stopped(&shared, producer, talk))
        };
        Self { shared, thread: Some(thread) }
    }

    /// How many records were published so far.
    pub(crate) fn published(&self) -> u64 {
        self.shared.published.load(Ordering::SeqCst)
    }

    /// Waits until so many more are published.
    #[track_caller]
    pub(crate) fn until_published(&self, more: u64) {
        let enough = self.published() + more;
        until("more is published", || match self.published() {
            published if published >= enough => Ok(()),
            published => Err(format!("{published} of {enough}")),
        });
    }

    /// Nothing is published until the guard is dropped.
    pub(crate) fn rest(&self) -> MutexGuard<'_, ()> {
        self.shared.turn.lock().expect("the publisher has failed")
    }

    /// Ends it.
    pub(crate) fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
    }
}

fn publish_until_stopped(shared: &Shared, mut producer: Producer, mut talk: Talk) {
    let mut said: Vec<NewRecord> = (0..USERS).map(|number| user(&name_of(number), &name_of(number))).collect();
    while !shared.stop.load(Ordering::SeqCst) {
        {
            let _turn = shared.turn.lock().expect("who rests does not panic");
            let published = producer.publish(&said).unwrap().len() as u64;
            shared.published.fetch_add(published, Ordering::SeqCst);
        }
        thread::sleep(PAUSE);
        said = (0..ACTIONS).flat_map(|_| talk.say()).collect();
    }
}

pub(crate) fn name_of(user: u64) -> String {
    format!("user{user}")
}

/// What is said next.
struct Talk {
    rng: ChaCha8Rng,
    /// Who wrote the tweets so far, in the order of their numbers.
    authors: Vec<String>,
}

impl Talk {
    fn new(seed: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed), authors: Vec::new() }
    }

    fn say(&mut self) -> Vec<NewRecord> {
        let (who, undo) = (name_of(self.rng.random_range(0..USERS)), self.rng.random_bool(0.5));
        match self.rng.random_range(0..10) {
            0..3 => self.follow(&who, undo),
            3..5 => self.like(&who, undo),
            5..8 => self.tweet(who),
            8 => self.list(&who, undo),
            _ => vec![self.change_profile(&who)],
        }
    }

    fn follow(&mut self, who: &str, undo: bool) -> Vec<NewRecord> {
        let whom = name_of(self.rng.random_range(0..FOLLOWED));
        if undo { unfollowed(who, &whom).to_vec() } else { vec![followed(who, &whom)] }
    }

    fn like(&mut self, who: &str, undo: bool) -> Vec<NewRecord> {
        let tweet = format!("tweet{}", self.rng.random_range(0..LIKED));
        if undo { unliked(who, &tweet).to_vec() } else { vec![liked(who, &tweet)] }
    }

    /// Most tweets are never mentioned again: a lost one stays lost.
    fn tweet(&mut self, who: String) -> Vec<NewRecord> {
        let number = self.authors.len();
        if number > 0 && self.rng.random_bool(0.2) {
            let number = self.rng.random_range(0..number);
            return tweet_deleted(&self.authors[number], &format!("tweet{number}")).to_vec();
        }
        let said = vec![tweeted(&who, &format!("tweet{number}"))];
        self.authors.push(who);
        said
    }

    fn list(&mut self, who: &str, undo: bool) -> Vec<NewRecord> {
        let list = format!("{who}-list{}", self.rng.random_range(0..LISTS_OF_EACH));
        if undo { list_deleted(who, &list).to_vec() } else { vec![list_created(who, &list)] }
    }

    fn change_profile(&mut self, who: &str) -> NewRecord {
        let name = format!("name{}", self.rng.random_range(0..NAMES));
        match self.rng.random_range(0..10) {
            0 => forget(who),
            1 => user_in_state(who, &name, AccountState::Suspended),
            _ => user(who, &name),
        }
    }
}
