//! Why an audit could not be made. What an audit finds is not an error.

use std::time::Duration;

use user_info_core::Topic;
use user_info_log::LogError;
use user_info_store::StoreError;

/// Why an audit could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The log failed.
    #[error("the log cannot be read")]
    Log(#[from] LogError),
    /// The store cannot be read.
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
    /// A topic of the contract is not there, so there is nothing to recount from.
    #[error("topic {topic} does not exist: create the topics with `user-info topics create`, or check --log")]
    TopicMissing {
        /// The topic.
        topic: Topic,
    },
    /// Records that should be there do not come.
    #[error(
        "topic {topic}, partition {partition}: nothing came for {waited:?}, read up to offset {reached} of {wanted}"
    )]
    LogStalled {
        /// The topic.
        topic: Topic,
        /// The partition.
        partition: i32,
        /// The next offset to read.
        reached: i64,
        /// The offset that was to be reached.
        wanted: i64,
        /// How long nothing came.
        waited: Duration,
    },
    /// The log lost records, or a topic, while it was read.
    #[error("topic {topic} cannot be read from its start any more: {reason}; start the audit again")]
    LogLost {
        /// The topic.
        topic: Topic,
        /// What the log said.
        reason: String,
    },
    /// The server's address cannot be used.
    #[error("{url}: {reason}")]
    InvalidServer {
        /// The address.
        url: String,
        /// What is wrong with it, and what is expected.
        reason: &'static str,
    },
    /// The server did not answer.
    #[error("{url} does not answer: is the server running there?")]
    Unreachable {
        /// The address.
        url: String,
        /// What the connection said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server has not caught up with the log for the first time.
    #[error("{url} was not ready within {waited:?}: wait until it has caught up with the log")]
    NotReady {
        /// The address.
        url: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The server answered something that is not in its contract.
    #[error("{url} answered {reason}: is it a User Information Service of this version?")]
    Answer {
        /// The address.
        url: String,
        /// What it answered.
        reason: String,
    },
    /// The HTTP client cannot be started.
    #[error("the HTTP client cannot be started")]
    Client(#[source] std::io::Error),
}
