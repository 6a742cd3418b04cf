//! The client's side of the Streaming API: bytes to messages, messages to what the services publish.
//!
//! [`splitter`] and [`message`] are pure; [`backoff`] says how long to wait; [`client`] is the shell around them.

pub mod backoff;
pub mod client;
pub mod message;
pub mod splitter;
pub(crate) mod v1_date;
