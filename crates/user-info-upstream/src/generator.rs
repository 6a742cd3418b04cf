//! The driver of the follow, like and list services: rebuild, act at a rate, rebuild after a failure.
//!
//! Invariant: a fact is taken away only if the service's own topic says that it is there, or the service has published
//! it since, earlier in the same partition. A fact is known from the moment it is handed to the producer; when the
//! producer fails, all knowledge is dropped and read again, because it is unknown what reached the log. (A request that
//! was under way then may still be carried out after the reading, unless the service publishes in transactions. What
//! follows from it is a fact said twice, or taken away twice, which changes nothing.)
//!
//! A user of whom the users topic has a tombstone is gone for good: everything of theirs is taken away, also what an
//! earlier run was killed before it got to. A deletion whose tombstone is missing after a kill gets it.
//!
//! Memory: at most [`GeneratorConfig::facts_max`] facts that are alive in the service's own topic, about 30 bytes each and
//! 60 for every id in them; [`known_users::USERS_MAX`] users; of the tweets the newest.

pub(crate) mod known_users;
pub(crate) mod pair_set;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio_util::sync::CancellationToken;
use user_info_core::{Change, Fact, Id, Stamp, Timestamp, Topic, decode};
use user_info_log::{Log, NewRecord, Producer, ProducerConfig, Record, Start};

use crate::half_said::HalfSaid;
use crate::pacer::Pacer;
use crate::progress::Progress;
use crate::reader::{self, Reader};
use crate::{UpstreamError, clock, sessions};

pub use known_users::USERS_MAX as KNOWN_USERS_MAX;

/// Facts that may be alive at a time unless another number is given: about 1 GiB when all are there.
pub const FACTS_MAX: usize = 10_000_000;

/// What a generator is told.
#[derive(Clone, Debug)]
pub struct GeneratorConfig {
    /// Facts per second, deletions included, their tombstones not.
    pub rate: f64,
    /// Decides what it draws; what it draws from is what it has seen on the topics.
    pub seed: u64,
    /// Publish in transactions under this id, which fences a second instance of the service.
    pub transactional_id: Option<String>,
    /// How often it does what.
    pub mix: Mix,
    /// Facts that may be alive at a time. When they are, it only takes away; when the topic holds more, it does not start.
    pub facts_max: usize,
}

impl GeneratorConfig {
    /// As usual, at this rate and with this seed.
    pub fn new(rate: f64, seed: u64) -> Self {
        Self { rate, seed, transactional_id: None, mix: Mix::default(), facts_max: FACTS_MAX }
    }
}

/// Shares of the actions, each from 0 to 1 and together at most 1; the rest adds something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    /// Of those that take something away.
    pub removals: f64,
    /// Of those that say again what is so: follow again, rename a list. `None`: what is usual for the service.
    pub repetitions: Option<f64>,
}

impl Default for Mix {
    /// Sets grow, and shrink often enough to be seen doing it.
    fn default() -> Self {
        Self { removals: 0.2, repetitions: None }
    }
}

impl Mix {
    fn check(self) -> Result<(), UpstreamError> {
        let (removals, repetitions) = (self.removals, self.repetitions.unwrap_or(0.0));
        let share = 0.0..=1.0;
        if share.contains(&removals) && share.contains(&repetitions) && removals + repetitions <= 1.0 {
            return Ok(());
        }
        Err(UpstreamError::InvalidConfig {
            reason: "the shares of removals and of repetitions are numbers from 0 to 1, and together at most 1",
        })
    }
}

/// How often a generator acts. Short beside the update latency that the facts are to show, long enough for batches.
const TICK: Duration = Duration::from_millis(20);
/// Most facts of one publish call: what is overdue is caught up with in steps, and one failure costs no more than this.
const BATCH_FACTS_MAX: usize = 1_000;
/// How long a rebuild waits for records before it looks whether it is to end.
const REBUILD_WAIT: Duration = Duration::from_millis(100);

/// What one of the services knows and does.
pub(crate) trait Generator {
    /// The service's name in logs.
    const NAME: &'static str;
    /// The topic that the service owns.
    const OWN: Topic;
    /// The usual share of repetitions.
    const REPETITIONS: f64;

    /// Where to read topics from, besides the service's own and the users, that tell it what there is.
    fn more_starts(log: &Log) -> Result<Vec<Start>, UpstreamError>;
    /// Forgets what it knows from the topics.
    fn reset(&mut self);
    /// Takes in what a record of one of these topics changed.
    fn learn(&mut self, change: Change);
    /// How many facts are alive.
    fn len(&self) -> usize;
    /// Makes up a fact that was not so, and knows it from now on. `None`: there is nothing to add.
    fn add(&mut self, rng: &mut ChaCha8Rng, now: Timestamp) -> Option<Fact>;
    /// Says again what is so. `None`: there is nothing, or the service has no such thing.
    fn repeat(&mut self, rng: &mut ChaCha8Rng, now: Timestamp) -> Option<Fact>;
    /// Takes away something that is there. `None`: there is nothing.
    fn remove(&mut self, rng: &mut ChaCha8Rng) -> Option<Fact>;
    /// Takes away everything of users who are gone.
    fn remove_all_of(&mut self, users: &HashSet<Id>) -> Vec<Fact>;
}

/// Runs a generator until it is cancelled.
pub(crate) async fn run<G: Generator + Send + 'static>(
    log: Log,
    config: GeneratorConfig,
    generator: G,
    progress: Arc<Progress>,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    config.mix.check()?;
    sessions::on_thread(&shutdown, move |stop| {
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        rng.set_stream(u64::from(G::OWN.number()));
        let counted = Arc::clone(&progress);
        let mut run = Run { log, config, generator, rng, progress, stop: stop.clone() };
        sessions::run(G::NAME, &counted, &stop, || run.session())
    })
    .await
}

struct Run<G> {
    log: Log,
    config: GeneratorConfig,
    generator: G,
    rng: ChaCha8Rng,
    progress: Arc<Progress>,
    stop: CancellationToken,
}

/// What a session has read and not acted on yet.
#[derive(Default)]
struct Unsettled {
    half_said: HalfSaid,
    /// Users who are gone, and who may have left something.
    gone: HashSet<Id>,
}

impl<G: Generator> Run<G> {
    fn session(&mut self) -> Result<(), UpstreamError> {
        let transactional_id = self.config.transactional_id.clone();
        // Before reading: a transactional producer fences older ones, so that nothing is added to what is read.
        let mut producer = self.log.producer(&ProducerConfig { transactional_id })?;
        let mut unsettled = Unsettled::default();
        let mut reader = self.rebuild(&mut unsettled)?;
        self.send(&mut producer, &unsettled.half_said.take_tombstones())?;
        let mut pacer = Pacer::new(self.config.rate, Instant::now());
        while !self.stop.is_cancelled() {
            reader.drain(|record| learn(&mut self.generator, &mut unsettled, &record))?;
            self.settle(&mut producer, &mut unsettled)?;
            let due = pacer.due(Instant::now()).min(BATCH_FACTS_MAX as u64);
            pacer.done(due);
            let now = clock::now();
            let facts: Vec<_> = (0..due).filter_map(|_| self.act(now)).collect();
            self.publish(&mut producer, &facts)?;
            sessions::pause(TICK, &self.stop);
        }
        Ok(())
    }

    /// Reads the generator's own topic and the users to their ends, and of others what comes with them. Goes on reading all
    /// but its own.
    fn rebuild(&mut self, unsettled: &mut Unsettled) -> Result<Reader, UpstreamError> {
        self.generator.reset();
        let mut starts = reader::from_start(&self.log, G::OWN)?;
        starts.extend(reader::from_start(&self.log, Topic::Users)?);
        starts.extend(G::more_starts(&self.log)?);
        let mut reader = Reader::open(&self.log, &starts)?;
        let topics = [G::OWN, Topic::Users];
        while !topics.iter().all(|&topic| reader.has_reached_end(topic)) && !self.stop.is_cancelled() {
            reader.poll(REBUILD_WAIT, |record| learn(&mut self.generator, unsettled, &record))?;
            if self.generator.len() > self.config.facts_max {
                return Err(UpstreamError::TooManyFacts { topic: G::OWN, facts_max: self.config.facts_max });
            }
        }
        reader.leave(G::OWN)?;
        Ok(reader)
    }

    /// Takes away what users left who are gone.
    fn settle(&mut self, producer: &mut Producer, unsettled: &mut Unsettled) -> Result<(), UpstreamError> {
        if unsettled.gone.is_empty() {
            return Ok(());
        }
        let left = self.generator.remove_all_of(&std::mem::take(&mut unsettled.gone));
        left.chunks(BATCH_FACTS_MAX).try_for_each(|facts| self.publish(producer, facts))
    }

    fn act(&mut self, now: Timestamp) -> Option<Fact> {
        let Mix { removals, repetitions } = self.config.mix;
        let repetitions = repetitions.unwrap_or(G::REPETITIONS.min(1.0 - removals));
        let draw: f64 = self.rng.random();
        let is_full = self.generator.len() >= self.config.facts_max;
        let (generator, rng) = (&mut self.generator, &mut self.rng);
        if draw < removals || is_full {
            return generator.remove(rng).or_else(|| if is_full { None } else { generator.add(rng, now) });
        }
        let again = if draw < removals + repetitions { generator.repeat(rng, now) } else { None };
        let added = again.or_else(|| generator.add(rng, now));
        added.or_else(|| if removals > 0.0 { generator.remove(rng) } else { None })
    }

    /// Publishes facts, deletions each with their tombstone right behind, in one call.
    fn publish(&self, producer: &mut Producer, facts: &[Fact]) -> Result<(), UpstreamError> {
        let mut records = Vec::with_capacity(facts.len() * 2);
        for fact in facts {
            records.push(NewRecord::fact(fact));
            if fact.is_deletion() {
                records.push(NewRecord::tombstone(&fact.key()));
            }
        }
        self.send(producer, &records)?;
        facts.iter().for_each(|fact| self.progress.add_fact(fact));
        Ok(())
    }

    fn send(&self, producer: &mut Producer, records: &[NewRecord]) -> Result<(), UpstreamError> {
        if !records.is_empty() {
            producer.publish(records)?;
            self.progress.add_published(records.len());
        }
        Ok(())
    }
}

fn learn<G: Generator>(generator: &mut G, unsettled: &mut Unsettled, record: &Record) {
    let stamp = Stamp { timestamp_ms: record.timestamp_ms, offset: record.offset };
    let decoded = match decode(record.topic, record.key.as_deref(), record.value.as_deref()) {
        Ok(decoded) => decoded,
        Err(reason) => {
            tracing::debug!(topic = %record.topic, offset = record.offset, %reason, "left out a bad record");
            return;
        }
    };
    if record.topic == G::OWN {
        unsettled.half_said.note(&decoded);
    }
    let change = decoded.into_change(stamp);
    match &change {
        Change::Forget { user } => drop(unsettled.gone.insert(user.clone())),
        Change::Profile { user, .. } => drop(unsettled.gone.remove(user)),
        Change::Add(_) | Change::Remove(_) => {}
    }
    generator.learn(change);
}
