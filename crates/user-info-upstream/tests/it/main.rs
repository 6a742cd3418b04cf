//! The upstream services and the simulated stream keep what they promise, on real sockets and a real log.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper of a test fails the test; one of them reports to another"
)]

mod accounts;
mod clients;
mod credentials;
mod departures;
mod end_to_end;
mod fencing;
mod generators;
mod kafka;
mod message_kinds;
mod messages;
mod mixes;
mod modes;
mod operation;
mod pacing;
mod reconnection;
mod recorded;
mod replay;
mod server_accounts;
mod server_faults;
mod simulation;
mod simulator_server;
mod society;
mod splitter;
mod stream_client;
mod stream_forms;
mod support;
mod translation;
mod tweet_service;
mod wire;
mod world;
