//! A real Redis, alone or as a cluster: on free ports of 127.0.0.1, in temporary directories.
//!
//! Every start, stop, kill and pause happens to the real process; ports, data and passwords stay the same over restarts. Questions
//! and commands go through Debian's `redis-cli`, so that no client under test has to be right for a test to see what is there.

mod cli;
mod cluster;
mod configuration;
mod security;
mod server;

pub use cluster::{ClusterConfig, RedisCluster};
pub use configuration::RedisConfig;
pub use security::RedisSecurity;
pub use server::RedisServer;
