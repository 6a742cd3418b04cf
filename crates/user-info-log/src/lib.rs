//! The event log: where the facts travel. Kafka, or a durable log inside the process.
//!
//! One small contract, tested by one suite against both backends: publish a slice of records and know that they are
//! durable; read partitions from given offsets on, each in order; hear when an end was reached, and when a position is
//! not in the log. Calls block, so they belong on plain threads.
//!
//! Invariant: nothing here decides where to read from. A consumer group only says who reads a partition, no position is
//! stored in the log, and a position that the log does not have is reported, never moved.
//!
//! Suggested reading order: [`record`], [`log`], [`consumer`], [`topics`], [`embedded`], [`kafka`].

pub mod consumer;
pub mod log;
pub mod names;
pub mod record;
pub mod topics;
pub mod url;

pub mod embedded;
pub mod kafka;

mod clock;
pub mod error;

pub use consumer::{Consumer, PartitionEnd, PollLimits, Polled, Problem, Share, Start};
pub use embedded::EmbeddedLog;
pub use error::LogError;
pub use kafka::KafkaLog;
pub use log::{Log, LogConfig, Offsets, Producer, ProducerConfig, Published};
pub use names::TopicNames;
pub use record::{Header, NewRecord, Record};
pub use topics::{Created, TopicDescription, TopicId, TopicLayout, TopicProblem, TopicSettings};
pub use url::LogUrl;
