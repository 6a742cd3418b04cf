//! The log itself: what is opened, asked about topics, and gives out consumers and producers.

use user_info_core::Topic;

use crate::consumer::Consumer;
use crate::embedded::{EmbeddedLog, EmbeddedProducer};
use crate::error::LogError;
use crate::kafka::{KafkaLog, KafkaProducer};
use crate::names::{TopicNames, check_group};
use crate::record::NewRecord;
use crate::topics::{Created, TopicDescription, TopicLayout, TopicProblem, problems};
use crate::url::LogUrl;

/// Where the log is and how to speak with it.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Which log.
    pub url: LogUrl,
    /// What the topics are called there.
    pub topic_names: TopicNames,
    /// Options of librdkafka, which win over our own; see [`crate::kafka`]. An embedded log has no use for them.
    pub kafka_options: Vec<(String, String)>,
    /// How brokers name this client in their logs and quotas.
    pub client_id: String,
}

/// An event log. Clones are cheap and share what is open.
#[derive(Clone, Debug)]
pub enum Log {
    /// A Kafka cluster.
    Kafka(KafkaLog),
    /// A log inside the process.
    Embedded(EmbeddedLog),
}

impl Log {
    /// Opens the log. An embedded one is created if it is not there, without topics. A Kafka cluster is not spoken with
    /// yet, so one that is away shows later.
    pub fn open(config: &LogConfig) -> Result<Self, LogError> {
        config.topic_names.check()?;
        match &config.url {
            LogUrl::Kafka { bootstrap } => KafkaLog::open(bootstrap, config).map(Self::Kafka),
            LogUrl::Embedded { path } => EmbeddedLog::open(path, &config.topic_names).map(Self::Embedded),
        }
    }

    /// What a topic is like; `None` if it does not exist.
    pub fn describe(&self, topic: Topic) -> Result<Option<TopicDescription>, LogError> {
        match self {
            Self::Kafka(log) => log.describe(topic),
            Self::Embedded(log) => Ok(log.describe(topic)),
        }
    }

    /// Where a partition begins and ends at this moment.
    pub fn offsets(&self, topic: Topic, partition: i32) -> Result<Offsets, LogError> {
        match self {
            Self::Kafka(log) => log.offsets(topic, partition),
            Self::Embedded(log) => log.offsets(topic, partition),
        }
    }

    /// Creates the topics that are missing and leaves the others as they are. When it returns, all of them can be used.
    pub fn create_topics(&self, layout: TopicLayout) -> Result<Vec<Created>, LogError> {
        layout.check()?;
        match self {
            Self::Kafka(log) => log.create_topics(layout),
            Self::Embedded(log) => log.create_topics(layout),
        }
    }

    /// Everything wrong with the topics; empty if all are there and as the contract wants them.
    pub fn check_topics(&self) -> Result<Vec<TopicProblem>, LogError> {
        let (names, descriptions) = match self {
            Self::Kafka(log) => (log.names(), log.describe_all(&Topic::ALL)?),
            Self::Embedded(log) => (log.names(), Topic::ALL.map(|topic| log.describe(topic)).to_vec()),
        };
        let found = Topic::ALL.into_iter().zip(&descriptions);
        Ok(found.flat_map(|(topic, found)| problems(topic, names.as_str(topic), found.as_ref())).collect())
    }

    /// A reader with nothing assigned yet.
    pub fn consumer(&self) -> Result<Consumer, LogError> {
        match self {
            Self::Kafka(log) => log.consumer().map(|consumer| Consumer::Kafka(Box::new(consumer))),
            Self::Embedded(log) => Ok(Consumer::Embedded(log.consumer())),
        }
    }

    /// A reader that shares topics with the other members of a group, once it subscribes to them. It leaves the group when
    /// it is dropped, and the others get what it had within seconds. What a killed member had they get after 10 s; one that
    /// is dropped in the moment in which it joins may hold the group up for as long.
    ///
    /// An embedded log is inside one process, so there is nobody to share with: the member gains everything.
    pub fn group_consumer(&self, group: &str) -> Result<Consumer, LogError> {
        check_group(group)?;
        match self {
            Self::Kafka(log) => log.group_consumer(group).map(|consumer| Consumer::Kafka(Box::new(consumer))),
            Self::Embedded(log) => Ok(Consumer::Embedded(log.group_consumer())),
        }
    }

    /// A publisher. One with a transactional id fences every earlier one with the same id, and waits for the log to say
    /// so.
    pub fn producer(&self, config: &ProducerConfig) -> Result<Producer, LogError> {
        match self {
            Self::Kafka(log) => log.producer(config).map(|producer| Producer::Kafka(Box::new(producer))),
            Self::Embedded(log) => Ok(Producer::Embedded(log.producer(config))),
        }
    }
}

/// The offsets between which a partition's records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offsets {
    /// The first offset that can be read from, Kafka's low watermark.
    pub start: i64,
    /// The offset after the last record that can be read: Kafka's high watermark, or the first record of a transaction
    /// that is still open.
    pub end: i64,
}

/// How to publish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerConfig {
    /// Publish in transactions, as the only producer with this id.
    pub transactional_id: Option<String>,
}

/// A publisher. It belongs to one thread at a time.
#[derive(Debug)]
pub enum Producer {
    /// To a Kafka cluster.
    Kafka(Box<KafkaProducer>),
    /// To a log inside the process.
    Embedded(EmbeddedProducer),
}

impl Producer {
    /// Publishes the records, those of one partition in this order, and returns when all are durable; with a
    /// transactional id all in one transaction.
    ///
    /// After an error without a transactional id it is unknown which of the records are in the log; none is sent later.
    /// With one, none will ever be seen, unless the error came from the commit itself. The producer can be used again
    /// after an error, unless the error says otherwise.
    pub fn publish(&mut self, records: &[NewRecord]) -> Result<Vec<Published>, LogError> {
        match self {
            Self::Kafka(producer) => producer.publish(records),
            Self::Embedded(producer) => producer.publish(records),
        }
    }
}

/// Where a record went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The partition.
    pub partition: i32,
    /// The offset in the partition.
    pub offset: i64,
    /// The timestamp it got, in milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
}
