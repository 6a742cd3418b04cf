//! The User Information Service: it follows the five topics of facts, keeps one ready record per user in a store, and
//! answers who a user is while the data changes.
//!
//! Two halves that share no lock: one thread owns ingest ([`ingest`]) and publishes what it has done as a [`view`];
//! any number of requests read the store and the newest view ([`public`]). What decides is pure and tested alone
//! ([`standing`], [`assemble`], [`answer`]); threads and sockets are a thin shell around it.
//!
//! Suggested reading order: [`mod@run`], [`ingest`], [`standing`], [`assemble`], [`view`], [`public`], [`found`],
//! [`answer`], [`twitter`], [`admin`], [`history`], [`operator`].

pub mod admin;
pub mod answer;
pub mod assemble;
pub mod batch;
pub mod body;
pub mod changes;
pub mod clock;
pub mod cors;
pub mod encoding;
pub mod errors;
pub mod events;
pub mod fields;
pub mod found;
pub mod history;
pub mod hot;
pub mod ingest;
pub mod listen;
pub mod load;
pub mod metrics;
pub mod openapi;
pub mod operator;
pub mod outbox;
pub mod pages;
mod place;
pub mod public;
pub mod rate_limit;
pub mod rebuild;
mod refusal;
pub mod representation;
pub mod request;
pub mod run;
pub mod standing;
pub mod tls;
pub mod twitter;
pub mod view;
pub mod watch;

pub use errors::ServiceError;
pub use rebuild::{Rebuilt, rebuild};
pub use run::{ServiceConfig, Shutdown, run};
