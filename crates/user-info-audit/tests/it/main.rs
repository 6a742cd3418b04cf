//! The audit through its public interface: the model alone, against the core, and audits of stores and servers.
//!
//! Properties run the same cases every time; `USER_INFO_SOAK=1` runs many more of them, different ones each time.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod against_core;
mod fake_server;
mod model;
mod positions;
mod records;
mod server;
mod sources;
mod store;
mod world;
