//! The whole program from outside: real processes, real signals, a real Apache Kafka, real directories.
//!
//! Nothing here looks into the program: it is started as a person would start it, and judged by what it prints, answers
//! and leaves behind. Tests that need a broker take their turn ([`support::turn`]), because two cores are few.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a helper of a test fails the test and tells what it did"
)]

mod support;

mod layout;

mod command_line;
mod configuration;
mod names_and_lives;
mod operator;
mod replay;
mod stopping;
mod stream_refused;
mod stream_server;
mod twitter_apis;

mod bad_input;
mod bench;
mod compaction;
mod demo;
mod openapi;
mod public_options;
mod tls;
mod topics;
mod topics_that_change;
mod transactions;
mod upstream_services;

mod crash;
mod many_readers;
mod mutants;
mod outage;
mod phone;
mod redis_chaos;
mod redis_errors;
mod redis_failover;
mod redis_late_writer;
