//! The client's side of the Streaming API: bytes to messages, messages to what the services publish.
//!
//! [`decoder`] (with [`splitter`] and [`lengths`] inside), [`message`], [`answer`] and [`backoff`] are pure; [`client`] is the
//! shell around them. [`address`] and [`credentials`] say which stream and who asks for it.

pub mod address;
pub mod answer;
pub mod backoff;
pub mod client;
pub mod credentials;
pub mod decoder;
pub mod lengths;
pub mod message;
pub mod oauth;
pub mod splitter;
