//! The benchmark through its public interface: what is asked and when, and what is made of the answers of servers that behave
//! and of those that do not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod arrivals;
mod freshness;
mod instructions;
mod latency;
mod load;
mod response;
mod servers;
mod users;
