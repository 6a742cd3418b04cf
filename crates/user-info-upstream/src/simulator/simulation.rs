//! What the simulated users do, message by message.
//!
//! Invariant: the bytes depend on the number of users, the seed and the times that are passed in, nothing else. What
//! users do depends on the seed and the number of the message alone; the time decides dates and the ids of statuses,
//! which grow and are never used twice, over restarts too unless the clock goes back.

use std::collections::VecDeque;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use user_info_core::Timestamp;

use crate::simulator::objects::{CountsKnown, DeletionMessage, NewStatus, ReplyTo, StatusObject, UserObject};
use crate::simulator::population::{Population, Profile, User};
use crate::zipf;

/// The time that ids of statuses count from, as Twitter's do.
const ID_EPOCH_MS: i64 = 1_288_834_974_657;
/// Room for the statuses of one millisecond in an id that begins with the time.
const ID_SEQUENCE_BITS: u32 = 22;
/// Statuses that can still be deleted, answered or repeated by others.
const RECENT_MAX: usize = 4_096;
/// Half of the deletions are among so many of the newest statuses.
const JUST_SENT: usize = 8;
/// Statuses that can come a second time, byte by byte.
const REPEATABLE_MAX: usize = 64;

/// How often something happens, in thousandths of statuses.
mod per_mille {
    pub(super) const EDIT: u32 = 20;
    pub(super) const RETWEET: u32 = 100;
    pub(super) const REPLY: u32 = 150;
    pub(super) const DELETION: u32 = 40;
    pub(super) const DELETION_BEFORE_STATUS: u32 = 2;
    pub(super) const REPETITION: u32 = 10;
    pub(super) const COUNTS_UNKNOWN: u32 = 10;
    pub(super) const BARE_NEWLINE: u32 = 50;
}

const WORDS: [&str; 32] = [
    "good",
    "morning",
    "never",
    "thought",
    "the",
    "train",
    "would",
    "be",
    "late",
    "again",
    "coffee",
    "first",
    "who",
    "else",
    "saw",
    "that",
    "moon",
    "tonight",
    "best",
    "bread",
    "in",
    "town",
    "reading",
    "old",
    "letters",
    "🎉",
    "ça",
    "va",
    "ありがとう",
    "🙂",
    "“really”",
    "\n",
];

/// The users and what they said lately.
#[derive(Debug)]
pub struct Simulation {
    rng: ChaCha8Rng,
    population: Population,
    last_id: u64,
    /// Statuses that are not deleted, oldest first.
    recent: VecDeque<Sent>,
    /// Messages, oldest first.
    repeatable: VecDeque<Vec<u8>>,
}

#[derive(Clone, Debug)]
struct Sent {
    id: u64,
    author: User,
    text: String,
    created_at: Timestamp,
}

impl Simulation {
    /// A world of this many users, at least one, who have said nothing yet.
    pub fn new(users: u32, seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            population: Population::new(users.max(1), seed),
            last_id: 0,
            recent: VecDeque::new(),
            repeatable: VecDeque::new(),
        }
    }

    /// Appends the next status and what comes with it: an earlier status once more, deletions. Each message ends with
    /// CRLF.
    pub fn step(&mut self, now: Timestamp, messages: &mut Vec<u8>) {
        let author = zipf::rank(&mut self.rng, self.population.len());
        if self.happens(per_mille::EDIT) {
            self.population.edit(author, &mut self.rng);
        }
        let status = self.write(author, now);
        let message = self.status_message(&status);
        if self.happens(per_mille::DELETION_BEFORE_STATUS) {
            self.append_deletion(&status, now, messages);
        } else {
            push_bounded(&mut self.recent, status, RECENT_MAX);
        }
        messages.extend_from_slice(&message);
        push_bounded(&mut self.repeatable, message, REPEATABLE_MAX);
        if self.happens(per_mille::REPETITION) {
            let again = self.rng.random_range(0..self.repeatable.len());
            messages.extend_from_slice(&self.repeatable[again]);
        }
        if self.happens(per_mille::DELETION) {
            self.delete_recent(now, messages);
        }
    }

    fn happens(&mut self, per_mille: u32) -> bool {
        self.rng.random_ratio(per_mille, 1_000)
    }

    fn write(&mut self, author: User, now: Timestamp) -> Sent {
        let first_of_now = now.as_millis().saturating_sub(ID_EPOCH_MS).max(0).unsigned_abs() << ID_SEQUENCE_BITS;
        self.last_id = first_of_now.max(self.last_id + 1);
        self.population.count_status(author);
        let words = self.rng.random_range(1..16_u32);
        let text: Vec<_> = (0..words).map(|_| WORDS[self.rng.random_range(0..WORDS.len())]).collect();
        Sent { id: self.last_id, author, text: text.join(" "), created_at: now }
    }

    /// The message that sends the status: on its own, as an answer to a recent one, or as a repetition of one.
    fn status_message(&mut self, status: &Sent) -> Vec<u8> {
        let counts = self.counts_known();
        let other = self.recent.get(self.rng.random_range(0..self.recent.len().max(1))).cloned();
        let (retweet, reply) = (self.happens(per_mille::RETWEET), self.happens(per_mille::REPLY));
        let mut new = self.new_status(status, counts);
        match other {
            Some(other) if retweet => {
                new.text = format!("RT @{}: {}", self.population.screen_name(other.author), other.text);
                new.retweeted = Some(self.new_status(&other, CountsKnown::Yes).into());
            }
            Some(other) if reply => {
                let Profile { id: user_id, screen_name, .. } = self.population.profile(other.author);
                new.reply_to = Some(ReplyTo { status_id: other.id, user_id, screen_name });
            }
            Some(_) | None => {}
        }
        let message = message(&StatusObject::from(new));
        if self.happens(per_mille::BARE_NEWLINE) { with_bare_newline(message) } else { message }
    }

    fn new_status(&self, status: &Sent, counts: CountsKnown) -> NewStatus {
        NewStatus {
            id: status.id,
            text: status.text.clone(),
            created_at: status.created_at,
            user: UserObject::new(self.population.profile(status.author), counts),
            reply_to: None,
            retweeted: None,
        }
    }

    fn counts_known(&mut self) -> CountsKnown {
        if !self.happens(per_mille::COUNTS_UNKNOWN) {
            CountsKnown::Yes
        } else if self.rng.random_ratio(1, 2) {
            CountsKnown::MinusOne
        } else {
            CountsKnown::Null
        }
    }

    fn delete_recent(&mut self, now: Timestamp, messages: &mut Vec<u8>) {
        let count = self.recent.len();
        let among = if self.rng.random_ratio(1, 2) { JUST_SENT.min(count) } else { count };
        if among > 0
            && let Some(status) = self.recent.remove(count - 1 - self.rng.random_range(0..among))
        {
            self.append_deletion(&status, now, messages);
        }
    }

    fn append_deletion(&self, status: &Sent, now: Timestamp, messages: &mut Vec<u8>) {
        let user_id = self.population.profile(status.author).id;
        messages.extend(message(&DeletionMessage::new(status.id, user_id, now)));
    }
}

fn push_bounded<T>(queue: &mut VecDeque<T>, item: T, max: usize) {
    if queue.len() == max {
        queue.pop_front();
    }
    queue.push_back(item);
}

fn message(object: &impl Serialize) -> Vec<u8> {
    let mut message = serde_json::to_vec(object).expect("objects of text and numbers are JSON");
    message.extend_from_slice(b"\r\n");
    message
}

/// The same JSON, with a line feed that does not end the message.
fn with_bare_newline(mut message: Vec<u8>) -> Vec<u8> {
    message.insert(1, b'\n');
    message
}
