//! For tests only: real Kafka brokers, Redis servers and Redis Clusters, PostgreSQL servers, browsers, processes that end with the
//! test, and helpers for waiting, ports and randomness.
//!
//! Invariant: what a test starts here ends with the test, whether it passes, panics or is killed. A handle that is dropped kills
//! its process and removes its files; if the test process itself dies, the kernel kills its children, and the next test process
//! removes the files they left. Linux only.
//!
//! Everything blocks the calling thread; an async test calls it from a multi-threaded runtime.

mod browser;
mod certificates;
mod kafka;
mod port;
mod postgres;
mod process;
mod randomness;
mod redis;
mod scratch;
mod starter;
mod waiting;

pub use browser::{Browser, Finding, Viewport};
pub use certificates::Certificates;
pub use kafka::{BrokerConfig, Credentials, KafkaBroker, Security, Speed};
pub use port::free_port;
pub use postgres::{PostgresConfig, PostgresServer};
pub use process::Process;
pub use randomness::{Seed, soak};
pub use redis::{ClusterConfig, RedisCluster, RedisConfig, RedisSecurity, RedisServer};
pub use waiting::eventually;
