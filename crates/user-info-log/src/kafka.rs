//! The log on a Kafka cluster, through librdkafka.
//!
//! Any option of librdkafka can be given and wins over ours, TLS and SASL among them (`security.protocol=SASL_SSL`,
//! `ssl.ca.location`, `sasl.mechanisms`, `sasl.username`, …), but for those that exactness rests on; see
//! [`LogError::InvalidOption`]. librdkafka's own log goes to `tracing`, target `librdkafka`.
//!
//! Deliberately absent: commits, and the creation of topics by using them.

mod admin;
mod config;
mod consumer;
mod context;
mod describe;
mod events;
mod failure;
mod group;
mod native;
mod producer;

use std::fmt;
use std::sync::Arc;

use rdkafka::admin::AdminClient;

use crate::error::LogError;
use crate::log::{LogConfig, ProducerConfig};
use crate::names::TopicNames;
use config::ClientSettings;
use context::Context;
use group::Group;

pub use consumer::KafkaConsumer;
pub use producer::KafkaProducer;

/// A Kafka cluster. Clones share one connection for questions; each consumer and producer has its own.
#[derive(Clone)]
pub struct KafkaLog(Arc<Inner>);

struct Inner {
    settings: ClientSettings,
    names: TopicNames,
    admin: AdminClient<Context>,
}

impl KafkaLog {
    pub(crate) fn open(bootstrap: &str, config: &LogConfig) -> Result<Self, LogError> {
        let settings = ClientSettings::new(bootstrap, &config.client_id, &config.kafka_options)?;
        let admin = config::create(&settings.admin())?;
        Ok(Self(Arc::new(Inner { settings, names: config.topic_names.clone(), admin })))
    }

    pub(crate) fn names(&self) -> &TopicNames {
        &self.0.names
    }

    pub(crate) fn consumer(&self) -> Result<KafkaConsumer, LogError> {
        KafkaConsumer::open(&self.0.settings.consumer(), &self.0.names, None)
    }

    pub(crate) fn group_consumer(&self, group: &str) -> Result<KafkaConsumer, LogError> {
        KafkaConsumer::open(&self.0.settings.group_consumer(group), &self.0.names, Some(Group::default()))
    }

    pub(crate) fn producer(&self, config: &ProducerConfig) -> Result<KafkaProducer, LogError> {
        KafkaProducer::open(&self.0.settings, &self.0.names, config.transactional_id.as_deref())
    }
}

impl fmt::Debug for KafkaLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("KafkaLog").field(&self.0.settings.bootstrap()).finish()
    }
}
