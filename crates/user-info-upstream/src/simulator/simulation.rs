//! What the simulated users do, message by message.
//!
//! Invariant: the bytes depend on the number of users, the seed and the times that are passed in, nothing else. The time
//! decides dates, the ids of statuses, which grow and are never used twice, over restarts too unless the clock goes back,
//! and by the hour of the day who is awake. Everything else goes by the world's own calendar, which counts statuses:
//! [`frequencies`](crate::simulator::frequencies).

mod fate;

use std::collections::{HashMap, VecDeque};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use user_info_core::Timestamp;

use crate::simulator::activity::{Activity, is_awake};
use crate::simulator::composing::{NewPost, Reacted, Reaction};
use crate::simulator::frequencies::{BARE_LINE_FEED, COUNTS_UNKNOWN, DELETION_BEFORE_STATUS, PER, REPETITION};
use crate::simulator::graph::User;
use crate::simulator::lives::Lives;
use crate::simulator::objects::{CountsKnown, Notice, StatusObject, UserObject};
use crate::simulator::population::{ID_EPOCH_MS, ID_SEQUENCE_BITS, Population, user_id};
use crate::simulator::post::{Post, Reactions, Reference, Sent};
use crate::simulator::recent::Recent;

/// A message comes a second time after so many others at most.
const REPETITION_AFTER_MAX: u64 = 64;

/// The users and what they said lately.
#[derive(Debug)]
pub struct Simulation {
    rng: ChaCha8Rng,
    population: Population,
    activity: Activity,
    lives: Lives,
    /// Statuses sent so far: the world's calendar.
    statuses: u64,
    last_id: u64,
    recent: Recent,
    /// What those said lately who are deactivated: statuses by number.
    left_behind: HashMap<User, Vec<u64>>,
    /// The soonest first.
    repetitions: VecDeque<Repetition>,
}

/// A message that will come once more.
#[derive(Debug)]
struct Repetition {
    due: u64,
    author: User,
    message: Vec<u8>,
}

impl Simulation {
    /// A world of this many users, at least one, who have said nothing yet.
    pub fn new(users: u32, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let population = Population::new(users, seed);
        let lives = Lives::new(population.len(), &mut rng);
        Self {
            rng,
            population,
            activity: Activity::new(),
            lives,
            statuses: 0,
            last_id: 0,
            recent: Recent::default(),
            left_behind: HashMap::new(),
            repetitions: VecDeque::new(),
        }
    }

    /// Appends the next status and what comes with it: what became of accounts and of earlier statuses. Each message ends
    /// with CRLF, and has none inside.
    pub fn step(&mut self, now: Timestamp, messages: &mut Vec<u8>) {
        self.statuses += 1;
        self.live(now, messages);
        self.send_status(now, messages);
        self.repeat(messages);
        self.regret(now, messages);
        self.withhold(now, messages);
    }

    fn happens(&mut self, frequency: u32) -> bool {
        self.rng.random_ratio(frequency, PER)
    }

    fn send_status(&mut self, now: Timestamp, messages: &mut Vec<u8>) {
        let author = self.author(now);
        self.population.count_status(author);
        let reacted = Reaction::draw(&mut self.rng).and_then(|how| self.react(author, how));
        let new = NewPost { id: self.next_id(now), author, created_at: now };
        let sent = new.compose(reacted, &self.population, &mut self.rng);
        let is_gone = self.happens(DELETION_BEFORE_STATUS);
        if is_gone {
            append_deletion(&sent.post, now, messages);
        }
        let start = messages.len();
        self.append_status(&sent, messages);
        if self.happens(BARE_LINE_FEED) {
            messages.insert(start + 1, b'\n');
        }
        if self.happens(REPETITION) {
            self.repeat_later(author, messages[start..].to_vec());
        }
        if !is_gone {
            self.recent.push(sent);
        }
    }

    /// Somebody who is there, awake and has something to say.
    fn author(&mut self, now: Timestamp) -> User {
        loop {
            let author = self.activity.author(&mut self.rng, self.population.len());
            let region = self.population.graph().region(author);
            if self.lives.is_active(author) && is_awake(region, now, &mut self.rng) {
                return author;
            }
        }
    }

    fn next_id(&mut self, now: Timestamp) -> u64 {
        let first_of_now = now.as_millis().saturating_sub(ID_EPOCH_MS).max(0).unsigned_abs() << ID_SEQUENCE_BITS;
        self.last_id = first_of_now.max(self.last_id + 1);
        self.last_id
    }

    /// Finds something to react to, and counts the reaction.
    fn react(&mut self, author: User, how: Reaction) -> Option<Reacted> {
        let (lives, graph) = (&self.lives, self.population.graph());
        let home = graph.region(author);
        let other = self.recent.choose_near(
            &mut self.rng,
            |user| lives.is_active(user),
            |user| std::ptr::eq(graph.region(user), home),
        )?;
        *match how {
            Reaction::Retweet => &mut other.reactions.retweets,
            Reaction::Reply => &mut other.reactions.replies,
            Reaction::Quote => &mut other.reactions.quotes,
        } += 1;
        Some(Reacted { how, post: other.post.clone(), reactions: other.reactions })
    }

    fn append_status(&mut self, sent: &Sent, messages: &mut Vec<u8>) {
        let known = self.counts_known();
        let author = self.population.profile(sent.post.author);
        let status = StatusObject::new(&sent.post, UserObject::new(&author, known), Reactions::default());
        match &sent.refers_to {
            Reference::None => append(&status, messages),
            Reference::Quoted(post, reactions) | Reference::Retweeted(post, reactions) => {
                let other_author = self.population.profile(post.author);
                let user = UserObject::new(&other_author, CountsKnown::Yes);
                let other = StatusObject::new(post, user, *reactions);
                let status =
                    if sent.is_original() { status.quoting(&sent.post, other) } else { status.retweeting(other) };
                append(&status, messages);
            }
        }
    }

    fn counts_known(&mut self) -> CountsKnown {
        if !self.happens(COUNTS_UNKNOWN) {
            CountsKnown::Yes
        } else if self.rng.random_ratio(1, 2) {
            CountsKnown::MinusOne
        } else {
            CountsKnown::Null
        }
    }

    fn repeat_later(&mut self, author: User, message: Vec<u8>) {
        let due = self.statuses + self.rng.random_range(0..REPETITION_AFTER_MAX);
        let place = self.repetitions.partition_point(|repetition| repetition.due <= due);
        self.repetitions.insert(place, Repetition { due, author, message });
    }

    /// Sends once more what is due to, unless its author is away by now.
    fn repeat(&mut self, messages: &mut Vec<u8>) {
        while let Some(repetition) = self.repetitions.pop_front_if(|repetition| repetition.due <= self.statuses) {
            if self.lives.is_active(repetition.author) {
                messages.extend_from_slice(&repetition.message);
            }
        }
    }
}

fn append_deletion(post: &Post, now: Timestamp, messages: &mut Vec<u8>) {
    append(&Notice::delete(post.id, user_id(post.author), now), messages);
}

/// Writes a message with its end.
fn append(message: &impl Serialize, messages: &mut Vec<u8>) {
    serde_json::to_writer(&mut *messages, message)
        .expect("objects of text and numbers are JSON, and memory takes them");
    messages.extend_from_slice(b"\r\n");
}
