//! The list service: users create, rename and delete lists.
//!
//! Invariant: see `generator`. Only lists that the lists topic has are renamed or deleted, and no id is used twice, over
//! restarts too: ids grow with the time and beyond every id that the topic still knows.

use std::collections::HashSet;
use std::sync::Arc;

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use tokio_util::sync::CancellationToken;
use user_info_core::{Change, Fact, Id, Timestamp, Topic};
use user_info_log::{Log, Start};

use crate::generator::known_users::KnownUsers;
use crate::generator::pair_set::{PairSet, Users};
use crate::generator::{self, Generator};
use crate::progress::Progress;
use crate::{GeneratorConfig, UpstreamError};

/// Room for the lists of one millisecond in an id that begins with the time.
const SEQUENCE_BITS: u32 = 20;

const SUBJECTS: [&str; 12] = [
    "astronomy",
    "bakers",
    "birds",
    "climbing",
    "football",
    "gardens",
    "jazz",
    "maps",
    "news",
    "poets",
    "rivers",
    "trains",
];
const KINDS: [&str; 6] = ["people", "friends", "to read", "of the world", "2026", "❤"];

/// Runs the list service until it is cancelled. Reads users and lists, publishes lists.
pub async fn run(
    log: Log,
    config: GeneratorConfig,
    progress: Arc<Progress>,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    generator::run(log, config, Lists::default(), progress, shutdown).await
}

#[derive(Default)]
struct Lists {
    users: KnownUsers,
    /// Owner and list.
    lists: PairSet,
    /// The greatest number that was the id of a list.
    last_number: u64,
}

impl Generator for Lists {
    const NAME: &'static str = "lists";
    const OWN: Topic = Topic::Lists;
    const REPETITIONS: f64 = 0.1;

    fn more_starts(_log: &Log) -> Result<Vec<Start>, UpstreamError> {
        Ok(Vec::new())
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    fn learn(&mut self, change: Change) {
        match change {
            Change::Profile { user, profile } => self.users.learn(user, &profile),
            Change::Forget { user } => self.users.forget(&user),
            Change::Add(pair) => {
                self.lists.insert(&pair.owner, &pair.member);
                self.note_number(&pair.member);
            }
            Change::Remove(pair) => {
                self.lists.remove(&pair.owner, &pair.member);
                self.note_number(&pair.member);
            }
        }
    }

    fn len(&self) -> usize {
        self.lists.len()
    }

    fn add(&mut self, rng: &mut ChaCha8Rng, now: Timestamp) -> Option<Fact> {
        let (owner_id, list_id) = self.create(rng, now)?;
        Some(Fact::ListCreated { owner_id, list_id, name: name(rng), created_at: now })
    }

    /// Renames a list.
    fn repeat(&mut self, rng: &mut ChaCha8Rng, now: Timestamp) -> Option<Fact> {
        let (owner_id, list_id) = self.lists.choose(rng)?;
        Some(Fact::ListCreated { owner_id, list_id, name: name(rng), created_at: now })
    }

    fn remove(&mut self, rng: &mut ChaCha8Rng) -> Option<Fact> {
        let (owner_id, list_id) = self.lists.take(rng)?;
        Some(Fact::ListDeleted { owner_id, list_id })
    }

    fn remove_all_of(&mut self, users: &HashSet<Id>) -> Vec<Fact> {
        let taken = self.lists.take_all_of(users, Users::Owner).into_iter();
        taken.map(|(owner_id, list_id)| Fact::ListDeleted { owner_id, list_id }).collect()
    }
}

impl Lists {
    fn create(&mut self, rng: &mut impl Rng, now: Timestamp) -> Option<(Id, Id)> {
        let owner = self.users.choose(rng)?.clone();
        let first_of_now = now.as_millis().unsigned_abs() << SEQUENCE_BITS;
        self.last_number = first_of_now.max(self.last_number.saturating_add(1));
        let list = Id::new(&self.last_number.to_string()).expect("digits are an id");
        self.lists.insert(&owner, &list);
        Some((owner, list))
    }

    /// Ids of other makers, which are no numbers, cannot collide with ours.
    fn note_number(&mut self, list: &Id) {
        let number = list.as_str().parse().unwrap_or(0);
        self.last_number = self.last_number.max(number);
    }
}

fn name(rng: &mut impl Rng) -> String {
    let subject = SUBJECTS[rng.random_range(0..SUBJECTS.len())];
    let kind = KINDS[rng.random_range(0..KINDS.len())];
    format!("{subject} {kind}")
}
