//! One contract, kept by the embedded log and by Apache Kafka, and what each of them promises besides.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper of a test fails the test, and a subprocess reports by printing"
)]

mod compaction;
mod contract;
mod embedded;
mod faults;
mod groups;
mod kafka;
mod kafka_groups;
mod kafka_topics;
mod kafka_transactions;
mod naming;
mod subject;
mod subprocess;
