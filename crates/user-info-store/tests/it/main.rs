//! What a store promises, proved through its public interface.
//!
//! `contract` runs on every backend, `late_writers` and `subscribers` are about Redis; the rest is about RocksDB: processes,
//! crashes, files. Random histories are the same
//! in every run; `USER_INFO_SOAK=1` runs many more of them, different ones each time.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod builders;
mod model;
mod process;
mod relay;

mod contract;
mod damage;
mod kill;
mod late_writers;
mod properties;
mod readers;
mod rebuild;
mod reopen;
mod servers;
mod subscribers;
mod urls;
