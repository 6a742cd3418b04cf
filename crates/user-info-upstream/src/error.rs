//! Why an upstream service ended.

use user_info_core::Topic;
use user_info_log::LogError;

/// A service cannot go on. What passes (brokers away, a stream that drops) is retried and never ends up here.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The address of the stream cannot be used.
    #[error("invalid stream address {url:?}: {reason}")]
    InvalidStream {
        /// The address as given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The stream refuses this client, and will go on to.
    #[error("the stream {url} answered with status {status}: {next}")]
    StreamRefused {
        /// The address as given.
        url: String,
        /// The status of the answer.
        status: u16,
        /// What to do next.
        next: &'static str,
    },
    /// The configuration cannot be used.
    #[error("invalid configuration: {reason}")]
    InvalidConfig {
        /// What is wrong and what to write instead.
        reason: &'static str,
    },
    /// A topic of the contract does not exist.
    #[error("topic {topic} does not exist: create the topics with `user-info topics create`")]
    TopicMissing {
        /// Which one.
        topic: Topic,
    },
    /// A partition that was being read is gone or was cut off.
    #[error("topic {topic} cannot be read on: {reason}")]
    TopicChanged {
        /// Which topic.
        topic: Topic,
        /// What happened to it.
        reason: String,
    },
    /// The service's own topic holds more facts than it may remember.
    #[error(
        "topic {topic} holds more than {facts_max} facts: allow the service more (--facts-max), about 100 bytes each"
    )]
    TooManyFacts {
        /// Which topic.
        topic: Topic,
        /// How many are allowed.
        facts_max: usize,
    },
    /// The event log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The simulator has no address to listen on.
    #[error("cannot listen on a free port of 127.0.0.1")]
    Listen(#[source] std::io::Error),
}
