//! The five upstream services and the Streaming API that they live from, simulated.
//!
//! [`simulator`] is a server that speaks the Streaming API, [`replay`] reads recorded archives for it; [`stream`] is the
//! client of any server that does; [`tweets`] publishes what it receives as the tweet and the user service; [`follows`],
//! [`likes`] and [`lists`] make up facts between the users and tweets that they see on the topics. [`all`] is everything
//! in one.
//!
//! Invariant: a service never publishes what contradicts its own topic. Before it acts after a start or a failed
//! delivery it rebuilds what it knows from there; it never retries one fact alone. Kafka's topics are all that these
//! services share with the User Information Service.
//!
//! Suggested reading order: [`stream`], [`tweets`], `generator`, [`follows`], [`likes`], [`lists`], [`simulator`],
//! [`replay`], [`all`].

pub mod admin;
pub mod all;
mod clock;
mod error;
pub mod follows;
mod generator;
mod half_said;
pub mod likes;
pub mod lists;
mod pacer;
mod progress;
mod reader;
mod recent;
pub mod replay;
mod sessions;
pub mod simulator;
pub mod stream;
pub mod tweets;
mod zipf;

pub use error::UpstreamError;
pub use generator::{FACTS_MAX, GeneratorConfig, KNOWN_USERS_MAX, Mix};
pub use pacer::Pacer;
pub use progress::Progress;
