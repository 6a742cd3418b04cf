//! A server that speaks Twitter's v1.1 Streaming API, about users and tweets that it makes up.
//!
//! [`simulation`] is pure: a seed, the time and a count of messages decide every byte. Below it, [`graph`] says who follows
//! whom, [`activity`] who writes when, `lives` who is away, `composing` what is said and `objects` how it is put on the
//! wire; [`frequencies`] has every number that somebody may want to know.
//!
//! The server around it is a thin shell. It serves what a sample stream needs; parameters, warnings, limits and
//! authentication would go between the request and the subscription in `server`.

pub mod activity;
mod composing;
mod draw;
mod feed;
pub mod frequencies;
pub mod graph;
mod lives;
mod objects;
mod population;
mod post;
mod profile;
mod recent;
pub mod regions;
mod server;
pub mod simulation;
mod source;
mod text;
mod vocabulary;
mod writing;

pub use population::{BYTES_PER_USER, user_id};
pub use server::{ServerLimits, serve, serve_replay, serve_with};

/// Where the stream is, below the server's address.
pub const STREAM_PATH: &str = "/1.1/statuses/sample.json";

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct SimulatorConfig {
    /// How many users there are, at least 1. A few write much, most write little.
    pub users: u32,
    /// New statuses per second; deletions and repetitions come on top.
    pub rate: f64,
    /// The same seed makes the same users say the same things.
    pub seed: u64,
}
