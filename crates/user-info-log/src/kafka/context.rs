//! What clients do with librdkafka's own log: it goes to `tracing`.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryResult, ProducerContext};

/// The context of every client.
#[derive(Debug)]
pub(super) struct Context;

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        write_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", "{error}: {reason}");
    }
}

impl ConsumerContext for Context {}

impl ProducerContext for Context {
    /// Where the record stands in the slice that is being published.
    type DeliveryOpaque = usize;

    /// Only reached while a producer is dropped: until then its events are read directly, see [`super::events`].
    fn delivery(&self, _report: &DeliveryResult<'_>, _index: usize) {}
}

/// The facilities under which librdkafka tells of brokers that are away, dozens of lines a second while they are. The
/// caller hears the same once, as [`crate::Problem::Unavailable`] or [`crate::LogError::Unavailable`].
const BROKERS_AWAY: [&str; 2] = ["FAIL", "ERROR"];

/// Writes one line of librdkafka's log. What librdkafka calls an error it goes on trying, so it is a warning here.
pub(super) fn write_log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    if BROKERS_AWAY.contains(&facility) {
        tracing::debug!(target: "librdkafka", facility, "{message}");
        return;
    }
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => {
            tracing::warn!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(target: "librdkafka", facility, "{message}"),
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}
