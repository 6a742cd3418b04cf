//! A server that speaks Twitter's v1.1 Streaming API, about users and tweets that it makes up.
//!
//! [`simulation`] is pure: a seed, the time and a count of messages decide every byte. Below it, [`graph`] says who follows
//! whom, [`activity`] who writes when, `lives` who is away, `composing` what is said and `objects` how it is put on the
//! wire; [`frequencies`] has every number that somebody may want to know.
//!
//! Around it, from the inside out: `feed` asks a `source` for messages and hands them in `batch`es to everybody who listens;
//! `delivery` writes them the way each client asked for (`request`, `framing`); `server` lets clients in (`authorization`,
//! `accounts`) or not (`refusal`).

mod accounts;
pub mod activity;
mod answer;
mod authorization;
mod batch;
mod composing;
mod delivery;
mod departure;
mod draw;
mod faults;
mod feed;
mod framing;
pub mod frequencies;
pub mod graph;
mod kind;
mod lives;
mod notices;
mod objects;
mod options;
mod population;
mod post;
mod profile;
mod recent;
mod refusal;
pub mod regions;
mod request;
mod server;
pub mod simulation;
mod source;
mod text;
mod traffic;
mod vocabulary;
mod writing;

pub use accounts::{AccountLimits, ConnectLimit};
pub use authorization::AcceptedKeys;
pub use faults::Faults;
pub use kind::Kind;
pub use notices::DisconnectCode;
pub use options::{ServerLimits, ServerOptions, Upkeep};
pub use population::{BYTES_PER_USER, user_id};
pub use server::{serve, serve_replay, serve_with};
pub use traffic::Traffic;

/// Where the stream is, below the server's address.
pub const STREAM_PATH: &str = "/1.1/statuses/sample.json";

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct SimulatorConfig {
    /// How many users there are, at least 1. A few write much, most write little.
    pub users: u32,
    /// New statuses per second; deletions and repetitions come on top. Infinite: as fast as all clients can read.
    pub rate: f64,
    /// The same seed makes the same users say the same things.
    pub seed: u64,
}
