//! What the User Information Service promises: first the pure parts, then the running service over real sockets, a real
//! log and a real store.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and says where it was"
)]

mod clients;
mod facts;
mod hot;
mod http;
mod server;

mod answer;
mod assemble;
mod rate_limit;
mod request;
mod standing;
mod twitter_links;
mod view;

mod admin;
mod bad_records;
mod batch;
mod connections;
mod cors;
mod encoding;
mod events;
mod halts;
mod history;
mod http2;
mod kafka;
mod load;
mod malformed;
mod metrics;
mod on_redis;
mod openapi;
mod operator;
mod page_requests;
mod pages;
mod pages_in_a_browser;
mod rebuild;
mod restart;
mod serving;
mod stopping;
mod tls;

mod egg_mode_client;
mod limits;
mod python_twitter;
mod tweepy;
mod twitter_v1;
mod twitter_v2;
