//! The world that everything is measured in: one Kafka broker, its topics filled once with facts about so many users.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use user_info_core::Topic;
use user_info_log::{Log, LogConfig, LogUrl, NewRecord, PollLimits, ProducerConfig, Start, TopicLayout, TopicNames};
use user_info_testkit::{BrokerConfig, KafkaBroker, Speed};

use crate::facts::Facts;
use crate::publisher::Publisher;

/// Partitions of each topic. More than cores, as in production.
const PARTITIONS: i32 = 8;

/// Records of one call of the publisher.
const BATCH_RECORDS: usize = 10_000;

const WARM_UP_FACTS_PER_S: u32 = 3_000;
const WARM_UP_LIMITS: PollLimits = PollLimits { records: 1_000, bytes: 1024 * 1024 };
const WARM_UP_WAIT: Duration = Duration::from_millis(10);

/// The broker and what it holds.
pub(crate) struct World {
    broker: KafkaBroker,
    pub(crate) log: Log,
    pub(crate) users: u64,
    pub(crate) seed: u64,
    /// The stream of facts that is drawn from next, so that no two name the same tweets.
    next_stream: u64,
}

impl World {
    /// Starts a broker and publishes what there is at the beginning.
    pub(crate) fn new(users: u64, seed: u64, warm_up: Duration) -> Result<Self> {
        let broker = KafkaBroker::start(&BrokerConfig { speed: Speed::Throughput, ..BrokerConfig::default() })?;
        let url = LogUrl::Kafka { bootstrap: broker.bootstrap() };
        let names = TopicNames::default();
        let config = LogConfig { url, topic_names: names, kafka_options: vec![], client_id: "measure".into() };
        let log = Log::open(&config)?;
        log.create_topics(TopicLayout { partitions: PARTITIONS, replication: 1 })?;
        let mut world = Self { broker, log, users, seed, next_stream: 1 };
        world.fill()?;
        world.warm_up(warm_up)?;
        Ok(world)
    }

    /// Has the broker do what it will do while others are measured, until Java has compiled it: whoever is measured first would
    /// share the machine with the compiler.
    fn warm_up(&mut self, duration: Duration) -> Result<()> {
        let starts = self.ends()?.into_iter().map(|(topic, partition, offset)| Start { topic, partition, offset });
        let mut consumer = self.log.consumer()?;
        consumer.assign(&starts.collect::<Vec<Start>>())?;
        let publisher = self.publisher(WARM_UP_FACTS_PER_S);
        let ends = Instant::now() + duration;
        while Instant::now() < ends {
            consumer.poll(WARM_UP_LIMITS, WARM_UP_WAIT)?;
        }
        publisher.stop().map(drop)
    }

    fn fill(&self) -> Result<()> {
        let mut producer = self.log.producer(&ProducerConfig::default())?;
        let mut facts = Facts::beginning(self.users, self.seed);
        loop {
            let records: Vec<NewRecord> =
                facts.by_ref().take(BATCH_RECORDS).map(|fact| NewRecord::fact(&fact)).collect();
            if records.is_empty() {
                return Ok(());
            }
            producer.publish(&records)?;
        }
    }

    /// What Kafka's clients connect to.
    pub(crate) fn bootstrap(&self) -> String {
        self.broker.bootstrap()
    }

    /// The broker's process.
    pub(crate) fn broker_process(&self) -> Option<u32> {
        self.broker.id()
    }

    /// Begins to publish so many facts a second that nobody published before.
    pub(crate) fn publisher(&mut self, facts_per_s: u32) -> Publisher {
        let facts = self.more_facts();
        Publisher::start(&self.log, facts, f64::from(facts_per_s))
    }

    /// Facts that were not drawn before.
    fn more_facts(&mut self) -> Facts {
        self.next_stream += 1;
        Facts::new(self.users, self.seed, self.next_stream)
    }

    /// Publishes so many facts as fast as the broker takes them.
    pub(crate) fn publish(&mut self, count: u64) -> Result<()> {
        let (mut facts, mut producer) = (self.more_facts(), self.log.producer(&ProducerConfig::default())?);
        let mut left = count as usize;
        while left > 0 {
            let slice = left.min(BATCH_RECORDS);
            let records: Vec<NewRecord> = (0..slice).map(|_| NewRecord::fact(&facts.next())).collect();
            producer.publish(&records)?;
            left -= slice;
        }
        Ok(())
    }

    /// Where the partitions end, in the order of topics and partitions.
    pub(crate) fn ends(&self) -> Result<Vec<(Topic, i32, i64)>> {
        let partitions = Topic::FACTS.into_iter().flat_map(|topic| (0..PARTITIONS).map(move |it| (topic, it)));
        partitions.map(|(topic, it)| Ok((topic, it, self.log.offsets(topic, it)?.end))).collect()
    }

    /// Records in all topics.
    pub(crate) fn records(&self) -> Result<u64> {
        Ok(self.ends()?.iter().map(|(_, _, end)| *end as u64).sum())
    }
}

/// Asks until `attempt` answers yes; the error says what was waited for.
pub(crate) fn wait_until(what: &str, limit: Duration, mut attempt: impl FnMut() -> Result<bool>) -> Result<()> {
    const PAUSE: Duration = Duration::from_millis(2);
    let deadline = Instant::now() + limit;
    while !attempt().with_context(|| format!("waiting: {what}"))? {
        ensure!(Instant::now() < deadline, "not within {limit:?}: {what}");
        std::thread::sleep(PAUSE);
    }
    Ok(())
}
