//! Measures a server as its clients meet it.
//!
//! Pure: when requests are due ([`arrivals`]), whom they ask for ([`users`]), what latencies amount to ([`latency`]). Around
//! them shells that speak HTTP: the load generator ([`load`]), the probe of freshness ([`freshness`]) and its [`client`]. The [`floor`]
//! is a server that does nothing, for what generator, kernel and HTTP take by themselves.

pub mod arrivals;
pub mod client;
pub mod error;
pub mod floor;
pub mod freshness;
pub mod latency;
pub mod load;
pub mod response;
pub mod users;

pub use error::BenchError;
