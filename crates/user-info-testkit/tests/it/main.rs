//! The test kit keeps its own promises: real brokers, real processes, and nothing left behind.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper of a test fails the test, and a subprocess reports by printing"
)]

mod broker;
mod browser;
mod lifetime;
mod port;
mod postgres;
mod process;
mod randomness;
mod redis_cluster;
mod redis_server;
mod subprocess;
mod waiting;
mod wire;
