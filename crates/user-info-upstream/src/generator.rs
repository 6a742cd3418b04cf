//! The driver of the follow, like and list services: rebuild, act at a rate, rebuild after a failure.
//!
//! Invariant: a fact is taken away only if the service's own topic says that it is there, or the service has published
//! it since, earlier in the same partition. A fact is known from the moment it is handed to the producer; when the
//! producer fails, all knowledge is dropped and read again, because it is unknown what reached the log. (A request that
//! was under way then may still be carried out after the reading, unless the service publishes in transactions. What
//! follows from it is a fact said twice, or taken away twice, which changes nothing.)
//!
//! Memory grows with the facts that are alive in the service's own topic (about 30 bytes for each, and 60 for every id
//! in them) and with the number of users; of the tweets it keeps the newest.

pub(crate) mod known_users;
pub(crate) mod pair_set;

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio_util::sync::CancellationToken;
use user_info_core::{Change, Fact, Stamp, Timestamp, Topic, decode};
use user_info_log::{Log, NewRecord, Producer, ProducerConfig, Record};

use crate::pacer::Pacer;
use crate::progress::Progress;
use crate::reader::{self, Reader};
use crate::{UpstreamError, clock, sessions};

/// What a generator is told.
#[derive(Clone, Debug)]
pub struct GeneratorConfig {
    /// Facts per second, deletions included, their tombstones not.
    pub rate: f64,
    /// Decides what it draws; what it draws from is what it has seen on the topics.
    pub seed: u64,
    /// Publish in transactions under this id, which fences a second instance of the service.
    pub transactional_id: Option<String>,
}

/// How often a generator acts. Short beside the update latency that the facts are to show, long enough for batches.
const TICK: Duration = Duration::from_millis(20);
/// Most facts of one publish call: what is overdue is caught up with in steps, and one failure costs no more than this.
const BATCH_FACTS_MAX: u64 = 1_000;
/// One action of so many takes a fact away, so that sets grow.
const ACTIONS_PER_REMOVAL: u32 = 5;
/// How long a rebuild waits for records before it looks whether it is to end.
const REBUILD_WAIT: Duration = Duration::from_millis(100);

/// What one of the services knows and does.
pub(crate) trait Generator: Default {
    /// The service's name in logs.
    const NAME: &'static str;
    /// The topic that the service owns.
    const OWN: Topic;
    /// The topics that tell it whom and what there is.
    const WATCHED: &'static [Topic];

    /// Takes in what a record of one of these topics changed.
    fn learn(&mut self, change: Change);
    /// Makes up a fact that adds something (or says it again) and knows it from now on. `None`: there is nothing to add.
    fn add(&mut self, rng: &mut ChaCha8Rng, now: Timestamp) -> Option<Fact>;
    /// Takes away something that is there. `None`: there is nothing.
    fn remove(&mut self, rng: &mut ChaCha8Rng) -> Option<Fact>;
}

/// Runs a generator until it is cancelled.
pub(crate) async fn run<G: Generator>(
    log: Log,
    config: GeneratorConfig,
    progress: std::sync::Arc<Progress>,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    sessions::on_thread(&shutdown, move |stop| {
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        rng.set_stream(u64::from(G::OWN.number()));
        sessions::run(G::NAME, &progress, &stop, || session::<G>(&log, &config, &mut rng, &progress, &stop))
    })
    .await
}

fn session<G: Generator>(
    log: &Log,
    config: &GeneratorConfig,
    rng: &mut ChaCha8Rng,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<(), UpstreamError> {
    // Before reading: a transactional producer fences older ones, so that nothing is added to what is read.
    let mut producer = log.producer(&ProducerConfig { transactional_id: config.transactional_id.clone() })?;
    let mut generator = G::default();
    let mut reader = rebuild(log, &mut generator, stop)?;
    let mut pacer = Pacer::new(config.rate, Instant::now());
    while !stop.is_cancelled() {
        sessions::pause(TICK, stop);
        reader.drain(|record| learn(&mut generator, record))?;
        let due = pacer.due(Instant::now()).min(BATCH_FACTS_MAX);
        pacer.done(due);
        let now = clock::now();
        let facts = (0..due).filter_map(|_| act(&mut generator, rng, now));
        publish(&mut producer, facts, progress)?;
    }
    Ok(())
}

/// Reads the generator's own topic to its end, and of the watched ones what comes with it; those it goes on reading.
fn rebuild<G: Generator>(log: &Log, generator: &mut G, stop: &CancellationToken) -> Result<Reader, UpstreamError> {
    let mut starts = reader::from_start(log, G::OWN)?;
    for &topic in G::WATCHED {
        starts.extend(reader::from_start(log, topic)?);
    }
    let mut reader = Reader::open(log, &starts)?;
    while !reader.has_reached_end(G::OWN) && !stop.is_cancelled() {
        reader.poll(REBUILD_WAIT, |record| learn(generator, record))?;
    }
    reader.leave(G::OWN)?;
    Ok(reader)
}

fn learn<G: Generator>(generator: &mut G, record: Record) {
    let stamp = Stamp { timestamp_ms: record.timestamp_ms, offset: record.offset };
    match decode(record.topic, record.key.as_deref(), record.value.as_deref()) {
        Ok(decoded) => generator.learn(decoded.into_change(stamp)),
        Err(reason) => {
            tracing::debug!(topic = %record.topic, offset = record.offset, %reason, "left out a bad record");
        }
    }
}

fn act<G: Generator>(generator: &mut G, rng: &mut ChaCha8Rng, now: Timestamp) -> Option<Fact> {
    if rng.random_ratio(1, ACTIONS_PER_REMOVAL) {
        generator.remove(rng).or_else(|| generator.add(rng, now))
    } else {
        generator.add(rng, now).or_else(|| generator.remove(rng))
    }
}

/// Publishes facts, deletions each with their tombstone right behind, in one call.
fn publish(
    producer: &mut Producer,
    facts: impl Iterator<Item = Fact>,
    progress: &Progress,
) -> Result<(), UpstreamError> {
    let mut records = Vec::new();
    for fact in facts {
        records.push(NewRecord::fact(&fact));
        if fact.is_deletion() {
            records.push(NewRecord::tombstone(&fact.key()));
        }
    }
    if !records.is_empty() {
        producer.publish(&records)?;
        progress.add_published(records.len());
    }
    Ok(())
}
